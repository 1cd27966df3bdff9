"""What docs/resume.md shows works as it says, and its figures are those of the code."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from parola.config import Settings
from parola.conversation.ending import client_stayed_away
from parola.conversation.events import ClientDisconnected
from parola.session.resuming import MOST_KEPT, REFUSED, REPLACED, REPLACED_REASON
from tests.docs.snippets import block
from tests.wire.servers import ServerProcess, agent

DOCUMENT = (Path(__file__).parents[2] / "docs" / "resume.md").read_text(encoding="utf-8")


def test_the_program_of_the_document_comes_back(tmp_path: Path) -> None:
    program = block("resume.md", "python")
    shown = re.findall(r"^    (I heard: .*|the same .*)$", DOCUMENT, re.MULTILINE)
    file = tmp_path / "back.py"
    file.write_text(program, encoding="utf-8")
    with ServerProcess("--ephemeral") as server:
        agent_id = server.create_agent(agent(config={"conversation": {"text_only": True}}))
        variables = {"PAROLA_WS": server.url.replace("http", "ws"), "AGENT": agent_id, "NO_PROXY": "*"}
        ran = subprocess.run(
            [sys.executable, str(file)],
            env={**os.environ, **variables},
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
    assert ran.stdout.splitlines() == shown


def test_the_figures_are_those_of_the_code() -> None:
    window = Settings().resume_window_secs
    text = " ".join(DOCUMENT.split())
    reason = client_stayed_away(ClientDisconnected(1006), window).close.termination_reason
    for figure in (
        f'"{reason}"',
        f'closed with {REPLACED} "{REPLACED_REASON}"',
        f"closed with {REFUSED} and",
        f"At most {MOST_KEPT} messages",
        f"is the server's rule, {window} s",
    ):
        assert figure in text, figure
