"""Everything that can happen to a conversation: client messages as they are, and these facts.

Facts of a reply carry its number; the conversation drops those of an old one at the door. ``at`` is when a thing
happened, in monotonic seconds, which may be a little before it is told.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from parola.conversation.commands import Commanded, OperatorCame, OperatorLeft, OperatorSaid, OperatorSpoke
from parola.conversation.guardrails import Trigger
from parola.conversation.mcp_tools import ListedTool
from parola.protocol.client_messages import (
    ClientToolResult,
    ContextualUpdate,
    Feedback,
    McpToolApprovalResult,
    Pong,
    UserActivity,
    UserMessage,
)
from parola.providers.base import Alignment

if TYPE_CHECKING:
    from parola.conversation.setup import Setup


@dataclass(frozen=True, slots=True)
class Started:
    """The client is there and everything is resolved: greet it."""

    was_greeted: bool = False
    """It had to wait for a place and has got its ``conversation_initiation_metadata`` already."""


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """The user began to speak."""

    at: float


@dataclass(frozen=True, slots=True)
class SpeechStopped:
    """The user fell silent. Exactly one ``TranscriptUpdated`` or ``ListeningFailed`` follows each of these."""

    at: float


@dataclass(frozen=True, slots=True)
class SpeechScored:
    """Speech probability of one window, told only to those who subscribed to ``vad_score``."""

    probability: float


@dataclass(frozen=True, slots=True)
class TranscriptUpdated:
    """The words of the whole user turn so far."""

    text: str
    is_partial: bool = False
    """The user was still speaking: told when ``TranscribeNow`` asked for it, and may change."""


@dataclass(frozen=True, slots=True)
class TurnEndPredicted:
    """How likely the turn is over, by the sound of the utterance that stopped last (0..1). Told at most once for each
    ``SpeechStopped``, before or after its words."""

    probability: float


@dataclass(frozen=True, slots=True)
class ListeningFailed:
    """Speech could not be transcribed."""

    message: str


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file the user sent, ready for the model."""

    file_id: str
    name: str
    mime_type: str
    content: Mapping[str, Any]
    """One OpenAI content part: ``{"type": "image_url", …}`` or ``{"type": "text", …}``."""


@dataclass(frozen=True, slots=True)
class FilesShared:
    """A ``multimodal_message`` whose files have been fetched: one user turn."""

    text: str
    files: tuple[Attachment, ...]


@dataclass(frozen=True, slots=True)
class KnowledgeRetrieved:
    """The agent's documents were searched for what the user said; the model is asked now."""

    reply: int
    info: Mapping[str, Any] | None = None
    """The record's ``rag_retrieval_info``; None: it failed."""
    problem: str = ""
    """Why it failed, for the owner."""


@dataclass(frozen=True, slots=True)
class ReplyText:
    """The model wrote some more."""

    reply: int
    text: str
    voice_label: str | None = None
    """Which of the agent's further voices says it; None: its own."""


@dataclass(frozen=True, slots=True)
class ModelThinks:
    """The model has begun and has nothing to say yet."""

    reply: int
    text: str = ""
    """Some more of what it thinks, or of a summary of it, where that can be known."""


@dataclass(frozen=True, slots=True)
class MetadataReturned:
    """An endpoint of the owner's said something to the client beside its answer."""

    reply: int
    metadata: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ToolCalled:
    """The model wants a tool."""

    reply: int
    name: str
    arguments: Mapping[str, Any]
    unreadable: str = ""
    """What it wrote in place of a JSON object, when it did; ``arguments`` is empty then."""


@dataclass(frozen=True, slots=True)
class ModelFinished:
    """The model's step is over; speech of it may still be coming."""

    reply: int
    model: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    context_limit: int = 0
    usage: Mapping[str, Any] = field(default_factory=dict)
    """Tokens by kind and what they cost: ``LlmInputOutputTokensUsage``."""
    llm_override: str = ""
    """The ``llm`` that answered in place of the agent's own."""
    warnings: tuple[str, ...] = ()
    """What the owner should know of this step."""
    used_document_ids: tuple[str, ...] = ()
    """Documents the model says it relied on."""


@dataclass(frozen=True, slots=True)
class SentenceStarted:
    """The audio that follows speaks this text; all sentences of a reply, joined, are its text."""

    reply: int
    text: str
    spoken_from: tuple[int, ...] = ()
    """For each character that is spoken, in order, which one of ``text`` it comes from: what is written "**No**" or
    "UN" may be spoken "No" and "United Nations". Ascending; empty: spoken as it is written."""


@dataclass(frozen=True, slots=True)
class ReplyAudio:
    """A chunk in the client's output format, ready to be sent."""

    reply: int
    audio: bytes
    seconds: float
    alignment: Alignment | None = None


