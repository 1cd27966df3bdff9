"""Every frame a client may send (reference: websocket.md §3), and how one is read.

The shapes are what the official SDKs really send, quirks included. ``read`` never raises anything but
``InvalidMessage``; a type nobody knows gives None, because newer clients know more than we do.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

import orjson
from pydantic import BeforeValidator, Field, ValidationError

from parola.protocol.messages import ClientMessage, WireModel

DEEPEST = 100
"""Levels of objects and lists in one frame: enough for any client, and every part of the server can go down so far."""


MOST_CHARACTERS = 1_000_000
"""Of words in one message. What is said is searched, counted and stored at once: without
an end, one message could keep everybody waiting."""

Words = Annotated[str, Field(max_length=MOST_CHARACTERS)]


class InvalidMessage(Exception):
    """A frame that cannot be read; ``error_type`` and the text go into the error frame and the close reason."""

    def __init__(self, error_type: str, message: str) -> None:
        super().__init__(message)
        self.error_type = error_type
        self.message = message


def _or_empty(value: Any) -> Any:
    return {} if value is None else value


LenientDict = Annotated[dict[str, Any], BeforeValidator(_or_empty)]


class SourceInfo(WireModel):
    source: str | None = None
    version: str | None = None


class ToolMockConfig(WireModel):
    mocking_strategy: str = "none"
    mocked_tool_names: list[str] = Field(default_factory=list)
    fallback_strategy: str = "raise_error"


class ConversationInitiationClientData(ClientMessage):
    """The client's first frame. Empty objects and nulls are no overrides; what is unknown is kept."""

    event_type = "conversation_initiation_client_data"

    conversation_config_override: LenientDict = Field(default_factory=dict)
    custom_llm_extra_body: Any = None
    dynamic_variables: LenientDict = Field(default_factory=dict)
    user_id: str | None = None
    source_info: SourceInfo | None = None
    branch_id: str | None = None
    environment: str | None = None
    tool_mock_config: ToolMockConfig | None = None
    starting_workflow_node_id: str | None = None
    procedure_ids: list[str] | None = None
    start_procedure_ids: list[str] | None = None
    x_tools: list[dict[str, Any]] | None = None
    """Client tools of this conversation only, each as in ``prompt.tools``; the agent has to allow them."""


class Pong(ClientMessage):
    event_type = "pong"

    event_id: int


class UserMessage(ClientMessage):
    """A finished utterance, typed. ``text`` null is a signal, not a turn."""

    event_type = "user_message"

    text: Words | None = None
    rich_content_id: str | None = None


class UserActivity(ClientMessage):
    """The user is typing: the agent leaves the floor."""

    event_type = "user_activity"


class ContextualUpdate(ClientMessage):
    """Background for the model: no turn, no interruption. The same ``context_id`` replaces the older text."""

    event_type = "contextual_update"

    text: Words
    context_id: str | None = None


class ClientToolResult(ClientMessage):
    """The answer to a ``client_tool_call``; ``result`` is any JSON (the Python SDK does not make it a string)."""

    event_type = "client_tool_result"

    tool_call_id: str
    result: Any = None
    is_error: bool = False
    error_type: str | None = None


class Feedback(ClientMessage):
    """A rating of one reply; null takes it back."""

    event_type = "feedback"

    event_id: int
    score: Literal["like", "dislike"] | None = None


class McpToolApprovalResult(ClientMessage):
    """The answer to an ``mcp_tool_call`` that awaits approval; the first one counts."""

    event_type = "mcp_tool_approval_result"

    tool_call_id: str
    is_approved: bool


class FileInput(WireModel):
    file_id: str


class MessageText(WireModel):
    text: Words | None = None


class MultimodalMessage(ClientMessage):
    """A user turn with files. Newer clients send ``file`` (the first) and ``files`` (all): ``file_ids`` counts once."""

    event_type = "multimodal_message"

    text: MessageText | Words | None = None
    file: FileInput | None = None
    files: list[FileInput] | None = None

    @property
    def plain_text(self) -> str:
        if isinstance(self.text, MessageText):
            return self.text.text or ""
        return self.text or ""

    @property
    def file_ids(self) -> tuple[str, ...]:
        files = self.files or ([self.file] if self.file else [])
        return tuple(dict.fromkeys(file.file_id for file in files))


