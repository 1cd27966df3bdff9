"""Where a conversation is in its agent's workflow, and how it moves on.

A step is a call like that of a tool: the model asks for it (one function for each way out that it has to judge), or
the conversation takes it by itself when a way is open whose condition needs no model. A step goes through nodes that
are done at once and stops at one that takes time: a subagent or an agent takes over, words are said, tools run, the
call ends. What was passed is noted in the record (``WorkflowToolResponse``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from parola import endings
from parola.conversation import expressions
from parola.conversation.afterwards import CallTools, GoOn, HangUp, Speak, Transfer
from parola.conversation.assignments import update_of
from parola.conversation.expressions import ExpressionError, Value
from parola.conversation.handover import Handover
from parola.conversation.outgoing import Outgoing
from parola.conversation.schema_overrides import with_overrides
from parola.conversation.setup import Setup
from parola.conversation.system_tools import Outcome, SystemTools, number_of
from parola.conversation.tools import Tool, ToolCall
from parola.conversation.transcript import AgentEntry, AgentRef, Transcript, tool_call, tool_result
from parola.conversation.variables import Variables
from parola.conversation.workflow import Edge, Node, Workflow, read
from parola.providers.base import ToolDefinition

MAX_STEPS = 20
"""Nodes that one step may pass; then the workflow is stopped where it is."""

STEP = Tool(ToolDefinition("workflow_step", "The workflow moves on by itself", {"type": "object"}), "workflow")
"""The call of a step that the model did not ask for."""

_TYPES = {"boolean": "boolean", "integer": "integer", "number": "number"}


class Walk:
    """One conversation's way through the workflow of the agent that has it."""

    __slots__ = (
        *(
            "_entered",
            "_entered_at",
            "_handover",
            "_has_replied",
            "_has_spoken",
            "_nested",
            "_out",
            "_subagents",
            "_system",
        ),
        *("_transcript", "_variables", "is_busy", "position", "setup", "succeeded", "workflow"),
    )

    def __init__(
        self,
        setup: Setup,
        out: Outgoing,
        transcript: Transcript,
        variables: Variables,
        handover: Handover,
        system: SystemTools,
    ) -> None:
        self._out = out
        self._transcript = transcript
        self._variables = variables
        self._handover = handover
        self._system = system
        self.begin(setup)

    def begin(self, setup: Setup) -> None:
        """The workflow of an agent that has just taken over, from its start or the node that was named."""
        self.setup = setup
        self.workflow: Workflow = read(setup.workflow)
        self.position = setup.start_node or self.workflow.start
        """The node where the conversation is; empty without a workflow."""
        self._entered = False
        self.is_busy = False
        """What the node does has begun and is not over: words of it are being made, or its tools run."""
        self.succeeded: bool | None = None
        """How the last node that can fail went."""
        self._entered_at = 0
        """The length of the transcript when the node was entered."""
        self._has_spoken = self._has_replied = False
        """Since the node was entered: the agent has; the user has, after that."""
        self._nested: dict[str, Any] | None = None
        self._subagents: set[str] = set()

    def taken_over(self, setup: Setup) -> None:
        """Another agent, or a subagent of this workflow, has the conversation."""
        if setup.node_id is None:
            self.begin(setup)
        else:
            self.setup = setup
        self._transcript.agent = AgentRef(setup.agent_id, setup.branch_id, self.position or None, setup.version_id)

    # -- what is seen of it -------------------------------------------------------------------------------------------

    @property
    def node(self) -> Node | None:
        return self.workflow.nodes.get(self.position) if self._entered else None

    @property
    def _ways(self) -> tuple[Edge, ...]:
        """Those that lead on from here, in order."""
        ways = self.workflow.edges.get(self.position, ())
        if not self.workflow.prevents_loops:
            return ways
        return tuple(way for way in ways if way.target not in self._subagents)

    @property
    def tools(self) -> Mapping[str, Tool]:
        """What the model is offered here: the agent's tools, and a function for each way that it has to judge."""
        node = self.node
        if node is None:
            return self.setup.tools
        if self.is_busy:
            return self._tools_of(node) if node.type == "tool" else {}
        judged = [way for way in self._ways if way.type == "llm"]
        functions = (self._function(number, way) for number, way in enumerate(judged, 1))
        return {**self.setup.tools, **{tool.name: tool for tool in functions}}

    @property
    def instruction(self) -> str:
        """What the model is told for the step it takes here, variables not yet filled in."""
        node = self.node
        if node is None or not self.is_busy:
            return ""
        if node.type == "tool":
            return "Call the tools you are offered now, with what you know. Say nothing."
        message = node.config.get("message") or {}
        return f"Say this now, in your own words, and nothing else: {message.get('prompt') or ''}"

    def _tools_of(self, node: Node) -> dict[str, Tool]:
        overrides = {t.get("tool_id"): t.get("schema_overrides") for t in node.config.get("tools") or ()}
        tools: dict[str, Tool] = {}
        for tool_id in node.tool_ids:
            if (tool := self.setup.workflow_tools.get(tool_id)) is not None:
                tool, troubles = with_overrides(tool, overrides.get(tool_id))
                tools[tool.name] = tool
                for trouble in troubles:
                    self._out.warn(f"Node {node.label} of the workflow: {trouble}")
        return tools

    def _function(self, number: int, way: Edge) -> Tool:
        condition = str(way.condition.get("condition") or way.condition.get("label") or "")
        properties: dict[str, Any] = {}
        required = []
        for key, leaf, is_required in self._values_for(way):
            schema = leaf["value_schema"]
            properties[key] = {
                "type": _TYPES.get(str(schema.get("type")), "string"),
                "description": f"{leaf.get('prompt') or ''} {schema.get('description') or ''}".strip(),
                **({"enum": list(schema["enum"])} if schema.get("enum") else {}),
            }
            if is_required:
                required.append(key)
        schema = {"type": "object", "properties": properties, **({"required": required} if required else {})}
        description = f"Call this as soon as the following is true: {condition}"
        name = f"notify_condition_{number}_met"
        return Tool(ToolDefinition(name, description, schema), "workflow", config={"edge": way.edge_id})

    def _values_for(self, way: Edge) -> list[tuple[str, Mapping[str, Any], bool]]:
        """What the model has to tell for the state updates that come right behind a way: key, leaf, required."""
        values: list[tuple[str, Mapping[str, Any], bool]] = []
        node, seen = self.workflow.nodes[way.target], set()
        while node.type == "update_state" and node.node_id not in seen:
            seen.add(node.node_id)
            for update in node.config.get("updates") or ():
                leaves = list(expressions.wanted_in(update.get("expression")))
                for number, leaf in enumerate(leaves, 1):
                    suffix = f"_{number}" if len(leaves) > 1 else ""
                    values.append((f"{update.get('variable_name')}{suffix}", leaf, bool(update.get("required"))))
            onward = self.workflow.edges.get(node.node_id, ())
            if not onward:
                break
            node = self.workflow.nodes[onward[0].target]
        return values

    # -- what happens around it ---------------------------------------------------------------------------------------

    def user_spoke(self, *, was_silent: bool = False) -> None:
        """The user's turn is over; ``was_silent``: it passed without a word."""
        if not was_silent:
            self._subagents = {self.position}
        is_said = self.node is not None and self.node.type == "say"
        self._has_replied |= is_said or (self._has_spoken and not was_silent)

    def agent_spoke(self) -> None:
        """The agent's turn has been told: what the user says next answers it."""
        said = self._transcript.entries[self._entered_at :]
        self._has_spoken |= any(isinstance(entry, AgentEntry) and bool(entry.said) for entry in said)

    def told(self) -> None:
        """What the node had to say has been told, or the model has called none of the tools it should have."""
        if self.is_busy and self.node is not None and self.node.type == "tool":
            self._finish_tools([])
        self.is_busy = False

    def cut(self, calls: Sequence[ToolCall] = ()) -> None:
        """The user has the floor before the node was done. ``calls`` have their results, though the model has not
        read them. Words count as said; tools that have not run are asked for again when the agent answers."""
        if calls:
            self.tools_finished(calls)
        if self.node is None or self.node.type != "tool":
            self.is_busy = False

    def tools_finished(self, calls: Sequence[ToolCall]) -> None:
        """A round is over: the tools of a node have run, or somebody that a node has asked for cannot come."""
        step = next((call for call in calls if call.type == "workflow"), None)
        if step is not None:
            self.succeeded = not step.is_error if isinstance(step.then, GoOn) else self.succeeded
        elif self.is_busy and self.node is not None and self.node.type == "tool":
            self._finish_tools(calls)
            self.is_busy = False

    def _finish_tools(self, calls: Sequence[ToolCall]) -> None:
        self.succeeded = bool(calls) and not any(call.is_error for call in calls)
        self._nested = {
            "type": "nested_tools",
            "step_latency_secs": _seconds(calls),
            "node_id": self.position,
            "requests": [tool_call(call) for call in calls],
            "results": [tool_result(call) for call in calls],
            "is_successful": self.succeeded,
        }

    @property
    def waits_for_speech(self) -> bool:
        """The workflow goes on only when the words have been heard."""
        return self.node is not None and bool(self.node.config.get("wait_for_speech_completion"))

    # -- moving -------------------------------------------------------------------------------------------------------

    def can_move(self, now: float) -> bool:
        """A way is open that needs no model to judge it."""
        return bool(self.workflow.nodes) and not self.is_busy and (not self._entered or self._open_way(now) is not None)

    def goes_on(self, now: float) -> bool:
        """It does not stay here, now that the agent's words have been told: no subagent has the conversation."""
        return self.can_move(now) and (self.node is None or self.node.type != "override_agent")

    def _open_way(self, now: float) -> Edge | None:
        node = self.node
        if node is None:
            return None
        if node.type == "say" and node.config.get("wait_for_user_response") and not self._has_replied:
            return None
        for way in self._ways:
            match way.type:
                case "unconditional" if node.type != "override_agent" or self._has_replied:
                    return way
                case "result" if self.succeeded is not None and self.succeeded is bool(way.condition.get("successful")):
                    return way
                case "expression" if self._holds(way, now):
                    return way
        return None

    def _holds(self, way: Edge, now: float) -> bool:
        native = self._variables.native(now)
        try:
            return expressions.is_true(expressions.evaluate(way.condition["expression"], native))
        except ExpressionError as error:
            self._out.warn(f"Edge {way.edge_id} of the workflow: {error}")
            return False

    def follow(self, call: ToolCall, now: float) -> Outcome | None:
        """Take the way that a function stands for, or the one that is open; None when an agent is waited for."""
        steps: list[dict[str, Any]] = []
        if self._nested is not None:
            steps.append(self._nested)
            self._nested = None
        call.outcome = {"steps": steps}
        edge_id = call.tool.config.get("edge") if call.tool is not None else None
        if edge_id is not None:
            way = next((way for way in self._ways if way.edge_id == edge_id and way.type == "llm"), None)
            if way is None:
                return Outcome("The workflow is somewhere else already.", call.outcome, True, "not_here", False)
        elif not self._entered:
            way = Edge("", "", self.position, {})
        else:
            way = self._open_way(now)
        while way is not None:
            if len(steps) >= MAX_STEPS:
                steps.append({"type": "max_iterations_exceeded", "step_latency_secs": 0.0, "max_iterations": MAX_STEPS})
                self._out.warn(f"The workflow passed {MAX_STEPS} nodes at once; it was stopped.")
                return Outcome(
                    "The workflow was stopped: it goes round in circles.", call.outcome, True, "too_many_steps"
                )
            if way.edge_id:
                step = {"type": "edge", "step_latency_secs": 0.0, "edge_id": way.edge_id, "target_node_id": way.target}
                steps.append(step)
            before = self.node
            self._enter(way.target)
            node = self.workflow.nodes[way.target]
            if (settled := self._begin(call, node, before, now)) is not None:
                return settled
            if call.transfer is not None or call.timeout_at > now:
                return None
            way = self._open_way(now)
        return Outcome("The workflow has moved on.", call.outcome)

    def _enter(self, node_id: str) -> None:
        self.position, self._entered = node_id, True
        self.succeeded = None
        self._entered_at = len(self._transcript.entries)
        self._has_spoken = self._has_replied = False
        self._transcript.agent = AgentRef(self.setup.agent_id, self.setup.branch_id, node_id, self.setup.version_id)

    def _begin(self, call: ToolCall, node: Node, before: Node | None, now: float) -> Outcome | None:
        """What a node does when it is entered. None: it is done, or it waits for somebody, who is asked by ``call``."""
        done = Outcome("The workflow has moved on.", call.outcome)
        match node.type:
            case "override_agent":
                self._subagents.add(node.node_id)
                waits = node.config.get("entry_behavior") or "auto"
                if waits == "auto":
                    waits = "wait_for_user" if before is None or before.type in ("say", "start") else "generate"
                entry = "waits" if waits == "wait_for_user" else "answers"
                transfer = Transfer(node_id=node.node_id, is_subagent=True, entry=entry)  # type: ignore[arg-type]
                self._handover.ask(call, transfer, now)
            case "standalone_agent":
                self._handover.ask(call, Transfer.of(node.config), now)
            case "phone_number":
                number = self._variables.fill_in(number_of(node.config), now)
                call.then = GoOn()
                self._system.call_number(call, number, node.config, now)
            case "say":
                text = self._literal(node, now)
                if not text and (node.config.get("message") or {}).get("type") == "literal":
                    return None
                self.is_busy = True
                if node.has_config:
                    self._handover.ask(call, Transfer(node_id=node.node_id, is_subagent=True, says=text), now)
                    return None
                call.then = Speak(text) if text else None
                return done
            case "tool":
                self.is_busy = True
                tools = self._tools_of(node)
                if not tools:
                    self._out.warn(f"Node {node.label} of the workflow: none of its tools is in the registry.")
                    self._finish_tools([])
                    self.is_busy = False
                    return None
                if all(not tool.definition.parameters.get("properties") for tool in tools.values()):
                    call.then = CallTools(tuple(tools))
                return done
            case "update_state":
                self._update(node, call, now)
            case "end":
                call.then = HangUp(f"{endings.WORKFLOW_ENDED}: {node.config.get('outcome') or 'success'}")
                return done
        return None

    def _literal(self, node: Node, now: float) -> str:
        message = node.config.get("message") or {}
        translation = (message.get("text_translations") or {}).get(self.setup.language) or {}
        return self._variables.fill_in(str(translation.get("value") or message.get("text") or ""), now).strip()

    def _update(self, node: Node, call: ToolCall, now: float) -> None:
        native = self._variables.native(now)
        for update in node.config.get("updates") or ():
            name, required = str(update.get("variable_name")), bool(update.get("required"))
            leaves = list(expressions.wanted_in(update["expression"]))
            keys = [f"{name}_{n}" if len(leaves) > 1 else name for n in range(1, len(leaves) + 1)]
            given = {id(leaf): call.arguments.get(key) for key, leaf in zip(keys, leaves, strict=True)}
            if any(value is None for value in given.values()):
                if required:
                    self._out.warn(f"Node {node.label} of the workflow: the model gave no value for {name}.")
                continue

            def wanted(leaf: Mapping[str, Any], given: Mapping[int, Value] = given) -> Value:
                return given.get(id(leaf))

            try:
                value = expressions.evaluate(update["expression"], native, wanted)
            except ExpressionError as error:
                self._out.warn(f"Node {node.label} of the workflow: {name}: {error}")
            else:
                old, at = self._variables.assign(name, value, now)
                call.updates = [*call.updates, update_of(name, old, value, at, call.name, call.call_id)]


def _seconds(calls: Sequence[ToolCall]) -> float:
    """From the first call to the last result."""
    ends = [call.finished_at for call in calls if call.finished_at is not None]
    return round(max(ends) - min(call.called_at for call in calls), 3) if ends else 0.0
