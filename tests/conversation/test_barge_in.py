"""What takes the floor from the agent, and what the caller is deemed to have heard (reference: websocket.md §5.2)."""

import pytest

from parola.conversation.events import (
    ModelFinished,
    ReplyAudio,
    ReplyFinished,
    ReplyText,
    SentenceStarted,
    SpeechStarted,
    SpeechStopped,
)
from parola.conversation.turn_taking import BargeIn
from parola.protocol.server_messages import (
    AgentResponse,
    AgentResponseCorrection,
    Audio,
    Interruption,
    UserTranscript,
)
from parola.providers.base import Alignment
from tests.story import Story, client_tool

MENU = "soup, fish, bread, cake"


def menu_is_read() -> Story:
    return Story().connects().asks("Read me the menu").agent_says(MENU, seconds=4)


def correction(original: str, heard: str, event_id: int = 2) -> AgentResponseCorrection:
    return AgentResponseCorrection(original_agent_response=original, corrected_agent_response=heard, event_id=event_id)


def test_barge_in_keeps_only_what_was_heard():
    story = menu_is_read().wait(2).caller_speaks()
    assert story.latest == [Interruption(event_id=2), correction(MENU, "soup, fish...")]
    assert story.phase == "listening"


def test_the_record_and_the_model_remember_what_was_heard():
    story = menu_is_read().wait(2).caller_speaks().falls_silent("Fish please").wait(0.5)
    agent = story.record[1]
    assert agent["message"] == "soup, fish..." and agent["original_message"] == MENU and agent["interrupted"]
    assert story.messages[1] == {"role": "assistant", "content": "soup, fish..."}
    assert story.asked_llm_with("Read me the menu", "Fish please")


def test_speech_takes_the_floor_after_a_fifth_of_a_second():
    story = menu_is_read().wait(1).begins_to_speak().wait(0.19)
    assert story.phase == "speaking"
    assert story.wait(0.01).phase == "listening"


def test_short_noise_does_not_interrupt():
    story = menu_is_read().wait(1).begins_to_speak().wait(0.15).falls_silent("").wait(0.5)
    assert story.latest == [] and story.phase == "speaking"
    assert story.wait(3).record[1]["message"] == MENU


def test_a_short_word_interrupts_when_it_turns_out_to_be_one():
    story = menu_is_read().wait(1.5).begins_to_speak().wait(0.15).falls_silent("Stop").wait(0.5)
    assert story.latest == [
        Interruption(event_id=2),
        correction(MENU, "soup, fish..."),
        UserTranscript(user_transcript="Stop", event_id=3),
    ]


def test_speech_that_was_long_enough_interrupts_even_when_it_is_told_late():
    story = menu_is_read().wait(1)
    story.tell(SpeechStarted(story.now - 0.3), SpeechStopped(story.now - 0.05))
    assert story.latest[0] == Interruption(event_id=2)


def test_half_a_word_was_not_heard():
    story = menu_is_read().wait(0.3).caller_speaks()
    assert story.latest[1] == correction(MENU, "...")
    assert story.record[1]["message"] is None and story.record[1]["original_message"] == MENU


def test_alignment_says_exactly_which_words_were_heard():
    slow_start = (
        Story()
        .connects()
        .asks("Go")
        .tell(ReplyText(1, "one two three"), ModelFinished(1), SentenceStarted(1, "one two three"))
    )
    starts = tuple([2.0 + 0.1 * i for i in range(13)])
    slow_start.tell(ReplyAudio(1, b"\0\0", 4.0, Alignment(tuple("one two three"), starts, (0.1,) * 13)))
    slow_start.wait(2.55).caller_speaks()
    assert slow_start.latest[1] == correction("one two three", "one two...")


def test_a_reply_heard_to_its_end_is_not_corrected():
    story = menu_is_read().wait(3.8)
    story.begins_to_speak().wait(0.2)
    assert story.latest == [] and story.phase == "listening"
    assert story.record[1]["message"] == MENU and not story.record[1]["interrupted"]


def test_speech_still_being_made_is_stopped_and_told_as_far_as_it_was_heard():
    story = Story().connects().asks("Tell me").agent_begins_to_say("Once upon a time. ", seconds=1.5)
    story.tell(ReplyText(1, "There was a")).wait(1.5).caller_speaks()
    assert story.stopped_reply(1)
    assert story.latest == [
        AgentResponse(agent_response="Once upon a time. There was a", event_id=2),
        Interruption(event_id=2),
        correction("Once upon a time. There was a", "Once upon a time..."),
    ]


def test_of_several_sentences_those_heard_are_kept_whole():
    story = Story().connects().asks("Tell me").tell(ReplyText(1, "One. Two. Three."), ModelFinished(1))
    for sentence in ("One. ", "Two. ", "Three."):
        story.tell(SentenceStarted(1, sentence), ReplyAudio(1, b"\0\0", 1.0))
    story.tell(ReplyFinished(1)).wait(1.8).caller_speaks()
    assert story.latest[1] == correction("One. Two. Three.", "One. Two...")


def test_a_sentence_that_cannot_be_spoken_hides_nothing_after_it():
    story = Story().connects().asks("Tell me").tell(ReplyText(1, "One. — Two three."), ModelFinished(1))
    story.tell(SentenceStarted(1, "One. "), ReplyAudio(1, b"\0\0", 1.0), SentenceStarted(1, "— "))
    story.tell(SentenceStarted(1, "Two three."), ReplyAudio(1, b"\0\0", 2.0), ReplyFinished(1))
    story.wait(1.8).caller_speaks()
    assert story.latest[1] == correction("One. — Two three.", "One. — Two...")


