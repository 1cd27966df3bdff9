"""Values of a tool's JSON answer that become dynamic variables (``assignments``; reference: webhooks.md §6.2).

A path names a value by keys and indices: ``users.0.email``. What it does not lead to changes nothing. A sanitized
value is taken out of what the model reads and the record keeps.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from parola.conversation.prompt import as_text
from parola.conversation.tool_rules import Assignment
from parola.conversation.variables import Variables

REDACTED = "[redacted]"
"""What the record shows of a value that nobody is to see."""

_MISSING: Any = object()


@dataclass(frozen=True, slots=True)
class Assigned:
    """What came of a tool's assignments."""

    result: str
    """The tool's result without what was sanitized."""
    updates: tuple[Mapping[str, Any], ...] = ()
    """``dynamic_variable_updates`` of the record."""


def assign(
    assignments: Iterable[Assignment],
    result: str,
    response: Any,
    variables: Variables,
    *,
    tool_name: str,
    request_id: str,
    now: float,
) -> Assigned:
    """Set the variables that a result gives values for. ``response``: the answer as JSON, when it is known; otherwise
    ``result`` is read as JSON, and where it is none, nothing is set."""
    if response is None:
        response = _as_json(result)
    found = [(one, value) for one in assignments if (value := value_at(response, one.path)) is not _MISSING]
    updates = []
    for one, value in found:
        new = value if one.keeps_type else as_text(value)
        old, at = variables.assign(one.variable, new, now)
        updates.append(update_of(one.variable, old, new, at, tool_name, request_id, is_secret=one.is_secret))
    return Assigned(_without(result, [(one.path, value) for one, value in found if one.is_secret]), tuple(updates))


def update_of(
    name: str, old: Any, new: Any, at: float, tool_name: str, request_id: str, *, is_secret: bool = False
) -> dict[str, Any]:
    """``DynamicVariableUpdate`` of the record: a variable that a call has set. ``at`` is unix seconds."""
    is_secret = is_secret or name.startswith("secret__")
    return {
        "variable_name": name,
        "old_value": None if old is None else REDACTED if is_secret else as_text(old),
        "new_value": REDACTED if is_secret else as_text(new),
        "updated_at": at,
        "tool_name": tool_name,
        "tool_request_id": request_id,
    }


def value_at(document: Any, path: str, default: Any = _MISSING) -> Any:
    """The value a path leads to in a JSON document; ``default`` when it leads nowhere."""
    for key in _keys(path):
        match document:
            case Mapping() if key in document:
                document = document[key]
            case list() if key.isdecimal() and int(key) < len(document):
                document = document[int(key)]
            case _:
                return default
    return document


def _keys(path: str) -> list[str]:
    return [key for key in path.removeprefix("$").replace("[", ".").replace("]", "").split(".") if key]


def _as_json(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return None


def _without(result: str, hidden: list[tuple[str, Any]]) -> str:
    """A result without some of its values. Where it is JSON they are left out; where it is not, each is blanked
    wherever it stands: the text may be a part of the answer, or one cut in the middle."""
    if not hidden:
        return result
    document = _as_json(result)
    if isinstance(document, dict | list):
        removed = [_remove(document, path) for path, _ in hidden]
        if any(removed):
            result = orjson.dumps(document).decode()
        hidden = [one for one, is_removed in zip(hidden, removed, strict=True) if not is_removed]
    for _, value in hidden:
        for written in {orjson.dumps(value, default=str).decode(), as_text(value)} - {"", '""', "null"}:
            result = result.replace(written, REDACTED)
    return result


def _remove(document: Any, path: str) -> bool:
    """Items of a list become null, so that the others keep their places."""
    *parents, last = _keys(path) or [""]
    for key in parents:
        document = value_at(document, key, None)
    if isinstance(document, dict) and last in document:
        del document[last]
        return True
    if isinstance(document, list) and last.isdecimal() and int(last) < len(document):
        document[int(last)] = None
        return True
    return False
