"""What an agent's workflow means for a start: whether it can be read, where it begins, what a subagent changes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from parola.conversation.overrides import merged
from parola.conversation.workflow import Workflow, WorkflowError, read
from parola.errors import ConversationRefused


def workflow_of(document: Mapping[str, Any]) -> Workflow:
    """An agent's workflow. Raises ``ConversationRefused`` when it cannot be run."""
    try:
        return read(document.get("workflow"))
    except WorkflowError as error:
        raise ConversationRefused(1008, "value_error", str(error)) from None


def of_node(config: Mapping[str, Any], workflow: Workflow, node_id: str | None) -> Mapping[str, Any]:
    """An agent's ``conversation_config`` with what a node adds to it, and what it says otherwise."""
    if node_id is None:
        return config
    if node_id not in workflow.nodes:
        raise ConversationRefused(1008, "value_error", f"The workflow has no node {node_id}.")
    node = workflow.nodes[node_id].config
    changed = merged(config, _without_nulls(node.get("conversation_config") or {}))
    settings: Mapping[str, Any] = (changed.get("agent") or {}).get("prompt") or {}
    more = {
        "prompt": "\n\n".join(filter(None, (settings.get("prompt"), node.get("additional_prompt")))),
        "tool_ids": [*dict.fromkeys([*(settings.get("tool_ids") or ()), *(node.get("additional_tool_ids") or ())])],
        "knowledge_base": [*(settings.get("knowledge_base") or ()), *(node.get("additional_knowledge_base") or ())],
    }
    return merged(changed, {"agent": {"prompt": {**settings, **more}}})


def start_node(asked: str | None, chosen: str | None, permissions: Mapping[str, Any], workflow: Workflow) -> str | None:
    """Where to begin, when that is not the workflow's start: what the client ``asked`` for, if it may, or what a
    transfer has ``chosen``. Raises ``ConversationRefused``."""
    if asked and not permissions.get("enable_starting_workflow_node_id_from_client"):
        raise ConversationRefused(
            1008,
            "override_error",
            "Override for field 'starting_workflow_node_id' is not allowed by config. "
            "Allow it in platform_settings.overrides.enable_starting_workflow_node_id_from_client.",
            reason="Override for field 'starting_workflow_node_id' is not allowed by config.",
        )
    node_id = asked or chosen
    if node_id and node_id not in workflow.nodes:
        known = ", ".join(workflow.nodes) or "none"
        message = f"starting_workflow_node_id: expected a node of the workflow ({known}), got {node_id!r}."
        raise ConversationRefused(1008, "value_error", message)
    return node_id or None


def _without_nulls(document: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: _without_nulls(value) if isinstance(value, Mapping) else value
        for key, value in document.items()
        if value is not None
    }
