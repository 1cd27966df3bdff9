"""Keys that are pressed on a telephone (``dtmf_input_settings.redact_input``): a PIN must not stand in the record.

Here the only ones who press keys are agents, with ``play_keypad_touch_tone``: it may be a caller's PIN that they enter.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from parola.store.pages import Document

TOOL = "play_keypad_touch_tone"

HIDDEN = "[DTMF_TONES]"

SHORTEST = 3
"""Keys that are looked for in what was said: a single 1 stands everywhere."""


def without_keys(turn: Mapping[str, Any]) -> Document:
    """A turn without the keys that were pressed in it: in the call, its result, and where they were said."""
    calls = [call for call in turn.get("tool_calls") or () if _is_pressing(call)]
    results = [result for result in turn.get("tool_results") or () if _is_pressing(result)]
    pressed = {_tones(call.get("params_as_json")) for call in calls}
    pressed |= {_tones(result.get("result")) for result in results}
    pressed.discard("")
    if not pressed:
        return dict(turn)
    clean: Document = {}
    for key, value in turn.items():
        if key in ("tool_calls", "tool_results"):
            clean[key] = [_hidden(one, pressed) if _is_pressing(one) else one for one in value or ()]
        else:
            clean[key] = _hidden(value, _longer(pressed)) if key in ("message", "original_message") else value
    return clean


def pressed_in(events: Iterable[Mapping[str, Any]]) -> set[str]:
    """The keys that the events of a log ask a client to press."""
    asked = (event.get("dtmf_request") for event in events if event.get("type") == "dtmf_request")
    return {tones for tones in map(_tones, asked) if tones}


def event_without_keys(event: Mapping[str, Any], pressed: set[str]) -> Document:
    """An event of a log in which these keys were pressed."""
    match event.get("type"):
        case "dtmf_request":
            return dict(_hidden(event, pressed))
        case "agent_tool_response_full_payload":
            payload = event.get("agent_tool_response_full_payload")
            return dict(_hidden(event, pressed if _is_pressing(payload) else _longer(pressed)))
    return dict(_hidden(event, _longer(pressed)))


def _is_pressing(one: Any) -> bool:
    return isinstance(one, Mapping) and one.get("tool_name") == TOOL


def _tones(told: Any) -> str:
    if isinstance(told, str):
        try:
            told = orjson.loads(told)
        except orjson.JSONDecodeError:
            return ""
    return str(told.get("dtmf_tones") or "") if isinstance(told, Mapping) else ""


def _longer(pressed: set[str]) -> set[str]:
    """As they may have been said: whole, and without what is no digit at their ends or a pause."""
    said = pressed | {tones.replace("w", "").replace("W", "").strip("#*") for tones in pressed}
    return {tones for tones in said if len(tones) >= SHORTEST}


def _hidden(value: Any, pressed: set[str]) -> Any:
    match value:
        case str():
            for tones in sorted(pressed, key=len, reverse=True):
                value = value.replace(tones, HIDDEN)
            return value
        case Mapping():
            return {key: one if key.endswith("_id") else _hidden(one, pressed) for key, one in value.items()}
        case list() | tuple():
            return [_hidden(one, pressed) for one in value]
    return value
