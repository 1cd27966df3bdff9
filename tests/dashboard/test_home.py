"""The overview: what a new server shows, and what it shows when there have been calls."""

from __future__ import annotations

import subprocess

from playwright.sync_api import Page, expect

from tests.dashboard.conftest import Keep
from tests.wire.servers import COMMAND, ServerProcess


def test_a_new_server_offers_a_call_and_then_tells_of_it(page: Page, server: ServerProcess, keep: Keep) -> None:
    page.goto("/dashboard/")
    expect(page.get_by_role("heading", name="Say hello to your first agent")).to_be_visible()
    expect(page.get_by_role("link", name="Call the demo agent")).to_have_attribute(
        "href", "/dashboard/talk/agent_demo?start=voice"
    )
    keep("home-new")
    chat = [*COMMAND, "chat", "--url", server.url]
    subprocess.run(chat, input=b"When are you open?\nThank you\n", capture_output=True, check=True)
    expect(page.get_by_role("heading", name="Say hello to your first agent")).to_be_hidden()
    expect(page.get_by_role("link", name="Trattoria Parola (demo)").first).to_be_visible()
    expect(page.get_by_role("region", name="Why calls ended")).to_contain_text("Client disconnected")
    days = page.get_by_role("region", name="Day by day")
    expect(days.get_by_role("listitem").last).to_contain_text("1 call")
    keep("home")
    page.get_by_text("90 days", exact=True).click()
    expect(days.get_by_role("listitem")).to_have_count(90)
    page.get_by_role("link", name="Trattoria Parola (demo)").first.click()
    page.wait_for_url("**/conversations/conv_*")
