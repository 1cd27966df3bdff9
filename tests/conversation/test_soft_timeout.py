"""What is said while the model is slow (``turn.soft_timeout_config``)."""

from parola.conversation.events import (
    ModelFinished,
    ReplyAudio,
    ReplyFailed,
    ReplyFinished,
    ReplyText,
    SentenceStarted,
    ToolCalled,
)
from parola.conversation.fillers import SoftTimeout
from parola.conversation.turn_taking import BargeIn
from parola.protocol.server_messages import AgentResponse, AgentResponseComplete, ClientToolCall, Interruption
from tests.story import Story, client_tool

SLOW = SoftTimeout(2.0, ("Let me see.", "Still looking."))


def slow(soft_timeout: SoftTimeout = SLOW, **setup: object) -> Story:
    return Story(soft_timeout=soft_timeout, **setup).connects().asks("Tell me the price.")


def test_a_filler_is_said_when_the_model_takes_too_long():
    story = slow().wait(1.9)
    assert len(story.replies) == 1
    assert story.wait(0.1).replies[-1].verbatim == "Let me see."


def test_the_answer_comes_after_the_filler_under_the_same_turn():
    story = (
        slow().wait(2).agent_says(seconds=1).tell(ReplyText(1, "Ten."), ModelFinished(1), SentenceStarted(1, "Ten."))
    )
    story.tell(ReplyFinished(1))
    assert [m.agent_response for m in story.sent_of(AgentResponse)] == ["Let me see.", "Ten."]
    assert {m.event_id for m in story.sent_of(AgentResponse)} == {2}
    assert len(story.sent_of(AgentResponseComplete)) == 1
    assert story.told == [("user", "Tell me the price."), ("agent", "Let me see."), ("agent", "Ten.")]


def test_an_answer_that_comes_while_the_filler_is_spoken_waits_for_its_end():
    story = slow().wait(2).agent_begins_to_say("Let me see.", seconds=1)
    assert story.tell(ReplyText(1, "Ten."), ModelFinished(1)).step == []
    story.tell(ModelFinished(2), ReplyFinished(2))
    assert [m.agent_response for m in story.sent_of(AgentResponse)] == ["Let me see.", "Ten."]


def test_an_answer_that_is_quicker_than_the_filler_makes_it_unnecessary():
    story = slow().wait(2).tell(ReplyText(1, "Ten."), ModelFinished(1), ReplyFinished(1))
    assert story.stopped_reply(2)
    assert [m.agent_response for m in story.sent_of(AgentResponse)] == ["Ten."]


def test_a_model_that_has_begun_needs_no_filler():
    assert len(slow().wait(1).tell(ReplyText(1, "Well, ")).wait(3).replies) == 1


def test_there_are_at_most_so_many_for_one_answer():
    story = slow(SoftTimeout(2.0, ("Let me see.", "Still looking."), most=2)).wait(2).agent_says(seconds=1)
    assert story.wait(2).replies[-1].verbatim == "Still looking."
    story.agent_says(seconds=1)
    assert len(story.wait(10).replies) == 3


def test_the_model_is_still_given_up_after_20_seconds():
    story = slow().wait(2).agent_says(seconds=1).wait(17.9)
    assert story.close is None
    assert story.wait(0.2).close is not None and "20 s" in str(story.close)


def test_the_model_never_reads_its_fillers():
    story = slow().wait(2).agent_says(seconds=1).tell(ReplyText(1, "Ten."), ModelFinished(1), ReplyFinished(1)).wait(1)
    assert "Let me see." not in str(story.asks("Thanks, and now?").messages)


def test_the_model_can_write_the_filler_itself():
    story = slow(SoftTimeout(2.0, is_generated=True, prompt="Bridge it.")).wait(2)
    request = story.replies[-1].request
    assert request is not None and request.messages[-1] == {"role": "system", "content": "Bridge it."}
    assert request.tools == ()
    story.agent_says("Just a second.").tell(ReplyText(1, "Ten."), ModelFinished(1), ReplyFinished(1))
    assert [text for role, text in story.told if role == "agent"] == ["Just a second.", "Ten."]


def test_a_filler_that_fails_is_no_reason_to_end_the_call():
    story = slow().wait(2).tell(ReplyFailed(2, "tts_cascade_error", "no voice"))
    assert story.close is None
    assert story.tell(ReplyText(1, "Ten."), ModelFinished(1), ReplyFinished(1)).told[-1] == ("agent", "Ten.")


def test_a_user_who_speaks_over_the_filler_takes_the_floor():
    story = slow().wait(2).agent_says(seconds=3).wait(0.5).caller_speaks()
    assert story.stopped_reply(1) and Interruption(event_id=2) in story.latest
    story.falls_silent("Never mind the price.").wait(0.5)
    assert story.asked_llm_with("Tell me the price.", "Never mind the price.")


def test_fillers_can_wait_for_the_first_words_of_the_user():
    soft = SoftTimeout(2.0, ("Hm.",), after_first_user_message=True)
    story = Story(soft_timeout=soft, turn_timeout_seconds=1).connects().wait(1)
    assert story.phase == "thinking" and len(story.wait(5).replies) == 1


def test_random_fillers_are_the_same_when_the_call_is_played_again():
    soft = SoftTimeout(2.0, ("A", "B", "C"), is_random=True)
    said = [soft.message("conv_1", count) for count in range(20)]
    assert said == [soft.message("conv_1", count) for count in range(20)] and set(said) == {"A", "B", "C"}


def test_a_text_conversation_has_no_fillers():
    assert len(Story(soft_timeout=SLOW, text_only=True).connects().types("Hi").wait(5).replies) == 1


def test_a_filler_runs_no_tools():
    story = slow(SoftTimeout(2.0, is_generated=True), tools=[client_tool("book")]).wait(2)
    story.tell(ToolCalled(2, "book", {}), ModelFinished(2), ReplyFinished(2))
    assert story.sent_of(ClientToolCall) == []
    assert story.tell(ReplyText(1, "Ten."), ModelFinished(1), ReplyFinished(1)).told[-1] == ("agent", "Ten.")


def test_a_cough_over_the_filler_leaves_no_question_unanswered():
    story = slow(barge_in=BargeIn(resumes=False)).wait(2).agent_says(seconds=3).wait(0.5).caller_speaks()
    story.falls_silent("").wait(0.6)
    assert story.phase == "thinking" and story.asked_llm_with("Tell me the price.")


def test_what_is_gone_on_with_is_the_answer_and_not_the_filler():
    story = slow(barge_in=BargeIn()).wait(2).agent_says(seconds=3)
    story.tell(ReplyText(1, "Ten."), ModelFinished(1), SentenceStarted(1, "Ten."), ReplyAudio(1, b"\0\0", 1.0))
    story.tell(ReplyFinished(1)).wait(1).caller_speaks().falls_silent("")
    assert story.replies[-1].verbatim == "Ten."
