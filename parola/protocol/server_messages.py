"""Every frame the server sends (reference: websocket.md §4), one class each.

Event ids are integers and belong to a step of the conversation, not to a frame: all frames of one agent reply share
one. ``audio`` is the hot one: it is encoded by hand, and its payload is base64 only on the wire.
"""

from __future__ import annotations

from binascii import b2a_base64
from typing import Any, ClassVar, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, field_serializer

from parola.protocol.messages import ServerMessage

AudioFormatName = Literal["pcm_8000", "pcm_16000", "pcm_22050", "pcm_24000", "pcm_44100", "pcm_48000", "ulaw_8000"]
ToolType = Literal["client", "webhook", "mcp", "system", "workflow"]


class ConversationInitiationMetadata(ServerMessage):
    """Always the first frame of a connection, exactly once; the first three fields even for text-only sessions."""

    event_type = "conversation_initiation_metadata"
    payload_key = "conversation_initiation_metadata_event"

    conversation_id: str
    agent_output_audio_format: AudioFormatName
    user_input_audio_format: AudioFormatName
    x_accepted_overrides: list[str] | None = None
    """Sent by agents that ignore forbidden overrides: the paths of those that hold."""
    x_resume_token: str | None = None
    """Sent to clients that asked for it (``x_resume=1``): with this the conversation goes on over another connection,
    once."""
    x_resume_window_secs: float | None = None
    """How long after its connection broke the client may do so."""


class AsrInitiationMetadata(ServerMessage):
    """What listens; its content is not specified."""

    event_type = "asr_initiation_metadata"
    payload_key = "asr_initiation_metadata_event"

    model_config = ConfigDict(extra="allow", frozen=True, defer_build=True)

    provider: str
    language: str


class Ping(ServerMessage):
    """Keep-alive. ``ping_ms`` is null until a pong was seen, and always present."""

    event_type = "ping"
    payload_key = "ping_event"
    nullable = frozenset({"ping_ms"})

    event_id: int
    ping_ms: int | None = None


class AudioAlignment(BaseModel):
    """When each character of this frame's audio is spoken; integers, milliseconds, equal lengths."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    chars: tuple[str, ...]
    char_start_times_ms: tuple[int, ...]
    char_durations_ms: tuple[int, ...]


class Audio(ServerMessage):
    """A piece of the agent's voice in the announced output format; a whole number of samples."""

    event_type = "audio"
    payload_key = "audio_event"

    audio_base_64: bytes = Field(json_schema_extra={"contentEncoding": "base64"})
    event_id: int
    alignment: AudioAlignment | None = None
    is_final: bool | None = None

    @field_serializer("audio_base_64")
    def _base64(self, audio: bytes) -> str:
        return b2a_base64(audio, newline=False).decode()

    def encode(self) -> str:
        tail = ""
        if self.alignment is not None:
            tail += f',"alignment":{orjson.dumps(self.alignment.model_dump()).decode()}'
        if self.is_final is not None:
            tail += f',"is_final":{"true" if self.is_final else "false"}'
        audio = b2a_base64(self.audio_base_64, newline=False).decode()
        return f'{{"type":"audio","audio_event":{{"audio_base_64":"{audio}","event_id":{self.event_id}{tail}}}}}'


class UserTranscript(ServerMessage):
    """What the user said in the turn that just ended."""

    event_type = "user_transcript"
    payload_key = "user_transcription_event"

    user_transcript: str
    event_id: int


class TentativeUserTranscript(ServerMessage):
    """What the user seems to be saying; may change."""

    event_type = "tentative_user_transcript"
    payload_key = "tentative_user_transcription_event"

    user_transcript: str
    event_id: int


class AgentResponse(ServerMessage):
    """The full text of one message of the agent."""

    event_type = "agent_response"
    payload_key = "agent_response_event"

    agent_response: str
    event_id: int
    response_id: str | None = None


class AgentResponseCorrection(ServerMessage):
    """After an interruption: what was really heard."""

    event_type = "agent_response_correction"
    payload_key = "agent_response_correction_event"

    original_agent_response: str
    corrected_agent_response: str
    event_id: int
    response_id: str | None = None


class AgentChatResponsePart(ServerMessage):
    """Streamed text: one start, deltas, one stop."""

    event_type = "agent_chat_response_part"
    payload_key = "text_response_part"

    text: str
    type: Literal["start", "delta", "stop"]
    event_id: int
    response_id: str | None = None


class AgentResponseComplete(ServerMessage):
    """The agent's turn is over, tools included: nothing more until user input or a turn timeout."""

    event_type = "agent_response_complete"
    payload_key = "agent_response_complete_event"

    event_id: int


