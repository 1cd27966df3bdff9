"""The knowledge base in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from parola.protocol.lossless import dumps, loads
from parola.store import cursors
from parola.store.base import ChunkRow, KnowledgeDocumentRow, KnowledgeQuery, RagIndexRow
from parola.store.memory_pages import page
from parola.store.pages import Page


class MemoryKnowledge:
    def __init__(self) -> None:
        self._rows: dict[str, tuple[KnowledgeDocumentRow, bytes]] = {}
        self._texts: dict[str, str] = {}
        self._originals: dict[str, bytes] = {}
        self._indexes: dict[str, RagIndexRow] = {}
        self._chunks: dict[str, list[ChunkRow]] = {}
        """By index."""

    async def put(self, row: KnowledgeDocumentRow, *, text: str | None = None, original: bytes | None = None) -> None:
        self._rows[row.document_id] = (replace(row, source={}), dumps(row.source))
        if text is not None:
            self._texts[row.document_id] = text
        if original is not None:
            self._originals[row.document_id] = original

    async def get(self, document_id: str) -> KnowledgeDocumentRow | None:
        kept = self._rows.get(document_id)
        return None if kept is None else replace(kept[0], source=loads(kept[1]))

    async def get_many(self, document_ids: Sequence[str]) -> Sequence[KnowledgeDocumentRow]:
        found = [await self.get(document_id) for document_id in document_ids]
        return [row for row in found if row is not None]

    async def texts(self, document_ids: Sequence[str]) -> Mapping[str, str]:
        return {document_id: self._texts[document_id] for document_id in document_ids if document_id in self._texts}

    async def original(self, document_id: str) -> bytes | None:
        return self._originals.get(document_id)

    async def delete(self, document_ids: Sequence[str]) -> int:
        gone = [document_id for document_id in dict.fromkeys(document_ids) if self._rows.pop(document_id, None)]
        for document_id in gone:
            self._texts.pop(document_id, None)
            self._originals.pop(document_id, None)
        for index in list(self._indexes.values()):
            if index.document_id in gone:
                await self.delete_index(index.index_id)
        return len(gone)

    async def page(
        self, query: KnowledgeQuery, *, page_size: int, cursor: str | None = None
    ) -> Page[KnowledgeDocumentRow]:
        return page(
            (row for row in self._all() if _matches(row, query)),
            _PLACES.get(query.sort_by, _PLACES["created_at"]),
            ascending=query.ascending,
            page_size=page_size,
            cursor=cursor,
            kind=str if query.sort_by == "name" else float,
        )

    async def containing(
        self, words: Sequence[str], *, kinds: Sequence[str] = (), page_size: int, cursor: str | None = None
    ) -> Page[KnowledgeDocumentRow]:
        def has_all(row: KnowledgeDocumentRow) -> bool:
            name, text = row.name.casefold(), self._texts.get(row.document_id, "").casefold()
            return all(word in name or word in text for word in words)

        return page(
            (row for row in self._all() if (not kinds or row.kind in kinds) and has_all(row)),
            _PLACES["created_at"],
            ascending=False,
            page_size=page_size,
            cursor=cursor,
        )

    async def folders(self) -> Sequence[KnowledgeDocumentRow]:
        return [row for row in self._all() if row.kind == "folder"]

    async def children(self, folder_ids: Sequence[str]) -> Sequence[KnowledgeDocumentRow]:
        inside = (row for row in self._all() if row.parent_folder_id in folder_ids)
        return sorted(inside, key=_PLACES["name"])

    async def put_index(self, index: RagIndexRow) -> bool:
        if index.document_id not in self._rows:
            return False
        self._indexes[index.index_id] = index
        return True

    async def update_index(self, index: RagIndexRow) -> bool:
        return index.index_id in self._indexes and await self.put_index(index)

    async def finish_index(self, index: RagIndexRow, chunks: Sequence[ChunkRow]) -> bool:
        if index.index_id not in self._indexes:
            return False
        self._indexes[index.index_id] = index
        self._chunks[index.index_id] = sorted(chunks, key=lambda chunk: chunk.position)
        return True

    async def indexes(
        self,
        *,
        document_ids: Sequence[str] | None = None,
        model: str | None = None,
        statuses: Sequence[str] = (),
    ) -> Sequence[RagIndexRow]:
        found = (
            index
            for index in self._indexes.values()
            if (document_ids is None or index.document_id in document_ids)
            and model in (None, index.model)
            and (not statuses or index.status in statuses)
        )
        return sorted(found, key=lambda index: (index.created_at, index.index_id))

    async def delete_index(self, index_id: str) -> bool:
        self._chunks.pop(index_id, None)
        return self._indexes.pop(index_id, None) is not None

    async def chunks(self, model: str, document_ids: Sequence[str]) -> Sequence[ChunkRow]:
        wanted = set(document_ids)
        found = (c for chunks in self._chunks.values() for c in chunks if c.model == model and c.document_id in wanted)
        return sorted(found, key=lambda chunk: (chunk.document_id, chunk.position))

    async def chunk(self, chunk_id: str) -> ChunkRow | None:
        return next((c for chunks in self._chunks.values() for c in chunks if c.chunk_id == chunk_id), None)

    async def chunk_page(
        self, document_id: str, model: str, *, page_size: int, cursor: str | None = None
    ) -> Page[ChunkRow]:
        return page(
            await self.chunks(model, [document_id]),
            lambda chunk: (chunk.position, chunk.chunk_id),
            ascending=True,
            page_size=page_size,
            cursor=cursor,
        )

    def _all(self) -> Iterable[KnowledgeDocumentRow]:
        return [replace(row, source=loads(source)) for row, source in self._rows.values()]


_PLACES: Mapping[str, Callable[[KnowledgeDocumentRow], cursors.Place]] = {
    "name": lambda row: (row.name.casefold(), row.document_id),
    "created_at": lambda row: (row.created_at, row.document_id),
    "updated_at": lambda row: (row.updated_at, row.document_id),
    "size": lambda row: (row.size, row.document_id),
}


def _matches(row: KnowledgeDocumentRow, query: KnowledgeQuery) -> bool:
    return (
        row.name.casefold().startswith((query.search or "").casefold())
        and (not query.kinds or row.kind in query.kinds)
        and (query.parent_folder_ids is None or row.parent_folder_id in query.parent_folder_ids)
        and query.is_folder in (None, row.kind == "folder")
    )
