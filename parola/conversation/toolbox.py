"""An agent's tools as its config names them, made into ``Tool``s: its own, those of the registry, the built-in ones."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from parola.conversation import system_tools, webhook_tool
from parola.conversation.system_tools import LANGUAGE_TOOL
from parola.conversation.tools import InterruptionMode, Tool
from parola.conversation.waiting_for_human import TRANSFER_TO_HUMAN, terms
from parola.errors import ConversationRefused
from parola.protocol.agents import ConversationalConfig
from parola.protocol.tools import ClientTool
from parola.providers.base import ToolDefinition

_TOOL_NAME = re.compile(r"^[a-zA-Z0-9_-]{1,64}$")


def tools_of(
    config: ConversationalConfig, registry: Mapping[str, Mapping[str, Any]], warnings: list[str]
) -> dict[str, Tool]:
    """The agent's tools by name: its own, those of the registry, the built-in ones. The first of a name wins."""
    settings = config.agent.prompt
    entries: list[tuple[str | None, Mapping[str, Any]]] = []
    for known in settings.tool_ids:
        if known in registry:
            entries.append((known, registry[known]))
        else:
            warnings.append(f"Tool {known} is not in the registry; the agent runs without it.")
    entries += [(None, tool) for tool in settings.tools if isinstance(tool, Mapping)]
    built_in = settings.built_in_tools
    entries += [
        (None, {"type": "system", "name": name, **tool}) for name, tool in built_in.items() if isinstance(tool, Mapping)
    ]
    tools: dict[str, Tool] = {}
    for tool_id, entry in entries:
        tool = _tool(tool_id, entry, warnings)
        if tool is not None:
            tools.setdefault(tool.name, tool)
    return tools


def config_in(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """A tool's config from its document in the registry; the mocks beside it go with it."""
    config: Mapping[str, Any] = document.get("tool_config") or {}
    mocks = document.get("response_mocks")
    return {**config, "response_mocks": mocks} if mocks else config


def add_tools_of_client(
    tools: dict[str, Tool], named: Sequence[Mapping[str, Any]] | None, warnings: list[str], *, is_allowed: bool
) -> None:
    """Tools that the client brings for this conversation and runs itself (``x_tools``). The agent has to allow it, and
    its own tools keep their names. Raises ``ConversationRefused``."""
    if not named:
        return
    if not is_allowed:
        raise ConversationRefused(
            1008,
            "override_error",
            "Override for field 'x_tools' is not allowed by config. Allow it in platform_settings.overrides.x_tools.",
            reason="Override for field 'x_tools' is not allowed by config.",
        )
    for index, entry in enumerate(named):
        try:
            # Only these: any other kind would have the server act, with the workspace's secrets, as a caller likes.
            ClientTool.model_validate({"type": "client", **entry})
        except ValidationError as error:
            first = error.errors(include_url=False, include_context=False)[0]
            where = ".".join(str(part) for part in ("x_tools", index, *first["loc"]))
            message = f"{where}: {first['msg']}; expected the config of a client tool."
            raise ConversationRefused(1008, "value_error", message) from None
        tool = _tool(None, {"type": "client", **entry}, warnings)
        if tool is not None and tool.name in tools:
            warnings.append(f'The client brought a tool "{tool.name}"; the agent has its own, which counts.')
        elif tool is not None:
            tools[tool.name] = tool


def registry_tools(
    ids: Iterable[str], registry: Mapping[str, Mapping[str, Any]], warnings: list[str]
) -> dict[str, Tool]:
    """Tools of the registry by their id, as far as they are there and can be run."""
    made = {tool_id: _tool(tool_id, registry[tool_id], warnings) for tool_id in ids if tool_id in registry}
    return {tool_id: tool for tool_id, tool in made.items() if tool is not None}


def _tool(tool_id: str | None, entry: Mapping[str, Any], warnings: list[str]) -> Tool | None:
    kind = str(entry.get("type") or ("webhook" if "api_schema" in entry else "client"))
    name = str(entry.get("name") or "")
    if not _TOOL_NAME.match(name):
        warnings.append(f"Tool {name!r} has no valid name (letters, digits, _ and -, at most 64); left out.")
        return None
    timeout = entry.get("response_timeout_secs")
    if kind == "system":
        definition = system_tools.definition(str(system_tools.params(entry).get("system_tool_type") or name), entry)
        if definition is None:
            warnings.append(f"System tool {name} is not run by this version; the agent runs without it.")
            return None
        if definition.name == TRANSFER_TO_HUMAN and (problem := terms(entry)[1]):
            warnings.append(f"Tool {name}, {problem} It waits as if nothing were set.")
        description = str(entry.get("description") or "") or definition.description
        offered = ToolDefinition(definition.name, description, definition.parameters)
        return Tool(offered, "system", tool_id=tool_id, config=entry)
    if kind == "webhook":
        return Tool(
            webhook_tool.definition(name, str(entry.get("description") or ""), entry.get("api_schema") or {}),
            "webhook",
            expects_response=True,
            timeout_seconds=webhook_tool.timeout_seconds(entry, warnings),
            interruption=_interruption(entry),
            tool_id=tool_id,
            config=entry,
        )
    if kind != "client":
        warnings.append(f"Tool {name} is of type {kind}, which this version does not run; the agent runs without it.")
        return None
    definition = ToolDefinition(name, str(entry.get("description") or ""), json_schema(entry.get("parameters")))
    return Tool(
        definition,
        "client",
        expects_response=bool(entry.get("expects_response")),
        timeout_seconds=float(timeout) if isinstance(timeout, int | float) else 20.0,
        interruption=_interruption(entry),
        tool_id=tool_id,
        config=entry,
    )


def offer_languages(tools: dict[str, Tool], languages: tuple[str, ...], warnings: list[str]) -> None:
    """Let the model know which languages it can switch to; without a second one there is no such tool."""
    tool = tools[LANGUAGE_TOOL]
    if len(languages) < 2:
        del tools[LANGUAGE_TOOL]
        warnings.append(f"{LANGUAGE_TOOL} has nothing to switch to: the agent has no language_presets.")
        return
    schema = dict(tool.definition.parameters)
    properties = dict(schema["properties"])
    properties["language"] = {**properties["language"], "enum": list(languages)}
    definition = replace(tool.definition, parameters={**schema, "properties": properties})
    tools[LANGUAGE_TOOL] = replace(tool, definition=definition, languages=languages)


def _interruption(entry: Mapping[str, Any]) -> InterruptionMode:
    match entry.get("interruption_mode"):
        case "disable_during_tool":
            return "disable_during_tool"
        case "disable_during_tool_and_turn":
            return "disable_during_tool_and_turn"
        case _:
            return "disable_during_tool" if entry.get("disable_interruptions") else "allow"


def json_schema(schema: Any) -> dict[str, Any]:
    """A tool's parameters as JSON Schema: what the platform adds to a property is left out, as are omitted ones."""
    if not isinstance(schema, Mapping):
        return {"type": "object", "properties": {}}
    kept = {key: schema[key] for key in ("type", "description", "enum") if schema.get(key)}
    if "properties" in schema or schema.get("type") == "object":
        properties = schema.get("properties") or {}
        shown = {k: json_schema(v) for k, v in properties.items() if isinstance(v, Mapping) and not v.get("is_omitted")}
        kept |= {"type": "object", "properties": shown}
        required = [name for name in schema.get("required") or [] if name in shown]
        if required:
            kept["required"] = required
    elif schema.get("type") == "array":
        kept["items"] = json_schema(schema["items"]) if isinstance(schema.get("items"), Mapping) else {}
    return kept
