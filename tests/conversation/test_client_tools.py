"""Tools the client runs: every call has exactly one result, and nothing a client does with one hangs the call."""

from typing import Any

import pytest

from parola.conversation.events import ModelFinished, ReplyFinished, ReplyText, ToolCalled
from parola.conversation.tool_round import MAX_ROUNDS
from parola.protocol.client_messages import ClientToolResult, McpToolApprovalResult
from parola.protocol.server_messages import (
    AgentResponse,
    AgentResponseComplete,
    AgentToolRequest,
    AgentToolResponse,
    AgentToolResponseFullPayload,
    ClientToolCall,
    Interruption,
    UserTranscript,
)
from tests.story import Story, client_tool, system_tool

LOOK_UP = client_tool("look_up")


def asked(*tools: Any, **setup: Any) -> Story:
    return Story(tools=tools or (LOOK_UP,), **setup).connects().asks("Where is my order?")


def results_of(story: Story) -> list[dict[str, Any]]:
    return [result for turn in story.record for result in turn["tool_results"]]


def test_the_client_is_asked_and_its_answer_goes_to_the_model():
    story = asked().agent_calls(("look_up", {"order": 7}))
    call_id = story.call_id("look_up")
    assert call_id.startswith("look_up_") and len(call_id) == len("look_up_") + 32
    assert story.latest == [
        AgentToolRequest(tool_name="look_up", tool_call_id=call_id, tool_type="client", event_id=2),
        ClientToolCall(
            tool_name="look_up", tool_call_id=call_id, parameters={"order": 7}, event_id=2, expects_response=True
        ),
    ]
    assert story.phase == "waiting"
    story.wait(1.25).client_answers("look_up", "on its way")
    assert story.latest == [
        AgentToolResponse(
            tool_name="look_up",
            tool_call_id=call_id,
            tool_type="client",
            is_error=False,
            is_called=True,
            event_id=2,
            status="success",
        )
    ]
    assert story.messages[1:] == [
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [
                {"id": call_id[-32:], "type": "function", "function": {"name": "look_up", "arguments": '{"order":7}'}}
            ],
        },
        {"role": "tool", "tool_call_id": call_id[-32:], "content": "on its way"},
    ]


def test_the_record_keeps_the_call_and_its_result():
    story = asked().agent_calls(("look_up", {"order": 7})).wait(1.25).client_answers("look_up", "on its way")
    turn = story.record[1]
    assert turn["message"] is None
    assert turn["tool_calls"][0]["params_as_json"] == '{"order":7}'
    assert turn["tool_calls"][0]["tool_details"] == {"type": "client", "parameters": '{"order":7}'}
    assert turn["tool_results"] == [
        {
            "type": "client",
            "request_id": story.call_id("look_up"),
            "tool_name": "look_up",
            "result_value": "on its way",
            "is_error": False,
            "tool_has_been_called": True,
            "tool_latency_secs": 1.25,
            "error_type": "",
            "raw_error_message": "",
            "dynamic_variable_updates": [],
        }
    ]


def test_tool_calls_carry_the_id_of_the_turn_they_belong_to():
    story = asked().agent_calls("look_up", saying="One moment").wait(2).client_answers("look_up", "ok")
    story.agent_says("It is on its way")
    ids = [m.event_id for m in story.sent_of(AgentResponse, ClientToolCall, AgentToolResponse, AgentResponseComplete)]
    assert ids == [2] * 5


def test_words_before_a_call_are_spoken_while_the_tool_runs():
    story = asked().agent_calls("look_up", saying="One moment", seconds=3)
    assert story.phase == "waiting" and [type(m) for m in story.latest] == [
        AgentResponse,
        AgentToolRequest,
        ClientToolCall,
    ]
    story.wait(1).client_answers("look_up", "ok")
    assert story.phase == "thinking" and story.replies[-1].playback_from == story.now + 2
    story.agent_says("It is on its way", seconds=1).wait(2.9)
    assert story.phase == "speaking"
    assert story.wait(0.1).phase == "listening"
    assert story.told[1:] == [("agent", "One moment"), ("agent", "It is on its way")]


