"""Workflows: each kind of node and of edge, and where the conversation is meanwhile."""

from typing import Any

import pytest

from parola.conversation.actions import FetchAgent, RunTool, SwitchAgent, TransferToNumber
from parola.conversation.events import ToolFinished
from parola.conversation.start import Beginning, begin
from parola.conversation.tools import Tool
from parola.conversation.workflow import WorkflowError, read
from parola.errors import ConversationRefused
from parola.protocol.client_messages import ConversationInitiationClientData
from parola.protocol.server_messages import ClientToolCall
from parola.providers.base import ToolDefinition
from tests.conversation.relays import arrives, cannot_come, results, subagent_arrives, wanted
from tests.story import Story, client_tool


def node(kind: str, *order: str, **config: Any) -> dict[str, Any]:
    return {"type": kind, "position": {"x": 0, "y": 0}, "edge_order": list(order), **config}


def subagent(name: str, *order: str, entry: str = "auto", **config: Any) -> dict[str, Any]:
    more = {"label": name, "additional_prompt": f"You are {name}.", "entry_behavior": entry}
    return node("override_agent", *order, **{"conversation_config": {}, "additional_tool_ids": [], **more, **config})


def say(text: str, *order: str, **config: Any) -> dict[str, Any]:
    return node("say", *order, message={"type": "literal", "text": text, "text_translations": {}}, **config)


def way(source: str, target: str, condition: Any = None, **edge: Any) -> dict[str, Any]:
    return {"source": source, "target": target, "forward_condition": condition or {"type": "unconditional"}, **edge}


def when(condition: str) -> dict[str, Any]:
    return {"type": "llm", "condition": condition}


def is_true(name: str) -> dict[str, Any]:
    return {"type": "expression", "expression": {"type": "dynamic_variable", "name": name}}


def flow(edges: dict[str, Any], prevents_loops: bool = False, **nodes: Any) -> dict[str, Any]:
    return {"nodes": {"start": node("start"), **nodes}, "edges": edges, "prevent_subagent_loops": prevents_loops}


def told(workflow: dict[str, Any], **setup: Any) -> Story:
    read(workflow)
    return Story(workflow=workflow, **{"prompt": "Base.", **setup}).connects()


DESK = flow(
    {"in": way("start", "desk"), "bill": way("desk", "billing", when("asks about a bill"))},
    desk=subagent("desk", "bill"),
    billing=subagent("billing"),
)


def at_desk(workflow: dict[str, Any] = DESK, **setup: Any) -> Story:
    return subagent_arrives(told(workflow, **setup))


def steps(story: Story) -> list[list[str]]:
    """What each step of the workflow passed."""
    return [
        [step.get("target_node_id") or step["type"] for step in result["result"]["steps"]]
        for result in results(story)
        if result["type"] == "workflow"
    ]


# -- subagents, and edges that the model judges -----------------------------------------------------------------------


def test_the_workflow_is_entered_before_anybody_has_spoken():
    story = told(DESK)
    assert wanted(story).transfer.node_id == "desk" and wanted(story).transfer.is_subagent
    subagent_arrives(story)
    assert story.phase == "listening" and not story.replies, "after the start it waits for the user"
    assert steps(story) == [["desk"]]


def test_a_subagent_answers_with_the_agents_prompt_and_its_own():
    story = at_desk().asks("Good morning")
    assert story.replies[-1].request.messages[0]["content"] == "Base.\n\nYou are desk."


def test_the_greeting_comes_first():
    story = told(DESK, first_message="Welcome.")
    assert story.replies[-1].verbatim == "Welcome." and not any(isinstance(a, FetchAgent) for a in story.actions)
    subagent_arrives(story.agent_says(seconds=1))
    assert story.wait(1).phase == "listening" and len(story.replies) == 1


def test_the_model_is_offered_a_function_for_each_way_that_it_has_to_judge():
    tool = at_desk(tools=[client_tool("save")]).asks("My bill").replies[-1].request.tools[-1]
    assert tool.name == "notify_condition_1_met" and "asks about a bill" in tool.description