class Interruption(ServerMessage):
    """Barge-in accepted: ``event_id`` is that of the reply being cut; no later audio carries it."""

    event_type = "interruption"
    payload_key = "interruption_event"

    event_id: int
    reason: str | None = None


class ClientToolCall(ServerMessage):
    """The client is asked to run a tool. ``parameters`` is always an object, ``expects_response`` always there."""

    event_type = "client_tool_call"
    payload_key = "client_tool_call"

    tool_name: str
    tool_call_id: str
    parameters: dict[str, Any]
    event_id: int
    expects_response: bool


class AgentToolRequest(ServerMessage):
    """The model chose a tool; it is about to run."""

    event_type = "agent_tool_request"
    payload_key = "agent_tool_request"

    tool_name: str
    tool_call_id: str
    tool_type: ToolType
    event_id: int


class AgentToolResponse(ServerMessage):
    """A tool finished. With ``tool_name`` ``end_call`` the JavaScript client hangs up at once."""

    event_type = "agent_tool_response"
    payload_key = "agent_tool_response"

    tool_name: str
    tool_call_id: str
    tool_type: ToolType
    is_error: bool
    is_called: bool
    event_id: int
    is_blocked: bool = False
    status: Literal["success", "error", "blocked", "skipped"] | None = None


class AgentToolResponseFullPayload(AgentToolResponse):
    """``agent_tool_response`` with the result itself, cut at 64 KB."""

    event_type = "agent_tool_response_full_payload"
    payload_key = "agent_tool_response_full_payload"

    full_tool_result: str
    truncated: bool = False


class GuardrailTriggered(ServerMessage):
    """What the agent said, or was about to say, was stopped."""

    event_type = "guardrail_triggered"
    payload_key = ""

    guardrail_name: str | None = None


class McpToolCall(ServerMessage):
    """How far a call of an MCP server's tool is: ``loading``, perhaps ``awaiting_approval``, then ``success`` or
    ``failure``. While it awaits approval, a client may answer with ``mcp_tool_approval_result``."""

    event_type = "mcp_tool_call"
    payload_key = "mcp_tool_call"
    nullable = frozenset({"tool_description"})

    service_id: str
    tool_call_id: str
    tool_name: str
    tool_description: str | None = None
    parameters: dict[str, Any]
    timestamp: str
    state: Literal["loading", "awaiting_approval", "success", "failure"]
    approval_timeout_secs: int | None = None
    """With ``awaiting_approval``."""
    result: list[dict[str, Any]] | None = None
    """With ``success``: content blocks, as the server gave them."""
    error_message: str | None = None
    """With ``failure``."""


class McpIntegration(BaseModel):
    """One MCP server of the agent."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    integration_id: str
    integration_type: Literal["mcp_server", "mcp_integration"] = "mcp_server"
    is_connected: bool
    tool_count: int


class McpConnectionStatus(ServerMessage):
    """Which MCP servers were reached, and how many tools each of them offers."""

    event_type = "mcp_connection_status"
    payload_key = "mcp_connection_status"

    integrations: tuple[McpIntegration, ...]


class DtmfRequest(ServerMessage):
    """Press these keys on the line that the client stands for: 0-9, * and #; w waits half a second, W a second."""

    event_type = "dtmf_request"
    payload_key = "dtmf_request"

    dtmf_tones: str
    tool_call_id: str
    event_id: int


class VadScore(ServerMessage):
    """Speech probability of one 32 ms window."""

    event_type = "vad_score"
    payload_key = "vad_score_event"

    vad_score: float = Field(ge=0, le=1)


class AgentReasoningResponsePart(ServerMessage):
    """What the model thinks, or a summary of it, as it comes: for agents with ``enable_reasoning_summary``."""

    event_type = "agent_reasoning_response_part"
    payload_key = "reasoning_response_part"

    text: str
    type: Literal["start", "delta", "stop"]
    event_id: str
    """A text, unlike everywhere else."""


class AgentResponseMetadata(ServerMessage):
    """What the owner's own model said beside its answer."""

    event_type = "agent_response_metadata"
    payload_key = "agent_response_metadata_event"

    metadata: dict[str, Any]
    event_id: int


class ContextUsage(ServerMessage):
    """How full the model's context is, after each agent turn."""

    event_type = "context_usage"
    payload_key = "context_usage_event"

    event_id: int
    model: str
    context_tokens: int
    context_limit_tokens: int


class Error(ServerMessage):
    """Sent just before an error close: the long form of the close reason."""

    event_type = "error"
    payload_key = "error_event"

    code: int
    error_type: str | None = None
    message: str | None = None
    reason: str | None = None
    debug_message: str | None = None
    details: dict[str, Any] | None = None


