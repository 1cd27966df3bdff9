"""Tools: a webhook tool is made from a form, tried against a service, changed as JSON and deleted."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.dashboard.conftest import Keep, Watch
from tests.dashboard.receiver import receiver


def test_a_webhook_tool_is_made_and_tried(page: Page, watch: Watch, keep: Keep) -> None:
    watch.expects("Viewport failed to stabilize")  # the editor says so when the window becomes a phone
    page.goto("/dashboard/tools")
    expect(page.get_by_role("heading", name="No tools yet")).to_be_visible()
    page.get_by_role("button", name="New tool").first.click()
    page.get_by_role("menuitem", name="Webhook").click()
    with receiver(200, '{"booking": {"id": "b_17"}}') as shop:
        page.get_by_role("textbox", name="Name").first.fill("book_table")
        page.get_by_role("textbox", name="Description").fill("Books a table.")
        page.get_by_label("Method").first.click()
        page.get_by_role("option", name="POST").click()
        page.get_by_role("textbox", name="URL").fill(f"{shop.url}/bookings")
        body = page.get_by_role("group", name="Body")
        body.get_by_role("button", name="Add a parameter").click()
        body.get_by_role("textbox", name="Name").fill("guests")
        body.get_by_label("What the model is told").fill("How many people come")
        page.get_by_role("button", name="Create").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("book_table")
        keep("tools-tool")
        page.get_by_text("Try it", exact=True).click()
        page.get_by_role("button", name="Call it now").click()
        expect(page.get_by_role("region", name="The request", exact=True)).to_contain_text("/bookings")
        expect(page.get_by_role("region", name="What the model reads")).to_contain_text("b_17")
        assert shop.paths == ["/bookings"]
        keep("tools-try")
    page.get_by_text("JSON", exact=True).click()
    expect(page.get_by_role("textbox", name="The tool as JSON")).to_contain_text("request_body_schema")
    keep("tools-json")
    page.get_by_role("link", name="Tools", exact=True).last.click()
    expect(page.get_by_role("link", name="book_table")).to_be_visible()
    keep("tools")
    page.get_by_role("link", name="MCP servers").click()
    expect(page.get_by_role("heading", name="No MCP servers yet")).to_be_visible()
    keep("tools-mcp")
    page.get_by_role("link", name="Tools", exact=True).last.click()
    page.get_by_role("button", name="Delete book_table").click()
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(page.get_by_role("heading", name="No tools yet")).to_be_visible()
