"""``/health``: whether the process is up, and how busy; and what is answered in place of a part of the server that
failed. Apart from their neighbours because they answer before them."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from parola import __version__

NOT_LOADED = "A part of the server could not be loaded; its log says why."


async def health(request: Request) -> JSONResponse:
    """Up, and how busy. 503 while the server is about to stop, and when a part of it could not be loaded (`failed`):
    who sends callers here should send them elsewhere."""
    live = request.app.state.services.live
    failures = dict(getattr(request.app.state, "failures", {}))
    status = "failed" if failures else "draining" if live.is_draining else "ok"
    answer = {"status": status, "version": __version__, "live_conversations": live.count()}
    return JSONResponse(answer | ({"failed": failures} if failures else {}), 200 if status == "ok" else 503)


async def not_loaded(scope: Scope, receive: Receive, send: Send) -> None:
    """The answer of a part that there is none of: 503, or a socket that is closed with 1011."""
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.close", "code": 1011, "reason": NOT_LOADED})
        return
    detail = {"status": "service_unavailable", "message": NOT_LOADED}
    await JSONResponse({"detail": detail}, 503)(scope, receive, send)
