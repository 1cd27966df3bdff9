"""The documentation is built without a broken link, loads nothing foreign, and is served where it should be."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

from parola.app import create_app
from parola.config import Settings
from parola.site.pages import BUILT, Site

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "docs" / "site"))

import build  # noqa: E402
import clients  # noqa: E402

PAGES = sorted((ROOT / "docs").rglob("*.md"))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A build of its own: it fails at any broken link, and at pages that the navigation does not know."""
    out = tmp_path_factory.mktemp("site") / "built"
    built = subprocess.run(
        [sys.executable, ROOT / "docs/site/build.py", out], capture_output=True, text=True, check=False
    )
    assert built.returncode == 0, built.stderr
    return out


@pytest.fixture(scope="module")
def served(site: Path) -> TestClient:
    return TestClient(Starlette(routes=[Mount("/docs", Site(site))]))


def test_every_page_is_there_as_html_and_as_it_was_written(served: TestClient) -> None:
    for page in PAGES:
        name = page.relative_to(ROOT / "docs").with_suffix("")
        title = page.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ")
        answer = served.get(f"/docs/{name}")
        assert answer.status_code == 200 and str(answer.url).endswith(
            f"/docs/{name}.html" if str(name) != "index" else ""
        )
        assert re.sub(r"[`*]", "", title).split()[0] in answer.text
        assert served.get(f"/docs/{name}.md").text.startswith("# ")


def test_no_page_loads_anything_from_another_host_or_has_a_script_in_it(site: Path, served: TestClient) -> None:
    addresses = list(build.loaded(site))
    assert len(addresses) > len(PAGES)
    assert not [(page, address) for page, address in addresses if urlsplit(address).netloc]
    for page in site.rglob("*.html"):
        assert "<script>" not in page.read_text(encoding="utf-8"), page
    for style in site.rglob("*.css"):
        assert not re.findall(r"url\([\"']?(?:https?:)?//", style.read_text(encoding="utf-8")), style
    policy = served.get("/docs/").headers["content-security-policy"]
    assert "default-src 'self'" in policy and "http" not in policy and "unsafe-eval" not in policy


def test_every_request_of_the_api_is_told_with_its_scope(site: Path) -> None:
    described = TestClient(create_app(Settings(ephemeral=True))).get("/openapi.json").json()
    told = "\n".join(page.read_text(encoding="utf-8") for page in (site / "api").glob("*.md"))
    for path, methods in described["paths"].items():
        for method in methods:
            assert f"\n`{method.upper()} {path}`\n" in told
    assert "A key needs the scope `agents:write`." in told and "Open to all" in told
    fields = (site / "api" / "agent-fields.md").read_text(encoding="utf-8")
    assert "`conversation_config.agent.prompt.llm`" in fields
    assert "`agent_response_event.agent_response`" in (site / "api" / "socket.md").read_text(encoding="utf-8")


def test_the_texts_for_language_models_name_and_hold_every_page(site: Path) -> None:
    index, full = ((site / name).read_text(encoding="utf-8") for name in ("llms.txt", "llms-full.txt"))
    for page in PAGES:
        name = page.relative_to(ROOT / "docs")
        assert re.search(rf"\]\(docs/{re.escape(str(name))}\): \S.*\.$", index, re.MULTILINE), name
        assert f"Page: /docs/{name}\n" in full
    assert "turn_eagerness" in full


def test_guides_are_found_before_the_api_and_the_changelog_is_not(site: Path) -> None:
    items = json.loads((site / "search.json").read_text())["items"]
    places = [item["location"] for item in items]
    assert places.index("webhooks.html") < places.index("api/webhooks.html")
    assert not [place for place in places if place.startswith("changelog")]
    titles = {item["location"]: item["title"] for item in items}
    assert titles["webhooks.html"] == "Webhooks"
    assert titles["api/webhooks.html"] == "Reference: Webhooks"
    assert titles["api/webhooks.html#webhookcreated"] == "In detail"


def test_a_page_that_is_not_there_says_so_behind_a_proxy_too(served: TestClient, site: Path) -> None:
    for prefix in ("", "/voice"):
        client = TestClient(Starlette(routes=[Mount("/docs", Site(site))]), root_path=prefix)
        answer = client.get(f"{prefix}/docs/no/such/page")
        assert answer.status_code == 404
        loads = re.findall(r'(?:href|src)="(/[^"]*)"', answer.text)
        assert loads and all(address.startswith(f"{prefix}/docs/") for address in loads)
    assert served.get("/docs/..%2f..%2fpages.py").status_code == 404
    assert served.get("/docs/assets/none.js").status_code == 404
    assert served.post("/docs/").status_code == 405


def test_without_a_build_the_page_says_how_to_make_one(tmp_path: Path) -> None:
    client = TestClient(Starlette(routes=[Mount("/docs", Site(tmp_path))]))
    assert client.get("/docs/").status_code == 503
    assert "make docs" in client.get("/docs/").text


def test_the_server_has_no_pages_with_scripts_of_others() -> None:
    client = TestClient(create_app(Settings(ephemeral=True)))
    assert client.get("/docs", follow_redirects=False).headers["location"] == "/docs/"
    assert client.get("/redoc").status_code == 404
    for text in ("/llms.txt", "/llms-full.txt"):
        answer = client.get(text)
        assert (answer.status_code == 200) == (BUILT / text[1:]).is_file()


def test_the_tables_of_clients_are_what_the_tests_prove() -> None:
    for place in clients.PLACES:
        text = place.read_text(encoding="utf-8")
        assert clients.TABLE.search(text)
        assert clients.with_table(text) == text, f"{place.name} is out of date: python docs/site/clients.py"
    proofs = list(clients.proofs())
    assert {client for client, _, _ in proofs} <= set(clients.CLIENTS)
    assert {ability for _, ability, _ in proofs} <= set(clients.ABILITIES)
