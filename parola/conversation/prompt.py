"""Filling in dynamic variables: ``{{name}}`` in prompts, first messages and tool descriptions.

Names are case-sensitive, inner spaces are allowed. ``system__*`` is ours and always current; ``secret__*`` never
reaches a model (reference: webhooks.md §7).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import orjson

from parola.conversation.setup import FurtherVoice

_VARIABLE = re.compile(r"\{\{\s*([A-Za-z0-9_.\-]+)\s*\}\}")

PHONE_VARIABLES = ("system__caller_id", "system__called_number", "system__call_sid", "system__call_id")
"""Known to telephone calls; empty everywhere else, so that one agent serves both."""

SYSTEM_VARIABLES = (
    "system__agent_id",
    "system__current_agent_id",
    "system__conversation_id",
    *PHONE_VARIABLES,
    "system__call_duration_secs",
    "system__time_utc",
    "system__time",
    "system__timezone",
    "system__agent_turns",
    "system__current_agent_turns",
    "system__current_subagent_turns",
    "system__is_text_only",
    "system__conversation_history",
)

ENVIRONMENT = "system__env_"
"""Before the label of an environment variable."""

Lookup = Callable[[str], str | None]


def names_in(text: str) -> list[str]:
    """The variables a text refers to, in order of appearance."""
    return list(dict.fromkeys(_VARIABLE.findall(text)))


def fill_in(text: str, lookup: Lookup) -> str:
    """Replace every variable ``lookup`` knows; the others stay as written."""
    if "{{" not in text:
        return text

    def value(match: re.Match[str]) -> str:
        found = lookup(match[1])
        return match[0] if found is None else found

    return _VARIABLE.sub(value, text)


def fill_in_all(document: Any, lookup: Lookup) -> Any:
    """``fill_in`` for every text of a JSON document."""
    match document:
        case str():
            return fill_in(document, lookup)
        case Mapping():
            return {key: fill_in_all(value, lookup) for key, value in document.items()}
        case list():
            return [fill_in_all(value, lookup) for value in document]
        case _:
            return document


def as_text(value: Any) -> str:
    """A variable's value as it reads in a sentence."""
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
        case None:
            return ""
        case _:
            return orjson.dumps(value, default=str).decode()


def on_voices(voices: Sequence[FurtherVoice]) -> str:
    """What the model has to know of the voices it can speak in; empty when there is only its own."""
    if not voices:
        return ""
    label = voices[0].label
    lines = [
        f"You can speak in other voices too. Wrap what a voice says in its tag, for example <{label}>Hello!</{label}>; "
        "words outside of tags are said in your own voice. Tags are not read aloud: never speak about them. The voices:"
    ]
    for voice in voices:
        language = f"(in the language '{voice.language}')" if voice.language else ""
        about = " ".join(filter(None, (voice.description, language)))
        lines.append(f"- <{voice.label}>{': ' if about else ''}{about}")
    return "\n".join(lines)


def spoken_time(unix: float, timezone: str | None) -> str:
    """``system__time``: "Friday, 12:33 12 December 2025" in the agent's timezone."""
    return datetime.fromtimestamp(unix, tz=zone(timezone)).strftime("%A, %H:%M %d %B %Y")


def utc_time(unix: float) -> str:
    """``system__time_utc``: ISO 8601."""
    return datetime.fromtimestamp(unix, tz=UTC).isoformat(timespec="seconds")


def zone(timezone: str | None) -> ZoneInfo:
    """The named timezone; UTC when it is unknown or not named."""
    try:
        return ZoneInfo(timezone or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


def lookup_in(variables: Mapping[str, Any], system: Lookup) -> Lookup:
    """Look a name up among the caller's variables, then the system's. Secrets are never shown."""

    def lookup(name: str) -> str | None:
        if name.startswith("secret__"):
            return ""
        if name.startswith("system__"):
            return system(name)
        return as_text(variables[name]) if name in variables else None

    return lookup
