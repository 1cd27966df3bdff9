"""Makes the chunks of documents, in the background and one document at a time.

What waits is what the store says waits, so that a server that was stopped goes on where it was.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from parola.errors import ParolaError
from parola.logs import logger, reason
from parola.store.base import ChunkRow, RagIndexRow, Store

if TYPE_CHECKING:
    from parola.providers.base import Embedder

log = logger(__name__)

WAITING = ("created", "processing")

MOST_INDEXED_BYTES = 10 * 1024**3
"""Of all indexes."""

TEXTS_AT_A_TIME = 16

RETRY_SECONDS = 30.0
"""After the store refused: a full disk, a locked database."""


class Indexing:
    """One for the process. ``start`` once the store is open, ``aclose`` before it is closed."""

    def __init__(
        self, store: Store, embedder: Callable[[str], Embedder], *, most_bytes: int = MOST_INDEXED_BYTES
    ) -> None:
        """``embedder`` finds who embeds for a model's name; it may raise ``ParolaError``."""
        self._store = store
        self._embedder = embedder
        self.most_bytes = most_bytes
        self._has_work = asyncio.Event()
        self._creating = asyncio.Lock()
        self._worker: asyncio.Task[None] | None = None
        self._job: asyncio.Task[None] | None = None
        self._job_document = ""

    def start(self) -> None:
        """On the loop it works on from now on."""
        self._has_work, self._creating = asyncio.Event(), asyncio.Lock()
        self._worker = asyncio.create_task(self._work(), name="indexing")

    async def aclose(self) -> None:
        if self._worker is not None:
            self._worker.cancel()
            with suppress(asyncio.CancelledError):
                await self._worker
            self._worker = None

    async def get_or_create(self, document_id: str, model: str) -> RagIndexRow | None:
        """The index of a document under a model; one that is not there, or failed, waits from now on. None when the
        document is gone."""
        async with self._creating:
            found = await self._store.knowledge.indexes(document_ids=[document_id], model=model)
            if found and found[0].status not in ("failed", "rag_limit_exceeded"):
                return found[0]
            now = time.time()
            index_id = found[0].index_id if found else f"ragidx_{secrets.token_hex(12)}"
            index = RagIndexRow(index_id, document_id, model, "created", now, now)
            if not await self._store.knowledge.put_index(index):
                return None
        self._has_work.set()
        return index

    async def renew(self, document_id: str) -> None:
        """The text of a document has changed: its indexes are made anew. Until then the old chunks are found."""
        await self.cancel(document_id)
        for index in await self._store.knowledge.indexes(document_ids=[document_id]):
            await self._store.knowledge.update_index(replace(index, status="created", progress=0.0, error=None))
        self._has_work.set()

    async def cancel(self, document_id: str) -> None:
        """Stop working on a document, if that is what is being done; whoever calls says in the store what becomes of
        it."""
        if self._job is not None and self._job_document == document_id:
            self._job.cancel()
            await asyncio.wait([self._job])

    async def _work(self) -> None:
        while True:
            self._has_work.clear()
            try:
                waiting = await self._store.knowledge.indexes(statuses=WAITING)
                if not waiting:
                    await self._has_work.wait()
                    continue
                await self._one(waiting[0])
            except ParolaError as error:
                log.error("indexing_failed", error=reason(error))
                await asyncio.sleep(RETRY_SECONDS)

    async def _one(self, index: RagIndexRow) -> None:
        """Run one job as a task of its own, so that it can be stopped alone."""
        self._job_document = index.document_id
        self._job = job = asyncio.create_task(self._index(index), name=f"indexing-{index.index_id}")
        try:
            await asyncio.wait([job])
        finally:
            self._job = None
            if not job.done():
                job.cancel()
                await asyncio.wait([job])
        if not job.cancelled() and (error := job.exception()) is not None:
            if isinstance(error, ParolaError):
                raise error
            log.error("indexing_failed", index_id=index.index_id, exc_info=error)
            await self._end(index, "failed", "Something went wrong on the server; its log says what.")

    async def _index(self, index: RagIndexRow) -> None:
        started_at = time.monotonic()
        if not await self._store.knowledge.update_index(replace(index, status="processing", progress=0.0)):
            return
        text = (await self._store.knowledge.texts([index.document_id])).get(index.document_id, "")
        from parola.knowledge.chunking import chunked

        texts = await asyncio.to_thread(chunked, text)
        if not texts:
            await self._end(index, "document_too_small", "The document has no text to find.")
            return
        try:
            vectors = await self._vectors(index, texts)
        except ParolaError as error:
            log.warning("indexing_failed", index_id=index.index_id, error=reason(error))
            await self._end(index, "failed", error.message)
            return
        if vectors is None:
            return
        used = sum(map(len, vectors)) + sum(len(text.encode()) for text in texts)
        others = await self._store.knowledge.indexes()
        if used + sum(one.used_bytes for one in others if one.index_id != index.index_id) > self.most_bytes:
            await self._end(index, "rag_limit_exceeded", f"All indexes together may have {self.most_bytes} bytes.")
            return
        chunks = [
            ChunkRow(f"chunk_{secrets.token_hex(12)}", index.document_id, index.model, position, text, vector)
            for position, (text, vector) in enumerate(zip(texts, vectors, strict=True))
        ]
        await self._store.knowledge.finish_index(
            replace(index, status="succeeded", progress=100.0, used_bytes=used, updated_at=time.time(), error=None),
            chunks,
        )
        log.info(
            "document_indexed",
            document_id=index.document_id,
            model=index.model,
            chunks=len(chunks),
            seconds=round(time.monotonic() - started_at, 2),
        )

    async def _vectors(self, index: RagIndexRow, texts: Sequence[str]) -> list[bytes] | None:
        """The vectors of all texts as bytes; None when the index was deleted meanwhile."""
        embedder = self._embedder(index.model)
        vectors: list[bytes] = []
        for start in range(0, len(texts), TEXTS_AT_A_TIME):
            found = await embedder.embed(texts[start : start + TEXTS_AT_A_TIME])
            vectors += [row.astype("<f4").tobytes() for row in found]
            progress = round(100 * len(vectors) / (len(texts) + 1), 1)
            if not await self._store.knowledge.update_index(replace(index, status="processing", progress=progress)):
                return None
        return vectors

    async def _end(self, index: RagIndexRow, status: str, error: str) -> None:
        """Without chunks: what is found must be what the document says now."""
        ended = replace(index, status=status, progress=0.0, used_bytes=0, updated_at=time.time(), error=error)
        await self._store.knowledge.finish_index(ended, [])
