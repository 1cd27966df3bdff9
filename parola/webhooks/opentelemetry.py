"""A conversation's record as OpenTelemetry traces (reference: webhooks.md §2.2): record in, ``resourceSpans`` out.

One root span is the conversation; below it lies one span for each turn, and below those of the agent one for each tool
call. Ids follow from the conversation's id, so that a record that is exported twice is one trace. Times are as exact
as the record knows them: ``x_timeline`` where a turn has it, else whole seconds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from parola.tracing import spans as otlp
from parola.tracing.context import span_id as _id
from parola.tracing.context import trace_id
from parola.tracing.spans import attributes as _attributes

SERVICE = "elevenlabs-convai"
MOST_BYTES = otlp.MOST_BYTES
SCOPE = {"name": "elevenlabs.convai", "version": "1.0.0"}

Span = dict[str, Any]


def resource_spans(record: Mapping[str, Any], *, source: str) -> list[dict[str, Any]]:
    """The ``resourceSpans`` of a conversation record (``GetConversationResponse``, whole or as far as it has come).
    ``source`` says which way it goes out: ``post_call_webhook`` or ``api``."""
    conversation_id = str(record["conversation_id"])
    resource = {"service.name": SERVICE, "elevenlabs.conversation_id": conversation_id}
    return [
        {
            "resource": {"attributes": _attributes(resource)},
            "scopeSpans": [{"scope": SCOPE, "spans": list(_spans(record, conversation_id, source))}],
        }
    ]


def _spans(record: Mapping[str, Any], conversation_id: str, source: str) -> Iterator[Span]:
    metadata: Mapping[str, Any] = record.get("metadata") or {}
    zero = float(metadata.get("start_time_unix_secs") or 0)
    length = float(metadata.get("call_duration_secs") or 0)
    root = _id(conversation_id)
    ended_badly = record.get("status") == "failed"
    reason = str(metadata.get("termination_reason") or "")
    turns = [_turn(turn, position, conversation_id, zero) for position, turn in enumerate(record.get("transcript", ()))]
    latest = max([zero + length, *(end for _, end in turns)])
    yield _span(
        conversation_id,
        "elevenlabs.conversation",
        root,
        "",
        (zero, latest),
        _of_conversation(record, metadata, source) | {"elevenlabs.session.duration_ms": round(length * 1000)},
        kind=otlp.SERVER,
        error=reason or "failed" if ended_badly else None,
    )
    for spans, _ in turns:
        yield from spans


def _of_conversation(record: Mapping[str, Any], metadata: Mapping[str, Any], source: str) -> dict[str, Any]:
    analysis: Mapping[str, Any] = record.get("analysis") or {}
    phone: Mapping[str, Any] = metadata.get("phone_call") or {}
    started_with: Mapping[str, Any] = record.get("conversation_initiation_client_data") or {}
    error: Mapping[str, Any] = metadata.get("error") or {}
    attributes: dict[str, Any] = {
        "elevenlabs.source": source,
        "elevenlabs.conversation_id": record["conversation_id"],
        "elevenlabs.agent_id": record.get("agent_id"),
        "elevenlabs.agent_name": record.get("agent_name"),
        "elevenlabs.branch_id": record.get("branch_id"),
        "elevenlabs.environment": record.get("environment"),
        "elevenlabs.status": record.get("status"),
        "elevenlabs.user_id": record.get("user_id"),
        "elevenlabs.termination_reason": metadata.get("termination_reason") or None,
        "elevenlabs.error.code": error.get("code"),
        "elevenlabs.error.reason": error.get("reason"),
        "elevenlabs.main_language": metadata.get("main_language"),
        "elevenlabs.text_only": metadata.get("text_only"),
        "elevenlabs.telephony.external_number": phone.get("external_number"),
        "elevenlabs.analysis.call_successful": analysis.get("call_successful"),
        "elevenlabs.analysis.transcript_summary": analysis.get("transcript_summary"),
        "elevenlabs.analysis.call_summary_title": analysis.get("call_summary_title"),
    }
    for name, result in (analysis.get("data_collection_results") or {}).items():
        attributes[f"elevenlabs.analysis.data_collection_results.{name}"] = result.get("value")
    for name, result in (analysis.get("evaluation_criteria_results") or {}).items():
        attributes[f"elevenlabs.analysis.evaluation_criteria_results.{name}"] = result.get("result")
    for name, value in (started_with.get("dynamic_variables") or {}).items():
        attributes[f"elevenlabs.dynamic_variable.{name}"] = value
    return attributes


def _turn(turn: Mapping[str, Any], position: int, conversation_id: str, zero: float) -> tuple[list[Span], float]:
    """The spans of a turn, and its end."""
    start, end = (zero + seconds for seconds in _extent(turn))
    by_agent = turn.get("role") == "agent"
    span_id = _id(conversation_id, "turn", position)
    spans: list[Span] = []
    if by_agent:
        results = {result.get("request_id"): result for result in turn.get("tool_results") or ()}
        for call in turn.get("tool_calls") or ():
            result = results.get(call.get("request_id"))
            took = float(result.get("tool_latency_secs") or 0) if result else 0.0
            end = max(end, start + took)
            spans.append(_tool(call, result, conversation_id, span_id, (start, start + took)))
    name = "elevenlabs.recv.agent_response" if by_agent else "elevenlabs.recv.user_transcript"
    attributes = _of_turn(turn, by_agent=by_agent)
    own = _span(conversation_id, name, span_id, _id(conversation_id), (start, end), attributes)
    return [own, *spans], end


def _extent(turn: Mapping[str, Any]) -> tuple[float, float]:
    """From when to when, in seconds of the conversation."""
    timeline: Mapping[str, Any] = turn.get("x_timeline") or {}
    points = [value for name, value in timeline.items() if name.endswith("_secs") and isinstance(value, int | float)]
    start = min(points, default=float(turn.get("time_in_call_secs") or 0))
    return start, max(points, default=start)


def _of_turn(turn: Mapping[str, Any], *, by_agent: bool) -> dict[str, Any]:
    who = "agent" if by_agent else "user"
    attributes: dict[str, Any] = {
        f"elevenlabs.{who}.text": turn.get("message"),
        "elevenlabs.event_id": turn.get("source_event_id"),
        "elevenlabs.source_medium": turn.get("source_medium"),
        "elevenlabs.platform_event": turn.get("platform_event"),
        "elevenlabs.interrupted": turn.get("interrupted") or None,
        "elevenlabs.original_text": turn.get("original_message"),
        "elevenlabs.llm": turn.get("producing_llm"),
    }
    metrics: Mapping[str, Any] = (turn.get("conversation_turn_metrics") or {}).get("metrics") or {}
    for name, metric in metrics.items():
        attributes[f"elevenlabs.metrics.{name}"] = metric.get("elapsed_time")
    for model, usage in ((turn.get("llm_usage") or {}).get("model_usage") or {}).items():
        for kind, amount in usage.items():
            attributes[f"elevenlabs.llm_usage.{model}.{kind}"] = amount.get("tokens")
    return attributes


def _tool(
    call: Mapping[str, Any],
    result: Mapping[str, Any] | None,
    conversation_id: str,
    parent: str,
    extent: tuple[float, float],
) -> Span:
    attributes: dict[str, Any] = {
        "elevenlabs.tool.name": call.get("tool_name"),
        "elevenlabs.tool.type": call.get("type"),
        "elevenlabs.tool.call_id": call.get("request_id"),
        "elevenlabs.tool.parameters": call.get("params_as_json"),
    }
    error = None
    if result is not None:
        attributes["elevenlabs.tool.result"] = result.get("result_value")
        attributes["elevenlabs.tool.is_error"] = bool(result.get("is_error"))
        if result.get("is_error"):
            error = str(result.get("raw_error_message") or result.get("error_type") or "failed")
    name = f"elevenlabs.tool.{call.get('tool_name')}"
    span_id = _id(conversation_id, "tool", call.get("request_id"))
    return _span(conversation_id, name, span_id, parent, extent, attributes, error=error)


# -- the format -------------------------------------------------------------------------------------------------------


def _span(
    conversation_id: str,
    name: str,
    span_id: str,
    parent: str,
    extent: tuple[float, float],
    attributes: Mapping[str, Any],
    *,
    kind: int = otlp.INTERNAL,
    error: str | None = None,
) -> Span:
    return otlp.encoded(
        otlp.Span(trace_id(conversation_id), span_id, parent, name, *extent, attributes, kind=kind, error=error)
    )
