"""``parola agents``: agents as JSON files, there and back."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from parola.errors import InvalidRequest
from parola.terminal import printing
from parola.terminal.client import Server

PUSHED = ("name", "tags", "conversation_config", "platform_settings", "workflow")
"""What of an agent a file may change."""


def list_agents(server: Server) -> None:
    table = printing.table("agent", "name", "updated")
    cursor: str | None = None
    while True:
        page = server.rest("GET", "/v1/convai/agents", page_size="100", **({"cursor": cursor} if cursor else {}))
        for agent in page["agents"]:
            updated = datetime.fromtimestamp(agent["updated_at_unix_secs"]).strftime("%Y-%m-%d %H:%M")
            table.add_row(agent["agent_id"], agent["name"], updated)
        cursor = page.get("next_cursor")
        if not cursor:
            break
    printing.out.print(table)


def get(server: Server, agent_id: str) -> dict[str, Any]:
    agent: dict[str, Any] = server.rest("GET", f"/v1/convai/agents/{agent_id}")
    return agent


def create(server: Server, file: Path) -> str:
    """A new agent from a file; its id."""
    return str(server.rest("POST", "/v1/convai/agents/create", _pushed(file))["agent_id"])


def push(server: Server, agent_id: str, file: Path) -> None:
    """Merge a file into an agent."""
    server.rest("PATCH", f"/v1/convai/agents/{agent_id}", _pushed(file))


def pull(server: Server, agent_id: str, file: Path) -> None:
    """Write an agent to a file."""
    text = json.dumps(get(server, agent_id), indent=2, ensure_ascii=False)
    try:
        file.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise InvalidRequest(f"{file} cannot be written: {error.strerror or error}.") from None


def delete(server: Server, agent_id: str) -> None:
    server.rest("DELETE", f"/v1/convai/agents/{agent_id}")


def _pushed(file: Path) -> dict[str, Any]:
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidRequest(f"{file} cannot be read as JSON: {error}") from None
    if not isinstance(document, dict):
        raise InvalidRequest(f"{file}: expected an agent as a JSON object.")
    return {key: document[key] for key in PUSHED if key in document}
