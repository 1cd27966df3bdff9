"""``GET /v1/x/server``: how this server was started, as far as it matters to who runs it. Our extension.

``parola config`` shows all of them, and where each came from."""

from __future__ import annotations

import platform

from fastapi import APIRouter

from parola import __version__
from parola.api.described import described
from parola.api.responses import Json
from parola.api.services import ServicesDep, needs_key
from parola.protocol.workspace import ServerResponse

router = APIRouter(tags=["server"], dependencies=[needs_key])


@router.get("/v1/x/server", operation_id="x_server_get")
@described(response=ServerResponse)
async def get(services: ServicesDep) -> Json:
    """The settings in force. `parola.toml`, the environment and flags change them, at the next start. No secret."""
    settings = services.settings
    database = "PostgreSQL" if settings.database_url else "SQLite"
    return Json(
        {
            "version": __version__,
            "python": platform.python_version(),
            "host": settings.host,
            "port": settings.port,
            "public_url": settings.public_url or None,
            "data": None if settings.ephemeral else str(settings.data),
            "database": None if settings.ephemeral else database,
            "models": str(settings.models),
            "auth": settings.auth,
            "is_key_needed": await services.keys.are_needed(),
            "egress": settings.egress,
            "outbound_private": settings.outbound_private,
            "outbound_allow": list(settings.outbound_allow),
            "cors_origins": list(settings.cors_origins),
            "record_audio": settings.record_audio,
            "retention_days": None if settings.retention_days < 0 else settings.retention_days,
            "zero_retention": settings.zero_retention,
            "analysis": settings.analysis,
            "tool_mocks": settings.tool_mocks,
            "audit_retention_days": settings.audit_retention_days or None,
        }
    )
