"""``/v1/convai/secrets``: values for headers and model keys, written once and never read back."""

from __future__ import annotations

import time
from collections.abc import Sequence

from fastapi import APIRouter

from parola.api.described import described
from parola.api.errors import checked
from parola.api.paging import PageDep
from parola.api.references import agents_by, dependent, mcp_servers_by, tools_by
from parola.api.responses import Json, RawBody, new_id
from parola.api.services import Services, ServicesDep, needs_key
from parola.errors import NotFound
from parola.protocol.documents import JsonObject
from parola.protocol.workspace import SecretCreated, SecretRequest, SecretResponse, SecretsPage
from parola.store.base import SecretRow

router = APIRouter(prefix="/v1/convai/secrets", tags=["secrets"], dependencies=[needs_key])


@router.post("", operation_id="secrets_create")
@described(request=SecretRequest, response=SecretCreated)
async def create(raw: RawBody, services: ServicesDep) -> Json:
    """Keep a secret."""
    body = checked(SecretRequest, raw)
    secret = SecretRow(new_id("sec"), body.name, services.vault.seal(body.value), time.time())
    await services.store.secrets.put(secret)
    return Json(_named(secret))


@router.get("", operation_id="secrets_list")
@described(response=SecretsPage)
async def list_secrets(services: ServicesDep, page: PageDep, search: str | None = None) -> Json:
    """List secrets by name, with what uses them."""
    found = await services.store.secrets.page(page_size=page.size, cursor=page.cursor, search=search)
    items = await _responses(services, found.items)
    return Json({"secrets": items, "next_cursor": found.next_cursor})


@router.get("/{secret_id}", operation_id="secrets_get")
@described(response=SecretResponse)
async def get(secret_id: str, services: ServicesDep) -> Json:
    """One secret, without its value."""
    (shown,) = await _responses(services, [await _find(services, secret_id)])
    return Json(shown)


@router.patch("/{secret_id}", operation_id="secrets_update")
@described(request=SecretRequest, response=SecretCreated)
async def update(secret_id: str, raw: RawBody, services: ServicesDep) -> Json:
    """Give a secret another name and value."""
    body = checked(SecretRequest, raw)
    old = await _find(services, secret_id)
    secret = SecretRow(secret_id, body.name, services.vault.seal(body.value), old.created_at)
    await services.store.secrets.put(secret)
    return Json(_named(secret))


@router.delete("/{secret_id}", operation_id="secrets_delete")
async def delete(secret_id: str, services: ServicesDep) -> Json:
    """Forget a secret."""
    await _find(services, secret_id)
    await services.store.secrets.delete(secret_id)
    return Json({})


async def _find(services: Services, secret_id: str) -> SecretRow:
    secret = await services.store.secrets.get(secret_id)
    if secret is None:
        raise NotFound(f"Document with id {secret_id} not found.")
    return secret


def _named(secret: SecretRow) -> JsonObject:
    return {"type": "stored", "secret_id": secret.secret_id, "name": secret.name}


async def _responses(services: Services, secrets: Sequence[SecretRow]) -> list[JsonObject]:
    """With what uses them; that is looked for once, for all of them."""
    store, ids = services.store, [secret.secret_id for secret in secrets]
    tools, agents, servers = await tools_by(store, ids), await agents_by(store, ids), await mcp_servers_by(store, ids)
    return [
        {
            **_named(secret),
            "used_by": {
                "tools": [dependent(tool) for tool in tools[secret.secret_id]],
                "agents": [dependent(agent) for agent in agents[secret.secret_id]],
                "phone_numbers": [],
                "mcp_servers": [dependent(server) for server in servers[secret.secret_id]],
                "others": [],
            },
        }
        for secret in secrets
    ]
