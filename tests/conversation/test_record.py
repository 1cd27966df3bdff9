"""What is kept of a conversation has the shape of the platform's transcript (reference: rest-schemas.md §3)."""

from parola.conversation.actions import Record, Send
from parola.conversation.events import ModelFinished, ReplyAudio, ReplyFinished, ReplyText, SentenceStarted
from parola.protocol.server_messages import AgentResponse, UserTranscript
from tests.story import Story, client_tool


def test_a_user_turn_in_full():
    assert Story().connects().asks("Hello").record == [
        {
            "role": "user",
            "message": "Hello",
            "tool_calls": [],
            "tool_results": [],
            "feedback": None,
            "time_in_call_secs": 1,
            "conversation_turn_metrics": None,
            "interrupted": False,
            "original_message": None,
            "source_medium": "audio",
            "source_event_id": 1,
            "x_timeline": {
                "speech_started_secs": 0.0,
                "speech_stopped_secs": 1.0,
                "transcribed_secs": 1.0,
                "closed_secs": 1.5,
                "closed_because": "silence",
                "verdicts": [
                    {
                        "at_secs": 1.0,
                        "verdict": "silence",
                        "wait_secs": 0.5,
                        "turn_probability": None,
                        "wording": "none",
                    },
                    {
                        "at_secs": 1.0,
                        "verdict": "silence",
                        "wait_secs": 0.5,
                        "turn_probability": None,
                        "wording": "plain",
                    },
                ],
            },
        }
    ]


def test_an_agent_turn_in_full():
    story = Story().connects().types("Hello").wait(0.3).tell(ReplyText(1, "Hi")).wait(0.2)
    story.tell(SentenceStarted(1, "Hi"), ModelFinished(1, "qwen", 100, 20, 4096)).wait(0.1)
    story.tell(ReplyAudio(1, b"\0\0", 1.0), ReplyFinished(1))
    assert story.record[1] == {
        "role": "agent",
        "message": "Hi",
        "tool_calls": [],
        "tool_results": [],
        "feedback": None,
        "time_in_call_secs": 0,
        "conversation_turn_metrics": {
            "metrics": {
                "convai_llm_service_ttfb": {"elapsed_time": 0.3},
                "convai_llm_service_ttf_sentence": {"elapsed_time": 0.5},
                "convai_tts_service_ttfb": {"elapsed_time": 0.1},
            }
        },
        "interrupted": False,
        "original_message": None,
        "agent_metadata": {"agent_id": "agent_story"},
        "source_event_id": 2,
        "producing_llm": "qwen",
        "llm_usage": {"model_usage": {"qwen": {"input": {"tokens": 100}, "output_total": {"tokens": 20}}}},
        "x_timeline": {
            "asked_secs": 0.0,
            "first_token_secs": 0.3,
            "first_sentence_secs": 0.5,
            "tts_first_byte_secs": 0.6,
            "first_audio_sent_secs": 0.6,
            "is_speculative": False,
            "latency_secs": {"end_of_turn": 0.0, "llm": 0.3, "sentence": 0.2, "tts": 0.1, "send": 0.0, "total": 0.6},
        },
    }


def test_a_turn_is_recorded_before_it_is_told():
    story = Story().connects().asks("Hello").agent_says("Hi")
    for role, kind in (("user", UserTranscript), ("agent", AgentResponse)):
        kept = next(i for i, a in enumerate(story.actions) if isinstance(a, Record) and a.turn["role"] == role)
        told = next(i for i, a in enumerate(story.actions) if isinstance(a, Send) and isinstance(a.message, kind))
        assert kept < told


def test_verbatim_words_have_no_model_and_no_model_metrics():
    turn = Story(first_message="Hello!").connects().wait(0.2).agent_says().record[0]
    assert "producing_llm" not in turn and "llm_usage" not in turn
    assert list(turn["conversation_turn_metrics"]["metrics"]) == ["convai_tts_service_ttfb"]


def test_turns_stand_in_the_order_in_which_they_began():
    story = Story(tools=[client_tool("look_up")], first_message="Hello!").connects().agent_says().wait(1)
    story.asks("Order?").agent_calls("look_up", saying="Moment").wait(1).asks("Quick").client_answers("look_up", "ok")
    story.agent_says("Here").wait(1)
    assert story.told == [
        ("agent", "Hello!"),
        ("user", "Order?"),
        ("agent", "Moment"),
        ("user", "Quick"),
        ("agent", "Here"),
    ]


def test_replies_that_were_never_heard_leave_no_empty_turns():
    story = Story().connects().types("One").types("Two").types("Three").agent_says("Yes")
    assert story.told == [("user", "One"), ("user", "Two"), ("user", "Three"), ("agent", "Yes")]


def test_a_reply_without_words_leaves_no_turn():
    story = Story().connects().types("Hello").tell(ModelFinished(1, "qwen", 10, 0, 4096), ReplyFinished(1))
    assert story.told == [("user", "Hello")]