def test_a_condition_that_is_met_hands_over_to_the_next_subagent():
    story = at_desk().asks("My bill").agent_calls("notify_condition_1_met")
    assert story.phase == "waiting"
    subagent_arrives(story)
    assert story.replies[-1].request.messages[0]["content"] == "Base.\n\nYou are billing."
    assert not story.replies[-1].request.tools
    story.agent_says("Which bill?", seconds=1)
    assert story.record[-1]["agent_metadata"] == {"agent_id": "agent_story", "workflow_node_id": "billing"}
    assert results(story)[-1]["result"]["steps"][0]["edge_id"] == "bill"


def test_the_client_is_told_nothing_of_a_step():
    story = subagent_arrives(at_desk().asks("My bill").agent_calls("notify_condition_1_met"))
    assert not [m for m in story.sent if m.event_type.startswith("agent_tool")]


def test_a_way_back_is_one_of_its_own():
    workflow = flow(
        {
            "in": way("start", "desk"),
            "both": way("desk", "billing", when("a bill"), backward_condition=when("something else")),
        },
        desk=subagent("desk"),
        billing=subagent("billing"),
    )
    story = at_desk(workflow).asks("My bill").agent_calls("notify_condition_1_met")
    offered = subagent_arrives(story).replies[-1].request.tools
    assert [tool.description for tool in offered] == ["Call this as soon as the following is true: something else"]
    subagent_arrives(story.agent_calls("notify_condition_1_met"))
    assert story.replies[-1].request.messages[0]["content"] == "Base.\n\nYou are desk."


def test_the_edge_order_is_the_order_of_the_functions():
    edges = {"in": way("start", "desk"), "a": way("desk", "x", when("A")), "b": way("desk", "y", when("B"))}
    workflow = flow(edges, desk=subagent("desk", "b", "a"), x=subagent("x"), y=subagent("y"))
    offered = at_desk(workflow).asks("Hello there").replies[-1].request.tools
    assert [tool.description[-1] for tool in offered] == ["B", "A"]


def test_a_subagent_may_wait_for_the_user_or_begin_itself():
    for entry, phase in (("generate_immediately", "thinking"), ("wait_for_user", "listening"), ("auto", "listening")):
        workflow = flow({"in": way("start", "desk")}, desk=subagent("desk", entry=entry))
        assert at_desk(workflow).phase == phase, entry


def test_an_unconditional_way_out_of_a_subagent_is_taken_when_the_user_answers_it():
    workflow = flow(
        {"in": way("start", "desk"), "on": way("desk", "next")}, desk=subagent("desk"), next=subagent("next")
    )
    story = at_desk(workflow).asks("Good morning").agent_says("Your name?", seconds=1).wait(1)
    story.asks("Ada")
    assert wanted(story).transfer.node_id == "next"
    assert subagent_arrives(story).asked_llm_with("Good morning", "Ada")


def test_a_user_who_speaks_over_a_step_is_answered_by_the_next_subagent():
    story = at_desk().asks("My bill").agent_calls("notify_condition_1_met").begins_to_speak().wait(1)
    subagent_arrives(story).falls_silent("The last one").wait(1)
    assert story.replies[-1].request.messages[0]["content"] == "Base.\n\nYou are billing."


# -- expressions and state --------------------------------------------------------------------------------------------


def test_an_expression_decides_without_the_model():
    workflow = flow(
        {"vip": way("start", "gold", is_true("vip")), "else": way("start", "desk")},
        gold=subagent("gold"),
        desk=subagent("desk"),
    )
    workflow["nodes"]["start"]["edge_order"] = ["vip", "else"]
    assert wanted(told(workflow, variables={"vip": True})).transfer.node_id == "gold"
    assert wanted(told(workflow, variables={"vip": "false"})).transfer.node_id == "desk"


def test_a_subagent_is_left_when_an_expression_has_become_true():
    workflow = flow(
        {"in": way("start", "desk"), "on": way("desk", "next", is_true("done"))},
        desk=subagent("desk"),
        next=subagent("next"),
    )
    story = at_desk(workflow).asks("Good morning").agent_says("Hello", seconds=1).wait(1)
    story.conversation._variables.assign("done", True, story.now)
    assert wanted(story.asks("And now")).transfer.node_id == "next"


