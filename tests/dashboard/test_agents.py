"""Agents on the dashboard: how an app is connected to one."""

from __future__ import annotations

import httpx
from playwright.sync_api import Page, expect

from tests.dashboard.conftest import Keep
from tests.wire.servers import ServerProcess

AGENT = {
    "name": "Bakery",
    "conversation_config": {"agent": {"prompt": {"prompt": "You sell bread.", "llm": "x-script"}}},
}


def create(server: ServerProcess) -> str:
    answer = httpx.post(f"{server.url}/v1/convai/agents/create", json=AGENT, timeout=60)
    return str(answer.json()["agent_id"])


def test_an_app_is_told_where_the_agent_is(server: ServerProcess, page: Page, keep: Keep) -> None:
    agent_id = create(server)
    page.goto(f"/dashboard/agents/{agent_id}?section=connect")
    expect(page.get_by_text(f'base_url="{server.url}"')).to_be_visible()
    for name in ("JavaScript", "React", "Widget", "Node", "Swift, Android", "Command line", "curl, WebSocket"):
        page.get_by_role("tab", name=name).click()
        expect(page.get_by_role("tabpanel")).to_contain_text(agent_id)
    page.get_by_role("button", name="Make a signed URL").click()
    expect(page.get_by_text("conversation_signature=", exact=False)).to_be_visible()
    keep("agent-connect")
    page.get_by_role("button", name="Revoke it").click()
    expect(page.get_by_text("opens nothing any more", exact=False)).to_be_visible()
