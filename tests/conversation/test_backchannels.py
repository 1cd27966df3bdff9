"""Who speaks over the agent without asking for the floor; and what happens when the agent gave it away for nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parola.conversation.actions import TranscribeNow
from parola.conversation.backchannels import IgnoreTerms, default_terms, is_hum
from parola.conversation.events import SpeechStarted, SpeechStopped, TranscriptUpdated
from parola.conversation.turn_taking import PATIENCE, BargeIn, UserTurn
from parola.protocol.server_messages import AgentResponse, Interruption, UserTranscript
from tests.story import Story, client_tool

MENU = "soup, fish, bread, cake"
TERMS = IgnoreTerms(default_terms(["en"]))
LISTENS = BargeIn(ignore_terms=TERMS)
"""An agent with ignore terms: words decide."""
RESUMES = BargeIn(backchannels=TERMS)
"""As agents are without settings: sound is enough, and the agent goes on when it was nothing."""


def menu(barge_in: BargeIn, text: str = MENU, **setup: object) -> Story:
    return Story(barge_in=barge_in, **setup).connects().asks("Read me the menu").agent_says(text, seconds=4).wait(1)


@pytest.mark.parametrize("words", ["mhm", "Mhm.", "Yeah, right.", "uh-huh", "I see.", "OK, got it!"])
def test_a_listener_is_known_by_their_words(words: str):
    assert TERMS.covers(words)


@pytest.mark.parametrize("words", ["", "wait", "right, but wait", "yeah I want fish", "see"])
def test_other_words_are_no_backchannel(words: str):
    assert not TERMS.covers(words)


@pytest.mark.parametrize("words", ["Mm-hmm.", "Mama.", "Uh-huh.", "Eh-ha!", "Aha.", "Mmm", "Hmm, hmm.", "Ahem."])
def test_the_sound_of_listening_is_known_however_it_was_written(words: str):
    assert is_hum(words)
    story = menu(RESUMES).wait(1).caller_speaks().falls_silent(words)
    assert story.replies[-1].verbatim == "bread, cake"
    assert story.record[-1]["ignored_as_backchannel"]


@pytest.mark.parametrize("words", ["Huh?", "no", "me", "Ma'am", "Hannah", "human", "home", "hey", "Emma", "one", "ham"])
def test_short_words_are_no_hums(words: str):
    assert not is_hum(words)


def test_with_ignore_terms_a_backchannel_does_not_stop_the_agent():
    story = menu(LISTENS).begins_to_speak().wait(0.25)
    assert TranscribeNow() in story.step and story.phase == "speaking"
    story.tell(TranscriptUpdated("Mhm", is_partial=True)).wait(0.1).falls_silent("Mhm.")
    assert story.sent_of(Interruption) == [] and story.phase == "speaking"
    ignored = story.record[-1]
    assert ignored["message"] == "Mhm." and ignored["ignored_as_backchannel"]
    assert ignored["x_timeline"]["closed_because"] == "backchannel"
    assert story.sent_of(UserTranscript)[-1] == UserTranscript(user_transcript="Read me the menu", event_id=1)
    assert not story.wait(3).record[1]["interrupted"]


def test_the_model_does_not_read_what_left_the_floor_to_it():
    story = menu(LISTENS).begins_to_speak().wait(0.3).falls_silent("Mhm.").wait(4).asks("And the price?")
    assert story.asked_llm_with("Read me the menu", "And the price?")


def test_with_ignore_terms_other_words_stop_it_as_soon_as_they_are_known():
    story = menu(LISTENS).begins_to_speak().wait(0.25).tell(TranscriptUpdated("Wait", is_partial=True))
    assert story.latest[0] == Interruption(event_id=2)


def test_words_are_asked_for_again_until_they_say_something():
    story = menu(LISTENS).begins_to_speak().wait(0.25).tell(TranscriptUpdated("Yeah", is_partial=True)).wait(0.25)
    assert TranscribeNow() in story.step and story.phase == "speaking"
    story.tell(TranscriptUpdated("Yeah but I", is_partial=True))
    assert story.phase == "listening"


def test_speech_without_end_stops_the_agent_even_if_its_words_do_not_come():
    story = menu(LISTENS).begins_to_speak().wait(0.9)
    assert story.phase == "speaking"
    assert story.wait(0.35).phase == "listening"


def test_a_number_of_words_can_be_asked_for():
    story = (
        menu(BargeIn(min_words=3)).begins_to_speak().wait(0.25).tell(TranscriptUpdated("Hey there", is_partial=True))
    )
    assert story.phase == "speaking"
    story.tell(TranscriptUpdated("Hey there you", is_partial=True))
    assert story.phase == "listening"


def test_more_speech_can_be_asked_for():
    story = menu(BargeIn(min_seconds=0.5)).begins_to_speak().wait(0.4)
    assert story.phase == "speaking"
    assert story.wait(0.1).phase == "listening"


def test_a_cough_that_cut_the_agent_off_lets_it_go_on_where_it_was():
    story = menu(RESUMES).wait(1).caller_speaks()
    assert story.latest[0] == Interruption(event_id=2)
    story.falls_silent("")
    assert story.replies[-1].verbatim == "bread, cake"
    story.agent_says(seconds=2)
    assert story.sent_of(AgentResponse)[-1] == AgentResponse(agent_response="bread, cake", event_id=3)
    assert story.told == [("user", "Read me the menu"), ("agent", "soup, fish..."), ("agent", "bread, cake")]


def test_a_backchannel_that_cut_the_agent_off_lets_it_go_on():
    story = menu(RESUMES).wait(1).caller_speaks().falls_silent("Mhm.")
    assert story.replies[-1].verbatim == "bread, cake"
    assert story.record[-1]["ignored_as_backchannel"]


def test_words_that_mean_something_do_not():
    story = menu(RESUMES).wait(1).caller_speaks().falls_silent("Fish please").wait(0.5)
    assert story.asked_llm_with("Read me the menu", "Fish please")


def test_after_a_question_yes_is_an_answer():
    story = menu(RESUMES, "Shall I book it? I have a table at eight").wait(1).caller_speaks().falls_silent("Yes.")
    assert story.wait(0.5).asked_llm_with("Read me the menu", "Yes.")


def test_with_ignore_terms_too_yes_answers_a_question_that_was_heard():
    story = menu(LISTENS, "Shall I book it? At eight").wait(2.2).begins_to_speak().wait(0.4).falls_silent("Yes.")
    assert story.wait(0.5).asked_llm_with("Read me the menu", "Yes.")


def test_a_question_that_is_still_to_come_was_not_answered():
    story = menu(LISTENS, "I have a table for you at eight. Shall I book it?").begins_to_speak().wait(0.4)
    story.falls_silent("Yes.")
    assert story.record[-1]["ignored_as_backchannel"] and story.phase == "speaking"


def test_a_short_backchannel_that_stopped_nothing_is_not_answered():
    story = menu(RESUMES)
    story.tell(SpeechStarted(story.now - 0.1), SpeechStopped(story.now), TranscriptUpdated("Mm.")).wait(3)
    assert story.sent_of(Interruption) == [] and len(story.replies) == 1
    assert story.record[-1]["ignored_as_backchannel"]


def test_a_reply_that_was_still_being_written_is_asked_for_again():
    story = Story(barge_in=RESUMES).connects().asks("Tell me").agent_begins_to_say("Once upon a time. ", seconds=2)
    story.wait(1).caller_speaks().falls_silent("")
    assert story.messages[-1]["role"] == "assistant" and story.reply == 2


def test_nothing_is_left_to_say_when_it_was_all_heard():
    story = menu(RESUMES).wait(2.9).begins_to_speak().wait(0.3).falls_silent("").wait(1)
    assert len(story.replies) == 1 and story.phase == "listening"


def test_a_word_after_the_turn_was_closed_too_early_belongs_to_it():
    story = Story(barge_in=RESUMES).connects().asks("No").caller_speaks().falls_silent("Yes.").wait(0.5)
    assert story.asked_llm_with("No", "Yes.") and story.reply == 2


def test_the_floor_is_not_given_back_when_tools_wait_for_the_user():
    story = Story(barge_in=RESUMES, tools=[client_tool("look_up")]).connects().asks("Look it up")
    story.agent_calls("look_up", saying="One moment.", seconds=2).wait(0.5).caller_speaks().falls_silent("").wait(0.5)
    assert story.phase == "waiting"
    story.client_answers("look_up", "done").agent_says("There it is.")
    assert story.told[-1] == ("agent", "There it is.")


def test_a_backchannel_into_a_protected_message_is_not_answered_after_it():
    story = Story(barge_in=RESUMES, first_message="Welcome to the shop", first_message_is_protected=True).connects()
    story.agent_says(seconds=3).wait(1).caller_speaks().falls_silent("Mhm.").wait(3)
    assert len(story.replies) == 1 and story.record[-1]["ignored_as_backchannel"]


def test_an_agent_that_does_not_resume_never_does_however_late():
    story = menu(BargeIn(min_words=2, resumes=False)).begins_to_speak().wait(1.5).falls_silent("").wait(1)
    story.asks("Yes").wait(1)
    assert story.asked_llm_with("Read me the menu", "Yes")


@pytest.mark.parametrize(("text", "is_term"), [("हाँ", True), ("ठीक है।", True), ("हो", False), ("हाँ लेकिन", False)])
def test_vowel_signs_are_part_of_a_word(text: str, is_term: bool):
    assert IgnoreTerms(default_terms(["hi"])).covers(text) == is_term


def test_words_are_counted_where_there_are_no_spaces_too():
    assert BargeIn(min_words=3).ignores("はい") and not BargeIn(min_words=3).ignores("すみません、魚をください")


def test_yes_answers_the_last_question_while_the_agent_is_still_thinking():
    story = Story(barge_in=LISTENS).connects().asks("Hello").agent_says("Shall I book it?").wait(1.1).asks("Well.")
    story.begins_to_speak().wait(0.3).falls_silent("Yes.").wait(0.5)
    assert story.asked_llm_with("Hello", "Well.", "Yes.")


def test_a_noise_that_was_on_when_the_user_typed_does_not_stop_the_answer():
    story = menu(RESUMES).wait(1).caller_speaks().types("Go on.").falls_silent("").wait(1)
    assert story.phase == "thinking" and story.reply == 2


@given(at=st.floats(min_value=0, max_value=1e7))
def test_the_first_look_comes_when_there_is_something_to_see(at):
    turn, rules = UserTurn(PATIENCE["normal"]), BargeIn()
    turn.speech_started(at)
    assert rules.judge(turn, at + rules.first_look_seconds()) == "yields"


def test_a_look_that_comes_too_early_is_not_the_last():
    turn, rules = UserTurn(PATIENCE["normal"]), BargeIn()
    turn.speech_started(4.385)
    assert rules.judge(turn, 4.5) == "look_again"
