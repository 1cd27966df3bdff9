"""A tool of the agent, and one call of it: plain values, shared by the round that runs them and the transcript."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import orjson

from parola.conversation.afterwards import Afterwards, Transfer
from parola.conversation.tool_rules import ToolRules, rules_of
from parola.protocol.server_messages import ToolType
from parola.providers.base import ToolDefinition

InterruptionMode = Literal["allow", "disable_during_tool", "disable_during_tool_and_turn"]


@dataclass(frozen=True, slots=True)
class MockCondition:
    """What one argument must be for a mock to fit."""

    path: str
    """Into the arguments: keys and indices with dots between them."""
    kind: Literal["anything", "exact", "regex"]
    expected: str = ""


@dataclass(frozen=True, slots=True)
class Mock:
    """A result without a call."""

    conditions: tuple[MockCondition, ...]
    result: str
    is_error: bool = False


@dataclass(frozen=True, slots=True)
class Mocking:
    """How a tool is answered that is not to be called."""

    mocks: tuple[Mock, ...]
    """The first that fits is the answer."""
    calls_real: bool = False
    """When none fits the tool is called after all; otherwise that is an error."""


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool of the agent, from its own config or from the registry."""

    definition: ToolDefinition
    type: ToolType
    expects_response: bool = False
    timeout_seconds: float = 20.0
    interruption: InterruptionMode = "allow"
    tool_id: str | None = None
    languages: tuple[str, ...] = ()
    """Those that ``language_detection`` can switch to."""
    config: Mapping[str, Any] = field(default_factory=dict)
    """The tool as configured: for whoever runs it."""
    mocking: Mocking | None = None

    rules: ToolRules = field(init=False, compare=False, repr=False)
    """What ``config`` says about its calls."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "rules", rules_of(self.config))

    @property
    def name(self) -> str:
        return self.definition.name


@dataclass(slots=True)
class ToolCall:
    """One call and, once it is there, its result."""

    call_id: str
    name: str
    arguments: Mapping[str, Any]
    called_at: float
    tool: Tool | None = None
    """None when the model called something that does not exist."""
    timeout_at: float = 0.0
    result: str | None = None
    is_error: bool = False
    is_called: bool = True
    error_type: str = ""
    raw_error: str = ""
    """What went wrong, as the record has it; the model may be told less."""
    failed_on_way: bool = False
    """It was the way to the tool that failed: what went wrong names addresses, which are not for the client."""
    details: Mapping[str, Any] | None = None
    """How it was called, for the record (``tool_details``)."""
    finished_at: float | None = None
    content: tuple[Mapping[str, Any], ...] = ()
    """The result as an MCP server gave it, in content blocks."""
    unreadable: str = ""
    """What the model wrote where an object of arguments was expected; ``arguments`` is empty then."""
    ignored: Sequence[str] = ()
    """Names the model gave a value to though the tool has no such parameter."""
    updates: Sequence[Mapping[str, Any]] = ()
    """Variables its result has set (``dynamic_variable_updates``)."""
    is_background: bool = False
    """The model goes on without the result; it comes later."""
    may_come_late: bool = False
    """It ran on when the conversation had ended."""
    awaits_approval: bool = False
    """It left the round because nobody has agreed to it yet."""
    leaves_floor: bool = False
    """The agent says nothing more after it and its ``words``."""
    is_held: bool = False
    """It does not run before the words before it have been heard."""
    transfer: Transfer | None = None
    """Where it wants the conversation to go."""
    then: Afterwards | None = None
    """What comes when the round is over; None: the model goes on."""
    words: str = ""
    """Said, as they are, before that."""
    outcome: Mapping[str, Any] | None = None
    """The record's ``result``."""

    @property
    def type(self) -> ToolType:
        return "client" if self.tool is None else self.tool.type

    @property
    def is_pending(self) -> bool:
        """A step of the model waits for it."""
        return self.result is None and not self.is_background

    @property
    def ends_call(self) -> bool:
        system = self.tool is not None and self.tool.type == "system"
        return system and self.name in ("end_call", "voicemail_detection")

    @property
    def skips_turn(self) -> bool:
        """The agent says nothing after it."""
        if self.tool is None or self.tool.type != "system":
            return False
        if self.leaves_floor:
            return True
        params = self.tool.config.get("params") or {}
        is_quiet = self.name == "play_keypad_touch_tone" and bool(params.get("suppress_turn_after_dtmf"))
        return self.name == "skip_turn" or (is_quiet and not self.is_error)

    @property
    def language(self) -> str | None:
        """The one that ``language_detection`` is to switch to; None when the agent does not speak it."""
        asked = str(self.arguments.get("language") or "").lower()
        known = self.tool.languages if self.tool is not None else ()
        return next((one for one in known if asked in (one.lower(), one.lower()[:2]) or asked[:2] == one.lower()), None)

    def finish(
        self, now: float, result: str, *, is_error: bool = False, error_type: str = "", is_called: bool = True
    ) -> None:
        self.result = result
        self.is_error = is_error
        self.error_type = error_type
        self.is_called = is_called
        self.finished_at = now


def as_text(result: Any) -> str:
    """A tool's result as the model reads it: text as it is, anything else as JSON."""
    if isinstance(result, str):
        return result
    return orjson.dumps(result, default=str).decode()
