"""Chromium and the server it looks at. Nothing may go wrong on any page of any test: no error in the console, no
request that fails, no request to another host; and what axe knows of accessibility must hold in both schemes."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, expect, sync_playwright

from parola.dashboard.pages import BUILT
from tests.wire.conftest import models_dir  # noqa: F401
from tests.wire.servers import ServerProcess

ROOT = Path(__file__).parents[2]

AXE = ROOT / "dashboard" / "node_modules" / "axe-core" / "axe.min.js"

PUBLISHED = os.environ.get("PAROLA_SCREENSHOTS", "")
"""The folder of the docs' pictures, when `make screenshots` renews them: fewer colours, a third of the bytes."""

SCREENSHOTS = Path(PUBLISHED or ROOT / "results" / "screenshots")
"""Where pictures of the pages are kept for people to look at."""

DESK = {"width": 1360, "height": 860}
PHONE = {"width": 390, "height": 844}

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
]

SETTLED = """async () => {
    await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
    await Promise.all(document.getAnimations().filter(one => one.effect?.getTiming().iterations !== Infinity)
        .map(one => one.finished.catch(() => null)));
}"""
"""Resolves when no colour is on its way to another."""

WAIT_MS = 20_000
"""How long something may take to appear on a busy machine."""

expect.set_options(timeout=WAIT_MS)


def chromium() -> str:
    return shutil.which("chromium") or shutil.which("google-chrome") or "/usr/bin/chromium"


def photograph(page: Page, name: str) -> None:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    path = SCREENSHOTS / f"{name}.png"
    page.screenshot(path=path, animations="disabled")
    if PUBLISHED:
        with Image.open(path) as picture:
            few = picture.convert("RGB").quantize(128, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
        few.save(path, optimize=True)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server with a data folder of its own, as `parola serve` starts it: the demo agent, the built dashboard."""
    assert (BUILT / "index.html").is_file(), "the dashboard is not built: make dashboard"
    with ServerProcess("--data", str(tmp_path_factory.mktemp("dashboard") / "data")) as server:
        server.http.get("/v1/user", timeout=120)  # by then all of it is loaded, on a busy machine too
        yield server


@pytest.fixture(scope="module")
def chromium_arguments() -> list[str]:
    """What a module wants beyond the usual: it defines this fixture itself then (a microphone, for example)."""
    return []


@pytest.fixture(scope="module")
def browser(chromium_arguments: list[str]) -> Iterator[Browser]:
    """One Chromium for a module. Not for the session: Playwright's event loop would be in other tests' way."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium(), args=[*ARGUMENTS, *chromium_arguments], chromium_sandbox=False
        )
        yield browser
        browser.close()


class Watch:
    """Collects what goes wrong on a page. A test that provokes something says so with ``expects``."""

    def __init__(self, page: Page, host: str) -> None:
        self.page = page
        self.problems: list[str] = []
        self._expected: list[str] = []
        self.host = host
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.problems.append(f"the page raised: {error}"))
        page.on("requestfailed", self._failed)
        page.on("request", self._asked)

    def expects(self, part: str) -> None:
        """A problem whose text has this part is none."""
        self._expected.append(part)

    def left(self) -> list[str]:
        """What nobody expected."""
        return [one for one in self.problems if not any(part in one for part in self._expected)]

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.problems.append(f"console {message.type}: {message.text} {message.location.get('url', '')}")

    def _failed(self, request: Request) -> None:
        if request.failure != "net::ERR_ABORTED":  # a page that is left takes back what it asked for
            self.problems.append(f"{request.method} {request.url}: {request.failure}")

    def _asked(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme not in ("data", "blob") and parts.netloc != self.host:
            self.problems.append(f"asked another host: {request.url}")


@pytest.fixture
def context(browser: Browser, server: ServerProcess) -> Iterator[BrowserContext]:
    """A fresh browser profile that may use the microphone."""
    context = browser.new_context(
        base_url=server.url,
        viewport=DESK,
        permissions=["microphone", "clipboard-read", "clipboard-write"],
        reduced_motion="reduce",
        color_scheme="light",
        locale="en-GB",
    )
    context.set_default_timeout(WAIT_MS)
    yield context
    context.close()


@pytest.fixture
def watch(context: BrowserContext, server: ServerProcess) -> Iterator[Watch]:
    """The page with what went wrong on it."""
    watched = Watch(context.new_page(), urlsplit(server.url).netloc)
    yield watched
    assert not watched.left(), "\n".join(watched.left())


@pytest.fixture
def page(watch: Watch) -> Page:
    """A page; the test fails when anything goes wrong on it."""
    return watch.page


def violations(page: Page) -> list[str]:
    """What axe finds wrong with the page as it stands, one line for each element."""
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("async () => (await axe.run(document, {resultTypes: ['violations']})).violations")
    return [
        f"{one['id']}: {one['help']}: {node['target']} {node.get('failureSummary', '')}"
        for one in found
        for node in one["nodes"]
    ]


Keep = Callable[..., None]


@pytest.fixture
def keep(page: Page) -> Keep:
    """Call it with a name: the page is checked with axe and photographed, light, dark and on a phone."""

    def keep(name: str, *, phone: bool = True) -> None:
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
            page.wait_for_function(
                "s => document.documentElement.getAttribute('data-mantine-color-scheme') === s", arg=scheme
            )
            page.evaluate(SETTLED)
            found = violations(page)
            assert not found, f"{name}, {scheme}:\n" + "\n".join(found)
            photograph(page, f"{name}-{scheme}")
        page.emulate_media(color_scheme="light", reduced_motion="reduce")
        if phone:
            page.set_viewport_size(PHONE)  # type: ignore[arg-type]
            page.evaluate(SETTLED)
            wide = page.evaluate("() => document.documentElement.scrollWidth - window.innerWidth")
            assert wide <= 0, f"{name} is {wide} pixels too wide for a phone"
            if not PUBLISHED:
                photograph(page, f"{name}-phone")
            page.set_viewport_size(DESK)  # type: ignore[arg-type]

    return keep
