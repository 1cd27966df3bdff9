"""Tables and a picture out of the rows; they also make the measured part of docs/listening.md."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench.listening.picture import Panel, Point, drawn
from bench.listening.scoring import Row

BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
PICTURE = "listening.svg"

OWN = ("eager", "normal", "patient")
SHOWN = (*OWN, "silence 0.5", "silence 0.8")

MOST_CUT_OFF = 0.03
LEAST_SAVED = 0.25
"""The target at "normal": so few turns cut off, and answers so much sooner than after a silence of 0.8 s."""


def text(rows: Sequence[Row]) -> str:
    """Everything as Markdown tables."""
    parts = [
        _headline(rows),
        _together(rows, "everything", "Recorded people, everything they say below"),
        _turns(rows, "human", "Recorded people, call by call of the same kind: turns cut off, and median delay in ms"),
        _turns(rows, "synthetic", "Synthetic voices: turns cut off, and median delay in ms"),
        _on_the_way(rows),
        _stays(rows),
        _yields(rows),
        _charged(rows),
        _socket(rows),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def write(folder: Path, rows: Sequence[Row]) -> None:
    """Put the tables between the marks in ``listening.md``, and the picture beside it."""
    page = folder / "listening.md"
    before, _, rest = page.read_text("utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    page.write_text(f"{before}{BEGIN}\n\n{text(rows)}\n{END}{after}", encoding="utf-8")
    if picture := _picture(rows):
        (folder / PICTURE).write_text(picture, encoding="utf-8")


# -- turns ------------------------------------------------------------------------------------------------------------


def _headline(rows: Sequence[Row]) -> str:
    table = _together(rows, "whole sentences", "Recorded people, whole sentences with the pauses they made")
    found = _group(rows, "whole sentences")
    normal, fixed = found.get("normal"), found.get("silence 0.8")
    if not normal or not fixed or not fixed["decision_p50_ms"] or normal["decision_p50_ms"] is None:
        return table
    saved = 1 - normal["decision_p50_ms"] / fixed["decision_p50_ms"]
    share = normal["cut_off"] / normal["calls"]
    reached = share <= MOST_CUT_OFF and saved >= LEAST_SAVED
    return table + (
        f'\n\nTarget at "normal": at most {MOST_CUT_OFF:.0%} cut off, and a median delay at least {LEAST_SAVED:.0%} '
        f"shorter than after 0.8 s of silence. Measured: {share:.1%} and {saved:.0%}: "
        f"{'reached' if reached else 'not reached'}."
    )


def _together(rows: Sequence[Row], group: str, title: str) -> str:
    lines = [
        [
            name if name in OWN else f"{name} s",
            f"{row['cut_off']} of {row['calls']}",
            _percent(row["cut_off"], row["calls"]),
            _ms(row["decision_p50_ms"]),
            _ms(row["decision_p90_ms"]),
            str(row["unanswered"]),
        ]
        for name, row in _group(rows, group).items()
        if name in SHOWN
    ]
    return _table(title, ["rules", "cut off", "", "delay p50, ms", "p90", "no answer"], lines)


def _group(rows: Sequence[Row], group: str) -> dict[str, Row]:
    return {row["rules"]: row for row in rows if row["what"] == "together" and row["group"] == group}


def _turns(rows: Sequence[Row], by: str, title: str) -> str:
    found: dict[str, dict[str, Row]] = {}
    for row in rows:
        if row["what"] == "turn" and row["by"] == by:
            found.setdefault(row["scenario"], {})[row["rules"]] = row
    found = {name: rules for name, rules in found.items() if len(rules) > 2}
    lines = [
        [f"{name} ({next(iter(rules.values()))['calls']})", *(_cut_and_delay(rules.get(shown)) for shown in SHOWN)]
        for name, rules in found.items()
    ]
    return _table(title, ["calls", *OWN, "0.5 s", "0.8 s"], lines)


def _cut_and_delay(row: Row | None) -> str:
    return "" if row is None else f"{row['cut_off']} · {_ms(row['decision_p50_ms'])}"


def _on_the_way(rows: Sequence[Row]) -> str:
    ways = {"plain", "telephone", "white noise", "street", "late packets"}
    ways |= {"somebody else speaks", "somebody else speaks, filtered"}
    lines = [
        [
            row["scenario"],
            _percent(row["wrong_words"], row["words"]),
            f"{row['cut_off']} of {row['calls']}",
            str(row["unanswered"]),
            _ms(row["decision_p50_ms"]),
            _ms(row["decision_p90_ms"]),
        ]
        for row in rows
        if row["what"] == "turn" and row["rules"] == "normal" and row["scenario"] in ways
    ]
    titles = ["plain sentences", "words wrong", "cut off", "no answer", "delay p50, ms", "p90"]
    return _table('Recorded people over bad lines, at "normal"', titles, lines)


# -- over the agent's voice -------------------------------------------------------------------------------------------


def _stays(rows: Sequence[Row]) -> str:
    lines = [
        [
            f"{row['scenario']} ({row['by']})",
            str(row["calls"]),
            *(str(row[key]) for key in ("went_on", "resumed", "stopped", "answered")),
        ]
        for row in rows
        if row["what"] == "stay"
    ]
    titles = ["what is heard", "calls", "never stopped", "stopped, went on", "stopped for good", "answered it"]
    return _table("Over the agent's voice: it should go on", titles, lines)


def _yields(rows: Sequence[Row]) -> str:
    lines = [
        [
            f"{row['scenario']} ({row['by']})",
            str(row["calls"]),
            str(row["went_on"]),
            str(row["stopped_before"]),
            _ms(row["interruption_p50_ms"]),
            _ms(row["interruption_p95_ms"]),
        ]
        for row in rows
        if row["what"] == "yield"
    ]
    titles = ["who speaks", "calls", "missed", "had stopped before", "delay p50, ms", "p95"]
    return _table("Over the agent's voice: it should stop", titles, lines)


def _charged(rows: Sequence[Row]) -> str:
    lines = [
        [row["scenario"], row["rules"], _ms(row["reply_p50_ms"]), _ms(row["reply_p90_ms"]), str(row["cut_off"])]
        for row in rows
        if row["what"] == "charged"
    ]
    title = "From the last sound to the first audio, models charged (language model: 0.3 s to its first word)"
    return _table(title, ["calls", "rules", "p50, ms", "p90", "cut off"], lines)


def _socket(rows: Sequence[Row]) -> str:
    lines = [
        [
            row["call"],
            row["scenario"],
            row["bench_came"],
            _ms(row["bench_ms"]),
            row["socket_came"],
            _ms(row["socket_ms"]),
        ]
        for row in rows
        if row["what"] == "socket"
    ]
    titles = ["call", "scenario", "jumping clock", "ms", "real socket", "ms"]
    return _table('The same calls over a real socket, in real time, at "normal"', titles, lines)


# -- the picture ------------------------------------------------------------------------------------------------------


def _picture(rows: Sequence[Row]) -> str:
    titles = {
        "whole sentences": "whole sentences, own pauses",
        "everything": "with pauses put in and unfinished starts",
    }
    panels = []
    for group, title in titles.items():
        found = _group(rows, group)
        sweep = [name for name in found if name.startswith("silence")]
        if len(sweep) < 3:
            return ""
        curve = tuple(_point(found[name], name.removeprefix("silence ")) for name in sweep)
        own = tuple(_point(found[name], name) for name in OWN if name in found)
        panels.append(Panel(f"{title} ({found[sweep[0]]['calls']})", curve, own))
    return drawn(panels)


def _point(row: Row, name: str) -> Point:
    return Point(name, row["decision_p50_ms"] or 0, 100 * row["cut_off"] / row["calls"])


# -- tables -----------------------------------------------------------------------------------------------------------


def _table(title: str, titles: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    if not lines:
        return ""
    rows = [titles, ["---"] * len(titles), *lines]
    return f"**{title}**\n\n" + "\n".join("| " + " | ".join(row) + " |" for row in rows)


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "–"


def _ms(value: int | None) -> str:
    return "–" if value is None else str(value)
