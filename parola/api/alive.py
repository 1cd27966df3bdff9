"""``/health``: whether the process is up, and how busy. Apart from its neighbours because it answers before them."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse

from parola import __version__


async def health(request: Request) -> JSONResponse:
    """Up, and how busy. 503 while the server is about to stop: who sends callers here should send them elsewhere."""
    live = request.app.state.services.live
    status, code = ("draining", 503) if live.is_draining else ("ok", 200)
    return JSONResponse({"status": status, "version": __version__, "live_conversations": live.count()}, code)
