"""``/v1/x/api-keys``: who may use this server. Our extension.

Whoever makes, changes or rotates a key can give it no more than their own key has, and no more than the role of the
member it is for.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from fastapi import APIRouter

from parola.api.auth import Caller
from parola.api.described import described
from parola.api.errors import checked
from parola.api.members import find_member
from parola.api.responses import Json, OptionalBody, RawBody
from parola.api.scopes import ADMIN, ROLES, is_within, read_scopes
from parola.api.services import CallerDep, Services, ServicesDep, needs_key
from parola.errors import Forbidden, InvalidRequest, NotFound
from parola.protocol.documents import JsonObject
from parola.protocol.workspace import (
    ApiKeyChange,
    ApiKeyCreated,
    ApiKeyRequest,
    ApiKeyResponse,
    ApiKeyRotation,
    ApiKeysResponse,
)
from parola.store.base import ApiKeyRow

router = APIRouter(prefix="/v1/x/api-keys", tags=["server"], dependencies=[needs_key])


@router.post(
    "",
    operation_id="x_api_keys_create",
)
@described(request=ApiKeyRequest, response=ApiKeyCreated, optional=True)
async def create(raw: OptionalBody, services: ServicesDep, caller: CallerDep) -> Json:
    """Make an API key. It is shown this once; from now on requests need one."""
    body = checked(ApiKeyRequest, raw)
    if body.expires_in_secs is not None and body.expires_at_unix_secs is not None:
        raise InvalidRequest("Expected either expires_at_unix_secs or expires_in_secs, got both.")
    expires_at: float | None = body.expires_at_unix_secs
    if body.expires_in_secs is not None:
        expires_at = time.time() + body.expires_in_secs
    scopes = await _scopes(services, caller, _asked(body), body.member_id)
    row, key = await services.keys.create(body.name, scopes=scopes, expires_at=expires_at, member_id=body.member_id)
    return Json({**_response(row), "api_key": key})


@router.get("", operation_id="x_api_keys_list")
@described(response=ApiKeysResponse)
async def list_keys(services: ServicesDep) -> Json:
    """List API keys by their beginnings."""
    return Json({"api_keys": [_response(row) for row in await services.store.api_keys.all()]})


@router.patch("/{key_id}", operation_id="x_api_keys_update")
@described(request=ApiKeyChange, response=ApiKeyResponse)
async def update(key_id: str, raw: RawBody, services: ServicesDep, caller: CallerDep) -> Json:
    """Change what a key may do, its name, its end or whose it is; it holds from the next request on."""
    body = checked(ApiKeyChange, raw)
    old = await services.keys.get(key_id)
    _refuse_more_than_own(caller, old.scopes)
    changes = {name: getattr(body, name) for name in body.model_fields_set & {"member_id"}}
    if body.name is not None:
        changes["name"] = body.name
    if "expires_at_unix_secs" in body.model_fields_set:
        changes["expires_at"] = body.expires_at_unix_secs
    if body.model_fields_set & {"scopes", "member_id"}:
        asked = body.scopes if "scopes" in body.model_fields_set else old.scopes
        changes["scopes"] = await _scopes(services, caller, asked, changes.get("member_id", old.member_id))
    return Json(_response(await services.keys.change(key_id, **changes)))


@router.post("/{key_id}/rotate", operation_id="x_api_keys_rotate")
@described(request=ApiKeyRotation, response=ApiKeyCreated, optional=True)
async def rotate(key_id: str, raw: OptionalBody, services: ServicesDep, caller: CallerDep) -> Json:
    """A new key with the same rights. The old one stays valid for ``grace_secs``; both work meanwhile."""
    body = checked(ApiKeyRotation, raw)
    _refuse_more_than_own(caller, (await services.keys.get(key_id)).scopes)
    row, key = await services.keys.rotate(key_id, body.grace_secs)
    return Json({**_response(row), "api_key": key})


@router.delete("/{key_id}", operation_id="x_api_keys_delete")
async def delete(key_id: str, services: ServicesDep, caller: CallerDep) -> Json:
    """Delete an API key; it opens nothing any more, nor do the URLs that it signed. The last one is only for a key to
    delete that may do everything: without keys, a server for this machine alone asks for none."""
    rows = await services.store.api_keys.all()
    row = next((row for row in rows if row.key_id == key_id), None)
    if row is None:
        raise NotFound(f"Document with id {key_id} not found.")
    _refuse_more_than_own(caller, row.scopes)
    if len(rows) == 1 and not caller.may(ADMIN):
        raise Forbidden("It is the last key of this server: deleting it takes one that may do everything.")
    await services.keys.delete(key_id)
    return Json({})


def _asked(body: ApiKeyRequest) -> Sequence[str] | None:
    if body.scopes is not None and body.permissions is not None:
        raise InvalidRequest("Expected either scopes or permissions, got both.")
    if body.permissions is not None and not isinstance(body.permissions, str):
        return body.permissions
    return body.scopes


async def _scopes(
    services: Services, caller: Caller, asked: Sequence[str] | None, member_id: str | None
) -> tuple[str, ...] | None:
    """What a key gets. Raises ``Forbidden``, ``InvalidRequest`` for an unknown scope, ``NotFound`` for a member."""
    most = ROLES["admin"]
    if member_id is not None:
        role = str((await find_member(services, member_id)).document["role"])
        most = ROLES[role]
    if asked is None:
        scopes = most if most is not None and is_within(most, caller.scopes) else caller.scopes
    else:
        scopes = read_scopes(asked)
    if not is_within(scopes, most):
        raise Forbidden(f"The role of {member_id} allows its keys {', '.join(most or ())}; got {_shown(scopes)}.")
    _refuse_more_than_own(caller, scopes)
    return scopes


def _refuse_more_than_own(caller: Caller, scopes: Sequence[str] | None) -> None:
    if not is_within(scopes, caller.scopes):
        raise Forbidden(
            f"Your key may do {_shown(caller.scopes)}, and cannot make or change one that may do {_shown(scopes)}."
        )


def _shown(scopes: Sequence[str] | None) -> str:
    return "everything" if scopes is None else ", ".join(scopes) or "nothing"


def _response(row: ApiKeyRow) -> JsonObject:
    return {
        "key_id": row.key_id,
        "name": row.name,
        "prefix": row.prefix,
        "created_at_unix_secs": int(row.created_at),
        "scopes": None if row.scopes is None else list(row.scopes),
        "expires_at_unix_secs": None if row.expires_at is None else int(row.expires_at),
        "last_used_at_unix_secs": None if row.last_used_at is None else int(row.last_used_at),
        "member_id": row.member_id,
        "replaced_by": row.replaced_by,
    }
