"""Pages of the web become documents; what they lead to is limited and checked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from parola.knowledge import fetching
from parola.knowledge.fetching import NotFetched, fetch
from parola.outbound.guard import AddressRefused, Guard
from parola.outbound.http import Connections


@pytest.fixture
async def site() -> AsyncIterator[str]:
    """A site on this machine."""
    never = asyncio.Event()

    async def page(request: web.Request) -> web.Response:
        return web.Response(body="<p>Grüße".encode("cp1252"), content_type="text/html", charset="cp1252")

    async def moved(request: web.Request) -> web.Response:
        raise web.HTTPFound("/page")

    async def inside(request: web.Request) -> web.Response:
        raise web.HTTPFound("http://169.254.169.254/latest/meta-data")

    async def other_scheme(request: web.Request) -> web.Response:
        raise web.HTTPFound("file:///etc/passwd")

    async def circle(request: web.Request) -> web.Response:
        raise web.HTTPFound("/circle")

    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(100):
            await response.write(b"a" * 100_000)
        return response

    async def slow(request: web.Request) -> web.Response:
        await never.wait()
        return web.Response()

    async def guide(request: web.Request) -> web.Response:
        return web.Response(body=b"# Guide", content_type="application/octet-stream")

    app = web.Application()
    for handler in (page, moved, inside, other_scheme, circle, endless, slow):
        app.router.add_get(f"/{handler.__name__}", handler)
    app.router.add_get("/guide.md", guide)
    runner = web.AppRunner(app, shutdown_timeout=0)
    await runner.setup()
    place = web.TCPSite(runner, "127.0.0.1", 0)
    await place.start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    never.set()
    await runner.cleanup()


@pytest.fixture
async def connections() -> AsyncIterator[Connections]:
    made = Connections(Guard(allows_local=True))
    yield made
    await made.aclose()


async def test_a_page_comes_with_its_type_and_charset(site: str, connections: Connections) -> None:
    for path in ("/page", "/moved"):
        page = await fetch(connections, site + path)
        assert (page.content, page.filename, page.mime_type) == (b"<p>Gr\xfc\xdfe", "", "text/html")
        assert page.charset == "cp1252"
    guide = await fetch(connections, site + "/guide.md")
    assert (guide.content, guide.filename) == (b"# Guide", "guide.md")


async def test_what_is_no_document_is_refused_with_the_reason(
    site: str, connections: Connections, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "MOST_FILE_BYTES", 1_000_000)
    for path, said in (
        ("/none", "answered 404"),
        ("/circle", "leads on more than 5 times"),
        ("/other_scheme", "http"),
        ("/endless", "more than 1000000 bytes"),
    ):
        with pytest.raises((NotFetched, AddressRefused), match=said):
            await fetch(connections, site + path)
    with pytest.raises(NotFetched, match=r"within 0\.05 s"):
        await fetch(connections, site + "/slow", seconds=0.05)
    with pytest.raises(NotFetched, match="begins with http"):
        await fetch(connections, "ftp://example.com/a")


async def test_addresses_that_may_not_be_asked_are_not(site: str, connections: Connections) -> None:
    with pytest.raises(AddressRefused):
        await fetch(connections, site + "/inside")
    closed = Connections(Guard())
    with pytest.raises(AddressRefused):
        await fetch(closed, site + "/page")
    await closed.aclose()
