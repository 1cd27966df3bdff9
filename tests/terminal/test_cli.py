"""The command line as a person meets it: real processes, a real server, sentences instead of tracebacks."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import wave
from pathlib import Path

import pytest

from parola.config import default_models_dir, load
from parola.providers.catalogue import State, status
from parola.terminal.serve import _guide as guide_of
from tests.wire.servers import ServerProcess

MODELS = Path(os.environ.get("PAROLA_MODELS") or default_models_dir())
CONFIG = '[llm.default]\nbase_url = "http://127.0.0.1:9/v1"\nmodel = "m"\napi_key = "very-secret"\n'


def parola(*arguments: str, env: dict[str, str] | None = None, cwd: Path | None = None) -> subprocess.CompletedProcess:
    clean = {
        name: value for name, value in os.environ.items() if not name.startswith("PAROLA_") or name.endswith("MODELS")
    }
    return subprocess.run(
        [sys.executable, "-m", "parola.cli", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        env={**clean, "COLUMNS": "200", **(env or {})},
        cwd=cwd,
    )


@pytest.fixture(scope="module")
def server():
    with ServerProcess("--ephemeral") as running:
        yield running


def test_the_version_is_printed():
    assert re.fullmatch(r"\d+\.\d+\.\d+\n", parola("version").stdout)
    assert parola("--version").stdout == parola("version").stdout


def test_a_chat_shows_both_sides_and_answers_tools(server):
    said = parola(
        "chat", "--url", server.url, "--message", "what are your opening hours", "--message", "show me a message",
        "--tool-result", '{"shown": true}',
    )  # fmt: skip
    assert said.returncode == 0, said.stderr
    assert "you    what are your opening hours" in said.stdout
    assert said.stdout.count("agent  ") >= 3 and "tool   " in said.stdout
    conversation_id = re.search(r"closed 1000  (conv_\w+)", said.stdout)[1]
    listed = parola("conversations", "list", "--limit", "1", "--url", server.url).stdout
    assert conversation_id in listed and "Client disconnected" in listed
    assert parola("why", "--url", server.url).stdout.startswith(conversation_id)


@pytest.mark.skipif(
    any(entry.state is not State.PRESENT for entry in status(MODELS)), reason="speech models are not installed"
)
def test_a_call_writes_down_what_the_agent_said_in_time(server, tmp_path):
    answer = tmp_path / "answer.wav"
    question = Path(__file__).parents[1] / "audio" / "amiable.wav"
    said = parola("call", "--url", server.url, "--in", str(question), "--out", str(answer))
    assert said.returncode == 0, said.stdout + said.stderr
    assert "you    " in said.stdout and "amiable" in said.stdout
    assert re.search(r"\d+ ms from the end of your speech", said.stdout)
    with wave.open(str(answer)) as sound:
        assert sound.getnframes() / sound.getframerate() > 3


def test_a_sentence_becomes_a_file_to_call_with(tmp_path):
    said = parola(
        "say", "Are you open today?", "--out", str(tmp_path / "q.wav"), env={"PAROLA_TTS_PROVIDER": "scripted"}
    )
    assert said.returncode == 0, said.stderr
    with wave.open(str(tmp_path / "q.wav")) as sound:
        assert sound.getnchannels() == 1 and sound.getsampwidth() == 2 and sound.getnframes() > sound.getframerate() / 2
    scripted = {"PAROLA_TTS_PROVIDER": "scripted"}
    nobody = parola("say", "Hi", "--voice", "nope", "--out", str(tmp_path / "n.wav"), env=scripted)
    assert nobody.returncode == 1 and not (tmp_path / "n.wav").exists()
    assert 'There is no voice "nope" here. There are: ' in nobody.stderr
    nothing = parola("say", " ", "--out", str(tmp_path / "q.wav"), env={"PAROLA_TTS_PROVIDER": "scripted"})
    assert nothing.returncode == 1 and "Expected words to say" in nothing.stderr


def test_agents_go_to_a_file_and_come_back_the_same(server, tmp_path):
    file = tmp_path / "agent.json"
    pushed = {
        "name": "Mine",
        "conversation_config": {"agent": {"first_message": "Hi.", "x_new": [1, None, {"a": "ü"}]}},
    }
    file.write_text(json.dumps(pushed))
    agent_id = parola("agents", "create", str(file), "--url", server.url).stdout.strip()
    assert agent_id.startswith("agent_")
    assert agent_id in parola("agents", "list", "--url", server.url).stdout
    pulled = tmp_path / "pulled.json"
    assert parola("agents", "pull", agent_id, str(pulled), "--url", server.url).returncode == 0
    assert json.loads(pulled.read_text())["conversation_config"] == pushed["conversation_config"]
    assert parola("agents", "push", agent_id, str(pulled), "--url", server.url).returncode == 0
    assert parola("agents", "delete", agent_id, "--url", server.url).returncode == 0
    gone = parola("agents", "get", agent_id, "--url", server.url)
    assert gone.returncode == 1 and agent_id in gone.stderr and "Traceback" not in gone.stderr


def test_keys_are_shown_once_and_then_open_a_server(tmp_path):
    data = str(tmp_path / "data")
    key = parola("keys", "create", "laptop", "--data", data).stdout.strip()
    listed = parola("keys", "list", "--data", data).stdout
    assert "laptop" in listed and key not in listed
    with ServerProcess("--data", data) as locked:
        refused = parola("agents", "list", "--url", locked.url)
        assert refused.returncode == 1 and "API key" in refused.stderr
        assert parola("agents", "list", "--url", locked.url, "--api-key", key).returncode == 0


def test_a_running_server_notices_keys_that_come_and_go(tmp_path):
    data = str(tmp_path / "data")
    with ServerProcess("--data", data) as server:
        assert parola("agents", "list", "--url", server.url).returncode == 0
        key = parola("keys", "create", "first", "--data", data).stdout.strip()
        assert parola("agents", "list", "--url", server.url).returncode == 1
        assert parola("agents", "list", "--url", server.url, "--api-key", key).returncode == 0
        key_id = re.search(r"key_\w+", parola("keys", "list", "--data", data).stdout)[0]
        assert parola("keys", "delete", key_id, "--data", data).returncode == 0
        assert parola("agents", "list", "--url", server.url, "--api-key", key).returncode == 1


def test_a_server_without_a_key_refuses_to_listen_to_strangers(tmp_path):
    refused = parola("serve", "--host", "0.0.0.0", "--data", str(tmp_path), "--port", "0")
    assert refused.returncode == 1 and "parola keys create" in refused.stderr


def test_a_port_that_is_taken_is_said_in_a_sentence():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        refused = parola("serve", "--ephemeral", "--port", str(taken.getsockname()[1]))
    assert refused.returncode == 1
    assert refused.stderr.startswith("parola: Cannot listen on") and "Traceback" not in refused.stderr


def test_nobody_at_the_address_is_said_in_a_sentence():
    alone = parola("chat", "--url", "http://127.0.0.1:9", "--message", "hello")
    assert alone.returncode == 1 and "parola serve" in alone.stderr and "Traceback" not in alone.stderr


def test_the_configuration_says_where_each_value_came_from_and_hides_secrets(tmp_path):
    (tmp_path / "parola.toml").write_text("port = 8500\n" + CONFIG)
    shown = parola("config", cwd=tmp_path, env={"PAROLA_HOST": "localhost"}).stdout
    assert re.search(r"port +8500 +parola.toml", shown)
    assert re.search(r"host +localhost +PAROLA_HOST", shown)
    assert re.search(r"data .* default", shown)
    assert "very-secret" not in shown and "llm.default" in shown
    assert re.search(r"limits.requests_per_key +6000 +default", shown)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("prot = 1\n", '"prot" is no setting'),
        ("port = 'x'\n", "expected a number"),
        ("turn_detector = 'on'\n", 'expected "auto" or "off"'),
        ("port = \n", "cannot be read"),
    ],
)
def test_a_configuration_that_cannot_be_read_is_explained(tmp_path, text, complaint):
    (tmp_path / "parola.toml").write_text(text)
    refused = parola("config", cwd=tmp_path)
    assert refused.returncode == 1 and complaint in refused.stderr


def test_the_doctor_names_what_is_broken_and_how_to_mend_it(tmp_path):
    (tmp_path / "parola.toml").write_text(CONFIG)
    examined = parola("doctor", "--data", str(tmp_path / "d"), "--models", str(tmp_path / "none"), cwd=tmp_path)
    assert examined.returncode == 1
    assert "parola models install" in examined.stdout and "does not answer" in examined.stdout


@pytest.mark.parametrize(
    ("called", "found", "typed"),
    [
        (".venv/bin/parola", None, ".venv/bin/parola"),
        (".venv/bin/parola", "/usr/bin/parola", "parola"),
        ("/x/parola/cli.py", None, "parola"),
    ],
)
def test_a_server_says_what_this_shell_finds(monkeypatch, called, found, typed):
    monkeypatch.setattr(sys, "argv", [called])
    monkeypatch.setattr(shutil, "which", lambda _name: found)
    guide = guide_of(load({}, environ={}).settings, "agent_demo")
    assert f"  Try it      {typed} chat\n" in guide and "  Dashboard   " in guide


def test_what_was_not_understood_exits_with_two():
    assert parola("sing").returncode == 2
    assert parola("call", "--in", "/nowhere.wav").returncode == 2
