"""``python -m bench.listening``: play the scenarios, print the tables, write docs/listening.md's figures."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson

from bench.listening import corpus, over_socket, report
from bench.listening.scenarios import Case, Scenario, cases, read
from bench.listening.scoring import OverAgent, Row, Turn, over_agent, over_agent_row, turn, turn_row
from bench.listening.stage import Rules, Stage
from bench.listening.voices import Voices
from parola import logs

OWN = tuple(Rules(name, eagerness=name) for name in ("eager", "normal", "patient"))
FIXED = tuple(Rules(f"silence {seconds:.1f}", silence_seconds=seconds) for seconds in (0.5, 0.8))
SWEEP = tuple(
    Rules(f"silence {tenths / 10:.1f}", silence_seconds=tenths / 10) for tenths in (2, 3, 4, 5, 6, 7, 8, 10, 12)
)
CHARGED = (
    Rules("one after the other", model_seconds=0.3),
    Rules("speculative", speculates=True, model_seconds=0.3),
)
QUICK_EVERY = 5
"""A quick run plays one call in so many."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Which calls are played by which rules."""

    scenarios: Sequence[Scenario]
    quick: bool

    def rules_of(self, scenario: Scenario) -> Sequence[Rules]:
        if scenario.kind != "turn":
            return OWN[1:2]
        if "background" in scenario.options or scenario.options.get("same") == "plain":
            return (OWN[1], FIXED[1])
        return (*OWN, *(SWEEP if scenario.by == "human" and not self.quick else FIXED))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.listening", description="How well Parola listens.")
    parser.add_argument("--quick", action="store_true", help="one call in five: half a minute")
    parser.add_argument("--only", help="scenarios whose name contains this")
    parser.add_argument("--with-models", action="store_true", help="also: what speculation saves, models charged")
    parser.add_argument("--socket", action="store_true", help="also: some calls over a real socket, in real time")
    parser.add_argument("--corpus", type=Path, help="where the recordings are kept")
    parser.add_argument("--out", type=Path, help="append every row to this file, as JSON lines")
    parser.add_argument("--calls", type=Path, help="append what came of every call to this file, as JSON lines")
    parser.add_argument("--docs", type=Path, help="write the tables and the picture into this folder")
    return parser.parse_args()


def main() -> int:
    chosen = arguments()
    logs.configure("error")
    try:
        clips = corpus.load(chosen.corpus)
    except corpus.NoCorpus as problem:
        print(f"There is nothing to listen to. {problem}", file=sys.stderr)
        return 1
    agent_says, scenarios = read()
    if chosen.only:
        scenarios = [scenario for scenario in scenarios if chosen.only in scenario.name]
    plan = Plan(scenarios, chosen.quick)
    stage, voices = Stage(), Voices()
    played: dict[str, list[Case]] = {}
    for scenario in scenarios:
        listed = list(cases(scenario, agent_says, clips, voices.speak))
        played[scenario.name] = listed[::QUICK_EVERY] if chosen.quick else listed
    rows: list[Row] = []
    for row in _rows(plan, stage, played, chosen):
        rows.append(row)
        line = orjson.dumps(row).decode()
        print(line, file=sys.stderr, flush=True)
        if chosen.out:
            _append(chosen.out, line)
    print("\n" + report.text(rows))
    if chosen.docs:
        report.write(chosen.docs, rows)
    return 0


def _rows(plan: Plan, stage: Stage, played: dict[str, list[Case]], chosen: argparse.Namespace) -> Iterator[Row]:
    together: dict[tuple[str, str], list[Turn]] = {}
    for scenario in plan.scenarios:
        for rules in plan.rules_of(scenario):
            began = time.monotonic()
            listed = played[scenario.name]
            if scenario.kind == "turn":
                turns = [_turn(stage, case, rules, chosen.calls) for case in listed]
                for group in _groups(scenario):
                    together.setdefault((group, rules.name), []).extend(turns)
                yield {**_named(scenario, rules), **turn_row(turns), "took_seconds": round(time.monotonic() - began, 1)}
            else:
                over = [_over_agent(stage, case, rules, chosen.calls) for case in listed]
                yield {**_named(scenario, rules), **over_agent_row(over)}
    for (group, name), turns in together.items():
        yield {"what": "together", "group": group, "by": "human", "rules": name, **turn_row(turns)}
    if chosen.with_models:
        yield from _charged(plan, stage, played, chosen)
    if chosen.socket:
        yield from over_socket.compared(over_socket.chosen(played), stage, OWN[1])


def _groups(scenario: Scenario) -> list[str]:
    """What recorded people say is added up: whole sentences, and everything."""
    if scenario.by != "human" or "background" in scenario.options or scenario.options.get("same") == "plain":
        return []
    return ["whole sentences", "everything"] if scenario.headline else ["everything"]


def _charged(plan: Plan, stage: Stage, played: dict[str, list[Case]], chosen: argparse.Namespace) -> Iterator[Row]:
    """The same turns with answers that take as long as they took to compute."""
    stage.clock.charged = True
    for scenario in plan.scenarios:
        if scenario.kind == "turn" and scenario.headline:
            for rules in CHARGED:
                turns = [_turn(stage, case, rules, chosen.calls) for case in played[scenario.name]]
                yield {**_named(scenario, rules), "what": "charged", **turn_row(turns)}
    stage.clock.charged = False


def _named(scenario: Scenario, rules: Rules) -> Row:
    return {"what": scenario.kind, "scenario": scenario.name, "by": scenario.by, "rules": rules.name}


def _turn(stage: Stage, case: Case, rules: Rules, calls: Path | None) -> Turn:
    seen = stage.play(case.call, rules, case.voice)
    scored = turn(case, seen)
    if calls:
        heard = [[round(at, 3), words] for at, words in seen.turns]
        _append_call(calls, case, rules, {**_plain(scored), "ends_at": round(case.ends_at, 3), "turns": heard})
    return scored


def _over_agent(stage: Stage, case: Case, rules: Rules, calls: Path | None) -> OverAgent:
    seen = stage.play(case.call, rules, case.voice)
    scored = over_agent(case, seen)
    if calls:
        heard = [[round(at, 3), words] for at, words in seen.turns]
        stops = [round(at, 3) for at in seen.interruptions]
        _append_call(calls, case, rules, {**_plain(scored), "turns": heard, "interruptions": stops})
    return scored


def _plain(scored: Turn | OverAgent) -> Row:
    return {name: getattr(scored, name) for name in scored.__dataclass_fields__}


def _append_call(path: Path, case: Case, rules: Rules, row: Row) -> None:
    named = {**_named(case.scenario, rules), "call": case.name}
    _append(path, orjson.dumps({**named, **row}).decode())


def _append(path: Path, line: str) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(line + "\n")


if __name__ == "__main__":
    sys.exit(main())
