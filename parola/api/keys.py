"""``/v1/x/api-keys``: who may use this server. Our extension."""

from __future__ import annotations

from fastapi import APIRouter

from parola.api.described import described
from parola.api.errors import checked
from parola.api.responses import Json, OptionalBody
from parola.api.services import ServicesDep, needs_key
from parola.errors import NotFound
from parola.protocol.documents import JsonObject
from parola.protocol.workspace import ApiKeyCreated, ApiKeyRequest, ApiKeysResponse
from parola.store.base import ApiKeyRow

router = APIRouter(prefix="/v1/x/api-keys", tags=["server"], dependencies=[needs_key])


@router.post(
    "",
    operation_id="x_api_keys_create",
)
@described(request=ApiKeyRequest, response=ApiKeyCreated, optional=True)
async def create(raw: OptionalBody, services: ServicesDep) -> Json:
    """Make an API key. It is shown this once; from now on requests need one."""
    row, key = await services.keys.create(checked(ApiKeyRequest, raw).name)
    return Json({**_response(row), "api_key": key})


@router.get("", operation_id="x_api_keys_list")
@described(response=ApiKeysResponse)
async def list_keys(services: ServicesDep) -> Json:
    """List API keys by their beginnings."""
    return Json({"api_keys": [_response(row) for row in await services.store.api_keys.all()]})


@router.delete("/{key_id}", operation_id="x_api_keys_delete")
async def delete(key_id: str, services: ServicesDep) -> Json:
    """Delete an API key; it opens nothing any more."""
    if not await services.keys.delete(key_id):
        raise NotFound(f"Document with id {key_id} not found.")
    return Json({})


def _response(row: ApiKeyRow) -> JsonObject:
    return {
        "key_id": row.key_id,
        "name": row.name,
        "prefix": row.prefix,
        "created_at_unix_secs": int(row.created_at),
    }
