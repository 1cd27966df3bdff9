"""Files that were built beforehand, served below one path: the dashboard, the documentation.

Files below ``assets/`` have a hash of their content in their names, never change and may be kept by browsers. What is
compressed was compressed when it was built. What a path leads to that is no file is up to the subclass.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import Receive, Scope, Send

INDEX = "index.html"

ENCODINGS = (("br", ".br"), ("gzip", ".gz"))

TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".md": "text/markdown; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".py": "text/plain; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".wasm": "application/wasm",
    ".wav": "audio/wav",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
}


class StaticPages:
    """An ASGI application for everything below ``path``; ``built`` is the folder with the files."""

    path: str
    """Where it is mounted, without a slash at the end."""
    headers: Mapping[str, str]
    """Of every answer, where ``headers_for`` says nothing else."""
    not_built: str
    """The page that is shown when there is no build: what to do about it."""

    def __init__(self, built: Path) -> None:
        self._built = built

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1000, "reason": ""})
            return
        await self._answer(Request(scope))(scope, receive, send)

    def page(self, name: PurePosixPath, prefix: str) -> Response:
        """What a path that is no file leads to. ``prefix``: what the server is called behind a proxy."""
        raise NotImplementedError

    def headers_for(self, request: Request) -> Mapping[str, str]:
        """Of the answer to this request."""
        return self.headers

    def headers_of(self, file: Path) -> Mapping[str, str]:
        """What differs for one file."""
        return {}

    def html(self, text: str, status: int = 200) -> Response:
        """A page."""
        return HTMLResponse(text, status, headers={"cache-control": "no-cache"})

    def _answer(self, request: Request) -> Response:
        found = self._found(request)
        for name, value in self.headers_for(request).items():
            found.headers.setdefault(name, value)
        return found

    def _found(self, request: Request) -> Response:
        if request.method not in ("GET", "HEAD"):
            return PlainTextResponse("These pages are only read.", 405, {"allow": "GET, HEAD"})
        if not (self._built / INDEX).is_file():
            return HTMLResponse(self.not_built, 503)
        prefix = request.scope.get("root_path", "").removesuffix(self.path)
        name = PurePosixPath(request.url.path.removeprefix(prefix).removeprefix(self.path).lstrip("/"))
        file = self._built / name
        is_safe = ".." not in name.parts and "\0" not in str(name)
        if is_safe and file.suffix in TYPES and file.name != INDEX and is_file(file):
            return self._file(file, request)
        if name.parts[:1] == ("assets",):
            return PlainTextResponse("There is no such file; the pages have been built anew: reload.", 404)
        return self.page(name if is_safe else PurePosixPath("unknown"), prefix)

    def _file(self, file: Path, request: Request) -> Response:
        forever = file.parent.name == "assets"
        headers = {
            "cache-control": "public, max-age=31536000, immutable" if forever else "no-cache",
            "vary": "accept-encoding",
            **self.headers_of(file),
        }
        accepted = {one.partition(";")[0].strip() for one in request.headers.get("accept-encoding", "").split(",")}
        for encoding, ending in ENCODINGS:
            compressed = file.with_name(file.name + ending)
            if encoding in accepted and compressed.is_file():
                headers["content-encoding"] = encoding
                return FileResponse(compressed, headers=headers, media_type=TYPES[file.suffix])
        return FileResponse(file, headers=headers, media_type=TYPES[file.suffix])


def is_file(path: Path) -> bool:
    """Whether a path that somebody asks for is a file. One that is too long for any is not."""
    try:
        return path.is_file()
    except OSError:
        return False


async def with_slash(request: Request) -> Response:
    """Sends a path that is a folder to where its relative links lead somewhere."""
    return RedirectResponse(request.scope.get("root_path", "") + request.scope["route"].path + "/", 307)
