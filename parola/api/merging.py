"""PATCH of an agent: objects are merged, and what has no fixed keys is replaced as a whole."""

from __future__ import annotations

from typing import Any

FREE_MAPS = frozenset(
    {
        "language_presets",
        "data_collection",
        "data_collection_scopes",
        "dynamic_variable_placeholders",
        "text_behavior_overrides",
        "request_headers",
        "path_params_schema",
        "properties",
        "monitor_configs",
        "nodes",
        "edges",
        "procedures",
        "x_script",
    }
)
"""Objects whose keys are the client's own: an entry left out of one is meant to go."""

TAGS = ("type", "preference")
"""Keys that say which of several shapes an object has; a changed one makes it another object."""


def patched(document: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    """``document`` with ``patch`` applied. Null stays null: it clears."""
    result = dict(document)
    for key, value in patch.items():
        old = result.get(key)
        if isinstance(old, dict) and isinstance(value, dict) and key not in FREE_MAPS and _same_shape(old, value):
            result[key] = patched(old, value)
        else:
            result[key] = value
    return result


def _same_shape(old: dict[str, Any], new: dict[str, Any]) -> bool:
    return all(tag not in old or tag not in new or old[tag] == new[tag] for tag in TAGS)
