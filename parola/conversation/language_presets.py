"""What changes when a language is chosen that the agent has a preset for.

A preset has the shape of an override; where it says nothing of the first message or of the soft timeout, its cached
translations count. Such a translation knows what it was made from: ``source_hash`` is the JSON of that text and its
language, as the hosted platform writes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from parola.conversation.overrides import merged

TRANSLATIONS = {
    "first_message_translation": ("firstMessage", ("agent", "first_message")),
    "soft_timeout_translation": ("softTimeoutMessage", ("turn", "soft_timeout_config", "message")),
}
"""Key in the preset: key of the source text in the hash, and where that text stands in the config."""


def changes(preset: Any) -> dict[str, Any]:
    """The preset as an override: nulls say nothing, translations stand behind what the preset says itself."""
    preset = preset if isinstance(preset, Mapping) else {}
    translated: dict[str, Any] = {}
    if text := _text(preset.get("first_message_translation")):
        translated["agent"] = {"first_message": text}
    if text := _text(preset.get("soft_timeout_translation")):
        # The further messages are in the other language still.
        translated["turn"] = {"soft_timeout_config": {"message": text, "additional_soft_timeout_messages": []}}
    return merged(translated, without_nulls(preset.get("overrides") or {}))


def outdated(preset: Any, config: Mapping[str, Any]) -> list[str]:
    """Where the translations of a preset were made from are no longer what the agent says."""
    found = []
    for key, (source, path) in TRANSLATIONS.items():
        translation = preset.get(key) if isinstance(preset, Mapping) else None
        if not isinstance(translation, Mapping) or not _text(translation):
            continue
        made_from = _made_from(translation.get("source_hash"), source)
        current: Any = config
        for part in path:
            current = current.get(part) if isinstance(current, Mapping) else None
        if made_from is not None and isinstance(current, str) and made_from != current:
            found.append(key)
    return found


def without_nulls(document: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: without_nulls(value) if isinstance(value, Mapping) else value
        for key, value in document.items()
        if value is not None
    }


def _text(translation: Any) -> str:
    text = translation.get("text") if isinstance(translation, Mapping) else None
    return text if isinstance(text, str) else ""


def _made_from(source_hash: Any, key: str) -> str | None:
    """None when the hash is in no form that can be read."""
    try:
        source = orjson.loads(source_hash) if isinstance(source_hash, str) else None
    except orjson.JSONDecodeError:
        return None
    text = source.get(key) if isinstance(source, dict) else None
    return text if isinstance(text, str) else None
