"""MCP servers as a conversation knows them: what they offer becomes ``Tool``s, and each tool's approval is decided.

A server's config says how its tools behave; ``tool_config_overrides`` says otherwise for single ones (reference:
rest.md §3.8). What a server calls its tools may not be a name for a model, or the name of another tool; then the model
gets a name made from it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from parola.conversation.tools import InterruptionMode, Tool
from parola.protocol.lossless import dumps
from parola.providers.base import ToolDefinition

MOST_TOOLS = 128
"""Of all kinds, for one agent: more than that, no model of OpenAI's takes."""

DEFAULT_SECONDS = 30.0

_RULES = (
    "force_pre_tool_speech",
    "pre_tool_speech",
    "disable_interruptions",
    "interruption_mode",
    "tool_call_sound",
    "tool_call_sound_behavior",
    "execution_mode",
    "response_timeout_secs",
    "tool_error_handling_mode",
    "assignments",
    "input_overrides",
    "response_mocks",
)
"""What a server says of all its tools, and may say otherwise of one."""

_TOLD = ("name", "approval_policy", "tool_approval_hashes", "tool_config_overrides", *_RULES)
_NOT_IN_NAMES = re.compile(r"[^a-zA-Z0-9_-]+")
_LONGEST_NAME = 64


@dataclass(frozen=True, slots=True)
class ListedTool:
    """A tool as its server lists it."""

    name: str
    description: str = ""
    input_schema: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> ListedTool:
        """From the server's own description."""
        schema = document.get("inputSchema")
        description = document.get("description") or document.get("title") or ""
        return cls(str(document.get("name") or ""), str(description), schema if isinstance(schema, Mapping) else {})

    @property
    def hash(self) -> str:
        """Changes with everything that an approval is given for: name, description and parameters."""
        definition = [self.name, self.description, self.input_schema]
        return hashlib.sha256(dumps(definition, sort_keys=True)).hexdigest()


@dataclass(frozen=True, slots=True)
class McpServer:
    """A server of the agent: what its config says about its tools, without addresses and credentials."""

    server_id: str
    config: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, server_id: str, config: Mapping[str, Any]) -> McpServer:
        """From the config as stored."""
        return cls(server_id, {key: config[key] for key in _TOLD if config.get(key) is not None})

    @property
    def name(self) -> str:
        return str(self.config.get("name") or self.server_id)

    @property
    def policy(self) -> str:
        return str(self.config.get("approval_policy") or "require_approval_all")

    def needs_approval(self, tool: ListedTool) -> bool:
        """Whether somebody has to agree to each call. A tool that was approved and has changed since has to be
        approved again."""
        if self.policy == "auto_approve_all":
            return False
        if self.policy != "require_approval_per_tool":
            return True
        approvals = self.config.get("tool_approval_hashes") or ()
        approval = next((a for a in approvals if isinstance(a, Mapping) and a.get("tool_name") == tool.name), {})
        return approval.get("approval_policy") != "auto_approved" or approval.get("tool_hash") != tool.hash

    def rules_for(self, tool_name: str) -> dict[str, Any]:
        """What holds for calls of this tool: the server's own settings, and over them those for the tool."""
        overrides = self.config.get("tool_config_overrides") or ()
        own = next((o for o in overrides if isinstance(o, Mapping) and o.get("tool_name") == tool_name), {})
        rules = {key: self.config[key] for key in _RULES if key in self.config}
        rules |= {key: own[key] for key in _RULES if own.get(key) is not None}
        if own.get("disable_interruptions") is False and own.get("interruption_mode") is None:
            rules["interruption_mode"] = "allow"
        return rules


