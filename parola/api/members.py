"""``/v1/x/members``: the people that API keys belong to. Nobody logs in: a key is what lets somebody in, and the role
of its member is the most it may do. Our extension."""

from __future__ import annotations

import time
from dataclasses import replace

from fastapi import APIRouter

from parola.api.described import described
from parola.api.errors import checked
from parola.api.paging import PageDep, page_body
from parola.api.responses import Json, RawBody, new_id
from parola.api.scopes import ROLES, is_within
from parola.api.services import Services, ServicesDep, needs_key
from parola.errors import Conflict, NotFound
from parola.protocol.documents import JsonObject
from parola.protocol.workspace import MemberChange, MemberRequest, MemberResponse, MembersPage
from parola.store.base import DocumentRow

router = APIRouter(prefix="/v1/x/members", tags=["server"], dependencies=[needs_key])

KIND = "member"


@router.post("", operation_id="x_members_create")
@described(request=MemberRequest, response=MemberResponse)
async def create(raw: RawBody, services: ServicesDep) -> Json:
    """Add somebody."""
    body = checked(MemberRequest, raw)
    now = time.time()
    row = DocumentRow(new_id("member"), KIND, body.name, {"email": body.email, "role": body.role}, now, now)
    await services.store.documents.put(row)
    return Json(await _response(services, row))


@router.get("", operation_id="x_members_list")
@described(response=MembersPage)
async def list_members(services: ServicesDep, page: PageDep, search: str | None = None) -> Json:
    """List the members."""
    found = await services.store.documents.page(KIND, page_size=page.size, cursor=page.cursor, search=search)
    return Json(page_body("members", [await _response(services, row) for row in found.items], found))


@router.get("/{member_id}", operation_id="x_members_get")
@described(response=MemberResponse)
async def get(member_id: str, services: ServicesDep) -> Json:
    """One member, and their keys."""
    return Json(await _response(services, await find_member(services, member_id)))


@router.patch("/{member_id}", operation_id="x_members_update")
@described(request=MemberChange, response=MemberResponse)
async def update(member_id: str, raw: RawBody, services: ServicesDep) -> Json:
    """Change a member. A role that allows less than one of their keys has is refused: change the key first."""
    body = checked(MemberChange, raw)
    async with services.editing:
        old = await find_member(services, member_id)
        document = {**old.document, **body.model_dump(include={"email", "role"}, exclude_none=True)}
        for key in await services.store.api_keys.all():
            if key.member_id == member_id and not is_within(key.scopes, ROLES[str(document["role"])]):
                raise Conflict(f"The key {key.key_id} may do more than the role {document['role']} allows.")
        row = replace(old, name=body.name or old.name, document=document, updated_at=time.time())
        await services.store.documents.put(row)
    return Json(await _response(services, row))


@router.delete("/{member_id}", operation_id="x_members_delete")
async def delete(member_id: str, services: ServicesDep) -> Json:
    """Remove a member who has no keys any more."""
    await find_member(services, member_id)
    if keys := await _keys(services, member_id):
        raise Conflict(f"The member {member_id} still has the keys {', '.join(keys)}: delete them first.")
    await services.store.documents.delete(KIND, member_id)
    return Json({})


async def find_member(services: Services, member_id: str) -> DocumentRow:
    """Raises ``NotFound``."""
    row = await services.store.documents.get(KIND, member_id)
    if row is None:
        raise NotFound(f"Document with id {member_id} not found.")
    return row


async def _keys(services: Services, member_id: str) -> list[str]:
    return [key.key_id for key in await services.store.api_keys.all() if key.member_id == member_id]


async def _response(services: Services, row: DocumentRow) -> JsonObject:
    return {
        "member_id": row.document_id,
        "name": row.name,
        "email": row.document["email"],
        "role": row.document["role"],
        "created_at_unix_secs": int(row.created_at),
        "api_keys": await _keys(services, row.document_id),
    }
