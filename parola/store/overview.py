"""What is summed up over many conversations, and the little that is kept beside each of them so that this is quick.

An overview reads no transcripts and no documents: days and endings are counted in columns, latencies and warnings come
from the *facts* of a conversation, a small object that the store derives from what is written. Anyone may import this.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from parola.store.pages import Document

DAY_SECONDS = 86_400

MOST_LATENCIES = 100
"""Of one conversation, its last ones."""

MOST_WARNINGS, LONGEST_WARNING = 20, 300

LONGEST_ENDING = 200
"""Characters."""


@dataclass(frozen=True, slots=True)
class OverviewQuery:
    since: float
    """Conversations that began then or later, in unix seconds."""
    offset_seconds: int = 0
    """Added to UTC before days are told apart."""
    agent_id: str | None = None
    counted_since: float | None = None
    """Days and endings only from then on."""
    until: float | None = None
    """And before then."""
    newest: int = 300
    """Of so many the facts are wanted."""
    most_endings: int = 20


@dataclass(frozen=True, slots=True)
class DayCount:
    day: int
    """Days since 1970-01-01, by the query's offset."""
    calls: int
    seconds: float
    """Of those that have ended."""
    failed: int


@dataclass(frozen=True, slots=True)
class EndingCount:
    status: str
    ending: str
    count: int


@dataclass(frozen=True, slots=True)
class Facts:
    """Of one conversation."""

    conversation_id: str
    latencies: Sequence[Mapping[str, float]] = ()
    """Of its answers: seconds of each step, and ``total``."""
    warnings: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Overview:
    days: Sequence[DayCount] = ()
    """Those on which somebody called, in order."""
    endings: Sequence[EndingCount] = ()
    """Most frequent first."""
    newest: Sequence[Facts] = field(default_factory=tuple)
    """Newest first."""


# -- for the stores ---------------------------------------------------------------------------------------------------


def ending_of(termination_reason: str | None) -> str:
    """Why a conversation ended, in words that are the same for many: without the model's own account, which follows a
    colon."""
    return (termination_reason or "").partition(": ")[0][:LONGEST_ENDING]


def verdict_of(document: Mapping[str, Any]) -> str:
    """``call_successful`` of a conversation's analysis; ``unknown`` while there is none."""
    analysis = document.get("analysis")
    found = analysis.get("call_successful") if isinstance(analysis, Mapping) else None
    return found if isinstance(found, str) and found else "unknown"


def with_turns(facts: Document, turns: Mapping[int, Mapping[str, Any]]) -> Document:
    """The facts of a conversation of which these turns were written."""
    latencies = dict(facts.get("latencies") or {})
    for position, turn in turns.items():
        timeline = turn.get("x_timeline")
        is_answer = isinstance(timeline, Mapping) and not timeline.get("is_unasked")
        seconds = timeline.get("latency_secs") if isinstance(timeline, Mapping) and is_answer else None
        latencies.pop(str(position), None)
        if seconds and isinstance(seconds, Mapping):
            latencies[str(position)] = dict(seconds)
    if len(latencies) > MOST_LATENCIES:
        latencies = {key: latencies[key] for key in sorted(latencies, key=int)[-MOST_LATENCIES:]}
    return facts | {"latencies": latencies}


def with_document(facts: Document, document: Mapping[str, Any]) -> Document:
    """The facts of a conversation whose document is this now."""
    metadata = document.get("metadata")
    warnings = metadata.get("warnings") if isinstance(metadata, Mapping) else None
    told = [str(one)[:LONGEST_WARNING] for one in warnings[:MOST_WARNINGS]] if isinstance(warnings, list) else []
    return facts | {"warnings": told}


def read_facts(conversation_id: str, facts: Document) -> Facts:
    return Facts(conversation_id, list((facts.get("latencies") or {}).values()), facts.get("warnings") or ())
