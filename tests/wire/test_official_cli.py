"""The official command line: its six agent templates are pushed, called, and come back as they were."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.wire.frames import RawClient
from tests.wire.servers import ServerProcess, said

CLI = Path(__file__).parents[2] / "node_modules/@elevenlabs/cli-linux-x64/elevenlabs"
TEMPLATES = ("default", "minimal", "voice-only", "text-only", "customer-service", "assistant")

pytestmark = pytest.mark.skipif(not CLI.exists(), reason="the official command line is not here for this platform")


def elevenlabs(folder: Path, server: ServerProcess, *arguments: str) -> str:
    """What it prints; it may talk to nobody but this server."""
    there = {"ELEVENLABS_BASE_URL": f"http://127.0.0.1:{server.port}", "ELEVENLABS_API_KEY": "any", "CI": "1"}
    done = subprocess.run(
        [CLI, *arguments],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), **there},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr or done.stdout
    return done.stdout


def configs(folder: Path) -> dict[str, Any]:
    """Every agent of a project, by its name."""
    files = (folder / "agent_configs").glob("*.json")
    return {config["name"]: config for config in (json.loads(file.read_text(encoding="utf-8")) for file in files)}


@pytest.fixture(scope="module")
def project(parola: ServerProcess, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One agent of each template, pushed."""
    folder = tmp_path_factory.mktemp("project")
    elevenlabs(folder, parola, "agents", "init")
    for template in TEMPLATES:
        elevenlabs(folder, parola, "agents", "add", f"From {template}", "--template", template)
    return folder


def test_each_template_is_stored_as_it_was_pushed(parola: ServerProcess, project: Path):
    ids = [agent["id"] for agent in json.loads((project / "agents.json").read_text(encoding="utf-8"))["agents"]]
    pushed = configs(project)
    assert set(pushed) == {f"From {template}" for template in TEMPLATES} and len(set(ids)) == len(TEMPLATES)
    stored = {agent["name"]: agent for agent in (parola.http.get(f"/v1/convai/agents/{one}").json() for one in ids)}
    for name, config in pushed.items():
        for part in ("conversation_config", "platform_settings", "tags"):
            assert stored[name][part] == config[part], name


def test_what_is_pulled_elsewhere_is_what_was_pushed(parola: ServerProcess, project: Path, tmp_path: Path):
    elevenlabs(tmp_path, parola, "agents", "init")
    elevenlabs(tmp_path, parola, "agents", "pull", "--all", "--yes")
    pulled = configs(tmp_path)
    for name, config in configs(project).items():
        for part in ("conversation_config", "platform_settings", "tags"):
            assert pulled[name][part] == config[part], name


@pytest.mark.parametrize("template", TEMPLATES)
async def test_agents_of_each_template_answer(parola: ServerProcess, project: Path, template: str):
    agents = json.loads((project / "agents.json").read_text(encoding="utf-8"))["agents"]
    named = {json.loads((project / agent["config"]).read_text(encoding="utf-8"))["name"]: agent for agent in agents}
    agent_id = named[f"From {template}"]["id"]
    async with RawClient(parola.socket_of(agent_id)) as client:
        await client.begin(conversation_config_override={"conversation": {"text_only": True}})
        await client.say("Hello there")
        # What a template's client_events leave out is not sent: the record knows it all the same.
        listed = await asyncio.to_thread(parola.listed, agent_id, messages=2)
    record = parola.ended_record(listed["conversation_id"])
    assert record["status"] == "done" and {role for role, message in said(record) if message} == {"user", "agent"}


def test_a_change_is_pushed(parola: ServerProcess, project: Path):
    file = next(file for file in (project / "agent_configs").glob("*.json") if "minimal" in file.name)
    config = json.loads(file.read_text(encoding="utf-8"))
    config["conversation_config"]["agent"]["first_message"] = "Changed."
    file.write_text(json.dumps(config), encoding="utf-8")
    elevenlabs(project, parola, "agents", "push")
    agents = json.loads((project / "agents.json").read_text(encoding="utf-8"))["agents"]
    agent_id = next(agent["id"] for agent in agents if "minimal" in agent["config"])
    stored = parola.http.get(f"/v1/convai/agents/{agent_id}").json()
    assert stored["conversation_config"]["agent"]["first_message"] == "Changed."
