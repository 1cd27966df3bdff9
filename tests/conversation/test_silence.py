"""What happens when nobody speaks, or the call goes on for too long (reference: websocket.md §5.4)."""

import pytest

from parola.conversation.actions import Close
from parola.conversation.events import ReplyText
from parola.conversation.turn_taking import BargeIn
from parola.protocol.client_messages import ContextualUpdate, UserActivity
from parola.protocol.server_messages import AgentResponse, AgentResponseCorrection, Error, Interruption
from tests.story import Story, client_tool

SILENT = Close(1000, "The user was silent for too long", termination_reason="The user was silent for too long")


def answered(**setup: object) -> Story:
    """The agent has just been heard to its end."""
    return Story(**setup).connects().asks("Hello").agent_says("Hi, what can I do?", seconds=1).wait(1)


# -- the agent speaks up again ----------------------------------------------------------------------------------------


def test_after_seven_seconds_of_silence_the_agent_speaks_up():
    story = answered().wait(6.9)
    assert story.phase == "listening"
    story.wait(0.1)
    assert story.phase == "thinking" and story.asked_llm_with("Hello", "...")
    assert story.record[-1]["platform_event"] == "user_turn_timeout"
    story.agent_says("Are you there?")
    assert story.record[-1]["x_timeline"]["is_unasked"] and "is_unasked" not in story.record[-3]["x_timeline"]


def test_the_silence_begins_when_the_agent_has_been_heard_not_when_it_was_sent():
    story = Story().connects().asks("Hello").agent_says("A long story", seconds=30).wait(36.9)
    assert len(story.replies) == 1
    assert len(story.wait(0.1).replies) == 2


def test_the_agent_goes_on_speaking_up():
    story = answered().wait(7).agent_says("Are you there?").wait(1).wait(7)
    assert story.asked_llm_with("Hello", "...", "...")


@pytest.mark.parametrize("setup", [{"turn_timeout_seconds": -1.0}, {"text_only": True}])
def test_an_agent_may_be_patient_for_ever(setup: dict[str, object]):
    story = Story(**setup).connects().types("Hello").agent_says("Hi").wait(300)
    assert len(story.replies) == 1


def test_a_user_who_speaks_is_not_spoken_over():
    assert len(answered().wait(6).begins_to_speak().wait(20).replies) == 1


def test_the_agent_waits_as_long_as_it_is_told_for_the_first_word():
    story = Story(initial_wait_seconds=20).connects().wait(19.9)
    assert story.replies == []
    assert story.wait(0.1).asked_llm_with("...")


def test_without_an_initial_wait_the_turn_timeout_holds():
    assert len(Story().connects().wait(7).replies) == 1


def test_an_initial_wait_is_over_with_the_first_word():
    story = Story(initial_wait_seconds=20).connects().asks("Hi").agent_says("Hello").wait(1)
    assert len(story.wait(7).replies) == 2


def test_typing_starts_the_wait_again():
    story = answered().wait(5).tell(UserActivity()).wait(8.9)
    assert len(story.replies) == 1
    assert len(story.wait(0.1).replies) == 2


def test_typing_does_not_shorten_the_initial_wait():
    assert Story(initial_wait_seconds=20).connects().tell(UserActivity()).wait(21.9).replies == []


def test_context_is_no_sign_of_life():
    assert len(answered().wait(5).tell(ContextualUpdate(text="page 2")).wait(2).replies) == 2


# -- silence ends the call --------------------------------------------------------------------------------------------


def test_a_long_silence_ends_the_call():
    story = answered(silence_end_call_seconds=5, turn_timeout_seconds=-1).wait(4.9)
    assert story.close is None
    assert story.wait(0.1).close == SILENT


def test_it_ends_a_call_in_which_nobody_ever_spoke():
    assert Story(silence_end_call_seconds=5).connects().wait(5).close == SILENT


def test_it_never_cuts_the_agent_off():
    story = Story(silence_end_call_seconds=5).connects().asks("Hello").agent_says("A long story", seconds=30).wait(34.9)
    assert story.close is None
    assert story.wait(0.1).close == SILENT


def test_what_the_agent_says_unasked_is_no_sign_of_life():
    story = answered(silence_end_call_seconds=10, turn_timeout_seconds=4)
    story.wait(4).agent_says("Are you there?", seconds=1).wait(1).wait(4).agent_says("Hello?", seconds=3)
    assert story.wait(2.9).close is None
    assert story.wait(0.1).close == SILENT


