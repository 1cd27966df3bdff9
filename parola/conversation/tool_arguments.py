"""Whether a model's arguments fit the tool: told before the call, in words the model can act on.

The schema is the one the model was offered. Checked are ``type``, ``required``, ``enum``, ``properties`` and ``items``;
other keywords of JSON Schema are for whoever runs the tool.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

LONGEST_SHOWN = 80
"""Characters of a wrong value that are shown again."""

_NAMES = {
    "string": "a text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "object": "an object",
    "array": "a list",
    "null": "null",
}


@dataclass(slots=True)
class Checked:
    """Arguments as they go to the tool, and what is wrong with them."""

    arguments: dict[str, Any]
    problems: list[str] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    """Names the tool has no parameter for; they are not in ``arguments``."""


def checked(
    arguments: Mapping[str, Any],
    schema: Mapping[str, Any],
    *,
    keeps_unknown: bool = False,
    is_lenient: bool = False,
) -> Checked:
    """Compare. A tool without any parameters takes what comes; ``keeps_unknown``: so does one whose schema does not
    forbid it. A null in place of an optional value is as good as none. ``is_lenient``, for what the conversation does
    itself: nobody needs a reason, and what a choice that is written otherwise means is known there."""
    result = Checked({})
    if is_lenient:
        properties = {k: {**v, "enum": None} for k, v in (schema.get("properties") or {}).items()}
        required = [name for name in schema.get("required") or () if name != "reason"]
        schema = {**schema, "properties": properties, "required": required}
    result.arguments = _object(arguments, schema, "", result, keeps_unknown=keeps_unknown)
    return result


def _object(
    value: Mapping[str, Any],
    schema: Mapping[str, Any],
    where: str,
    result: Checked,
    *,
    keeps_unknown: bool,
) -> dict[str, Any]:
    properties = schema.get("properties") or {}
    required = schema.get("required") or ()
    takes_all = not properties or (keeps_unknown and schema.get("additionalProperties") is not False)
    kept: dict[str, Any] = {}
    for name, given in value.items():
        known = properties.get(name)
        if not isinstance(known, Mapping):
            if takes_all or name in properties:
                kept[name] = given
            else:
                result.ignored.append(f"{where}{name}")
        elif given is not None or name in required or "null" in _types(known):
            kept[name] = _value(given, known, f"{where}{name}", result, keeps_unknown=keeps_unknown)
    for name in required:
        if name not in value:
            known = properties.get(name)
            wanted = _wanted(known) if isinstance(known, Mapping) else "a value"
            result.problems.append(f'"{where}{name}" is missing: expected {wanted}')
    return kept


def _value(given: Any, schema: Mapping[str, Any], where: str, result: Checked, *, keeps_unknown: bool) -> Any:
    types, enum = _types(schema), schema.get("enum")
    if types and not any(_is(given, kind) for kind in types):
        result.problems.append(f'"{where}": expected {_wanted(schema)}, got {_shown(given)}')
        return given
    if isinstance(enum, list) and enum and given not in enum:
        result.problems.append(f'"{where}": expected {_wanted(schema)}, got {_shown(given)}')
        return given
    if isinstance(given, Mapping) and "properties" in schema:
        return _object(given, schema, f"{where}.", result, keeps_unknown=keeps_unknown)
    items = schema.get("items")
    if isinstance(given, list) and isinstance(items, Mapping):
        return [
            _value(item, items, f"{where}.{index}", result, keeps_unknown=keeps_unknown)
            for index, item in enumerate(given)
        ]
    return given


def _types(schema: Mapping[str, Any]) -> list[str]:
    """The types a value may have; empty: any."""
    kind = schema.get("type")
    named = kind if isinstance(kind, list) else [kind]
    return [str(one) for one in named if one in _NAMES]


def _is(value: Any, kind: str) -> bool:
    match kind:
        case "string":
            return isinstance(value, str)
        case "number":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "integer":
            is_whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
            return is_whole and not isinstance(value, bool)
        case "boolean":
            return isinstance(value, bool)
        case "object":
            return isinstance(value, Mapping)
        case "array":
            return isinstance(value, list)
        case _:
            return value is None


def _wanted(schema: Mapping[str, Any]) -> str:
    enum = schema.get("enum")
    if isinstance(enum, list) and enum:
        return f"one of {', '.join(_shown(one) for one in enum)}"
    return " or ".join(_NAMES[kind] for kind in _types(schema)) or "a value"


def _shown(value: Any) -> str:
    written = orjson.dumps(value, default=str).decode()
    return written if len(written) <= LONGEST_SHOWN else f"{written[:LONGEST_SHOWN]}…"
