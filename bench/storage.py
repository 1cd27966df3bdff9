"""What it costs to store a turn, on SQLite and on PostgreSQL: ``python -m bench.storage [DATABASE_URL]``.

In this process, through the store that the server uses: one call alone, and fifty that each add a turn at the same
moment. Both databases take turns, round by round, so that a busy machine is unfair to both alike. Without an address a
PostgreSQL is started on this machine, with the settings it comes with: every commit is on the disk before it counts.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from bench.figures import percentile
from parola.store.base import ConversationChange, ConversationRow
from parola.store.sql import SqlStore

ROUNDS = 20
TURNS_A_ROUND = 50
CALLS = 50
WORDS = "I would like to know whether you have a table for four people tomorrow evening at about eight o'clock. " * 2


async def measure(folder: Path, database_url: str) -> dict[tuple[str, int], list[float]]:
    """Seconds from asking to being durable, of every turn; by database and calls at a time."""
    stores = {"SQLite": SqlStore(folder / "sqlite"), "PostgreSQL": SqlStore(folder / "postgres", database_url)}
    calls = [f"conv_bench_{number}" for number in range(CALLS)]
    for store in stores.values():
        await store.open()
        for call in calls:
            await store.conversations.create(ConversationRow(call, "agent_bench", "in-progress", 1.0, {}))
    times: dict[tuple[str, int], list[float]] = {(name, number): [] for name in stores for number in (1, CALLS)}
    for round_ in range(-1, ROUNDS):  # the first one is not counted
        for name, store in stores.items():
            first = (round_ + 1) * TURNS_A_ROUND
            alone = [await _timed(store, calls[0], first + number) for number in range(TURNS_A_ROUND)]
            together = await asyncio.gather(*(_timed(store, call, CALLS * TURNS_A_ROUND + first) for call in calls))
            if round_ >= 0:
                times[name, 1] += alone
                times[name, CALLS] += together
    for store in stores.values():
        for call in calls:
            await store.conversations.delete(call)
        await store.aclose()
    return times


async def _timed(store: SqlStore, call: str, position: int) -> float:
    turn = {"role": "user", "message": WORDS, "time_in_call_secs": position, "tool_calls": [], "tool_results": []}
    began_at = time.perf_counter()
    await store.conversations.write(call, ConversationChange(turns={position: turn}))
    return time.perf_counter() - began_at


def report(times: dict[tuple[str, int], list[float]]) -> str:
    lines = [
        "| turns at a time | SQLite p50 / p95 | PostgreSQL p50 / p95 | ratio p50 / p95 |",
        "| --- | --- | --- | --- |",
    ]
    for number in (1, CALLS):
        (a50, a95), (b50, b95) = (_shares(times[name, number]) for name in ("SQLite", "PostgreSQL"))
        figures = f"{a50:.1f} / {a95:.1f} ms | {b50:.1f} / {b95:.1f} ms | {b50 / a50:.1f} / {b95 / a95:.1f}"
        lines.append(f"| {number} | {figures} |")
    return "\n".join(lines)


def _shares(seconds: list[float]) -> tuple[float, float]:
    """Median and p95, in milliseconds."""
    return 1000 * (percentile(seconds, 50) or 0.0), 1000 * (percentile(seconds, 95) or 0.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("database_url", nargs="?", help="a PostgreSQL that may be written to; else one is started")
    chosen = parser.parse_args()
    with ExitStack() as belongings:
        folder = Path(belongings.enter_context(tempfile.TemporaryDirectory()))
        url = chosen.database_url
        if url is None:
            from tests.postgres import running

            url = belongings.enter_context(running(settings=())).url()
        print(report(asyncio.run(measure(folder, url))))


if __name__ == "__main__":
    main()
