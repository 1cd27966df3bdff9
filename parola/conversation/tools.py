"""A tool of the agent, and one call of it: plain values, shared by the round that runs them and the transcript."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import orjson

from parola.protocol.server_messages import ToolType
from parola.providers.base import ToolDefinition

InterruptionMode = Literal["allow", "disable_during_tool", "disable_during_tool_and_turn"]


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
    details: Mapping[str, Any] | None = None
    """How it was called, for the record (``tool_details``)."""
    finished_at: float | None = None

    @property
    def type(self) -> ToolType:
        return "client" if self.tool is None else self.tool.type

    @property
    def is_pending(self) -> bool:
        return self.result is None

    @property
    def ends_call(self) -> bool:
        return self.tool is not None and self.tool.type == "system" and self.name == "end_call"

    @property
    def skips_turn(self) -> bool:
        return self.tool is not None and self.tool.type == "system" and self.name == "skip_turn"

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