class CallWebhook(WireModel):
    url: str
    hmac_secret: str | None = None


class EnclaveSetupConfig(ClientMessage):
    """The self-hosted handshake (websocket.md §9): the client brings the agent along."""

    event_type = "enclave_setup_config"

    agent_config_dict: dict[str, Any] | None = None
    override_agent_config_list: list[dict[str, Any]] | None = None
    tools_config_list: list[dict[str, Any]] | None = None
    prompt_knowledge_base: list[str] | None = None
    bedrock_inference_profile: str | None = None
    post_call_transcription_webhook: CallWebhook | None = None
    post_call_audio_webhook: CallWebhook | None = None
    post_call_transcription_webhook_url: str | None = None
    post_call_audio_webhook_url: str | None = None


class UserAudioChunk(ClientMessage):
    """Audio in the announced input format. The only frame without ``type``; the socket reads it by hand."""

    event_type = "user_audio_chunk"

    user_audio_chunk: str

    @classmethod
    def wire_schema(cls) -> dict[str, Any]:
        return {"title": cls.event_type, **cls.model_json_schema(mode="validation")}


CLIENT_MESSAGES: tuple[type[ClientMessage], ...] = (
    ConversationInitiationClientData,
    Pong,
    UserMessage,
    UserActivity,
    ContextualUpdate,
    ClientToolResult,
    Feedback,
    McpToolApprovalResult,
    MultimodalMessage,
    EnclaveSetupConfig,
    UserAudioChunk,
)

_BY_TYPE = {message.event_type: message for message in CLIENT_MESSAGES if message is not UserAudioChunk}


def read(frame: str) -> ClientMessage | None:
    """Read one text frame; None when its type is unknown (or absent and it is no audio).

    Raises ``InvalidMessage``: not JSON, not an object, or a known type with missing or wrong fields.
    """
    try:
        data = _loads(frame)
    except orjson.JSONDecodeError as error:
        raise InvalidMessage("invalid_message", f"Expected a JSON object, got text that is not JSON: {error}") from None
    if not isinstance(data, dict):
        raise InvalidMessage("invalid_message", f"Expected a JSON object, got {_kind(data)}.")
    if _is_deeper(data, DEEPEST):
        raise InvalidMessage("invalid_message", f"Expected at most {DEEPEST} levels of objects and lists, got more.")
    if "user_audio_chunk" in data:
        kind: type[ClientMessage] | None = UserAudioChunk
    else:
        tag = data.pop("type", None)
        if not isinstance(tag, str):
            raise InvalidMessage("missing_fields", f'Expected a string in "type", got {_kind(tag)}.')
        kind = _BY_TYPE.get(tag)
    if kind is None:
        return None
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        raise InvalidMessage(*_explain(kind.event_type, error)) from None


_ESCAPE = re.compile(
    r"\\(?:(ud[89ab][0-9a-f]{2}\\ud[c-f][0-9a-f]{2})|ud[89a-f][0-9a-f]{2}|.)", re.DOTALL | re.IGNORECASE
)


def _loads(frame: str) -> Any:
    """JSON, also with half an emoji in it: what is left of one when JavaScript cuts a text, and sends as an escape."""
    try:
        return orjson.loads(frame)
    except orjson.JSONDecodeError:
        if "\\ud" not in frame and "\\uD" not in frame:
            raise
    return orjson.loads(_ESCAPE.sub(_without_half_pair, frame))


def _without_half_pair(escape: re.Match[str]) -> str:
    is_half = len(escape[0]) == len("\\ud83d")
    return "\\ufffd" if is_half else escape[0]


def _is_deeper(value: Any, levels: int) -> bool:
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, list):
        return False
    return levels == 0 or any(_is_deeper(item, levels - 1) for item in value)


def _explain(event_type: str, error: ValidationError) -> tuple[str, str]:
    first = error.errors(include_url=False, include_context=False)[0]
    where = ".".join(str(part) for part in first["loc"]) or event_type
    missing = first["type"] == "missing"
    came = "nothing" if missing else _kind(first["input"])
    return (
        "missing_fields" if missing else "invalid_message",
        f'{event_type}: "{where}": {first["msg"].rstrip(".")}; got {came}.',
    )


def _kind(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "a string"
        case list():
            return "a list"
        case _:
            return "an object"
