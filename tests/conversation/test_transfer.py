"""Another agent takes over: when, with what, and what is told about it."""

from typing import Any

from parola.conversation.actions import SwitchAgent
from parola.conversation.setup import ModelChoice, VoiceChoice
from tests.conversation.relays import arrives, built_in, cannot_come, results, wanted
from tests.story import Story, client_tool

BILLING = {"agent_id": "agent_billing", "condition": "asks about a bill"}
SALES = {
    "agent_id": "agent_sales",
    "condition": "wants to buy",
    "delay_ms": 2000,
    "transfer_message": "I will hand you over, {{name}}.",
    "enable_transferred_agent_first_message": True,
}
TRANSFER = built_in("transfer_to_agent", transfers=[BILLING, SALES])


def asked(**setup: Any) -> Story:
    story = Story(tools=[TRANSFER], prompt="You are the desk.", variables={"name": "Ada"}, **setup)
    return story.connects().asks("My bill is wrong")


def to_billing(**setup: Any) -> Story:
    return asked(**setup).agent_calls(("transfer_to_agent", {"agent_number": 0, "reason": "a bill"}))


def to_sales(**setup: Any) -> Story:
    return asked(**setup).agent_calls(("transfer_to_agent", {"agent_number": 1}))


def test_the_model_is_offered_the_conditions_by_number():
    assert "- 0: asks about a bill\n- 1: wants to buy" in TRANSFER.definition.description
    assert TRANSFER.definition.parameters["properties"]["agent_number"]["enum"] == [0, 1]


def test_the_conversation_waits_for_the_agent():
    story = to_billing()
    assert story.phase == "waiting" and wanted(story).transfer.agent_id == "agent_billing"
    assert wanted(story).variables["name"] == "Ada"


def test_the_new_agent_answers_with_its_own_prompt_and_tools_and_knows_what_was_said():
    story = to_billing()
    arrives(story, prompt="You do bills.", tools={"look_up": client_tool("look_up")}, model=ModelChoice("gpt-4o"))
    assert SwitchAgent(wanted(story).call_id) in story.step
    request = story.replies[-1].request
    assert request.messages[0]["content"].startswith("You do bills.")
    assert request.messages[1] == {"role": "user", "content": "My bill is wrong"}
    assert [tool.name for tool in request.tools] == ["look_up"] and request.model == "gpt-4o"


def test_the_record_says_who_spoke_and_what_became_of_the_transfer():
    story = arrives(to_billing()).agent_says("I see your bill", seconds=1)
    assert [t["agent_metadata"]["agent_id"] for t in story.record if t["role"] == "agent"] == [
        "agent_story",
        "agent_billing",
    ]
    result = results(story)[0]["result"]
    assert (result["result_type"], result["from_agent"]) == ("transfer_to_agent_success", "agent_story")
    assert (result["to_agent"], result["condition"]) == ("agent_billing", "asks about a bill")


def test_the_branch_that_a_transfer_names_is_in_the_record():
    transfer = {"agent_id": "agent_billing", "condition": "asks about a bill", "branch_id": "br_2"}
    story = Story(tools=[built_in("transfer_to_agent", transfers=[transfer])]).connects().asks("My bill")
    arrives(story.agent_calls(("transfer_to_agent", {"agent_number": 0})), branch_id="br_2")
    assert results(story)[0]["result"]["branch_info"] == {"branch_reason": "configured", "branch_id": "br_2"}


def test_the_call_stays_the_same_call():
    story = arrives(to_billing(text_only=True), text_only=False, max_duration_seconds=5.0)
    assert story.conversation.setup.text_only and story.conversation.setup.conversation_id == "conv_story"
    assert story.wait(6).close is None


def test_the_system_variables_know_who_has_the_conversation():
    story = arrives(to_billing(), prompt="{{system__agent_id}} {{system__current_agent_id}}")
    assert story.replies[-1].request.messages[0]["content"] == "agent_story agent_billing"
    lookup = story.agent_says("Hello", seconds=1).conversation.lookup(story.now)
    assert (lookup("system__agent_turns"), lookup("system__current_agent_turns")) == ("1", "1")


def test_what_tools_have_set_goes_with_the_call_and_new_placeholders_fill_the_rest():
    story = arrives(to_billing(), prompt="{{name}} {{plan}}", variables={"name": "nobody", "plan": "basic"})
    assert story.replies[-1].request.messages[0]["content"] == "Ada basic"


def test_a_message_is_said_before_and_a_delay_kept():
    story = arrives(to_sales(), first_message="Sales here.")
    assert story.replies[-1].verbatim == "I will hand you over, Ada."
    assert not any(isinstance(action, SwitchAgent) for action in story.actions)
    story.agent_says(seconds=1).wait(1)
    assert story.phase == "waiting"
    story.wait(1)
    assert any(isinstance(action, SwitchAgent) for action in story.step)
    assert story.replies[-1].verbatim == "Sales here."


def test_an_agent_that_cannot_come_is_an_error_and_the_call_goes_on():
    story = cannot_come(to_sales(), "Missing required dynamic variables in prompt: {'plan'}")
    assert story.phase == "thinking" and "plan" in story.tool_results["transfer_to_agent"]
    assert results(story)[0]["result"]["result_type"] == "transfer_to_agent_error"
    assert story.conversation.setup.agent_id == "agent_story"


def test_an_agent_that_is_never_ready_is_not_waited_for_for_ever():
    story = to_billing().wait(15)
    assert story.phase == "thinking" and results(story)[0]["error_type"] == "timeout"
    assert arrives(story).step == [], "it comes too late"


def test_a_number_that_is_not_offered_is_an_error():
    story = asked().agent_calls(("transfer_to_agent", {"agent_number": 7}))
    assert results(story)[0]["is_error"] and not results(story)[0]["tool_has_been_called"]


def test_a_user_who_speaks_while_the_agent_is_fetched_is_answered_by_the_new_one():
    story = to_billing().begins_to_speak().wait(1)
    arrives(story, prompt="You do bills.")
    story.falls_silent("And the one before").wait(1)
    assert story.phase == "thinking"
    assert story.replies[-1].request.messages[0]["content"].startswith("You do bills.")


def test_the_voice_stays_when_the_transfer_says_so():
    kept = built_in("transfer_to_agent", transfers=[{**BILLING, "preserve_voice_settings": True}])
    story = Story(tools=[kept], voice=VoiceChoice("anna")).connects().asks("My bill")
    story.agent_calls(("transfer_to_agent", {"agent_number": 0}))
    assert arrives(story, voice=VoiceChoice("joe")).conversation.setup.voice == VoiceChoice("anna")


def test_agents_that_hand_over_to_each_other_stop():
    story = to_billing()
    for _ in range(20):
        arrives(story, tools={TRANSFER.name: TRANSFER})
        if not story.replies[-1].request.tools:
            break
        story.agent_calls(("transfer_to_agent", {"agent_number": 0}))
    assert not story.replies[-1].request.tools, "it is offered none any more, and has to speak"
