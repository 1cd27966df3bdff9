"""Calls while they run: a chat of a raw client and a voice call are looked after from the page."""

from __future__ import annotations

import json
import queue
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.dashboard.conftest import Keep
from tests.wire.servers import ServerProcess, agent, client_tool
from tests.wire.speech import recording

TEXT = {"conversation": {"text_only": True}}
WAITS = {"x_transfer_to_human": {"name": "x_transfer_to_human", "description": "", "params": {
    "system_tool_type": "x_transfer_to_human"}}}  # fmt: skip
TRANSFERS = {"transfer_to_number": {"name": "transfer_to_number", "description": "", "params": {
    "system_tool_type": "transfer_to_number",
    "transfers": [{"phone_number": "+15550100", "condition": "The caller asks about a bill."}]}}}  # fmt: skip


@pytest.fixture(scope="module")
def chromium_arguments() -> list[str]:
    return ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]


class Client:
    """The caller's client: answers pings, remembers what it was told."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.told: queue.Queue[dict[str, Any]] = queue.Queue()
        self.close = ""
        self.sends(type="conversation_initiation_client_data", user_id="customer_1", dynamic_variables={"name": "Eve"})
        threading.Thread(target=self._read, daemon=True).start()
        metadata = self.gets("conversation_initiation_metadata")["conversation_initiation_metadata_event"]
        self.conversation_id = str(metadata["conversation_id"])

    def _read(self) -> None:
        try:
            for text in self.socket:
                message = json.loads(text)
                if message["type"] == "ping":
                    self.sends(type="pong", event_id=message["ping_event"]["event_id"])
                else:
                    self.told.put(message)
        except ConnectionClosed:
            pass

    def sends(self, **message: Any) -> None:
        self.socket.send(json.dumps(message))

    def gets(self, kind: str) -> dict[str, Any]:
        while (message := self.told.get(timeout=20))["type"] != kind:
            pass
        return message

    def is_answered(self) -> str:
        return str(self.gets("agent_response")["agent_response_event"]["agent_response"])


@contextmanager
def calling(server: ServerProcess, made: dict[str, Any]) -> Iterator[Client]:
    with connect(server.socket_of(server.create_agent(made)), max_size=None) as socket:
        yield Client(socket)


@pytest.fixture
def chat(server: ServerProcess) -> Iterator[Client]:
    """A chat with an agent that has a tool of the client's, may call a person, and knows a number."""
    call = {"when": "table", "call": {"tool": "find_table", "arguments": {"guests": 4}}, "then": "I have {{result}}."}
    asks = {"reason": "The bill is wrong.", "message_to_user": "I am calling somebody."}
    person = {"when": "person", "call": {"tool": "x_transfer_to_human", "arguments": asks}, "then": "Nobody came."}
    made = agent(
        call,
        person,
        first_message="Hello {{name}}, how can I help?",
        tools=[client_tool("find_table", timeout=60, guests="integer")],
        config=TEXT,
    )
    made["name"] = "Front desk"
    made["conversation_config"]["agent"]["prompt"]["built_in_tools"] = WAITS | TRANSFERS
    with calling(server, made) as client:
        yield client


def says(page: Page, manner: str, words: str) -> None:
    """Choose how it is said, and say it."""
    if manner:
        page.get_by_role("radiogroup", name="How it is said").get_by_text(manner, exact=True).click()
    page.locator("form").filter(has=page.get_by_role("button", name="Send")).get_by_role("textbox").fill(words)
    page.get_by_role("button", name="Send").click()


def is_named(page: Page, name: str) -> None:
    asked = page.get_by_role("dialog", name="What are you called?")
    asked.get_by_label("Your name").fill(name)
    asked.get_by_role("button", name="Go on").click()


