"""Webhooks: an endpoint is made, fails, says why, and gets its message after all."""

from __future__ import annotations

import subprocess

from playwright.sync_api import Page, expect

from tests.dashboard.conftest import Keep
from tests.dashboard.receiver import receiver
from tests.wire.servers import COMMAND, ServerProcess


def test_why_a_webhook_did_not_arrive(page: Page, server: ServerProcess, keep: Keep) -> None:
    page.goto("/dashboard/webhooks")
    expect(page.get_by_role("heading", name="No endpoint yet")).to_be_visible()
    keep("webhooks-new")
    with receiver(404, "There is nothing at this path") as crm:
        page.get_by_role("button", name="New endpoint").first.click()
        form = page.get_by_role("dialog")
        form.get_by_label("Name").fill("CRM")
        form.get_by_label("URL").fill(f"{crm.url}/hooks")
        form.get_by_role("button", name="Create").click()
        secret = page.get_by_role("dialog", name="The secret of this endpoint")
        expect(secret.get_by_text("wsec_").first).to_be_visible()
        secret.get_by_role("button", name="I have copied it").click()
        card = page.get_by_role("region", name="CRM")
        expect(card.get_by_text("Transcript")).to_be_visible()

        chat = [*COMMAND, "chat", "--url", server.url, "--message", "Hello"]
        subprocess.run(chat, capture_output=True, check=True)
        page.get_by_role("link", name="Deliveries", exact=True).click()
        expect(page.get_by_text("The endpoint answered 404. That is not tried again.")).to_be_visible()
        expect(page.get_by_role("table", name="Deliveries")).to_contain_text("Given up")
        keep("webhooks-deliveries")
        page.get_by_role("link", name="Transcript", exact=True).click()
        expect(page.get_by_role("region", name="Attempts")).to_contain_text("There is nothing at this path")
        expect(page.get_by_role("region", name="The body")).to_contain_text('"post_call_transcription"')
        keep("webhooks-delivery")

        crm.status = 200
        page.get_by_role("button", name="Resend").click()
        expect(page.get_by_text("It arrived at attempt 2.")).to_be_visible()
        page.get_by_role("link", name="conv_").click()
        page.wait_for_url("**/conversations/conv_*")
        conversation_id = page.url.rpartition("/")[2].partition("?")[0]

        page.goto(f"/dashboard/webhooks?conversation_id={conversation_id}")
        page.wait_for_url("**/webhooks/deliveries?conversation_id=*")
        expect(page.get_by_role("row")).not_to_have_count(0)
        page.get_by_role("link", name="Endpoints").click()
        page.get_by_role("button", name="Send test").click()
        sample = page.get_by_role("dialog")
        sample.get_by_role("button", name="Send", exact=True).click()
        expect(sample.get_by_text("It answered 200")).to_be_visible()
        keep("webhooks-test", phone=False)
        sample.get_by_role("button", name="Close").last.click()
        expect(sample).to_be_hidden()

        page.get_by_role("button", name="More for CRM").click()
        page.get_by_role("menuitem", name="Edit").click()
        page.get_by_role("dialog").get_by_label("Recording").check()
        hook = {"settings": {"auth_type": "hmac", "name": "Other", "webhook_url": f"{crm.url}/other"}}
        other = server.http.post("/v1/workspace/webhooks", json=hook).json()["webhook_id"]
        told = {"webhook_id": other, "events": ["audio"]}
        server.http.patch("/v1/convai/settings", json={"webhooks": {"x_endpoints": [told]}})
        page.get_by_role("dialog").get_by_role("button", name="Save").click()
        expect(page.get_by_text("The endpoint is saved.")).to_be_visible()
        kept = server.http.get("/v1/convai/settings").json()["webhooks"]
        assert kept["events"] == ["transcript", "audio"] and kept["x_endpoints"] == [told]
        server.http.patch("/v1/convai/settings", json={"webhooks": {"x_endpoints": []}})
        server.http.delete(f"/v1/workspace/webhooks/{other}")
        keep("webhooks")
    page.get_by_role("link", name="Receive and verify").click()
    expect(page.get_by_text("construct_event")).to_be_visible()
    keep("webhooks-verify")
    page.get_by_role("link", name="Endpoints").click()
    page.get_by_role("button", name="More for CRM").click()
    page.get_by_role("menuitem", name="Delete").click()
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("heading", name="No endpoint yet")).to_be_visible()
