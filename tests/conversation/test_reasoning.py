"""What a model thinks is never spoken; who asked for it sees it, and the record keeps it."""

import pytest

from parola.conversation.events import MetadataReturned, ModelFinished, ModelThinks, ReplyFinished, ReplyText
from parola.conversation.setup import ModelChoice
from parola.protocol.server_messages import AgentReasoningResponsePart, AgentResponse, AgentResponseMetadata
from tests.story import Story

EVENTS = ["agent_response", "agent_reasoning_response_part", "agent_response_metadata"]


def asked(*, shows: bool = True, client_events: list[str] | None = None) -> Story:
    model = ModelChoice(enable_reasoning_summary=shows)
    return Story(text_only=True, model=model, client_events=client_events or EVENTS).connects().types("Hello")


def part(kind: str, text: str = "") -> AgentReasoningResponsePart:
    return AgentReasoningResponsePart(text=text, type=kind, event_id="2")


def test_thoughts_are_streamed_to_those_who_subscribed_and_kept():
    story = asked().tell(ModelThinks(1, "They "), ModelThinks(1, "greet me."))
    assert story.latest == [part("start"), part("delta", "They "), part("delta", "greet me.")]
    story.tell(ReplyText(1, "Hi."), ModelFinished(1), ReplyFinished(1))
    assert story.sent_of(AgentReasoningResponsePart)[-1] == part("stop")
    assert story.sent_of(AgentResponse)[-1].agent_response == "Hi."
    assert story.record[1]["reasoning"] == [{"summary": "They greet me.", "provider_redact": False}]
    assert story.record[1]["reasoned"] is True
    assert story.types("Bye").messages[1] == {"role": "assistant", "content": "Hi."}


def test_an_agent_without_the_summary_shows_and_keeps_no_thoughts():
    story = asked(shows=False).tell(ModelThinks(1, "Hm."), ReplyText(1, "Hi."), ModelFinished(1), ReplyFinished(1))
    assert story.sent_of(AgentReasoningResponsePart) == []
    assert "reasoning" not in story.record[1] and story.record[1]["reasoned"] is True


def test_thoughts_and_metadata_go_only_to_those_who_list_them():
    story = asked(client_events=["agent_response"])
    story.tell(ModelThinks(1, "Hm."), MetadataReturned(1, {"a": 1}), ReplyText(1, "Hi."), ModelFinished(1))
    assert story.sent_of(AgentReasoningResponsePart, AgentResponseMetadata) == []


def test_a_model_that_thinks_is_not_given_up_for_saying_nothing():
    story = asked().tell(ModelThinks(1)).wait(30)
    assert story.close is None
    assert asked().wait(30).close is not None


def test_metadata_is_told_under_the_turns_id():
    story = asked().tell(MetadataReturned(1, {"intent": "greet"}))
    assert story.latest == [AgentResponseMetadata(metadata={"intent": "greet"}, event_id=2)]


@pytest.mark.parametrize("thought", [ModelThinks(1, "Hm."), ModelThinks(1)])
def test_thoughts_of_a_reply_that_was_stopped_are_dropped(thought: ModelThinks):
    assert asked().types("No, wait").tell(thought).step == []


def test_who_answered_and_what_it_took_are_in_the_record_and_warnings_reach_the_owner():
    usage = {"input": {"tokens": 10, "price": 0.1}, "output_total": {"tokens": 5, "price": 0.2}}
    finished = ModelFinished(1, "spare-1", 10, 5, 4096, usage, "spare", ("own broke.",))
    story = asked().tell(ReplyText(1, "Hi."), finished, ReplyFinished(1))
    turn = story.record[1]
    assert (turn["producing_llm"], turn["llm_override"]) == ("spare-1", "spare")
    assert turn["llm_usage"] == {"model_usage": {"spare-1": usage}}
    assert "own broke." in story.warnings
