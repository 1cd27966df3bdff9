"""``/v1/convai/environment-variables`` and ``/v1/convai/environments``: one agent, other addresses and keys in each."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic_core import PydanticCustomError

from parola.api.described import described
from parola.api.errors import checked
from parola.api.paging import PageDep
from parola.api.responses import Json, RawBody
from parola.api.services import Services, ServicesDep, needs_key
from parola.api.user import USER
from parola.errors import Conflict, InvalidRequest, NotFound
from parola.outbound.environment import DEFAULT, KIND, row_id
from parola.protocol.documents import JsonObject
from parola.protocol.environments import (
    REFERRED,
    EnvironmentRequest,
    EnvironmentResponse,
    EnvironmentsResponse,
    EnvironmentVariableRequest,
    EnvironmentVariableResponse,
    EnvironmentVariablesPage,
    EnvironmentVariableUpdate,
    VariableType,
    check_value,
)
from parola.store.base import DocumentRow

router = APIRouter(prefix="/v1/convai", tags=["environments"], dependencies=[needs_key])

ENVIRONMENT = "environment"
"""The kind of the documents of environments that were created by name."""

_AT_A_TIME = 100


@router.post("/environment-variables", operation_id="environment_variables_create")
@described(request=EnvironmentVariableRequest, response=EnvironmentVariableResponse)
async def create(raw: RawBody, services: ServicesDep) -> Json:
    """Create a variable with its values."""
    asked = checked(EnvironmentVariableRequest, raw)
    await _check_secrets(services, asked.type, asked.values.values())
    now = time.time()
    document = {"type": asked.type, "label": asked.label, "values": dict(asked.values)}
    row = DocumentRow(row_id(asked.label), KIND, asked.label, document, now, now)
    async with services.editing:
        if await services.store.documents.get(KIND, row.document_id) is not None:
            raise Conflict(f"An environment variable with the label {asked.label} exists already.")
        await services.store.documents.put(row)
    return Json(_response(row))


@router.get("/environment-variables", operation_id="environment_variables_list")
@described(response=EnvironmentVariablesPage)
async def list_variables(
    services: ServicesDep,
    page: PageDep,
    label: str | None = None,
    environment: Annotated[str | None, Query(description="Those that have a value of their own there.")] = None,
    type: VariableType | None = None,
) -> Json:
    """List variables by label."""
    found = [
        row
        for row in await _all(services, KIND)
        if (label is None or row.name == label)
        and (type is None or row.document["type"] == type)
        and (environment is None or environment in row.document["values"])
        and (page.cursor is None or row.name > page.cursor)
    ]
    shown = found[: page.size]
    has_more = len(found) > len(shown)
    return Json(
        {
            "environment_variables": [_response(row) for row in shown],
            "next_cursor": shown[-1].name if has_more else None,
            "has_more": has_more,
        }
    )


@router.get("/environment-variables/{env_var_id}", operation_id="environment_variables_get")
@described(response=EnvironmentVariableResponse)
async def get(env_var_id: str, services: ServicesDep) -> Json:
    """One variable."""
    return Json(_response(await _find(services, env_var_id)))


@router.patch("/environment-variables/{env_var_id}", operation_id="environment_variables_update")
@described(request=EnvironmentVariableUpdate, response=EnvironmentVariableResponse)
async def update(env_var_id: str, raw: RawBody, services: ServicesDep) -> Json:
    """Change values; null takes an environment's value away."""
    asked = checked(EnvironmentVariableUpdate, raw)
    if DEFAULT in asked.values and asked.values[DEFAULT] is None:
        raise InvalidRequest(f'values: the one for "{DEFAULT}" cannot be taken away; delete the variable instead.')
    async with services.editing:
        row = await _find(services, env_var_id)
        kind = row.document["type"]
        for environment, value in asked.values.items():
            if value is not None:
                _check_value(kind, environment, value)
        await _check_secrets(services, kind, asked.values.values())
        values = {k: v for k, v in {**row.document["values"], **asked.values}.items() if v is not None}
        changed = replace(row, document={**row.document, "values": values}, updated_at=time.time())
        await services.store.documents.put(changed)
    return Json(_response(changed))