UPDATE = node(
    "update_state",
    updates=[
        {
            "type": "dynamic_variable",
            "variable_name": "guests",
            "required": True,
            "expression": {
                "type": "add_operator",
                "left": {"type": "llm", "value_schema": {"type": "integer", "description": "a number"}, "prompt": "N?"},
                "right": {"type": "number_literal", "value": 1},
            },
        },
        {
            "type": "dynamic_variable",
            "variable_name": "seen",
            "required": False,
            "expression": {"type": "boolean_literal", "value": True},
        },
    ],
)


def test_the_model_gives_the_values_that_a_state_needs():
    workflow = flow(
        {
            "in": way("start", "desk"),
            "count": way("desk", "state", when("tells the number")),
            "on": way("state", "next", is_true("seen")),
        },
        desk=subagent("desk"),
        state=UPDATE,
        next=subagent("next", additional_prompt="For {{guests}}."),
    )
    story = at_desk(workflow).asks("We are three")
    function = story.replies[-1].request.tools[0]
    assert function.parameters["required"] == ["guests"]
    assert function.parameters["properties"]["guests"]["type"] == "integer"
    subagent_arrives(story.agent_calls(("notify_condition_1_met", {"guests": 3})))
    assert story.replies[-1].request.messages[0]["content"].endswith("For 4.")
    assert steps(story)[-1] == ["state", "next"]


def test_what_a_state_sets_stands_at_the_step_that_set_it():
    workflow = flow({"in": way("start", "state"), "on": way("state", "desk")}, state=UPDATE, desk=subagent("desk"))
    workflow["nodes"]["state"]["updates"] = UPDATE["updates"][1:]
    story = subagent_arrives(told(workflow))
    [update] = results(story)[-1]["dynamic_variable_updates"]
    assert (update["variable_name"], update["old_value"], update["new_value"]) == ("seen", None, "true")
    assert (update["tool_name"], update["tool_request_id"]) == ("workflow_step", results(story)[-1]["request_id"])


def test_a_step_takes_as_long_as_whoever_it_leads_to():
    story = subagent_arrives(told(DESK).wait(0.25))
    assert results(story)[-1]["result"]["steps"][0]["step_latency_secs"] == 0.25


def test_a_workflow_that_goes_in_circles_is_stopped_and_says_so():
    workflow = flow({"a": way("start", "one"), "b": way("one", "two"), "c": way("two", "one")}, one=UPDATE, two=UPDATE)
    story = told(workflow)
    assert steps(story)[0][-1] == "max_iterations_exceeded" and story.close is None
    assert "stopped" in story.warnings[-1]


def test_a_subagent_is_not_entered_twice_when_loops_are_prevented():
    edges = {
        "in": way("start", "desk"),
        "on": way("desk", "other", when("other")),
        "back": way("other", "desk", when("back")),
    }
    workflow = flow(edges, prevents_loops=True, desk=subagent("desk"), other=subagent("other"))
    story = subagent_arrives(at_desk(workflow).asks("The other").agent_calls("notify_condition_1_met"))
    assert not story.replies[-1].request.tools, "it was at the desk when the user spoke"
    story.agent_says("Yes?", seconds=1).wait(1)
    assert story.asks("Back please").replies[-1].request.tools


# -- say --------------------------------------------------------------------------------------------------------------


def test_words_are_said_as_they_are_and_the_workflow_goes_on():
    workflow = flow({"in": way("start", "hi"), "on": way("hi", "desk")}, hi=say("Hi {{name}}."), desk=subagent("desk"))
    story = told(workflow, variables={"name": "Ada"})
    assert story.replies[-1].verbatim == "Hi Ada."
    story.agent_says(seconds=2)
    assert wanted(story).transfer.node_id == "desk"
    assert subagent_arrives(story).wait(2).phase == "listening"
    assert story.told == [("agent", None), ("agent", "Hi Ada."), ("agent", None)]


