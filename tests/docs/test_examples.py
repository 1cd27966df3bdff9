"""Every example does what it promises: run as its reader would, against a real server."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import wave
from collections.abc import Iterator
from pathlib import Path

import pytest

from parola.config import default_models_dir
from parola.providers import catalogue
from parola.providers.catalogue import State
from tests.wire.servers import ServerProcess, free_port

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
NODE = shutil.which("node")
MODELS_DIR = Path(os.environ.get("PAROLA_MODELS") or default_models_dir())

HOURS = "agent: We are open from Tuesday to Sunday, from noon to ten in the evening. On Mondays we are closed."
BOOKED = "agent: Done. A table for four, tomorrow at seven. We look forward to seeing you!"

KEY_LINES = {
    "raw_socket.py": [BOOKED, "closed: 1000 "],
    "raw_socket.mjs": [BOOKED, "closed: 1000 "],
    "python_sdk_text.py": [HOURS],
    "js_client_text.mjs": [HOURS, "disconnected by: agent"],
    "client_tool.py": ["tool: show_message('dinner is ready')", "agent: Your app answered: the message is on the scre"],
    "signed_url.py": ["without a signed URL → refused: Could not authorize", "with a signed URL → agent: Come in."],
    "on_prem.py": ["agent: Hello, I came along.", "agent: The sun is shining."],
    "python_sdk_voice.py": ["user: He might even have been made amiable himself", "answer: "],
}
"""How lines of the output begin, by example."""


@pytest.fixture(scope="session")
def open_server() -> Iterator[ServerProcess]:
    """A server as a reader starts it, to which clients may bring their own agent."""
    with ServerProcess("--ephemeral", "--enclave", environment={"PAROLA_MODELS": str(MODELS_DIR)}) as server:
        yield server


@pytest.fixture(scope="session")
def speech_models() -> None:
    """Skips what needs the speech models when they are not installed."""
    absent = [entry.model.name for entry in catalogue.status(MODELS_DIR) if entry.state is not State.PRESENT]
    if absent:
        pytest.skip(f"speech models not installed ({', '.join(absent)}): run `parola models install`")


def run(name: str, *arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    if name.endswith(".mjs") and (NODE is None or not (ROOT / "node_modules" / "@elevenlabs" / "client").is_dir()):
        pytest.skip("needs Node and node_modules: run `make node_modules`")
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("PAROLA_")}
    return subprocess.run(
        [NODE if name.endswith(".mjs") else sys.executable, EXAMPLES / name, *arguments],
        env={**inherited, "PYTHONIOENCODING": "utf-8", **environment},
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


def check(name: str, done: subprocess.CompletedProcess[str]) -> None:
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    for beginning in KEY_LINES[name]:
        assert any(line.startswith(beginning) for line in lines), f"{beginning!r} is not in\n{done.stdout}"


def test_every_example_is_tried_here():
    assert {path.name for path in EXAMPLES.iterdir() if path.suffix in (".py", ".mjs")} == set(KEY_LINES)


@pytest.mark.parametrize("name", [name for name in KEY_LINES if name != "python_sdk_voice.py"])
def test_an_example_shows_what_it_is_about(open_server: ServerProcess, name: str):
    check(name, run(name, open_server.url))


def test_the_voice_example_hears_a_file_and_writes_the_answer(
    speech_models: None, open_server: ServerProcess, tmp_path: Path
):
    answer = tmp_path / "answer.wav"
    check("python_sdk_voice.py", run("python_sdk_voice.py", open_server.url, ROOT / "tests/audio/amiable.wav", answer))
    with wave.open(str(answer), "rb") as file:
        assert (file.getframerate(), file.getsampwidth(), file.getnchannels()) == (16_000, 2, 1)
        assert file.getnframes() > 2 * 16_000
        assert any(file.readframes(file.getnframes()))


@pytest.mark.parametrize("name", ["raw_socket.py", "raw_socket.mjs"])
def test_the_address_may_come_from_the_environment(open_server: ServerProcess, name: str):
    check(name, run(name, PAROLA_URL=open_server.url))


@pytest.mark.parametrize("name", KEY_LINES)
def test_an_example_says_in_a_sentence_that_there_is_no_server(name: str):
    done = run(name, f"http://127.0.0.1:{free_port()}")
    assert done.returncode == 1, done.stdout + done.stderr
    assert done.stderr.strip()
    assert "Traceback" not in done.stderr
    assert "    at " not in done.stderr
