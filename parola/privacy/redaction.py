"""Taking personal details out of what is stored of a conversation: turns, tool calls, start data, analysis.

Everything that is text is looked at, except what is known to be a name, an id or a measurement of ours: a field that
is added one day is redacted until somebody says that it need not be. JSON inside of text stays JSON.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import orjson

from parola.privacy.entities import find, redacted, replaced
from parola.privacy.keys import event_without_keys, pressed_in, without_keys
from parola.privacy.policy import KEY, Policy
from parola.store.pages import Document

_OURS = frozenset(
    {
        KEY,
        "agent_metadata",
        "agent_name",
        "authorization_method",
        "branch_id",
        "charging",
        "conversation_initiation_source",
        "conversation_turn_metrics",
        "deletion_settings",
        "embedding_model",
        "environment",
        "error_type",
        "features_usage",
        "headers_hidden",
        "llm_override",
        "llm_usage",
        "main_language",
        "mime_type",
        "name",
        "platform_event",
        "producing_llm",
        "role",
        "source_medium",
        "status",
        "tag_ids",
        "timezone",
        "tool_name",
        "triggered_guardrails",
        "type",
        "used_static_kb_document_ids",
        "visited_agents",
        "x_timeline",
    }
)
_THEIRS = frozenset(
    {
        "body",
        "custom_llm_extra_body",
        "dynamic_variables",
        "headers",
        "new_value",
        "old_value",
        "parameters",
        "path_params",
        "query_params",
        "result",
        "value",
        "values",
    }
)
"""What is in these has names that the agent's owner or a tool has given: none of them is one of ours."""

_NAMED_BY_THEM = frozenset({"data_collection_results", "evaluation_criteria_results"})
"""The same of what is directly in these, and not of what that holds."""

_FROM_OUTSIDE = frozenset({"context_id", "file_id", "tool_call_id", "user_id"})
"""Ids that a client makes up, of whatever text."""

_MEASURED = ("_id", "_ids", "_secs", "_ms", "_unix", "_at", "_count", "_usage")


def turn(document: Mapping[str, Any], policy: Policy) -> Document:
    """A turn of the transcript, or any object, as it may be kept."""
    clean = _object(document, policy) if policy.redacts else dict(document)
    return without_keys(clean) if policy.hides_keys else clean


def _object(document: Mapping[str, Any], policy: Policy) -> Document:
    clean = {key: _field(key, value, policy) for key, value in document.items()}
    heard, whole = document.get("message"), document.get("original_message")
    if isinstance(heard, str) and isinstance(whole, str):
        clean["message"] = beginning(heard, whole, policy)
    return clean


def _field(key: str, value: Any, policy: Policy) -> Any:
    if _is_ours(key):
        return value
    if key in _THEIRS:
        return _within_json(value, policy)
    if key in _NAMED_BY_THEM and isinstance(value, Mapping):
        return {name: _clean(one, policy) for name, one in value.items()}
    return _clean(value, policy)


STREAMED = frozenset({"agent_chat_response_part", "tentative_user_transcript", "internal_tentative_agent_response"})
"""Events that bring words piece by piece: a detail would be in several of them, and be recognised in none."""


def event_lines(lines: bytes, policy: Policy) -> bytes:
    """An event log, one entry of JSON a line, as it may be kept: without what was streamed, which comes again whole."""
    entries = [orjson.loads(line) for line in lines.splitlines()]
    pressed = pressed_in(entry["event"] for entry in entries) if policy.hides_keys else set()
    for entry in entries:
        event = entry["event"]
        if event.get("type") in STREAMED:
            event = {"type": event["type"]}
        if pressed:
            event = event_without_keys(event, pressed)
        entry["event"] = _corrected(_object(event, policy), event, policy) if policy.redacts else event
    return b"".join(orjson.dumps(entry) + b"\n" for entry in entries)


