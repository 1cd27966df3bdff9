"""``/docs/``: the documentation, as ``docs/site/build.py`` wrote it to ``parola/site/built/``.

Each page is there three times: ``/docs/tools.html``, ``/docs/tools`` and, as it was written, ``/docs/tools.md``. All
of it in one text is ``/llms-full.txt``, its table of contents ``/llms.txt``.
"""

from __future__ import annotations

from html import escape
from pathlib import Path, PurePosixPath

from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, RedirectResponse, Response

from parola.static_pages import INDEX, TYPES, StaticPages, is_file

BUILT = Path(__file__).parent / "built"

PATH = "/docs"

TEXTS = ("/llms.txt", "/llms-full.txt")
"""Made from the pages, for those who read all of it at once."""

HEADERS = {
    "content-security-policy": "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
}

NOT_BUILT = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Parola</title>
<body style="font-family: system-ui; max-width: 40rem; margin: 4rem auto; line-height: 1.5">
<h1>The documentation is not built</h1>
<p>Everything else works. In a checkout it is built by <code>make docs</code>; then load this page again. What it is
built from are the files in the folder <code>docs</code>.</p></body></html>"""


class Site(StaticPages):
    """An ASGI application for everything below ``/docs``; ``built`` is the folder with the files."""

    path = PATH
    headers = HEADERS
    not_built = NOT_BUILT

    def __init__(self, built: Path = BUILT) -> None:
        super().__init__(built)

    def page(self, name: PurePosixPath, prefix: str) -> Response:
        """A page by its name without an ending, or the one that says that there is none."""
        if str(name) in (".", INDEX):
            return self.html((self._built / INDEX).read_text(encoding="utf-8"))
        if not name.suffix and is_file(self._built / name.with_suffix(".html")):
            return RedirectResponse(f"{prefix}{PATH}/{name}.html", 307)
        missing = (self._built / "404.html").read_text(encoding="utf-8")
        return self.html(missing.replace(f'"{PATH}/', f'"{escape(prefix)}{PATH}/'), 404)


async def text_of_all(request: Request) -> Response:
    """``/llms.txt`` and ``/llms-full.txt``."""
    file = BUILT / PurePosixPath(request.scope["route"].path).name
    if not file.is_file():
        return PlainTextResponse("The documentation is not built: make docs.", 503)
    return FileResponse(file, headers={**HEADERS, "cache-control": "no-cache"}, media_type=TYPES[".txt"])
