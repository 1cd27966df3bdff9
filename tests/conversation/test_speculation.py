"""A reply that is begun on a probable end of the turn: nothing of it is heard, stored or acted on before the end."""

from parola.conversation.actions import Record, Send, StartReply
from parola.conversation.events import (
    ModelFinished,
    ReplyAudio,
    ReplyFailed,
    ReplyFinished,
    ReplyText,
    SentenceStarted,
    ToolCalled,
    TurnEndPredicted,
)
from parola.protocol.client_messages import ContextualUpdate
from parola.protocol.server_messages import AgentResponse, Audio, ClientToolCall, UserTranscript
from tests.story import Story, client_tool


def paused(words: str = "I would like the soup.", **setup: object) -> Story:
    return Story(speculates=True, **setup).connects().begins_to_speak().wait(1).falls_silent(words)


def outcomes(story: Story) -> list[object]:
    """What the last step let out."""
    return [action for action in story.step if isinstance(action, Send | Record)]


def test_the_model_starts_as_soon_as_the_words_are_there():
    story = paused()
    assert story.asked_llm_with("I would like the soup.") and story.phase == "listening"
    assert story.record == [] and story.sent_of(UserTranscript) == []


def test_an_agent_that_was_not_told_to_does_not_speculate():
    assert Story().connects().begins_to_speak().wait(1).falls_silent("Soup.").replies == []


def test_nothing_of_it_is_heard_or_stored_before_the_turn_is_over():
    story = paused()
    story.tell(ReplyText(1, "Soup it is."), ModelFinished(1), SentenceStarted(1, "Soup it is."))
    assert outcomes(story) == []
    assert outcomes(story.tell(ReplyAudio(1, b"\0\0", 1.0), ReplyFinished(1))) == []
    story.wait(0.5)
    assert [type(m) for m in story.latest] == [UserTranscript, AgentResponse, *[type(m) for m in story.latest[2:]]]
    assert len(story.sent_of(Audio)) == 1 and len(story.replies) == 1
    assert story.told == [("user", "I would like the soup."), ("agent", "Soup it is.")]


def test_what_was_ready_is_sent_at_the_end_of_the_turn():
    story = paused().wait(0.2).tell(ReplyText(1, "Soup it is."), ModelFinished(1), SentenceStarted(1, "Soup it is."))
    story.tell(ReplyAudio(1, b"\0\0", 1.0), ReplyFinished(1)).wait(0.3)
    timeline = story.record[1]["x_timeline"]
    assert timeline["is_speculative"] and timeline["first_audio_sent_secs"] == 1.5
    assert timeline["latency_secs"] == {
        "end_of_turn": 0.5, "llm": 0.0, "sentence": 0.0, "tts": 0.0, "send": 0.0, "total": 0.5,
    }  # fmt: skip


def test_it_is_thrown_away_when_the_user_goes_on():
    story = paused("I would like soup.").wait(0.2).tell(ReplyText(1, "Soup it is."))
    story.begins_to_speak()
    assert story.stopped_reply(1) and outcomes(story) == []
    assert story.tell(ReplyAudio(1, b"\0\0", 1.0)).step == []
    story.wait(1).falls_silent("I would like soup. And bread.").wait(0.5)
    assert story.asked_llm_with("I would like soup. And bread.") and story.reply == 2
    assert story.told == [("user", "I would like soup. And bread.")]


def test_no_tool_runs_for_a_guess():
    story = paused("Book it.", tools=[client_tool("book")])
    assert outcomes(story.tell(ToolCalled(1, "book", {}), ModelFinished(1), ReplyFinished(1))) == []
    story.begins_to_speak().wait(1).falls_silent("Book it. No, wait.").wait(0.5)
    assert story.sent_of(ClientToolCall) == []


def test_tools_of_a_guess_that_was_right_run_at_the_end_of_the_turn():
    story = paused("Book it.", tools=[client_tool("book")])
    story.tell(ToolCalled(1, "book", {}), ModelFinished(1), ReplyFinished(1)).wait(0.5)
    assert len(story.sent_of(ClientToolCall)) == 1
    story.client_answers("book", "done").agent_says("Booked.")
    assert story.told[-1] == ("agent", "Booked.")


def test_a_guess_that_failed_is_made_again():
    story = paused().tell(ReplyFailed(1, "llm_error", "no")).wait(0.5)
    assert story.close is None and story.reply == 2
    assert story.agent_says("Soup it is.").told[-1] == ("agent", "Soup it is.")


def test_a_reply_the_model_has_not_begun_is_taken_over_as_it_is():
    story = paused().wait(0.5)
    assert len(story.replies) == 1 and story.phase == "thinking"
    assert story.agent_says("Soup it is.").phase == "speaking"


def test_a_model_that_never_answers_a_guess_is_waited_for_from_when_it_was_asked():
    story = paused().wait(19.9)
    assert story.close is None
    assert story.wait(0.2).close is not None


def test_nobody_guesses_at_the_answer_to_half_a_sentence():
    assert paused("I would like the").replies == []
    assert len(paused("I would like the").wait(1.1).replies) == 1


def test_a_turn_that_sounds_unfinished_keeps_what_was_begun_until_the_user_goes_on():
    story = paused("I would like soup.").tell(TurnEndPredicted(0.01)).wait(1.1)
    assert len(story.replies) == 1 and story.phase == "thinking"


def test_background_that_comes_meanwhile_is_not_missed():
    story = paused().tell(ContextualUpdate(text="The soup is off.")).wait(0.5)
    assert story.stopped_reply(1) and "The soup is off." in str(story.messages)


def test_background_that_replaces_the_first_message_is_not_missed():
    story = Story(speculates=True).connects().tell(ContextualUpdate(text="Soup is on.", context_id="menu"))
    story.begins_to_speak().wait(1).falls_silent("Soup please.")
    story.tell(ContextualUpdate(text="Soup is off.", context_id="menu")).wait(0.5)
    assert story.stopped_reply(1) and "Soup is off." in str(story.messages)


def test_something_typed_meanwhile_throws_the_guess_away():
    story = paused().types("No, bread.")
    assert story.stopped_reply(1) and story.asked_llm_with("I would like the soup.", "No, bread.")


def test_hanging_up_stops_it():
    story = paused().hangs_up()
    assert story.stopped_reply(1) and story.told == [("user", "I would like the soup.")]


def test_it_is_asked_for_once_however_often_the_evidence_changes():
    story = paused().tell(TurnEndPredicted(0.4)).tell(TurnEndPredicted(0.99)).wait(0.5)
    assert [action.reply for action in story.actions if isinstance(action, StartReply)] == [1]


def test_a_guess_does_not_take_the_place_of_the_last_words():
    story = Story(speculates=True, max_duration_seconds=5.0, max_duration_message="Time is up.").connects()
    story.wait(3.9).begins_to_speak().wait(0.9).falls_silent("I would like the soup.").wait(0.25)
    assert story.stopped_reply(1) and story.phase == "ending"
    story.tell(ReplyText(1, "Soup it is.")).agent_says().wait(1)
    assert [m.agent_response for m in story.sent_of(AgentResponse)] == ["Time is up."]
