"""The knowledge base: files and a text are added, read, found, moved and deleted."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.dashboard.conftest import Keep, Watch


def test_documents_come_and_are_found(page: Page, watch: Watch, keep: Keep) -> None:
    watch.expects("400")  # a file that cannot be read
    page.goto("/dashboard/knowledge")
    expect(page.get_by_role("heading", name="No documents yet")).to_be_visible()
    page.get_by_label("Files to add").set_input_files(
        [
            {"name": "menu.md", "mimeType": "text/markdown", "buffer": b"# Menu\n\nRavioli without gluten, 14 euros."},
            {"name": "broken.pdf", "mimeType": "application/pdf", "buffer": b"no PDF at all"},
        ]
    )
    expect(page.get_by_text("Done: 2 of 2")).to_be_visible()
    expect(page.get_by_label("Refused")).to_be_visible()
    page.get_by_role("button", name="Add").first.click()
    page.get_by_role("menuitem", name="A folder").click()
    form = page.get_by_role("dialog")
    form.get_by_label("Name").fill("House rules")
    form.get_by_role("button", name="Create").click()
    expect(page.get_by_role("link", name="House rules")).to_be_visible()
    expect(form).to_be_hidden()
    keep("knowledge")
    page.get_by_role("button", name="More for menu.md").click()
    page.get_by_role("menuitem", name="Move").click()
    page.get_by_label("Into").first.click()
    page.get_by_role("option", name="House rules").click()
    page.get_by_role("dialog").get_by_role("button", name="Move").click()
    expect(page.get_by_role("link", name="menu.md")).to_be_hidden()
    page.get_by_role("link", name="House rules").click()
    page.get_by_role("link", name="menu.md").click()
    expect(page.get_by_role("region", name="What was read")).to_contain_text("Ravioli without gluten")
    keep("knowledge-document")
    page.goto("/dashboard/knowledge/try")
    page.get_by_label("Words").fill("ravioli gluten")
    expect(page.get_by_role("link", name="menu.md")).to_be_visible()
    expect(page.locator("mark").first).to_have_text("Ravioli")
    keep("knowledge-try")
    page.get_by_role("link", name="Documents", exact=True).click()
    page.get_by_role("button", name="More for House rules").click()
    page.get_by_role("menuitem", name="Delete").click()
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(page.get_by_role("heading", name="No documents yet")).to_be_visible()