class AgentTyping(ServerMessage):
    """The person who has taken over is writing, or has stopped."""

    event_type = "agent_typing"
    payload_key = "agent_typing_event"

    is_typing: bool
    duration_ms: int | None = None


class ExternalAgentConnected(ServerMessage):
    """A person has taken over: what follows as ``agent_response`` is theirs."""

    event_type = "external_agent_connected"
    payload_key = "external_agent_connected_event"


class ExternalAgentDisconnected(ServerMessage):
    """The agent goes on."""

    event_type = "external_agent_disconnected"
    payload_key = "external_agent_disconnected_event"


class QueueStatus(ServerMessage):
    """How it stands with a caller who waits for a place; what it sends while it waits is dropped."""

    event_type = "queue_status"
    payload_key = "queue_status_event"

    status: Literal["waiting", "admitted", "timed_out"]


class InternalTurnProbability(ServerMessage):
    """How likely the user's turn is over, by its sound, for those who asked for it."""

    event_type = "internal_turn_probability"
    payload_key = "turn_probability_internal_event"

    turn_probability: float


class InternalTentativeAgentResponse(ServerMessage):
    """A draft of the reply, for those who asked for it."""

    event_type = "internal_tentative_agent_response"
    payload_key = "tentative_agent_response_internal_event"

    tentative_agent_response: str


SERVER_MESSAGES: tuple[type[ServerMessage], ...] = (
    ConversationInitiationMetadata,
    AsrInitiationMetadata,
    Ping,
    Audio,
    UserTranscript,
    TentativeUserTranscript,
    AgentResponse,
    AgentResponseCorrection,
    AgentChatResponsePart,
    AgentResponseComplete,
    Interruption,
    ClientToolCall,
    AgentToolRequest,
    AgentToolResponse,
    AgentToolResponseFullPayload,
    McpToolCall,
    McpConnectionStatus,
    DtmfRequest,
    VadScore,
    ContextUsage,
    AgentReasoningResponsePart,
    AgentResponseMetadata,
    GuardrailTriggered,
    Error,
    QueueStatus,
    AgentTyping,
    ExternalAgentConnected,
    ExternalAgentDisconnected,
    InternalTurnProbability,
    InternalTentativeAgentResponse,
)

ALWAYS_SENT: frozenset[str] = frozenset(
    {"conversation_initiation_metadata", "ping", "client_tool_call", "error", "queue_status"}
)
"""Sent whatever ``client_events`` says: without them no client works."""

ONLY_WHEN_LISTED: frozenset[str] = frozenset(
    {"vad_score", "agent_tool_response_full_payload", "internal_tentative_agent_response", "dtmf_request"}
    | {"agent_reasoning_response_part", "agent_response_metadata"}
)
"""Sent only to those who list them; every other event is sent when an agent lists nothing."""


SHOWN_TO_WATCHERS: frozenset[str] = frozenset(
    {"asr_initiation_metadata", "user_transcript", "agent_response", "agent_response_correction"}
    | {"agent_response_complete", "interruption", "agent_tool_request", "agent_tool_response", "mcp_tool_call"}
    | {"mcp_connection_status", "context_usage", "guardrail_triggered", "agent_response_metadata"}
    | {"external_agent_connected", "external_agent_disconnected"}
)
"""What an event log has even of a client that does not ask for it: all that is whole, none of what comes in pieces."""


class ClientEventFilter:
    """Which events an agent lets through: its ``conversation.client_events``, or all stable ones when it has none.

    ``agent_chat_response_part`` is on in text conversations whether listed or not: without it a chat does not
    stream.
    """

    __slots__ = ("_listed", "_text_only")

    _listed: frozenset[str] | None
    event_types: ClassVar[frozenset[str]] = frozenset(message.event_type for message in SERVER_MESSAGES)

    def __init__(self, listed: list[str] | None, *, text_only: bool) -> None:
        self._listed = frozenset(listed) if listed else None
        self._text_only = text_only

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ClientEventFilter) and self._passing == other._passing

    def __hash__(self) -> int:
        return hash(self._passing)

    @property
    def _passing(self) -> frozenset[str]:
        return frozenset(name for name in self.event_types if self.passes(name))

    def passes(self, event_type: str) -> bool:
        if event_type in ALWAYS_SENT:
            return True
        if event_type == "agent_chat_response_part" and self._text_only:
            return True
        if self._listed is None:
            return event_type not in ONLY_WHEN_LISTED and event_type != "agent_chat_response_part"
        return event_type in self._listed
