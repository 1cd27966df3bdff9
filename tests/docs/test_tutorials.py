"""What the tutorials show works as it says: commands are run, programs are run, configuration is read."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from parola.config import load
from tests.docs.snippets import DOCS, ROOT, block, blocks
from tests.wire.servers import ServerProcess


@pytest.fixture(scope="module")
def server() -> Iterator[ServerProcess]:
    with ServerProcess("--ephemeral") as server:
        yield server


def shown(page: str) -> list[str]:
    """What a page shows of conversations, line by line."""
    return re.findall(r"^ {4}((?:agent|you) .*)$", (DOCS / page).read_text(encoding="utf-8"), re.MULTILINE)


def run(server: ServerProcess, folder: Path, script: str) -> subprocess.CompletedProcess[str]:
    """A shell in which ``parola`` is this one and talks to this server."""
    parola = f'parola() {{ "{sys.executable}" -m parola.cli "$@"; }}\nset -e\n'
    environment = {**os.environ, "PAROLA_URL": server.url, "NO_COLOR": "1", "COLUMNS": "200"}
    return subprocess.run(
        ["bash", "-c", parola + script], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def words(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.splitlines()]


def test_the_first_agent_is_made_checked_talked_to_and_changed(server: ServerProcess, tmp_path: Path) -> None:
    document, change = map(json.loads, blocks("first-agent.md", "json", 2))
    (tmp_path / "shop.json").write_text(json.dumps(document), encoding="utf-8")
    done = run(server, tmp_path, "\n".join(blocks("first-agent.md", "sh", 2)))
    assert done.returncode == 0, done.stdout + done.stderr
    said = words(done.stdout + done.stderr)
    assert [line for line in words("\n".join(shown("first-agent.md"))) if line not in said and "agent" in line] == []
    copy: dict[str, Any] = json.loads((tmp_path / "copy.json").read_text(encoding="utf-8"))
    assert copy["conversation_config"]["agent"]["first_message"].startswith("Hello {{name}}")
    assert change["conversation_config"]["agent"]["prompt"]["llm"] != "x-script"


def test_the_first_five_minutes_are_as_they_are_told(server: ServerProcess, tmp_path: Path) -> None:
    for page in (DOCS / "first-five-minutes.md", ROOT / "README.md"):
        assert "parola chat" in page.read_text(encoding="utf-8")
    done = run(server, tmp_path, 'parola chat --message "When are you open?"')
    assert done.returncode == 0, done.stderr
    said = words(done.stdout)
    for line in words("\n".join(shown("first-five-minutes.md"))):
        assert not line.startswith("agent") or line in said


def test_the_program_of_connect_an_app_calls_a_function(
    server: ServerProcess, capsys: pytest.CaptureFixture[str]
) -> None:
    example = block("connect-an-app.md", "python")
    exec(compile(example.replace("http://127.0.0.1:8400", server.url), "connect-an-app.md", "exec"), {})
    promised = re.findall(r"# (.+)$", example, re.MULTILINE)
    printed = capsys.readouterr().out.splitlines()
    assert [line for line in printed if line in promised] == promised and "on the screen: hello" in printed


def test_the_request_of_connect_an_app_gives_a_signed_url(server: ServerProcess, tmp_path: Path) -> None:
    request = block("connect-an-app.md", "bash")
    done = run(server, tmp_path, request.replace("http://127.0.0.1:8400", server.url).replace("curl", "curl -s"))
    assert json.loads(done.stdout)["signed_url"].startswith("ws://")


def test_the_configuration_of_the_deployment_is_one(tmp_path: Path) -> None:
    example = block("deployment.md", "toml")
    file = tmp_path / "parola.toml"
    file.write_text(example, encoding="utf-8")
    settings = load(file=file, environ={}).settings
    assert settings.public_url == "https://voice.example.com" and settings.cors_origins == ("https://app.example.com",)