def tools_of(
    servers: Iterable[tuple[McpServer, Sequence[ListedTool]]], others: Mapping[str, Tool]
) -> tuple[dict[str, Tool], list[str]]:
    """The tools of all servers by the model's names for them, beside the ``others`` of the agent; and warnings."""
    tools: dict[str, Tool] = {}
    warnings: list[str] = []
    for server, offered in servers:
        left_out = 0
        for listed in offered:
            if len(tools) + len(others) >= MOST_TOOLS:
                left_out += 1
                continue
            name = name_for(listed.name, server.name, {*others, *tools})
            tools[name] = _tool(name, server, listed)
        if left_out:
            warnings.append(
                f"MCP server {server.name}: {left_out} of {len(offered)} tools are left out; "
                f"an agent can have {MOST_TOOLS}."
            )
    return tools, warnings


def name_for(name: str, server_name: str, taken: Iterable[str]) -> str:
    """What the model calls a tool: the name itself where it can be one, and nothing else has it."""
    taken = set(taken)
    plain = _NOT_IN_NAMES.sub("_", name).strip("_")[:_LONGEST_NAME] or "tool"
    if plain not in taken:
        return plain
    named = _NOT_IN_NAMES.sub("_", f"{server_name}_{name}").strip("_")
    if len(named) <= _LONGEST_NAME and named not in taken:
        return named
    mark = hashlib.sha256(f"{server_name}\n{name}".encode()).hexdigest()[:8]
    return f"{named[: _LONGEST_NAME - 9]}_{mark}"


def _tool(name: str, server: McpServer, listed: ListedTool) -> Tool:
    rules = server.rules_for(listed.name)
    overrides = rules.pop("input_overrides", None) or {}
    schema, given = overridden(listed.input_schema, overrides)
    seconds = rules.get("response_timeout_secs")
    return Tool(
        ToolDefinition(name, listed.description, schema),
        "mcp",
        timeout_seconds=float(seconds) if isinstance(seconds, int | float) else DEFAULT_SECONDS,
        interruption=_interruption(rules),
        config={
            **rules,
            "mcp_server_id": server.server_id,
            "mcp_server_name": server.name,
            "mcp_tool_name": listed.name,
            "approval_policy": server.policy,
            "requires_approval": server.needs_approval(listed),
            "given": given,
        },
    )


def _interruption(rules: Mapping[str, Any]) -> InterruptionMode:
    match rules.get("interruption_mode"):
        case "disable_during_tool":
            return "disable_during_tool"
        case "disable_during_tool_and_turn":
            return "disable_during_tool_and_turn"
        case "allow":
            return "allow"
        case _:
            return "disable_during_tool" if rules.get("disable_interruptions") else "allow"


def overridden(
    schema: Mapping[str, Any], overrides: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Mapping[str, Any]]]:
    """The parameters as the model sees them, and those it does not give, with where their values come from
    (``input_overrides``, by the parameter's name)."""
    shown = dict(schema) if schema.get("type") == "object" else {"type": "object", **schema}
    declared = schema.get("properties")
    properties = dict(declared) if isinstance(declared, Mapping) else {}
    given: dict[str, Mapping[str, Any]] = {}
    for parameter, override in overrides.items():
        if not isinstance(override, Mapping):
            continue
        match override.get("source"):
            case "constant" | "dynamic_variable":
                given[parameter] = override
                properties.pop(parameter, None)
            case "omit":
                properties.pop(parameter, None)
            case "llm" if isinstance(properties.get(parameter), Mapping) and override.get("prompt"):
                properties[parameter] = {**properties[parameter], "description": str(override["prompt"])}
    shown["properties"] = properties
    required = schema.get("required")
    if isinstance(required, Sequence) and not isinstance(required, str):
        shown["required"] = [name for name in required if name in properties]
    return shown, given


def arguments_for(tool: Tool, arguments: Mapping[str, Any], variables: Mapping[str, Any]) -> dict[str, Any]:
    """What the server gets: the model's arguments, and those that the config gives in its place. A variable without a
    value is left out."""
    complete = dict(arguments)
    for parameter, override in (tool.config.get("given") or {}).items():
        if override.get("source") == "constant":
            complete[parameter] = override.get("constant_value")
        elif (name := str(override.get("dynamic_variable"))) in variables:
            complete[parameter] = variables[name]
    return complete