@dataclass(frozen=True, slots=True)
class ReplyFinished:
    """Everything of this reply has been told."""

    reply: int


@dataclass(frozen=True, slots=True)
class ReplyFailed:
    """The model or the voice failed; ``error_type`` is the protocol's."""

    reply: int
    error_type: str
    message: str


@dataclass(frozen=True, slots=True)
class ToolAsked:
    """A tool that was not the client's to run is being asked. How, for the record, should it never answer."""

    call_id: str
    details: Mapping[str, Any]
    """In the shape of the record's ``tool_details``; no secrets."""


@dataclass(frozen=True, slots=True)
class ToolFinished:
    """A tool that was not the client's to run gave its result, or failed."""

    call_id: str
    result: str
    """Text for the model."""
    is_error: bool = False
    error_type: str = ""
    is_called: bool = True
    raw_error: str = ""
    """What went wrong, for the record and the operator; the model is told what the tool's error mode allows."""
    response: Any = None
    """The response as JSON, when it was JSON: what ``assignments`` read."""
    details: Mapping[str, Any] | None = None
    """How it was called, in the shape of the record's ``tool_details``; no secrets."""
    content: tuple[Mapping[str, Any], ...] = ()
    """What an MCP server gave, as content blocks: for the client."""


@dataclass(frozen=True, slots=True)
class AgentReady:
    """The agent that ``FetchAgent`` asked for can take over."""

    call_id: str
    setup: Setup


@dataclass(frozen=True, slots=True)
class AgentUnavailable:
    """It cannot, and why."""

    call_id: str
    message: str


@dataclass(frozen=True, slots=True)
class McpServerTried:
    """An MCP server of the agent has been connected to, or could not be; told again whenever that or its tools
    change."""

    server_id: str
    is_connected: bool
    tools: tuple[ListedTool, ...] = ()
    """What it offers, or offered when it was last asked."""
    problem: str = ""
    """Why it is not connected, as a sentence without its name."""
    is_settled: bool = True
    """False: it is still being connected to."""


@dataclass(frozen=True, slots=True)
class ReplyWithheld:
    """The model writes; nothing of it is told before it has been judged."""

    reply: int


@dataclass(frozen=True, slots=True)
class GuardrailTriggered:
    """A guardrail found something in a reply, or in what the user said before it."""

    reply: int
    trigger: Trigger


@dataclass(frozen=True, slots=True)
class SoundMade:
    """A piece of the sound that ``StartSound`` asked for, in the client's output format."""

    audio: bytes
    seconds: float


@dataclass(frozen=True, slots=True)
class InvalidMessageReceived:
    """The client sent what cannot be read."""

    error_type: str
    message: str


@dataclass(frozen=True, slots=True)
class InputStalled:
    """Nothing at all came from the client for this long."""

    seconds: float


@dataclass(frozen=True, slots=True)
class ClientDisconnected:
    """The client hung up, or its connection broke."""

    code: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ClientResumed:
    """It is back, over another connection."""


@dataclass(frozen=True, slots=True)
class EndRequested:
    """Somebody else ends the conversation: the server that stops, an operator."""

    reason: str
    code: int = 1000


Event = (
    Started
    | SpeechStarted
    | SpeechStopped
    | SpeechScored
    | TranscriptUpdated
    | TurnEndPredicted
    | ListeningFailed
    | FilesShared
    | KnowledgeRetrieved
    | ReplyText
    | ModelThinks
    | MetadataReturned
    | ToolCalled
    | ModelFinished
    | SentenceStarted
    | ReplyAudio
    | ReplyFinished
    | ReplyFailed
    | ReplyWithheld
    | GuardrailTriggered
    | SoundMade
    | InvalidMessageReceived
    | InputStalled
    | ClientDisconnected
    | ClientResumed
    | EndRequested
    | Commanded
    | OperatorCame
    | OperatorLeft
    | OperatorSpoke
    | OperatorSaid
    | Pong
    | UserMessage
    | UserActivity
    | ContextualUpdate
    | ClientToolResult
    | ToolAsked
    | ToolFinished
    | AgentReady
    | AgentUnavailable
    | Feedback
    | McpToolApprovalResult
    | McpServerTried
)

ReplyEvent = (
    KnowledgeRetrieved
    | ReplyText
    | ModelThinks
    | MetadataReturned
    | ToolCalled
    | ModelFinished
    | SentenceStarted
    | ReplyAudio
    | ReplyFinished
    | ReplyFailed
)
"""Those that carry a reply's number."""

REPLY_EVENTS = (
    KnowledgeRetrieved,
    ReplyText,
    ModelThinks,
    MetadataReturned,
    ToolCalled,
    ModelFinished,
    SentenceStarted,
    ReplyAudio,
    ReplyFinished,
    ReplyFailed,
)
