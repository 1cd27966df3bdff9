"""Every field of a conversation's record: which the server fills, which are constant here, and why.

The fields are those of the official SDK's models. A call by voice, with a tool, an interruption, a judgement and an
analysis fills most of them; what one call cannot have is filled in the test that is named for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import elevenlabs.types as sdk
import pytest
from elevenlabs.client import ElevenLabs
from pydantic import BaseModel

from tests.wire.servers import END_CALL, ServerProcess, client_tool
from tests.wire.tap import Tap
from tests.wire.test_turn_taking import STORY, calling

Record = dict[str, Any]

NO_TELEPHONE = "there is no telephone network here"
NO_CREDITS = "a server of one's own bills no credits; what models cost is in llm_price and cost_fiat"
NOT_ALONE = "it is for channels of the hosted platform"
NOT_KEPT = "how an agent was edited is not kept"

CONSTANT: dict[str, str] = {
    "record.has_auxiliary_audio": "nothing is recorded beside the two sides",
    "record.otlp_traces": "only with ?format=opentelemetry",
    "metadata.cost": NO_CREDITS,
    "metadata.phone_call": NO_TELEPHONE,
    "metadata.batch_call": NO_TELEPHONE,
    "metadata.eleven_assistant": NOT_ALONE,
    "metadata.initiator_id": "callers have no accounts here",
    "metadata.async_metadata": NOT_ALONE,
    "metadata.whatsapp": NOT_ALONE,
    "metadata.sms": NO_TELEPHONE,
    "metadata.agent_created_from": NOT_KEPT,
    "metadata.agent_last_updated_from": NOT_KEPT,
    "metadata.voice_rewards": "nobody is paid for voices here",
    **{
        f"charging.{name}": NO_CREDITS
        for name in (
            *("dev_discount", "is_burst", "tier", "llm_charge", "call_charge", "platform_charge", "platform_usage"),
            *("platform_price", "free_minutes_consumed", "free_llm_dollars_consumed", "voice_surcharge_charge"),
        )
    },
    "client_data.procedure_ids": "there are no procedures here",
    "client_data.start_procedure_ids": "there are no procedures here",
    "turn.user_identifier": "one conversation has one user: user_id of the record",
    "metrics.convai_tts_cascade": "there is no cascade of voices",
    "tool_result.is_blocked": "tools are not blocked; what is not approved is an error",
}

ELSEWHERE: dict[str, str] = {
    "record.tag_ids": "parola/api/conversation_record.py",
    "record.user_id": "tests/wire/test_python_sdk.py",
    "metadata.deletion_settings": "tests/privacy/test_keeping.py",
    "metadata.warnings": "tests/wire/test_models.py",
    "metadata.text_only": "tests/wire/test_python_sdk.py",
    "metadata.cost_fiat": "tests/wire/test_after_call.py",
    "charging.llm_price": "tests/wire/test_after_call.py",
    "client_data.user_id": "tests/wire/test_python_sdk.py",
    "analysis.call_successful": "tests/wire/test_after_call.py",
    "analysis.call_success_score": "tests/wire/test_after_call.py",
    "turn.producing_llm": "tests/wire/test_models.py",
    "metadata.queue_wait_secs": "tests/wire/test_waiting.py",
    "metadata.error": "tests/wire/test_custom_llm.py",
    "metadata.rag_usage": "tests/wire/test_rag.py",
    "metadata.timezone": "tests/conversation/test_start.py",
    "metadata.conversation_initiation_source_version": "tests/wire/test_js_client.py",
    "client_data.branch_id": "tests/wire/test_personalization.py",
    "client_data.starting_workflow_node_id": "tests/wire/test_workflows.py",
    "client_data.conversation_config_override": "tests/wire/test_python_sdk.py",
    "client_data.custom_llm_extra_body": "tests/wire/test_custom_llm.py",
    "turn.multivoice_message": "tests/session/test_voices.py",
    "turn.feedback": "tests/conversation/test_typing.py",
    "turn.llm_override": "tests/wire/test_models.py",
    "turn.rag_retrieval_info": "tests/wire/test_rag.py",
    "turn.ignored_as_backchannel": "tests/wire/test_turn_taking.py",
    "turn.platform_event": "tests/wire/test_turn_taking.py",
    "turn.reasoning": "tests/wire/test_models.py",
    "turn.reasoned": "tests/wire/test_models.py",
    "turn.used_static_kb_document_ids": "tests/wire/test_rag.py",
    "turn.triggered_guardrails": "tests/conversation/test_guardrails.py",
    "turn.file_input": "tests/wire/test_custom_llm.py",
    "turn.file_inputs": "tests/wire/test_custom_llm.py",
    "turn.contextual_update_info": "tests/conversation/test_context.py",
    "agent_metadata.workflow_node_id": "tests/wire/test_workflows.py",
    "tool_call.tool_id": "tests/wire/test_webhook_tools.py",
    "tool_result.tool_id": "tests/wire/test_webhook_tools.py",
    "tool_result.is_error": "tests/wire/test_tool_calls.py",
    "tool_result.error_type": "tests/wire/test_tool_calls.py",
    "tool_result.raw_error_message": "tests/wire/test_tool_calls.py",
    "tool_result.dynamic_variable_updates": "tests/wire/test_tool_calls.py",
    "feedback.overall_score": "tests/api/test_conversations.py",
    "feedback.likes": "tests/api/test_conversations.py",
    "feedback.dislikes": "tests/api/test_conversations.py",
    "analysis.transcript_summary": "tests/wire/test_after_call.py",
    "analysis.call_summary_title": "tests/wire/test_after_call.py",
    "analysis.scoped": "tests/analysis/test_analysing.py",
}
"""Fields that the call below leaves empty, and the test that shows them filled."""


def turns(record: Record, key: str) -> list[Record]:
    found = [turn[key] for turn in record["transcript"] if turn[key]]
    return [entry for one in found for entry in (one if isinstance(one, list) else [one])]


PLACES: list[tuple[str, type[BaseModel], Callable[[Record], list[Record]]]] = [
    ("record", sdk.GetConversationResponseModel, lambda r: [r]),
    ("metadata", sdk.ConversationHistoryMetadataCommonModel, lambda r: [r["metadata"]]),
    ("deletion", sdk.ConversationDeletionSettings, lambda r: [r["metadata"]["deletion_settings"]]),
    ("feedback", sdk.ConversationHistoryFeedbackCommonModel, lambda r: [r["metadata"]["feedback"]]),
    ("charging", sdk.ConversationChargingCommonModel, lambda r: [r["metadata"]["charging"]]),
    ("client_data", sdk.ConversationInitiationClientDataRequestOutput, lambda r: [r[CLIENT_DATA]]),
    ("analysis", sdk.ConversationHistoryAnalysisCommonModel, lambda r: [r["analysis"]]),
    ("turn", sdk.ConversationHistoryTranscriptResponseModel, lambda r: list(r["transcript"])),
    ("agent_metadata", sdk.AgentMetadata, lambda r: turns(r, "agent_metadata")),
    ("metrics", sdk.ConversationTurnMetrics, lambda r: turns(r, "conversation_turn_metrics")),
    (
        "tool_call",
        sdk.ConversationHistoryTranscriptToolCallCommonModelOutput,
        lambda r: turns(r, "tool_calls"),
    ),
    (
        "tool_result",
        sdk.ConversationHistoryTranscriptOtherToolsResultCommonModel,
        lambda r: turns(r, "tool_results"),
    ),
]
CLIENT_DATA = "conversation_initiation_client_data"


@pytest.fixture(scope="module")
def record(parola: ServerProcess, tapped_once: Tap) -> Record:
    rules = [
        {"when": "bye", "say": "Goodbye.", "call": {"tool": "end_call", "arguments": {"reason": "done"}}},
        {"when": "story", "say": STORY},
        {"when": "table", "say": "One moment.", "call": {"tool": "look"}, "then": "There is {{result}}."},
    ]
    criteria = [{"id": "found", "name": "Found", "conversation_goal_prompt": "A table was found."}]
    platform = {"evaluation": {"criteria": criteria}, "data_collection": {"guests": {"type": "integer"}}}
    options = {"first_message": "Hello there.", "tools": [client_tool("look"), END_CALL], "platform": platform}
    with calling(parola, tapped_once, *rules, **options) as caller:
        caller.conversation.client_tools.register("look", lambda _: "a table at the window")
        assert caller.hears("response") == "Hello there."
        caller.says("is there a table?", after=1.5)
        assert caller.hears("response") == "One moment."
        assert caller.hears("response") == "There is a table at the window."
        caller.says("tell me a story", after=1.5)
        assert caller.hears("response") == STORY
        caller.is_spoken_to()
        caller.says("stop it now please, and bye", after=1)
        assert caller.hears("disconnect") is not None
        conversation_id = caller.call.conversation_id
    parola.ended_record(conversation_id)
    conversations = ElevenLabs(api_key="any", base_url=parola.url).conversational_ai.conversations
    parola.http.post(f"/v1/convai/conversations/{conversation_id}/feedback", json={"rating": 5, "comment": "Good"})
    analysed = conversations.analysis.run(conversation_id)
    assert analysed.analysis is not None and analysed.metadata.feedback is not None
    return parola.record(conversation_id)


@pytest.fixture(scope="module")
def tapped_once(parola: ServerProcess) -> Iterator[Tap]:
    tap = Tap(parola.port)
    yield tap
    tap.close()


def is_empty(value: Any) -> bool:
    if isinstance(value, dict):
        return all(is_empty(one) for one in value.values())
    return value in (None, "", "unknown", [], False, 0)


def fields() -> Iterator[tuple[str, str, Callable[[Record], list[Record]]]]:
    for place, model, values in PLACES:
        for name in model.model_fields:
            yield place, name, values


def test_every_field_of_the_reference_is_there_and_filled_or_constant_for_a_reason(record: Record) -> None:
    missing, empty, idle = [], [], []
    for place, name, values in fields():
        path, found = f"{place}.{name}", values(record)
        assert found, f"the call has no {place}"
        if any(name not in one for one in found) and path not in ELSEWHERE:
            missing.append(path)
            continue
        is_filled = any(not is_empty(one.get(name)) for one in found)
        if place == "deletion" or path in CONSTANT:
            if is_filled:
                idle.append(path)
        elif not is_filled and path not in ELSEWHERE:
            empty.append(path)
    assert not missing, f"not in the record: {missing}"
    assert not empty, f"neither filled nor explained: {empty}"
    assert not idle, f"said to be constant, and filled all the same: {idle}"


def test_what_is_said_of_fields_is_of_fields_that_exist_and_of_tests_that_exist() -> None:
    known = {f"{place}.{name}" for place, name, _ in fields()}
    assert not (CONSTANT.keys() | ELSEWHERE.keys()) - known
    assert not CONSTANT.keys() & ELSEWHERE.keys()
    for file in ELSEWHERE.values():
        assert (Path(__file__).parents[2] / file).is_file(), file


def test_numbers_of_the_record_agree_with_each_other(record: Record) -> None:
    transcript, metadata = record["transcript"], record["metadata"]
    assert record["has_audio"] == (record["has_user_audio"] or record["has_response_audio"]) is True
    started = metadata["start_time_unix_secs"]
    moments = [turn["created_at_unix_ms"] / 1000 - started for turn in transcript]
    assert moments == sorted(moments) and moments[0] >= 0 and moments[-1] <= metadata["call_duration_secs"] + 2
    assert len({turn["id"] for turn in transcript}) == len(transcript)
    (cut,) = [turn for turn in transcript if turn["original_message"] == STORY]
    assert cut["interrupted"] and STORY.startswith(cut["message"].removesuffix("...").strip())
    calls = {call["request_id"] for turn in transcript for call in turn["tool_calls"]}
    assert calls == {result["request_id"] for turn in transcript for result in turn["tool_results"]}
    listed = metadata["charging"]
    assert metadata["cost_fiat"] == listed["llm_price"] + listed["analysis"]["total"]["price"]
    assert metadata["main_language"] == "en"
    assert metadata["x_close"]["code"] == 1000 and metadata["x_close"]["by"] == "server"
