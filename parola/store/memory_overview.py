"""What is summed up over many conversations, in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from heapq import nlargest
from math import inf

from parola.store.base import ConversationRow
from parola.store.overview import (
    DAY_SECONDS,
    DayCount,
    EndingCount,
    Overview,
    OverviewQuery,
    ending_of,
    read_facts,
)
from parola.store.pages import Document


def overview_of(rows: Iterable[ConversationRow], facts: Mapping[str, Document], query: OverviewQuery) -> Overview:
    """``rows`` may be without their documents."""
    chosen = [
        row
        for row in rows
        if query.since <= row.started_at < (inf if query.until is None else query.until)
        and row.status != "initiated"
        and query.agent_id in (None, row.agent_id)
    ]
    days: dict[int, DayCount] = {}
    endings: Counter[tuple[str, str]] = Counter()
    for row in chosen:
        if query.counted_since is not None and row.started_at < query.counted_since:
            continue
        day = int((row.started_at + query.offset_seconds) // DAY_SECONDS)
        before = days.get(day, DayCount(day, 0, 0.0, 0))
        seconds = 0.0 if row.ended_at is None else row.ended_at - row.started_at
        days[day] = DayCount(day, before.calls + 1, before.seconds + seconds, before.failed + (row.status == "failed"))
        if row.ended_at is not None:
            endings[row.status, ending_of(row.termination_reason)] += 1
    ranked = sorted(endings.items(), key=lambda item: (-item[1], item[0]))[: query.most_endings]
    newest = nlargest(query.newest, chosen, key=lambda row: (row.started_at, row.conversation_id))
    return Overview(
        [days[day] for day in sorted(days)],
        [EndingCount(status, ending, count) for (status, ending), count in ranked],
        [read_facts(row.conversation_id, facts[row.conversation_id]) for row in newest],
    )