def test_a_result_that_comes_while_the_words_before_it_are_being_made_waits_for_them():
    story = asked().tell(ReplyText(1, "One moment"), ToolCalled(1, "look_up", {}), ModelFinished(1))
    story.client_answers("look_up", "ok")
    assert len(story.replies) == 1
    assert len(story.tell(ReplyFinished(1)).replies) == 2


def test_an_error_of_the_client_reaches_the_model_as_one():
    story = asked().agent_calls("look_up").client_answers("look_up", "no such order", is_error=True)
    assert story.tool_results == {"look_up": "Error: no such order"}
    response = story.sent_of(AgentToolResponse)[0]
    assert response.is_error and response.is_called and response.status == "error"


def test_an_error_type_alone_makes_it_an_error():
    story = asked().agent_calls("look_up").client_answers("look_up", "hm", error_type="external_server")
    assert story.sent_of(AgentToolResponse)[0].is_error
    assert results_of(story)[0]["error_type"] == "external_server"


def test_a_call_the_user_rejected_was_not_made():
    story = asked().agent_calls("look_up").client_answers("look_up", "no", error_type="user_rejected")
    response = story.sent_of(AgentToolResponse)[0]
    assert response.is_error and not response.is_called
    assert not results_of(story)[0]["tool_has_been_called"]


@pytest.mark.parametrize(
    ("result", "read"),
    [
        ("text", "text"),
        ({"eta": "Friday"}, '{"eta":"Friday"}'),
        ([1, 2], "[1,2]"),
        (3.5, "3.5"),
        (True, "true"),
        (None, "null"),
        ("", ""),
    ],
)
def test_a_result_may_be_any_json(result: Any, read: str):
    assert asked().agent_calls("look_up").client_answers("look_up", result).tool_results == {"look_up": read}


def test_a_tool_that_never_answers_times_out_and_the_model_is_told():
    story = asked(client_tool("look_up", timeout=5)).agent_calls("look_up").wait(4.9)
    assert story.phase == "waiting"
    story.wait(0.1)
    assert story.tool_results == {"look_up": 'Error: The tool "look_up" gave no answer within 5 s.'}
    assert results_of(story)[0]["error_type"] == "client_timeout"
    assert story.warnings == ['The tool "look_up" gave no answer within 5 s.']


def test_only_the_first_result_counts():
    story = asked().agent_calls("look_up").client_answers("look_up", "first")
    assert story.client_answers("look_up", "second").effects == []
    assert story.tool_results == {"look_up": "first"} and len(results_of(story)) == 1


def test_a_result_after_the_time_out_is_ignored():
    story = asked(client_tool("look_up", timeout=5)).agent_calls("look_up").wait(6)
    assert story.client_answers("look_up", "late").effects == []


def test_results_for_unknown_ids_are_ignored():
    story = asked().agent_calls("look_up")
    assert story.tell(ClientToolResult(tool_call_id="made_up", result="x")).effects == []
    assert story.tell(McpToolApprovalResult(tool_call_id="made_up", is_approved=True)).effects == []


def test_a_tool_that_gives_no_answer_is_not_waited_for():
    story = asked(client_tool("show", expects_response=False)).agent_calls("show")
    call = story.sent_of(ClientToolCall)[0]
    assert call.expects_response is False and story.phase == "thinking"
    assert story.tool_results == {"show": "The tool was called; it gives no answer."}
    assert story.client_answers("show", "Client tool execution successful.").effects == []


def test_calls_of_one_step_run_side_by_side_and_are_read_in_their_order():
    story = asked(LOOK_UP, client_tool("weather")).agent_calls("look_up", "weather")
    assert len(story.sent_of(ClientToolCall)) == 2
    story.client_answers("weather", "rain")
    assert len(story.replies) == 1
    story.client_answers("look_up", "ok")
    assert list(story.tool_results.items()) == [("look_up", "ok"), ("weather", "rain")]