def test_late_audio_of_a_cut_reply_is_not_sent():
    story = Story().connects().asks("Tell me").agent_begins_to_say("Once. ", seconds=2).wait(1).caller_speaks()
    assert story.tell(ReplyAudio(1, b"\0\0", 1.0), ReplyText(1, "more"), ReplyFinished(1)).step == []


def test_the_next_reply_has_a_higher_id():
    story = menu_is_read().wait(2).caller_speaks().falls_silent("Fish").wait(0.5).agent_says("Good choice")
    assert [m.event_id for m in story.sent_of(UserTranscript)] == [1, 3]
    assert {m.event_id for m in story.sent_of(Audio)} == {2, 4}


def test_words_said_while_the_agent_thinks_are_answered_next():
    story = Story().connects().says("What's the weather?").thinking()
    story.says("In Paris, I mean.")
    assert story.stopped_reply(1) and story.asked_llm_with("What's the weather?", "In Paris, I mean.")


def test_a_reply_cut_before_a_word_left_was_never_there():
    story = Story().connects().says("What's the weather?").tell(ReplyText(1, "It is sun"))
    story.says("In Paris, I mean.")
    assert story.sent_of(AgentResponse, Interruption, AgentResponseCorrection) == []
    assert story.told == [("user", "What's the weather?"), ("user", "In Paris, I mean.")]


def test_a_cough_while_the_agent_thinks_does_not_cost_the_answer():
    story = Story(turn_timeout_seconds=-1).connects().says("What's the weather?").thinking()
    story.begins_to_speak().wait(0.5).falls_silent("").wait(0.5)
    assert story.stopped_reply(1)
    assert len(story.replies) == 2 and story.asked_llm_with("What's the weather?")


def test_the_agent_is_cut_while_audio_plays_that_was_sent_long_ago():
    story = menu_is_read()
    assert story.phase == "speaking" and story.conversation.next_deadline is not None
    assert story.wait(3).caller_speaks().latest[0] == Interruption(event_id=2)
    assert not story.stopped_reply(1)


def test_speech_before_a_tool_call_is_cut_too():
    story = Story(tools=[client_tool("look_up")]).connects().asks("My order?")
    story.agent_calls("look_up", saying="Let me have a look", seconds=4).wait(2).caller_speaks()
    assert story.latest == [Interruption(event_id=2), correction("Let me have a look", "Let me...")]
    assert story.phase == "waiting"


def test_what_is_said_after_a_cut_and_a_tool_has_a_higher_id():
    story = Story(tools=[client_tool("look_up")]).connects().asks("My order?")
    story.agent_calls("look_up", saying="Let me have a look", seconds=4).wait(2)
    story.caller_speaks().falls_silent("Number 7").wait(0.5).client_answers("look_up", "on its way")
    assert story.asked_llm_with("My order?", "Number 7")
    story.agent_says("On its way")
    assert story.sent_of(AgentResponse)[-1].event_id > story.sent_of(Interruption)[-1].event_id


def test_a_client_that_does_not_listen_to_interruption_is_never_cut_by_voice():
    story = Story(client_events=["audio", "agent_response", "user_transcript"]).connects()
    story.asks("Read me the menu").agent_says(MENU, seconds=4).wait(1).asks("Fish!")
    assert story.phase == "speaking" and story.latest == []
    story.wait(1.5)
    assert story.latest == [UserTranscript(user_transcript="Fish!", event_id=3)]
    assert story.asked_llm_with("Read me the menu", "Fish!")
    assert story.record[1]["message"] == MENU


def test_before_anything_was_sent_even_such_a_client_is_heard_at_once():
    story = Story(client_events=["audio", "agent_response"]).connects().says("Weather?").thinking().says("In Paris")
    assert story.stopped_reply(1) and story.asked_llm_with("Weather?", "In Paris")


def test_such_a_client_plays_to_the_end_what_it_was_sent():
    story = Story(client_events=["audio", "agent_response"]).connects().asks("Read").agent_says(MENU, seconds=4)
    ends_at = story.now + 4
    story.wait(1).types("Fish")
    assert story.replies[-1].playback_from == ends_at and story.record[1]["message"] == MENU


@pytest.mark.parametrize("seconds", [0.25, 1.0, 2.5])
def test_no_audio_follows_an_interruption_under_its_id(seconds: float):
    story = menu_is_read().wait(seconds).caller_speaks().falls_silent("Fish").wait(0.5).agent_says("Yes", seconds=1)
    cut = story.sent.index(Interruption(event_id=2))
    assert all(m.event_id > 2 for m in story.sent[cut:] if isinstance(m, Audio))


def test_an_interruption_without_words_leaves_the_floor_to_the_user_when_the_agent_is_not_to_resume():
    story = (
        Story(barge_in=BargeIn(resumes=False)).connects().asks("Read me the menu").agent_says(MENU, seconds=4).wait(2)
    )
    story.caller_speaks().falls_silent("").wait(1)
    assert story.phase == "listening" and len(story.replies) == 1
    assert story.wait(7).phase == "thinking"