def test_noise_without_words_is_no_sign_of_life():
    story = answered(silence_end_call_seconds=5, turn_timeout_seconds=-1)
    story.wait(3).begins_to_speak().wait(1).falls_silent("").wait(0.9)
    assert story.close is None
    assert story.wait(0.1).close == SILENT


def test_a_false_interruption_does_not_end_the_call_at_once():
    deaf = BargeIn(resumes=False)
    story = Story(silence_end_call_seconds=5, turn_timeout_seconds=-1, barge_in=deaf).connects().asks("Tell me")
    story.agent_says("A long story", seconds=30).wait(20).begins_to_speak().wait(1).falls_silent("").wait(3)
    assert story.close is None
    assert story.wait(5).close == SILENT


def test_a_user_who_speaks_is_not_silent():
    story = answered(silence_end_call_seconds=5, turn_timeout_seconds=-1).wait(3).begins_to_speak().wait(20)
    assert story.close is None
    assert story.falls_silent("A very long sentence").wait(0.5).phase == "thinking"


def test_typing_is_a_sign_of_life():
    story = answered(silence_end_call_seconds=5, turn_timeout_seconds=-1).wait(4).tell(UserActivity()).wait(4.9)
    assert story.close is None
    assert story.wait(0.1).close == SILENT


def test_silence_ends_text_conversations_too():
    story = Story(silence_end_call_seconds=60, text_only=True).connects().types("Hello").agent_says("Hi")
    assert story.wait(59.9).close is None
    assert story.wait(0.1).close == SILENT


# -- the longest a call may last --------------------------------------------------------------------------------------

TOO_LONG = Error(
    code=1000,
    error_type="max_duration_exceeded",
    message="The conversation reached its limit of 60 s.",
    reason="Maximum duration reached",
)


def test_a_call_that_lasts_too_long_is_ended_with_a_reason():
    story = Story(max_duration_seconds=60, turn_timeout_seconds=-1).connects().wait(59.9)
    assert story.close is None
    story.wait(0.1)
    assert story.latest == [TOO_LONG]
    assert story.close == Close(1000, "Maximum duration reached", termination_reason="Maximum duration reached")


def test_the_agent_may_say_last_words():
    story = Story(
        max_duration_seconds=60,
        max_duration_message="Time is up, {{name}}.",
        variables={"name": "Ada"},
        turn_timeout_seconds=-1,
    ).connects()
    story.wait(60).agent_says(seconds=2)
    assert story.latest[0] == AgentResponse(agent_response="Time is up, Ada.", event_id=1)
    assert story.wait(1.9).close is None
    story.wait(0.1)
    assert story.latest == [TOO_LONG] and story.close.code == 1000


def test_last_words_cut_what_the_agent_is_saying():
    story = Story(max_duration_seconds=60, max_duration_message="Time is up.", turn_timeout_seconds=-1).connects()
    story.wait(57).asks("Tell me").agent_says("A long long story", seconds=10).wait(1.5)
    assert [type(m) for m in story.latest] == [Interruption, AgentResponseCorrection]
    assert story.replies[-1].verbatim == "Time is up." and story.replies[-1].playback_from == story.now


def test_last_words_stop_a_reply_in_the_making():
    story = Story(max_duration_seconds=60, max_duration_message="Time is up.", turn_timeout_seconds=-1).connects()
    story.wait(58).asks("Tell me").tell(ReplyText(1, "Once")).wait(0.5)
    assert story.stopped_reply(1) and story.phase == "ending"
    assert story.agent_says(seconds=1).wait(1).close is not None


def test_last_words_are_not_held_up_by_tools():
    story = Story(
        tools=[client_tool("look_up", timeout=100)], max_duration_seconds=60, max_duration_message="Time is up."
    )
    story.connects().asks("My order?").agent_calls("look_up").wait(60).agent_says(seconds=1).wait(1)
    assert story.close is not None
    assert story.record[1]["tool_results"][0]["error_type"] == "not_answered"


def test_without_last_words_the_agent_is_cut_and_the_record_says_what_was_heard():
    story = Story(max_duration_seconds=60, turn_timeout_seconds=-1).connects().wait(57).asks("Read")
    story.agent_says("soup, fish, bread, cake", seconds=4).wait(2)
    assert story.close is not None and story.record[1]["message"] == "soup..."


def test_last_words_are_written_in_a_text_conversation():
    story = Story(max_duration_seconds=60, max_duration_message="Time is up.", text_only=True).connects().wait(60)
    assert story.close is not None and story.told == [("agent", "Time is up.")]
