"""What somebody outside the call can have done to a conversation that runs: each is a value, told as ``Commanded``.

REST, the monitor and attached sockets give the same commands. Every one is answered by exactly one ``Acknowledge``,
which says that it holds, or why not; of words that have to wait for the floor a second one says when they were said.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from parola.protocol.client_messages import ClientToolResult


@dataclass(frozen=True, slots=True)
class Say:
    """Words for the user, as they are: in the agent's voice, or in writing."""

    text: str
    is_human: bool = False
    """A person says them, who has taken over."""
    role_label: str = ""
    interrupts: bool = False
    """What is being said is cut for them; otherwise they wait until it has been heard."""
    operator: str = ""
    """Which person; empty: who commands it."""


@dataclass(frozen=True, slots=True)
class UserSays:
    """As if the user had typed it."""

    text: str
    role_label: str = ""
    interrupts: bool = True


@dataclass(frozen=True, slots=True)
class AddContext:
    """Background for the model: no turn, no interruption."""

    text: str
    context_id: str | None = None
    role_label: str = ""


@dataclass(frozen=True, slots=True)
class BeginTakeover:
    """A person has the conversation from here on; the agent is silent."""

    operator: str = ""
    """What the model is told of who that is."""


@dataclass(frozen=True, slots=True)
class EndTakeover:
    """The agent goes on. Only who has taken over says so, or somebody who forces it."""

    operator: str = ""
    """Which person gives it back; empty: who commands it."""
    is_forced: bool = False


@dataclass(frozen=True, slots=True)
class ShowTyping:
    """The person is writing, or has stopped."""

    is_typing: bool
    duration_ms: int | None = None


@dataclass(frozen=True, slots=True)
class EndCall:
    """Hang up: when the farewell, or what is being said, has been heard."""

    reason: str = ""
    farewell: str = ""
    is_immediate: bool = False
    """Nothing is waited for."""


@dataclass(frozen=True, slots=True)
class SetVariables:
    """Dynamic variables have these values from now on."""

    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AnswerTool:
    """The answer to a client tool call, from somebody else than the client."""

    result: ClientToolResult


@dataclass(frozen=True, slots=True)
class CallNumber:
    """Transfer the call, as the agent's own ``transfer_to_number`` would."""

    number: str
    client_message: str = ""
    agent_message: str = ""


@dataclass(frozen=True, slots=True)
class AskForHuman:
    """A person is to take over: the conversation is on the list of those that wait for one."""

    reason: str = ""
    message_to_user: str = ""
    """The agent says it, when the floor is free."""
    wait_seconds: float | None = None
    """None: as the agent's tool ``x_transfer_to_human`` has it, or its default."""
    agent_while_waiting: Literal["answers", "silent"] | None = None
    """None: the same."""


@dataclass(frozen=True, slots=True)
class StopAskingForHuman:
    """Nobody needs to come any more."""


Command = (
    Say
    | UserSays
    | AddContext
    | BeginTakeover
    | EndTakeover
    | ShowTyping
    | EndCall
    | SetVariables
    | AnswerTool
    | CallNumber
    | AskForHuman
    | StopAskingForHuman
)

Kind = Literal[
    "agent_message",
    "human_message",
    "user_message",
    "contextual_update",
    "takeover_begin",
    "takeover_end",
    "typing",
    "end",
    "variables",
    "tool_result",
    "transfer_to_number",
    "waiting_for_human_begin",
    "waiting_for_human_end",
]


def kind_of(command: Command) -> Kind:
    """What the record and the event log call it."""
    match command:
        case Say(is_human=is_human):
            return "human_message" if is_human else "agent_message"
        case UserSays():
            return "user_message"
        case AddContext():
            return "contextual_update"
        case BeginTakeover():
            return "takeover_begin"
        case EndTakeover():
            return "takeover_end"
        case ShowTyping():
            return "typing"
        case EndCall():
            return "end"
        case SetVariables():
            return "variables"
        case AnswerTool():
            return "tool_result"
        case CallNumber():
            return "transfer_to_number"
        case AskForHuman():
            return "waiting_for_human_begin"
        case StopAskingForHuman():
            return "waiting_for_human_end"


def told_of(command: Command) -> dict[str, str]:
    """What the record says of a command beside its kind and who gave it."""
    match command:
        case BeginTakeover(operator=name) | EndTakeover(operator=name) | Say(operator=name) if name:
            return {"operator": name}
        case AnswerTool(result=result):
            return {"tool_call_id": result.tool_call_id}
        case _:
            return {}


@dataclass(frozen=True, slots=True)
class Commanded:
    """Somebody gave a command."""

    number: int
    """Its ``Acknowledge`` carries it."""
    command: Command
    by: str = ""
    """Who: a person's name, or an API key's."""


@dataclass(frozen=True, slots=True)
class OperatorCame:
    """Somebody who may take over is there by a socket: their first one."""

    name: str


@dataclass(frozen=True, slots=True)
class OperatorLeft:
    """Their last socket is gone."""

    name: str


@dataclass(frozen=True, slots=True)
class OperatorSpoke:
    """A piece of an operator's voice in the client's output format."""

    audio: bytes
    seconds: float
    by: str


@dataclass(frozen=True, slots=True)
class OperatorSaid:
    """What that voice has said, up to a pause, in words."""

    text: str
    by: str
    began_at: float | None = None
    """When they began to say it; None: nobody knows, it has just been said."""
