"""The knowledge base on the wire: requests, and answers for their description (reference: rest.md §3.3)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from parola.protocol.documents import Answer, Asked, Between, JsonObject

EmbeddingModel = Literal["e5_mistral_7b_instruct", "multilingual_e5_large_instruct"]
DocumentKind = Literal["file", "url", "text", "folder"]
Days = Annotated[int, Between(1, 180)]

DEFAULT_SYNC_DAYS = 7


class CreateTextRequest(Asked):
    text: str
    name: str | None = None
    parent_folder_id: str | None = None


class SyncRequest(Asked):
    enable_auto_sync: bool | None = None
    """Fetch the page again every ``minimum_frequency_days``."""
    auto_remove: bool | None = None
    """Delete a page that can no longer be fetched."""
    minimum_frequency_days: Days | None = None


class CreateUrlRequest(SyncRequest):
    url: str
    name: str | None = None
    parent_folder_id: str | None = None


class CreateFolderRequest(SyncRequest):
    name: Annotated[str, Field(min_length=1)]
    parent_folder_id: str | None = None


class UpdateDocumentRequest(SyncRequest):
    name: Annotated[str, Field(min_length=1)] | None = None
    content: str | None = None
    """Of a text document."""
    tighten_only: bool | None = None


class MoveRequest(Asked):
    move_to: str | None = None
    """A folder's id; null: the top."""


class BulkMoveRequest(MoveRequest):
    document_ids: Annotated[list[str], Field(min_length=1, max_length=100)]


class BulkDeleteRequest(Asked):
    document_ids: Annotated[list[str], Field(min_length=1, max_length=100)]
    force: bool | None = None


class DocumentIdsRequest(Asked):
    document_ids: Annotated[list[str], Field(min_length=1, max_length=100)]


class RagIndexRequest(Asked):
    model: EmbeddingModel


class RagIndexItem(Asked):
    document_id: str
    create_if_missing: bool
    model: EmbeddingModel


class RagIndexesRequest(Asked):
    items: Annotated[list[RagIndexItem], Field(min_length=1, max_length=100)]


class AddedResponse(Answer):
    id: str
    name: str
    folder_path: list[JsonObject] | None = None


class DocumentMetadata(Answer):
    created_at_unix_secs: int
    last_updated_at_unix_secs: int
    size_bytes: int


class IndexUsage(Answer):
    used_bytes: int


class RagIndexResponse(Answer):
    id: str
    model: str
    status: str
    progress_percentage: float
    document_model_index_usage: IndexUsage


class DocumentSummary(Answer):
    type: DocumentKind
    id: str
    name: str
    metadata: DocumentMetadata
    supported_usages: list[Literal["prompt", "auto"]]
    access_info: JsonObject
    folder_parent_id: str | None = None
    folder_path: list[JsonObject] | None = None
    dependent_agents: list[JsonObject] | None = None
    x_rag_indexes: list[RagIndexResponse] = Field(default=[], description="How far it can be searched, by model.")


class DocumentResponse(Answer):
    type: DocumentKind
    id: str
    name: str
    metadata: DocumentMetadata
    supported_usages: list[Literal["prompt", "auto"]]
    access_info: JsonObject
    folder_parent_id: str | None = None
    folder_path: list[JsonObject] | None = None
    extracted_inner_html: str | None = None
    content_format: Literal["html", "markdown"] | None = None


class DocumentsPage(Answer):
    documents: list[DocumentSummary]
    next_cursor: str | None = None
    has_more: bool


class SearchResult(Answer):
    document: DocumentSummary
    search_snippet: list[JsonObject] | None = None
    score: float


class SearchResponse(Answer):
    results: list[SearchResult]
    next_cursor: str | None = None


class ChunkResponse(Answer):
    id: str
    name: str
    content: str


class ChunksResponse(Answer):
    chunks: list[ChunkResponse]
    next_cursor: str | None = None


class RagIndexesResponse(Answer):
    indexes: list[RagIndexResponse]


class RagModelUsage(Answer):
    model: str
    used_bytes: int


class RagOverviewResponse(Answer):
    total_used_bytes: int
    total_max_bytes: int
    models: list[RagModelUsage]


class SourceFileUrlResponse(Answer):
    signed_url: str


class KnowledgeSizeResponse(Answer):
    number_of_pages: float


BatchResponse = dict[str, dict[str, Any]]
"""Ids to ``{status: success, data}`` or ``{status: failure, error_code, error_status, error_message}``."""
