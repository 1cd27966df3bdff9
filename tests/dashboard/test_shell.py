"""What surrounds every page: it is small, it is found by keyboard, it asks for a key when the server does."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import httpx
from playwright.sync_api import Page, expect

from parola.dashboard.pages import Pages
from tests.dashboard.conftest import Keep, Watch
from tests.wire.servers import COMMAND, ServerProcess

LARGEST_FIRST_LOAD = 250_000
"""Bytes, as they go over the wire, of everything a list page needs."""

LIST_PAGES = ("/agents", "/conversations", "/tools", "/knowledge", "/secrets", "/webhooks", "/keys")


def test_list_pages_are_small(page: Page, server: ServerProcess) -> None:
    sizes: dict[str, int] = {}
    for path in LIST_PAGES:
        context = page.context.browser.new_context(base_url=server.url)  # type: ignore[union-attr]
        fresh = context.new_page()
        fresh.goto(f"/dashboard{path}", wait_until="networkidle")
        sizes[path] = fresh.evaluate(
            "() => performance.getEntriesByType('resource').filter(e => e.name.includes('/dashboard/'))"
            ".reduce((sum, e) => sum + e.encodedBodySize, 0)"
        )
        context.close()
    assert all(0 < size < LARGEST_FIRST_LOAD for size in sizes.values()), sizes


def test_everything_is_reached_by_keyboard(page: Page) -> None:
    page.goto("/dashboard/")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.get_by_role("navigation", name="Pages").get_by_role("link", name="Agents").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Agents")
    page.get_by_role("button", name="Use dark colours").click()
    expect(page.locator("html")).to_have_attribute("data-mantine-color-scheme", "dark")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-mantine-color-scheme", "dark")


def test_an_address_of_nothing_says_so(page: Page, keep: Keep) -> None:
    page.goto("/dashboard/no/such/page")
    expect(page.get_by_role("heading", level=1)).to_have_text("No such page")
    keep("not-found")


def test_a_server_with_keys_asks_for_one(watch: Watch, keep: Keep, tmp_path: Path) -> None:
    data = str(tmp_path / "data")

    def create(name: str) -> str:
        made = subprocess.run([*COMMAND, "keys", "create", name, "--data", data], capture_output=True, check=True)
        return next(word for word in made.stdout.decode().split() if word.startswith("pk_"))

    key, other = create("dashboard"), create("other")
    page = watch.page
    watch.expects("401")
    with ServerProcess("--data", data) as locked:
        watch.host = f"127.0.0.1:{locked.port}"
        httpx.get(f"{locked.url}/v1/user", timeout=120)  # by then all of it is loaded, on a busy machine too
        page.goto(f"{locked.url}/dashboard/agents")
        expect(page.get_by_role("heading", level=1)).to_have_text("This server asks for an API key")
        expect(page.get_by_label("API key")).to_be_focused()
        keep("key")
        page.get_by_label("API key").fill("wrong")
        page.get_by_role("button", name="Enter").click()
        expect(page.get_by_text("The server does not accept this key.")).to_be_visible()
        page.get_by_label("API key").fill(key)
        page.get_by_role("button", name="Enter").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Agents")

        page.goto(f"{locked.url}/dashboard/settings?tab=server")  # what a link cannot open
        expect(page.get_by_text("curl -H 'xi-api-key: YOUR_KEY'")).to_contain_text("/metrics")

        page.goto(f"{locked.url}/dashboard/talk/agent_demo")
        page.get_by_role("button", name="Chat").click()
        with page.context.expect_page() as opened:  # another tab does not ask again
            page.get_by_role("link", name="conv_").click()
        expect(opened.value.get_by_role("heading", level=1)).not_to_have_text(re.compile("asks for|Talk"))
        expect(opened.value.get_by_role("tab", name="Events")).to_be_visible()
        opened.value.close()
        page.get_by_role("button", name="End chat").click()

        page.get_by_role("link", name="Agents").click()
        page.get_by_role("link", name="Trattoria Parola (demo)").click()
        page.get_by_role("textbox", name="Name", exact=True).fill("Trattoria Nuova")
        keys = httpx.get(f"{locked.url}/v1/x/api-keys", headers={"xi-api-key": other}, timeout=60).json()["api_keys"]
        mine = next(one["key_id"] for one in keys if one["name"] == "dashboard")
        httpx.delete(f"{locked.url}/v1/x/api-keys/{mine}", headers={"xi-api-key": other}, timeout=60)
        gate = page.get_by_role("dialog", name="This server asks for an API key")
        expect(gate.get_by_label("API key")).to_be_focused()
        gate.get_by_label("API key").fill(other)
        gate.get_by_role("button", name="Enter").click()
        expect(gate).to_be_hidden()
        expect(page.get_by_role("textbox", name="Name not saved")).to_have_value("Trattoria Nuova")  # nothing is lost
        page.get_by_role("region", name="Unsaved changes").get_by_role("button", name="Save").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Trattoria Nuova")
        page.goto("about:blank")


def test_without_a_build_the_page_says_how_to_make_one(tmp_path: Path) -> None:
    from starlette.applications import Starlette
    from starlette.routing import Mount
    from starlette.testclient import TestClient

    (tmp_path / "secret.json").write_text("{}")
    client = TestClient(Starlette(routes=[Mount("/dashboard", Pages(tmp_path / "built"))]))
    answer = client.get("/dashboard/agents")
    assert answer.status_code == 503
    assert "make dashboard" in answer.text
    (tmp_path / "built" / "assets").mkdir(parents=True)
    (tmp_path / "built" / "index.html").write_text('<base href="/dashboard/" />')
    assert client.get("/dashboard/%2e%2e/secret.json").text == '<base href="/dashboard/" />'
    assert client.get("/dashboard/assets/old.js").status_code == 404
    assert client.post("/dashboard/").status_code == 405
