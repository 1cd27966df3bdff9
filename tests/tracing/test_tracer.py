"""Who is traced, and how spans reach a collector that is there, or is not."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from itertools import pairwise

import orjson
import pytest
import structlog

from parola import logs
from parola.config import Settings
from parola.errors import InvalidRequest
from parola.outbound.http import Connections
from parola.tracing import tracer as tracing
from parola.tracing.context import TraceContext, current, headers, read
from parola.tracing.spans import MOST_BYTES, Span, encoded
from parola.tracing.tracer import GATHER_SECONDS, MOST_AT_ONCE, MOST_WAITING, Collector, Tracer
from tests.virtual_time import run

HERE = Settings(otlp_endpoint="http://127.0.0.1:4318")


class Somebody:
    """A collector that answers as the test says."""

    def __init__(self) -> None:
        self.batches: list[int] = []
        self.tries: list[float] = []
        self.status: int | None = 200
        """None: it cannot be reached."""
        self.answer = b"{}"
        self.retry_after: str | None = None

    async def post(self, body: bytes) -> tuple[int, bytes, str | None]:
        self.tries.append(asyncio.get_running_loop().time())
        if self.status is None:
            raise ConnectionRefusedError(111, "Connection refused")
        if self.status == 200:
            self.batches.append(len(orjson.loads(body)["resourceSpans"][0]["scopeSpans"][0]["spans"]))
        return self.status, self.answer, self.retry_after


def span(number: int = 1) -> Span:
    return Span("a" * 32, f"{number:016x}", "", "turn", 1.0, 2.0)


# -- contexts ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "header",
    [
        "",
        "nonsense",
        "00-" + "0" * 32 + "-" + "1" * 16 + "-01",
        "00-" + "1" * 32 + "-" + "0" * 16 + "-01",
        "ff-" + "1" * 32 + "-" + "1" * 16 + "-01",
        "00-" + "1" * 32 + "-" + "1" * 16 + "-01-more",
        "00-" + "A" * 32 + "-" + "1" * 16 + "-01",
    ],
)
def test_what_is_no_traceparent_is_none(header: str):
    assert read(header) is None


def test_a_traceparent_of_a_later_version_is_read_as_far_as_it_is_known():
    found = read("01-" + "1" * 32 + "-" + "2" * 16 + "-03-more")
    assert found == TraceContext("1" * 32, "2" * 16, is_sampled=True)


def test_a_clients_trace_is_taken_over_with_its_decision():
    tracer = Tracer(replace(HERE, otlp_sample_ratio=1.0), Somebody())
    for flags, is_sampled in (("01", True), ("00", False)):
        parent = read(f"00-{'1' * 32}-{'2' * 16}-{flags}")
        context = tracer.begin("conv_1", parent)
        assert (context.trace_id, context.is_sampled) == ("1" * 32, is_sampled)
        assert context.span_id == tracer.begin("conv_1").span_id, "its own span, whoever asks"


def test_the_same_conversations_are_sampled_whenever_they_are_asked_about():
    tracer = Tracer(replace(HERE, otlp_sample_ratio=0.3), Somebody())
    ids = [f"conv_{number}" for number in range(1000)]
    sampled = [one for one in ids if tracer.begin(one).is_sampled]
    assert 240 < len(sampled) < 360
    assert sampled == [one for one in ids if tracer.begin(one).is_sampled]
    none, all_ = (Tracer(replace(HERE, otlp_sample_ratio=ratio), Somebody()) for ratio in (0.0, 1.0))
    assert not any(none.begin(one).is_sampled for one in ids) and all(all_.begin(one).is_sampled for one in ids)


def test_a_stored_conversation_knows_its_trace():
    tracer = Tracer(HERE, Somebody())
    context = tracer.begin("conv_1", read(f"00-{'1' * 32}-{'2' * 16}-01"))
    assert tracer.of_record("conv_1", {"metadata": {"x_traceparent": context.traceparent}}) == context
    assert tracer.of_record("conv_1", None) == tracer.begin("conv_1")


def test_without_a_tracer_a_clients_span_is_passed_on_as_it_is():
    async def story() -> None:
        assert headers() == {}
        client = f"00-{'1' * 32}-{'2' * 16}-01"
        current.set(read(client))
        context = current.get()
        assert context is not None and context.child("tool", "1") == context
        assert headers() == {"traceparent": client}

    run(story())


# -- sending ----------------------------------------------------------------------------------------------------------


def test_spans_are_sent_together_and_at_once_when_they_are_many():
    collector = Somebody()

    async def story() -> None:
        tracer = Tracer(HERE, collector)
        tracer.start()
        for number in range(3):
            tracer.put(span(number))
        await asyncio.sleep(1.5)
        assert collector.batches == [3]
        for number in range(MOST_AT_ONCE + 1):
            tracer.put(span(number))
        await asyncio.sleep(0.1)
        assert collector.batches == [3, MOST_AT_ONCE]
        await tracer.aclose()
        assert collector.batches == [3, MOST_AT_ONCE, 1] and tracer.exported == MOST_AT_ONCE + 4

    run(story())


def test_while_nobody_collects_spans_wait_and_what_is_too_many_is_dropped_and_counted():
    collector = Somebody()
    collector.status = None

    async def story() -> None:
        tracer = Tracer(HERE, collector)
        tracer.start()
        for number in range(MOST_WAITING + 10):
            tracer.put(span(number))
        assert tracer.dropped == {"queue_full": 10}
        await asyncio.sleep(200)
        pauses = [b - a for a, b in zip(collector.tries, collector.tries[1:], strict=False)]
        assert pauses[:3] == [1, 2, 4] and max(pauses) <= 60, "it is asked less and less often"
        assert tracer.waiting == MOST_WAITING
        collector.status = 200
        await asyncio.sleep(200)
        assert tracer.waiting == 0 and tracer.exported == MOST_WAITING
        await tracer.aclose()

    run(story())


@pytest.mark.parametrize(
    ("retry_after", "pauses"),
    [
        ("20", [20, 20]),
        ("Sun, 09 Sep 2001 01:47:00 GMT", [19, 2]),
        ("100000", [300, 300]),
        ("soon", [1, 2]),
        ("Mon, 01 Jan 99999999999999999999 00:00:00 GMT", [1, 2]),
        ("0", [1, 2]),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
def test_a_collector_that_says_when_to_come_again_is_believed(status: int, retry_after: str, pauses: list[float]):
    collector = Somebody()
    collector.status, collector.retry_after = status, retry_after

    async def story() -> None:
        tracer = Tracer(HERE, collector, now=lambda: 1_000_000_000.0 + asyncio.get_running_loop().time())
        tracer.start()
        tracer.put(span())
        await asyncio.sleep(700)
        tries = collector.tries[:3]
        assert [b - a - GATHER_SECONDS for a, b in pairwise(tries)] == pauses
        collector.status = 200
        await asyncio.sleep(700)
        assert tracer.exported == 1
        await tracer.aclose()

    run(story())


def test_a_server_that_stops_does_not_wait_for_a_collector_that_is_away():
    collector = Somebody()
    collector.status = 503

    async def story() -> None:
        tracer = Tracer(HERE, collector)
        tracer.start()
        tracer.put(span())
        await asyncio.sleep(1.5)
        began = asyncio.get_running_loop().time()
        await tracer.aclose()
        assert asyncio.get_running_loop().time() - began <= 3 and tracer.dropped["unreachable"] == 1

    run(story())


@pytest.mark.parametrize(
    ("status", "answer", "refused"),
    [(400, b"no", 2), (200, b'{"partialSuccess": {"rejectedSpans": "1"}}', 1), (200, b"", 0), (200, b"[]", 0)],
)
def test_what_a_collector_refuses_is_counted_and_not_sent_again(status: int, answer: bytes, refused: int):
    collector = Somebody()
    collector.status, collector.answer = status, answer

    async def story() -> None:
        tracer = Tracer(HERE, collector)
        tracer.start()
        tracer.put(span())
        tracer.put(span(2))
        await asyncio.sleep(5)
        assert (tracer.dropped["refused"], tracer.exported, len(collector.tries)) == (refused, 2 - refused, 1)
        await tracer.aclose()

    run(story())


def test_an_answer_that_nobody_foresaw_costs_its_spans_and_no_others(monkeypatch: pytest.MonkeyPatch):
    collector = Somebody()

    def broken(answer: bytes) -> int:
        raise LookupError("nobody foresaw this")

    async def story() -> None:
        tracer = Tracer(HERE, collector)
        tracer.start()
        with monkeypatch.context() as patched, structlog.testing.capture_logs() as said:
            patched.setattr(tracing, "_rejected", broken)
            tracer.put(span(1))
            await asyncio.sleep(2)
        assert [line["event"] for line in said] == ["spans_not_sent"] and tracer.dropped["unforeseen"] == 1
        tracer.put(span(2))
        await asyncio.sleep(5)
        assert (tracer.exported, tracer.waiting, len(collector.tries)) == (1, 0, 2)
        await tracer.aclose()

    logs.load()
    run(story())


def test_one_span_that_cannot_be_written_holds_up_no_other():
    collector = Somebody()

    async def story() -> None:
        tracer = Tracer(HERE, collector)
        tracer.start()
        tracer.put(replace(span(1), name="invoke_agent \ud800", attributes={"text": "\udfff"}))
        tracer.put(replace(span(2), attributes={"key": {(1, 2): "no JSON"}}))
        tracer.put(replace(span(3), start=float("nan")))
        await asyncio.sleep(5)
        assert collector.batches == [1] and tracer.waiting == 0
        assert (tracer.exported, tracer.dropped["refused"]) == (1, 2)
        await tracer.aclose()

    run(story())


def test_what_waits_for_a_collector_takes_no_more_room_than_what_it_will_be_told():
    tracer = Tracer(HERE, Somebody())
    long = replace(span(), attributes={"parola.user.text": "x" * 10_000_000, "number": 1})
    tracer.put(long)
    assert long.attributes == {"parola.user.text": "x" * MOST_BYTES, "number": 1}
    (told, _) = encoded(long)["attributes"]
    assert len(told["value"]["stringValue"].encode()) == MOST_BYTES


def test_a_span_is_told_as_otlp_has_it():
    told = encoded(
        Span(
            *("1" * 32, "2" * 16, "3" * 16, "stt", 1.0015, 0.5),
            {"a": 1, "b": True, "c": 0.5, "d": "x", "e": None, "f": [1]},
            error="timeout",
            events=[("first", 1.25)],
        )
    )
    assert (told["traceId"], told["spanId"], told["parentSpanId"]) == ("1" * 32, "2" * 16, "3" * 16)
    assert told["startTimeUnixNano"] == told["endTimeUnixNano"] == "1002000000", "no span ends before it begins"
    assert told["attributes"] == [
        {"key": "a", "value": {"intValue": "1"}},
        {"key": "b", "value": {"boolValue": True}},
        {"key": "c", "value": {"doubleValue": 0.5}},
        {"key": "d", "value": {"stringValue": "x"}},
        {"key": "f", "value": {"stringValue": "[1]"}},
    ]
    assert told["status"] == {"code": 2, "message": "timeout"}
    assert told["events"] == [{"name": "first", "timeUnixNano": "1250000000"}]


# -- settings ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"otlp_endpoint": "collector:4317"}, "expected the http:// or https:// address"),
        ({"otlp_headers": ("secret-alone",)}, "expected name=value, got 12 characters"),
        ({"otlp_endpoint": "https://otel.example.com", "egress": "none"}, "egress is none"),
    ],
)
def test_a_collector_that_cannot_be_meant_is_an_error_at_the_start(changes: dict[str, object], problem: str):
    with pytest.raises(InvalidRequest, match=problem) as raised:
        Collector(replace(HERE, **changes), Connections)  # type: ignore[arg-type]
    assert "secret" not in str(raised.value)


def test_without_egress_a_collector_on_this_machine_is_fine():
    Collector(replace(HERE, egress="none"), Connections)
