"""The agent hangs up: its goodbye is heard first, and the tool's response leaves last, because the JavaScript client
hangs up when it sees that."""

from typing import Any

from parola.conversation.actions import Close, StartReply
from parola.conversation.events import (
    ModelFinished,
    ReplyAudio,
    ReplyFailed,
    ReplyFinished,
    ReplyText,
    SentenceStarted,
    ToolCalled,
)
from parola.protocol.server_messages import (
    AgentResponseComplete,
    AgentToolRequest,
    AgentToolResponse,
    ClientToolCall,
    Interruption,
    UserTranscript,
)
from tests.story import Story, client_tool, system_tool

END = system_tool("end_call")


def asked(*tools: Any, **setup: Any) -> Story:
    return Story(tools=[END, *tools], **setup).connects().asks("That is all")


def test_the_goodbye_is_heard_before_the_hang_up():
    story = asked().agent_calls(("end_call", {"reason": "done"}), saying="Goodbye!", seconds=2)
    assert story.phase == "ending" and story.close is None
    assert not story.wait(1.9).sent_of(AgentToolResponse)
    story.wait(0.1)
    assert story.close == Close(1000, "The agent ended the call", termination_reason="The agent ended the call: done")
    assert [type(m) for m in story.latest] == [AgentToolResponse]
    assert story.latest[0].tool_name == "end_call" and not story.latest[0].is_error


def test_without_a_goodbye_the_call_ends_at_once():
    story = asked().agent_calls("end_call").wait(0)
    assert story.close.termination_reason == "The agent ended the call"


def test_a_message_is_spoken_when_the_step_said_nothing():
    story = asked().agent_calls(("end_call", {"message": "Bye then."}))
    assert story.replies[-1] == StartReply(2, verbatim="Bye then.")
    story.agent_says(seconds=1)
    assert story.close is None and story.latest[-1] == AgentResponseComplete(event_id=2)
    assert story.wait(1).close is not None
    assert story.told[-1] == ("agent", "Bye then.")


def test_a_message_is_not_spoken_after_a_goodbye():
    story = asked().agent_calls(("end_call", {"message": "Bye then."}), saying="Goodbye!", seconds=1).wait(1)
    assert len(story.replies) == 1 and story.close is not None


def test_a_message_queues_behind_what_an_earlier_step_said():
    story = asked(client_tool("save")).agent_calls("save", saying="I will save that", seconds=4)
    story.wait(1).client_answers("save", "ok").agent_calls(("end_call", {"message": "Bye."}))
    assert story.replies[-1].playback_from == story.now + 3
    story.agent_says(seconds=1).wait(3.9)
    assert story.close is None
    assert story.wait(0.1).close is not None


def test_a_written_goodbye_needs_no_waiting():
    story = Story(tools=[END], text_only=True).connects().types("Bye")
    story.agent_calls(("end_call", {"message": "Bye."}))
    assert story.close is not None and story.told[-1] == ("agent", "Bye.")


def test_a_goodbye_still_being_made_is_waited_for():
    story = asked().tell(ReplyText(1, "Goodbye!"), ToolCalled(1, "end_call", {}), ModelFinished(1)).wait(1)
    assert story.close is None
    story.tell(SentenceStarted(1, "Goodbye!"), ReplyAudio(1, b"\0\0", 1.0), ReplyFinished(1))
    assert story.wait(0.9).close is None
    assert story.wait(0.1).close is not None


def test_a_goodbye_that_never_comes_is_waited_for_30_seconds():
    story = asked().tell(ReplyText(1, "Goodbye!"), ToolCalled(1, "end_call", {}), ModelFinished(1)).wait(29.9)
    assert story.close is None
    story.wait(0.1)
    assert story.close.status == "done" and story.stopped_reply(1)


def test_a_voice_that_fails_in_the_goodbye_does_not_make_the_call_a_failure():
    story = asked().agent_calls(("end_call", {"message": "Bye."}))
    story.tell(ReplyFailed(2, "tts_cascade_error", "no voice"))
    assert story.close.code == 1000 and story.close.status == "done"
    assert story.warnings == ["The last words could not be spoken: no voice"]


