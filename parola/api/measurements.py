"""``/metrics`` for Prometheus: how busy this process is, what callers wait for, what came of their conversations.

It tells how many conversations there are, so it is read with an API key wherever everything else is: Prometheus sends
one as ``authorization: Bearer …``.
"""

from __future__ import annotations

import asyncio
import platform
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from fastapi import APIRouter, Response

from parola import __version__
from parola.api.services import Services, ServicesDep, needs_key
from parola.metrics import Histogram

router = APIRouter(tags=["server"])

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

MODELS = {
    "convai_asr_trailing_service_latency": ("stt", "From the user's last sound to the words of the turn."),
    "convai_llm_service_ttfb": ("llm_first_token", "From asking the language model to its first token."),
    "convai_llm_service_ttf_sentence": ("llm_first_sentence", "From asking it to its first sentence."),
    "convai_tts_service_ttfb": ("tts_first_byte", "From a reply's first sentence to its first audio."),
}
"""What models took: the record's name, ours, and what it is."""


@dataclass(frozen=True, slots=True)
class Family:
    """One metric, as it stood when it was asked for."""

    kind: str
    """``counter``, ``gauge`` or ``histogram``."""
    name: str
    help: str
    labels: tuple[str, ...] = ()
    values: list[tuple[tuple[str, ...], float | tuple[tuple[float, ...], list[int], float]]] = field(
        default_factory=list
    )
    """The labels' values, and a number or a histogram's (bounds, counts, sum)."""

    def add(self, value: float | Histogram, *labels: str) -> Family:
        taken = (value.bounds, list(value.counts), value.total) if isinstance(value, Histogram) else value
        self.values.append((labels, taken))
        return self


@router.get(
    "/metrics",
    operation_id="metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {}}, "description": "Prometheus' text format."}},
    dependencies=[needs_key],
)
async def metrics(services: ServicesDep) -> Response:
    """What this process has counted since it started, in Prometheus' text format."""
    services.metrics.webhooks_waiting = (await services.store.outbox.counts()).get("waiting", 0)
    taken = list(families(services))
    return Response(await asyncio.to_thread(_text, taken), media_type=CONTENT_TYPE)


