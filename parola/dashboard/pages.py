"""``/dashboard/``: the files that Vite built, as they lie in ``parola/dashboard/built/``.

Every path that is not a file is a page of the application, which finds its own way from the path. What the server is
called behind a proxy (its prefix) stands in the ``base`` of that page; everything else is found from there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from parola.api.address import asked_hosts
from parola.static_pages import INDEX, StaticPages

BUILT = Path(__file__).parent / "built"

PATH = "/dashboard"

_HOST = re.compile(r"(?:[A-Za-z0-9_.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")
"""What may stand in a policy: a request can name anything as its host."""

BASE = f'<base href="{PATH}/" />'
"""As it stands in the built page."""

POLICY = "; ".join(
    [
        "default-src 'self'",
        "connect-src 'self'{sockets}",
        # The clients' audio worklets are loaded from blobs.
        "script-src 'self' blob: 'wasm-unsafe-eval'",
        "worker-src 'self' blob:",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "media-src 'self' blob: data:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'self'",
    ]
)

TOOL_SCRIPT = "tool-script.js"

TOOL_SCRIPT_POLICY = "default-src 'none'; script-src 'unsafe-eval'"
"""Of the worker that runs what people write as the answer to a tool call: it may evaluate text, which no page may, and
load and send nothing."""

HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "permissions-policy": "microphone=(self)",
}

NOT_BUILT = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Parola</title>
<body style="font-family: system-ui; max-width: 40rem; margin: 4rem auto; line-height: 1.5">
<h1>The dashboard is not built</h1>
<p>Everything else works: the API, the sockets, the command line. In a checkout the dashboard is built by
<code>make dashboard</code>, which needs Node.js 20 or newer; then load this page again.</p></body></html>"""


class Pages(StaticPages):
    """An ASGI application for everything below ``/dashboard``; ``built`` is the folder with the files."""

    path = PATH
    headers = HEADERS
    not_built = NOT_BUILT

    def __init__(self, built: Path = BUILT, *, public_url: str = "") -> None:
        super().__init__(built)
        self._public_host = urlsplit(public_url).netloc

    def headers_for(self, request: Request) -> Mapping[str, str]:
        """The page may talk to this server only, by whatever name it was asked for. Browsers do not agree whether
        ``'self'`` is a socket too, so that the names stand there."""
        hosts = dict.fromkeys((*asked_hosts(request.headers), self._public_host))
        sockets = "".join(f" ws://{host} wss://{host}" for host in hosts if _HOST.fullmatch(host))
        return {**self.headers, "content-security-policy": POLICY.format(sockets=sockets)}

    def page(self, name: PurePosixPath, prefix: str) -> Response:
        """The application, whatever the path: it knows its pages itself."""
        page = (self._built / INDEX).read_text(encoding="utf-8")
        return self.html(page.replace(BASE, f'<base href="{escape(prefix)}{PATH}/" />'))

    def headers_of(self, file: Path) -> Mapping[str, str]:
        """The worker that runs the answers of tools has a policy of its own."""
        return {"content-security-policy": TOOL_SCRIPT_POLICY} if file.name == TOOL_SCRIPT else {}


async def to_dashboard(request: Request) -> Response:
    """``/`` has nothing of its own: people are sent to the dashboard."""
    return RedirectResponse(request.scope.get("root_path", "") + PATH + "/", 307)
