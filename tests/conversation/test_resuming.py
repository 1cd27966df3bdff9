"""The client's connection breaks; it comes back, or it does not."""

from __future__ import annotations

from typing import Any

import pytest

from parola.conversation.actions import Close, NoteLoss, NoteReturn
from parola.conversation.commands import Commanded, EndCall, Say
from parola.conversation.events import ClientDisconnected, ClientResumed, EndRequested, Event
from parola.protocol.server_messages import AgentResponse, Audio, ClientToolCall, Interruption
from tests.story import Story, client_tool, server_tool


def story(**setup: Any) -> Story:
    return Story(resume_window_seconds=30.0, **setup)


def test_a_client_that_does_not_come_back_has_left():
    call = story().connects().loses_connection(1006)
    assert call.step == [NoteLoss(1006, "", 30.0)]
    call.wait(29.9)
    assert call.close is None
    call.wait(0.2)
    reason = "The client's connection was lost (code 1006) and it did not come back within 30 s"
    assert call.close == Close(1006, "", termination_reason=reason)
    assert call.close.cause == "client_lost"


@pytest.mark.parametrize("text_only", [False, True])
@pytest.mark.parametrize(
    ("event", "code", "reason"),
    [
        (Commanded(1, EndCall("we closed", "Goodbye"), "Ann"), 1000, "we closed"),
        (EndRequested("The server is stopping.", 1001), 1001, "The server is stopping."),
        (None, 1000, "Maximum duration reached"),
    ],
)
def test_what_we_end_while_the_client_is_away_is_ended_by_us(
    event: Event | None, code: int, reason: str, text_only: bool
):
    call = story(max_duration_seconds=20.0, text_only=text_only).connects().loses_connection()
    if event is None:
        call.wait(20)
    else:
        call.tell(event)
        if call.close is None:
            call.agent_says("Goodbye", seconds=0)
    assert call.close == Close(code, reason, termination_reason=reason)
    assert call.close.by == "server" and call.close.is_client_away


@pytest.mark.parametrize("code", [1000, 1001, 1005])
def test_who_closes_the_socket_has_hung_up(code: int):
    assert story().connects().hangs_up(code).close is not None


def test_without_a_window_a_lost_connection_is_the_end():
    call = Story().connects().loses_connection(1006)
    assert call.close == Close(1006, "", termination_reason="Client disconnected")


def test_the_agent_goes_on_with_what_was_not_heard():
    call = story().connects().asks("Read me the menu").agent_says("soup, fish, bread, cake", seconds=4)
    call.wait(2).loses_connection()
    assert call.told[-1] == ("agent", "soup, fish...")
    call.wait(10).comes_back()
    assert call.step[0] == NoteReturn(10.0)
    assert call.replies[-1].verbatim == "bread, cake"
    call.agent_says(seconds=1).wait(1)
    assert [turn for turn in call.told if turn[0] == "agent"] == [("agent", "soup, fish..."), ("agent", "bread, cake")]


def test_what_was_played_by_the_clock_counts_as_heard_and_is_not_said_again():
    call = story().connects().asks("Read me the menu").agent_says("soup, fish", seconds=1)
    call.wait(1).loses_connection().comes_back()
    assert call.told[-1] == ("agent", "soup, fish")
    assert call.phase == "listening" and len(call.replies) == 1


def test_an_answer_that_was_being_thought_of_is_thought_of_again():
    call = story().connects().asks("What is there?").loses_connection()
    assert call.stopped_reply(1)
    call.wait(5)
    assert len(call.replies) == 1
    call.comes_back()
    assert len(call.replies) == 2 and call.asked_llm_with("What is there?")


def test_words_the_model_had_not_finished_are_asked_for_again():
    call = story().connects().asks("What is there?").agent_begins_to_say("There is soup", seconds=1)
    call.wait(0.5).loses_connection().comes_back()
    assert len(call.replies) == 2 and not call.replies[-1].verbatim


def test_a_greeting_that_nobody_got_is_said_when_the_client_is_back():
    call = story(first_message="Hello!").connects().loses_connection().wait(3)
    assert len(call.replies) == 1
    call.comes_back()
    assert [reply.verbatim for reply in call.replies] == ["Hello!", "Hello!"]