def _corrected(clean: Document, event: Mapping[str, Any], policy: Policy) -> Document:
    """The beginning of an answer that was cut, by what the whole answer holds."""
    said = event.get("agent_response_correction_event")
    if isinstance(said, Mapping):
        whole, heard = said.get("original_agent_response"), said.get("corrected_agent_response")
        if isinstance(whole, str) and isinstance(heard, str):
            corrected = clean["agent_response_correction_event"]
            clean["agent_response_correction_event"] = corrected | {
                "corrected_agent_response": beginning(heard, whole, policy)
            }
    return clean


def beginning(heard: str, whole: str, policy: Policy) -> str:
    """What of a text was heard, redacted by what stands in the whole: of a detail that was cut off, the beginning is
    one too."""
    stem = heard.removesuffix("...").rstrip()
    if not whole.startswith(stem):
        return redacted(heard, policy.entities, policy.names)
    tail = heard[len(stem) :]
    begun = [one for one in find(whole, policy.entities, policy.names) if one.start < len(stem)]
    return replaced(stem, begun) + tail


def fragment(document: Mapping[str, Any], policy: Policy) -> Document:
    """A part of a conversation's document, as it may be kept."""
    clean = turn(document, policy)
    analysis = document.get("analysis")
    if policy.redacts and isinstance(analysis, Mapping) and policy.excluded_data:
        _restore_values(analysis, clean["analysis"], policy)
    return clean


def _restore_values(analysis: Mapping[str, Any], clean: Document, policy: Policy) -> None:
    """Values that the agent's owner wants to have as they are; why they were found is redacted all the same."""
    for block, cleaned in zip(analysis.get("scoped") or (), clean.get("scoped") or (), strict=False):
        if isinstance(block, Mapping):
            _restore_values(block, cleaned, policy)
    results = analysis.get("data_collection_results")
    for name in policy.excluded_data:
        if isinstance(results, Mapping) and isinstance(results.get(name), Mapping) and "value" in results[name]:
            clean["data_collection_results"][name]["value"] = results[name]["value"]
    listed = analysis.get("data_collection_results_list")
    for before, after in zip(listed or (), clean.get("data_collection_results_list") or (), strict=False):
        if isinstance(before, Mapping) and before.get("data_collection_id") in policy.excluded_data:
            after["value"] = before.get("value")


def _is_ours(key: str) -> bool:
    return key in _OURS or (key.endswith(_MEASURED) and key not in _FROM_OUTSIDE)


def _clean(value: Any, policy: Policy) -> Any:
    match value:
        case str():
            return text(value, policy)
        case bool():
            return value
        case int() if value > 999_999:
            said = text(str(value), policy)
            return value if said == str(value) else said
        case Mapping():
            return _object(value, policy)
        case list() | tuple():
            return [_clean(one, policy) for one in value]
    return value


def text(value: str, policy: Policy) -> str:
    """One text; one that is a JSON object or list stays one."""
    if value[:1] in ("{", "[") and value[-1:] in ("}", "]"):
        try:
            inside = orjson.loads(value)
        except orjson.JSONDecodeError:
            pass
        else:
            clean = _within_json(inside, policy)
            return value if clean == inside else orjson.dumps(clean).decode()
    return redacted(value, policy.entities, policy.names)


def _within_json(value: Any, policy: Policy) -> Any:
    """What tools take and give has names of its own: every value is looked at, and every name."""
    match value:
        case Mapping():
            names = _names(value, policy)
            return {name: _within_json(one, policy) for name, one in zip(names, value.values(), strict=True)}
        case list() | tuple():
            return [_within_json(one, policy) for one in value]
    return _clean(value, policy)


def _names(fields: Mapping[str, Any], policy: Policy) -> list[str]:
    """Names that others have given to fields, as they may be kept. What were two stays two: ``[EMAIL_ADDRESS] 2``."""
    clean = [redacted(name, policy.entities, policy.names) for name in fields]
    taken = {name for name, before in zip(clean, fields, strict=True) if name == before}
    numbers: Counter[str] = Counter()
    for place, (name, before) in enumerate(zip(clean, fields, strict=True)):
        if name != before:
            numbers[name] += 1
            while (free := f"{name} {numbers[name]}" if numbers[name] > 1 else name) in taken:
                numbers[name] += 1
            taken.add(free)
            clean[place] = free
    return clean
