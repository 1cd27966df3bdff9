"""The knowledge base in an SQL database. Originals lie beside it, in ``knowledge/``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, delete, insert, or_, select, update

from parola.protocol.lossless import dumps, loads
from parola.store.base import ChunkRow, KnowledgeDocumentRow, KnowledgeQuery, RagIndexRow
from parola.store.blobs import Blobs
from parola.store.pages import Page
from parola.store.readers import Readers
from parola.store.sql_conversations import SealedChange
from parola.store.tables import knowledge_chunks, knowledge_documents, knowledge_texts, rag_indexes
from parola.store.writer import Writer

_SORTS: Mapping[str, Any] = {
    "name": knowledge_documents.c.name_key,
    "created_at": knowledge_documents.c.created_at,
    "updated_at": knowledge_documents.c.updated_at,
    "size": knowledge_documents.c.size,
}

_ROWS_AT_A_TIME = 1000
"""In one statement: below every database's limit of parameters."""


class SqlKnowledge:
    def __init__(self, readers: Readers, writer: Writer[SealedChange], originals: Blobs) -> None:
        self._readers = readers
        self._writer = writer
        self._originals = originals

    async def put(self, row: KnowledgeDocumentRow, *, text: str | None = None, original: bytes | None = None) -> None:
        """The original first: what a killed server leaves behind is a file that nobody names."""
        if original is not None:
            await self._originals.put(row.document_id, original)
        values = {
            "document_id": row.document_id,
            "kind": row.kind,
            "name": row.name,
            "name_key": row.name.casefold(),
            "parent_folder_id": row.parent_folder_id,
            "size": row.size,
            "source": dumps(row.source),
            "created_at": row.created_at,
            "updated_at": row.updated_at,
        }
        is_it = knowledge_documents.c.document_id == row.document_id

        def work(connection: Connection) -> None:
            if not connection.execute(update(knowledge_documents).where(is_it).values(values)).rowcount:
                connection.execute(insert(knowledge_documents).values(values))
            if text is not None:
                of_it = knowledge_texts.c.document_id == row.document_id
                connection.execute(delete(knowledge_texts).where(of_it))
                words = {"document_id": row.document_id, "text": text, "words": text.casefold()}
                connection.execute(insert(knowledge_texts).values(words))

        await self._writer.run(work)

    async def get(self, document_id: str) -> KnowledgeDocumentRow | None:
        rows = await self.get_many([document_id])
        return rows[0] if rows else None

    async def get_many(self, document_ids: Sequence[str]) -> Sequence[KnowledgeDocumentRow]:
        statement = select(knowledge_documents).where(knowledge_documents.c.document_id.in_(document_ids))
        found = {row["document_id"]: row for row in await self._readers.rows(statement)}
        return [_document(found[document_id]) for document_id in document_ids if document_id in found]

    async def texts(self, document_ids: Sequence[str]) -> Mapping[str, str]:
        columns = (knowledge_texts.c.document_id, knowledge_texts.c.text)
        rows = await self._readers.rows(select(*columns).where(knowledge_texts.c.document_id.in_(document_ids)))
        return {row["document_id"]: row["text"] for row in rows}

    async def original(self, document_id: str) -> bytes | None:
        return await self._originals.get(document_id) if await self.get(document_id) is not None else None

    async def delete(self, document_ids: Sequence[str]) -> int:
        is_one = knowledge_documents.c.document_id.in_(document_ids)

        def work(connection: Connection) -> list[str]:
            found = connection.execute(select(knowledge_documents.c.document_id).where(is_one)).scalars().all()
            connection.execute(delete(knowledge_documents).where(is_one))
            return list(found)

        gone = await self._writer.run(work)
        await self._originals.delete(gone)
        return len(gone)

    async def page(
        self, query: KnowledgeQuery, *, page_size: int, cursor: str | None = None
    ) -> Page[KnowledgeDocumentRow]:
        statement = select(knowledge_documents)
        if query.search:
            key = knowledge_documents.c.name_key
            statement = statement.where(key.startswith(query.search.casefold(), autoescape=True))
        if query.kinds:
            statement = statement.where(knowledge_documents.c.kind.in_(query.kinds))
        if query.parent_folder_ids is not None:
            statement = statement.where(knowledge_documents.c.parent_folder_id.in_(query.parent_folder_ids))
        if query.is_folder is not None:
            is_folder = knowledge_documents.c.kind == "folder"
            statement = statement.where(is_folder if query.is_folder else ~is_folder)
        return await self._readers.page(
            statement,
            sort=_SORTS.get(query.sort_by, knowledge_documents.c.created_at),
            key=knowledge_documents.c.document_id,
            ascending=query.ascending,
            page_size=page_size,
            cursor=cursor,
            make=_document,
        )

    async def containing(
        self, words: Sequence[str], *, kinds: Sequence[str] = (), page_size: int, cursor: str | None = None
    ) -> Page[KnowledgeDocumentRow]:
        statement = select(knowledge_documents).outerjoin(knowledge_texts)
        for word in words:
            in_name = knowledge_documents.c.name_key.contains(word, autoescape=True)
            statement = statement.where(or_(in_name, knowledge_texts.c.words.contains(word, autoescape=True)))
        if kinds:
            statement = statement.where(knowledge_documents.c.kind.in_(kinds))
        return await self._readers.page(
            statement,
            sort=knowledge_documents.c.created_at,
            key=knowledge_documents.c.document_id,
            ascending=False,
            page_size=page_size,
            cursor=cursor,
            make=_document,
        )

    async def folders(self) -> Sequence[KnowledgeDocumentRow]:
        statement = select(knowledge_documents).where(knowledge_documents.c.kind == "folder")
        return [_document(row) for row in await self._readers.rows(statement)]

    async def children(self, folder_ids: Sequence[str]) -> Sequence[KnowledgeDocumentRow]:
        statement = (
            select(knowledge_documents)
            .where(knowledge_documents.c.parent_folder_id.in_(folder_ids))
            .order_by(knowledge_documents.c.name_key, knowledge_documents.c.document_id)
        )
        return [_document(row) for row in await self._readers.rows(statement)]

    async def put_index(self, index: RagIndexRow) -> bool:
        return await self._writer.run(lambda connection: _replace_index(connection, index, only_if_there=False))

    async def update_index(self, index: RagIndexRow) -> bool:
        return await self._writer.run(lambda connection: _replace_index(connection, index, only_if_there=True))

    async def finish_index(self, index: RagIndexRow, chunks: Sequence[ChunkRow]) -> bool:
        values = [
            {
                "chunk_id": chunk.chunk_id,
                "index_id": index.index_id,
                "document_id": chunk.document_id,
                "model": chunk.model,
                "position": chunk.position,
                "text": chunk.text,
                "vector": chunk.vector,
            }
            for chunk in chunks
        ]

        def work(connection: Connection) -> bool:
            if not _replace_index(connection, index, only_if_there=True):
                return False
            connection.execute(delete(knowledge_chunks).where(knowledge_chunks.c.index_id == index.index_id))
            for start in range(0, len(values), _ROWS_AT_A_TIME):
                connection.execute(insert(knowledge_chunks), values[start : start + _ROWS_AT_A_TIME])
            return True

        return await self._writer.run(work)

    async def indexes(
        self,
        *,
        document_ids: Sequence[str] | None = None,
        model: str | None = None,
        statuses: Sequence[str] = (),
    ) -> Sequence[RagIndexRow]:
        statement = select(rag_indexes).order_by(rag_indexes.c.created_at, rag_indexes.c.index_id)
        if document_ids is not None:
            statement = statement.where(rag_indexes.c.document_id.in_(document_ids))
        if model is not None:
            statement = statement.where(rag_indexes.c.model == model)
        if statuses:
            statement = statement.where(rag_indexes.c.status.in_(statuses))
        return [RagIndexRow(**row) for row in await self._readers.rows(statement)]

    async def delete_index(self, index_id: str) -> bool:
        is_it = rag_indexes.c.index_id == index_id

        def work(connection: Connection) -> bool:
            return connection.execute(delete(rag_indexes).where(is_it)).rowcount > 0

        return await self._writer.run(work)

    async def chunks(self, model: str, document_ids: Sequence[str]) -> Sequence[ChunkRow]:
        statement = (
            select(knowledge_chunks)
            .where(knowledge_chunks.c.model == model, knowledge_chunks.c.document_id.in_(document_ids))
            .order_by(knowledge_chunks.c.document_id, knowledge_chunks.c.position)
        )
        return [_chunk(row) for row in await self._readers.rows(statement)]

    async def chunk(self, chunk_id: str) -> ChunkRow | None:
        rows = await self._readers.rows(select(knowledge_chunks).where(knowledge_chunks.c.chunk_id == chunk_id))
        return _chunk(rows[0]) if rows else None

    async def chunk_page(
        self, document_id: str, model: str, *, page_size: int, cursor: str | None = None
    ) -> Page[ChunkRow]:
        statement = select(knowledge_chunks).where(
            knowledge_chunks.c.document_id == document_id, knowledge_chunks.c.model == model
        )
        return await self._readers.page(
            statement,
            sort=knowledge_chunks.c.position,
            key=knowledge_chunks.c.chunk_id,
            ascending=True,
            page_size=page_size,
            cursor=cursor,
            make=_chunk,
        )


def _replace_index(connection: Connection, index: RagIndexRow, *, only_if_there: bool) -> bool:
    """False when it cannot be kept: it is gone, or its document is."""
    values = {column.name: getattr(index, column.name) for column in rag_indexes.c}
    is_it = rag_indexes.c.index_id == index.index_id
    if connection.execute(update(rag_indexes).where(is_it).values(values)).rowcount:
        return True
    is_document = knowledge_documents.c.document_id == index.document_id
    if only_if_there or not connection.execute(select(knowledge_documents.c.document_id).where(is_document)).first():
        return False
    connection.execute(insert(rag_indexes).values(values))
    return True


def _document(row: RowMapping) -> KnowledgeDocumentRow:
    return KnowledgeDocumentRow(
        document_id=row["document_id"],
        kind=row["kind"],
        name=row["name"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        parent_folder_id=row["parent_folder_id"],
        size=row["size"],
        source=loads(row["source"]),
    )


def _chunk(row: RowMapping) -> ChunkRow:
    return ChunkRow(
        row["chunk_id"], row["document_id"], row["model"], row["position"], row["text"], bytes(row["vector"])
    )
