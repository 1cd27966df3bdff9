"""The moving picture of the readme: ``python docs/site/animation.py OUT.webp``; ``make screenshots`` renews it.

A real server, a real Chromium whose microphone is a recording: one click on a new server, a question, the answer, and
the page of the conversation afterwards. Nothing is drawn; only time that nobody wants to watch is left out.
"""

from __future__ import annotations

import array
import io
import sys
import tempfile
import time
import wave
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, expect, sync_playwright

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from tests.dashboard.conftest import ARGUMENTS, chromium  # noqa: E402
from tests.wire.servers import ServerProcess  # noqa: E402

SIZE = {"width": 1280, "height": 800}
SHOWN = (960, 600)
FRAME_MS = 250
STILL_MS = 1800
"""How long a page stands that does not move."""
GREETING_SECONDS = 7
LARGEST_BYTES = 1_500_000
WAIT_MS = 60_000
WARM_SECONDS = 120


def microphone(folder: Path) -> Path:
    """Silence while the agent greets, the question of the examples, silence."""
    with wave.open(str(ROOT / "examples" / "question.wav")) as recorded:
        rate = recorded.getframerate()
        question = recorded.readframes(recorded.getnframes())
    spoken = array.array("h", bytes(2 * rate * GREETING_SECONDS) + question + bytes(2 * rate * 60))
    path = folder / "microphone.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 48_000, 0, "NONE", ""))
        file.writeframes(array.array("h", [sample for sample in spoken for _ in range(48_000 // rate)]).tobytes())
    return path


class Film:
    """Pictures of a page, and how long each is shown."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self.frames: list[Image.Image] = []
        self.durations: list[int] = []

    def take(self, milliseconds: int) -> None:
        """One picture. What looks as before is shown longer instead."""
        picture = Image.open(io.BytesIO(self._page.screenshot())).convert("RGB").resize(SHOWN, Image.Resampling.LANCZOS)
        if self.frames and picture.tobytes() == self.frames[-1].tobytes():
            self.durations[-1] += milliseconds
            return
        self.frames.append(picture)
        self.durations.append(milliseconds)

    def run(self, text: str, most_seconds: float) -> None:
        """Pictures until the page has the text, and a little longer."""
        end = time.monotonic() + most_seconds
        while time.monotonic() < end and not self._page.get_by_text(text).count():
            self.take(FRAME_MS)
            self._page.wait_for_timeout(FRAME_MS)
        for _ in range(6):
            self.take(FRAME_MS)
            self._page.wait_for_timeout(FRAME_MS)

    def save(self, out: Path) -> None:
        """Write it, and fail when it has become too large for a readme."""
        first, *others = self.frames
        first.save(out, save_all=True, append_images=others, duration=self.durations, loop=0, quality=72, method=4)
        if out.stat().st_size > LARGEST_BYTES:
            raise SystemExit(f"{out} has {out.stat().st_size} bytes, more than {LARGEST_BYTES}")


def record(page: Page, server: ServerProcess, out: Path) -> None:
    """The story of the picture."""
    film = Film(page)
    page.goto(f"{server.url}/dashboard/")
    call = page.get_by_role("link", name="Call the demo agent")
    expect(call).to_be_visible()
    page.wait_for_timeout(1000)
    film.take(STILL_MS)
    call.hover()
    film.take(600)
    call.click()
    expect(page.get_by_role("log")).to_contain_text("Hello there", timeout=WAIT_MS)
    film.run("We are open from Tuesday to Sunday", 40)
    film.run("answered in", 20)
    page.get_by_role("button", name="Hang up").click()
    expect(page.get_by_text("You ended the call")).to_be_visible(timeout=WAIT_MS)
    page.wait_for_timeout(1000)
    film.take(STILL_MS)
    page.get_by_role("link", name="Open its timeline").click()
    page.wait_for_url("**/conversations/conv_*")
    expect(page.get_by_text("What are your opening hours?").first).to_be_visible(timeout=WAIT_MS)
    page.wait_for_timeout(2500)
    film.take(2 * STILL_MS)
    film.save(out)


def main(out: Path) -> None:
    """Write the picture to ``out``."""
    with tempfile.TemporaryDirectory() as name, ServerProcess("--data", f"{name}/data", "--preload") as server:
        voices = server.http.get("/v1/voices", timeout=WARM_SECONDS).json()["voices"]
        preview = f"/v1/x/voices/{voices[0]['voice_id']}/preview"
        server.http.get(preview, params={"text": "Hello"}, timeout=WARM_SECONDS)
        sound = ["--use-fake-device-for-media-stream", f"--use-file-for-fake-audio-capture={microphone(Path(name))}"]
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium(), args=[*ARGUMENTS, *sound])
            context = browser.new_context(viewport=SIZE, permissions=["microphone"], color_scheme="light")  # type: ignore[arg-type]
            context.set_default_timeout(WAIT_MS)
            record(context.new_page(), server, out)
            browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
