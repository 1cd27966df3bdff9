"""``/v1/pronunciation-dictionaries``: how words are said.

Agents name dictionaries in ``tts.pronunciation_dictionary_locators``. Every change of the rules is a version of its
own, so that an agent that names a version keeps it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, File, Form, Query, UploadFile
from starlette.responses import Response

from parola.api.described import described
from parola.api.errors import checked
from parola.api.paging import PageDep, page_body
from parola.api.responses import Json, RawBody, new_id
from parola.api.services import Services, ServicesDep, needs_key
from parola.api.user import USER
from parola.errors import InvalidRequest, NotFound
from parola.protocol.documents import JsonObject
from parola.protocol.pronunciation import (
    KIND,
    AddDictionaryResponse,
    AddFromRulesRequest,
    DictionariesPage,
    DictionaryMetadata,
    DictionaryResponse,
    RemoveRulesRequest,
    RulesRequest,
    RulesResponse,
    UpdateDictionaryRequest,
    read_pls,
    rules_of,
    write_pls,
)
from parola.store.base import DocumentRow

router = APIRouter(
    prefix="/v1/pronunciation-dictionaries", tags=["pronunciation-dictionaries"], dependencies=[needs_key]
)

Change = Callable[[list[JsonObject]], list[JsonObject]]

MOST_VERSIONS = 50
"""Older ones are forgotten."""

MOST_BYTES = 10 * 1024 * 1024
"""Of a PLS file."""


@router.post("/add-from-rules", operation_id="pronunciation_dictionaries_create_from_rules")
@described(request=AddFromRulesRequest, response=AddDictionaryResponse)
async def create_from_rules(raw: RawBody, services: ServicesDep) -> Json:
    """Create a dictionary from rules."""
    asked = checked(AddFromRulesRequest, raw)
    kept = {key: value for key, value in raw.items() if key not in ("name", "rules")}
    return Json(await _create(services, asked.name, raw["rules"], kept))


@router.post("/add-from-file", operation_id="pronunciation_dictionaries_create_from_file")
@described(response=AddDictionaryResponse)
async def create_from_file(
    services: ServicesDep,
    name: Annotated[str, Form()],
    file: Annotated[UploadFile | None, File(description="A PLS file.")] = None,
    description: Annotated[str | None, Form()] = None,
    workspace_access: Annotated[str | None, Form()] = None,
) -> Json:
    """Create a dictionary from a PLS file."""
    content = await file.read() if file is not None else b""
    if len(content) > MOST_BYTES:
        raise InvalidRequest(f"file: expected at most {MOST_BYTES} bytes, got {len(content)}.")
    try:
        rules = read_pls(content) if content else []
    except ValueError as error:
        raise InvalidRequest(f"file: expected a PLS file; {error}.") from None
    kept = {"description": description, "workspace_access": workspace_access}
    return Json(await _create(services, name, rules, kept))


@router.get("", operation_id="pronunciation_dictionaries_list")
@described(response=DictionariesPage)
async def list_dictionaries(
    services: ServicesDep,
    page: PageDep,
    sort: Annotated[str, Query(description="`creation_time_unix` or `name`.")] = "creation_time_unix",
    sort_direction: Annotated[str, Query(description="`ascending` or `descending`.")] = "descending",
    include_archived: bool = False,
) -> Json:
    """List dictionaries, newest first."""
    found = await services.store.documents.page(
        KIND,
        page_size=page.size,
        cursor=page.cursor,
        archived=None if include_archived else False,
        sort_by="name" if sort == "name" else "created_at",
        ascending=sort_direction.lower().startswith("asc"),
    )
    return Json(page_body("pronunciation_dictionaries", map(_metadata, found.items), found))


@router.get("/{dictionary_id}", operation_id="pronunciation_dictionaries_get")
@described(response=DictionaryResponse)
async def get(dictionary_id: str, services: ServicesDep) -> Json:
    """One dictionary, and the rules of its latest version."""
    row = await _find(services, dictionary_id)
    return Json({**_metadata(row), "rules": rules_of(row.document)})


@router.patch("/{dictionary_id}", operation_id="pronunciation_dictionaries_update")
@described(request=UpdateDictionaryRequest, response=DictionaryMetadata)
async def update(dictionary_id: str, raw: RawBody, services: ServicesDep) -> Json:
    """Rename a dictionary, archive it or bring it back."""
    asked = checked(UpdateDictionaryRequest, raw)
    async with services.editing:
        row = await _find(services, dictionary_id)
        archived_at = row.document.get("archived_time_unix")
        if asked.archived is not None:
            archived_at = (archived_at or int(time.time())) if asked.archived else None
        changed = DocumentRow(
            row.document_id,
            KIND,
            asked.name or row.name,
            {**row.document, "archived_time_unix": archived_at},
            row.created_at,
            time.time(),
            is_archived=archived_at is not None,
        )
        await services.store.documents.put(changed)
    return Json(_metadata(changed))


@router.post("/{dictionary_id}/add-rules", operation_id="pronunciation_dictionaries_rules_add")
@described(request=RulesRequest, response=RulesResponse)
async def add_rules(dictionary_id: str, raw: RawBody, services: ServicesDep) -> Json:
    """Add rules; those for the same words are replaced."""
    checked(RulesRequest, raw)

    def added(rules: list[JsonObject]) -> list[JsonObject]:
        fresh = {rule["string_to_replace"]: rule for rule in raw["rules"]}
        kept = [fresh.pop(rule["string_to_replace"], rule) for rule in rules]
        return [*kept, *fresh.values()]

    return Json(await _change(services, dictionary_id, added))


@router.post("/{dictionary_id}/set-rules", operation_id="pronunciation_dictionaries_rules_set")
@described(request=RulesRequest, response=RulesResponse)
async def set_rules(dictionary_id: str, raw: RawBody, services: ServicesDep) -> Json:
    """Replace all rules."""
    checked(RulesRequest, raw)
    return Json(await _change(services, dictionary_id, lambda _: raw["rules"]))


@router.post("/{dictionary_id}/remove-rules", operation_id="pronunciation_dictionaries_rules_remove")
@described(request=RemoveRulesRequest, response=RulesResponse)
async def remove_rules(dictionary_id: str, raw: RawBody, services: ServicesDep) -> Json:
    """Remove the rules for these words."""
    gone = set(checked(RemoveRulesRequest, raw).rule_strings)

    def remaining(rules: list[JsonObject]) -> list[JsonObject]:
        return [rule for rule in rules if rule["string_to_replace"] not in gone]

    return Json(await _change(services, dictionary_id, remaining))


@router.get(
    "/{dictionary_id}/{version_id}/download",
    operation_id="pronunciation_dictionaries_download",
    response_class=Response,
)
async def download(dictionary_id: str, version_id: str, services: ServicesDep) -> Response:
    """A version as a PLS file."""
    row = await _find(services, dictionary_id)
    if all(version["version_id"] != version_id for version in row.document["versions"]):
        raise NotFound(f"Document with id {version_id} not found.")
    return Response(write_pls(rules_of(row.document, version_id)), media_type="application/pls+xml")


async def _create(services: Services, name: str, rules: list[JsonObject], kept: JsonObject) -> JsonObject:
    now = time.time()
    document = {**kept, "versions": [{"version_id": new_id("pdv"), "rules": rules}]}
    row = DocumentRow(new_id("pd"), KIND, name, document, now, now)
    await services.store.documents.put(row)
    metadata = _metadata(row)
    return {
        **{key: value for key, value in metadata.items() if key != "archived_time_unix" and "latest" not in key},
        "version_id": metadata["latest_version_id"],
        "version_rules_num": metadata["latest_version_rules_num"],
    }


async def _change(services: Services, dictionary_id: str, change: Change) -> JsonObject:
    async with services.editing:
        row = await _find(services, dictionary_id)
        rules = change(rules_of(row.document))
        version_id = new_id("pdv")
        versions = [*row.document["versions"], {"version_id": version_id, "rules": rules}][-MOST_VERSIONS:]
        document = {**row.document, "versions": versions}
        await services.store.documents.put(
            DocumentRow(row.document_id, KIND, row.name, document, row.created_at, time.time(), row.is_archived)
        )
    return {"id": dictionary_id, "version_id": version_id, "version_rules_num": len(rules)}


async def _find(services: Services, dictionary_id: str) -> DocumentRow:
    row = await services.store.documents.get(KIND, dictionary_id)
    if row is None:
        raise NotFound(f"Document with id {dictionary_id} not found.")
    return row


def _metadata(row: DocumentRow) -> JsonObject:
    latest = row.document["versions"][-1]
    return {
        "id": row.document_id,
        "latest_version_id": latest["version_id"],
        "latest_version_rules_num": len(latest["rules"]),
        "name": row.name,
        "permission_on_resource": "admin",
        "created_by": USER["user_id"],
        "creation_time_unix": int(row.created_at),
        "archived_time_unix": row.document.get("archived_time_unix"),
        "description": row.document.get("description"),
    }
