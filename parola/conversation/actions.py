"""Everything a conversation can ask for. The session performs actions in order and never calls back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from parola.conversation.afterwards import Transfer
from parola.conversation.tool_rules import Sound
from parola.conversation.tools import Tool
from parola.protocol.messages import ServerMessage
from parola.providers.base import ModelRequest


@dataclass(frozen=True, slots=True)
class Send:
    """Say this to the client."""

    message: ServerMessage


@dataclass(frozen=True, slots=True)
class Record:
    """Keep this turn of the transcript, replacing what was kept under the index. What is sent after it depends on
    it: it must be safe before the next ``Send`` leaves."""

    index: int
    turn: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class StartReply:
    """Have the model take one step, or speak ``verbatim``, and tell what comes of it."""

    reply: int
    request: ModelRequest | None = None
    verbatim: str = ""
    playback_from: float = 0.0
    """When the client will have played what it was sent before, monotonic seconds: this reply queues behind it."""
    announcements: Mapping[str, str] = field(default_factory=dict)
    """By tool: what is said first when the model calls it without having written anything. Only spoken replies."""
    retrieves: bool = False
    """What the user said is searched for in the agent's documents first."""


@dataclass(frozen=True, slots=True)
class StopReply:
    """Stop it wherever it is; nothing of it is wanted any more."""

    reply: int


@dataclass(frozen=True, slots=True)
class TranscribeNow:
    """Tell the words so far, though the user is still speaking: whether they take the floor depends on them. A partial
    ``TranscriptUpdated`` follows, unless the user has fallen silent by then."""


@dataclass(frozen=True, slots=True)
class ForgetSpeech:
    """The user's turn has been taken (or was nothing): the next speech begins a new one."""


@dataclass(frozen=True, slots=True)
class RunTool:
    """Run a tool that is not the client's, and tell ``ToolFinished``."""

    call_id: str
    tool: Tool
    arguments: Mapping[str, Any]
    variables: Mapping[str, Any]
    """All dynamic variables as they stand, those of the system and secret ones included."""


@dataclass(frozen=True, slots=True)
class StopTool:
    """Nobody waits for this call any more."""

    call_id: str


@dataclass(frozen=True, slots=True)
class SwitchLanguage:
    """From the next reply on speak this language, in the voice the agent has for it; listen for it from the next turn
    of the user."""

    language: str


@dataclass(frozen=True, slots=True)
class FetchAgent:
    """Resolve another agent, or a subagent, like at a start, and tell ``AgentReady`` or ``AgentUnavailable``."""

    call_id: str
    transfer: Transfer
    variables: Mapping[str, Any]
    """All dynamic variables as they stand, those of the system and secret ones included."""


@dataclass(frozen=True, slots=True)
class SwitchAgent:
    """From the next reply on, and the next turn of the user, it is the agent that was fetched for this call."""

    call_id: str


@dataclass(frozen=True, slots=True)
class TransferToNumber:
    """Have the telephone transfer the call, and tell ``ToolFinished``; its ``response`` is the record's ``result``."""

    call_id: str
    number: str
    """A telephone number or a SIP address."""
    transfer_type: str = "conference"
    client_message: str = ""
    """For the user, while they wait."""
    agent_message: str = ""
    """For whoever is called."""
    config: Mapping[str, Any] = field(default_factory=dict)
    """The ``PhoneNumberTransfer`` or the workflow's node: SIP headers, digits to dial after the call is answered."""


@dataclass(frozen=True, slots=True)
class PlayTones:
    """Have the telephone press keys (0-9, *, #; w waits half a second, W a second), and tell ``ToolFinished``."""

    call_id: str
    tones: str
    is_out_of_band: bool = True
    """As events beside the sound (RFC 4733), where the line can."""


@dataclass(frozen=True, slots=True)
class StartSound:
    """Make this sound until ``StopSound``, and tell its pieces (``SoundMade``) as time goes on."""

    sound: Sound


@dataclass(frozen=True, slots=True)
class StopSound:
    """Enough of it."""


@dataclass(frozen=True, slots=True)
class Show:
    """For those who watch: what this client does not get, because its agent's ``client_events`` leave it out."""

    event: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """A command holds, or does not."""

    number: int
    """The command's."""
    event_id: int | None = None
    """Of the words that it brought into the conversation."""
    is_waiting: bool = False
    """They wait for the floor; another ``Acknowledge`` tells their id."""
    code: str = ""
    """Why it does not hold, for programs; empty: it does."""
    problem: str = ""
    """The same, for people."""
    forced_from: str = ""
    """It took the conversation away from this person, who had taken over."""


@dataclass(frozen=True, slots=True)
class NoteLoss:
    """The client's connection broke, and it may come back within ``window_seconds``."""

    code: int
    reason: str
    window_seconds: float


@dataclass(frozen=True, slots=True)
class NoteReturn:
    """It is back, after so long."""

    away_seconds: float


@dataclass(frozen=True, slots=True)
class NoteHumanWait:
    """The conversation waits for a person to take it over, for at most ``wait_seconds``."""

    reason: str
    by: str
    """``agent``, or who commanded it."""
    wait_seconds: float
    agent_is_silent: bool = False
    """Meanwhile the model is not asked for anything."""


@dataclass(frozen=True, slots=True)
class NoteHumanWaitOver:
    """It does not wait any more."""

    outcome: str
    """``answered``, ``timed_out``, ``withdrawn`` or ``abandoned``."""
    waited_seconds: float
    operator: str = ""
    """Who answered."""


@dataclass(frozen=True, slots=True)
class NoteOperator:
    """The person who has taken over is not there any more, is back, or has been away for too long."""

    what: Literal["left", "back", "lapsed"]
    operator: str
    seconds: float = 0.0
    """How long they may be away, or have been."""


@dataclass(frozen=True, slots=True)
class Warn:
    """Something the owner should know; kept in the conversation's record."""

    message: str


@dataclass(frozen=True, slots=True)
class Close:
    """Hang up: always the last action. ``status`` is the record's, ``error`` its ``metadata.error``."""

    code: int
    reason: str
    status: str = "done"
    termination_reason: str = ""
    error: Mapping[str, Any] | None = None
    cause: str = field(default="internal_error", compare=False)
    """The same as one of few words, to count by: ``agent``, ``client``, ``client_lost``, ``silence``, ``max_duration``,
    ``guardrail``, ``command``, ``server_stopped``, ``requested``, or after a failure its ``error_type``."""
    by: Literal["client", "server"] = field(default="server", compare=False)
    """Whose code and reason they are: the client's, who closed first or whose connection was lost, or our own."""
    is_client_away: bool = field(default=False, compare=False)
    """They are ours, and the client is not there to get them: its connection broke, and it might have come back."""


Action = (
    Send
    | Record
    | StartReply
    | StopReply
    | TranscribeNow
    | ForgetSpeech
    | RunTool
    | StopTool
    | SwitchLanguage
    | FetchAgent
    | SwitchAgent
    | TransferToNumber
    | PlayTones
    | StartSound
    | StopSound
    | Show
    | Acknowledge
    | NoteLoss
    | NoteReturn
    | NoteHumanWait
    | NoteHumanWaitOver
    | NoteOperator
    | Warn
    | Close
)
