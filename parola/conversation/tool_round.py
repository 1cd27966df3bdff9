"""Tools the agent may use, and one round of calls: from the model's wish to a result for each.

Every call gets exactly one result: the first that comes, or the time-out, or an error. What comes later is ignored.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import orjson

from parola.protocol.server_messages import ToolType
from parola.providers.base import ToolDefinition

InterruptionMode = Literal["allow", "disable_during_tool", "disable_during_tool_and_turn"]

MAX_ROUNDS = 10
"""Rounds of tools in one agent turn; then the model is offered none, so that it has to speak."""

FULL_PAYLOAD_LIMIT = 64 * 1024
"""``agent_tool_response_full_payload`` carries at most so many characters."""


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool of the agent, from its own config or from the registry."""

    definition: ToolDefinition
    type: ToolType
    expects_response: bool = False
    timeout_seconds: float = 20.0
    interruption: InterruptionMode = "allow"
    tool_id: str | None = None

    @property
    def name(self) -> str:
        return self.definition.name


@dataclass(slots=True)
class ToolCall:
    """One call and, once it is there, its result."""

    call_id: str
    name: str
    arguments: Mapping[str, Any]
    type: ToolType
    called_at: float
    timeout_at: float = 0.0
    tool: Tool | None = None
    """None when the model called something that does not exist."""
    result: str | None = None
    is_error: bool = False
    is_called: bool = True
    error_type: str = ""
    finished_at: float | None = None

    @property
    def is_pending(self) -> bool:
        return self.result is None

    def finish(self, now: float, result: str, *, is_error: bool, error_type: str = "", is_called: bool = True) -> None:
        self.result = result
        self.is_error = is_error
        self.error_type = error_type
        self.is_called = is_called
        self.finished_at = now


@dataclass(slots=True)
class ToolRound:
    """The calls of one model step, in the order the model made them."""

    entry: int
    """Where the step stands in the transcript."""
    event_id: int
    calls: list[ToolCall] = field(default_factory=list)
    is_running: bool = False
    """False while the model is still asking."""

    def pending(self, call_id: str) -> ToolCall | None:
        return next((call for call in self.calls if call.call_id == call_id and call.is_pending), None)

    def due(self, now: float) -> list[ToolCall]:
        return [call for call in self.calls if call.is_pending and call.timeout_at <= now]

    @property
    def next_timeout(self) -> float | None:
        return min((call.timeout_at for call in self.calls if call.is_pending), default=None)

    @property
    def is_complete(self) -> bool:
        return self.is_running and not any(call.is_pending for call in self.calls)

    @property
    def forbids_interruption(self) -> bool:
        return any(c.is_pending and c.tool is not None and c.tool.interruption != "allow" for c in self.calls)

    @property
    def protects_turn(self) -> bool:
        return any(c.tool is not None and c.tool.interruption == "disable_during_tool_and_turn" for c in self.calls)


def as_text(result: Any) -> str:
    """A tool's result as the model reads it: text as it is, anything else as JSON."""
    if isinstance(result, str):
        return result
    return orjson.dumps(result, default=str).decode()