def test_words_may_have_to_be_heard_first():
    workflow = flow(
        {"in": way("start", "hi"), "on": way("hi", "desk")},
        hi=say("Hi.", wait_for_speech_completion=True),
        desk=subagent("desk"),
    )
    story = told(workflow).agent_says(seconds=2).wait(1.9)
    assert not any(isinstance(action, FetchAgent) for action in story.actions)
    assert wanted(story.wait(0.1)).transfer.node_id == "desk"


def test_words_may_wait_for_the_users_answer():
    workflow = flow(
        {"in": way("start", "hi"), "on": way("hi", "desk")},
        hi=say("Your name?", wait_for_user_response=True),
        desk=subagent("desk"),
    )
    story = told(workflow).agent_says(seconds=1).wait(1)
    assert story.phase == "listening"
    assert wanted(story.asks("Ada")).transfer.node_id == "desk"
    assert subagent_arrives(story).phase == "thinking", "what the user said is answered"
    silent = told(workflow).agent_says(seconds=1).wait(8)
    assert wanted(silent).transfer.node_id == "desk"


def test_words_in_the_language_of_the_conversation():
    hello = say("Hello.")
    hello["message"]["text_translations"] = {"de": {"value": "Hallo."}}
    assert told(flow({"in": way("start", "hi")}, hi=hello), language="de").replies[-1].verbatim == "Hallo."


def test_words_may_be_said_in_a_voice_of_their_own():
    """A node with a config of its own is met like a subagent: its voice is there before its words."""
    slow = say("Now slowly.", conversation_config={"tts": {"speed": 0.8}})
    story = told(flow({"in": way("start", "slow")}, slow=slow))
    assert wanted(story).transfer.node_id == "slow" and not story.replies
    subagent_arrives(story)
    switched = [action for action in story.actions if isinstance(action, SwitchAgent)]
    assert len(switched) == 1 and story.replies[-1].verbatim == "Now slowly."


def test_words_of_the_model_may_have_a_prompt_of_their_own():
    ask = node("say", message={"type": "prompt", "prompt": "Ask for the name."}, additional_prompt="You are formal.")
    story = subagent_arrives(told(flow({"in": way("start", "ask")}, ask=ask)))
    system = story.replies[-1].request.messages[0]["content"]
    assert "You are formal." in system and "Ask for the name." in system


def test_words_are_said_even_if_their_own_voice_cannot_be_had():
    slow = say("Now slowly.", conversation_config={"tts": {"speed": 0.8}})
    story = cannot_come(told(flow({"in": way("start", "slow")}, slow=slow)), "There is no such voice.")
    assert story.replies[-1].verbatim == "Now slowly."


def test_words_that_the_model_is_to_find():
    hello = node("say", message={"type": "prompt", "prompt": "Greet {{name}}"})
    story = told(flow({"in": way("start", "hi")}, hi=hello), variables={"name": "Ada"}, tools=[client_tool("save")])
    request = story.replies[-1].request
    assert "Greet Ada" in request.messages[0]["content"] and not request.tools
    assert story.agent_says("Good morning, Ada", seconds=1).wait(1).phase == "listening"


# -- tools ------------------------------------------------------------------------------------------------------------

LOOK_UP = Tool(
    ToolDefinition("look_up", "Looks it up", {"type": "object", "properties": {}}), "webhook", tool_id="tool_1"
)
FIND = Tool(
    ToolDefinition("find", "Finds", {"type": "object", "properties": {"order": {"type": "string"}}}),
    "webhook",
    tool_id="tool_2",
)


def with_tool(tool_id: str) -> dict[str, Any]:
    return flow(
        {
            "in": way("start", "run"),
            "good": way("run", "yes", {"type": "result", "successful": True}),
            "bad": way("run", "no", {"type": "result", "successful": False}),
        },
        run=node("tool", "bad", "good", tools=[{"tool_id": tool_id}]),
        yes=say("It worked."),
        no=say("It failed."),
    )


def finish(story: Story, *, is_error: bool = False) -> Story:
    call = [action for action in story.actions if isinstance(action, RunTool)][-1]
    return story.tell(ToolFinished(call.call_id, "done", is_error=is_error))


