"""Who speaks first, and in which order the first messages leave (reference: websocket.md §2, §5.1)."""

from parola.conversation.actions import StartReply
from parola.protocol.client_messages import ClientToolResult
from parola.protocol.server_messages import (
    AgentResponse,
    AgentResponseComplete,
    AsrInitiationMetadata,
    Audio,
    ConversationInitiationMetadata,
    Ping,
    UserTranscript,
)
from tests.story import Story


def test_metadata_comes_first_then_the_ear_then_a_ping():
    story = Story(asr_provider="moonshine").connects()
    assert story.sent == [
        ConversationInitiationMetadata(
            conversation_id="conv_story", agent_output_audio_format="pcm_16000", user_input_audio_format="pcm_16000"
        ),
        AsrInitiationMetadata(provider="moonshine", language="en"),
        Ping(event_id=1, ping_ms=None),
    ]


def test_a_text_conversation_has_no_ear_but_still_names_its_formats():
    story = Story(text_only=True).connects()
    assert [message.event_type for message in story.sent] == ["conversation_initiation_metadata", "ping"]
    assert story.sent[0].agent_output_audio_format == "pcm_16000"


def test_the_agent_greets_with_its_first_message():
    story = Story(first_message="Hello!").connects()
    assert story.replies == [StartReply(1, verbatim="Hello!")]
    story.agent_says(seconds=0.5)
    assert story.step[1].message == AgentResponse(agent_response="Hello!", event_id=1)
    assert story.sent_of(Audio)[0].event_id == 1
    assert story.latest[-1] == AgentResponseComplete(event_id=1)
    assert story.phase == "speaking"
    assert story.wait(0.5).phase == "listening"


def test_the_text_of_a_greeting_leaves_before_its_audio():
    story = Story(first_message="Hello!").connects().agent_says()
    kinds = [message.event_type for message in story.sent]
    assert kinds.index("agent_response") < kinds.index("audio")


def test_the_first_message_speaks_of_what_the_client_brought():
    story = Story(first_message="Hello {{name}}, plan {{plan}}.", variables={"name": "Ada", "plan": 3}).connects()
    assert story.replies[0].verbatim == "Hello Ada, plan 3."


def test_a_first_message_of_nothing_but_variables_without_value_is_none():
    assert Story(first_message=" {{name}} ", variables={"name": ""}).connects().replies == []


def test_without_a_first_message_the_agent_waits_for_the_user():
    story = Story().connects()
    assert story.replies == [] and story.phase == "listening"
    assert story.asks("Hi").asked_llm_with("Hi")


def test_a_text_greeting_is_written_at_once_and_needs_no_voice():
    story = Story(first_message="Hello!", text_only=True).connects()
    assert story.latest[1:] == [
        AgentResponse(agent_response="Hello!", event_id=1),
        AgentResponseComplete(event_id=1),
    ]
    assert story.replies == [] and story.phase == "listening"


def test_what_is_typed_right_after_a_text_greeting_does_not_swallow_it():
    story = Story(first_message="Hello!", text_only=True).connects().types("Hi")
    assert story.told == [("agent", "Hello!"), ("user", "Hi")]
    assert [m["role"] for m in story.messages] == ["assistant", "user"]


def test_a_protected_greeting_is_heard_to_its_end_whatever_the_caller_does():
    story = Story(first_message="We record calls.", first_message_is_protected=True).connects().agent_says(seconds=3)
    story.wait(0.5).asks("Hello?", seconds=0.5)
    assert story.latest == [] and story.phase == "speaking"
    story.wait(1.5)
    assert story.phase == "thinking" and story.asked_llm_with("Hello?")
    assert story.latest == [UserTranscript(user_transcript="Hello?", event_id=2)]


def test_what_is_typed_into_a_protected_greeting_is_answered_after_it():
    story = Story(first_message="We record calls.", first_message_is_protected=True).connects().agent_says(seconds=3)
    story.wait(1).types("Fine").types("Go on")
    assert len(story.replies) == 1
    story.wait(2)
    assert story.asked_llm_with("Fine", "Go on")


def test_everything_said_into_a_protected_greeting_is_one_turn():
    story = Story(first_message="We record calls.", first_message_is_protected=True).connects().agent_says(seconds=5)
    story.asks("Hello?").asks("Hello? Are you there?").wait(2)
    assert story.told == [("agent", "We record calls."), ("user", "Hello? Are you there?")]


def test_an_open_greeting_can_be_interrupted():
    story = Story(first_message="Welcome to us all").connects().agent_says(seconds=3)
    story.wait(1).caller_speaks()
    assert [m.event_type for m in story.latest] == ["interruption", "agent_response_correction"]


def test_warnings_from_before_the_beginning_are_kept():
    assert Story(warnings=("Model x is unknown.",)).connects().warnings == ["Model x is unknown."]


def test_a_result_nobody_asked_for_means_nothing():
    assert Story().connects().tell(ClientToolResult(tool_call_id="x", result=1)).effects == []
