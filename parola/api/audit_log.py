"""``GET /v1/x/audit-log``: who did what to this server. Our extension; ``auditing.py`` writes it."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query

from parola.api.described import described
from parola.api.paging import MOST_SECONDS, PageDep, page_body
from parola.api.responses import Json
from parola.api.services import ServicesDep, needs_key
from parola.protocol.documents import JsonObject
from parola.protocol.workspace import AuditLogPage
from parola.store.audit import AuditQuery, AuditRow

router = APIRouter(prefix="/v1/x/audit-log", tags=["server"], dependencies=[needs_key])


@router.get("", operation_id="x_audit_log_list")
@described(response=AuditLogPage)
async def list_entries(
    services: ServicesDep,
    page: PageDep,
    action: Annotated[str | None, Query(description="For example agents_update.")] = None,
    resource: Annotated[str | None, Query(description="The id of what it was done to.")] = None,
    key_id: str | None = None,
    result: Literal["done", "refused", "failed"] | None = None,
    after_unix: Annotated[
        float | None, Query(ge=-MOST_SECONDS, le=MOST_SECONDS, description="Later than this.")
    ] = None,
    before_unix: Annotated[
        float | None, Query(ge=-MOST_SECONDS, le=MOST_SECONDS, description="Earlier than this.")
    ] = None,
) -> Json:
    """What was done, newest first: every changing request, every use of a secret, every look into a running
    conversation. What was said is not in it, and no secret."""
    query = AuditQuery(action, resource, key_id, result, after_unix, before_unix)
    found = await services.store.audit.page(query, page_size=page.size, cursor=page.cursor)
    return Json(page_body("entries", [_entry(row) for row in found.items], found))


def _entry(row: AuditRow) -> JsonObject:
    details = dict(row.document)
    return {
        "entry_id": row.entry_id,
        "at_unix_secs": row.at,
        "action": row.action,
        "resource": row.resource,
        "key_id": row.key_id,
        "key_name": details.pop("key_name", None),
        "member_id": details.pop("member_id", None),
        "address": details.pop("address", None),
        "result": row.result,
        "details": details,
    }