@pytest.mark.parametrize(("is_error", "words"), [(False, "It worked."), (True, "It failed.")])
def test_a_tool_runs_and_its_result_chooses_the_way(is_error: bool, words: str):
    story = told(with_tool("tool_1"), workflow_tools={"tool_1": LOOK_UP})
    assert not story.replies, "there is nothing to ask the model"
    finish(story, is_error=is_error)
    assert story.replies[-1].verbatim == words
    nested = results(story)[-1]["result"]["steps"][0]
    assert (nested["type"], nested["node_id"], nested["is_successful"]) == ("nested_tools", "run", not is_error)
    assert nested["results"][0]["tool_name"] == "look_up"


def test_the_model_gives_a_tool_what_it_needs():
    story = told(with_tool("tool_2"), workflow_tools={"tool_2": FIND}, tools=[client_tool("save")])
    assert [tool.name for tool in story.replies[-1].request.tools] == ["find"]
    finish(story.agent_calls(("find", {"order": "7"})))
    assert story.replies[-1].verbatim == "It worked."


def test_a_node_says_where_a_tool_has_its_values_from():
    find = Tool(
        ToolDefinition("find", "Finds", {"type": "object", "properties": {"order": {"type": "string"}}}),
        "webhook",
        tool_id="tool_2",
        config={
            "type": "webhook",
            "name": "find",
            "api_schema": {
                "url": "https://crm.example/{shop}",
                "method": "POST",
                "path_params_schema": {"shop": {"type": "string", "description": "which"}},
                "request_body_schema": {
                    "type": "object",
                    "properties": {
                        "order": {"type": "string", "description": "which"},
                        "to": {"type": "object", "properties": {"city": {"type": "string", "description": "where"}}},
                    },
                },
            },
        },
    )
    workflow = with_tool("tool_2")
    workflow["nodes"]["run"]["tools"][0]["schema_overrides"] = {
        "shop": {"source": "constant", "constant_value": "north"},
        "order": {"source": "dynamic_variable", "dynamic_variable": "order_id"},
        "to.city": {"source": "llm", "prompt": "The city that the user named last"},
        "colour": {"source": "omit"},
    }
    story = told(workflow, workflow_tools={"tool_2": find}, variables={"order_id": "A7"})
    [offered] = story.replies[-1].request.tools
    city = {"type": "string", "description": "The city that the user named last"}
    assert offered.parameters["properties"] == {"to": {"type": "object", "properties": {"city": city}}}
    assert any("no parameter colour" in warning for warning in story.warnings)
    story.agent_calls(("find", {"to": {"city": "Bonn"}}))
    [call] = [action for action in story.actions if isinstance(action, RunTool)]
    schema = call.tool.config["api_schema"]
    assert schema["path_params_schema"]["shop"]["constant_value"] == "north"
    assert schema["request_body_schema"]["properties"]["order"]["dynamic_variable"] == "order_id"


def test_a_tool_whose_every_value_is_given_is_not_asked_of_the_model():
    workflow = with_tool("tool_1")
    workflow["nodes"]["run"]["tools"][0]["schema_overrides"] = {"room": {"source": "constant", "constant_value": 4}}
    room = ToolDefinition("open", "Opens", {"type": "object", "properties": {"room": {"type": "integer"}}})
    tool = Tool(room, "client", True, tool_id="tool_1")
    story = told(workflow, workflow_tools={"tool_1": tool})
    assert not story.replies and story.sent_of(ClientToolCall)[-1].parameters == {"room": 4}


def test_a_tool_that_the_model_does_not_call_has_failed():
    story = told(with_tool("tool_2"), workflow_tools={"tool_2": FIND}).agent_says("Hm", seconds=1)
    assert story.replies[-1].verbatim == "It failed."


def test_a_tool_that_does_not_exist_has_failed():
    story = told(with_tool("tool_9"))
    assert story.replies[-1].verbatim == "It failed." and "registry" in story.warnings[0]


# -- other agents, telephones, the end --------------------------------------------------------------------------------