def test_a_chat_is_watched_helped_taken_over_handed_back_and_ended(
    page: Page, server: ServerProcess, keep: Keep, chat: Client
) -> None:
    page.goto("/dashboard/live")
    row = page.get_by_role("list", name="Running conversations").get_by_role("listitem")
    expect(row).to_contain_text("Hello Eve, how can I help?")
    chat.sends(type="user_message", text="I want a person.")
    waiting = page.get_by_role("region", name="Waiting for a person")
    expect(waiting).to_contain_text("The bill is wrong.")
    expect(row).to_contain_text("Waits for a person")
    keep("live")

    waiting.get_by_role("link", name="Take over").click()
    is_named(page, "Ann")
    log = page.get_by_role("log", name="Transcript")
    expect(log).to_contain_text("Ann took over.")
    expect(page.get_by_text("You have this conversation.")).to_be_visible()
    chat.gets("external_agent_connected")
    says(page, "", "This is Ann. Let me look at the bill.")
    while chat.is_answered() != "This is Ann. Let me look at the bill.":
        pass
    keep("live-call")
    page.get_by_role("button", name="Hand back").click()
    chat.gets("external_agent_disconnected")
    expect(log).to_contain_text("Ann gave it back to the agent.")

    says(page, "Whisper", "The caller is on the page “Bills”.")
    expect(log).to_contain_text("Ann told the agent: “The caller is on the page “Bills”.”")
    says(page, "As the caller", "And when are you open?")
    expect(log).to_contain_text("I heard: And when are you open?")
    expect(log).to_contain_text("Ann, as the caller")
    page.get_by_label("Name of a variable").fill("guests")
    page.get_by_label("Its value").fill("4")
    page.get_by_role("button", name="Set").click()
    expect(log).to_contain_text("Ann set guests to 4.")

    chat.sends(type="user_message", text="A table, please.")
    tool = page.get_by_role("group", name="Tool call find_table")
    tool.get_by_label("Answer in the client’s place").fill("table 12")
    tool.get_by_role("button", name="Answer", exact=True).click()
    expect(log).to_contain_text("I have table 12.")
    page.get_by_role("button", name="Transfer").click()
    page.get_by_role("menuitem", name="+15550100").click()
    page.get_by_role("dialog").get_by_role("button", name="Transfer").click()
    expect(page.get_by_text("This conversation is not a telephone call")).to_be_visible()
    page.locator(".mantine-Notification-closeButton").click()

    _is_taken_from_bob(page, server, chat, log)
    page.get_by_role("tab", name="Events").click()
    expect(page.get_by_role("region", name="Events")).to_contain_text("x_")
    page.get_by_role("button", name="End", exact=True).click()
    page.get_by_role("menuitem", name="Say goodbye, then end").click()
    page.get_by_label("Last words").fill("Goodbye, Eve.")
    page.get_by_role("button", name="Say it and end").click()
    while chat.is_answered() != "Goodbye, Eve.":
        pass
    expect(page.get_by_text("The conversation has ended")).to_be_visible()
    keep("live-over")
    page.get_by_role("link", name="Open its timeline").click()
    page.wait_for_url(f"**/conversations/{chat.conversation_id}*")


def _is_taken_from_bob(page: Page, server: ServerProcess, chat: Client, log: Locator) -> None:
    """Bob has it: Ann is asked whether she takes it away from him, and does."""
    takeover = f"/v1/x/conversations/{chat.conversation_id}/takeover"
    assert server.http.post(takeover, json={"operator": "Bob"}).status_code == 202
    expect(page.get_by_text("Bob has this conversation.")).to_be_visible()
    page.get_by_role("button", name="Take it from Bob").click()
    page.get_by_role("dialog").get_by_role("button", name="Take it away").click()
    expect(log).to_contain_text("Ann took it away from Bob.")
    page.get_by_role("button", name="Hand back").click()
    expect(page.get_by_role("button", name="Take over")).to_be_visible()


def test_a_voice_call_is_heard_and_spoken_into(page: Page, server: ServerProcess, keep: Keep) -> None:
    made = agent({"when": "*", "say": "I heard you, and I go on for a while so that there is something to hear."})
    made["conversation_config"]["agent"]["first_message"] = "Hello, this is the front desk. What can I do for you?"
    with calling(server, made) as client:
        talks, ended = threading.Event(), threading.Event()
        talks.set()
        caller = threading.Thread(target=_speak, args=(client, talks, ended), daemon=True)
        caller.start()
        page.goto(f"/dashboard/live/{client.conversation_id}")
        page.evaluate("localStorage.setItem('parola-operator-name', 'Ann')")
        page.reload()
        page.get_by_role("button", name="Listen").click()
        hears(page, "Caller")
        talks.clear()
        client.sends(type="user_message", text="Tell me something.")
        hears(page, "Agent")
        keep("live-voice")
        page.get_by_role("button", name="Take over").click()
        page.get_by_role("menuitem", name="And speak, by microphone").click()
        expect(page.get_by_role("button", name="Mute")).to_be_visible()
        client.gets("external_agent_connected")
        client.gets("audio")  # the beeps of Chromium's own microphone
        page.get_by_role("button", name="Mute").click()
        expect(page.get_by_role("button", name="Muted")).to_be_visible()
        page.get_by_role("button", name="Hand back").click()
        client.gets("external_agent_disconnected")
        expect(page.get_by_role("button", name="Stop listening")).to_be_visible()
        page.get_by_role("button", name="End", exact=True).click()
        page.get_by_role("menuitem", name="End now").click()
        page.get_by_role("dialog").get_by_role("button", name="End it").click()
        expect(page.get_by_text("The conversation has ended")).to_be_visible()
        ended.set()
        caller.join(5)


def _speak(client: Client, talks: threading.Event, ended: threading.Event) -> None:
    """The recorded sentence again and again while they talk, at the pace of speech; then silence."""
    pcm = recording()
    at = 0
    try:
        while not ended.wait(0.1):
            client.sends(user_audio_chunk=b64encode(pcm[at : at + 3200] if talks.is_set() else bytes(3200)).decode())
            at = (at + 3200) % len(pcm)
    except ConnectionClosed:
        pass


def hears(page: Page, side: str) -> None:
    """Sound of this side has come, and is loud enough to be seen."""
    meter = f"[role=meter][aria-label='Loudness: {side}']"
    page.wait_for_function(
        "m => { const e = document.querySelector(m); "
        "return e && Number(e.dataset.heard) > 0.5 && Number(e.getAttribute('aria-valuenow')) > 3 }",
        arg=meter,
    )
