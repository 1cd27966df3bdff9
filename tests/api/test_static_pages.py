"""Built pages are served to anybody, whatever path they ask for: nothing beside them, and never an error."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

from parola.api.address import Prefix
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
