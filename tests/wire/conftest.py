"""Servers and taps shared by the whole wire suite; every frame of every test is checked."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from parola.config import default_models_dir
from parola.providers import catalogue
from parola.providers.catalogue import State
from tests.wire.servers import ServerProcess
from tests.wire.tap import Tap

MODELS_DIR = Path(os.environ.get("PAROLA_MODELS") or default_models_dir())


@pytest.fixture(scope="session")
def scripted_speech(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Arguments for a server that speaks in tones and reads them back."""
    file = tmp_path_factory.mktemp("wire") / "tones.toml"
    file.write_text('[stt.default]\nprovider = "scripted"\n\n[tts.default]\nprovider = "scripted"\n', encoding="utf-8")
    return ["--config", str(file)]


@pytest.fixture(scope="session")
def parola(scripted_speech: list[str]) -> Iterator[ServerProcess]:
    """A server in memory, open to everybody, that speaks in tones."""
    with ServerProcess("--ephemeral", *scripted_speech) as server:
        yield server


@pytest.fixture(scope="session")
def speaking(models_dir: Path) -> Iterator[ServerProcess]:
    """A server with the embedded speech models."""
    with ServerProcess("--ephemeral", "--preload", environment={"PAROLA_MODELS": str(models_dir)}) as server:
        yield server


@pytest.fixture(scope="session")
def models_dir() -> Path:
    """Where the real models are; a test that asks for it is skipped when they are not installed."""
    absent = [entry.model.name for entry in catalogue.status(MODELS_DIR) if entry.state is not State.PRESENT]
    if absent:
        pytest.skip(f"speech models not installed ({', '.join(absent)}): run `parola models install`")
    return MODELS_DIR


@pytest.fixture
def tapped() -> Iterator[Callable[[ServerProcess], Tap]]:
    """Puts a tap before a server. When the test is over, nothing that went through may have been wrong."""
    taps: list[Tap] = []

    def tap(server: ServerProcess) -> Tap:
        taps.append(Tap(server.port))
        return taps[-1]

    yield tap
    for tap_ in taps:
        tap_.close()
    problems = [problem for tap_ in taps for call in tap_.calls for problem in call.checker.problems]
    assert not problems, problems


@pytest.fixture
def tap(parola: ServerProcess, tapped: Callable[[ServerProcess], Tap]) -> Tap:
    """A tap before the usual server."""
    return tapped(parola)
