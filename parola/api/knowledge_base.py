"""``/v1/convai/knowledge-base``: documents and folders are listed, read, changed, moved and deleted."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Annotated, Literal
from urllib.parse import quote

from fastapi import APIRouter, Query, Request
from starlette.responses import PlainTextResponse, Response

from parola.api.address import base_url
from parola.api.agents import find_agent
from parola.api.credentials import LIFETIME_SECONDS
from parola.api.described import described
from parola.api.errors import checked
from parola.api.knowledge_documents import (
    failure,
    find_document,
    not_found,
    shown,
    success,
    summaries,
    users_of,
    users_of_all,
    without,
)
from parola.api.knowledge_new import LONGEST_NAME, destination
from parola.api.named_documents import named_in
from parola.api.paging import PageAsked, PageDep, SortDirection, page_body
from parola.api.references import dependent
from parola.api.responses import Json, RawBody
from parola.api.services import Services, ServicesDep, needs, needs_key, open_to_all
from parola.api.user import USER
from parola.errors import Conflict, InvalidRequest, ParolaError, Unauthorized
from parola.knowledge.folders import Tree, documents_in
from parola.knowledge.library import sync_settings
from parola.protocol.documents import JsonObject
from parola.protocol.knowledge import (
    DEFAULT_SYNC_DAYS,
    BatchResponse,
    BulkDeleteRequest,
    BulkMoveRequest,
    DocumentIdsRequest,
    DocumentKind,
    DocumentResponse,
    DocumentsPage,
    KnowledgeSizeResponse,
    MoveRequest,
    SearchResponse,
    SourceFileUrlResponse,
    UpdateDocumentRequest,
)
from parola.protocol.tools import DependentAgentsPage
from parola.store.base import AgentRow, KnowledgeDocumentRow, KnowledgeQuery
from parola.store.pages import Page

router = APIRouter(prefix="/v1/convai", tags=["knowledge base"], dependencies=[needs_key])
open_router = APIRouter(tags=["knowledge base"])
"""What a signed link is key enough for."""

Kinds = Annotated[list[DocumentKind] | None, Query(description="Only these types.")]
DependentType = Annotated[
    Literal["direct", "transitive", "all"],
    Query(description="Agents that name the document, a folder it lies in, or either."),
]

SNIPPET_CHARACTERS = 120
"""On each side of what was found."""


# -- several ----------------------------------------------------------------------------------------------------------


@router.get("/knowledge-base", operation_id="knowledge_base_list")
@described(response=DocumentsPage)
async def list_documents(
    services: ServicesDep,
    page: PageDep,
    search: Annotated[str | None, Query(description="What the name begins with.")] = None,
    show_only_owned_documents: bool = False,
    created_by_user_id: Annotated[str | None, Query(description="`@me`, or a user's id.")] = None,
    types: Kinds = None,
    parent_folder_id: Annotated[str | None, Query(description="Directly in this folder; `root`: at the top.")] = None,
    ancestor_folder_id: Annotated[str | None, Query(description="In this folder, at any depth.")] = None,
    folders_first: bool = False,
    sort_direction: SortDirection = "desc",
    sort_by: Literal["name", "created_at", "updated_at", "size"] = "created_at",
) -> Json:
    """List documents and folders, newest first."""
    if created_by_user_id not in (None, "", "@me", USER["user_id"]):
        return Json(page_body("documents", (), Page(())))
    within = await _within(services, parent_folder_id, ancestor_folder_id)
    query = KnowledgeQuery(search, types or (), within, None, sort_by, sort_direction == "asc")
    found = await (_folders_first if folders_first else _plainly)(services, query, page)
    return Json(page_body("documents", await summaries(services, found.items), found))


@router.get("/knowledge-base/search", operation_id="knowledge_base_search")
@described(response=SearchResponse)
async def search(
    services: ServicesDep,
    page: PageDep,
    query: Annotated[str, Query(min_length=1, max_length=1000, description="Words that all occur in a document.")],
    types: Kinds = None,
) -> Json:
    """Find documents by their words, newest first."""
    words = query.casefold().split()
    found = await services.store.knowledge.containing(words, kinds=types or (), page_size=page.size, cursor=page.cursor)
    pattern = re.compile("|".join(sorted(map(re.escape, words), key=len, reverse=True)) or r"(?!)", re.IGNORECASE)
    results = []
    for row, summary in zip(found.items, await summaries(services, found.items), strict=True):
        text = (await services.store.knowledge.texts([row.document_id])).get(row.document_id, "")
        hits = sum(1 for _ in pattern.finditer(text)) + sum(1 for _ in pattern.finditer(row.name))
        score = round(hits / (hits + 1), 4)
        results.append({"document": summary, "search_snippet": _snippet(text, pattern), "score": score})
    return Json({"results": results, "next_cursor": found.next_cursor})


@router.get("/knowledge-base/summaries", operation_id="knowledge_base_documents_summaries_get")
@described(response=BatchResponse)
async def get_summaries(services: ServicesDep, document_ids: Annotated[list[str], Query(max_length=100)]) -> Json:
    """Several documents at once; each succeeds or fails on its own."""
    rows = await services.store.knowledge.get_many(list(dict.fromkeys(document_ids)))
    found = {summary["id"]: success(summary) for summary in await summaries(services, rows)}
    return Json({one: found.get(one) or failure(not_found(one)) for one in document_ids})


@router.post("/knowledge-base/bulk-delete", operation_id="knowledge_base_documents_bulk_delete")
@described(request=BulkDeleteRequest, response=BatchResponse)
async def bulk_delete(raw: RawBody, services: ServicesDep) -> Json:
    """Delete several documents or folders; each succeeds or fails on its own."""
    asked = checked(BulkDeleteRequest, raw)
    result: JsonObject = {}
    for document_id in dict.fromkeys(asked.document_ids):
        try:
            await _delete(services, document_id, force=bool(asked.force))
            result[document_id] = success({"id": document_id})
        except ParolaError as error:
            result[document_id] = failure(error)
    return Json(result)


@router.post("/knowledge-base/bulk-move", operation_id="knowledge_base_documents_bulk_move")
@described(request=BulkMoveRequest)
async def bulk_move(raw: RawBody, services: ServicesDep) -> Json:
    """Move several documents or folders into a folder, or to the top: all of them or none."""
    asked = checked(BulkMoveRequest, raw)
    await _move(services, asked.document_ids, asked.move_to)
    return Json({})


@router.post(
    "/knowledge-base/dependent-agents",
    operation_id="knowledge_base_documents_get_bulk_agents",
    dependencies=[needs("agents:read")],
)
@described(request=DocumentIdsRequest, response=DependentAgentsPage)
async def bulk_dependent_agents(
    raw: RawBody, services: ServicesDep, page: PageDep, dependent_type: DependentType = "all"
) -> Json:
    """The agents that use any of several documents."""
    ids = checked(DocumentIdsRequest, raw).document_ids
    rows = await services.store.knowledge.get_many(list(dict.fromkeys(ids)))
    return Json(await _dependents(services, rows, dependent_type, page))


# -- one --------------------------------------------------------------------------------------------------------------


@router.get("/knowledge-base/{documentation_id}", operation_id="knowledge_base_documents_get")
@described(response=DocumentResponse)
async def get(documentation_id: str, services: ServicesDep, agent_id: str | None = None) -> Json:
    """One document with its text, or one folder."""
    return Json(await shown(services, await find_document(services, documentation_id)))


@router.patch("/knowledge-base/{documentation_id}", operation_id="knowledge_base_documents_update")
@described(request=UpdateDocumentRequest, response=DocumentResponse)
async def update(documentation_id: str, raw: RawBody, services: ServicesDep) -> Json:
    """Rename a document, replace the content of a text, or change how a page is kept up to date."""
    asked = checked(UpdateDocumentRequest, raw)
    row = await find_document(services, documentation_id)
    if asked.content is not None:
        if row.kind != "text":
            raise InvalidRequest(f"content: expected a document of type text, got one of type {row.kind}.")
        await services.library.replace(documentation_id, services.library.from_text(asked.content))
    async with services.library.changing:
        row = await find_document(services, documentation_id)
        changed = replace(row, name=(asked.name or row.name)[:LONGEST_NAME], updated_at=time.time())
        changed = _synced(changed, asked)
        await services.store.knowledge.put(changed)
        if row.kind == "folder" and changed.source != row.source:
            await _sync_inside(services, changed, tighten_only=bool(asked.tighten_only))
    return Json(await shown(services, changed))


@router.delete("/knowledge-base/{documentation_id}", operation_id="knowledge_base_documents_delete")
async def delete(documentation_id: str, services: ServicesDep, force: bool = False) -> Json:
    """Delete a document; one that agents use, or a folder with something in it, only with ``force``."""
    await _delete(services, documentation_id, force=force)
    return Json({})


@router.post("/knowledge-base/{document_id}/move", operation_id="knowledge_base_documents_move")
@described(request=MoveRequest)
async def move(document_id: str, raw: RawBody, services: ServicesDep) -> Json:
    """Move a document or folder into a folder, or to the top."""
    await _move(services, [document_id], checked(MoveRequest, raw).move_to)
    return Json({})


@router.post("/knowledge-base/{documentation_id}/refresh", operation_id="knowledge_base_document_refresh")
@described(response=DocumentResponse)
async def refresh(documentation_id: str, services: ServicesDep) -> Json:
    """Fetch a page again; its indexes are made anew when it has changed."""
    row = await find_document(services, documentation_id)
    if row.kind != "url":
        raise InvalidRequest(f"Expected a document made from a URL, got one of type {row.kind}.")
    return Json(await shown(services, await services.library.refresh(row)))


@router.get(
    "/knowledge-base/{documentation_id}/content",
    operation_id="knowledge_base_documents_get_content",
    response_class=PlainTextResponse,
)
async def content(documentation_id: str, services: ServicesDep) -> PlainTextResponse:
    """The whole text of a document."""
    row = await find_document(services, documentation_id)
    if row.kind == "folder":
        raise InvalidRequest("Expected a document, got a folder: it has no content of its own.")
    text = (await services.store.knowledge.texts([documentation_id])).get(documentation_id, "")
    return PlainTextResponse(text, headers={"x-content-type-options": "nosniff"})


@router.get("/knowledge-base/{documentation_id}/dependent-agents", operation_id="knowledge_base_documents_get_agents")
@described(response=DependentAgentsPage)
async def dependent_agents(
    documentation_id: str, services: ServicesDep, page: PageDep, dependent_type: DependentType = "all"
) -> Json:
    """The agents that use a document."""
    row = await find_document(services, documentation_id)
    return Json(await _dependents(services, [row], dependent_type, page))


@router.get(
    "/knowledge-base/{documentation_id}/source-file-url",
    operation_id="knowledge_base_documents_get_source_file_url",
)
@described(response=SourceFileUrlResponse)
async def source_file_url(documentation_id: str, request: Request, services: ServicesDep) -> Json:
    """A link to the file as it was uploaded, for the next 15 minutes."""
    row = await find_document(services, documentation_id)
    if row.kind not in ("file", "url"):
        raise InvalidRequest(f"Expected a document made from a file or a URL, got one of type {row.kind}.")
    path = _source_path(documentation_id)
    expires_at = int(time.time()) + LIFETIME_SECONDS
    signature = services.credentials.sign_link(path, expires_at)
    base = base_url(request, services.settings)
    return Json({"signed_url": f"{base}{path}?expires={expires_at}&signature={signature}"})


@open_router.get(
    "/v1/x/knowledge-base/{documentation_id}/source",
    operation_id="knowledge_base_source",
    dependencies=[open_to_all("The signature in the address is the credential.")],
    response_class=Response,
)
async def source(documentation_id: str, services: ServicesDep, expires: int, signature: str) -> Response:
    """The file behind a signed link."""
    if not services.credentials.is_link(_source_path(documentation_id), expires, signature, time.time()):
        raise Unauthorized("The link was not issued by this server, or has expired. Get a new one.")
    row = await find_document(services, documentation_id)
    original = await services.store.knowledge.original(documentation_id)
    if original is None:
        raise not_found(documentation_id)
    name = str(row.source.get("filename") or row.name)
    headers = {
        "content-disposition": f"attachment; filename*=utf-8''{quote(name, safe='')}",
        "x-content-type-options": "nosniff",
    }
    return Response(original, media_type="application/octet-stream", headers=headers)


@router.get("/agent/{agent_id}/knowledge-base/size", operation_id="agents_knowledge_base_size")
@described(response=KnowledgeSizeResponse)
async def size(agent_id: str, services: ServicesDep) -> Json:
    """How many pages the documents of an agent have together."""
    agent = await find_agent(services, agent_id)
    rows = await documents_in(services.store.knowledge, named_in(agent.document))
    return Json({"number_of_pages": round(sum(float(row.source.get("pages") or 0) for row in rows), 2)})


# -- lists ------------------------------------------------------------------------------------------------------------


async def _within(services: Services, parent: str | None, ancestor: str | None) -> Sequence[str] | None:
    """The folders whose direct contents are asked for; None: all."""
    if not parent and not ancestor:
        return None
    tree = await Tree.of(services.store.knowledge)
    direct = None if not parent else [await destination(tree, parent)]
    below = None if not ancestor else tree.below(await destination(tree, ancestor))
    if direct is None or below is None:
        return direct if below is None else below
    return [folder_id for folder_id in direct if folder_id in below]


async def _plainly(services: Services, query: KnowledgeQuery, page: PageAsked) -> Page[KnowledgeDocumentRow]:
    return await services.store.knowledge.page(query, page_size=page.size, cursor=page.cursor)


async def _folders_first(services: Services, query: KnowledgeQuery, page: PageAsked) -> Page[KnowledgeDocumentRow]:
    """Two lists, one after the other; the cursor begins with which of them it is of."""
    knowledge = services.store.knowledge
    part, _, cursor = (page.cursor or "folders.").partition(".")
    if part not in ("folders", "documents"):
        raise InvalidRequest('cursor: expected the "next_cursor" of a page of this list.')
    items: list[KnowledgeDocumentRow] = []
    if part == "folders":
        folders = await knowledge.page(replace(query, is_folder=True), page_size=page.size, cursor=cursor or None)
        if folders.next_cursor is not None:
            return Page(folders.items, f"folders.{folders.next_cursor}")
        items, cursor = list(folders.items), ""
    left = page.size - len(items)
    # A page full of folders still has to know whether anything comes after it.
    documents = await knowledge.page(replace(query, is_folder=False), page_size=max(left, 1), cursor=cursor or None)
    if not left:
        return Page(items, "documents." if documents.items else None)
    after = None if documents.next_cursor is None else f"documents.{documents.next_cursor}"
    return Page([*items, *documents.items], after)


async def _dependents(
    services: Services, rows: Iterable[KnowledgeDocumentRow], kind: str, page: PageAsked
) -> JsonObject:
    tree, users = await Tree.of(services.store.knowledge), await users_of_all(services.store)
    found: dict[str, AgentRow] = {}
    named: dict[str, list[str]] = {}
    for row in rows:
        for agent in users_of(row, users, tree, kind):
            found[agent.agent_id] = agent
            named.setdefault(agent.agent_id, []).append(row.document_id)
    ordered = sorted(found, key=lambda agent_id: (-found[agent_id].created_at, agent_id))
    if page.cursor is not None and page.cursor not in found:
        raise InvalidRequest('cursor: expected the "next_cursor" of a page of this list.')
    start = 0 if page.cursor is None else ordered.index(page.cursor) + 1
    shown = ordered[start : start + page.size]
    more = len(ordered) > start + page.size
    return {
        "agents": [{**dependent(found[one]), "referenced_resource_ids": named[one]} for one in shown],
        "branches": [],
        "next_cursor": shown[-1] if more else None,
        "has_more": more,
    }


def _snippet(text: str, pattern: re.Pattern[str]) -> list[JsonObject] | None:
    """The words around the first hit, and which of them are hits; None when only the name has them."""
    first = pattern.search(text)
    if first is None:
        return None
    start = max(0, first.start() - SNIPPET_CHARACTERS)
    piece = text[start : first.end() + SNIPPET_CHARACTERS]
    segments: list[JsonObject] = []
    place = 0
    for hit in pattern.finditer(piece):
        if hit.start() > place:
            segments.append({"value": piece[place : hit.start()], "is_hit": False})
        segments.append({"value": hit[0], "is_hit": True})
        place = hit.end()
    if place < len(piece):
        segments.append({"value": piece[place:], "is_hit": False})
    return segments


# -- changes ----------------------------------------------------------------------------------------------------------


async def _move(services: Services, document_ids: Sequence[str], folder_id: str | None) -> None:
    async with services.library.changing:
        tree = await Tree.of(services.store.knowledge)
        target = await destination(tree, folder_id)
        rows = [await find_document(services, document_id) for document_id in dict.fromkeys(document_ids)]
        above = {folder.document_id for folder in tree.path(target)}
        for row in rows:
            if row.document_id in above:
                raise InvalidRequest(f"The folder {row.name} cannot be moved into itself.")
        for row in rows:
            await services.store.knowledge.put(replace(row, parent_folder_id=target))


async def _delete(services: Services, document_id: str, *, force: bool) -> None:
    """With ``force`` a folder takes along what is in it, and agents forget what is gone."""
    store = services.store
    async with services.editing, services.library.changing:
        row = await find_document(services, document_id)
        tree, users = await Tree.of(store.knowledge), await users_of_all(store)
        gone = [row]
        if row.kind == "folder":
            gone += await store.knowledge.children(tree.below(document_id))
        if not force:
            if len(gone) > 1:
                raise Conflict("The folder is not empty. Delete it with force=true.")
            if using := users_of(row, users, tree, "direct"):
                names = ", ".join(agent.name for agent in using)
                raise Conflict(f"The document is used by {names}. Delete it with force=true.")
        ids = [one.document_id for one in gone]
        using = list({agent.agent_id: agent for one in ids for agent in users.get(one, ())}.values())
        for agent in using:
            document = without(agent.document, frozenset(ids))
            await store.agents.put(replace(agent, document=document, updated_at=time.time()), "A document was deleted")
        await services.library.delete(ids)


def _synced(row: KnowledgeDocumentRow, asked: UpdateDocumentRequest) -> KnowledgeDocumentRow:
    """``auto_sync_info`` as the request wants it; what it leaves out stays as it is."""
    given = (asked.enable_auto_sync, asked.auto_remove, asked.minimum_frequency_days)
    if given == (None, None, None):
        return row
    if row.kind not in ("url", "folder"):
        raise InvalidRequest(f"enable_auto_sync: expected a page or a folder, got a document of type {row.kind}.")
    old = row.source.get("auto_sync_info")
    is_on = asked.enable_auto_sync if asked.enable_auto_sync is not None else old is not None
    others = {key: value for key, value in row.source.items() if key != "auto_sync_info"}
    if not is_on:
        return replace(row, source=others)
    old = old or {}
    days = asked.minimum_frequency_days or old.get("minimum_frequency_days") or DEFAULT_SYNC_DAYS
    auto_remove = asked.auto_remove if asked.auto_remove is not None else bool(old.get("auto_remove"))
    return replace(row, source={**others, "auto_sync_info": sync_settings(days, auto_remove, time.time())})


async def _sync_inside(services: Services, folder: KnowledgeDocumentRow, *, tighten_only: bool) -> None:
    """Pages in a folder follow it: exactly, or, to tighten, where it is stricter than they are."""
    knowledge = services.store.knowledge
    wanted = folder.source.get("auto_sync_info")
    below = (await Tree.of(knowledge)).below(folder.document_id)
    for row in await knowledge.children(below):
        if row.kind != "url" and row.kind != "folder":
            continue
        old = row.source.get("auto_sync_info")
        if wanted is None and tighten_only:
            continue
        sync = wanted
        if wanted is not None and old is not None and tighten_only:
            days = min(wanted["minimum_frequency_days"], old["minimum_frequency_days"])
            sync = sync_settings(days, wanted["auto_remove"] or old["auto_remove"], time.time())
        source = {key: value for key, value in row.source.items() if key != "auto_sync_info"}
        await knowledge.put(replace(row, source=source if sync is None else {**source, "auto_sync_info": sync}))


def _source_path(document_id: str) -> str:
    return f"/v1/x/knowledge-base/{quote(document_id, safe='')}/source"
