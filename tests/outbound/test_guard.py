"""Where agents may send this server: hostile addresses are refused in every spelling, ordinary ones pass."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from parola.config import Settings
from parola.outbound.guard import AddressRefused, Guard, kind_of, literal
from parola.outbound.http import Connections

CORPUS = [
    line.partition(" = ")[::2]
    for line in Path(__file__).with_name("hostile_addresses.txt").read_text(encoding="utf-8").splitlines()
    if not line.startswith("# ")
]
"""(address, what a name server says of its host, separated by commas)."""


class NameServer:
    """Answers with what it was told, and counts."""

    def __init__(self, names: Mapping[str, Sequence[str]] | None = None) -> None:
        self.names = {name: list(addresses) for name, addresses in (names or {}).items()}
        self.asked = 0

    async def __call__(self, host: str, port: int, family: socket.AddressFamily) -> list[tuple[Any, ...]]:
        self.asked += 1
        if (address := literal(host)) is not None:
            addresses = [str(address)]
        elif host.rstrip(".") in self.names:
            addresses = self.names[host.rstrip(".")]
        else:
            raise socket.gaierror(f"nobody knows {host}")
        return [
            (socket.AF_INET6 if ":" in found else socket.AF_INET, socket.SOCK_STREAM, 6, "", (found, port))
            for found in addresses
        ]


def guard(names: Mapping[str, Sequence[str]] | None = None, **settings: Any) -> Guard:
    owners = Guard.of(Settings(host="0.0.0.0", **settings))
    return Guard(owners.allows_local, owners.hosts, owners.networks, frozenset(), NameServer(names))


def test_the_corpus_is_large() -> None:
    assert len(CORPUS) >= 200 and len(set(CORPUS)) == len(CORPUS)


@pytest.mark.parametrize(("url", "answer"), CORPUS, ids=[url for url, _ in CORPUS])
def test_a_hostile_address_is_refused(url: str, answer: str) -> None:
    host = url.removeprefix("http://").strip("/")
    with pytest.raises(AddressRefused):
        asyncio.run(guard({host: answer.split(",")} if answer else None).check(url))


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/",
        "http://example.com:8080/path?x=1",
        "https://user:pass@example.com/hook",
        "https://8.8.8.8/",
        "http://[2606:4700:4700::1111]/",
        "http://[64:ff9b::8.8.8.8]/",
        "http://[::ffff:8.8.8.8]/",
        "https://example.com./",
        "https://bücher.example/",
        "http://127.0.0.1.example.com/",
        "http://127.0.0.1@example.com/",
        "http://100.128.0.1/",
        "http://172.32.0.1/",
        "http://11.0.0.1/",
        "http://134744072/",
        "https://localhosting.example/",
    ],
)
def test_an_ordinary_address_passes(url: str) -> None:
    public = ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"]
    names = ("example.com", "xn--bcher-kva.example", "127.0.0.1.example.com", "localhosting.example")
    asyncio.run(guard(dict.fromkeys(names, public)).check(url))


def test_what_the_owner_allows_passes_and_nothing_beside_it() -> None:
    allowed = guard(
        {"crm.internal": ["10.0.0.7"], "a.lan": ["192.168.1.4"], "lan": ["192.168.1.5"]},
        outbound_allow=("crm.internal", "*.lan", "10.1.0.0/16", "::1"),
    )
    for url in ("http://crm.internal/", "http://CRM.internal./x", "http://a.lan/", "http://10.1.9.9/", "http://[::1]/"):
        asyncio.run(allowed.check(url))
    for url in (
        "http://10.0.0.7/",
        "http://lan/",
        "http://10.2.0.1/",
        "http://127.0.0.1/",
        "http://crm.internal.lan2/",
    ):
        with pytest.raises((AddressRefused, OSError)):
            asyncio.run(allowed.check(url))


def test_a_server_on_loopback_may_ask_its_neighbours_but_no_metadata_service() -> None:
    developing = Guard.of(Settings())
    assert developing.allows_local
    for url in ("http://127.0.0.1:9000/", "http://localhost/", "http://192.168.0.9/", "http://[::1]/"):
        developing.check_url(url)
    for url in ("http://169.254.169.254/", "http://[fd00:ec2::254]/", "http://0.0.0.0/", "http://224.0.0.1/"):
        with pytest.raises(AddressRefused):
            developing.check_url(url)


@pytest.mark.parametrize(
    ("host", "private", "may"),
    [
        ("127.0.0.1", "auto", True),
        ("0.0.0.0", "auto", False),
        ("0.0.0.0", "allow", True),
        ("127.0.0.1", "deny", False),
        ("::1", "auto", True),
    ],
)
def test_the_setting_decides_about_private_networks(host: str, private: str, may: bool) -> None:
    assert Guard.of(Settings(host=host, outbound_private=private)).allows_local is may


def test_a_server_behind_a_proxy_is_not_in_development() -> None:
    assert not Guard.of(Settings(public_url="https://voice.example.com")).allows_local
    assert Guard.of(Settings(public_url="http://localhost:8400")).allows_local


def test_every_address_of_a_range_is_of_its_kind() -> None:
    from ipaddress import ip_address

    assert {kind_of(ip_address(f"10.{n}.{n}.{n}")) for n in range(256)} == {"local"}
    assert {kind_of(ip_address(f"{n}.1.1.1")) for n in range(224, 256)} == {"barred"}
    assert kind_of(ip_address("1.1.1.1")) == kind_of(ip_address("2606:4700:4700::1111")) == "open"


# -- the client -------------------------------------------------------------------------------------------------------


async def ask(owners: Guard, url: str, **options: Any) -> str:
    connections = Connections(owners)
    try:
        client = await connections.guarded()
        async with client.get(url, **options) as response:
            return await response.text()
    finally:
        await connections.aclose()


def test_the_connection_goes_to_the_address_that_was_checked(httpserver: HTTPServer) -> None:
    """A name server that answers differently the second time is not asked a second time."""
    httpserver.expect_request("/").respond_with_data("here")
    names = NameServer({"crm.example": ["127.0.0.1"]})
    owners = Guard(hosts=("crm.example",), lookup=names)
    assert asyncio.run(ask(owners, f"http://crm.example:{httpserver.port}/")) == "here"
    assert names.asked == 1


def test_the_guarded_client_does_not_connect_to_what_is_barred(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/").respond_with_data("secret")
    owners = Guard(lookup=NameServer({"rebind.example": ["127.0.0.1"]}))
    for host in ("127.0.0.1", "rebind.example", "2130706433", "[::ffff:127.0.0.1]", "127.1"):
        with pytest.raises(AddressRefused):
            asyncio.run(ask(owners, f"http://{host}:{httpserver.port}/"))
    assert not httpserver.log


def test_a_redirect_is_checked_as_the_first_address_was(httpserver: HTTPServer) -> None:
    target = httpserver.url_for("/inside").replace("localhost", "127.0.0.1")
    httpserver.expect_request("/").respond_with_data("", status=302, headers={"Location": target})
    httpserver.expect_request("/inside").respond_with_data("secret")
    owners = Guard(hosts=("public.example",), lookup=NameServer({"public.example": ["127.0.0.1"]}))
    with pytest.raises(AddressRefused):
        asyncio.run(ask(owners, f"http://public.example:{httpserver.port}/"))
    assert len(httpserver.log) == 1


def test_a_proxy_of_the_owners_does_not_open_the_way_inside(httpserver: HTTPServer) -> None:
    """Through a proxy the target is looked up all the same; the proxy itself may be anywhere."""
    httpserver.expect_request("/").respond_with_data("by proxy")
    names = NameServer({"proxy.lan": ["127.0.0.1"], "open.example": ["93.184.215.14"], "bad.example": ["10.0.0.1"]})
    owners = Guard(proxies=frozenset({"proxy.lan"}), lookup=names)
    proxy = f"http://proxy.lan:{httpserver.port}"
    assert asyncio.run(ask(owners, "http://open.example/", proxy=proxy)) == "by proxy"
    for url in ("http://bad.example/", "http://proxy.lan/", "http://169.254.169.254/"):
        with pytest.raises(AddressRefused):
            asyncio.run(ask(owners, url, proxy=proxy))


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST.", "crm.localhost", "a.b.localhost"])
def test_what_is_this_machine_by_definition_is_asked_of_no_name_server(host: str) -> None:
    names = NameServer({host: ["93.184.216.34"]})
    found = asyncio.run(Guard(allows_local=True, lookup=names).addresses(host, 80))
    assert [answer[4][0] for answer in found] == ["127.0.0.1", "::1"] and names.asked == 0
    only = asyncio.run(Guard(allows_local=True, lookup=names).addresses(host, 80, socket.AF_INET6))
    assert [answer[4][0] for answer in only] == ["::1"]


def test_where_nothing_may_leave_this_machine_has_one_name() -> None:
    names = NameServer()
    closed = Guard(allows_local=True, loopback_only=True, lookup=names)
    for host in ("exfil-canary.localhost", "localhost.localdomain", "ip6-localhost"):
        with pytest.raises(AddressRefused, match="egress"):
            asyncio.run(closed.check(f"http://{host}/"))
        with pytest.raises(AddressRefused, match="egress"):
            asyncio.run(closed.addresses(host))
    asyncio.run(closed.check("http://localhost/"))
    assert names.asked == 0


def test_the_owners_own_addresses_are_not_asked_for_either(
    monkeypatch: pytest.MonkeyPatch, httpserver: HTTPServer
) -> None:
    httpserver.expect_request("/here").respond_with_data("here")

    async def ask() -> str:
        def asked(host: Any, *_: Any, **__: Any) -> Any:
            raise AssertionError(f"{host} was looked up")

        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", asked)
        connections = Connections()
        try:
            client = await connections.client()
            async with client.get(f"http://models.localhost:{httpserver.port}/here") as response:
                return await response.text()
        finally:
            await connections.aclose()

    assert asyncio.run(ask()) == "here"
