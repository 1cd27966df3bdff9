"""The commands of docs/agent-versions.md, run as they stand there against a server."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import httpx

from parola.store.versions import MOST_VERSIONS
from tests.conftest import RunningServer

DOCUMENT = (Path(__file__).parents[2] / "docs" / "agent-versions.md").read_text(encoding="utf-8")


def test_the_commands_change_list_and_filter(server: RunningServer) -> None:
    created = httpx.post(f"{server.base_url}/v1/convai/agents/create", json={"conversation_config": {}})
    agent_id = created.json()["agent_id"]
    version = httpx.get(f"{server.base_url}/v1/convai/agents/{agent_id}").json()["version_id"]
    environment = {**os.environ, "URL": server.base_url, "AGENT": agent_id, "VERSION": version}

    def run(command: str) -> Any:
        quiet = re.sub(r"^curl ", "curl -sSf ", command, flags=re.MULTILINE)
        done = subprocess.run(["bash", "-c", quiet], env=environment, capture_output=True, text=True, check=True)
        decoder, text, answers = json.JSONDecoder(), done.stdout.strip(), []
        while text:
            answer, end = decoder.raw_decode(text)
            answers.append(answer)
            text = text[end:].lstrip()
        return answers

    change, found = re.findall(r"```bash\n(.*?)```", DOCUMENT, re.DOTALL)
    changed, listed = run(change)
    assert changed["conversation_config"]["agent"]["first_message"] == "Good evening!"
    assert [one["version_description"] for one in listed["versions"]] == ["A greeting for the evening", ""]
    assert listed["versions"][0]["id"] == changed["version_id"]
    assert run(found) == [{"conversations": [], "next_cursor": None, "has_more": False}]
    assert f"newest {MOST_VERSIONS} of each" in DOCUMENT
