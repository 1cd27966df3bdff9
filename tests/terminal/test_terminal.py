"""The commands in a real terminal, and what a terminal changes: streaming, editing, widths, colours, ctrl-C."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from parola.config import default_models_dir
from parola.providers.catalogue import State, status
from tests.terminal.screen import Screen
from tests.terminal.test_cli import parola
from tests.wire.servers import ServerProcess

MODELS_ARE_HERE = all(entry.state is State.PRESENT for entry in status(default_models_dir()))


@pytest.fixture(scope="module")
def server():
    with ServerProcess("--ephemeral") as running:
        yield running


def test_a_person_types_looks_back_takes_commands_and_leaves_by_ctrl_c(server):
    with Screen("chat", "--url", server.url, columns=60) as screen:
        screen.wait_for("How can I help")
        screen.type("what are your opening hours\r")
        screen.wait_for(r"agent  We are open from Tuesday")
        screen.type("/nonsense\r")
        screen.wait_for("/context TEXT")
        screen.type("/context the sun shines\r")
        screen.wait_for("The agent knows it now")
        screen.type("/var weather=fine\r")
        screen.wait_for("weather is fine from the agent's next step on")
        screen.type("show me a message\r")
        screen.wait_for("Type the result of show_message")
        screen.type("seen\r")
        screen.wait_for("Your app answered: seen")
        screen.type("\x1b[A\x1b[A\r")  # the line before the last one
        screen.wait_for("Type the result of show_message")
        screen.type("half a line\x03")
        assert screen.ended() == 130
        conversation_id = re.search(r"closed 1000\s+(conv_\w+)", screen.text)[1]
        assert "Traceback" not in screen.text
    said = [turn["message"] for turn in server.ended_record(conversation_id)["transcript"] if turn["role"] == "user"]
    assert said.count("show me a message") == 2
    assert "what are your opening hours" in said and "the sun shines" in said and "/nonsense" not in said


def test_the_agent_hangs_up_on_a_terminal_and_leaves_it_tidy(server):
    with Screen("chat", "--url", server.url) as screen:
        screen.wait_for("How can I help")
        screen.type("goodbye\r")
        screen.wait_for("closed 1000 The agent ended the call")
        assert screen.ended() == 0


def test_a_refusal_comes_before_anything_can_be_typed(server):
    with Screen("chat", "nobody", "--url", server.url) as screen:
        assert screen.ended() == 1
        assert "/help" not in screen.text and "parola agents list" in screen.text


@pytest.mark.skipif(not MODELS_ARE_HERE, reason="speech models are not installed")
def test_ctrl_c_in_the_middle_of_a_call_ends_it(server):
    question = Path(__file__).parents[1] / "audio" / "amiable.wav"
    with Screen("call", "--url", server.url, "--in", str(question)) as screen:
        screen.wait_for("How can I help")
        screen.interrupt()
        assert screen.ended() == 130
        assert re.search(r"closed 1000\s+conv_", screen.text) and "Traceback" not in screen.text


def test_tables_fit_a_narrow_terminal_and_are_whole_when_piped(server):
    parola("chat", "--url", server.url, "--message", "hello")
    with Screen("conversations", "list", "--url", server.url, columns=60, env={"NO_COLOR": "1"}) as screen:
        assert screen.ended() == 0
        assert max(map(len, screen.text.splitlines())) <= 60
        assert "\x1b[3" not in screen.raw and "began" in screen.text and "ended by" not in screen.text
        conversation_id = re.search(r"conv_\w+", screen.text)[0]
    piped = parola("conversations", "list", "--url", server.url, env={"COLUMNS": "60"}).stdout
    assert conversation_id in piped and "ended by" in piped and "\x1b" not in piped


def test_documents_go_in_with_their_folders_and_can_be_searched(server, tmp_path):
    menu = tmp_path / "menu"
    (menu / "wine").mkdir(parents=True)
    (menu / "food.md").write_text("# Food\n\nThe soup is nine euros.")
    (menu / "wine" / "red.txt").write_text("The Barolo is from 2019.")
    (menu / "picture.png").write_bytes(b"\x89PNG")
    added = parola("knowledge", "add", str(menu), "--no-index", "--url", server.url)
    assert added.returncode == 0, added.stderr
    assert len(re.findall(r"^kb_\w+  (?:food.md|red.txt)$", added.stdout, re.MULTILINE)) == 2
    listed = parola("knowledge", "list", "--url", server.url).stdout
    assert "menu/food.md" in listed and "menu/wine/red.txt" in listed and "picture" not in listed
    (tmp_path / "empty.txt").write_text("")
    refused = parola("knowledge", "add", str(tmp_path / "empty.txt"), "--url", server.url)
    assert refused.returncode == 1 and "empty.txt" in refused.stderr
    assert "expected a file" in parola("knowledge", "add", "/nowhere", "--url", server.url).stderr


@pytest.mark.skipif(not MODELS_ARE_HERE, reason="the embedding model is not installed")
def test_a_bar_shows_how_far_indexing_is_and_is_gone_after(server, tmp_path):
    (tmp_path / "hours.txt").write_text("Open from noon to ten.")
    with Screen("knowledge", "add", str(tmp_path / "hours.txt"), "--url", server.url) as screen:
        screen.wait_for("kb_")
        assert screen.ended() == 0
        assert "indexing" in screen.text
    assert "done" in parola("knowledge", "list", "--url", server.url).stdout


def test_agents_from_a_template_into_a_folder_and_back(server, tmp_path):
    made = parola("agents", "create", "--template", "front-desk", "--name", "Desk", "--url", server.url)
    agent_id = made.stdout.strip()
    assert agent_id.startswith("agent_"), made.stderr
    assert "front-desk" in parola("agents", "templates").stdout
    assert parola("agents", "pull", str(tmp_path), "--url", server.url).returncode == 0
    file = tmp_path / f"{agent_id}.json"
    document = json.loads(file.read_text())
    document["conversation_config"]["agent"]["first_message"] = "Changed."
    file.write_text(json.dumps(document))
    pushed = parola("agents", "push", str(tmp_path), "--url", server.url)
    assert pushed.returncode == 0 and f"{agent_id}.json → {agent_id}" in pushed.stdout, pushed.stderr
    listed = parola("agents", "versions", agent_id, "--url", server.url).stdout
    assert "2 (now)" in listed
    assert parola("agents", "restore", agent_id, "1", "--url", server.url).returncode == 0
    again = json.loads(parola("agents", "get", agent_id, "--url", server.url).stdout)
    assert again["conversation_config"]["agent"]["first_message"].startswith("{{restaurant}}")
    assert parola("agents", "duplicate", agent_id, "--url", server.url).stdout.startswith("agent_")
    document["agent_id"] = "agent_of_elsewhere"
    file.write_text(json.dumps(document))
    refused = parola("agents", "push", str(tmp_path), "--url", server.url)
    assert refused.returncode == 1 and "--new" in refused.stderr
    assert "(new)" in parola("agents", "push", str(tmp_path), "--new", "--url", server.url).stdout


def test_what_is_wrong_is_said_in_a_sentence_with_what_to_do(server, tmp_path):
    for arguments, code, told in (
        (("why", "conv_none", "--url", server.url), 1, "parola conversations list"),
        (("agents", "get", "agent_none", "--url", server.url), 1, "parola agents list"),
        (("agents", "restore", "agent_demo", "99", "--url", server.url), 1, "parola agents versions agent_demo"),
        (("agents", "list", "--url", "http://127.0.0.1:9"), 1, "parola serve"),
        (("agents", "list", "--url", "nowhere"), 2, "expected an address"),
        (("agents", "list", "--url", "http://[::1"), 2, "expected an address"),
        (("agents", "create", "--template", "spy"), 2, "front-desk"),
        (("agents", "push", str(tmp_path), "--url", server.url), 1, "There are no agents"),
        (("conversations", "list", "--filter", "x", "--url", server.url), 2, "name=value"),
    ):
        ended = parola(*arguments)
        assert (ended.returncode, ended.stdout) == (code, ""), arguments
        assert told in ended.stderr and "Traceback" not in ended.stderr, ended.stderr


def test_the_shell_completes_ids_and_is_silent_without_a_server(server):
    def completed(line: str, url: str) -> str:
        asked = {"_PAROLA_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(len(line.split()) - 1)}
        environment = {**os.environ, **asked, "PAROLA_URL": url}
        command = Path(sys.executable).with_name("parola")
        ended = subprocess.run([command], capture_output=True, text=True, timeout=60, env=environment)
        assert ended.stderr == ""
        return ended.stdout

    assert completed("parola chat agent_d", server.url).split() == ["agent_demo"]
    assert "conv_" in completed("parola why conv", server.url)
    assert completed("parola chat agent_d", "http://127.0.0.1:9").strip() == ""
