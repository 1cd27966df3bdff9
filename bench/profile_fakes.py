"""The main profile: the server's own part, with fake models behind it. Yields one row for each measurement."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import Any

from bench import load, retrieval, speech
from bench.analysis import Event, barge_in_figures, text_figures, tool_figures, voice_figures
from bench.caller import Script
from bench.figures import Buckets, median, milliseconds, percentile, percentile_of_buckets, rounded
from bench.machine import Watch
from bench.plan import Plan
from bench.server import TEXT_AGENT, VOICE_AGENT, Running, fakes, parola, tool_agent

Row = dict[str, Any]

SETTLE_SECONDS = 2.0

ANALYSES = {"voice": voice_figures, "text": text_figures, "tool": tool_figures, "barge_in": barge_in_figures}


def measure(plan: Plan) -> Iterator[Row]:
    """Everything with fake models; rows come as soon as they are known."""
    pcm, speaker = speech.load()
    yield {"what": "speech", "speaker": speaker, "seconds": round(len(pcm) / 32000, 2)}
    with fakes() as models:
        for _ in range(plan.cold_starts - 2):
            with parola(models) as server:
                yield idle(server)
        with parola(models) as server:
            yield idle(server)
            voice, text = server.create_agent(VOICE_AGENT), server.create_agent(TEXT_AGENT)
            yield from _connects(voice, plan)
            yield _run(server, models, text, Script("text", times=plan.text_times), plan.text_callers)
            tool = server.create_agent(tool_agent(models))
            yield _run(server, models, tool, Script("tool", times=plan.text_times), plan.text_callers)
            for count in plan.callers:
                row = _run(server, models, voice, Script.spoken("voice", pcm, plan.voice_times(count)), count)
                yield row
                if row["turns"] and row["answered"] < plan.stop_when_answered * row["turns"]:
                    break
            yield _burst(server, models, voice, pcm, plan)
            script = Script.spoken("barge_in", pcm, plan.barge_in_times)
            yield _run(server, models, voice, script, plan.barge_in_callers)
        with parola(models) as server:
            yield idle(server)
            yield _kept(server, models, pcm, plan)
    yield retrieval.measure()


def idle(server: Running) -> Row:
    """A server that has just started and holds no conversation."""
    time.sleep(SETTLE_SECONDS)
    memory = server.tree.memory()
    return {
        "what": "idle",
        "cold_start_seconds": round(server.start_seconds, 2),
        "rss_mb": round(memory.rss_mb, 1),
        "threads": memory.threads,
    }


def health(outcome: load.Outcome) -> Row:
    """Whether a run can be believed."""
    opened = [call.connect_seconds for call in outcome.calls if call.connect_seconds is not None]
    return {
        "connected": outcome.connected,
        "dropped": outcome.dropped,
        "errors": outcome.errors,
        "connect_p95_ms": milliseconds(percentile(opened, 95)),
        "client_late_p99_ms": outcome.client_late_ms,
    }


def _connects(target: load.Target, plan: Plan) -> Iterator[Row]:
    """To the first message: the very first call of the process, then alone, then ten at once."""
    for count, rounds in ((1, 1), (1, plan.connect_rounds), (10, plan.connect_rounds)):
        times: list[float] = []
        failed = 0
        for _ in range(rounds):
            outcome = asyncio.run(load.connect_at_once(target, count))
            times += [seconds for seconds in outcome if seconds is not None]
            failed += outcome.count(None)
            time.sleep(0.1)
        yield {
            "what": "first_connect" if rounds == 1 else "connect",
            "at_once": count,
            "p50_ms": milliseconds(median(times)),
            "max_ms": milliseconds(max(times, default=None)),
            "failed": failed,
        }


def _run(server: Running, models: Running, target: load.Target, script: Script, count: int) -> Row:
    models.ask("/reset", {"reply": "long" if script.kind == "barge_in" else "short"})
    watch = Watch(server.tree, models.tree)
    late = server.loop_lag()
    outcome = asyncio.run(load.run(target, script, count, watch))
    server.check()
    lag = {"loop_lag_p99_ms": milliseconds(percentile_of_buckets(late, server.loop_lag(), 99))}
    log = [Event(at, kind, ref) for at, kind, ref in models.ask("/log")]
    turns = [turn for call in outcome.calls for turn in call.turns]
    time.sleep(SETTLE_SECONDS)
    return {"what": script.kind, "n": count, **ANALYSES[script.kind](turns, log), **lag, **health(outcome), **watch.row}


def _burst(server: Running, models: Running, voice: load.Target, pcm: bytes, plan: Plan) -> Row:
    """Many calls begin in one moment while others run: how late the event loop is then, and the first messages."""
    models.ask("/reset", {"reply": "short"})
    script = Script.spoken("voice", pcm, plan.burst_times)

    async def both() -> tuple[load.Outcome, list[float | None], Buckets, Buckets]:
        running = asyncio.create_task(load.run(voice, script, plan.burst_running))
        await asyncio.sleep(plan.burst_times.turns_end / 2)
        before = await asyncio.to_thread(server.loop_lag)
        opened = await load.connect_at_once(voice, plan.burst_coming)
        after = await asyncio.to_thread(server.loop_lag)
        return await running, opened, before, after

    outcome, opened, before, after = asyncio.run(both())
    server.check()
    times = [seconds for seconds in opened if seconds is not None]
    return {
        "what": "burst",
        "n": plan.burst_running,
        "at_once": plan.burst_coming,
        "loop_lag_max_ms": milliseconds(percentile_of_buckets(before, after, 100)),
        "first_message_p50_ms": milliseconds(median(times)),
        "first_message_max_ms": milliseconds(max(times, default=None)),
        "failed": opened.count(None),
        **health(outcome),
    }


def _kept(server: Running, models: Running, pcm: bytes, plan: Plan) -> Row:
    """Memory that ended calls leave behind: rounds of calls in a fresh process; the first round warms it up."""
    voice = server.create_agent(VOICE_AGENT)
    models.ask("/reset", {"reply": "short"})
    script = Script.spoken("voice", pcm, plan.kept_times)
    sizes: list[float] = []
    for _ in range(plan.kept_rounds):
        asyncio.run(load.run(voice, script, plan.kept_callers))
        server.check()
        time.sleep(SETTLE_SECONDS)
        sizes.append(server.tree.memory().rss_mb)
    ended = plan.kept_callers * (plan.kept_rounds - 1)
    return {
        "what": "kept",
        "ended_calls": ended,
        "rss_mb": [round(size, 1) for size in sizes],
        "kept_mb_per_call": rounded(max(0.0, (sizes[-1] - sizes[0]) / ended), 3),
    }
