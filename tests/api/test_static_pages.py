"""Built pages are served to anybody, whatever path they ask for: nothing beside them, and never an error."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

from parola.api.address import Prefix
from parola.app import create_app
from parola.config import Settings
from parola.dashboard.pages import Pages
from parola.site.pages import Site

APPLICATION, MISSING = '<base href="/dashboard/" />', '<link href="/docs/style.css">'


@pytest.fixture
def client(tmp_path: Path) -> TestClient:
    (tmp_path / "secret.json").write_text("secret")
    built = tmp_path / "built"
    built.mkdir()
    (built / "index.html").write_text(APPLICATION)
    (built / "404.html").write_text(MISSING)
    return TestClient(Starlette(routes=[Mount("/dashboard", Pages(built)), Mount("/docs", Site(built))]))


@pytest.mark.parametrize(
    "path",
    [
        "a" * 300,
        "a" * 253,
        "a" * 300 + ".js",
        "a/" * 3000 + "b.json",
        "%2e%2e/secret.json",
        "%2e%2e%2fsecret.json",
        "a%00.json",
        "%ff.json",
        "...",
    ],
)
def test_a_path_of_nothing_leads_to_no_file_and_no_error(client: TestClient, path: str) -> None:
    answer = client.get(f"/dashboard/{path}")
    assert (answer.status_code, answer.text) == (200, APPLICATION)
    answer = client.get(f"/docs/{path}")
    assert (answer.status_code, answer.text) == (404, MISSING)


def test_what_a_proxy_calls_the_server_is_text_and_nothing_else(client: TestClient) -> None:
    evil = Prefix(client.app, public_url="")
    with TestClient(evil, headers={"x-forwarded-prefix": '/x"><script>alert(1)</script>'}) as behind:
        for path in ("/dashboard/agents", "/docs/nothing"):
            told = behind.get(path).text
            assert "<script>" not in told and "&quot;&gt;&lt;script&gt;" in told


def sockets_of(answer: Any) -> set[str]:
    """Where the page may open sockets."""
    (connects,) = re.findall(r"connect-src 'self'([^;]*);", answer.headers["content-security-policy"])
    return set(connects.split())


def test_the_dashboard_talks_to_its_own_server_only_by_whatever_name_it_is_known(client: TestClient) -> None:
    for path in ("/dashboard/agents", "/dashboard/missing.js"):
        assert sockets_of(client.get(path)) == {"ws://testserver", "wss://testserver"}
    proxied = {"host": "127.0.0.1:8400", "x-forwarded-host": "voice.example.com, other", "x-forwarded-prefix": "/talk"}
    with TestClient(Prefix(client.app, public_url=""), headers=proxied) as behind:
        told = behind.get("/dashboard/agents")
        assert '<base href="/talk/dashboard/" />' in told.text
        names = {"127.0.0.1:8400", "voice.example.com"}
        assert sockets_of(told) == {f"{scheme}://{name}" for scheme in ("ws", "wss") for name in names}
    for evil in ("x; script-src *", "*", "a b", "*.com", "x,y", "[::1"):
        assert sockets_of(client.get("/dashboard/", headers={"host": evil})) == set()
    assert sockets_of(client.get("/dashboard/", headers={"host": "[::1]:8400"})) == {
        "ws://[::1]:8400",
        "wss://[::1]:8400",
    }


def test_the_address_that_signed_urls_name_is_one_the_dashboard_may_talk_to() -> None:
    with TestClient(create_app(Settings(ephemeral=True, public_url="https://calls.example.com:8443/parola"))) as served:
        signed = served.get("/v1/convai/conversation/get-signed-url", params={"agent_id": "agent_demo"}).json()[
            "signed_url"
        ]
        host = "/".join(signed.split("/")[:3])
        assert host == "wss://calls.example.com:8443" and host in sockets_of(served.get("/parola/dashboard/"))
