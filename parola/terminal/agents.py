"""``parola agents``: agents as JSON files, there and back; templates, copies and versions."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.markup import escape

from parola.errors import InvalidRequest, NotFound, ParolaError
from parola.terminal import printing
from parola.terminal.client import Server
from parola.terminal.progress import progress
from parola.terminal.templates import TEMPLATES

PUSHED = ("name", "tags", "conversation_config", "platform_settings", "workflow")
"""What of an agent a file may change."""


def list_agents(server: Server) -> None:
    """Print the agents, newest first."""
    table = printing.table("agent", "name", "updated", "last call", less=("updated", "last call"))
    for agent in server.every("/v1/convai/agents", "agents"):
        times = (_time(agent["updated_at_unix_secs"]), _time(agent.get("last_call_time_unix_secs")))
        table.add_row(agent["agent_id"], agent["name"], *times)
    printing.listed(table, "There are no agents. `parola agents create --template front-desk` makes one.")


def list_templates() -> None:
    """Print what a new agent can begin as."""
    table = printing.table("template", "what it does")
    for name, template in TEMPLATES.items():
        table.add_row(name, template.about)
    printing.listed(table)


def get(server: Server, agent_id: str) -> dict[str, Any]:
    """An agent as the server has it."""
    agent: dict[str, Any] = server.rest("GET", f"/v1/convai/agents/{agent_id}")
    return agent


def create(server: Server, document: dict[str, Any], name: str | None = None) -> str:
    """A new agent; its id. ``name`` wins over the document's."""
    pushed = _pushed(document) | ({"name": name} if name else {})
    return str(server.rest("POST", "/v1/convai/agents/create", pushed)["agent_id"])


def push(server: Server, agent_id: str, file: Path) -> None:
    """Merge a file into an agent."""
    server.rest("PATCH", f"/v1/convai/agents/{agent_id}", _pushed(read(file)))


def push_folder(server: Server, folder: Path, *, makes_new: bool) -> None:
    """Merge each file of a folder into its agent: the one it names in ``agent_id``, or that is called like the file.

    All files are read before anything is sent. Raises ``ParolaError`` when an agent is not there and none is to be
    made; what was pushed before stays."""
    files = sorted(folder.glob("*.json"))
    if not files:
        raise InvalidRequest(f"There are no agents (*.json) in {folder}. `parola agents pull {folder}` writes them.")
    documents = [(file, read(file)) for file in files]
    with progress("pushing", len(files)) as update:
        for done, (file, document) in enumerate(documents):
            update(done=done, what=file.name)
            agent_id = str(document.get("agent_id") or file.stem)
            try:
                server.rest("PATCH", f"/v1/convai/agents/{agent_id}", _pushed(document))
                told = f"{file.name} → {agent_id}"
            except NotFound:
                if not makes_new:
                    raise NotFound(
                        f"{file}: there is no agent {agent_id} on this server. With --new it is made."
                    ) from None
                told = f"{file.name} → {create(server, document)} (new)"
            except ParolaError as error:
                raise InvalidRequest(f"{file}: {error.message}") from None
            printing.out.print(escape(told), soft_wrap=True)


def pull(server: Server, agent_id: str, file: Path) -> None:
    """Write an agent to a file."""
    _write(get(server, agent_id), file)


def pull_folder(server: Server, folder: Path) -> None:
    """Write every agent into a folder, each in a file called like its id."""
    ids = [str(agent["agent_id"]) for agent in server.every("/v1/convai/agents", "agents")]
    with progress("pulling", len(ids)) as update:
        for done, agent_id in enumerate(ids):
            update(done=done, what=agent_id)
            file = folder / f"{agent_id}.json"
            _write(get(server, agent_id), file)
            printing.out.print(escape(str(file)), soft_wrap=True)


def duplicate(server: Server, agent_id: str, name: str | None) -> str:
    """A copy; its id."""
    body = {"name": name} if name else {}
    return str(server.rest("POST", f"/v1/convai/agents/{agent_id}/duplicate", body)["agent_id"])


def list_versions(server: Server, agent_id: str) -> None:
    """Print the versions, newest first."""
    table = printing.table("no.", "version", "made", "name", "what changed", less=("name", "made"))
    for one in server.every(f"/v1/x/agents/{agent_id}/versions", "versions"):
        number = f"{one['seq_no_in_branch']}{' (now)' if one['is_current'] else ''}"
        told = (one["name"], one["version_description"] or "")
        table.add_row(number, one["id"], _time(one["time_committed_secs"]), *told)
    printing.listed(table)


def restore(server: Server, agent_id: str, version: str) -> None:
    """Bring back a version, named by its id or its number."""
    if version.isdecimal():
        every = server.every(f"/v1/x/agents/{agent_id}/versions", "versions")
        found = next((one["id"] for one in every if one["seq_no_in_branch"] == int(version)), None)
        if found is None:
            raise NotFound(f"{agent_id} has no version {version}; `parola agents versions {agent_id}` lists them.")
        version = str(found)
    server.rest("POST", f"/v1/x/agents/{agent_id}/versions/{version}/restore", {})
    printing.out.print(f"{escape(agent_id)} is again as it was in {escape(version)}.", soft_wrap=True)


def delete(server: Server, agent_id: str) -> None:
    """Delete an agent with its versions."""
    server.rest("DELETE", f"/v1/convai/agents/{agent_id}")


def read(file: Path) -> dict[str, Any]:
    """An agent out of a file. Raises ``InvalidRequest``."""
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidRequest(f"{file} cannot be read: {error.strerror or error}.") from None
    except ValueError as error:
        raise InvalidRequest(f"{file} cannot be read as JSON: {error}.") from None
    if not isinstance(document, dict):
        raise InvalidRequest(f"{file}: expected an agent as a JSON object.")
    return document


def _write(agent: dict[str, Any], file: Path) -> None:
    text = json.dumps(agent, indent=2, ensure_ascii=False)
    try:
        file.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise InvalidRequest(f"{file} cannot be written: {error.strerror or error}.") from None


def _pushed(document: dict[str, Any]) -> dict[str, Any]:
    return {key: document[key] for key in PUSHED if key in document}


def _time(at: float | None) -> str:
    return f"{datetime.fromtimestamp(at):%Y-%m-%d %H:%M}" if at else "-"
