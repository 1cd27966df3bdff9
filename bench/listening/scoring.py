"""What a call came to: was the caller cut off, how long did the answer take, did the agent keep or give the floor."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from bench.figures import median, percentile
from bench.listening.scenarios import Case
from bench.listening.stage import Observed
from bench.listening.words import Errors, errors, total

Row = dict[str, Any]

Outcome = Literal["went on", "resumed", "stopped", "answered", "stopped for it", "stopped before"]
"""Of a sound over the agent's voice: it never stopped; it stopped and went on by itself; it stopped for good; it took
the sound for a turn and answered. The last two are for those who wanted it to stop: it did, or something else had
stopped it already."""

GRACE_SECONDS = 1.5
"""So long after the end of what somebody said an interruption still counts as caused by it."""


@dataclass(frozen=True, slots=True)
class Turn:
    """How one turn of the caller went."""

    was_cut_off: bool
    """The turn was taken, or the agent spoke, before the caller's last sound."""
    decision_seconds: float | None
    """From the last sound to the end of the turn; None when none came."""
    reply_seconds: float | None
    """From the last sound to the first audio of the reply."""
    words: Errors


@dataclass(frozen=True, slots=True)
class OverAgent:
    """What a sound over the agent's voice did."""

    outcome: Outcome
    interruption_seconds: float | None
    """From its first sample to the ``interruption``."""


def turn(case: Case, seen: Observed) -> Turn:
    ends_at = case.ends_at
    asked_before = [at for at, seconds in seen.audio if at + seconds < case.starts_at]
    early_audio = [at for at, _ in seen.audio if case.starts_at <= at < ends_at and at not in asked_before]
    late_turns = [at for at, _ in seen.turns if at >= ends_at]
    decided_at = late_turns[0] if late_turns else None
    audio = [at for at, _ in seen.audio if decided_at is not None and at >= decided_at]
    return Turn(
        was_cut_off=any(at < ends_at for at, _ in seen.turns) or bool(early_audio),
        decision_seconds=None if decided_at is None else decided_at - ends_at,
        reply_seconds=audio[0] - ends_at if audio else None,
        words=errors(case.words, " ".join(words for _, words in seen.turns)),
    )


def over_agent(case: Case, seen: Observed) -> OverAgent:
    """An interruption before the sound began was caused by something else, and counts all the same when the agent
    should have gone on."""
    interruptions = [at for at in seen.interruptions if at >= case.looked_at_from]
    turns = [at for at, _ in seen.turns if at >= case.looked_at_from]
    if case.scenario.kind == "yield":
        if any(at < case.starts_at for at in interruptions):
            return OverAgent("stopped before", None)
        caused = [at for at in interruptions if case.starts_at <= at <= case.ends_at + GRACE_SECONDS]
        if not caused:
            return OverAgent("went on", None)
        return OverAgent("stopped for it", caused[0] - case.starts_at)
    if not interruptions:
        return OverAgent("answered" if turns else "went on", None)
    first = interruptions[0]
    if turns:
        outcome: Outcome = "answered"
    else:
        outcome = "resumed" if any(at > first for at, _ in seen.audio) else "stopped"
    return OverAgent(outcome, first - case.starts_at)


# -- many calls -------------------------------------------------------------------------------------------------------


def turn_row(listed: Sequence[Turn]) -> Row:
    """Delays are those of turns that were not cut off; a turn without an answer counts as ``unanswered``."""
    whole = [one for one in listed if not one.was_cut_off]
    words = total(one.words for one in listed)
    return {
        "calls": len(listed),
        "cut_off": sum(one.was_cut_off for one in listed),
        "unanswered": sum(one.decision_seconds is None for one in whole),
        **_delays("decision", [one.decision_seconds for one in whole], 90),
        **_delays("reply", [one.reply_seconds for one in whole], 90),
        "words": words.said,
        "wrong_words": words.wrong,
    }


def over_agent_row(listed: Sequence[OverAgent]) -> Row:
    outcomes = [one.outcome for one in listed]
    return {
        "calls": len(listed),
        "went_on": outcomes.count("went on"),
        "resumed": outcomes.count("resumed"),
        "stopped": outcomes.count("stopped"),
        "answered": outcomes.count("answered"),
        "stopped_for_it": outcomes.count("stopped for it"),
        "stopped_before": outcomes.count("stopped before"),
        **_delays("interruption", [one.interruption_seconds for one in listed], 95),
    }


def _delays(name: str, seconds: Iterable[float | None], high: int) -> Row:
    known = [one for one in seconds if one is not None]
    return {
        f"{name}_p50_ms": _milliseconds(median(known)),
        f"{name}_p{high}_ms": _milliseconds(percentile(known, high)),
    }


def _milliseconds(seconds: float | None) -> int | None:
    return None if seconds is None else round(1000 * seconds)
