"""``schema_overrides`` of a workflow's tool node: where single parameters of a tool have their values from, for calls
by this node (reference: rest-schemas.md §2, ``WorkflowToolLocator``).

A parameter is named as the model knows it; dots lead into objects. ``constant`` and ``dynamic_variable`` give its
value, ``llm`` says anew what the model is to find, ``omit`` leaves it out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from parola.conversation import webhook_tool
from parola.conversation.mcp_tools import overridden
from parola.conversation.tools import Tool

SOURCES = ("constant", "dynamic_variable", "llm", "omit")

_NO_SOURCE = {"dynamic_variable": "", "constant_value": None, "is_system_provided": False, "is_omitted": False}


def with_overrides(tool: Tool, overrides: Any) -> tuple[Tool, list[str]]:
    """The tool as a node calls it, and what of ``overrides`` means nothing here. System tools have none."""
    given = {str(k): v for k, v in overrides.items() if v is not None} if isinstance(overrides, Mapping) else {}
    troubles = [
        f'schema_overrides.{name} of the tool "{tool.name}": expected a source of {", ".join(SOURCES)}, got {value!r}.'
        for name, value in given.items()
        if not isinstance(value, Mapping) or value.get("source") not in SOURCES
    ]
    given = {k: v for k, v in given.items() if isinstance(v, Mapping) and v.get("source") in SOURCES}
    if not given or tool.type in ("system", "workflow"):
        return tool, troubles
    if tool.type == "webhook":
        return _webhook(tool, given, troubles), troubles
    schema, values = overridden(tool.definition.parameters, given)
    known = tool.definition.parameters.get("properties") or {}
    troubles += [_unknown(tool, name) for name in given if name not in known]
    config = {**tool.config, "given": {**(tool.config.get("given") or {}), **values}}
    return replace(tool, definition=replace(tool.definition, parameters=schema), config=config), troubles


def _webhook(tool: Tool, given: Mapping[str, Mapping[str, Any]], troubles: list[str]) -> Tool:
    api_schema: Mapping[str, Any] = tool.config.get("api_schema") or {}
    places = webhook_tool.places(api_schema)
    parts = {"path": "path_params_schema", "query": "query_params_schema", "body": "request_body_schema"}
    for name, override in given.items():
        first, *inner = name.split(".")
        place = places.get(first)
        # One that has its value from elsewhere is none of the model's arguments, and may be overridden all the same.
        candidates = [place.part] if place is not None else list(parts)
        for part in candidates:
            keys = [parts[part], *([] if part == "path" else ["properties"]), place.name if place else first]
            for key in inner:
                keys += ["properties", key]
            changed = _changed(api_schema, keys, override)
            if changed is not None:
                api_schema = changed
                break
        else:
            troubles.append(_unknown(tool, name))
    description = str(tool.config.get("description") or "")
    definition = webhook_tool.definition(tool.name, description, api_schema)
    return replace(tool, definition=definition, config={**tool.config, "api_schema": api_schema})


def _changed(schema: Any, keys: list[str], override: Mapping[str, Any]) -> dict[str, Any] | None:
    """The schema with another leaf at the end of these keys; None when there is none."""
    if not isinstance(schema, Mapping):
        return None
    if not keys:
        return _leaf(schema, override)
    inner = _changed(schema.get(keys[0]), keys[1:], override)
    return None if inner is None else {**schema, keys[0]: inner}


def _leaf(leaf: Mapping[str, Any], override: Mapping[str, Any]) -> dict[str, Any]:
    match override["source"]:
        case "constant":
            return {**leaf, **_NO_SOURCE, "constant_value": override.get("constant_value")}
        case "dynamic_variable":
            return {**leaf, **_NO_SOURCE, "dynamic_variable": override.get("dynamic_variable")}
        case "llm":
            return {**leaf, **_NO_SOURCE, "description": str(override.get("prompt") or leaf.get("description") or "")}
        case _:
            return {**leaf, **_NO_SOURCE, "is_omitted": True}


def _unknown(tool: Tool, name: str) -> str:
    return f'schema_overrides of the tool "{tool.name}": it has no parameter {name}.'
