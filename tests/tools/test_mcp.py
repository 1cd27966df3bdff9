"""Connections to MCP servers: what may be asked, how much may come, what is kept when a server is gone."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from unittest.mock import Mock

import httpx2
import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from parola.outbound.guard import Guard
from parola.outbound.locators import Locators
from parola.session.mcp import finished
from parola.store.memory import MemoryStore
from parola.tools import mcp_http
from parola.tools.mcp import Answer, Connection, McpFailed, McpServers, target_of
from parola.tools.mcp_listings import McpListings
from parola.tools.mcp_target import Target
from tests.wire.mcp_server import McpProcess
from tests.wire.servers import free_port


def names(**known: str) -> Any:
    """A name server."""

    async def lookup(host: str, port: int, family: socket.AddressFamily) -> list[tuple[Any, ...]]:
        address = known.get(host.partition(".")[0]) or host
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    return lookup


def ask(guard: Guard, url: str) -> httpx2.Response:
    async def asked() -> httpx2.Response:
        async with mcp_http.client_for(guard, url, {"x-key": "1"}) as client:
            return await client.get(url)

    return asyncio.run(asked())


def test_a_request_goes_to_the_address_that_was_checked_and_names_the_host(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/mcp").respond_with_data("ok")
    guard = Guard(allows_local=True, lookup=names(library="127.0.0.1"))
    assert ask(guard, f"http://library.example:{httpserver.port}/mcp").text == "ok"
    asked = httpserver.log[0][0]
    assert asked.headers["Host"] == f"library.example:{httpserver.port}" and asked.headers["x-key"] == "1"


@pytest.mark.parametrize("url", ["http://library.example/mcp", "http://10.1.2.3/mcp", "http://localhost/mcp"])
def test_private_addresses_are_refused_by_name_and_by_number(url: str) -> None:
    with pytest.raises(httpx2.ConnectError, match="does not ask it"):
        ask(Guard(lookup=names(library="192.168.0.7", localhost="127.0.0.1")), url)


def test_a_redirect_into_a_private_network_is_not_followed(httpserver: HTTPServer) -> None:
    target = httpserver.url_for("/inside")
    httpserver.expect_request("/mcp").respond_with_response(Response(status=307, headers={"Location": target}))
    guard = Guard(hosts=("library.example",), lookup=names(library="127.0.0.1"))
    connection = Connection(Target("m", "STREAMABLE_HTTP", f"http://library.example:{httpserver.port}/mcp"), guard)

    async def listed() -> None:
        await connection.listed()
        await connection.aclose()

    asyncio.run(listed())
    assert not connection.listing.is_connected and {entry[0].path for entry in httpserver.log} == {"/mcp"}


def test_a_server_that_parola_takes_leave_of_is_not_reported_as_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    log = Mock()
    monkeypatch.setattr("parola.tools.mcp.log", log)

    async def used() -> None:
        with McpProcess() as server:
            connection = Connection(Target("m", "STREAMABLE_HTTP", server.url), Guard(allows_local=True))
            await connection.listed()
            assert connection.listing.is_connected
            await connection.aclose()

    asyncio.run(used())
    log.warning.assert_not_called()


def test_a_body_without_end_is_cut(httpserver: HTTPServer) -> None:
    def endless(request: Request) -> Response:
        def pieces() -> Iterator[bytes]:
            for _ in range(200):
                yield b"x" * 65536

        return Response(pieces(), content_type="application/json")

    httpserver.expect_request("/mcp").respond_with_handler(endless)
    with pytest.raises(httpx2.ReadError, match="more than 4194304 bytes"):
        ask(Guard(allows_local=True), httpserver.url_for("/mcp"))


def test_what_a_server_offered_is_known_after_a_restart_to_those_with_the_same_credentials() -> None:
    store = MemoryStore()

    def process() -> McpServers:
        return McpServers(Guard(allows_local=True), McpListings(store, b"s" * 32))

    async def story(library: McpProcess) -> None:
        target = Target("m", "STREAMABLE_HTTP", library.url, (("authorization", "Bearer anna"),))
        before = process()
        assert (await before.connection(target).listed()).is_connected
        await before.aclose()
        await asyncio.to_thread(library.kill)
        again = process().connection(target)
        await again.recall()
        assert again.was_seen and "search" in [tool.name for tool in again.listing.tools]
        assert not again.listing.is_connected and not again.listing.is_tried
        other = process().connection(replace(target, headers=(("authorization", "Bearer bob"),)))
        await other.recall()
        assert not other.was_seen, "what anna sees is not for bob"

    with McpProcess() as library:
        asyncio.run(story(library))


def test_what_a_server_offers_is_known_when_it_is_gone() -> None:
    async def story(library: McpProcess) -> None:
        servers = McpServers(Guard(allows_local=True))
        target = Target("m", "STREAMABLE_HTTP", library.url)
        connection = servers.connection(target)
        assert not connection.was_seen
        assert (await connection.listed()).is_connected
        assert servers.connection(target) is connection
        await asyncio.to_thread(library.kill)
        with pytest.raises(McpFailed):
            await connection.call("search", {"query": "soup"}, {})
        assert connection.was_seen and "search" in [tool.name for tool in connection.listing.tools]
        await asyncio.to_thread(library.start)
        answer = await connection.call("search", {"query": "soup"}, {"trace": "7"})
        assert answer.content == ({"type": "text", "text": "3 books about soup"},)
        await servers.aclose()

    with McpProcess() as library:
        asyncio.run(story(library))


def test_calls_of_one_connection_run_side_by_side_and_one_can_be_stopped() -> None:
    async def story(library: McpProcess) -> None:
        connection = Connection(Target("m", "SSE", library.url), Guard(allows_local=True))
        slow = asyncio.ensure_future(connection.call("slow", {}, {}))
        answers = await asyncio.gather(*(connection.call("count", {"shelf": n}, {}) for n in range(5)))
        assert [answer.structured for answer in answers] == [{"books": n * 10} for n in range(5)]
        assert not slow.done()
        slow.cancel()
        await asyncio.gather(slow, return_exceptions=True)
        assert (await connection.call("search", {"query": "soup"}, {})).content
        await connection.aclose()

    with McpProcess("sse") as library:
        asyncio.run(story(library))


def test_a_tool_that_does_not_exist_is_an_error_and_not_the_end() -> None:
    async def story(library: McpProcess) -> None:
        connection = Connection(Target("m", "STREAMABLE_HTTP", library.url), Guard(allows_local=True))
        try:
            answer = await connection.call("nothing", {}, {})
        except McpFailed as error:
            assert "nothing" in error.message
        else:
            assert answer.is_error
        assert (await connection.call("search", {"query": "soup"}, {})).content
        await connection.aclose()

    with McpProcess() as library:
        asyncio.run(story(library))


def test_a_server_that_is_not_there_says_so_in_a_sentence() -> None:
    async def listed() -> str:
        target = Target("m", "STREAMABLE_HTTP", f"http://127.0.0.1:{free_port()}/mcp")
        return (await Connection(target, Guard(allows_local=True)).listed()).problem

    assert asyncio.run(listed()).startswith("cannot be reached: ")


# -- credentials and answers ------------------------------------------------------------------------------------------


class Seal:
    def open(self, sealed: bytes) -> str:
        return sealed.decode()


def test_two_callers_with_different_credentials_never_share_a_connection() -> None:
    config = {"url": "https://x.example/mcp", "request_headers": {"X-User": {"variable_name": "user"}}}

    async def targets() -> list[Target]:
        locators = Locators(MemoryStore(), Seal())
        return [await target_of("m", config, locators, {"user": user}) for user in ("Ada", "Bob", "Ada")]

    ada, bob, again = asyncio.run(targets())
    assert ada == again != bob and ada.headers == (("x-user", "Ada"),)


def test_a_header_cannot_smuggle_another() -> None:
    config = {"url": "https://x.example/mcp", "request_headers": {"x-user": "{{user}}"}}
    with pytest.raises(McpFailed, match="no request can carry"):
        asyncio.run(target_of("m", config, Locators(MemoryStore(), Seal()), {"user": "a\r\nx-admin: 1"}))


def test_what_a_model_reads_of_an_answer() -> None:
    blocks = (
        {"type": "text", "text": "Here:"},
        {"type": "image", "data": "AAAA", "mimeType": "image/png"},
        {"type": "resource_link", "name": "menu", "uri": "file:///menu"},
        {"type": "resource", "resource": {"uri": "file:///soup", "text": "Soup"}},
    )
    told = finished("c", Answer(blocks))
    assert told.result == "Here:\n[image, image/png: cannot be read as text]\n[menu: file:///menu]\nSoup"
    assert told.content == blocks and told.response is None
    assert finished("c", Answer(({"type": "text", "text": '{"a": 1}'},))).response == {"a": 1}
    assert finished("c", Answer((), structured={"a": 2})).result == '{"a":2}'
    failed = finished("c", Answer((), is_error=True))
    assert failed.is_error and failed.raw_error == "The tool failed and did not say why."
