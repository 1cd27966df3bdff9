"""What fills the knowledge base: documents are read, kept, refreshed, deleted, and their indexes follow.

It is there before the server listens, so what reads and fetches is imported where it is first needed.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from parola.errors import InvalidRequest, NotFound, ParolaError
from parola.knowledge.folders import documents_in
from parola.knowledge.indexing import Indexing
from parola.logs import logger, reason
from parola.store.base import KnowledgeDocumentRow, KnowledgeQuery, Store

if TYPE_CHECKING:
    from parola.knowledge.extraction import Extraction
    from parola.outbound.http import Connections
    from parola.providers.base import Embedder

log = logger(__name__)

DAY_SECONDS = 24 * 3600
DUE_EVERY_SECONDS = 3600.0
"""How often it is looked for pages that are due to be fetched again."""

REMOVED_AFTER_FAILURES = 3
"""With ``auto_remove``: one bad day of a website must not empty the knowledge base."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What has been read and is to be kept as a document."""

    text: str
    size: int
    title: str = ""
    original: bytes | None = None
    source: dict[str, Any] = field(default_factory=dict)


class Library:
    """One for the process. ``start`` once the store is open, ``aclose`` before it is closed."""

    def __init__(
        self, store: Store, connections: Callable[[], Connections], embedder: Callable[[str], Embedder]
    ) -> None:
        self._store = store
        self._connections = connections
        self._extraction: Extraction | None = None
        self.indexing = Indexing(store, embedder)
        self.changing = asyncio.Lock()
        """Held while a document or folder is read, changed and put back."""
        self._syncing: asyncio.Task[None] | None = None
        self._asking: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """On the loop it works on from now on."""
        self._extraction, self.changing = None, asyncio.Lock()
        self.indexing.start()
        self._syncing = asyncio.create_task(self._sync_forever(), name="knowledge-sync")

    async def aclose(self) -> None:
        if self._syncing is not None:
            self._syncing.cancel()
            with suppress(asyncio.CancelledError):
                await self._syncing
            self._syncing = None
        for task in self._asking:
            task.cancel()
        await asyncio.gather(*self._asking, return_exceptions=True)
        await self.indexing.aclose()

    # -- reading ------------------------------------------------------------------------------------------------------

    async def from_file(self, content: bytes, filename: str, mime_type: str) -> Contents:
        """Raises ``UnsupportedFile``."""
        read = await self._reader().read(content, filename, mime_type)
        source = {"filename": filename, "mime_type": mime_type, "pages": _pages(read.text, read.pages)}
        return Contents(read.text, len(content), read.title, content, source)

    async def from_url(self, url: str) -> Contents:
        """Raises ``NotFetched``, ``AddressRefused``, ``UnsupportedFile``."""
        from parola.knowledge.fetching import fetch

        page = await fetch(self._connections(), url)
        read = await self._reader().read(page.content, page.filename, page.mime_type, page.charset)
        source = {"url": url, "mime_type": page.mime_type, "pages": _pages(read.text, read.pages)}
        return Contents(read.text, len(page.content), read.title, page.content, source)

    def from_text(self, text: str) -> Contents:
        """Raises ``InvalidRequest`` for a text that is empty or too long."""
        from parola.knowledge.formats import MOST_CHARACTERS

        clean = text.replace("\0", "").encode("utf-8", "replace").decode()
        if not clean.strip():
            raise InvalidRequest("text: expected some text, got none.")
        if len(clean) > MOST_CHARACTERS:
            raise InvalidRequest(f"text: expected at most {MOST_CHARACTERS} characters, got {len(clean)}.")
        return Contents(clean, len(clean.encode()), source={"pages": _pages(clean, None)})

    def _reader(self) -> Extraction:
        from parola.knowledge.extraction import Extraction

        self._extraction = self._extraction or Extraction()
        return self._extraction

    # -- keeping ------------------------------------------------------------------------------------------------------

    async def keep(self, row: KnowledgeDocumentRow, contents: Contents) -> KnowledgeDocumentRow:
        """Put a document with what was read of it; its indexes, if it has any, are made anew."""
        row = replace(row, size=contents.size, source={**row.source, **contents.source})
        await self._store.knowledge.put(row, text=contents.text, original=contents.original)
        await self.indexing.renew(row.document_id)
        return row

    async def replace(self, document_id: str, contents: Contents) -> KnowledgeDocumentRow:
        """New contents for a document that exists. Raises ``NotFound``."""
        async with self.changing:
            row = await self._store.knowledge.get(document_id)
            if row is None:
                raise NotFound(f"Document with id {document_id} not found.")
            return await self.keep(replace(row, updated_at=time.time()), contents)

    async def refresh(self, row: KnowledgeDocumentRow) -> KnowledgeDocumentRow:
        """Fetch a URL document again. Raises as ``from_url`` does; the document then stays as it is."""
        contents = await self.from_url(str(row.source.get("url") or ""))
        old = await self._store.knowledge.texts([row.document_id])
        source = {**contents.source, **_next_sync(row.source)}
        if old.get(row.document_id) == contents.text:  # its indexes are still right
            return await self._changed_source(row.document_id, source)
        return await self.replace(row.document_id, replace(contents, source=source))

    async def delete(self, document_ids: Sequence[str]) -> int:
        for document_id in document_ids:
            await self.indexing.cancel(document_id)
        return await self._store.knowledge.delete(document_ids)

    def index_soon(self, ids: Sequence[str], model: str) -> None:
        """Have documents, and all that lies in folders among ``ids``, indexed in the background where they have no
        index under this model, or one that failed. Ids that are gone are left out."""
        task = asyncio.create_task(self._index_all(ids, model), name="knowledge-asks-for-indexes")
        self._asking.add(task)
        task.add_done_callback(self._asking.discard)

    async def _index_all(self, ids: Sequence[str], model: str) -> None:
        try:
            for row in await documents_in(self._store.knowledge, ids):
                await self.indexing.get_or_create(row.document_id, model)
        except ParolaError as error:
            log.error("indexing_failed", error=reason(error))

    async def _changed_source(self, document_id: str, source: dict[str, Any]) -> KnowledgeDocumentRow:
        async with self.changing:
            row = await self._store.knowledge.get(document_id)
            if row is None:
                raise NotFound(f"Document with id {document_id} not found.")
            row = replace(row, source={**row.source, **source}, updated_at=time.time())
            await self._store.knowledge.put(row)
            return row

    # -- pages that are kept up to date -------------------------------------------------------------------------------

    async def _sync_forever(self) -> None:
        while True:
            try:
                await self.sync_due(time.time())
            except ParolaError as error:
                log.error("knowledge_sync_failed", error=reason(error))
            await asyncio.sleep(DUE_EVERY_SECONDS)

    async def sync_due(self, now: float) -> None:
        """Fetch again every page whose time has come."""
        cursor: str | None = None
        due: list[KnowledgeDocumentRow] = []
        while True:
            page = await self._store.knowledge.page(KnowledgeQuery(kinds=["url"]), page_size=100, cursor=cursor)
            due += [row for row in page.items if _is_due(row, now)]
            cursor = page.next_cursor
            if cursor is None:
                break
        if due:
            await self._refresh_all(due)

    async def _refresh_all(self, due: Sequence[KnowledgeDocumentRow]) -> None:
        from parola.knowledge.fetching import NotFetched

        for row in due:
            try:
                await self.refresh(row)
            except ParolaError as error:
                log.warning("knowledge_sync_failed", document_id=row.document_id, error=reason(error))
                await self._missed(row, is_gone=isinstance(error, NotFetched))

    async def _missed(self, row: KnowledgeDocumentRow, *, is_gone: bool) -> None:
        sync = dict(row.source["auto_sync_info"])
        sync["consec_failures"] = int(sync.get("consec_failures") or 0) + 1
        if is_gone and sync.get("auto_remove") and sync["consec_failures"] >= REMOVED_AFTER_FAILURES:
            await self.delete([row.document_id])
            return
        with suppress(NotFound):
            await self._changed_source(
                row.document_id, {"auto_sync_info": {**sync, "next_refresh_by": int(time.time()) + DAY_SECONDS}}
            )


def sync_settings(minimum_frequency_days: int, auto_remove: bool, now: float) -> dict[str, Any]:
    """``auto_sync_info`` of a page that was just fetched."""
    return {
        "minimum_frequency_days": minimum_frequency_days,
        "auto_remove": auto_remove,
        "consec_failures": 0,
        "next_refresh_by": int(now) + minimum_frequency_days * DAY_SECONDS,
    }


def _next_sync(source: dict[str, Any]) -> dict[str, Any]:
    sync = source.get("auto_sync_info")
    if not isinstance(sync, dict):
        return {}
    days = int(sync.get("minimum_frequency_days") or 7)
    return {"auto_sync_info": sync_settings(days, bool(sync.get("auto_remove")), time.time())}


def _is_due(row: KnowledgeDocumentRow, now: float) -> bool:
    sync = row.source.get("auto_sync_info")
    return isinstance(sync, dict) and now >= (sync.get("next_refresh_by") or 0)


CHARACTERS_OF_A_PAGE = 3000


def _pages(text: str, counted: int | None) -> float:
    """How many pages a document has: where the format has none, by its length."""
    return float(counted) if counted is not None else round(len(text) / CHARACTERS_OF_A_PAGE, 2)
