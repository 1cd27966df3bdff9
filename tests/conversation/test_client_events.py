"""Only what the agent's ``client_events`` list is sent; what no client works without is sent anyway."""

from parola.conversation.events import SentenceStarted, SpeechScored
from parola.protocol.server_messages import InternalTentativeAgentResponse, VadScore
from tests.story import Story, client_tool


def kinds(story: Story) -> set[str]:
    return {message.event_type for message in story.sent}


def test_a_short_list_still_lets_the_client_work():
    story = Story(client_events=["user_transcript"], tools=[client_tool("look_up")]).connects().asks("Order?")
    story.agent_calls("look_up", saying="Moment").client_answers("look_up", "ok").agent_says("Here").wait(2)
    assert kinds(story) == {"conversation_initiation_metadata", "ping", "client_tool_call", "user_transcript"}


def test_without_a_list_all_stable_events_are_sent_and_no_internal_ones():
    story = Story(tools=[client_tool("look_up")]).connects().asks("Order?").tell(SpeechScored(0.5))
    story.agent_calls("look_up", saying="Moment").client_answers("look_up", "ok").agent_says("Here").wait(2)
    assert kinds(story) == {
        "conversation_initiation_metadata",
        "asr_initiation_metadata",
        "ping",
        "tentative_user_transcript",
        "user_transcript",
        "agent_response",
        "audio",
        "agent_tool_request",
        "client_tool_call",
        "agent_tool_response",
        "agent_response_complete",
    }


def test_scores_go_to_those_who_list_them():
    story = Story(client_events=["vad_score"]).connects().tell(SpeechScored(0.5), SpeechScored(1.0001))
    assert story.latest == [VadScore(vad_score=0.5), VadScore(vad_score=1.0)]


def test_drafts_go_to_those_who_list_them():
    story = Story(client_events=["internal_tentative_agent_response"]).connects().asks("Hello")
    story.tell(SentenceStarted(1, "Hi. "), SentenceStarted(1, "How are you?"))
    assert [m.tentative_agent_response for m in story.sent_of(InternalTentativeAgentResponse)] == [
        "Hi.",
        "Hi. How are you?",
    ]


def test_what_is_not_sent_is_recorded_all_the_same():
    story = Story(client_events=["audio"]).connects().asks("Hello").agent_says("Hi")
    assert story.told == [("user", "Hello"), ("agent", "Hi")]
