"""Chat: text streams in parts, then comes whole (reference: websocket.md §5.6)."""

from parola.conversation.events import ModelFinished, ReplyFinished, ReplyText
from parola.protocol.server_messages import (
    AgentChatResponsePart,
    AgentResponse,
    AgentResponseComplete,
    Audio,
    ContextUsage,
    Interruption,
)
from tests.story import Story, client_tool


def part(kind: str, text: str = "", event_id: int = 2) -> AgentChatResponsePart:
    return AgentChatResponsePart(text=text, type=kind, event_id=event_id)


def chat(**setup: object) -> Story:
    return Story(text_only=True, **setup).connects().types("Hello")


def test_parts_stream_and_the_whole_text_follows_under_one_id():
    story = chat().tell(ReplyText(1, "Hi "), ReplyText(1, "there."), ModelFinished(1), ReplyFinished(1))
    assert story.latest == [
        part("start"),
        part("delta", "Hi "),
        part("delta", "there."),
        part("stop"),
        AgentResponse(agent_response="Hi there.", event_id=2),
        AgentResponseComplete(event_id=2),
    ]
    assert story.phase == "listening" and story.sent_of(Audio) == []


def test_the_pattern_repeats_around_a_tool():
    story = chat(tools=[client_tool("look_up")]).agent_calls("look_up", saying="One moment.")
    story.client_answers("look_up", "ok").agent_says("Here.")
    kinds = [m.type for m in story.sent_of(AgentChatResponsePart)]
    assert kinds == ["start", "delta", "stop"] * 2
    assert [m.event_id for m in story.sent_of(AgentChatResponsePart, AgentResponse)] == [2] * 8


def test_a_message_in_mid_stream_stops_the_parts_and_keeps_what_was_read():
    story = chat().tell(ReplyText(1, "Once upon")).types("Stop")
    assert story.latest == [
        part("stop"),
        AgentResponse(agent_response="Once upon", event_id=2),
        Interruption(event_id=2),
    ]
    assert story.stopped_reply(1) and story.asked_llm_with("Hello", "Stop")
    assert story.record[1]["message"] == "Once upon" and story.record[1]["interrupted"]
    assert story.messages[1] == {"role": "assistant", "content": "Once upon"}


def test_the_next_reply_has_parts_of_its_own():
    story = chat().tell(ReplyText(1, "Once upon")).types("Stop").agent_says("Fine.")
    assert [m.event_id for m in story.sent_of(AgentChatResponsePart)] == [2, 2, 2, 4, 4, 4]


def test_a_reply_without_words_has_no_parts():
    story = chat().tell(ModelFinished(1), ReplyFinished(1))
    assert story.latest == [AgentResponseComplete(event_id=2)] and story.phase == "listening"


def test_what_was_written_was_read_whatever_comes_next():
    story = chat().agent_says("A long answer").types("Next")
    assert story.sent_of(Interruption) == [] and not story.record[1]["interrupted"]


def test_a_voice_client_may_ask_for_parts_too():
    story = Story(client_events=["agent_chat_response_part", "audio"]).connects().asks("Hello").agent_says("Hi")
    assert [m.type for m in story.sent_of(AgentChatResponsePart)] == ["start", "delta", "stop"]


def test_context_usage_follows_each_turn_with_the_last_steps_numbers():
    story = chat(tools=[client_tool("look_up")]).agent_calls("look_up").client_answers("look_up", "ok")
    story.tell(ReplyText(2, "Hi"), ModelFinished(2, "qwen", 100, 20, 4096), ReplyFinished(2))
    assert story.latest[-1] == ContextUsage(event_id=2, model="qwen", context_tokens=120, context_limit_tokens=4096)


def test_usage_of_a_turn_that_was_cut_is_not_told_with_the_next():
    story = Story().connects().asks("Hello").tell(ReplyText(1, "Hi"), ModelFinished(1, "qwen", 100, 20, 4096))
    story.types("Stop").agent_says("Fine")
    assert story.sent_of(ContextUsage) == []
