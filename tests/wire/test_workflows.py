"""Transfers, workflows and built-in tools against a real server, with the official Python SDK on the telephone."""

from __future__ import annotations

from typing import Any

from elevenlabs.client import ElevenLabs
from elevenlabs.conversational_ai.conversation import ConversationInitiationData

from tests.wire.frames import TIMEOUT
from tests.wire.servers import agent, said
from tests.wire.test_python_sdk import Caller

POSITION = {"x": 0, "y": 0}


def script(*rules: dict[str, Any], default: str) -> dict[str, Any]:
    """A node's config that lets the scripted model answer by its own rules."""
    return {"agent": {"prompt": {"x_script": {"rules": list(rules), "default": default}}}}


def subagent(label: str, config: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "override_agent",
        "position": POSITION,
        "edge_order": [],
        "label": label,
        "conversation_config": config,
        "additional_prompt": f"You are {label}.",
        "additional_knowledge_base": [],
        "additional_tool_ids": [],
        "entry_behavior": "auto",
    }


def edge(source: str, target: str, condition: dict[str, Any]) -> dict[str, Any]:
    return {"source": source, "target": target, "forward_condition": condition}


BILL = {"when": "bill", "call": {"tool": "notify_condition_1_met", "arguments": {}}}
BILLED = {"when": "bill", "say": "Never", "then": "Billing is here."}
"""The scripted model finds its place by what the user said: the round before was that of this rule."""

WORKFLOW = {
    "nodes": {
        "start": {"type": "start", "position": POSITION, "edge_order": []},
        "desk": subagent("desk", script(BILL, default="The desk heard: {{last_user}}")),
        "billing": subagent("billing", script(BILLED, default="Billing heard: {{last_user}}")),
        "end": {"type": "end", "position": POSITION, "edge_order": [], "outcome": "success"},
    },
    "edges": {
        "in": edge("start", "desk", {"type": "unconditional"}),
        "bill": edge("desk", "billing", {"type": "llm", "condition": "the user asks about a bill"}),
    },
    "prevent_subagent_loops": False,
}


def test_a_workflow_leads_from_one_subagent_to_the_next(parola, tap):
    agent_id = parola.create_agent({**agent(first_message="Welcome."), "workflow": WORKFLOW})
    with Caller(tap, agent_id) as caller:
        assert caller.hears("response") == "Welcome."
        assert caller.asks("Good morning") == "The desk heard: Good morning"
        assert caller.asks("My bill is wrong") == "Billing is here."
        assert caller.asks("The last one") == "Billing heard: The last one"
        conversation_id = caller.hangs_up()
    record = parola.ended_record(conversation_id)
    agents = [turn for turn in record["transcript"] if turn["role"] == "agent"]
    spoken = [(turn["message"], turn["agent_metadata"].get("workflow_node_id")) for turn in agents if turn["message"]]
    assert spoken[1:] == [
        ("The desk heard: Good morning", "desk"),
        ("Billing is here.", "billing"),
        ("Billing heard: The last one", "billing"),
    ]
    steps = [step for turn in agents for result in turn["tool_results"] for step in result["result"]["steps"]]
    assert [(step["edge_id"], step["target_node_id"]) for step in steps] == [("in", "desk"), ("bill", "billing")]
    used = record["metadata"]["features_usage"]["workflow"]
    assert used["override_agent_node"] == {"enabled": True, "used": True} and not used["end_node"]["used"]


def test_an_agent_with_a_workflow_comes_back_as_it_was_sent(parola):
    agent_id = parola.create_agent({**agent(), "workflow": WORKFLOW})
    assert parola.http.get(f"/v1/convai/agents/{agent_id}").json()["workflow"] == WORKFLOW
    read = ElevenLabs(api_key="any", base_url=parola.url).conversational_ai.agents.get(agent_id)
    assert read.workflow is not None and set(read.workflow.nodes) == {"start", "desk", "billing", "end"}


def test_another_agent_takes_over_with_its_own_voice_and_rules(parola, tap):
    sales = parola.create_agent(agent(first_message="Sales here, {{name}}.", default="Sales heard: {{last_user}}"))
    transfer = {
        "agent_id": sales,
        "condition": "wants to buy",
        "transfer_message": "One moment.",
        "enable_transferred_agent_first_message": True,
    }
    tool = {
        "type": "system",
        "name": "transfer_to_agent",
        "description": "",
        "params": {"system_tool_type": "transfer_to_agent", "transfers": [transfer]},
    }
    call = {"when": "buy", "call": {"tool": "transfer_to_agent", "arguments": {"agent_number": 0}}}
    desk = parola.create_agent(agent(call, tools=[tool]))
    config = ConversationInitiationData(dynamic_variables={"name": "Ada"})
    with Caller(tap, desk, config=config) as caller:
        caller.began()
        assert caller.asks("Good morning") == "I heard: Good morning"
        assert caller.asks("I want to buy") == "One moment."
        assert caller.hears("response", TIMEOUT) == "Sales here, Ada."
        assert caller.asks("Two, please") == "Sales heard: Two, please"
        conversation_id = caller.hangs_up()
    record = parola.ended_record(conversation_id)
    assert [visited["agent_id"] for visited in record["visited_agents"]] == [desk, sales]
    assert record["agent_id"] == desk
    assert record["transcript"][-1]["agent_metadata"]["agent_id"] == sales
    result = next(result for turn in record["transcript"] for result in turn["tool_results"])
    assert (result["result"]["result_type"], result["result"]["to_agent"]) == ("transfer_to_agent_success", sales)


def test_an_agent_that_does_not_exist_cannot_take_over(parola, tap):
    transfer = {"agent_id": "agent_nobody", "condition": "wants to buy"}
    params = {"system_tool_type": "transfer_to_agent", "transfers": [transfer]}
    tool = {"type": "system", "name": "transfer_to_agent", "description": "", "params": params}
    call = {"when": "buy", "call": {"tool": "transfer_to_agent", "arguments": {"agent_number": 0}}}
    with Caller(tap, parola.create_agent(agent(call, tools=[tool]))) as caller:
        caller.began()
        assert "agent_nobody" in caller.asks("I want to buy")
        assert caller.asks("Well") == "I heard: Well"


def test_a_socket_has_no_telephone(parola, tap):
    transfer = {"transfer_destination": {"type": "phone", "phone_number": "+431"}, "condition": "wants a person"}
    params = {"system_tool_type": "transfer_to_number", "transfers": [transfer]}
    tool = {"type": "system", "name": "transfer_to_number", "description": "", "params": params}
    arguments = {"transfer_number": "+431", "client_message": "Wait", "agent_message": "A guest"}
    call = {"when": "person", "call": {"tool": "transfer_to_number", "arguments": arguments}}
    with Caller(tap, parola.create_agent(agent(call, tools=[tool]))) as caller:
        caller.began()
        assert "not a telephone call" in caller.asks("A person, please")
        record = parola.ended_record(caller.hangs_up())
    result = next(result for turn in record["transcript"] for result in turn["tool_results"])
    assert result["result"]["result_type"] == "transfer_to_number_error"
    assert [words for role, words in said(record) if role == "user"] == ["A person, please"]
