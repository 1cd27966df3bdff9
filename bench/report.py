"""The table: what others cost, what Parola should reach, what it did in this run."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import Any

from bench import targets
from bench.figures import median
from bench.targets import Target

Row = dict[str, Any]

ALONE_FACTOR = 1.2
KNEE_FACTOR = 2.0


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table."""

    name: str
    pipecat: str
    livekit: str
    floor: str
    target: str
    own: str
    verdict: str
    """``reached``, ``gap`` or ``not measured``."""


def table(rows: list[Row]) -> list[Line]:
    """Every target beside what was measured."""
    voice = sorted(_all(rows, "voice"), key=lambda row: int(row["n"]))
    alone = voice[0] if voice else {}
    barge_in, text, kept = _first(rows, "barge_in"), _first(rows, "text"), _first(rows, "kept")
    retrieval, tool = _first(rows, "retrieval"), _first(rows, "tool")
    connect = {row["at_once"]: row["p50_ms"] for row in _all(rows, "connect")}
    idle = _all(rows, "idle")
    return [
        _line(targets.CPU, slope(voice, "cpu_percent")),
        _capacity_line(voice),
        _knee_line(voice),
        _line(targets.MEMORY, slope(voice, "rss_mb")),
        _line(targets.KEPT, kept.get("kept_mb_per_call")),
        _line(targets.BARGE_IN, barge_in.get("interruption_p50_ms"), barge_in.get("interruption_p95_ms")),
        _line(targets.CONNECT, connect.get(1), connect.get(10)),
        _line(targets.TEXT, text.get("text_added_p50_ms")),
        _line(targets.SENTENCE, alone.get("sentence_to_tts_p50_ms")),
        _line(targets.AUDIO, alone.get("tts_to_client_p50_ms")),
        _lag_line(voice),
        _line(targets.TOOL, tool.get("tool_added_p50_ms")),
        _line(targets.RETRIEVAL, retrieval.get("search_p50_ms"), retrieval.get("search_p95_ms")),
        _line(
            targets.START,
            median(row["cold_start_seconds"] for row in idle),
            max((row["rss_mb"] for row in idle), default=None),
        ),
    ]


def _line(target: Target, *own: float | None) -> Line:
    shown = " / ".join("–" if value is None else f"{value:.{target.digits}f}" for value in own)
    known = [value for value in own if value is not None]
    if len(known) < len(own):
        verdict = "not measured"
    else:
        verdict = "reached" if all(value <= limit for value, limit in zip(known, target.limits, strict=True)) else "gap"
    return _with(target, shown, verdict)


def _with(target: Target, own: str, verdict: str) -> Line:
    return Line(target.name, target.pipecat, target.livekit, target.floor, target.text, own, verdict)


def _capacity_line(voice: list[Row]) -> Line:
    reached = capacity(voice)
    if reached is None:
        return _with(targets.CAPACITY, "–", "not measured")
    most, wanted = int(voice[-1]["n"]), targets.CAPACITY.limits[0]
    verdict = "reached" if reached >= wanted else "not measured" if reached == most else "gap"
    return _with(targets.CAPACITY, f"≥ {most}" if reached == most else str(reached), verdict)


def _knee_line(voice: list[Row]) -> Line:
    if not voice:
        return _with(targets.KNEE, "–", "not measured")
    knee, most, wanted = first_knee(voice), int(voice[-1]["n"]), targets.KNEE.limits[0]
    if knee is not None:
        return _with(targets.KNEE, f"≤ {knee}", "gap" if knee <= wanted else "reached")
    return _with(targets.KNEE, f"> {most}", "reached" if most >= wanted else "not measured")


def _lag_line(voice: list[Row]) -> Line:
    """Of the largest run; fewer than 100 conversations prove nothing, unless it is too late with them already."""
    row = voice[-1] if voice else {}
    lag, limit = row.get("loop_lag_p99_ms"), targets.LAG.limits[0]
    if lag is None:
        return _with(targets.LAG, "–", "not measured")
    verdict = "gap" if lag > limit else "reached" if row["n"] >= 100 else "not measured"
    return _with(targets.LAG, f"{lag:.1f} with {row['n']}", verdict)


def _all(rows: list[Row], what: str) -> list[Row]:
    return [row for row in rows if row["what"] == what]


def _answered(row: Row) -> str:
    return f"{row['answered']}/{row['turns']}"


def _first(rows: list[Row], what: str) -> Row:
    return next((row for row in rows if row["what"] == what), {})


def _lost(row: Row) -> bool:
    return bool(row["answered"] < row["turns"] or row["connected"] < row["n"] or row["dropped"])


