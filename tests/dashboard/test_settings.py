"""Settings: what happens around calls, privacy, how words are said, limits, and how the server was started."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.dashboard.conftest import Keep
from tests.wire.servers import ServerProcess


def test_settings_are_kept_and_the_server_tells_of_itself(page: Page, server: ServerProcess, keep: Keep) -> None:
    hook = {"settings": {"auth_type": "hmac", "name": "CRM", "webhook_url": "http://127.0.0.1:9/hook"}}
    made = server.http.post("/v1/workspace/webhooks", json=hook).json()
    page.goto("/dashboard/settings")
    after = page.get_by_role("region", name="After a call")
    after.get_by_label("Endpoint").click()
    page.get_by_role("option", name="CRM").click()
    after.get_by_label("Recording", exact=True).check()
    keep("settings")
    after.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved: it holds for calls")).to_be_visible()
    kept = server.http.get("/v1/convai/settings").json()["webhooks"]
    assert kept["post_call_webhook_id"] == made["webhook_id"] and kept["events"] == ["transcript", "audio"]
    page.get_by_text("Dark", exact=True).click()
    expect(page.locator("html")).to_have_attribute("data-mantine-color-scheme", "dark")
    page.get_by_text("As the system", exact=True).click()

    page.get_by_role("tab", name="Pronunciation").click()
    page.get_by_role("button", name="New dictionary").click()
    page.get_by_label("Name").fill("Names")
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_role("heading", name="Names")).to_be_visible()
    expect(page.get_by_role("region", name="Unsaved changes")).to_be_hidden()
    page.get_by_label("Word of rule 1").fill("SQL")
    expect(page.get_by_text("needs what is said in its place")).to_be_visible()
    page.get_by_label("What rule 1 says").fill("sequel")
    keep("settings-pronunciation")
    page.get_by_role("button", name="All dictionaries").click()  # leaving asks
    page.get_by_role("button", name="Stay").click()
    page.get_by_role("tab", name="Limits").click()
    page.get_by_role("button", name="Save and leave").click()
    expect(page.get_by_label("Search limits")).to_be_visible()
    page.get_by_role("tab", name="Pronunciation").click()
    expect(page.get_by_text("1 rule", exact=True)).to_be_visible()

    page.get_by_role("tab", name="Privacy").click()
    expect(page.get_by_role("region", name="What is kept")).to_contain_text("For ever")
    keep("settings-privacy")
    page.get_by_role("tab", name="Limits").click()
    keep("settings-limits")
    page.get_by_label("Search limits").fill("takeover grace")
    expect(page.get_by_role("region", name="Live control")).to_contain_text("30 s")
    page.get_by_role("tab", name="This server").click()
    expect(page.get_by_role("region", name="How it was started")).to_contain_text(server.url)
    keep("settings-server")
