"""An agent's workflow as values: nodes, and edges with the conditions under which they are taken.

Read once, at the start of a conversation; what is wrong is named by its path. Where the conversation is in it, and how
it moves on, is ``walk`` (reference: rest-schemas.md §2, ``AgentWorkflowResponse``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from parola.conversation.expressions import ExpressionError, check
from parola.conversation.prompt import names_in

NODES = frozenset(("start", "override_agent", "say", "tool", "standalone_agent", "phone_number", "update_state", "end"))
CONDITIONS = frozenset(("unconditional", "llm", "expression", "result"))


class WorkflowError(ValueError):
    """A workflow that cannot be run: the message says where and what was expected."""


@dataclass(frozen=True, slots=True)
class Edge:
    """A way out of a node; an edge that may be taken in both directions is two of these."""

    edge_id: str
    source: str
    target: str
    condition: Mapping[str, Any]

    @property
    def type(self) -> str:
        return str(self.condition.get("type"))


@dataclass(frozen=True, slots=True)
class Node:
    node_id: str
    type: str
    config: Mapping[str, Any]

    @property
    def label(self) -> str:
        return str(self.config.get("label") or self.node_id)

    @property
    def has_config(self) -> bool:
        """It says something of the agent that speaks there: its voice, its model, its prompt, its documents."""
        added = ("additional_prompt", "additional_knowledge_base", "additional_tool_ids")
        return any(self.config.get(key) for key in added) or _says_something(self.config.get("conversation_config"))

    @property
    def tool_ids(self) -> tuple[str, ...]:
        """Tools of the registry that it needs: its own, or those it adds to the agent's."""
        located = [tool.get("tool_id") for tool in self.config.get("tools") or () if isinstance(tool, Mapping)]
        named = self.config.get("additional_tool_ids") or ()
        return tuple(str(tool_id) for tool_id in (*located, *named) if tool_id)


@dataclass(frozen=True, slots=True)
class Workflow:
    """No nodes: the agent has none."""

    nodes: Mapping[str, Node] = field(default_factory=dict)
    edges: Mapping[str, tuple[Edge, ...]] = field(default_factory=dict)
    """Those that lead out of a node, in the order in which they are tried."""
    prevents_loops: bool = False
    """A subagent is not entered a second time before the user has spoken again."""

    @property
    def start(self) -> str:
        return next((node.node_id for node in self.nodes.values() if node.type == "start"), "")

    def tool_ids(self) -> list[str]:
        return [tool_id for node in self.nodes.values() for tool_id in node.tool_ids]


def read(document: Any) -> Workflow:
    """From an agent's ``workflow``. Raises ``WorkflowError``."""
    if not document or not isinstance(document, Mapping) or not document.get("nodes"):
        return Workflow()
    nodes = {str(node_id): _node(str(node_id), config) for node_id, config in _object(document, "nodes").items()}
    if sum(node.type == "start" for node in nodes.values()) != 1:
        count = sum(node.type == "start" for node in nodes.values())
        raise WorkflowError(f"workflow.nodes: expected exactly one node of type start, got {count}.")
    found: dict[str, dict[str, list[Edge]]] = {node_id: {} for node_id in nodes}
    for edge_id, config in _object(document, "edges").items():
        for edge in _edges(str(edge_id), config, nodes):
            found[edge.source].setdefault(edge.edge_id, []).append(edge)
    ordered = {}
    for node_id, by_id in found.items():
        order = [str(edge_id) for edge_id in nodes[node_id].config.get("edge_order") or ()]
        ids = [*(edge_id for edge_id in order if edge_id in by_id), *(i for i in by_id if i not in order)]
        ordered[node_id] = tuple(edge for edge_id in ids for edge in by_id[edge_id])
    return Workflow(nodes, ordered, bool(document.get("prevent_subagent_loops")))


def _says_something(config: Any) -> bool:
    if isinstance(config, Mapping):
        return any(_says_something(value) for value in config.values())
    return config is not None