def slope(voice: list[Row], key: str) -> float | None:
    """What one more conversation costs: between the smallest run and the largest before the knee."""
    knee = first_knee(voice)
    good = [row for row in voice if key in row and (knee is None or row["n"] < knee)]
    if len(good) < 2:
        return None
    low, high = good[0], good[-1]
    return float((high[key] - low[key]) / (high["n"] - low["n"]))


def capacity(voice: list[Row]) -> int | None:
    """The largest number of conversations up to which none waits much longer than one alone would."""
    if not voice or voice[0]["n"] != 1 or voice[0]["added_p95_ms"] is None:
        return None
    limit = ALONE_FACTOR * voice[0]["added_p95_ms"]
    best = 0
    for row in voice:
        if _lost(row) or row["added_p95_ms"] is None or row["added_p95_ms"] > limit:
            break
        best = row["n"]
    return best


def first_knee(voice: list[Row]) -> int | None:
    """The smallest number at which the p95 is twice that of the smallest run, or turns are lost."""
    for row in voice:
        if _lost(row) or row["added_p95_ms"] is None or row["added_p95_ms"] >= KNEE_FACTOR * voice[0]["added_p95_ms"]:
            return int(row["n"])
    return None


STAGES = {
    "added": "added",
    "speech → STT": "speech_to_stt",
    "STT → LLM": "stt_to_llm",
    "speech → LLM": "speech_to_llm",
    "sentence → TTS": "sentence_to_tts",
    "TTS → client": "tts_to_client",
}

MACHINE = {
    "run": "what",
    "calls": "n",
    "server, % of a core": "cpu_percent",
    "callers": "client_cpu_percent",
    "fakes": "fakes_cpu_percent",
    "neighbours": "others_cpu_percent",
    "memory, MB": "rss_mb",
    "threads": "threads",
    "callers late p99, ms": "client_late_p99_ms",
    "connect p95, ms": "connect_p95_ms",
}


def markdown(rows: list[Row]) -> str:
    """The whole report."""
    head = ["", "pipecat 1.14", "livekit-agents 1.8.9", "floor", "target", "Parola, this run", ""]
    parts = [_table(head, [list(astuple(line)) for line in table(rows)]), targets.NOTE]
    if voice := _all(rows, "voice"):
        body = [[str(row["n"]), _answered(row), *(_two(row, stage) for stage in STAGES.values())] for row in voice]
        parts += ["Voice turns, one each 8 s and caller; p50 / p95, ms", _table(["calls", "answered", *STAGES], body)]
    if barge_in := _first(rows, "barge_in"):
        parts.append(
            f"Barge-in: {barge_in['interrupted']} of {barge_in['barge_ins']} interrupted; last audio of the old reply"
            f" after {_two(barge_in, 'last_old_audio')} ms; {barge_in['stale_frames']} frames of it after the event;"
            f" cancelled at the models: {barge_in['llm_cancelled']} LLM, {barge_in['tts_cancelled']} TTS requests."
        )
    if burst := _first(rows, "burst"):
        parts.append(
            f"{burst['at_once']} calls begun at once while {burst['n']} run: first message p50 / max"
            f" {burst['first_message_p50_ms']} / {burst['first_message_max_ms']} ms; the event loop was at most"
            f" {burst['loop_lag_max_ms']} ms late."
        )
    if embedded := _all(rows, "embedded"):
        body = [[str(row["n"]), _answered(row), _two(row, "wait")] for row in embedded]
        parts.append("Embedded speech: from the user's last sound to the agent's first")
        parts.append(_table(["calls", "answered", "wait p50 / p95, ms"], body))
    if loads := [row for row in rows if "cpu_percent" in row]:
        body = [[str(row.get(key, "–")) for key in MACHINE.values()] for row in loads]
        parts += ["The machine during each run", _table(list(MACHINE), body)]
    return "\n\n".join(parts + warnings(rows))


def warnings(rows: list[Row]) -> list[str]:
    """What makes a run doubtful."""
    said = []
    for row in rows:
        name = f"{row['what']} at {row.get('n', 1)}"
        if (row.get("client_late_p99_ms") or 0) > 10:
            said.append(f"Suspect: {name}: the callers themselves were late ({row['client_late_p99_ms']} ms at p99).")
        if (row.get("others_cpu_percent") or 0) > 20:
            said.append(f"Suspect: {name}: neighbours used {row['others_cpu_percent']:.0f} % of a core.")
        if row.get("errors"):
            said.append(f"Errors: {name}: {'; '.join(row['errors'])}")
    return said


def _two(row: Row, name: str) -> str:
    middle, high = row.get(f"{name}_p50_ms"), row.get(f"{name}_p95_ms")
    return "–" if middle is None or high is None else f"{middle:.0f} / {high:.0f}"


def _table(head: list[str], body: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *body]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)
