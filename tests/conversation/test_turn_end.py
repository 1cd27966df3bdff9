"""When the user's turn is over: silence long enough, and the words of all that was said."""

from parola.conversation.actions import ForgetSpeech
from parola.conversation.events import ListeningFailed, SpeechStarted, SpeechStopped, TranscriptUpdated
from parola.conversation.turn_taking import PATIENCE
from parola.protocol.client_messages import UserActivity
from parola.protocol.server_messages import TentativeUserTranscript, UserTranscript
from tests.story import Story


def test_the_agent_answers_once_the_silence_is_long_enough():
    story = Story().connects().begins_to_speak().wait(1).falls_silent("Tell me the time.")
    assert story.wait(0.49).replies == []
    story.wait(0.01)
    assert story.latest == [UserTranscript(user_transcript="Tell me the time.", event_id=1)]
    assert story.asked_llm_with("Tell me the time.") and story.phase == "thinking"


def test_a_patient_agent_waits_longer():
    story = Story(patience=PATIENCE["patient"]).connects().begins_to_speak().wait(1).falls_silent("Well")
    assert story.wait(0.89).replies == []
    assert len(story.wait(0.01).replies) == 1


def test_words_that_may_still_change_are_tentative_under_the_id_they_will_have():
    story = Story().connects().begins_to_speak().wait(1).falls_silent("Read me")
    assert story.latest == [TentativeUserTranscript(user_transcript="Read me", event_id=1)]
    story.wait(0.3).begins_to_speak().wait(1).falls_silent("Read me the menu").wait(0.5)
    assert story.latest == [UserTranscript(user_transcript="Read me the menu", event_id=1)]


def test_the_same_words_are_not_told_twice():
    story = Story().connects().begins_to_speak().wait(1).falls_silent("Read me")
    story.wait(0.2).begins_to_speak().wait(1).falls_silent("Read me")
    assert story.latest == []


def test_a_pause_between_utterances_does_not_end_the_turn():
    story = Story().connects().begins_to_speak().wait(1).falls_silent("I would like")
    story.wait(0.4).begins_to_speak().wait(1)
    assert story.replies == []
    story.falls_silent("I would like the soup").wait(0.5)
    assert story.asked_llm_with("I would like the soup")
    assert story.told == [("user", "I would like the soup")]


def test_words_that_come_after_the_silence_are_waited_for():
    story = Story().connects().begins_to_speak().wait(1).falls_silent().wait(2)
    assert story.replies == []
    story.transcribed("Hello")
    assert story.asked_llm_with("Hello")
    assert story.latest == [UserTranscript(user_transcript="Hello", event_id=1)]


def test_every_pause_is_waited_for():
    story = Story().connects().begins_to_speak().wait(1).falls_silent()
    story.wait(0.2).begins_to_speak().wait(1).falls_silent().wait(1)
    assert story.transcribed("One").replies == []
    assert story.transcribed("One two").asked_llm_with("One two")


def test_a_turn_without_words_is_no_turn():
    story = Story().connects().asks("")
    assert story.step == [ForgetSpeech()] and story.record == []
    assert story.wait(7).asked_llm_with("...")


def test_the_ear_forgets_a_turn_when_it_is_taken():
    assert ForgetSpeech() in Story().connects().asks("Hello").step


def test_a_transcript_of_a_turn_that_was_taken_is_dropped():
    story = Story().connects().asks("Hello").agent_says("Hi", seconds=1).wait(1)
    assert story.tell(TranscriptUpdated("Hello again")).step == []
    story.begins_to_speak().wait(1).falls_silent("Bread").wait(0.5)
    assert story.told[-1] == ("user", "Bread")


def test_a_transcript_that_never_comes_holds_the_turn_for_15_seconds_only():
    story = Story(turn_timeout_seconds=-1).connects().begins_to_speak().wait(1).falls_silent().wait(15.4)
    assert story.warnings == []
    story.wait(0.1)
    assert story.warnings == ["Speech could not be transcribed: The transcript did not come."]
    assert story.asks("Hello").asked_llm_with("Hello")


def test_words_that_are_there_are_answered_when_the_rest_never_comes():
    story = Story().connects().begins_to_speak().wait(1).falls_silent("One")
    story.wait(0.2).begins_to_speak().wait(1).falls_silent().wait(16)
    assert story.asked_llm_with("One")


def test_a_slow_transcript_is_no_failure_while_the_user_goes_on_speaking():
    story = Story().connects().begins_to_speak().wait(1).falls_silent().wait(1).begins_to_speak().wait(20)
    assert story.warnings == []


def test_one_failed_transcription_ends_an_empty_turn():
    story = Story().connects().begins_to_speak().wait(1).falls_silent()
    story.tell(ListeningFailed("no model")).wait(0.5)
    assert story.warnings == ["Speech could not be transcribed: no model"] and story.phase == "listening"
    assert story.asks("Hello").asked_llm_with("Hello")


def test_typing_holds_the_turn_open():
    story = Story().connects().begins_to_speak().wait(1).falls_silent("Hello").tell(UserActivity())
    assert story.wait(1.99).replies == []
    assert len(story.wait(0.01).replies) == 1


def test_typing_holds_a_turn_whose_words_are_late_no_longer_than_it_must():
    story = Story().connects().begins_to_speak().wait(1).falls_silent().wait(0.6).tell(UserActivity())
    story.transcribed("Hello")
    assert story.wait(1.99).replies == []
    assert story.wait(0.01).asked_llm_with("Hello") and story.warnings == []


def test_the_moment_of_silence_counts_not_the_moment_it_was_told():
    story = Story().connects().begins_to_speak().wait(1)
    story.tell(SpeechStopped(story.now - 0.2), TranscriptUpdated("Hello"))
    assert len(story.wait(0.3).replies) == 1


def test_silence_that_was_never_preceded_by_speech_means_nothing():
    story = Story().connects()
    assert story.tell(SpeechStopped(story.now), TranscriptUpdated("ghost")).step == []
    assert story.wait(1).record == []


def test_how_long_the_words_took_is_measured():
    story = Story().connects().begins_to_speak().wait(1).falls_silent().wait(0.3).transcribed("Hello").wait(0.2)
    metrics = story.agent_says("Hi").record[-1]["conversation_turn_metrics"]["metrics"]
    assert metrics["convai_asr_trailing_service_latency"] == {"elapsed_time": 0.3}


def test_a_caller_who_speaks_when_a_reply_would_begin_is_not_spoken_over():
    story = Story().connects().asks("Hello")
    story.tell(SpeechStarted(story.now)).wait(0.2)
    assert story.stopped_reply(1) and story.phase == "listening"
