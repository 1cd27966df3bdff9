"""The commands of docs/agent-versions.md, run as they stand there against a server."""

from __future__ import annotations

from pathlib import Path

import httpx

from parola.store.versions import MOST_VERSIONS
from tests.conftest import RunningServer
from tests.docs.snippets import blocks, curl

DOCUMENT = (Path(__file__).parents[2] / "docs" / "agent-versions.md").read_text(encoding="utf-8")


def test_the_commands_change_list_and_filter(server: RunningServer) -> None:
    created = httpx.post(f"{server.base_url}/v1/convai/agents/create", json={"conversation_config": {}})
    agent_id = created.json()["agent_id"]
    version = httpx.get(f"{server.base_url}/v1/convai/agents/{agent_id}").json()["version_id"]
    variables = {"URL": server.base_url, "AGENT": agent_id, "VERSION": version}

    change, found = blocks("agent-versions.md", "bash", 2)
    changed, listed = curl(change, **variables)
    assert changed["conversation_config"]["agent"]["first_message"] == "Good evening!"
    assert [one["version_description"] for one in listed["versions"]] == ["A greeting for the evening", ""]
    assert listed["versions"][0]["id"] == changed["version_id"]
    assert curl(found, **variables) == [{"conversations": [], "next_cursor": None, "has_more": False}]
    assert f"newest {MOST_VERSIONS} of each" in DOCUMENT
