"""The documentation in a browser: it is found from the dashboard, searched, read in both schemes and on a phone."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from parola.site.pages import BUILT
from tests.dashboard.conftest import PHONE, SETTLED, photograph, violations

SCHEMES = {"light": "default", "dark": "slate"}
"""What the pages call them."""


@pytest.fixture(autouse=True)
def built() -> None:
    assert (BUILT / "index.html").is_file(), "the documentation is not built: make docs"


def test_the_documentation_is_found_searched_and_read(page: Page) -> None:
    page.goto("/dashboard/")
    page.get_by_role("link", name="Documentation").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Parola")
    page.get_by_role("button", name="Search").click()
    search = page.get_by_role("combobox")
    expect(search).to_be_visible()
    search.press_sequentially("turn_eagerness")
    page.locator("a").filter(has_text="When the agent answers").first.click()
    page.wait_for_url("**/docs/turn-taking.html*", wait_until="commit")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Turn-taking")
    page.goto("/docs/api/agents.html")
    for scheme, name in SCHEMES.items():
        if scheme == "dark":
            page.get_by_title("Use dark colours").click()
        expect(page.locator("body")).to_have_attribute("data-md-color-scheme", name)
        expect(page.get_by_role("heading", name="Create an agent")).to_be_visible()
        page.evaluate(SETTLED)
        photograph(page, f"documentation-{scheme}")
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    page.goto("/docs/configuration.html")
    assert page.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_documentation_can_be_read_by_everybody(page: Page, scheme: str) -> None:
    """Home, a guide with code, a page with tables and a figure, the API."""
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
    for name in ("", "connect-an-app.html", "listening.html", "api/agents.html"):
        page.goto(f"/docs/{name}")
        expect(page.locator("body")).to_have_attribute("data-md-color-scheme", SCHEMES[scheme])
        page.evaluate(SETTLED)
        found = violations(page)
        assert not found, f"/docs/{name}, {scheme}:\n" + "\n".join(found)


def test_an_address_of_nothing_leads_back(page: Page) -> None:
    answer = page.request.get("/docs/no/such/page")
    assert answer.status == 404 and "/docs/assets/" in answer.text()
