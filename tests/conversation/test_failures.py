"""Every failure ends with an error frame, a code and a reason a person understands (reference: websocket.md §6)."""

import pytest

from parola.conversation.actions import Close
from parola.conversation.events import (
    EndRequested,
    InputStalled,
    InvalidMessageReceived,
    ListeningFailed,
    ReplyFailed,
    ReplyText,
)
from parola.protocol.server_messages import AgentResponseCorrection, AgentToolResponseFullPayload, Error
from tests.story import Story, client_tool, server_tool

EVERY = ("mcp_tool_call", "agent_tool_request", "agent_tool_response", "agent_tool_response_full_payload")


REFUSED = "https://models.example/v1/chat/completions answered 401: Incorrect API key provided: sk-abc."


def failure(code: int, error_type: str, message: str) -> list[Error]:
    return [Error(code=code, error_type=error_type, message=message, reason=message)]


def closed(code: int, message: str, told: str | None = None) -> Close:
    error = {"code": code, "reason": message}
    return Close(code, told or message, "failed", termination_reason=message, error=error)


@pytest.mark.parametrize(
    ("error_type", "told"),
    [
        ("llm_error", "The language model failed."),
        ("custom_llm_error", "The agent's own language model failed."),
        ("cascade_brain_error", "No language model could answer."),
        ("tts_cascade_error", "The agent's voice failed."),
    ],
)
def test_a_provider_that_fails_ends_the_call_and_only_the_record_has_its_words(error_type: str, told: str):
    story = Story().connects().asks("Hello").tell(ReplyFailed(1, error_type, REFUSED))
    assert story.latest == failure(1002, error_type, told)
    assert story.close == closed(1002, REFUSED, told)
    assert not story.stopped_reply(1), "there is nothing left to stop"


@pytest.mark.parametrize("kind", ["webhook", "mcp"])
def test_what_a_tool_could_not_be_reached_by_is_not_told_to_the_client(kind: str):
    tool = server_tool("look_up", kind=kind, tool_error_handling_mode="passthrough", approval_policy="auto_approve_all")
    story = Story(tools=[tool], client_events=[*EVERY]).connects().asks("Order?").agent_calls("look_up")
    problem = "https://crm.internal/v1?key=sk-abc cannot be reached."
    story.tool_finishes("look_up", problem, is_error=True, error_type="external_server", raw_error=problem)
    assert "crm.internal" not in repr(story.sent)
    assert story.sent_of(AgentToolResponseFullPayload)[0].full_tool_result == "The tool failed."
    assert story.tool_results == {"look_up": f"Error: {problem}"}, "the owner lets the model read it"
    assert story.record[1]["tool_results"][0]["raw_error_message"] == problem


def test_a_voice_that_fails_in_mid_speech_leaves_what_was_heard():
    story = Story().connects().asks("Tell me").agent_begins_to_say("Once upon a time. ", seconds=1.5).wait(0.8)
    story.tell(ReplyFailed(1, "tts_cascade_error", "It broke."))
    assert story.record[1]["message"] == "Once upon..." and story.close.code == 1002
    assert [type(m) for m in story.latest][-2:] == [AgentResponseCorrection, Error]


def test_a_model_that_says_nothing_for_20_seconds_ends_the_call():
    story = Story().connects().asks("Hello").wait(19.9)
    assert story.close is None
    story.wait(0.1)
    assert story.latest == failure(1002, "llm_timeout", "The language model said nothing for 20 s.")
    assert story.stopped_reply(1)


def test_the_first_token_is_soon_enough():
    assert Story().connects().asks("Hello").wait(19).tell(ReplyText(1, "Hi")).wait(60).close is None


def test_a_reply_that_was_cut_no_longer_counts():
    story = Story(turn_timeout_seconds=-1).connects().asks("Hello").begins_to_speak().wait(60)
    assert story.close is None


def test_three_failed_transcriptions_in_a_row_end_the_call():
    story = Story(turn_timeout_seconds=-1).connects()
    for _ in range(2):
        story.begins_to_speak().wait(1).falls_silent().tell(ListeningFailed("no model")).wait(0.5)
    assert story.close is None
    story.begins_to_speak().wait(1).falls_silent().tell(ListeningFailed("no model"))
    told = "What was said could not be transcribed."
    assert story.latest == failure(1002, "asr_transcription_error", told)
    assert story.close == closed(1002, "no model", told)


def test_a_good_transcription_makes_up_for_bad_ones():
    story = Story(turn_timeout_seconds=-1).connects().tell(ListeningFailed("a"), ListeningFailed("b"))
    story.asks("Hello").tell(ListeningFailed("c"), ListeningFailed("d"))
    assert story.close is None


def test_a_message_that_cannot_be_read_ends_the_call():
    story = Story().connects().tell(InvalidMessageReceived("missing_fields", 'pong: "event_id" is missing.'))
    assert story.latest == failure(1008, "missing_fields", 'pong: "event_id" is missing.')
    assert story.close == closed(1008, 'pong: "event_id" is missing.')


def test_a_client_from_which_nothing_comes_is_let_go():
    story = Story().connects().tell(InputStalled(60.0))
    assert story.latest == failure(1002, "transport_receive_timeout", "Nothing came from the client for 60 s.")
    assert story.close.code == 1002


def test_a_long_reason_is_cut_to_fit_the_close_frame_and_told_whole_before_it():
    story = Story().connects().tell(InvalidMessageReceived("invalid_message", "é" * 200))
    assert len(story.close.reason.encode()) <= 123 and story.close.reason.endswith("é...")
    assert story.latest[0].message == "é" * 200 == story.close.termination_reason


def test_what_the_user_had_said_is_kept_when_the_call_fails():
    story = Story().connects().begins_to_speak().wait(1).falls_silent("Hello").tell(InputStalled(60))
    assert story.told == [("user", "Hello")]


def test_tools_that_still_ran_have_a_result_in_the_record():
    story = (
        Story(tools=[client_tool("look_up")]).connects().asks("Order?").agent_calls("look_up").tell(InputStalled(60))
    )
    assert story.record[1]["tool_results"][0]["error_type"] == "not_answered"


def test_somebody_else_can_end_the_conversation():
    story = Story().connects().tell(EndRequested("The operator ended the call"))
    assert story.close == Close(1000, "The operator ended the call", termination_reason="The operator ended the call")
    assert story.latest == []


def test_an_end_that_is_a_failure_is_recorded_as_one():
    story = Story().connects().tell(EndRequested("The conversation could not be stored", 1011))
    assert story.close == closed(1011, "The conversation could not be stored")


def test_an_end_on_request_leaves_what_was_heard():
    story = Story().connects().asks("Read").agent_says("soup, fish, bread, cake", seconds=4).wait(2)
    story.tell(EndRequested("enough"))
    assert story.record[1]["message"] == "soup, fish..."