def families(services: Services) -> Iterator[Family]:
    """Everything there is to tell, now."""
    seen, live = services.metrics, services.live
    info = Family("gauge", "parola_build_info", "Which Parola this is; always 1.", ("version", "python"))
    yield info.add(1, __version__, platform.python_version())
    yield Family("histogram", "parola_loop_lag_seconds", "By how much the event loop was late.").add(seen.loop_lag)
    voice, text = live.count_by_medium()
    alive = Family("gauge", "parola_live_conversations", "Conversations that run.", ("medium",))
    yield alive.add(voice, "voice").add(text, "text")
    yield Family("gauge", "parola_waiting_conversations", "Callers who wait for a place.").add(live.waiting)
    waited = Family("histogram", "parola_place_wait_seconds", "How long they waited who had to, whatever came of it.")
    yield waited.add(seen.waited)
    yield _counted("parola_place_waits", "What came of waiting for a place.", "outcome", seen.waiting_ended)

    queues = services.registry.queues
    depth = Family("gauge", "parola_model_queue_depth", "Pieces of work that wait for a model.", ("model",))
    running = Family("gauge", "parola_model_running", "Pieces of work that are being done.", ("model",))
    threads = Family("gauge", "parola_model_threads", "How many can be done at a time.", ("model",))
    wait = Family("histogram", "parola_model_wait_seconds", "From asking a model to its beginning.", ("model",))
    work = Family("histogram", "parola_model_work_seconds", "What a piece of work took.", ("model",))
    for name, queue in queues.items():
        depth.add(queue.depth, name)
        running.add(queue.running, name)
        threads.add(queue.threads, name)
        wait.add(queue.waited, name)
        work.add(queue.ran, name)
    yield from (depth, running, threads, wait, work)
    batches = Family("histogram", "parola_vad_batch_windows", "Windows of different calls in one run of the detector.")
    yield batches.add(seen.vad_batch)
    yield _counted("parola_turn_verdicts", "What came of asking the turn detector.", "outcome", seen.turn_verdicts())

    yield Family("counter", "parola_turns_answered", "Turns of users that were answered.").add(seen.turns_answered)
    yield Family("counter", "parola_interruptions", "Times the agent was cut off.").add(seen.interruptions)
    latency = Family("histogram", "parola_turn_latency_seconds", "From the user's last sound to the answer's first.")
    yield latency.add(seen.turn_latency)
    steps = Family("histogram", "parola_turn_step_seconds", "What each step added to the latency of a turn.", ("step",))
    for step, histogram in seen.turn_steps.items():
        steps.add(histogram, step)
    yield steps
    for recorded, (name, help) in MODELS.items():
        yield Family("histogram", f"parola_{name}_seconds", help).add(seen.services[recorded])
    calls = Family("counter", "parola_tool_calls", "Calls of tools that have a result.", ("type", "outcome"))
    for labels, count in seen.tool_calls.items():
        calls.add(count, *labels)
    tools = Family("histogram", "parola_tool_seconds", "From a call of a tool to its result.", ("type",))
    for kind, histogram in seen.tools.items():
        tools.add(histogram, kind)
    yield from (calls, tools)
    yield _counted("parola_conversations_started", "Conversations that began.", "medium", seen.started)
    ended = Family("counter", "parola_conversations_ended", "Conversations that ended.", ("status", "code", "reason"))
    for (status, code, cause), count in seen.ended.items():
        ended.add(count, status, code, cause)
    yield ended
    called = Family("gauge", "parola_waiting_for_human", "Conversations that wait for a person.")
    yield called.add(len(live.humans))
    waited = Family("histogram", "parola_human_wait_seconds", "How long they waited, whatever came of it.")
    yield waited.add(seen.human_waited)
    yield _counted("parola_human_waits", "What came of waiting for a person.", "outcome", seen.human_waits)
    lost = "Connections of clients that may come back, by what became of them."
    yield _counted("parola_connections", lost, "event", seen.connections)
    yield _counted("parola_limited", "Who was refused because of a limit.", "limit", seen.limited)

    reading = Family("gauge", "parola_conversations_processing", "Conversations that are analysed, or wait for it.")
    yield reading.add(services.after_call.waiting)
    yield _counted("parola_analyses", "Conversations that were analysed.", "outcome", services.after_call.read)

    waiting = Family("gauge", "parola_webhooks_waiting", "Webhooks that wait for their next attempt.")
    yield waiting.add(seen.webhooks_waiting)
    yield _counted("parola_webhooks_delivered", "Webhooks that arrived.", "type", seen.webhooks_delivered)
    yield _counted("parola_webhooks_failed", "Webhooks that were given up.", "reason", seen.webhooks_failed)
    circuits = Family("gauge", "parola_webhook_circuits", "Endpoints of webhooks, by their circuit.", ("state",))
    states = Counter(circuit.state(time.time()) for circuit in services.webhooks().circuits)
    for state in ("closed", "half_open", "open"):
        circuits.add(states[state], state)
    yield circuits
    failed = seen.webhook_attempts_failed
    yield _counted("parola_webhook_attempts_failed", "Attempts to deliver that failed.", "reason", failed)

    writes = Family("histogram", "parola_store_write_seconds", "What a batch of writes took the database.")
    yield writes.add(services.store.writes)
    missed = Family("counter", "parola_monitor_events_missed", "Events that watchers were too slow for.")
    yield missed.add(seen.events_missed)
    if (tracer := services.tracer) is not None:
        spans = Family("gauge", "parola_spans_waiting", "Spans that wait for the collector.")
        yield spans.add(tracer.waiting)
        yield Family("counter", "parola_spans_exported", "Spans that the collector took.").add(tracer.exported)
        yield _counted("parola_spans_dropped", "Spans that no collector will see.", "reason", tracer.dropped)


def _counted(name: str, help: str, label: str, counts: Mapping[str, int]) -> Family:
    family = Family("counter", name, help, (label,))
    for value, count in counts.items():
        family.add(count, value)
    return family


def _text(taken: list[Family]) -> bytes:
    """In a thread: the library takes a tenth of a second to import, the first time."""
    from prometheus_client import ProcessCollector
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
    from prometheus_client.exposition import generate_latest

    made = {"counter": CounterMetricFamily, "gauge": GaugeMetricFamily, "histogram": HistogramMetricFamily}

    class Collected:
        def collect(self) -> Iterator[Any]:
            for family in taken:
                metric: Any = made[family.kind](family.name, family.help, labels=family.labels)
                for labels, value in family.values:
                    if isinstance(value, tuple):
                        metric.add_metric(labels, buckets=_buckets(*value[:2]), sum_value=value[2])
                    else:
                        metric.add_metric(labels, value)
                yield metric

    # What the operating system says of this process: processor time, memory, open files.
    return generate_latest(Collected()) + generate_latest(ProcessCollector(registry=None))


def _buckets(bounds: tuple[float, ...], counts: list[int]) -> list[tuple[str, int]]:
    """Each with all below it, as Prometheus wants them."""
    total = 0
    buckets: list[tuple[str, int]] = []
    for bound, count in zip([*map(str, bounds), "+Inf"], counts, strict=True):
        total += count
        buckets.append((bound, total))
    return buckets
