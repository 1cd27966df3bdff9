"""The ways into a page that the documents and the dashboard show: a browser runs them as they stand there, from another
origin, with the official packages. The microphone asks for the opening hours."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import wave
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, Route, expect
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from tests.dashboard.conftest import ROOT, WAIT_MS, Watch
from tests.docs.snippets import block, blocks
from tests.wire.servers import ServerProcess, agent

MODULES = ROOT / "dashboard" / "node_modules"
WIDGET = ROOT / "node_modules" / "@elevenlabs" / "convai-widget-embed" / "dist" / "index.js"

HERE = "127.0.0.1:8400"
GREETING = "Hello there, this is Trattoria Parola. How can I help you?"
QUESTION = "What are your opening hours?"
SILENCE_SECONDS = 6

DRAWN = ("storage.googleapis.com/eleven-public-cdn", "texImage2D", "ReadPixels", "ERR_BLOCKED_BY_CLIENT")
"""The picture of the widget's usual avatar comes from a public host, as the page says; here it does not come."""

START = """import { createRoot } from "react-dom/client";
import { App } from "./snippet";
const root = document.getElementById("root");
if (root) createRoot(root).render(<App />);
"""


@pytest.fixture(scope="module")
def chromium_arguments(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """A microphone that asks again and again, with time to answer."""
    path = tmp_path_factory.mktemp("microphone") / "microphone.wav"
    with wave.open(str(ROOT / "examples" / "question.wav")) as recorded, wave.open(str(path), "wb") as file:
        file.setparams(recorded.getparams())
        file.writeframes(bytes(2 * recorded.getframerate() * SILENCE_SECONDS))
        file.writeframes(recorded.readframes(recorded.getnframes()))
    return ["--use-fake-device-for-media-stream", f"--use-file-for-fake-audio-capture={path}"]


@pytest.fixture(autouse=True)
def voice_is_warm(server: ServerProcess) -> None:
    """The first words of a voice take seconds, on a machine that loads its model beside other work."""
    voice = server.http.get("/v1/voices").json()["voices"][0]["voice_id"]
    server.http.get(f"/v1/x/voices/{voice}/preview", params={"text": "Hello"}, timeout=60)


@pytest.fixture
def here(server: ServerProcess) -> Callable[[str], str]:
    """A snippet of the documents with this server's address in it."""
    return lambda snippet: snippet.replace(HERE, urlsplit(server.url).netloc)


@pytest.fixture
def shop(httpserver: HTTPServer, watch: Watch, server: ServerProcess) -> Callable[[str, str], None]:
    """Opens a page of an app with this body, and this script beside it. The app is elsewhere than the server, which
    it may ask."""

    def open_page(body: str, script: str = "") -> None:
        html = f"<!doctype html><html lang='en'><title>Shop</title><link rel='icon' href='data:,'><body>{body}"
        httpserver.expect_request("/").respond_with_data(html, content_type="text/html")
        httpserver.expect_request("/app.js").respond_with_data(script, content_type="text/javascript")
        watch.host = f"{httpserver.host}:{httpserver.port}"
        watch.expects(f"asked another host: {server.url}")
        watch.page.goto(httpserver.url_for("/"))

    return open_page


def bundled(folder: Path, **files: str) -> str:
    """These files checked by TypeScript and put together; the first one is where it begins."""
    names = [name.replace("_", ".") for name in files]
    for name, text in zip(names, files.values(), strict=True):
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "node_modules").symlink_to(MODULES)
    options = {"strict": True, "noEmit": True, "jsx": "react-jsx", "module": "esnext", "target": "es2022"}
    options |= {"moduleResolution": "bundler", "skipLibCheck": True, "types": ["react-dom"], "allowJs": True}
    configuration = {"compilerOptions": {**options, "checkJs": True, "lib": ["es2023", "dom"]}, "files": names}
    (folder / "tsconfig.json").write_text(json.dumps(configuration), encoding="utf-8")
    node = shutil.which("node") or "node"
    bundling = ("--file", "app.js", "--format", "esm", "--platform", "browser")
    for command in (["typescript/bin/tsc"], ["rolldown/bin/cli.mjs", names[0], *bundling]):
        program, *arguments = command
        done = subprocess.run(
            [node, str(MODULES / program), *arguments], cwd=folder, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{program}\n{done.stdout}\n{done.stderr}"
    return (folder / "app.js").read_text(encoding="utf-8")


def said(page: Page, words: str) -> None:
    """Wait until the page's console has a line with these words."""
    page.wait_for_function("words => window.lines?.some(line => line.includes(words))", arg=words, timeout=2 * WAIT_MS)


def test_the_dashboard_shows_the_same_snippets(page: Page, here: Callable[[str], str]) -> None:
    page.goto("/dashboard/agents/agent_demo?section=connect")
    shown = {
        "JavaScript": blocks("connect-an-app.md", "js", 1),
        "React": [block("connect-an-app.md", "bash"), block("connect-an-app.md", "tsx")],
        "Widget": [block("connect-an-app.md", "html")],
    }
    for tab, snippets in shown.items():
        page.get_by_role("tab", name=tab, exact=True).click()
        for snippet in snippets:
            expect(page.get_by_role("tabpanel").filter(visible=True)).to_contain_text(here(snippet).strip())


@pytest.mark.client("javascript", "voice")
def test_the_client_in_a_page_speaks_with_the_agent(
    page: Page, shop: Callable[[str, str], None], here: Callable[[str], str], tmp_path: Path
) -> None:
    script = bundled(tmp_path, snippet_ts=here(block("connect-an-app.md", "js")))
    listen = "window.lines = []; console.log = (...words) => window.lines.push(words.join(' '));\n"
    shop('<script type="module" src="/app.js"></script>', listen + script)
    said(page, f"agent {GREETING}")
    said(page, f"user {QUESTION}")
    said(page, "agent We are open from Tuesday to Sunday")


def test_the_component_calls_a_private_agent_by_the_url_of_its_backend(
    page: Page, shop: Callable[[str, str], None], server: ServerProcess, httpserver: HTTPServer, tmp_path: Path
) -> None:
    private = agent(first_message="Come in.", platform={"auth": {"enable_auth": True}})
    agent_id = server.create_agent(private)

    def backend(_: Request) -> Response:
        asked = {"agent_id": agent_id}
        answer = server.http.get("/v1/convai/conversation/get-signed-url", params=asked)
        return Response(answer.content, content_type="application/json")

    httpserver.expect_request("/your-backend/signed-url").respond_with_handler(backend)
    script = bundled(tmp_path, main_tsx=START, snippet_tsx=block("connect-an-app.md", "tsx"))
    script = f'var process = {{env: {{NODE_ENV: "production"}}}};\n{script}'
    shop('<div id="root"></div><script type="module" src="/app.js"></script>', script)
    page.get_by_role("button", name="Call", exact=True).click()
    hang_up = page.get_by_role("button", name="Hang up")
    expect(hang_up).to_be_visible()
    conversation_id = server.listed(agent_id, messages=1)["conversation_id"]
    hang_up.click()
    expect(page.get_by_role("button", name="Call", exact=True)).to_be_visible()
    record = server.ended_record(conversation_id)
    assert record["transcript"][0]["role"] == "agent" and record["metadata"]["x_close"]["by"] == "client"


@pytest.mark.client("widget", "text", "voice")
def test_the_widget_speaks_and_writes_with_the_agent(
    page: Page, watch: Watch, shop: Callable[[str, str], None], here: Callable[[str], str]
) -> None:
    snippet = here(block("connect-an-app.md", "html"))
    (package,) = re.findall(r'src="(https://[^"]*)"', snippet)
    watch.expects(f"asked another host: {package}")
    for part in DRAWN:
        watch.expects(part)

    def embedded(route: Route) -> None:
        route.fulfill(path=WIDGET, content_type="text/javascript")

    page.route(package, embedded)
    page.route("https://storage.googleapis.com/**", lambda route: route.abort("blockedbyclient"))
    shop(snippet, "")
    page.get_by_role("button", name="Start a call").click()  # opens the panel, in which it stands once more
    expect(page.get_by_role("button", name="Collapse")).to_be_visible()
    page.get_by_role("button", name="Start a call").click()
    expect(page.get_by_text(GREETING)).to_be_visible()
    expect(page.get_by_text(QUESTION).first).to_be_visible(timeout=2 * WAIT_MS)
    page.get_by_role("textbox").fill("Goodbye")
    page.get_by_role("textbox").press("Enter")
    expect(page.get_by_role("button", name="Start")).to_be_visible(timeout=2 * WAIT_MS)


def test_a_page_attaches_to_a_call_as_it_is_shown(page: Page, server: ServerProcess) -> None:
    agent_id = server.create_agent(agent())
    page.goto("/dashboard/")
    calling = """
        const calls = location.origin.replace("http", "ws") + "/v1/convai/conversation";
        const caller = new WebSocket(`${calls}?agent_id=${agent}`);
        caller.onopen = () => caller.send(JSON.stringify({type: "conversation_initiation_client_data"}));
        const first = await new Promise(done => { caller.onmessage = message => done(JSON.parse(message.data)); });
        const id = first.conversation_initiation_metadata_event.conversation_id;
    """
    heard = """
        const frame = await new Promise((done, failed) => {
            socket.onmessage = message => done(JSON.parse(message.data));
            socket.onclose = event => failed(new Error(`${event.code} ${event.reason}`));
        });
        socket.onclose = null;
        caller.close();
        return [id, frame.conversation_initiation_metadata_event.conversation_id];
    """
    snippet = block("live-control.md", "js")
    called, attached = page.evaluate(
        f"async ({{agent, key}}) => {{ {calling}\n{snippet}\n{heard} }}", {"agent": agent_id, "key": "any"}
    )
    assert called == attached
