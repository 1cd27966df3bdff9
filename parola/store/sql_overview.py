"""What is summed up over many conversations, in an SQL database: three queries that read indexes, and the newest rows'
facts."""

from __future__ import annotations

import asyncio
from typing import Any

from sqlalchemy import ColumnElement, Integer, and_, case, func, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import GenericFunction

from parola.protocol.lossless import loads
from parola.store.overview import DAY_SECONDS, DayCount, EndingCount, Overview, OverviewQuery, read_facts
from parola.store.readers import Readers
from parola.store.tables import conversations


class whole(GenericFunction[int]):
    """The integer below a positive number: SQLite has no ``floor`` everywhere, and PostgreSQL's cast rounds."""

    type = Integer()
    inherit_cache = True


@compiles(whole)
def _cut(element: whole, compiler: Any, **options: Any) -> str:
    return f"CAST({compiler.process(element.clauses, **options)} AS INTEGER)"


@compiles(whole, "postgresql")
def _floor(element: whole, compiler: Any, **options: Any) -> str:
    return f"CAST(floor({compiler.process(element.clauses, **options)}) AS INTEGER)"


async def read_overview(readers: Readers, query: OverviewQuery) -> Overview:
    c = conversations.c
    conditions: list[ColumnElement[bool]] = [c.started_at >= query.since, c.status != "initiated"]
    if query.agent_id is not None:
        conditions.append(c.agent_id == query.agent_id)
    if query.until is not None:
        conditions.append(c.started_at < query.until)
    chosen = and_(*conditions)
    counted = chosen if query.counted_since is None else and_(chosen, c.started_at >= query.counted_since)

    day = whole((c.started_at + query.offset_seconds) / DAY_SECONDS).label("day")
    seconds = func.coalesce(func.sum(c.ended_at - c.started_at), 0.0).label("seconds")
    failed = func.sum(case((c.status == "failed", 1), else_=0)).label("failed")
    by_day = select(day, func.count().label("calls"), seconds, failed).where(counted).group_by("day").order_by("day")

    count = func.count().label("count")
    # Not the bare column: SQLite would group by walking the index of states, and open every row.
    status = func.coalesce(c.status, "").label("ended_as")
    by_ending = (
        select(status, c.ending, count)
        .where(counted, c.ended_at.is_not(None))
        .group_by(c.ending, "ended_as")
        .order_by(count.desc(), "ended_as", c.ending)
        .limit(query.most_endings)
    )
    newest = (
        select(c.conversation_id, c.facts)
        .where(chosen)
        .order_by(c.started_at.desc(), c.conversation_id.desc())
        .limit(query.newest)
    )
    days, endings, facts = await asyncio.gather(*(readers.rows(one) for one in (by_day, by_ending, newest)))
    return Overview(
        [DayCount(int(row["day"]), row["calls"], float(row["seconds"]), int(row["failed"])) for row in days],
        [EndingCount(row["ended_as"], row["ending"], row["count"]) for row in endings],
        [read_facts(row["conversation_id"], loads(row["facts"]) if row["facts"] else {}) for row in facts],
    )
