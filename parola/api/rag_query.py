"""``/v1/convai/agents/{agent_id}/knowledge-base/rag-query``: what an agent's documents hold about a question."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter
from pydantic import Field

from parola.api.agents import find_agent
from parola.api.described import described
from parola.api.errors import checked
from parola.api.named_documents import named_in
from parola.api.responses import Json, RawBody
from parola.api.services import ServicesDep, needs, needs_key
from parola.knowledge.folders import documents_in
from parola.protocol.agents import ConversationalConfig
from parola.protocol.documents import Answer, Asked

router = APIRouter(prefix="/v1/convai/agents", tags=["knowledge base"], dependencies=[needs_key])


class RagQueryRequest(Asked):
    query: Annotated[str, Field(min_length=1, max_length=2000)]
    use_agent_defaults: bool = True
    """With the limits of the agent's ``prompt.rag``; else with those an agent has by default."""


class RagQueryChunk(Answer):
    document_id: str
    document_name: str
    chunk_id: str
    text: str
    vector_distance: float
    content_format: str
    document_type: str


class RagQueryResponse(Answer):
    retrieval_query: str
    chunks: list[RagQueryChunk]


@router.post(
    "/{agent_id}/knowledge-base/rag-query",
    operation_id="agents_knowledge_base_rag_query",
    dependencies=[needs("agents:read")],
)
@described(request=RagQueryRequest, response=RagQueryResponse)
async def rag_query(agent_id: str, raw: RawBody, services: ServicesDep) -> Json:
    """The chunks that a conversation would be given, best first: of all documents that are indexed, also of those that
    stand in the prompt as a whole."""
    # Not before the first question: numpy takes longer to import than all the rest of the server.
    from parola.knowledge.retrieval import Chunks, Limits

    asked = checked(RagQueryRequest, raw)
    agent = await find_agent(services, agent_id)
    config = ConversationalConfig.model_validate(agent.document.get("conversation_config") or {})
    rag = config.agent.prompt.rag
    limits = Limits()
    if asked.use_agent_defaults:
        limits = Limits(
            rag.max_vector_distance,
            rag.max_documents_length,
            rag.max_retrieved_rag_chunks_count,
            rag.num_candidates,
        )
    documents = {row.document_id: row for row in await documents_in(services.store.knowledge, named_in(agent.document))}
    embedder = services.registry.embedder(rag.embedding_model).provider
    rows, vectors = await asyncio.gather(
        services.store.knowledge.chunks(rag.embedding_model, list(documents)),
        embedder.embed([asked.query], is_query=True),
    )
    chunks = await asyncio.to_thread(Chunks, rows)
    found = await asyncio.to_thread(chunks.search, asked.query, vectors[0], embedder.distance_scale, limits)
    return Json(
        {
            "retrieval_query": asked.query,
            "chunks": [
                {
                    "document_id": one.document_id,
                    "document_name": documents[one.document_id].name,
                    "chunk_id": one.chunk_id,
                    "text": one.text,
                    "vector_distance": one.vector_distance,
                    "content_format": "markdown",
                    "document_type": documents[one.document_id].kind,
                }
                for one in found
                if one.is_used
            ],
        }
    )
