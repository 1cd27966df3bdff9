"""``/health``: whether the process is up, and how busy. Apart from its neighbours because it answers before them."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse

from parola import __version__


async def health(request: Request) -> JSONResponse:
    """Up, and how busy."""
    live = request.app.state.services.live
    return JSONResponse({"status": "ok", "version": __version__, "live_conversations": live.count()})
