"""``POST /v1/convai/knowledge-base/…``: documents and folders come in."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Annotated

from fastapi import APIRouter, File, Form, UploadFile
from fastapi.exceptions import RequestValidationError

from parola.api.described import described
from parola.api.errors import checked
from parola.api.knowledge_documents import added, find_document, shown
from parola.api.responses import Json, RawBody, new_id
from parola.api.services import Services, ServicesDep, needs_key
from parola.errors import InvalidRequest, NotFound
from parola.knowledge.extraction import UnsupportedFile
from parola.knowledge.folders import ROOTS, Tree
from parola.knowledge.formats import MOST_FILE_BYTES
from parola.knowledge.library import Contents, sync_settings
from parola.protocol.documents import JsonObject
from parola.protocol.knowledge import (
    DEFAULT_SYNC_DAYS,
    AddedResponse,
    CreateFolderRequest,
    CreateTextRequest,
    CreateUrlRequest,
    DocumentResponse,
    SyncRequest,
)
from parola.store.base import KnowledgeDocumentRow

router = APIRouter(prefix="/v1/convai/knowledge-base", tags=["knowledge base"], dependencies=[needs_key])

UPLOADS = ("/knowledge-base", "/knowledge-base/file", "/knowledge-base/text", "/update-file")
"""Endings of paths whose bodies may be as large as a file."""

LONGEST_NAME = 300

MOST_DEPTH = 50
"""Of folders in folders."""


@router.post("", operation_id="knowledge_base_add", deprecated=True)
@described(response=AddedResponse)
async def create(
    services: ServicesDep,
    name: Annotated[str | None, Form()] = None,
    url: Annotated[str | None, Form()] = None,
    file: Annotated[UploadFile | None, File()] = None,
) -> Json:
    """Add a file or a page, in the older form."""
    if (file is None) == (url is None):
        raise RequestValidationError(
            [{"type": "missing", "loc": ("body", "file"), "msg": "Expected either file or url", "input": None}]
        )
    if file is not None:
        return Json(await _add_file(services, file, name, None))
    assert url is not None
    return Json(await _add_url(services, CreateUrlRequest(url=url, name=name)))


@router.post("/file", operation_id="knowledge_base_documents_create_from_file")
@described(response=AddedResponse)
async def create_from_file(
    services: ServicesDep,
    file: Annotated[UploadFile, File(description="TXT, MD, HTML, PDF, DOCX or EPUB, at most 20 MB.")],
    name: Annotated[str | None, Form()] = None,
    parent_folder_id: Annotated[str | None, Form()] = None,
) -> Json:
    """Add a file."""
    return Json(await _add_file(services, file, name, parent_folder_id))


@router.post("/url", operation_id="knowledge_base_documents_create_from_url")
@described(request=CreateUrlRequest, response=AddedResponse)
async def create_from_url(raw: RawBody, services: ServicesDep) -> Json:
    """Add a page of the web."""
    return Json(await _add_url(services, checked(CreateUrlRequest, raw)))


@router.post("/text", operation_id="knowledge_base_documents_create_from_text")
@described(request=CreateTextRequest, response=AddedResponse)
async def create_from_text(raw: RawBody, services: ServicesDep) -> Json:
    """Add a text."""
    asked = checked(CreateTextRequest, raw)
    contents = services.library.from_text(asked.text)
    return Json(await _add(services, "text", asked.name or "Text", asked.parent_folder_id, contents))


@router.post("/folder", operation_id="knowledge_base_documents_create_folder")
@described(request=CreateFolderRequest, response=AddedResponse)
async def create_folder(raw: RawBody, services: ServicesDep) -> Json:
    """Add a folder."""
    asked = checked(CreateFolderRequest, raw)
    source = _sync_source(asked)
    return Json(await _add(services, "folder", asked.name, asked.parent_folder_id, Contents("", 0, source=source)))


@router.patch("/{documentation_id}/update-file", operation_id="knowledge_base_document_update_file")
@described(response=DocumentResponse)
async def update_file(documentation_id: str, file: Annotated[UploadFile, File()], services: ServicesDep) -> Json:
    """Replace the file of a document; its indexes are made anew."""
    row = await find_document(services, documentation_id)
    if row.kind != "file":
        raise InvalidRequest(f"Expected a document made from a file, got one of type {row.kind}.")
    contents = await _read(services, file)
    return Json(await shown(services, await services.library.replace(documentation_id, contents)))


# -- for this file and its neighbours ---------------------------------------------------------------------------------


async def destination(tree: Tree, folder_id: str | None) -> str:
    """The folder a request names; empty for the top. Raises ``NotFound``."""
    if folder_id is None or folder_id in ROOTS:
        return ""
    if folder_id not in tree:
        raise NotFound(f"Folder with id {folder_id} not found.")
    return folder_id


async def _add_file(services: Services, file: UploadFile, name: str | None, folder_id: str | None) -> JsonObject:
    await destination(await Tree.of(services.store.knowledge), folder_id)
    contents = await _read(services, file)
    return await _add(services, "file", name or contents.source["filename"], folder_id, contents)


async def _read(services: Services, file: UploadFile) -> Contents:
    content = await file.read(MOST_FILE_BYTES + 1)
    if len(content) > MOST_FILE_BYTES:
        raise UnsupportedFile(f"Expected a file of at most {MOST_FILE_BYTES} bytes, got a larger one.")
    filename = PurePosixPath((file.filename or "").replace("\\", "/")).name[-LONGEST_NAME:] or "file"
    return await services.library.from_file(content, filename, file.content_type or "")


async def _add_url(services: Services, asked: CreateUrlRequest) -> JsonObject:
    tree = await Tree.of(services.store.knowledge)
    folder_id = await destination(tree, asked.parent_folder_id)
    contents = await services.library.from_url(asked.url)
    above = tree.path(folder_id)
    source = _sync_source(asked)
    if asked.enable_auto_sync is None and above and above[-1].source.get("auto_sync_info"):
        inherited = above[-1].source["auto_sync_info"]
        source = {
            "auto_sync_info": sync_settings(inherited["minimum_frequency_days"], inherited["auto_remove"], time.time())
        }
    contents.source.update(source)
    return await _add(services, "url", asked.name or contents.title or asked.url, folder_id, contents)


def _sync_source(asked: SyncRequest) -> JsonObject:
    if not asked.enable_auto_sync:
        return {}
    days = asked.minimum_frequency_days or DEFAULT_SYNC_DAYS
    return {"auto_sync_info": sync_settings(days, bool(asked.auto_remove), time.time())}


async def _add(services: Services, kind: str, name: str, folder_id: str | None, contents: Contents) -> JsonObject:
    async with services.library.changing:
        tree = await Tree.of(services.store.knowledge)
        parent = await destination(tree, folder_id)
        if kind == "folder" and len(tree.path(parent)) >= MOST_DEPTH:
            raise InvalidRequest(f"Expected folders in folders at most {MOST_DEPTH} deep.")
        now = time.time()
        row = KnowledgeDocumentRow(new_id("kb"), kind, name[:LONGEST_NAME], now, now, parent)
        if kind == "folder":
            await services.store.knowledge.put(replace(row, source=contents.source))
        else:
            await services.library.keep(row, contents)
    return added(row, tree)
