"""``python -m soak``: four measurements, one table, and an exit code of 1 when anything was lost, wrong or seen."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time
from collections.abc import Callable

from soak import api, canaries, frames, kills

Row = tuple[str, object, object]
"""What was counted, what came out, what should have."""


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m soak", description="How reliable it is; see docs/reliability.md.")
    parser.add_argument("--only", choices=PARTS, action="append", help="one of the four; repeatable")
    parser.add_argument("--cycles", type=int, default=200, help="kills under load")
    parser.add_argument("--examples", type=int, default=500, help="requests of each operation of the API")
    parser.add_argument("--seed", type=int, default=1, help="another one: other moments")
    return parser.parse_args()


def kill(chosen: argparse.Namespace) -> tuple[list[Row], list[str]]:
    counts = asyncio.run(kills.run(chosen.cycles, seed=chosen.seed, tell=_say))
    rows: list[Row] = [
        ("kills under load", counts.kills, ""),
        ("conversations", counts.conversations, ""),
        ("of these by voice", counts.by_voice, ""),
        ("turns acknowledged", counts.acknowledged_turns, ""),
        ("requests to the receiver", counts.webhook_requests, ""),
        ("of these it failed", counts.webhook_failures, ""),
        ("webhooks that arrived", counts.webhooks_accepted, ""),
        ("arrived again, under the same event id", counts.accepted_again, ""),
        ("seconds of the drain", round(counts.drain_seconds), ""),
        ("conversations without an end", counts.without_an_end, 0),
        ("acknowledged turns lost, twice or out of order", counts.turns_lost, 0),
        ("webhooks lost, or unlike their record", counts.webhooks_lost, 0),
        ("duplicates under another event id", counts.wrong_duplicates, 0),
        ("analyses lost", counts.after_call_lost, 0),
    ]
    return rows, counts.lost


def autobahn(chosen: argparse.Namespace) -> tuple[list[Row], list[str]]:
    verdict = asyncio.run(frames.run())
    rows: list[Row] = [
        ("WebSocket cases", verdict.cases, ""),
        ("passed", verdict.passed, verdict.cases - len(verdict.upstream)),
        ("of these not as strict as the suite", verdict.not_strict, ""),
        ("done otherwise by the library below", len(verdict.upstream), ""),
    ]
    return rows, list(verdict.failed)


def requests(chosen: argparse.Namespace) -> tuple[list[Row], list[str]]:
    found = api.run(chosen.examples, processes=os.cpu_count() or 1)
    rows: list[Row] = [
        ("operations of the API", found.operations, ""),
        ("requests", found.requests, ""),
        ("of these answered with success", sum(n for status, n in found.answered.items() if status < 300), ""),
        ("operations with a server error or an undeclared answer", len(found.faults), 0),
    ]
    return rows, found.faults


def secrets(chosen: argparse.Namespace) -> tuple[list[Row], list[str]]:
    birds = asyncio.run(canaries.run())
    rows: list[Row] = [
        ("secret values", len(birds.values), ""),
        ("bytes looked through", birds.looked_at, ""),
        ("places where one was seen", len(birds.found), 0),
    ]
    return rows, birds.found


PARTS: dict[str, Callable[[argparse.Namespace], tuple[list[Row], list[str]]]] = {
    "secrets": secrets,
    "autobahn": autobahn,
    "kills": kill,
    "api": requests,
}


def main() -> int:
    chosen = arguments()
    wrong: list[str] = []
    lines = ["| what | measured | expected |", "| --- | ---: | ---: |"]
    for name in chosen.only or PARTS:
        began = time.monotonic()
        _say(f"{name} …")
        rows, faults = PARTS[name](chosen)
        wrong += faults
        wrong += [
            f"{what}: {measured}, expected {wanted}" for what, measured, wanted in rows if wanted not in ("", measured)
        ]
        lines += [f"| {what} | {measured} | {wanted} |" for what, measured, wanted in rows]
        lines.append(f"| seconds of `{name}` | {time.monotonic() - began:.0f} | |")
    print("\n".join([*lines, f"| load of the machine at the end | {os.getloadavg()[0]:.1f} | |"]))
    for line in wrong:
        print(line, file=sys.stderr)
    return 1 if wrong else 0


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