def test_two_calls_of_one_tool_have_two_ids():
    story = asked().agent_calls(("look_up", {"order": 1}), ("look_up", {"order": 2}))
    one, two = (m.tool_call_id for m in story.sent_of(ClientToolCall))
    story.tell(ClientToolResult(tool_call_id=two, result="second"), ClientToolResult(tool_call_id=one, result="first"))
    assert [m["content"] for m in story.messages if m["role"] == "tool"] == ["first", "second"]


def test_one_of_two_may_time_out():
    story = asked(LOOK_UP, client_tool("weather", timeout=5)).agent_calls("look_up", "weather").wait(5)
    assert story.phase == "waiting"
    assert story.client_answers("look_up", "ok").tool_results["weather"].startswith('Error: The tool "weather" gave no')


def test_a_tool_that_does_not_exist_is_an_error_that_names_those_that_do():
    story = asked().agent_calls("lok_up")
    assert story.sent_of(ClientToolCall) == []
    assert story.tool_results == {"lok_up": 'Error: There is no tool called "lok_up". Tools of this agent: look_up.'}
    assert not results_of(story)[0]["tool_has_been_called"]


def test_calls_happen_when_the_model_has_finished_asking():
    story = asked().tell(ToolCalled(1, "look_up", {}))
    assert story.step == []
    assert story.tell(ModelFinished(1)).sent_of(ClientToolCall) != []


def test_a_step_cut_before_it_finished_asking_asked_for_nothing():
    story = asked().tell(ToolCalled(1, "look_up", {})).types("Never mind")
    assert story.sent_of(AgentToolRequest) == []
    assert story.asked_llm_with("Where is my order?", "Never mind") and story.tool_results == {}


def test_what_the_user_says_while_a_tool_runs_is_answered_with_its_result():
    story = asked().agent_calls("look_up").wait(1).asks("It is number 7")
    assert story.latest == [UserTranscript(user_transcript="It is number 7", event_id=3)]
    assert len(story.replies) == 1 and story.phase == "waiting"
    story.client_answers("look_up", "ok")
    assert story.asked_llm_with("Where is my order?", "It is number 7")
    story.agent_says("On its way")
    assert story.sent_of(AgentResponse)[-1].event_id == 4


def test_the_agent_does_not_speak_over_a_user_who_speaks_when_the_result_comes():
    story = asked().agent_calls("look_up").wait(1).begins_to_speak().client_answers("look_up", "ok").wait(1)
    assert len(story.replies) == 1 and story.phase == "listening"
    story.falls_silent("Never mind").wait(0.5)
    assert story.asked_llm_with("Where is my order?", "Never mind") and story.tool_results == {"look_up": "ok"}


def test_a_noise_when_the_result_comes_only_delays_the_answer():
    story = asked(turn_timeout_seconds=-1).agent_calls("look_up").wait(1).begins_to_speak()
    story.client_answers("look_up", "ok").wait(0.5).falls_silent("").wait(0.5)
    assert len(story.replies) == 2 and story.tool_results == {"look_up": "ok"}


def test_cutting_in_when_all_results_are_there_keeps_them_for_the_next_answer():
    story = asked(client_tool("show", expects_response=False))
    story.tell(ReplyText(1, "Look"), ToolCalled(1, "show", {}), ModelFinished(1)).types("What?")
    assert story.stopped_reply(1) and story.asked_llm_with("Where is my order?", "What?")
    assert story.tool_results == {"show": "The tool was called; it gives no answer."}


def test_an_interruption_does_not_cancel_the_tool():
    story = asked().agent_calls("look_up", saying="Let me see now", seconds=4).wait(1).caller_speaks()
    assert story.latest[0] == Interruption(event_id=2) and story.phase == "waiting"
    story.falls_silent("").wait(0.5)
    assert story.client_answers("look_up", "ok").tool_results == {"look_up": "ok"}
    assert story.agent_says("Here").sent_of(AgentResponse)[-1].event_id == 3


def test_a_second_interruption_while_the_tool_still_runs_finds_nothing_to_cut():
    story = asked().agent_calls("look_up", saying="Let me see now", seconds=4).wait(1).types("One").types("Two")
    assert len(story.sent_of(Interruption)) == 1
    assert story.client_answers("look_up", "ok").asked_llm_with("Where is my order?", "One", "Two")


