"""What a tool's config says about its calls: when they run, what is said before them, what their results change.

Read from the raw config (reference: rest-schemas.md, ``Tool_*``; webhooks.md §6.2). What is missing or unknown counts
as the default: a config that a newer client wrote still runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

ErrorMode = Literal["auto", "summarized", "passthrough", "hide"]
ExecutionMode = Literal["immediate", "post_tool_speech", "async"]
SpeechMode = Literal["auto", "force", "off"]
Sound = Literal["typing", "elevator1", "elevator2", "elevator3", "elevator4"]


@dataclass(frozen=True, slots=True)
class Assignment:
    """One value of the answer, and the variable that takes it."""

    variable: str
    path: str
    is_sanitized: bool = False
    keeps_type: bool = False
    """Lists, objects, numbers stay what they are; otherwise the variable is text."""

    @property
    def is_secret(self) -> bool:
        return self.is_sanitized or self.variable.startswith("secret__")


@dataclass(frozen=True, slots=True)
class ToolRules:
    errors: ErrorMode = "auto"
    """How much of a failure the model is told."""
    execution: ExecutionMode = "immediate"
    """``post_tool_speech``: when the words before it have been heard. ``async``: the model does not wait."""
    speech: SpeechMode = "auto"
    """What is said before a call: what the model likes, something in any case, nothing."""
    assignments: tuple[Assignment, ...] = ()
    sound: Sound | None = None
    """What the caller hears while it runs."""
    always_sounds: bool = False
    """Without words before the call too."""


def rules_of(config: Mapping[str, Any]) -> ToolRules:
    speech = _one_of(config.get("pre_tool_speech"), SpeechMode, "auto")
    if speech == "auto" and config.get("force_pre_tool_speech"):
        speech = "force"
    return ToolRules(
        errors=_one_of(config.get("tool_error_handling_mode"), ErrorMode, "auto"),
        execution=_one_of(config.get("execution_mode"), ExecutionMode, "immediate"),
        speech=speech,
        assignments=assignments_of(config.get("assignments")),
        sound=_one_of(config.get("tool_call_sound"), Sound, None),
        always_sounds=config.get("tool_call_sound_behavior") == "always",
    )


def _one_of(value: Any, choices: Any, otherwise: Any) -> Any:
    return value if value in get_args(choices) else otherwise


def assignments_of(config: Any) -> tuple[Assignment, ...]:
    """Those of a tool's config that can be followed; the system's own variables are not theirs to set."""
    found = []
    for entry in config if isinstance(config, list) else ():
        if not isinstance(entry, Mapping):
            continue
        variable, path = str(entry.get("dynamic_variable") or ""), str(entry.get("value_path") or "")
        if variable and path and not variable.startswith("system__"):
            found.append(
                Assignment(variable, path, bool(entry.get("sanitize")), bool(entry.get("preserve_native_type")))
            )
    return tuple(found)
