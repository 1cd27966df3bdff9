"""``/v1/x/auth-connections``: how tools prove to somebody else's service who they are. Secrets are never read back."""

from __future__ import annotations

import time
from dataclasses import replace

from fastapi import APIRouter

from parola.api.described import described
from parola.api.errors import checked
from parola.api.paging import PageDep, page_body
from parola.api.references import agents_by, tools_by
from parola.api.responses import Json, RawBody, new_id
from parola.api.services import Services, ServicesDep, needs_key
from parola.errors import Conflict, NotFound
from parola.protocol.auth_connections import (
    KIND,
    SECRET_FIELDS,
    AuthConnectionRequest,
    AuthConnectionResponse,
    AuthConnectionsPage,
)
from parola.protocol.documents import JsonObject
from parola.store.base import DocumentRow

router = APIRouter(prefix="/v1/x/auth-connections", tags=["auth-connections"], dependencies=[needs_key])


@router.post("", operation_id="x_auth_connections_create")
@described(request=AuthConnectionRequest, response=AuthConnectionResponse)
async def create(raw: RawBody, services: ServicesDep) -> Json:
    """Keep a connection."""
    now = time.time()
    document = _sealed(services, raw)
    row = DocumentRow(new_id("auth"), KIND, document["name"], document, now, now)
    await services.store.documents.put(row)
    return Json(_response(row))


@router.get("", operation_id="x_auth_connections_list")
@described(response=AuthConnectionsPage)
async def list_connections(services: ServicesDep, page: PageDep, search: str | None = None) -> Json:
    """List connections, newest first."""
    found = await services.store.documents.page(KIND, page_size=page.size, cursor=page.cursor, search=search)
    return Json(page_body("auth_connections", map(_response, found.items), found))


@router.get("/{auth_connection_id}", operation_id="x_auth_connections_get")
@described(response=AuthConnectionResponse)
async def get(auth_connection_id: str, services: ServicesDep) -> Json:
    """One connection, without its secrets."""
    return Json(_response(await _find(services, auth_connection_id)))


@router.patch("/{auth_connection_id}", operation_id="x_auth_connections_update")
@described(response=AuthConnectionResponse)
async def update(auth_connection_id: str, raw: RawBody, services: ServicesDep) -> Json:
    """Change fields of a connection; secrets that are not given stay as they are."""
    from parola.tools.auth import opened

    async with services.editing:
        row = await _find(services, auth_connection_id)
        known = {key: value for key, value in opened(row.document, services.vault).items() if key != "sealed"}
        document = _sealed(services, {**known, **raw})
        changed = replace(row, name=document["name"], document=document, updated_at=time.time())
        await services.store.documents.put(changed)
    return Json(_response(changed))


@router.delete("/{auth_connection_id}", operation_id="x_auth_connections_delete")
async def delete(auth_connection_id: str, services: ServicesDep, force: bool = False) -> Json:
    """Forget a connection; one that tools or agents use only with ``force``."""
    await _find(services, auth_connection_id)
    if not force:
        store = services.store
        tools, agents = await tools_by(store, [auth_connection_id]), await agents_by(store, [auth_connection_id])
        users = [tool.name for tool in tools[auth_connection_id]] + [agent.name for agent in agents[auth_connection_id]]
        if users:
            raise Conflict(f"The auth connection is used by {', '.join(users)}. Delete it with force=true.")
    await services.store.documents.delete(KIND, auth_connection_id)
    return Json({})


def _sealed(services: Services, raw: JsonObject) -> JsonObject:
    from parola.tools.auth import sealed

    settings = checked(AuthConnectionRequest, raw).root.model_dump(mode="json")
    return sealed(settings, services.vault.seal, SECRET_FIELDS)


async def _find(services: Services, connection_id: str) -> DocumentRow:
    row = await services.store.documents.get(KIND, connection_id)
    if row is None:
        raise NotFound(f"Document with id {connection_id} not found.")
    return row


def _response(row: DocumentRow) -> JsonObject:
    shown = {key: value for key, value in row.document.items() if key != "sealed"}
    return {
        "auth_connection_id": row.document_id,
        **shown,
        "created_at_unix_secs": int(row.created_at),
        "updated_at_unix_secs": int(row.updated_at),
    }
