"""What is to be deleted and when, in an SQL database; and deleting so that nothing can be read back."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from parola.endings import outline_of
from parola.protocol.lossless import dumps, loads
from parola.store.base import unlink_files_of
from parola.store.blobs import Blobs
from parola.store.documents import recording_file
from parola.store.overview import ending_of, verdict_of, with_document
from parola.store.pages import Document
from parola.store.readers import Readers
from parola.store.tables import conversations, files, retention, turns, webhook_deliveries
from parola.store.write_log import WriteLog
from parola.store.writer import Writer

ENDED = ("done", "failed")


class SqlRetention:
    def __init__(
        self, readers: Readers, writer: Writer[Any], write_log: WriteLog, blobs: Blobs, recordings: Path
    ) -> None:
        self._readers = readers
        self._writer = writer
        self._write_log = write_log
        self._blobs = blobs
        self._recordings = recordings

    async def plan(self, conversation_ids: Sequence[str], due_at: float) -> None:
        asked = conversations.c.conversation_id.in_(conversation_ids)

        def work(connection: Connection) -> None:
            known = list(connection.execute(select(conversations.c.conversation_id).where(asked)).scalars())
            connection.execute(delete(retention).where(retention.c.conversation_id.in_(known)))
            if known:
                connection.execute(insert(retention), [{"conversation_id": one, "due_at": due_at} for one in known])

        await self._writer.run(work)

    async def keep(self, conversation_ids: Sequence[str]) -> None:
        statement = delete(retention).where(retention.c.conversation_id.in_(conversation_ids))
        await self._writer.run(lambda connection: connection.execute(statement))

    async def due(self, now: float, most: int) -> Sequence[str]:
        rows = await self._readers.rows(
            select(retention.c.conversation_id)
            .join(conversations, conversations.c.conversation_id == retention.c.conversation_id)
            .where(retention.c.due_at <= now, conversations.c.status.in_(ENDED))
            .order_by(retention.c.due_at, retention.c.conversation_id)
            .limit(most)
        )
        return [row["conversation_id"] for row in rows]

    async def erase(self, conversation_id: str, document: Document, *, words: bool, audio: bool) -> None:
        recording = recording_file(self._recordings, conversation_id)
        owned = select(files.c.file_id).where(files.c.conversation_id == conversation_id)
        # Files go before it is taken off the plan: what a killed server has begun to delete is due at its next start.
        # What was written meanwhile goes after it.
        if words:
            await self._blobs.delete([row["file_id"] for row in await self._readers.rows(owned)])
        await asyncio.to_thread(unlink_files_of, recording, audio=audio, words=words)

        def work(connection: Connection) -> list[str]:
            key = conversations.c.conversation_id == conversation_id
            file_ids: list[str] = []
            c = conversations.c
            asked = select(c.termination_reason, c.status, c.facts).where(key)
            found = connection.execute(asked).first()
            if found is None:
                return []
            facts: Document = {} if words or not found.facts else loads(found.facts)
            values: dict[str, Any] = {
                "document": dumps(document),
                "call_successful": verdict_of(document),
                "facts": dumps(with_document(facts, document)),
            }
            if words:
                file_ids = list(connection.execute(owned).scalars())
                connection.execute(delete(files).where(files.c.conversation_id == conversation_id))
                connection.execute(delete(turns).where(turns.c.conversation_id == conversation_id))
                sent = webhook_deliveries.c.conversation_id == conversation_id
                connection.execute(delete(webhook_deliveries).where(sent))
                reason = outline_of(found.termination_reason, document, found.status)
                values |= {"user_id": None, "termination_reason": reason, "ending": ending_of(reason)}
            if audio:
                values["has_audio"] = False
            connection.execute(update(conversations).where(key).values(**values))
            connection.execute(delete(retention).where(retention.c.conversation_id == conversation_id))
            return file_ids

        await self._blobs.delete(await self._writer.run(work))
        await asyncio.to_thread(unlink_files_of, recording, audio=audio, words=words)
        await self._write_log.empty()
