"""A new server, a fresh browser, one click: somebody speaks with the demo agent. Then the same by text, without a
microphone, and in browsers that cannot open audio at the rate of a call."""

from __future__ import annotations

import array
import re
import wave
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.dashboard.conftest import ROOT, Keep, Watch
from tests.wire.servers import ServerProcess

QUESTION = "What are your opening hours?"
ANSWER = "We are open from Tuesday to Sunday"

GREETING_SECONDS = 8
"""Long enough for the agent to greet on a busy machine, most of the time: else the question interrupts the greeting."""

PAUSES_SECONDS = (2, 4, 6)
"""Until the question is asked again, in turn. The answer takes five seconds and begins half a second after the question
on a quiet machine, three on a busy one: one of the pauses always ends in the middle of it."""

ROUNDS = 4
"""As often do the pauses return."""


@pytest.fixture(scope="module")
def chromium_arguments(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """A microphone in which the question of the examples is asked again and again, also into the answers."""
    with wave.open(str(ROOT / "examples" / "question.wav")) as recorded:
        rate = recorded.getframerate()
        question = recorded.readframes(recorded.getnframes())

    def silence(seconds: int) -> bytes:
        return bytes(2 * rate * seconds)

    asked = b"".join(question + silence(seconds) for seconds in PAUSES_SECONDS)
    spoken = array.array("h", silence(GREETING_SECONDS) + ROUNDS * asked)
    path = tmp_path_factory.mktemp("microphone") / "microphone.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 48_000, 0, "NONE", ""))
        file.writeframes(array.array("h", [sample for sample in spoken for _ in range(48_000 // rate)]).tobytes())
    return ["--use-fake-device-for-media-stream", f"--use-file-for-fake-audio-capture={path}%noloop"]


@pytest.fixture(autouse=True)
def voice_is_warm(server: ServerProcess) -> None:
    """The first words of a voice take seconds, on a machine that loads its model beside other work."""
    voices = server.http.get("/v1/voices").json()["voices"]
    server.http.get(f"/v1/x/voices/{voices[0]['voice_id']}/preview", params={"text": "Hello"}, timeout=60)


def sockets(page: Page) -> list[str]:
    """The addresses of the sockets that the page opens from now on."""
    opened: list[str] = []
    page.on("websocket", lambda socket: opened.append(socket.url))
    return opened


def heard(page: Page, whose: str) -> None:
    """Wait until a voice is loud: the client's own measure of what the microphone gives and of what is played."""
    page.wait_for_function(
        'name => Number(document.querySelector(`[role=meter][aria-label="Loudness: ${name}"]`)'
        "?.getAttribute('aria-valuenow')) > 15",
        arg=whose,
        timeout=40_000,
    )


@pytest.mark.client("react", "voice", "signed")
def test_one_click_leads_into_a_spoken_conversation(page: Page, server: ServerProcess, keep: Keep) -> None:
    opened = sockets(page)
    page.goto("/dashboard/")
    page.get_by_role("link", name="Call the demo agent").click()
    log = page.get_by_role("log")
    expect(page.get_by_role("button", name="Hang up")).to_be_visible()
    expect(log).to_contain_text("Hello there, this is Trattoria Parola.")
    heard(page, "Agent")
    heard(page, "You")
    user, agent = log.locator("[data-turn=user]"), log.locator("[data-turn=agent]")
    expect(user.filter(has_text=QUESTION).first).to_be_visible(timeout=40_000)
    expect(agent.filter(has_text=ANSWER).first).to_be_visible(timeout=40_000)
    expect(agent.filter(has_text="Interrupted").first).to_be_visible(timeout=40_000)
    expect(user.filter(has_text=QUESTION).nth(1)).to_be_visible(timeout=40_000)
    expect(log).to_contain_text("answered in", timeout=40_000)
    frames = page.get_by_role("group", name="Frames")
    expect(frames.get_by_text("agent_response_complete").last).to_be_visible(timeout=40_000)
    keep("talk-call")
    page.get_by_role("button", name="Mute").click()
    expect(page.get_by_role("button", name="Unmute")).to_be_visible()
    page.get_by_role("button", name="Hang up").click()
    expect(page.get_by_text("You ended the call")).to_be_visible()
    expect(page.get_by_text("Close code 1000.")).to_be_visible()
    expect(page.get_by_text("The agent was interrupted", exact=False)).to_be_visible()
    keep("talk-ended")
    page.get_by_role("link", name="Open its timeline").click()
    page.wait_for_url("**/conversations/conv_*")
    expect(page.get_by_text(QUESTION).first).to_be_visible()
    assert [urlsplit(url).netloc for url in opened] == [urlsplit(server.url).netloc]


@pytest.mark.client("react", "text", "tools")
def test_without_a_microphone_one_writes_and_answers_tools(watch: Watch, keep: Keep) -> None:
    page = watch.page
    page.context.clear_permissions()
    page.goto("/dashboard/talk")
    page.get_by_label("user_name").fill("Ada")
    keep("talk")
    page.get_by_role("button", name="Call", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("The microphone is not allowed")
    page.get_by_role("button", name="Chat by text instead").click()
    log = page.get_by_role("log")
    expect(log).to_contain_text("Hello Ada, this is Trattoria Parola.")
    message = page.get_by_role("textbox", name="Message", exact=True)

    def write(text: str) -> None:
        message.fill(text)
        message.press("Enter")

    page.get_by_role("link", name="Agents").click()
    expect(page.get_by_role("dialog")).to_contain_text("it ends when you leave")
    page.get_by_role("button", name="Stay in the call").click()
    expect(page).to_have_url(re.compile("/talk/agent_demo$"))
    write("Show me a message saying hello")
    card = log.get_by_role("group", name="Tool call show_message")
    card.get_by_label("Your app answers").fill("It is on the wall.")
    card.get_by_role("button", name="Answer", exact=True).click()
    expect(log).to_contain_text("Your app answered: It is on the wall.")

    # A script answers: apart from the page, and without a way out.
    watch.expects("tool-script.js")
    page.get_by_role("tab", name="Before the call").click()
    page.get_by_text("A script answers").click()
    page.get_by_label("Script of show_message").fill(
        'const net = await fetch("/v1/user").then(() => "a way out", () => "no way out");\n'
        "return `${parameters.text}, and ${net}`;"
    )
    write("Show me a message saying hello")
    expect(log).to_contain_text("Your app answered: hello, and no way out")

    page.get_by_role("button", name="More to send").click()
    page.get_by_role("menuitem", name="Tell the agent something").click()
    page.get_by_role("textbox", name="What the agent should know").fill("The user is on page two.")
    page.keyboard.press("Enter")
    expect(log).to_contain_text("Told the agent: The user is on page two.")
    page.set_input_files("input[type=file]", {"name": "note.txt", "mimeType": "text/plain", "buffer": b"Hello"})
    expect(page.get_by_text("note.txt, 5 B")).to_be_visible()
    write("Thank you")
    expect(log).to_contain_text("1 file")
    page.get_by_role("button", name="Good answer").last.click()

    page.get_by_role("tab", name="Frames").click()
    page.get_by_label("Look for words in messages").fill("on the wall")
    page.get_by_role("button", name="client_tool_result").click()
    page.mouse.move(0, 0)
    keep("talk-chat")
    with page.expect_download() as download:
        page.get_by_role("button", name="Export as NDJSON").click()
    exported = Path(download.value.path()).read_text(encoding="utf-8")
    for kind in ("conversation_initiation_metadata", "multimodal_message", "feedback", "contextual_update"):
        assert f'"type":"{kind}"' in exported

    write("Goodbye")
    expect(page.get_by_text("The agent ended the call", exact=True)).to_be_visible()
    page.get_by_role("button", name="It went well").click()
    expect(page.get_by_role("button", name="It went well")).to_have_attribute("aria-pressed", "true")


def test_a_refused_call_says_why(watch: Watch, server: ServerProcess) -> None:
    page = watch.page
    agent_id = server.create_agent(
        {"name": "Strict", "conversation_config": {"agent": {"first_message": "Hi {{who}}"}}}
    )
    page.goto(f"/dashboard/talk/{agent_id}")
    expect(page.get_by_text("1 without a value")).to_be_visible()
    page.get_by_role("button", name="Chat").click()
    expect(page.get_by_text("The call could not begin")).to_be_visible()
    expect(page.get_by_text("Close code 1008.")).to_be_visible()
    expect(page.get_by_text("who", exact=False).first).to_be_visible()
    field = page.get_by_role("textbox", name="who", exact=True)
    expect(field).to_be_focused()
    field.fill("Ada")
    page.get_by_role("button", name="Chat").click()
    expect(page.get_by_role("log")).to_contain_text("Hi Ada")
    page.get_by_role("button", name="End chat").click()


def test_a_browser_that_opens_audio_at_its_own_rate_loads_nothing_foreign(watch: Watch) -> None:
    page = watch.page
    watch.expects("resampling to")
    page.add_init_script(
        "MediaDevices.prototype.getSupportedConstraints = () => ({echoCancellation: true, channelCount: true})"
    )
    page.goto("/dashboard/talk")
    page.get_by_role("button", name="Call", exact=True).click()
    expect(page.get_by_role("log")).to_contain_text("Hello there, this is Trattoria Parola.")
    heard(page, "Agent")
    heard(page, "You")
    expect(page.get_by_role("log")).to_contain_text(QUESTION, timeout=40_000)