def test_a_tool_may_forbid_interruption_while_it_runs():
    tool = client_tool("pay", interruption="disable_during_tool")
    story = asked(tool).agent_calls("pay", saying="I will pay that now", seconds=4).wait(1).asks("Stop")
    assert story.latest == [] and story.phase == "waiting"
    story.client_answers("pay", "paid").wait(2)
    assert story.asked_llm_with("Where is my order?", "Stop")


def test_a_tool_may_forbid_interruption_until_its_turn_is_over():
    tool = client_tool("pay", interruption="disable_during_tool_and_turn")
    story = asked(tool).agent_calls("pay").client_answers("pay", "paid").agent_says("That is paid now", seconds=3)
    story.wait(0.5).caller_speaks().falls_silent("Stop").wait(0.5)
    assert story.sent_of(Interruption) == [] and story.phase == "speaking"
    story.wait(2)
    assert story.asked_llm_with("Where is my order?", "Stop")


def test_words_that_may_change_are_not_told_into_a_turn_that_goes_on_anyway():
    tool = client_tool("pay", interruption="disable_during_tool_and_turn")
    story = asked(tool).agent_calls("pay").begins_to_speak().wait(1).falls_silent("Stop").begins_to_speak()
    assert story.latest == []
    story.client_answers("pay", "paid").agent_says("That is paid now", seconds=3)
    assert story.sent_of(AgentResponse)[-1].event_id == 2


def test_after_ten_rounds_of_tools_the_model_has_to_speak():
    story = asked()
    for _ in range(MAX_ROUNDS):
        assert [tool.name for tool in story.replies[-1].request.tools] == ["look_up"]
        story.agent_calls("look_up").client_answers("look_up", "again")
    assert story.replies[-1].request.tools == ()
    assert story.agent_says("Enough").wait(1).phase == "listening"


def test_a_model_that_calls_tools_it_was_not_offered_is_stopped():
    story = asked()
    for _ in range(MAX_ROUNDS):
        story.agent_calls("look_up").client_answers("look_up", "again")
    story.agent_calls("look_up")
    assert story.phase == "listening" and story.latest == [AgentResponseComplete(event_id=2)]
    assert story.warnings == [f"The model called tools {MAX_ROUNDS} times in one turn; it was stopped."]
    assert story.asks("Hello?").asked_llm_with("Where is my order?", "Hello?")


def test_the_full_result_is_told_to_those_who_list_it_and_cut_at_64_kb():
    story = asked(client_events=["agent_tool_request", "agent_tool_response_full_payload"]).agent_calls("look_up")
    story.client_answers("look_up", "x" * 70_000)
    full = story.sent_of(AgentToolResponseFullPayload)[0]
    assert len(full.full_tool_result) == 65_536 and full.truncated
    assert len(results_of(story)[0]["result_value"]) == 70_000
    read = story.tool_results["look_up"]
    assert read == "x" * 65_536 + "\n[Cut: these are the first 65536 of 70000 characters.]"


def test_a_skipped_turn_waits_for_the_user():
    story = asked(system_tool("skip_turn")).agent_calls("skip_turn", saying="Take your time")
    assert story.latest[-1] == AgentResponseComplete(event_id=2) and len(story.replies) == 1
    assert story.wait(1).phase == "listening"
    assert story.wait(60).phase == "listening", "it does not speak again before the user does"
    assert story.asks("Now I know").phase == "thinking"


def test_a_skip_beside_another_tool_skips_nothing():
    story = asked(system_tool("skip_turn"), LOOK_UP).agent_calls("skip_turn", "look_up")
    assert len(story.client_answers("look_up", "ok").replies) == 2


def test_pings_go_on_while_a_tool_runs():
    story = asked(client_tool("look_up", timeout=60)).agent_calls("look_up").wait(50)
    assert sum(m.event_type == "ping" for m in story.sent) > 5


def test_silence_and_re_engagement_wait_for_the_tool():
    story = asked(client_tool("look_up", timeout=60), silence_end_call_seconds=10).agent_calls("look_up").wait(50)
    assert story.phase == "waiting" and story.close is None
