"""``/dashboard/``: the files that Vite built, as they lie in ``parola/dashboard/built/``.

Every path that is not a file is a page of the application, which finds its own way from the path. What the server is
called behind a proxy (its prefix) stands in the ``base`` of that page; everything else is found from there. Files whose
names hold a hash of their content (``assets/``) never change and may be kept by browsers; what is compressed was
compressed when it was built.
"""

from __future__ import annotations

from html import escape
from pathlib import Path, PurePosixPath

from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import Receive, Scope, Send

BUILT = Path(__file__).parent / "built"

PATH = "/dashboard"

INDEX = "index.html"

BASE = f'<base href="{PATH}/" />'
"""As it stands in the built page."""

POLICY = "; ".join(
    [
        "default-src 'self'",
        "connect-src 'self' ws: wss:",
        # The clients' audio worklets are loaded from blobs.
        "script-src 'self' blob: 'wasm-unsafe-eval'",
        "worker-src 'self' blob:",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "media-src 'self' blob: data:",
        "object-src 'none'",
        "base-uri 'self'",
        "frame-ancestors 'self'",
    ]
)

TOOL_SCRIPT = "tool-script.js"

TOOL_SCRIPT_POLICY = "default-src 'none'; script-src 'unsafe-eval'"
"""Of the worker that runs what people write as the answer to a tool call: it may evaluate text, which no page may, and
load and send nothing."""

HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "permissions-policy": "microphone=(self)",
}

ENCODINGS = (("br", ".br"), ("gzip", ".gz"))

TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".wasm": "application/wasm",
    ".wav": "audio/wav",
    ".woff2": "font/woff2",
}

NOT_BUILT = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Parola</title>
<body style="font-family: system-ui; max-width: 40rem; margin: 4rem auto; line-height: 1.5">
<h1>The dashboard is not built</h1>
<p>Everything else works: the API, the sockets, the command line. In a checkout the dashboard is built by
<code>make dashboard</code>, which needs Node.js 20 or newer; then load this page again.</p></body></html>"""


class Pages:
    """An ASGI application for everything below ``/dashboard``; ``built`` is the folder with the files."""

    def __init__(self, built: Path = BUILT) -> None:
        self._built = built

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1000, "reason": ""})
            return
        await self._answer(Request(scope))(scope, receive, send)

    def _answer(self, request: Request) -> Response:
        if request.method not in ("GET", "HEAD"):
            return PlainTextResponse("The dashboard is only read.", 405, {"allow": "GET, HEAD"})
        if not (self._built / INDEX).is_file():
            return HTMLResponse(NOT_BUILT, 503, HEADERS)
        prefix = request.scope.get("root_path", "").removesuffix(PATH)
        name = PurePosixPath(request.url.path.removeprefix(prefix).removeprefix(PATH).lstrip("/"))
        file = self._built / name
        is_safe = ".." not in name.parts and "\0" not in str(name)
        if is_safe and file.suffix in TYPES and file.name != INDEX and file.is_file():
            return _file(file, request)
        if name.parts[:1] == ("assets",):
            return PlainTextResponse("There is no such file; the dashboard has been built anew: reload it.", 404)
        page = (self._built / INDEX).read_text(encoding="utf-8")
        page = page.replace(BASE, f'<base href="{escape(prefix)}{PATH}/" />')
        return HTMLResponse(page, headers={**HEADERS, "cache-control": "no-cache"})


def _file(file: Path, request: Request) -> Response:
    forever = file.parent.name == "assets"
    headers = {
        **HEADERS,
        "cache-control": "public, max-age=31536000, immutable" if forever else "no-cache",
        "vary": "accept-encoding",
    }
    if file.name == TOOL_SCRIPT:
        headers["content-security-policy"] = TOOL_SCRIPT_POLICY
    accepted = {one.partition(";")[0].strip() for one in request.headers.get("accept-encoding", "").split(",")}
    for encoding, ending in ENCODINGS:
        compressed = file.with_name(file.name + ending)
        if encoding in accepted and compressed.is_file():
            headers["content-encoding"] = encoding
            return FileResponse(compressed, headers=headers, media_type=TYPES[file.suffix])
    return FileResponse(file, headers=headers, media_type=TYPES[file.suffix])


async def to_dashboard(request: Request) -> Response:
    """``/`` has nothing of its own: people are sent to the dashboard."""
    return RedirectResponse(request.scope.get("root_path", "") + PATH + "/", 307)
