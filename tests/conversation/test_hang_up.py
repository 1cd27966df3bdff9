"""The client leaves, in any phase: nothing is sent any more, everything is kept."""

import pytest

from parola.conversation.actions import Close, Record, Send, StopReply
from parola.conversation.commands import Commanded, EndCall
from parola.conversation.events import ReplyText
from tests.story import Story, client_tool, system_tool


def listening() -> Story:
    return Story().connects()


def speaking_user() -> Story:
    return Story().connects().begins_to_speak().wait(1).falls_silent("I would")


def thinking() -> Story:
    return Story().connects().asks("Hello")


def speaking() -> Story:
    return thinking().agent_says("soup, fish, bread, cake", seconds=4).wait(2)


def waiting() -> Story:
    return Story(tools=[client_tool("look_up")]).connects().asks("Order?").agent_calls("look_up")


def ending() -> Story:
    return Story(tools=[system_tool("end_call")]).connects().asks("Bye").agent_calls("end_call", saying="Goodbye")


@pytest.mark.parametrize("story", [listening, speaking_user, thinking, speaking, waiting, ending])
def test_a_client_may_leave_in_any_phase(story):
    left = story().hangs_up(1006, "gone")
    assert isinstance(left.step[-1], Close) and not any(isinstance(action, Send) for action in left.step)
    assert left.close.status == "done"
    assert left.wait(1000).step == [] and left.types("too late").step == []


def test_the_reason_says_who_left():
    assert listening().hangs_up(1001).close == Close(1001, "", termination_reason="Client disconnected")
    assert listening().hangs_up(1006, "it stopped reading").close.termination_reason == (
        "Client disconnected: it stopped reading"
    )


def test_words_that_were_not_yet_a_turn_are_kept():
    assert speaking_user().hangs_up().told == [("user", "I would")]


def test_a_reply_in_the_making_is_stopped_and_leaves_no_trace():
    story = thinking().tell(ReplyText(1, "Hel")).hangs_up()
    assert story.step[:-1] == [StopReply(1)] and story.told == [("user", "Hello")]


def test_a_reply_that_was_playing_is_kept_as_far_as_it_was_heard():
    story = speaking().hangs_up()
    assert isinstance(story.step[0], Record)
    turn = story.record[-1]
    assert turn["interrupted"] and turn["message"] == "soup, fish..."
    assert turn["original_message"] == "soup, fish, bread, cake"


def test_a_reply_heard_to_its_end_is_kept_whole():
    story = thinking().agent_says("Hi there", seconds=1).wait(1).hangs_up()
    assert story.step == [story.close] and not story.record[-1]["interrupted"]


def test_a_tool_that_was_running_has_a_result_that_says_so():
    result = waiting().hangs_up().record[-1]["tool_results"][0]
    assert result["is_error"] and result["error_type"] == "not_answered"


def test_a_client_that_hangs_up_during_the_last_words_has_sent_its_own_close_frame():
    story = ending().hangs_up(1000)
    assert story.close == Close(1000, "", termination_reason="The agent ended the call")
    assert (story.close.by, story.close.cause) == ("client", "agent")


@pytest.mark.parametrize("code", [1000, 1006])
def test_who_leaves_has_closed(code):
    assert listening().hangs_up(code).close.by == "client"


def test_an_operator_who_hangs_up_during_the_agents_goodbye_is_who_ended_it():
    story = ending().tell(Commanded(1, EndCall("zed ends", is_immediate=True), "Zed"))
    assert (story.close.cause, story.close.termination_reason) == ("command", "zed ends")
