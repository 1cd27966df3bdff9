"""A record becomes a trace: one root, turns below it, tools below the turns of the agent."""

from __future__ import annotations

from typing import Any

from parola.webhooks.opentelemetry import MOST_BYTES, resource_spans

RECORD: dict[str, Any] = {
    "conversation_id": "conv_1",
    "agent_id": "agent_1",
    "status": "done",
    "user_id": None,
    "metadata": {"start_time_unix_secs": 1_760_000_000, "call_duration_secs": 41, "termination_reason": "end_call"},
    "analysis": {
        "call_successful": "success",
        "transcript_summary": "A table was booked.",
        "data_collection_results": {"guests": {"value": 4}},
    },
    "conversation_initiation_client_data": {"dynamic_variables": {"shop": "north"}},
    "transcript": [
        {
            "role": "user",
            "message": "A table for four",
            "time_in_call_secs": 3,
            "x_timeline": {"speech_started_secs": 3.25, "speech_stopped_secs": 4.5, "closed_secs": 4.9},
        },
        {
            "role": "agent",
            "message": "One moment.",
            "time_in_call_secs": 5,
            "tool_calls": [{"request_id": "c1", "tool_name": "book", "type": "webhook", "params_as_json": "{}"}],
            "tool_results": [
                {"request_id": "c1", "result_value": "no", "is_error": True, "tool_latency_secs": 1.5}
            ],
            "conversation_turn_metrics": {"metrics": {"convai_llm_service_ttfb": {"elapsed_time": 0.25}}},
        },
    ],
}  # fmt: skip


def spans_of(record: dict[str, Any]) -> list[dict[str, Any]]:
    [resource] = resource_spans(record, source="post_call_webhook")
    [scope] = resource["scopeSpans"]
    assert scope["scope"] == {"name": "elevenlabs.convai", "version": "1.0.0"}
    spans: list[dict[str, Any]] = scope["spans"]
    return spans


def said(span: dict[str, Any]) -> dict[str, Any]:
    return {entry["key"]: next(iter(entry["value"].values())) for entry in span["attributes"]}


def test_the_conversation_is_the_root_turns_are_its_children_and_tools_are_theirs() -> None:
    root, user, agent, tool = spans_of(RECORD)
    assert [s["name"] for s in (root, user, agent, tool)] == [
        "elevenlabs.conversation",
        "elevenlabs.recv.user_transcript",
        "elevenlabs.recv.agent_response",
        "elevenlabs.tool.book",
    ]
    assert len({s["traceId"] for s in (root, user, agent, tool)}) == 1 and len(root["traceId"]) == 32
    assert len({s["spanId"] for s in (root, user, agent, tool)}) == 4 and len(root["spanId"]) == 16
    assert "parentSpanId" not in root
    assert user["parentSpanId"] == agent["parentSpanId"] == root["spanId"] and tool["parentSpanId"] == agent["spanId"]
    assert (user["startTimeUnixNano"], user["endTimeUnixNano"]) == ("1760000003250000000", "1760000004900000000")
    assert (tool["startTimeUnixNano"], tool["endTimeUnixNano"]) == ("1760000005000000000", "1760000006500000000")
    assert root["endTimeUnixNano"] == "1760000041000000000"
    assert (root["status"]["code"], tool["status"]["code"]) == (1, 2)


def test_attributes_have_the_names_that_collectors_know() -> None:
    root, user, agent, _ = spans_of(RECORD)
    about = said(root)
    assert about["elevenlabs.source"] == "post_call_webhook" and about["elevenlabs.session.duration_ms"] == "41000"
    assert about["elevenlabs.analysis.transcript_summary"] == "A table was booked."
    assert about["elevenlabs.analysis.data_collection_results.guests"] == "4"
    assert about["elevenlabs.dynamic_variable.shop"] == "north" and "elevenlabs.user_id" not in about
    assert said(user)["elevenlabs.user.text"] == "A table for four"
    assert said(agent)["elevenlabs.metrics.convai_llm_service_ttfb"] == 0.25


def test_a_failure_is_an_error_and_long_texts_are_cut_between_characters() -> None:
    long = {"role": "user", "message": "ä" * MOST_BYTES, "time_in_call_secs": 0}
    failed = {**RECORD, "status": "failed", "transcript": [long]}
    root, user = spans_of(failed)
    assert root["status"] == {"code": 2, "message": "end_call"}
    assert said(user)["elevenlabs.user.text"] == "ä" * (MOST_BYTES // 2)


def test_the_same_record_is_the_same_trace() -> None:
    assert spans_of(RECORD) == spans_of(RECORD)
    assert spans_of({**RECORD, "conversation_id": "conv_2"})[0]["traceId"] != spans_of(RECORD)[0]["traceId"]
