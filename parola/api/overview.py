"""``/v1/x/overview``: what happened in the last days, how fast it was, how it ended, what there is to warn of."""

from __future__ import annotations

import asyncio
import math
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query

from parola.api.described import described
from parola.api.responses import Json
from parola.api.services import Services, ServicesDep, needs
from parola.protocol.overview import OverviewResponse
from parola.store.overview import DAY_SECONDS, DayCount, EndingCount, Facts, Overview, OverviewQuery
from parola.webhooks.endpoints import all_webhooks

router = APIRouter(prefix="/v1/x/overview", tags=["analytics"], dependencies=[needs("conversations:read")])

MOST_WARNINGS = MOST_ENDINGS = 20

MOST_COUNTED = 500
"""Endings that are told apart; the rare ones beyond are left out."""

TOTAL = "total"


@router.get("", operation_id="x_overview_get")
@described(response=OverviewResponse)
async def overview(
    services: ServicesDep,
    days: Annotated[int, Query(ge=1, le=366, description="So many days, today's among them.")] = 14,
    agent_id: Annotated[str | None, Query(description="Only conversations with this agent.")] = None,
    utc_offset_minutes: Annotated[
        int, Query(ge=-840, le=840, description="Where a day begins: this much before midnight UTC.")
    ] = 0,
) -> Json:
    """What a front page shows. Latencies and warnings are those of the newest conversations (`latency.conversations`
    says how many); everything else counts all of these days."""
    now, offset = time.time(), utc_offset_minutes * 60
    today = int((now + offset) // DAY_SECONDS)
    found, webhooks = await asyncio.gather(
        _counted(services, today - days + 1, today, offset, agent_id), _webhooks(services, now)
    )
    return Json(
        {
            "generated_at_unix_secs": int(now),
            "live": services.live.count(agent_id),
            "waiting_for_human": len(services.live.humans.waiting(agent_id)),
            "days": _each_day(found.days, today - days + 1, today),
            "latency": await asyncio.to_thread(_latency, found.newest),
            "endings": [
                {"status": one.status, "termination_reason": one.ending, "count": one.count} for one in found.endings
            ],
            "warnings": _warnings(found.newest),
            "webhooks": webhooks,
        }
    )


async def _counted(services: Services, first: int, today: int, offset: int, agent_id: str | None) -> Overview:
    """Of these days. Those before today are counted anew once a minute."""
    conversations, clock = services.store.conversations, asyncio.get_running_loop().time
    since, began = first * DAY_SECONDS - offset, today * DAY_SECONDS - offset
    key = (since, began, agent_id)
    past: Overview | None = services.past_days.get(key, clock())
    if past is None:
        before = OverviewQuery(since, offset, agent_id, until=began, newest=0, most_endings=MOST_COUNTED)
        past = await conversations.overview(before)
        services.past_days.put(key, past, clock())
    now = await conversations.overview(
        OverviewQuery(since, offset, agent_id, counted_since=began, most_endings=MOST_COUNTED)
    )
    counts: Counter[tuple[str, str]] = Counter()
    for one in (*past.endings, *now.endings):
        counts[one.status, one.ending] += one.count
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:MOST_ENDINGS]
    endings = [EndingCount(status, ending, count) for (status, ending), count in ranked]
    return Overview([*past.days, *now.days], endings, now.newest)


def _each_day(counted: Iterable[DayCount], first: int, last: int) -> list[dict[str, Any]]:
    """Those without a call too."""
    by_day = {one.day: one for one in counted}
    told = []
    for day in range(first, last + 1):
        one = by_day.get(day, DayCount(day, 0, 0.0, 0))
        date = datetime.fromtimestamp(day * DAY_SECONDS, UTC).date().isoformat()
        told.append({"date": date, "calls": one.calls, "minutes": round(one.seconds / 60, 2), "failed": one.failed})
    return told


def _latency(newest: Sequence[Facts]) -> dict[str, Any]:
    seconds: dict[str, list[float]] = {TOTAL: []}
    for facts in newest:
        for answer in facts.latencies:
            for step, value in answer.items():
                seconds.setdefault(step, []).append(value)
    for values in seconds.values():
        values.sort()
    total = seconds.pop(TOTAL)
    return {
        "conversations": len(newest),
        "turns": len(total),
        **{f"p{share}_secs": _percentile(total, share) for share in (50, 90, 95, 99)},
        "steps": {
            step: {f"p{share}_secs": _percentile(values, share) for share in (50, 95)}
            for step, values in seconds.items()
        },
    }


def _percentile(ordered: Sequence[float], share: int) -> float | None:
    """The smallest value that ``share`` of a hundred do not exceed."""
    return round(ordered[max(0, math.ceil(len(ordered) * share / 100) - 1)], 3) if ordered else None


def _warnings(newest: Sequence[Facts]) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for facts in newest:
        for message in dict.fromkeys(facts.warnings):
            first = {"message": message, "count": 0, "last_conversation_id": facts.conversation_id}
            found.setdefault(message, first)["count"] += 1
    return sorted(found.values(), key=lambda one: -one["count"])[:MOST_WARNINGS]


async def _webhooks(services: Services, now: float) -> dict[str, Any]:
    outbox = services.store.outbox
    counts, oldest = await asyncio.gather(outbox.counts(), outbox.oldest_waiting())
    endpoints = [row async for row in all_webhooks(services.store)]
    return {
        "endpoints": len(endpoints),
        "disabled": sum(bool(row.document.get("is_disabled")) for row in endpoints),
        "waiting": counts.get("waiting", 0),
        "delivered": counts.get("delivered", 0),
        "failed": counts.get("dead", 0),
        "oldest_waiting_secs": None if oldest is None else round(max(0.0, now - oldest), 3),
    }
