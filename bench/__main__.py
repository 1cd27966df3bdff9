"""``python -m bench``: measure, print the table."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import FrameType

import orjson
import uvloop

from bench import profile_embedded, profile_fakes
from bench.machine import NotRunning, describe, pin
from bench.plan import FULL, QUICK, Plan
from bench.report import Row, markdown
from bench.server import OWN_CPU

PROFILES = {"fakes": profile_fakes.measure, "embedded": profile_embedded.measure}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="What Parola costs; see docs/performance.md.")
    parser.add_argument(
        "--profile", choices=PROFILES, default="fakes", help="models behind it: fakes, or embedded speech"
    )
    parser.add_argument("--quick", action="store_true", help="about a minute; too short for a p95")
    parser.add_argument("--n", help="voice calls at once, for example 1,10,50,100,200")
    parser.add_argument("--seconds", type=float, help="how long turns begin in each voice run")
    parser.add_argument("--out", type=Path, help="append every row to this file, as JSON lines")
    return parser.parse_args()


def plan(chosen: argparse.Namespace) -> Plan:
    planned = QUICK if chosen.quick else FULL
    if chosen.n:
        counts = tuple(sorted({max(1, int(count)) for count in chosen.n.split(",")}))
        planned = replace(planned, callers=counts, embedded_callers=counts)
    if chosen.seconds:
        planned = replace(planned, seconds=chosen.seconds)
    return planned


def main() -> int:
    chosen = arguments()
    signal.signal(signal.SIGTERM, _stop)
    uvloop.install()
    pin(0, OWN_CPU)
    rows: list[Row] = []
    try:
        for row in _with_machine(PROFILES[chosen.profile](plan(chosen))):
            rows.append(row)
            line = orjson.dumps(row).decode()
            print(line, file=sys.stderr, flush=True)
            if chosen.out:
                with chosen.out.open("a", encoding="utf-8") as file:
                    file.write(line + "\n")
    except NotRunning as error:
        print(f"Parola could not be measured. {error}", file=sys.stderr)
        return 1
    print("\n" + markdown(rows))
    return 0


def _with_machine(rows: Iterator[Row]) -> Iterator[Row]:
    yield {"what": "machine", "date": time.strftime("%Y-%m-%d"), **describe()}
    for row in rows:
        yield {**row, "at": time.strftime("%H:%M:%S"), "load1": round(os.getloadavg()[0], 2)}


def _stop(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
