"""Agents on the dashboard: made from templates, edited, compared, brought back, connected."""

from __future__ import annotations

import re

import httpx
from playwright.sync_api import Page, expect

from tests.dashboard.conftest import SETTLED, Keep, violations
from tests.wire.servers import ServerProcess

TEMPLATES = (
    "Blank",
    "Front desk",
    "Customer support",
    "Appointment booking",
    "IT help desk",
    "Survey",
    "Language tutor",
    "Chat widget",
)

AGENT = {
    "name": "Bakery",
    "tags": ["bread"],
    "conversation_config": {
        "agent": {"first_message": "Hello {{name}}!", "prompt": {"prompt": "You sell bread.", "llm": "x-script"}},
        "turn": {"turn_timeout": 9, "x_of_the_future": {"kept": True}},
    },
    "platform_settings": {"topic_discovery": {"kept": [1, 2]}},
}

REST = (
    "Tools",
    "Knowledge",
    "Languages",
    "Personalisation",
    "Workflow",
    "Security",
    "Privacy",
    "Evaluation",
    "Widget",
    "Advanced",
)
"""The sections that no other journey goes through."""


PLAYED = """() => {
    const play = HTMLMediaElement.prototype.play;
    HTMLMediaElement.prototype.play = function () { window.sound = this; return play.call(this); };
}"""
"""The page remembers what it plays last."""


def create(server: ServerProcess) -> str:
    answer = httpx.post(f"{server.url}/v1/convai/agents/create", json=AGENT, timeout=60)
    return str(answer.json()["agent_id"])


def agent(server: ServerProcess, agent_id: str) -> dict[str, object]:
    document: dict[str, object] = httpx.get(f"{server.url}/v1/convai/agents/{agent_id}", timeout=60).json()
    return document


def section(page: Page, name: str) -> None:
    page.get_by_label("Sections of the agent").get_by_role("link", name=name, exact=False).click()


def test_every_template_makes_an_agent_in_which_the_check_finds_no_error(
    server: ServerProcess, page: Page, keep: Keep
) -> None:
    page.goto("/dashboard/agents")
    expect(page.get_by_role("link", name="Trattoria Parola (demo)")).to_be_visible(timeout=60_000)
    page.get_by_role("button", name="New agent", exact=True).click()
    expect(page.get_by_role("dialog").get_by_role("button", name="Chat widget")).to_be_visible()
    keep("agent-new")
    page.keyboard.press("Escape")
    for template in TEMPLATES:
        page.get_by_role("button", name="New agent", exact=True).click()
        page.get_by_role("dialog").get_by_role("button", name=re.compile(f"^{template}")).click()
        page.wait_for_url(re.compile(r"/agents/agent_\w+$"))
        agent_id = page.url.rsplit("/", 1)[1]
        found = httpx.get(f"{server.url}/v1/x/agents/{agent_id}/lint", params={"offline": True}, timeout=60).json()
        assert not found["errors"], (template, found)
        page.locator("main").get_by_role("link", name="Agents").click()
    page.get_by_label("Search by name").fill("desk")
    expect(page.get_by_role("row")).to_have_count(3)
    page.get_by_label("Search by name").fill("")
    page.get_by_role("button", name="Only agents with the tag support").first.click()
    expect(page.get_by_role("row")).to_have_count(3)
    expect(page).to_have_url(re.compile("tag=support"))
    page.goto("/dashboard/agents")
    expect(page.get_by_role("row")).to_have_count(len(TEMPLATES) + 2)
    keep("agents")
    page.get_by_role("button", name="More about New agent").click()
    page.get_by_role("menuitem", name="Delete").click()
    page.get_by_role("button", name="Delete the agent").click()
    expect(page.get_by_role("row")).to_have_count(len(TEMPLATES) + 1)


def test_a_save_sends_what_changed_and_an_old_version_comes_back(server: ServerProcess, page: Page, keep: Keep) -> None:
    agent_id = create(server)
    page.goto(f"/dashboard/agents/{agent_id}")
    page.get_by_role("textbox", name="First message").click()
    page.keyboard.press("Home")
    page.keyboard.type("Good day. ")
    expect(page.get_by_text("no value")).to_be_visible()
    page.get_by_label("Placeholder of name").fill("there")
    keep("agent-basics")
    section(page, "Turn-taking")
    page.get_by_text("Patient", exact=True).click()
    expect(page.get_by_role("img", name="After 0.7 s of silence the turn is over.", exact=False)).to_be_visible()
    keep("agent-turn-taking")

    page.get_by_role("link", name="Tests").click()  # leaving asks
    page.get_by_role("button", name="Stay").click()
    page.get_by_role("link", name="Review").click()
    expect(page.get_by_role("button", name="Take back the change", exact=False)).to_have_count(3)
    keep("agent-changes")
    with page.expect_request(lambda request: request.method == "PATCH") as sent:
        page.keyboard.press("Control+s")
    assert sent.value.post_data_json == {
        "conversation_config": {
            "agent": {
                "first_message": "Good day. Hello {{name}}!",
                "dynamic_variables": {"dynamic_variable_placeholders": {"name": "there"}},
            },
            "turn": {"turn_eagerness": "patient"},
        }
    }
    expect(page.get_by_text("Everything is saved")).to_be_visible()
    saved = agent(server, agent_id)
    assert saved["platform_settings"] == AGENT["platform_settings"]
    assert saved["conversation_config"]["turn"] == {  # type: ignore[index]
        **AGENT["conversation_config"]["turn"],  # type: ignore[index]
        "turn_eagerness": "patient",
    }

    section(page, "Versions")
    page.get_by_role("button", name=re.compile("^1")).click()
    expect(page.get_by_text("3 settings differ.")).to_be_visible()
    keep("agent-versions")
    page.get_by_role("button", name="Bring version 1 back").click()
    page.get_by_role("button", name="Bring it back").click()
    expect(page.get_by_role("button", name=re.compile("^3"))).to_be_visible()
    assert agent(server, agent_id)["conversation_config"] == AGENT["conversation_config"]

    for number in range(101):  # more than a field lists: the server looks for what is typed
        name = f"tool_{number}" if number else "oldest"
        tool = {"type": "client", "name": name, "description": "Shows it.", "expects_response": False}
        server.http.post("/v1/convai/tools", json={"tool_config": tool})
    section(page, "Tools")
    tools = page.get_by_role("combobox", name="Tools", exact=True)
    tools.click()
    expect(page.get_by_role("option", name="And more: type to search")).to_be_attached()
    tools.fill("oldest")
    page.get_by_role("option", name="oldest (client)").click()
    page.keyboard.press("Escape")
    person = page.get_by_role("switch", name="Ask for a person")
    person.check()
    page.get_by_label("What the user is told meanwhile").fill("One moment.")
    person.uncheck()
    section(page, "Knowledge")
    section(page, "Tools")
    person.check()
    expect(page.get_by_label("What the user is told meanwhile")).to_have_value("One moment.")
    expect(page.get_by_text("oldest (client)").first).to_be_visible()
    page.get_by_role("button", name="More about Bakery").click()
    page.get_by_role("menuitem", name="Delete").click()
    page.get_by_role("button", name="Delete the agent").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Agents")  # what is deleted asks nothing more


