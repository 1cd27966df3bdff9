"""Conversations, their turns and files in an SQL database: how changes are applied, how pages are read."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    and_,
    bindparam,
    case,
    delete,
    exists,
    false,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.types import Boolean, Double, Integer, LargeBinary, String

from parola.errors import NotFound
from parola.protocol.lossless import dumps, loads, merged
from parola.store.base import (
    NO_RATING,
    ConversationChange,
    ConversationQuery,
    ConversationRow,
    FileRow,
    unlink_files_of,
)
from parola.store.blobs import Blobs
from parola.store.documents import recording_file, speaker, words
from parola.store.erased import DELETED_AT, after_erasure, is_erased
from parola.store.outbox import DeliveryRow
from parola.store.overview import Overview, OverviewQuery, ending_of, verdict_of, with_document, with_turns
from parola.store.pages import Document, Page
from parola.store.readers import Readers
from parola.store.sql_outbox import SqlOutbox, put_all
from parola.store.sql_overview import read_overview
from parola.store.tables import conversations, files, turns
from parola.store.write_log import WriteLog
from parola.store.writer import Writer

MOST_SEARCHED = 500
"""Conversations whose words are read for one page."""

UNFINISHED = ("in-progress", "processing")


@dataclass(frozen=True, slots=True)
class SealedChange:
    """A change whose turns are bytes already: what cannot be written has failed before it waits with others."""

    conversation_id: str
    turns: Sequence[dict[str, Any]]
    columns: dict[str, Any]
    document: Document | None
    plain_turns: Mapping[int, Document]

    @classmethod
    def seal(cls, conversation_id: str, change: ConversationChange) -> SealedChange:
        if change.document is not None:
            dumps(change.document)
        return cls(
            conversation_id,
            [
                {
                    "conversation_id": conversation_id,
                    "position": position,
                    "speaker": speaker(turn),
                    "words": words(turn),
                    "document": dumps(turn),
                }
                for position, turn in change.turns.items()
            ],
            {name: getattr(change, name) for name in _CHANGEABLE},
            change.document,
            change.turns,
        )

    def after_erasure(self) -> SealedChange:
        """What is left of it for a conversation whose words are gone."""
        change = ConversationChange(turns={}, document=self.document, **self.columns)
        return self.seal(self.conversation_id, after_erasure(change))


_KEPT = tuple(conversations.c[one.name] for one in fields(ConversationRow))
"""Without the columns that only queries use."""

_CHANGEABLE: dict[str, Any] = {
    "status": String(),
    "ended_at": Double(),
    "termination_reason": String(),
    "has_audio": Boolean(),
    "rating": Integer(),
}
"""What a change may say; NULL: it stays as it is."""

_DERIVED: dict[str, Any] = {"ending": String(), "call_successful": String(), "facts": LargeBinary()}
"""What follows from a change (``overview.py``)."""

_DELETED_AT = DELETED_AT.encode()
"""Stands in the stored document of every conversation that is ever to be deleted: others need not be read."""

_DELETE_TURN = delete(turns).where(
    turns.c.conversation_id == bindparam("b_conversation_id"), turns.c.position == bindparam("b_position")
)


def _messages_of(role: str) -> Any:
    return (
        select(func.count())
        .select_from(turns)
        .where(turns.c.conversation_id == conversations.c.conversation_id, turns.c.speaker == role)
        .scalar_subquery()
    )


_UPDATE = (
    update(conversations)
    .where(conversations.c.conversation_id == bindparam("b_conversation_id"))
    .values(
        user_messages=_messages_of("user"),
        agent_messages=_messages_of("agent"),
        document=func.coalesce(bindparam("b_document", type_=LargeBinary()), conversations.c.document),
        **{
            name: func.coalesce(bindparam(f"b_{name}", type_=kind), conversations.c[name])
            for name, kind in _DERIVED.items()
        },
        **{
            name: func.coalesce(bindparam(f"b_{name}", type_=kind), conversations.c[name])
            for name, kind in _CHANGEABLE.items()
        },
    )
    .values(
        rating=func.nullif(
            func.coalesce(bindparam("b_rating", type_=_CHANGEABLE["rating"]), conversations.c.rating), NO_RATING
        )
    )
)


@dataclass(slots=True)
class _Sum:
    """All changes of one conversation in one commit."""

    turns: dict[int, dict[str, Any]] = field(default_factory=dict)
    columns: dict[str, Any] = field(default_factory=lambda: dict.fromkeys(_CHANGEABLE))
    document: Document | None = None
    plain_turns: dict[int, Document] = field(default_factory=dict)

    def add(self, change: SealedChange, stored: bytes) -> None:
        if _DELETED_AT in stored and is_erased(loads(stored)):
            change = change.after_erasure()
        self.turns.update((turn["position"], turn) for turn in change.turns)
        self.plain_turns.update(change.plain_turns)
        self.columns.update((name, value) for name, value in change.columns.items() if value is not None)
        if change.document is not None:
            self.document = merged(self.document if self.document is not None else loads(stored), change.document)

    def derived(self, stored_facts: bytes | None) -> dict[str, Any]:
        """What follows from all of it; None: it stays as it is."""
        reason = self.columns["termination_reason"]
        values: dict[str, Any] = {
            "ending": None if reason is None else ending_of(reason),
            "call_successful": None,
            "facts": None,
        }
        if self.plain_turns or self.document is not None:
            facts: Document = loads(stored_facts) if stored_facts else {}
            changed = with_turns(facts, self.plain_turns)
            if self.document is not None:
                values["call_successful"] = verdict_of(self.document)
                changed = with_document(changed, self.document)
            if changed != facts:
                values["facts"] = dumps(changed)
        return values


def apply_all(connection: Connection, changes: Sequence[SealedChange]) -> Sequence[Exception | None]:
    """Apply changes, in order, with five statements whatever their number."""
    ids = {change.conversation_id for change in changes}
    found = connection.execute(
        select(conversations.c.conversation_id, conversations.c.document, conversations.c.facts).where(
            conversations.c.conversation_id.in_(ids)
        )
    ).all()
    stored: dict[str, bytes] = {row.conversation_id: row.document for row in found}
    facts: dict[str, bytes | None] = {row.conversation_id: row.facts for row in found}
    sums: dict[str, _Sum] = {conversation_id: _Sum() for conversation_id in stored}
    problems: list[Exception | None] = []
    for change in changes:
        known = change.conversation_id in stored
        problems.append(None if known else not_found(change.conversation_id))
        if known:
            sums[change.conversation_id].add(change, stored[change.conversation_id])

    new_turns = [turn for total in sums.values() for turn in total.turns.values()]
    if new_turns:
        connection.execute(
            _DELETE_TURN,
            [{"b_conversation_id": turn["conversation_id"], "b_position": turn["position"]} for turn in new_turns],
        )
        connection.execute(insert(turns), new_turns)
    if sums:
        connection.execute(
            _UPDATE,
            [
                {
                    "b_conversation_id": conversation_id,
                    "b_document": None if total.document is None else dumps(total.document),
                    **{f"b_{name}": value for name, value in total.columns.items()},
                    **{f"b_{name}": value for name, value in total.derived(facts[conversation_id]).items()},
                }
                for conversation_id, total in sums.items()
            ],
        )
    return problems


def not_found(conversation_id: str) -> NotFound:
    return NotFound(f"Document with id {conversation_id} not found.")


class SqlConversations:
    def __init__(
        self,
        readers: Readers,
        writer: Writer[SealedChange],
        blobs: Blobs,
        recordings: Path,
        outbox: SqlOutbox,
        write_log: WriteLog,
    ) -> None:
        self._readers = readers
        self._write_log = write_log
        self._writer = writer
        self._blobs = blobs
        self._recordings = recordings
        self._outbox = outbox

    async def create(self, conversation: ConversationRow, deliveries: Sequence[DeliveryRow] = ()) -> None:
        values = _values(conversation)
        key = conversations.c.conversation_id == conversation.conversation_id

        def work(connection: Connection) -> None:
            replaced = connection.execute(update(conversations).where(key).values(values))
            if not replaced.rowcount:
                connection.execute(insert(conversations).values(values))
            put_all(connection, deliveries)

        await self._writer.run(work)
        if deliveries:
            self._outbox.news.set()

    async def conclude(
        self, conversation_id: str, change: ConversationChange, deliveries: Sequence[DeliveryRow]
    ) -> None:
        sealed = SealedChange.seal(conversation_id, change)

        def work(connection: Connection) -> None:
            for problem in apply_all(connection, [sealed]):
                if problem is not None:
                    raise problem
            put_all(connection, deliveries)

        await self._writer.run(work)
        self._outbox.news.set()

    async def write(self, conversation_id: str, change: ConversationChange) -> None:
        await self._writer.change(SealedChange.seal(conversation_id, change))

    async def claim(self, conversation_id: str) -> bool:
        def work(connection: Connection) -> bool:
            taken = connection.execute(
                update(conversations)
                .where(conversations.c.conversation_id == conversation_id, conversations.c.status == "initiated")
                .values(status="in-progress")
            )
            return taken.rowcount == 1

        return await self._writer.run(work)

    async def get(self, conversation_id: str) -> ConversationRow | None:
        rows = await self._readers.rows(select(*_KEPT).where(conversations.c.conversation_id == conversation_id))
        return _row(rows[0]) if rows else None

    async def turns(self, conversation_id: str) -> Sequence[Document]:
        rows = await self._readers.rows(
            select(turns.c.document).where(turns.c.conversation_id == conversation_id).order_by(turns.c.position)
        )
        return [loads(row["document"]) for row in rows]

    async def numbered_turns(self, conversation_id: str) -> Mapping[int, Document]:
        rows = await self._readers.rows(
            select(turns.c.position, turns.c.document)
            .where(turns.c.conversation_id == conversation_id)
            .order_by(turns.c.position)
        )
        return {row["position"]: loads(row["document"]) for row in rows}

    async def delete(self, conversation_id: str) -> bool:
        # Files go before the row: of what a killed server has begun to delete, something must be left to delete by.
        # What was written meanwhile goes after it.
        recording = recording_file(self._recordings, conversation_id)
        owned_files = select(files.c.file_id).where(files.c.conversation_id == conversation_id)
        await self._blobs.delete([row["file_id"] for row in await self._readers.rows(owned_files)])
        await asyncio.to_thread(unlink_files_of, recording)

        def work(connection: Connection) -> tuple[bool, list[str]]:
            file_ids = list(connection.execute(owned_files).scalars())
            gone = connection.execute(delete(conversations).where(conversations.c.conversation_id == conversation_id))
            return gone.rowcount > 0, file_ids

        existed, file_ids = await self._writer.run(work)
        if existed:
            await self._blobs.delete(file_ids)
            await asyncio.to_thread(unlink_files_of, recording)
            await self._write_log.empty()
        return existed

    async def page(
        self, query: ConversationQuery, *, page_size: int, cursor: str | None = None
    ) -> Page[ConversationRow]:
        c = conversations.c
        found = select(*_KEPT).where(and_(True, *_conditions(query)))
        order: dict[str, Any] = {"sort": c.started_at, "key": c.conversation_id, "ascending": query.ascending}
        if not query.search:
            return await self._readers.page(found, **order, page_size=page_size, cursor=cursor, make=_row)
        # Their words are read one by one: only so many at once, that nobody waits for all of them.
        others = and_(True, *_conditions(replace(query, search=None)))
        places = select(c.started_at, c.conversation_id).where(others)
        stretch = await self._readers.page(places, **order, page_size=MOST_SEARCHED, cursor=cursor, make=dict)
        if stretch.next_cursor is not None:
            at, conversation_id = stretch.items[-1].values()
            before = c.started_at < at if query.ascending else c.started_at > at
            ends = c.conversation_id.__le__ if query.ascending else c.conversation_id.__ge__
            # The plain bound says nothing new; SQLite finds the place in an index by it, and not by the other.
            bound = c.started_at <= at if query.ascending else c.started_at >= at
            found = found.where(bound, or_(before, and_(c.started_at == at, ends(conversation_id))))
        page = await self._readers.page(found, **order, page_size=page_size, cursor=cursor, make=_row)
        return page if page.next_cursor is not None else Page(page.items, stretch.next_cursor)

    async def count(self, query: ConversationQuery) -> int:
        found = select(func.count().label("found")).select_from(conversations).where(and_(True, *_conditions(query)))
        return int((await self._readers.rows(found))[0]["found"])

    async def overview(self, query: OverviewQuery) -> Overview:
        return await read_overview(self._readers, query)

    async def unfinished(self) -> Sequence[ConversationRow]:
        rows = await self._readers.rows(select(*_KEPT).where(conversations.c.status.in_(UNFINISHED)))
        return [_row(row) for row in rows]


class SqlFiles:
    def __init__(self, readers: Readers, writer: Writer[SealedChange], blobs: Blobs) -> None:
        self._readers = readers
        self._writer = writer
        self._blobs = blobs

    async def put(self, file: FileRow, content: bytes) -> None:
        await self._blobs.put(file.file_id, content)
        owner = select(conversations.c.document).where(conversations.c.conversation_id == file.conversation_id)

        def work(connection: Connection) -> None:
            found = connection.execute(owner).scalar()
            if found is None or (_DELETED_AT in found and is_erased(loads(found))):
                raise not_found(file.conversation_id)
            connection.execute(delete(files).where(files.c.file_id == file.file_id))
            connection.execute(insert(files).values({c.name: getattr(file, c.name) for c in files.c}))

        try:
            await self._writer.run(work)
        except NotFound:
            await self._blobs.delete([file.file_id])
            raise

    async def get(self, file_id: str) -> FileRow | None:
        rows = await self._readers.rows(select(files).where(files.c.file_id == file_id))
        return FileRow(**rows[0]) if rows else None

    async def content(self, file_id: str) -> bytes | None:
        return await self._blobs.get(file_id) if await self.get(file_id) else None

    async def of(self, conversation_id: str) -> Sequence[FileRow]:
        rows = await self._readers.rows(
            select(files).where(files.c.conversation_id == conversation_id).order_by(files.c.created_at)
        )
        return [FileRow(**row) for row in rows]

    async def delete(self, file_id: str) -> bool:
        def work(connection: Connection) -> bool:
            return connection.execute(delete(files).where(files.c.file_id == file_id)).rowcount > 0

        existed = await self._writer.run(work)
        if existed:
            await self._blobs.delete([file_id])
        return existed


def _values(row: ConversationRow) -> dict[str, Any]:
    return {c.name: getattr(row, c.name) for c in _KEPT} | derived_from(row.document, row.termination_reason)


def derived_from(document: Document, termination_reason: str) -> dict[str, Any]:
    """The document, and the columns that follow from it when there are no turns."""
    return {
        "document": dumps(document),
        "ending": ending_of(termination_reason),
        "call_successful": verdict_of(document),
        "facts": dumps(with_document({}, document)),
    }


def _row(row: RowMapping) -> ConversationRow:
    return ConversationRow(**{**row, "document": loads(row["document"])})


def _conditions(query: ConversationQuery) -> list[ColumnElement[bool]]:
    c = conversations.c
    bounds = (
        (query.agent_id, c.agent_id.__eq__),
        (query.user_id, c.user_id.__eq__),
        (query.call_successful, c.call_successful.__eq__),
        (query.source, c.source.__eq__),
        (query.text_only, c.text_only.__eq__),
        (query.started_before, c.started_at.__lt__),
        (query.started_after, c.started_at.__gt__),
        (query.rating_min, c.rating.__ge__),
        (query.rating_max, c.rating.__le__),
    )
    conditions: list[ColumnElement[bool]] = [compare(value) for value, compare in bounds if value is not None]
    conditions += _lasting(query)
    if query.exclude_statuses:
        conditions.append(c.status.not_in(query.exclude_statuses))
    if query.termination_reasons:
        conditions.append(c.termination_reason.in_(query.termination_reasons))
    for word in (query.search or "").casefold().split():
        conditions.append(
            exists().where(turns.c.conversation_id == c.conversation_id, turns.c.words.contains(word, autoescape=True))
        )
    return conditions


def _lasting(query: ConversationQuery) -> list[ColumnElement[bool]]:
    """Those of a length, in whole seconds as ``whole_seconds`` has them: what is only reserved lasts none."""
    c = conversations.c
    seconds = case(
        (c.status == "initiated", 0.0), else_=func.coalesce(c.ended_at, literal(query.now, Double())) - c.started_at
    )
    conditions: list[ColumnElement[bool]] = []
    if query.duration_min is not None:
        least = math.ceil(query.duration_min)
        conditions.append(seconds >= least - 0.5 if least > 0 else seconds.is_not(None))
    if query.duration_max is not None:
        most = math.floor(query.duration_max)
        conditions.append(seconds < most + 0.5 if most >= 0 else false())
    return conditions