def test_no_clock_of_silence_runs_while_nobody_listens():
    call = story(turn_timeout_seconds=2.0, silence_end_call_seconds=5.0).connects().asks("Hi").agent_says("Hello")
    call.wait(1).loses_connection().wait(25)
    assert call.close is None and len(call.replies) == 1
    call.comes_back().wait(1.9)
    assert len(call.replies) == 1
    call.wait(0.2)
    assert len(call.replies) == 2, "the agent speaks up, counted from the return"


def test_the_longest_duration_of_a_call_runs_on():
    call = story(max_duration_seconds=10.0, max_duration_message="Time is up").connects().loses_connection().wait(10)
    assert call.close is not None and call.close.cause == "max_duration"


def test_a_server_tool_runs_on_and_its_result_is_told_when_the_client_is_back():
    call = story(tools=[server_tool("stock")]).connects().asks("Is there soup?").agent_calls("stock").loses_connection()
    call.tool_finishes("stock", "12 bowls")
    assert len(call.replies) == 1, "nobody would hear the answer"
    call.comes_back()
    assert len(call.replies) == 2 and "12 bowls" in str(call.messages)


def test_a_client_tool_is_asked_again_and_has_its_whole_time_once_more():
    call = story(tools=[client_tool("locate", timeout=5.0)]).connects().asks("Where am I?").agent_calls("locate")
    asked = call.sent_of(ClientToolCall)
    call.wait(4).loses_connection().wait(20).comes_back()
    assert [m for m in call.latest if isinstance(m, ClientToolCall)] == asked
    call.wait(4.9).client_answers("locate", "In Bern")
    assert "In Bern" in str(call.messages) and not call.warnings


def test_by_text_the_agent_goes_on_and_answers():
    call = story(text_only=True).connects().types("Hi").loses_connection().agent_says("Hello")
    assert AgentResponse(agent_response="Hello", event_id=2) in call.sent
    call.wait(20).comes_back()
    assert call.latest == [] and call.close is None
    call.types("And now?").agent_says("Now too")
    assert call.told[-1] == ("agent", "Now too")


def test_a_short_time_of_a_client_tool_does_not_run_out_while_nobody_can_answer():
    call = story(text_only=True, tools=[client_tool("locate", timeout=1.0)]).connects().types("Where am I?")
    call.loses_connection().agent_calls("locate").wait(20).comes_back()
    assert len(call.sent_of(ClientToolCall)) == 2
    call.client_answers("locate", "In Bern").agent_says("In Bern")
    assert call.told[-1] == ("agent", "In Bern")


def test_who_was_speaking_when_the_line_broke_is_answered_when_they_are_back():
    call = story().connects().begins_to_speak().wait(1).loses_connection().wait(0.6)
    call.falls_silent("I want soup").wait(2)
    assert call.told == [("user", "I want soup")] and not call.replies
    assert call.comes_back().asked_llm_with("I want soup")


def test_another_connection_in_place_of_the_first_is_a_moment_away():
    call = story().connects().asks("Read me the menu").agent_says("soup, fish, bread, cake", seconds=4).wait(2)
    call.tell(ClientDisconnected(4001, "another connection"), ClientResumed())
    assert call.replies[-1].verbatim == "bread, cake"
    assert call.sent_of(Interruption) == [Interruption(event_id=2)], "what it has not played it drops"


def test_a_server_that_stops_ends_it_at_once():
    call = story().connects().loses_connection().tell(EndRequested("Server shutdown", 1001))
    assert call.close is not None and call.close.cause == "server_stopped"


def test_words_from_outside_wait_for_the_client_and_the_end_does_not():
    call = story().connects().loses_connection().tell(Commanded(1, Say("Stay on the line"), "crm"))
    assert not call.replies
    call.comes_back()
    assert call.replies[-1].verbatim == "Stay on the line"
    call.loses_connection().tell(Commanded(2, EndCall("Enough", farewell="Goodbye"), "crm"))
    assert call.close is not None and call.close.cause == "command"


def test_no_sound_is_made_for_nobody_and_who_is_ending_is_not_waited_for():
    call = story(first_message="Hello!").connects().loses_connection()
    assert not call.agent_says("Hello!").sent_of(Audio)
    leaving = story(max_duration_seconds=5.0, max_duration_message="Bye").connects().wait(5).loses_connection()
    assert leaving.close is not None and leaving.close.cause == "max_duration"