def test_json_is_checked_as_it_is_typed(server: ServerProcess, page: Page, keep: Keep) -> None:
    agent_id = create(server)
    page.goto(f"/dashboard/agents/{agent_id}?section=json")
    box = page.get_by_role("textbox", name="The agent as JSON")
    expect(box).to_contain_text("x_of_the_future")
    box.click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text('{"name": "Bakery", ')
    expect(page.get_by_text("Not JSON yet")).to_be_visible()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(
        '{"name": "Bakery",\n "tags": ["bread"],\n "conversation_config": {"turn": {"turn_timeout": 900}},\n'
        ' "platform_settings": {}}'
    )
    finding = page.get_by_role("button", name="turn_timeout", exact=False)
    expect(finding).to_be_visible()
    expect(page.locator(".cm-lint-marker-error")).to_be_visible()
    finding.click()
    expect(page.locator(".cm-activeLine")).to_contain_text("turn_timeout")
    keep("agent-json")
    section(page, "Turn-taking")  # and beside the field
    expect(page.get_by_label("Error").first).to_be_visible()
    page.get_by_role("button", name="Discard").click()
    expect(page.get_by_label("Speak again after a silence: seconds, exact value")).to_have_value("9 s")


def test_an_app_is_told_where_the_agent_is(server: ServerProcess, page: Page, keep: Keep) -> None:
    agent_id = create(server)
    page.goto(f"/dashboard/agents/{agent_id}?section=connect")
    expect(page.get_by_text(f'base_url="{server.url}"')).to_be_visible()
    for name in ("JavaScript", "React", "Widget", "Node", "Swift, Android", "Command line", "WebSocket"):
        page.get_by_role("tab", name=name).click()
        expect(page.get_by_role("tabpanel")).to_contain_text(agent_id)
    page.get_by_role("button", name="Make a signed URL").click()
    expect(page.get_by_text("conversation_signature=", exact=False)).to_be_visible()
    keep("agent-connect")
    page.get_by_role("button", name="Revoke it").click()
    expect(page.get_by_text("opens nothing any more", exact=False)).to_be_visible()


def test_every_section_can_be_read_by_everybody(server: ServerProcess, page: Page, keep: Keep) -> None:
    agent_id = create(server)
    page.goto(f"/dashboard/agents/{agent_id}")
    section(page, "Model")
    expect(page.get_by_role("heading", level=2, name="Model")).to_be_visible()
    keep("agent-model")
    page.get_by_role("button", name="Insert an example").click()
    expect(page.get_by_role("textbox", name="Script", exact=True)).to_contain_text("opening hours")
    expect(page.get_by_role("button", name="Insert an example")).to_have_count(0)
    page.get_by_role("button", name="Discard").click()
    found = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        for name in REST:
            section(page, name)
            expect(page.get_by_role("heading", level=2, name=name)).to_be_visible()
            expect(page.locator("main .mantine-Skeleton-root")).to_have_count(0)
            page.evaluate(SETTLED)
            found += [f"{name}, {scheme}: {one}" for one in violations(page)]
    assert not found, "\n".join(found)


def test_a_voice_is_heard_before_it_is_chosen(server: ServerProcess, page: Page, keep: Keep) -> None:
    agent_id = create(server)
    page.goto(f"/dashboard/agents/{agent_id}?section=voice")
    expect(page.get_by_role("button", name="Hear ").first).to_be_visible()
    keep("agent-voice")
    page.evaluate(PLAYED)
    with page.expect_response(re.compile("/preview"), timeout=60_000) as heard:
        page.get_by_role("button", name="Hear ").first.click()
    assert heard.value.ok and heard.value.headers["content-type"] == "audio/wav"
    page.wait_for_function("() => window.sound?.currentTime > 0.2")
    page.get_by_role("button", name="Stop ").click()
    expect(page.get_by_role("button", name="Stop ")).to_have_count(0)