def _object(document: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = document.get(key) or {}
    if not isinstance(value, Mapping):
        raise WorkflowError(f"workflow.{key}: expected an object by id, got {value!r}.")
    return value


def _node(node_id: str, config: Any) -> Node:
    where = f"workflow.nodes.{node_id}"
    if not isinstance(config, Mapping) or config.get("type") not in NODES:
        got = config.get("type") if isinstance(config, Mapping) else config
        raise WorkflowError(f"{where}.type: expected one of {', '.join(sorted(NODES))}, got {got!r}.")
    for index, update in enumerate(config.get("updates") or ()):
        try:
            check(update.get("expression"), f"{where}.updates.{index}.expression")
        except ExpressionError as error:
            raise WorkflowError(str(error)) from None
    return Node(node_id, config["type"], config)


def _edges(edge_id: str, config: Any, nodes: Mapping[str, Node]) -> list[Edge]:
    where = f"workflow.edges.{edge_id}"
    if not isinstance(config, Mapping):
        raise WorkflowError(f"{where}: expected an object, got {config!r}.")
    ends = {}
    for end in ("source", "target"):
        ends[end] = str(config.get(end))
        if ends[end] not in nodes:
            raise WorkflowError(f"{where}.{end}: expected the id of a node, got {config.get(end)!r}.")
    forward, backward = config.get("forward_condition"), config.get("backward_condition")
    if forward is None and backward is None:
        forward = {"type": "unconditional"}
    edges = []
    for name, condition, source, target in (
        ("forward_condition", forward, ends["source"], ends["target"]),
        ("backward_condition", backward, ends["target"], ends["source"]),
    ):
        if condition is None:
            continue
        if not isinstance(condition, Mapping) or condition.get("type") not in CONDITIONS:
            got = condition.get("type") if isinstance(condition, Mapping) else condition
            raise WorkflowError(f"{where}.{name}.type: expected one of {', '.join(sorted(CONDITIONS))}, got {got!r}.")
        if condition["type"] == "expression":
            try:
                check(condition.get("expression"), f"{where}.{name}.expression")
            except ExpressionError as error:
                raise WorkflowError(str(error)) from None
        edges.append(Edge(edge_id, source, target, condition))
    return edges


# -- the variables it names and sets ----------------------------------------------------------------------------------


def variables_set(document: Any) -> set[str]:
    """By its states, as far as it can be read."""
    updates = [update for _, node in _nodes_of(document) for update in node.get("updates") or ()]
    return {
        str(update["variable_name"]) for update in updates if isinstance(update, Mapping) and "variable_name" in update
    }


def variables_named(document: Any) -> Iterator[tuple[str, list[str]]]:
    """(node, names) of texts that hold ``{{name}}``, and of tools' parameters that get their values from variables.
    Expressions do without: a variable that is not there is null to them."""
    for node_id, node in _nodes_of(document):
        texts = [node.get(key) for key in ("message", "additional_prompt", "transfer_message", "transfer_destination")]
        names = [*_named_in([*texts, node.get("conversation_config")])]
        for tool in node.get("tools") or ():
            overrides = tool.get("schema_overrides") if isinstance(tool, Mapping) else None
            for override in overrides.values() if isinstance(overrides, Mapping) else ():
                if isinstance(override, Mapping) and override.get("source") == "dynamic_variable":
                    names.append(str(override.get("dynamic_variable")))
        if names:
            yield str(node.get("label") or node_id), [*dict.fromkeys(names)]


def _named_in(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield from names_in(value)
        case Mapping():
            for inner in value.values():
                yield from _named_in(inner)
        case list():
            for inner in value:
                yield from _named_in(inner)


def _nodes_of(document: Any) -> list[tuple[str, Mapping[str, Any]]]:
    nodes = document.get("nodes") if isinstance(document, Mapping) else None
    found = nodes.items() if isinstance(nodes, Mapping) else ()
    return [(str(node_id), node) for node_id, node in found if isinstance(node, Mapping)]
