"""Which of an agent's settings a client may replace at the start of a conversation, and doing so.

The agent says so path by path in ``platform_settings.overrides.conversation_config_override`` (all off by default). A
forbidden override refuses the conversation. What every official client sends without being asked is let through: empty
objects, nulls, ``text_only`` in both spellings, the agent's own language or one of its presets, the value that holds
anyway (reference: websocket.md §3.1.1).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from parola.errors import ConversationRefused

GROUPS = frozenset({"agent", "agent.prompt", "tts", "asr", "turn", "turn.soft_timeout_config", "conversation"})
"""Objects of an override whose members are settings of their own; anything deeper is one value."""

FIELDS = frozenset(
    {
        *("agent.first_message", "agent.language", "agent.max_conversation_duration_message"),
        *("agent.native_mcp_server_ids", "agent.prompt.prompt", "agent.prompt.llm", "agent.prompt.reasoning_effort"),
        *("agent.prompt.tool_ids", "agent.prompt.tool_ids_strict", "agent.prompt.native_mcp_server_ids"),
        *("agent.prompt.knowledge_base", "tts.voice_id", "tts.model_id", "tts.stability", "tts.speed"),
        *("tts.similarity_boost", "tts.clone_strength", "tts.supported_voices"),
        *("tts.pronunciation_dictionary_locators", "asr.keywords", "turn.soft_timeout_config.message"),
        *("turn.soft_timeout_config.additional_soft_timeout_messages", "turn.noisy_environment_message"),
        *("conversation.text_only", "conversation.max_duration_seconds", "conversation.client_events"),
    }
)
"""What can be overridden at all; anything else a client sends is ignored."""

FREE = frozenset({"conversation.text_only", "conversation.client_events"})
"""Never refused."""

DROPPED = frozenset({"asr.keywords"})
"""Ignored, not refused, when not allowed."""


ALSO = {
    "agent.native_mcp_server_ids": "agent.prompt.native_mcp_server_ids",
    "agent.prompt.tool_ids_strict": "agent.prompt.tool_ids",
    "text_only": "conversation.text_only",
}
"""Paths that are allowed as another is. All but the flag are another spelling of it: the last one the Python SDK's."""

STRICT = "agent.prompt.tool_ids_strict"
"""A flag beside ``tool_ids``: the agent has these tools and, its built-in ones aside, no others."""


def accepted(
    override: Mapping[str, Any],
    permissions: Mapping[str, Any],
    config: Mapping[str, Any],
    languages: frozenset[str],
    ignored: list[str] | None = None,
) -> dict[str, Any]:
    """The part of ``override`` that applies, as a nested object. Forbidden paths go into ``ignored``; without such a
    list the first one raises ``ConversationRefused``."""
    result: dict[str, Any] = {}
    for path, value in _leaves(override):
        means = path if path == STRICT else ALSO.get(path, path)
        is_allowed = (
            means in FREE
            or bool(_at(permissions, path))
            or bool(_at(permissions, ALSO.get(path, path)))
            or _at(config, means) == value
            or (means == "agent.language" and isinstance(value, str) and value in languages)
        )
        if is_allowed:
            _put(result, means, value)
        elif means in FIELDS and means not in DROPPED:
            if ignored is None:
                raise _refused(path)
            ignored.append(path)
    return result


def applied(config: Mapping[str, Any], override: Mapping[str, Any]) -> dict[str, Any]:
    """``config`` with an accepted override laid over it. ``tool_ids_strict`` counts only in an override, and only
    beside ``tool_ids``."""
    result = merged(config, override)
    if _at(override, STRICT) and _at(override, "agent.prompt.tool_ids") is not None:
        result["agent"]["prompt"]["tools"] = []
    return result


def paths(override: Mapping[str, Any]) -> tuple[str, ...]:
    """What an accepted override sets."""
    return tuple(path for path, _ in _leaves(override))


def is_text_only(override: Mapping[str, Any], config: Mapping[str, Any]) -> bool:
    """Whether a conversation is one by text: as the client wishes it, else as the agent has it."""
    path = "conversation.text_only"
    wishes = (_at(override, path), *(_at(override, other) for other, means in ALSO.items() if means == path))
    return bool(next((wish for wish in wishes if wish is not None), _at(config, path)))


def _refused(path: str) -> ConversationRefused:
    field = path.rpartition(".")[2]
    return ConversationRefused(
        1008,
        "override_error",
        f"Override for field '{field}' is not allowed by config. "
        f"Allow it in platform_settings.overrides.conversation_config_override.{path}.",
        reason=f"Override for field '{field}' is not allowed by config.",
    )


def merged(config: Mapping[str, Any], override: Mapping[str, Any]) -> dict[str, Any]:
    """``config`` with an accepted override laid over it: objects are merged, anything else is replaced."""
    result = dict(config)
    for key, value in override.items():
        old = result.get(key)
        result[key] = merged(old, value) if isinstance(value, Mapping) and isinstance(old, Mapping) else value
    return result


def _leaves(override: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in override.items():
        path = f"{prefix}{key}"
        if value is None:
            continue
        if path in GROUPS:
            if not isinstance(value, Mapping):
                raise ConversationRefused(
                    1008, "invalid_message", f"conversation_config_override.{path}: expected an object, got {value!r}."
                )
            yield from _leaves(value, f"{path}.")
        else:
            yield path, value


def _at(document: Mapping[str, Any], path: str) -> Any:
    value: Any = document
    for part in path.split("."):
        if not isinstance(value, Mapping):
            return None
        value = value.get(part)
    return value


def _put(document: dict[str, Any], path: str, value: Any) -> None:
    *parents, last = path.split(".")
    for parent in parents:
        document = document.setdefault(parent, {})
    document[last] = value
