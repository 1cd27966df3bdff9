"""Commands to a conversation that runs, and its events, as REST and the sockets spell them (design: gaps.md C1, C2)."""

# ruff: noqa: RUF012 - pydantic copies mutable defaults

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, field_validator

from parola.protocol.documents import Answer, Asked, Between, JsonObject

MOST_TEXT = 100_000
MOST_VARIABLES = 100
MOST_VALUE = 20_000

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MOST_TEXT)]
Label = Annotated[str, StringConstraints(max_length=200)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)]
Value = str | int | float | bool | None


class Injecting(Asked):
    """What every command may have."""

    idempotency_key: Annotated[str, StringConstraints(min_length=1, max_length=200)] | None = None
    """The same command under the same key has an effect once."""


class MessageRequest(Injecting):
    """Words for a conversation: ``user_message`` as if the user had typed them, ``agent_message`` for the agent to say
    as they are, ``human_message`` of the person who has taken over, ``contextual_update`` for the model to know."""

    type: Literal["user_message", "contextual_update", "agent_message", "human_message"]
    text: Text
    role_label: Label = ""
    """Kept in the record: on whose behalf."""
    interrupt: bool | None = None
    """Cut what the agent is saying. Left out: as if the user typed it for a ``user_message``, else it waits."""
    context_id: Label | None = None
    """Of a ``contextual_update``: it replaces an older one of the same id."""
    operator: Name = ""
    """Of a ``human_message``: who writes it. Left out: whose API key it is."""


class EndRequest(Injecting):
    reason: Label = ""
    farewell: Annotated[str, StringConstraints(strip_whitespace=True, max_length=MOST_TEXT)] = ""
    """Said before the conversation ends."""


class TakeoverRequest(Injecting):
    operator: Name = ""
    """The person's name: the model is told, and the record."""


class EndTakeoverRequest(Injecting):
    operator: Name = ""
    """Who gives it back. Left out: whose API key it is."""
    force: bool = False
    """Take it away from somebody else."""


class WaitForHumanRequest(Injecting):
    """Asks for a person. What is left out is as the agent's ``x_transfer_to_human`` has it, or its default."""

    reason: Label = ""
    """What the person should know."""
    message_to_user: Annotated[str, StringConstraints(strip_whitespace=True, max_length=MOST_TEXT)] = ""
    wait_timeout_secs: Annotated[float, Between(5, 3600)] | None = None
    agent_while_waiting: Literal["answers", "silent"] | None = None


class LastLine(Answer):
    role: Literal["user", "agent"]
    message: str


class WaitingConversation(Answer):
    """One that waits for a person."""

    conversation_id: str
    agent_id: str
    agent_name: str
    user_id: str | None = None
    text_only: bool
    since_unix_secs: float
    waited_secs: float
    wait_timeout_secs: float
    """Then the agent is told that nobody came."""
    reason: str
    asked_by: str
    """``agent``, or who asked from outside."""
    agent_while_waiting: Literal["answers", "silent"]
    last_lines: list[LastLine] = []
    """What was said last, oldest first."""


class WaitingForHumanResponse(Answer):
    waiting: list[WaitingConversation] = []
    """Longest first."""


class ToolResultRequest(Injecting):
    tool_call_id: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    result: Any = None
    is_error: bool = False


class VariablesRequest(Asked):
    """Dynamic variables, name to value."""

    model_config = {"extra": "allow", "defer_build": True}
    __pydantic_extra__: dict[str, Value] = Field(init=False)

    @property
    def values(self) -> dict[str, Value]:
        return dict(self.__pydantic_extra__ or {})


NoResponse = Literal["timed_out", "superseded", "taken_over", "interrupted", "silent", "ended"]


class AcceptedResponse(Answer):
    """A command that holds."""

    accepted: bool = True
    event_id: int | None = None
    """Of the words in the conversation; null while they wait for the floor, and for commands without words."""
    seq: int
    """Of the command in the event log."""
    response: str | None = None
    """With ``wait=response``: what the agent said to it."""
    timed_out: bool | None = None
    """With ``wait=response``: it had not finished in time."""
    no_response_reason: NoResponse | None = None
    """With ``wait=response``: why ``response`` is null, or not all of it. ``superseded``: somebody spoke or typed
    first, and the agent answers that; ``taken_over``: a person has the conversation; ``interrupted``: it was
    cut before a word was said; ``silent``: the agent said nothing to it; ``ended``: the conversation ended before;
    ``timed_out``."""


class EventEntry(Answer):
    seq: int
    at: float
    """Unix seconds."""
    direction: Literal["to_client", "from_client", "command", "internal"]
    by: str
    event: JsonObject


class EventsResponse(Answer):
    events: list[EventEntry] = []
    last_seq: int
    """Of the newest event there is."""
    has_more: bool
    """There are newer events than these."""
    is_live: bool
    dropped: JsonObject | None = None
    """Events that were asked for and are not kept any more: ``count``, ``first_seq``, ``last_seq``."""


# -- the monitor socket -----------------------------------------------------------------------------------------------


class MonitorCommand(Asked):
    """One command on the monitor socket (reference: websocket.md §7), and some of ours: ``agent_message``,
    ``user_message``, ``agent_typing``, ``set_variables``, ``tool_result``."""

    command_type: Annotated[str, StringConstraints(max_length=100)]
    parameters: JsonObject = {}
    command_id: str | int | None = None
    """Comes back in ``command_result``."""

    @field_validator("parameters", mode="before")
    @classmethod
    def _null_is_none(cls, value: Any) -> Any:
        return {} if value is None else value


class TextParameters(Asked):
    text: Text
    role_label: Label = ""
    interrupt: bool | None = None


class ContextParameters(Asked):
    contextual_update: Text
    context_id: Label | None = None


class NumberParameters(Asked):
    phone_number: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    client_message: str = ""
    agent_message: str = ""


class OperatorParameters(Asked):
    operator: Name = ""


class EndTakeoverParameters(OperatorParameters):
    force: bool = False


class EndParameters(Asked):
    reason: Label = ""
    farewell: str = ""


class TypingParameters(Asked):
    is_typing: bool = True
    duration_ms: int | None = None


class VariablesParameters(Asked):
    variables: dict[str, Value]


class ToolResultParameters(Asked):
    tool_call_id: str
    result: Any = None
    is_error: bool = False


class LastMessage(Answer):
    role: Literal["user", "agent"]
    text: str


class LiveConversation(Answer):
    conversation_id: str
    agent_id: str
    agent_name: str
    started_at_unix_secs: int
    is_voice: bool
    user_id: str | None = None
    status: Literal[
        "listening",
        "user_speaking",
        "thinking",
        "running_tools",
        "speaking",
        "waiting_for_human",
        "taken_over",
        "client_away",
        "ending",
        "ended",
    ]
    """What happens now."""
    turns: int
    """Messages so far, of both."""
    last_message: LastMessage | None = None
    """Null where the agent's words are not to be kept, or are to be redacted."""
    taken_over_by: str | None = None
    """The person's name, empty if they gave none; null: nobody."""
    operators: int
    """Sockets attached as operators."""
    latency_secs: float | None = None
    """Of the last answer, from the user's last sound to its first; null in a chat."""


class LiveConversationsResponse(Answer):
    conversations: list[LiveConversation]