def test_a_whole_agent_takes_over():
    workflow = flow(
        {"in": way("start", "desk"), "on": way("desk", "sales", when("wants to buy"))},
        desk=subagent("desk"),
        sales=node("standalone_agent", agent_id="agent_sales", enable_transferred_agent_first_message=True),
    )
    story = at_desk(workflow).asks("I want two").agent_calls("notify_condition_1_met")
    arrives(story, first_message="Sales here.")
    assert SwitchAgent(wanted(story).call_id) in story.step and story.replies[-1].verbatim == "Sales here."
    assert story.agent_says(seconds=1).record[-1]["agent_metadata"] == {"agent_id": "agent_sales"}


def test_the_workflow_of_the_new_agent_begins_where_the_transfer_says():
    other = flow({"in": way("start", "a")}, a=subagent("a"), b=subagent("b", entry="generate_immediately"))
    workflow = flow({"in": way("start", "go")}, go=node("standalone_agent", agent_id="agent_b", node_id="b"))
    story = arrives(told(workflow), workflow=other, start_node="b")
    assert wanted(story).transfer.node_id == "b" and wanted(story).transfer.is_subagent


def test_a_number_that_cannot_be_reached_leaves_the_conversation_where_a_way_leads():
    workflow = flow(
        {"in": way("start", "phone"), "on": way("phone", "sorry", {"type": "result", "successful": False})},
        phone=node("phone_number", transfer_destination={"type": "phone", "phone_number": "+431"}),
        sorry=say("Nobody is there."),
    )
    story = told(workflow)
    action = next(action for action in story.actions if isinstance(action, TransferToNumber))
    assert action.number == "+431"
    story.tell(ToolFinished(action.call_id, "This is no telephone.", is_error=True, is_called=False))
    assert story.replies[-1].verbatim == "Nobody is there."


@pytest.mark.parametrize("outcome", ["success", "failure"])
def test_the_end_hangs_up_when_the_words_before_it_have_been_heard(outcome: str):
    workflow = flow(
        {"in": way("start", "bye"), "on": way("bye", "end")}, bye=say("Bye."), end=node("end", outcome=outcome)
    )
    story = told(workflow).agent_says(seconds=2).wait(1.9)
    assert story.close is None
    assert story.wait(0.1).close.termination_reason == f"The workflow ended: {outcome}"


# -- what a workflow must be ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("workflow", "problem"),
    [
        ({"nodes": {"a": {"type": "say"}}, "edges": {}}, "expected exactly one node of type start, got 0"),
        (flow({}, x={"type": "dance"}), "workflow.nodes.x.type: expected one of .*, got 'dance'"),
        (flow({"e": way("start", "moon")}), "workflow.edges.e.target: expected the id of a node, got 'moon'"),
        (
            flow({"e": way("start", "start", {"type": "expression", "expression": {"type": "hope"}})}),
            "workflow.edges.e.forward_condition.expression.type: .* got 'hope'",
        ),
    ],
)
def test_what_is_wrong_with_a_workflow_is_named_by_its_path(workflow: dict[str, Any], problem: str):
    with pytest.raises(WorkflowError, match=problem):
        read(workflow)


def started(workflow: dict[str, Any], node_id: str | None = None, *, allowed: bool = True) -> Any:
    overrides = {"enable_starting_workflow_node_id_from_client": allowed}
    document = {"workflow": workflow, "platform_settings": {"overrides": overrides}}
    data = ConversationInitiationClientData(starting_workflow_node_id=node_id)
    return begin(Beginning("conv_1", "agent_1", "A", document), data)


def test_a_client_may_begin_elsewhere_when_the_agent_allows_it():
    assert started(DESK, "billing").start_node == "billing"
    with pytest.raises(ConversationRefused, match="starting_workflow_node_id' is not allowed"):
        started(DESK, "billing", allowed=False)
    with pytest.raises(ConversationRefused, match="expected a node of the workflow"):
        started(DESK, "moon")


def test_a_conversation_that_begins_elsewhere_is_there_at_once():
    assert wanted(told(DESK, start_node="billing")).transfer.node_id == "billing"


def test_an_agent_whose_workflow_cannot_be_run_is_not_started():
    with pytest.raises(ConversationRefused, match="exactly one node of type start"):
        started({"nodes": {"a": {"type": "say"}}, "edges": {}})
