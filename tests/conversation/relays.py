"""What stories about transfers and workflows share: agents that come when they are asked for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from parola.conversation.actions import FetchAgent
from parola.conversation.events import AgentReady, AgentUnavailable
from parola.conversation.setup import Setup
from parola.conversation.subagents import of_node
from parola.conversation.system_tools import definition
from parola.conversation.tools import Tool
from parola.conversation.workflow import read
from tests.story import Story


def built_in(name: str, **params: Any) -> Tool:
    """A system tool as an agent has it configured."""
    config = {"type": "system", "name": name, "params": {"system_tool_type": name, **params}}
    made = definition(name, config)
    assert made is not None
    return Tool(made, "system", config=config)


def wanted(story: Story) -> FetchAgent:
    """The agent the conversation has asked for last."""
    asked = [action for action in story.actions if isinstance(action, FetchAgent)]
    assert asked, "nobody was asked for"
    return asked[-1]


def arrives(story: Story, **setup: Any) -> Story:
    """Another agent is ready."""
    request = wanted(story)
    agent = Setup("conv_other", **{"agent_id": request.transfer.agent_id or "agent_story", **setup})
    return story.tell(AgentReady(request.call_id, agent))


def subagent_arrives(story: Story, **setup: Any) -> Story:
    """The subagent that was asked for is ready, as the session would make it of the agent and its node."""
    request, present = wanted(story), story.conversation.setup
    node_id = request.transfer.node_id
    assert request.transfer.is_subagent and node_id is not None
    config = of_node({"agent": {"prompt": {"prompt": story.setup.prompt}}}, read(present.workflow), node_id)
    subagent = replace(present, node_id=node_id, **{"prompt": config["agent"]["prompt"]["prompt"], **setup})
    return story.tell(AgentReady(request.call_id, subagent))


def cannot_come(story: Story, why: str) -> Story:
    return story.tell(AgentUnavailable(wanted(story).call_id, why))


def results(story: Story) -> list[dict[str, Any]]:
    """``tool_results`` of the record, in order."""
    return [result for turn in story.record for result in turn["tool_results"]]
