"""Built-in tools: what the model is offered, what they do, and what the record says of it."""

from typing import Any

from parola.conversation.actions import PlayTones, SwitchLanguage, TransferToNumber
from parola.conversation.events import ToolFinished
from parola.conversation.tools import Tool
from parola.protocol.server_messages import AgentToolResponse, DtmfRequest
from tests.conversation.relays import built_in, results
from tests.story import Story

NUMBERS = [
    {"transfer_destination": {"type": "phone", "phone_number": "+431"}, "condition": "wants a person"},
    {
        "transfer_destination": {"type": "phone_dynamic_variable", "phone_number": "branch"},
        "condition": "wants the branch",
        "transfer_type": "sip_refer",
    },
]
TO_NUMBER = built_in("transfer_to_number", transfers=NUMBERS)
TONES = built_in("play_keypad_touch_tone")


def asked(*tools: Tool, **setup: Any) -> Story:
    return Story(tools=tools, **setup).connects().asks("Well")


def test_each_result_has_its_own_shape_in_the_record():
    story = asked(built_in("skip_turn")).agent_calls(("skip_turn", {"reason": "thinking"}))
    assert results(story)[0]["result"] == {
        "result_type": "skip_turn_success",
        "status": "success",
        "reason": "thinking",
    }
    story = asked(built_in("end_call")).agent_calls(("end_call", {"reason": "done"}))
    assert results(story)[0]["result"]["result_type"] == "end_call_success"


# -- skip_turn --------------------------------------------------------------------------------------------------------


def test_after_a_skipped_turn_the_agent_looks_after_the_user_when_it_was_told_to():
    story = asked(built_in("skip_turn", wait_timeout_secs=30)).agent_calls("skip_turn").wait(29.9)
    assert story.phase == "listening"
    assert story.wait(0.1).phase == "thinking"
    assert story.record[-1]["platform_event"] == "skip_turn_wait_elapsed"


def test_the_clock_of_silence_stands_still_while_the_user_thinks():
    story = asked(built_in("skip_turn", wait_timeout_secs=30), silence_end_call_seconds=10.0).agent_calls("skip_turn")
    assert story.wait(29).close is None


def test_without_a_wait_the_clock_of_silence_goes_on():
    story = asked(built_in("skip_turn"), silence_end_call_seconds=10.0).agent_calls("skip_turn").wait(9.9)
    assert story.close is None
    assert story.wait(0.1).close is not None


# -- language_detection -----------------------------------------------------------------------------------------------


def languages(**params: Any) -> Tool:
    tool = built_in("language_detection", **params)
    return Tool(tool.definition, "system", languages=("en", "de"), config=tool.config)


def test_a_language_that_is_settled_stays():
    story = asked(languages(only_at_conversation_start=True)).agent_says("Hello", seconds=1).wait(1)
    story.asks("Two").agent_says("Yes", seconds=1).wait(1)
    story.asks("Drei").agent_calls(("language_detection", {"reason": "", "language": "de"}))
    assert not any(isinstance(action, SwitchLanguage) for action in story.actions)
    assert results(story)[-1]["error_type"] == "too_late"


def test_a_language_that_was_found_out_at_the_beginning_may_change_again():
    story = asked(languages(only_at_conversation_start=True))
    story.agent_calls(("language_detection", {"reason": "", "language": "de"})).agent_says("Ja", seconds=1).wait(1)
    for words in ("Zwei", "Drei", "Four"):
        story.asks(words)
        if words != "Four":
            story.agent_says("Ja", seconds=1).wait(1)
    story.agent_calls(("language_detection", {"reason": "", "language": "en"}))
    assert story.actions.count(SwitchLanguage("en")) == 1


# -- voicemail_detection ----------------------------------------------------------------------------------------------


def test_a_message_is_left_on_a_voicemail_and_then_the_call_ends():
    tool = built_in("voicemail_detection", voicemail_message="Hello {{name}}, call us back.")
    story = asked(tool, variables={"name": "Ada"}).agent_calls(("voicemail_detection", {"reason": "a beep"}))
    assert story.replies[-1].verbatim == "Hello Ada, call us back."
    story.agent_says(seconds=2)
    assert story.close is None
    assert story.wait(2).close.termination_reason == "Voicemail was detected"
    assert results(story)[0]["result"] == {
        "result_type": "voicemail_detection_success",
        "status": "success",
        "voicemail_message": "Hello Ada, call us back.",
        "reason": "a beep",
    }
    assert len(story.sent_of(AgentToolResponse)) == 1


