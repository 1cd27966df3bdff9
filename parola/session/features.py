"""Which features a conversation could use, and which it used (``metadata.features_usage`` of the record)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from parola.conversation.setup import Setup

_TOOLS = {
    "language_detection": "language_detection",
    "transfer_to_agent": "transfer_to_agent",
    "transfer_to_number": "transfer_to_number",
    "play_keypad_touch_tone": "dtmf_tones",
    "voicemail_detection": "voicemail_detection",
}
"""System tools, and what the record calls their features."""

_NODES = {
    "tool": "tool_node",
    "standalone_agent": "standalone_agent_node",
    "phone_number": "phone_number_node",
    "end": "end_node",
    "override_agent": "override_agent_node",
}

_NEVER = ("dtmf_input", "versioning", "freeform_procedure", "structured_procedure")
"""What this server does not have."""


class Features:
    """Told every agent that has the conversation, and every turn that is kept."""

    __slots__ = ("_enabled", "_has_workflow", "_node_types", "_used")

    def __init__(self, setup: Setup) -> None:
        self._enabled: set[str] = set()
        self._used: set[str] = set()
        self._node_types: dict[str, str] = {}
        self._has_workflow = False
        self.meets(setup)

    def meets(self, setup: Setup) -> None:
        """An agent has the conversation, with its tools, voices, servers and its workflow."""
        tools = (*setup.tools.values(), *setup.workflow_tools.values())
        self._enabled |= {_TOOLS[tool.name] for tool in tools if tool.type == "system" and tool.name in _TOOLS}
        if setup.voice.others:
            self._enabled.add("multivoice")
        if setup.mcp_servers:
            self._enabled.add("external_mcp_servers")
        nodes: Mapping[str, Any] = setup.workflow.get("nodes") or {}
        types = {str(node_id): str(node.get("type")) for node_id, node in nodes.items() if isinstance(node, Mapping)}
        self._node_types |= types
        self._has_workflow |= bool(types)
        if setup.takes_files:
            self._enabled.add("file_input")
        self._enabled |= {_NODES[kind] for kind in types.values() if kind in _NODES}
        if "update_state" in types.values() or any(tool.rules.assignments for tool in tools):
            self._enabled.add("tool_dynamic_variable_updates")

    def saw(self, turn: Mapping[str, Any]) -> None:
        """A turn as it is kept."""
        if turn.get("multivoice_message"):
            self._used.add("multivoice")
        if turn.get("file_inputs"):
            self._used.add("file_input")
        self._saw_calls(turn.get("tool_results") or ())

    def document(self) -> dict[str, Any]:
        """``FeaturesUsage``. What was used was there to be used: an MCP server's tools are found on the way."""

        def status(name: str) -> dict[str, bool]:
            return {"enabled": name in self._enabled or name in self._used, "used": name in self._used}

        named = (*_TOOLS.values(), "multivoice", "file_input", "external_mcp_servers")
        named += ("tool_dynamic_variable_updates", *_NEVER)
        return {
            **{name: status(name) for name in named},
            "pii_zrm_workspace": False,
            "pii_zrm_agent": False,
            "is_livekit": False,
            "workflow": {"enabled": self._has_workflow, **{name: status(name) for name in _NODES.values()}},
            "agent_testing": {
                "enabled": False,
                "tests_ran_after_last_modification": False,
                "tests_ran_in_last_7_days": False,
            },
        }

    def _saw_calls(self, results: Iterable[Mapping[str, Any]]) -> None:
        for result in results:
            if result["dynamic_variable_updates"]:
                self._used.add("tool_dynamic_variable_updates")
            match result["type"]:
                case "system" if not result["is_error"] and result["tool_name"] in _TOOLS:
                    self._used.add(_TOOLS[result["tool_name"]])
                case "mcp" if result["tool_has_been_called"]:
                    self._used.add("external_mcp_servers")
                case "workflow":
                    for step in (result.get("result") or {}).get("steps") or ():
                        self._saw_step(step)

    def _saw_step(self, step: Mapping[str, Any]) -> None:
        if step["type"] == "nested_tools":
            self._used.add("tool_node")
            self._saw_calls(step["results"])
        elif (kind := self._node_types.get(str(step.get("target_node_id")))) in _NODES:
            self._used.add(_NODES[kind])