def test_the_goodbye_cannot_be_interrupted():
    story = asked().agent_calls("end_call", saying="Goodbye and thank you!", seconds=3).wait(1).caller_speaks()
    assert story.sent_of(Interruption) == [] and story.phase == "ending"


def test_what_the_caller_says_into_the_goodbye_is_kept_and_not_answered():
    story = asked().agent_calls("end_call", saying="Goodbye and thank you!", seconds=3)
    story.wait(0.5).asks("Bye bye").types("Thanks").wait(3)
    assert story.close is not None and len(story.replies) == 1
    assert sorted(message for role, message in story.told if role == "user") == ["Bye bye", "Thanks", "That is all"]
    assert story.sent_of(UserTranscript)[-1].user_transcript == "Bye bye"


def test_a_caller_who_was_speaking_when_the_agent_hung_up_is_kept():
    story = asked().tell(ReplyText(1, "Goodbye!"), ToolCalled(1, "end_call", {}))
    story.begins_to_speak().tell(ModelFinished(1), SentenceStarted(1, "Goodbye!"), ReplyAudio(1, b"\0\0", 1.0))
    story.tell(ReplyFinished(1)).falls_silent("Wait").wait(1)
    assert story.close is not None and ("user", "Wait") in story.told


def test_other_calls_of_the_step_run_and_have_their_results_before_the_hang_up():
    story = asked(client_tool("save")).agent_calls("end_call", "save", saying="Bye!", seconds=1).wait(3)
    assert len(story.sent_of(ClientToolCall)) == 1 and story.close is None
    story.client_answers("save", "saved")
    assert story.close is not None
    assert [m.tool_name for m in story.sent_of(AgentToolResponse)] == ["save", "end_call"]
    assert [r["result_value"] for r in story.record[-1]["tool_results"]] == [
        "The call ends after these words.",
        "saved",
    ]


def test_a_result_before_the_goodbye_was_heard_does_not_hang_up():
    story = asked(client_tool("save")).agent_calls("save", "end_call", saying="Bye!", seconds=2)
    assert story.client_answers("save", "saved").close is None
    assert story.wait(2).close is not None


def test_a_tool_that_never_answers_holds_the_hang_up_until_its_time_out():
    story = asked(client_tool("save", timeout=5)).agent_calls("save", "end_call").wait(4.9)
    assert story.close is None
    story.wait(0.1)
    assert story.close is not None
    assert story.record[-1]["tool_results"][0]["error_type"] == "client_timeout"


def test_a_very_slow_tool_holds_the_hang_up_for_30_seconds_at_most():
    story = asked(client_tool("save", timeout=100)).agent_calls("save", "end_call").wait(30)
    assert story.close is not None
    assert story.record[-1]["tool_results"][0]["error_type"] == "not_answered"


def test_two_end_calls_in_one_step_hang_up_once():
    story = asked().agent_calls(("end_call", {"reason": "a"}), ("end_call", {"reason": "b"}), saying="Bye!").wait(1)
    assert story.close.termination_reason == "The agent ended the call: a"
    assert len(story.sent_of(AgentToolRequest)) == len(story.sent_of(AgentToolResponse)) == 2


def test_an_end_call_the_agent_does_not_have_does_not_hang_up():
    story = Story(tools=[client_tool("save")]).connects().asks("That is all").agent_calls("end_call")
    assert story.sent_of(AgentToolResponse) == []
    assert story.tool_results["end_call"].startswith('Error: There is no tool called "end_call".')


def test_a_caller_who_hangs_up_during_the_goodbye_ended_nothing():
    story = asked().agent_calls(("end_call", {"reason": "done"}), saying="Goodbye!", seconds=2).wait(1).hangs_up()
    assert story.close.termination_reason == "The agent ended the call: done"
    assert story.latest == []
    assert story.record[-1]["interrupted"]


def test_silence_and_turn_timeouts_are_over_when_the_goodbye_begins():
    story = asked(silence_end_call_seconds=1, max_duration_seconds=4)
    story.agent_calls("end_call", saying="Goodbye, and many thanks!", seconds=10).wait(9.9)
    assert story.close is None
    assert story.wait(0.1).close.termination_reason == "The agent ended the call"
