"""``/v1/convai/knowledge-base/…/rag-index`` and ``…/chunks``: what of the documents can be found by meaning."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from parola.api.described import described
from parola.api.errors import checked
from parola.api.knowledge_documents import failure, find_document, index_shown, not_found, success
from parola.api.paging import PageDep
from parola.api.responses import Json, RawBody
from parola.api.services import Services, ServicesDep, needs_key
from parola.errors import ParolaError
from parola.protocol.documents import JsonObject
from parola.protocol.knowledge import (
    BatchResponse,
    ChunkResponse,
    ChunksResponse,
    EmbeddingModel,
    RagIndexesRequest,
    RagIndexesResponse,
    RagIndexItem,
    RagIndexRequest,
    RagIndexResponse,
    RagOverviewResponse,
)
from parola.store.base import ChunkRow, RagIndexRow

router = APIRouter(prefix="/v1/convai/knowledge-base", tags=["knowledge base"], dependencies=[needs_key])


@router.get("/rag-index", operation_id="rag_index_overview")
@described(response=RagOverviewResponse)
async def overview(services: ServicesDep) -> Json:
    """How much all indexes use, model by model."""
    used: dict[str, int] = {}
    for index in await services.store.knowledge.indexes():
        used[index.model] = used.get(index.model, 0) + index.used_bytes
    return Json(
        {
            "total_used_bytes": sum(used.values()),
            "total_max_bytes": services.library.indexing.most_bytes,
            "models": [{"model": model, "used_bytes": used_bytes} for model, used_bytes in sorted(used.items())],
        }
    )


@router.post("/rag-index", operation_id="knowledge_base_get_or_create_rag_indexes")
@described(request=RagIndexesRequest, response=BatchResponse)
async def get_or_create_many(raw: RawBody, services: ServicesDep) -> Json:
    """The indexes of several documents; each succeeds or fails on its own."""
    result: JsonObject = {}
    for item in checked(RagIndexesRequest, raw).items:
        try:
            result[item.document_id] = success(await _asked(services, item))
        except ParolaError as error:
            result[item.document_id] = failure(error)
    return Json(result)


@router.get("/{documentation_id}/rag-index", operation_id="get_document_rag_indexes")
@described(response=RagIndexesResponse)
async def of_document(documentation_id: str, services: ServicesDep) -> Json:
    """All indexes of a document."""
    await find_document(services, documentation_id)
    found = await services.store.knowledge.indexes(document_ids=[documentation_id])
    return Json({"indexes": [index_shown(index) for index in found]})


@router.post("/{documentation_id}/rag-index", operation_id="knowledge_base_document_compute_rag_index")
@described(request=RagIndexRequest, response=RagIndexResponse)
async def get_or_create(documentation_id: str, raw: RawBody, services: ServicesDep) -> Json:
    """Index a document, or say how far that has come. One that failed is tried again."""
    model = checked(RagIndexRequest, raw).model
    return Json(await _get_or_create(services, documentation_id, model))


@router.delete("/{documentation_id}/rag-index/{rag_index_id}", operation_id="delete_document_rag_index")
@described(response=RagIndexResponse)
async def delete(documentation_id: str, rag_index_id: str, services: ServicesDep) -> Json:
    """Delete an index; the document stays."""
    await find_document(services, documentation_id)
    found = await services.store.knowledge.indexes(document_ids=[documentation_id])
    index = next((one for one in found if one.index_id == rag_index_id), None)
    if index is None or not await services.store.knowledge.delete_index(rag_index_id):
        raise not_found(rag_index_id)
    return Json(index_shown(index))


@router.get("/{documentation_id}/chunks", operation_id="knowledge_base_documents_chunks_list")
@described(response=ChunksResponse)
async def chunks(documentation_id: str, services: ServicesDep, page: PageDep, embedding_model: EmbeddingModel) -> Json:
    """The chunks of a document under a model, in order."""
    await find_document(services, documentation_id)
    found = await services.store.knowledge.chunk_page(
        documentation_id, embedding_model, page_size=page.size, cursor=page.cursor
    )
    return Json({"chunks": [_chunk(one) for one in found.items], "next_cursor": found.next_cursor})


@router.get("/{documentation_id}/chunk/{chunk_id}", operation_id="knowledge_base_documents_chunk_get")
@described(response=ChunkResponse)
async def chunk(
    documentation_id: str,
    chunk_id: str,
    services: ServicesDep,
    embedding_model: Annotated[EmbeddingModel | None, Query(description="Whose chunk it must be.")] = None,
) -> Json:
    """One chunk, as a conversation's record names it."""
    found = await services.store.knowledge.chunk(chunk_id)
    if found is None or found.document_id != documentation_id or embedding_model not in (None, found.model):
        raise not_found(chunk_id)
    return Json(_chunk(found))


async def _asked(services: Services, item: RagIndexItem) -> JsonObject:
    if item.create_if_missing:
        return await _get_or_create(services, item.document_id, item.model)
    await find_document(services, item.document_id)
    found = await services.store.knowledge.indexes(document_ids=[item.document_id], model=item.model)
    if not found:
        raise not_found(item.document_id)
    return index_shown(found[0])


async def _get_or_create(services: Services, document_id: str, model: str) -> JsonObject:
    row = await find_document(services, document_id)
    if row.kind == "folder":
        return index_shown(RagIndexRow("", document_id, model, "cannot_index_folder", 0.0, 0.0))
    index = await services.library.indexing.get_or_create(document_id, model)
    if index is None:
        raise not_found(document_id)
    return index_shown(index)


def _chunk(row: ChunkRow) -> JsonObject:
    return {"id": row.chunk_id, "name": f"Chunk {row.position + 1}", "content": row.text}