@router.delete("/environment-variables/{env_var_id}", operation_id="environment_variables_delete")
async def delete(env_var_id: str, services: ServicesDep) -> Json:
    """Delete a variable."""
    await _find(services, env_var_id)
    await services.store.documents.delete(KIND, env_var_id)
    return Json({})


# -- environments -----------------------------------------------------------------------------------------------------


@router.get("/environments", operation_id="environments_list")
@described(response=EnvironmentsResponse)
async def list_environments(services: ServicesDep) -> Json:
    """Production, those that were created, and those that variables have values for."""
    made = {row.name: row for row in await _all(services, ENVIRONMENT)}
    used = {name for row in await _all(services, KIND) for name in row.document["values"]}
    names = [DEFAULT, *sorted({*made, *used} - {DEFAULT})]
    return Json({"environments": [_environment(name, made.get(name)) for name in names]})


@router.post("/environments", operation_id="environments_create")
@described(request=EnvironmentRequest, response=EnvironmentResponse)
async def create_environment(raw: RawBody, services: ServicesDep) -> Json:
    """Create an environment. Conversations may name any, created or not."""
    name = checked(EnvironmentRequest, raw).name
    now = time.time()
    async with services.editing:
        if name == DEFAULT or await services.store.documents.get(ENVIRONMENT, name) is not None:
            raise Conflict(f"The environment {name} exists already.")
        row = DocumentRow(name, ENVIRONMENT, name, {"name": name}, now, now)
        await services.store.documents.put(row)
    return Json(_environment(name, row))


@router.delete("/environments/{environment}", operation_id="environments_delete")
async def delete_environment(environment: str, services: ServicesDep) -> Json:
    """Delete an environment, with the values that variables have there."""
    if environment == DEFAULT:
        raise InvalidRequest(f"The environment {DEFAULT} cannot be deleted.")
    async with services.editing:
        was_there = await services.store.documents.delete(ENVIRONMENT, environment)
        for row in await _all(services, KIND):
            if environment in row.document["values"]:
                was_there = True
                values = {k: v for k, v in row.document["values"].items() if k != environment}
                changed = replace(row, document={**row.document, "values": values}, updated_at=time.time())
                await services.store.documents.put(changed)
    if not was_there:
        raise NotFound(f"There is no environment {environment}.")
    return Json({})


async def _all(services: Services, kind: str) -> list[DocumentRow]:
    """By name."""
    rows: list[DocumentRow] = []
    cursor: str | None = None
    while True:
        page = await services.store.documents.page(kind, page_size=_AT_A_TIME, cursor=cursor)
        rows += page.items
        if (cursor := page.next_cursor) is None:
            return sorted(rows, key=lambda row: row.name)


async def _find(services: Services, env_var_id: str) -> DocumentRow:
    row = await services.store.documents.get(KIND, env_var_id)
    if row is None:
        raise NotFound(f"Document with id {env_var_id} not found.")
    return row


def _check_value(kind: str, environment: str, value: object) -> None:
    try:
        check_value(kind, environment, value)
    except PydanticCustomError as error:
        raise InvalidRequest(f"{error.message()}.") from None


async def _check_secrets(services: Services, kind: str, values: Iterable[object]) -> None:
    """A secret that does not exist would be found out in the middle of a call."""
    for value in values if kind == "secret" else ():
        if isinstance(value, dict) and await services.store.secrets.get(value[REFERRED[kind]]) is None:
            raise InvalidRequest(f"There is no secret {value[REFERRED[kind]]}.")


def _response(row: DocumentRow) -> JsonObject:
    return {
        "id": row.document_id,
        "label": row.name,
        "type": row.document["type"],
        "values": row.document["values"],
        "created_at_unix_secs": int(row.created_at),
        "updated_at_unix_secs": int(row.updated_at),
        "created_by_user_id": USER["user_id"],
        "workspace_id": USER["workspace_id"],
    }


def _environment(name: str, row: DocumentRow | None) -> JsonObject:
    return {
        "name": name,
        "updated_at_unix_secs": int(row.updated_at) if row is not None else None,
        "created_by_user_id": USER["user_id"] if row is not None else None,
    }