def test_without_a_message_a_voicemail_is_hung_up_on():
    assert asked(built_in("voicemail_detection")).agent_calls("voicemail_detection").wait(0).close is not None


# -- transfer_to_number -----------------------------------------------------------------------------------------------


def test_the_model_is_offered_the_numbers_and_their_conditions():
    offered = TO_NUMBER.definition
    assert offered.parameters["properties"]["transfer_number"]["enum"] == ["+431", "{{branch}}"]
    assert "+431: wants a person" in offered.description
    assert offered.parameters["required"] == ["transfer_number", "agent_message", "client_message"]
    quiet = built_in("transfer_to_number", transfers=NUMBERS, enable_client_message=False).definition
    assert "client_message" not in quiet.parameters["properties"]


def test_the_telephone_is_asked_to_transfer_the_call():
    story = asked(TO_NUMBER, variables={"branch": "+43123"})
    said = {"client_message": "One moment", "agent_message": "A guest"}
    story.agent_calls(("transfer_to_number", {"transfer_number": "{{branch}}", **said}))
    action = next(action for action in story.actions if isinstance(action, TransferToNumber))
    assert (action.number, action.transfer_type) == ("+43123", "sip_refer")
    assert (action.client_message, action.agent_message) == ("One moment", "A guest")
    shape = {"result_type": "transfer_to_number_sip_success", "status": "success", "transfer_number": "+43123"}
    story.tell(ToolFinished(action.call_id, "Transferred.", response=shape))
    assert results(story)[0]["result"] == shape


def test_a_transfer_that_fails_is_the_agents_to_explain():
    story = asked(TO_NUMBER).agent_calls(
        ("transfer_to_number", {"transfer_number": "+431", "client_message": "", "agent_message": ""})
    )
    call_id = story.call_id("transfer_to_number")
    story.tell(ToolFinished(call_id, "This is not a telephone call.", is_error=True, is_called=False))
    assert story.phase == "thinking" and results(story)[0]["is_error"]
    assert results(story)[0]["result"]["result_type"] == "transfer_to_number_error"


# -- play_keypad_touch_tone -------------------------------------------------------------------------------------------


def test_a_client_that_asked_for_it_presses_the_keys():
    story = asked(TONES, client_events=["dtmf_request", "audio"])
    story.agent_calls(("play_keypad_touch_tone", {"dtmf_tones": "1w2#"}))
    request = story.sent_of(DtmfRequest)[0]
    assert (request.dtmf_tones, request.event_id) == ("1w2#", 2)
    assert results(story)[0]["result"] == {
        "result_type": "play_dtmf_success",
        "status": "success",
        "dtmf_tones": "1w2#",
        "reason": "",
    }


def test_otherwise_the_telephone_does():
    story = asked(TONES).agent_calls(("play_keypad_touch_tone", {"dtmf_tones": "42"}))
    call_id = story.call_id("play_keypad_touch_tone")
    assert PlayTones(call_id, "42") in story.actions and not story.sent_of(DtmfRequest)
    story.tell(ToolFinished(call_id, "There are no keys.", is_error=True, is_called=False))
    assert results(story)[0]["result"]["result_type"] == "play_dtmf_error"


def test_keys_that_do_not_exist_are_an_error_the_model_reads():
    story = asked(TONES).agent_calls(("play_keypad_touch_tone", {"dtmf_tones": "call me"}))
    assert "got 'call me'" in story.tool_results["play_keypad_touch_tone"]


def test_after_keys_the_agent_may_be_told_to_be_silent():
    tool = built_in("play_keypad_touch_tone", suppress_turn_after_dtmf=True)
    story = asked(tool, client_events=["dtmf_request"]).agent_calls(("play_keypad_touch_tone", {"dtmf_tones": "1"}))
    assert story.phase == "listening" and len(story.replies) == 1
