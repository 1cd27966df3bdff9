"""``parola lint``: what would go wrong in a call, before the call."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.text import Text

from parola.errors import InvalidRequest
from parola.terminal import plain, printing
from parola.terminal.agents import read
from parola.terminal.client import Server

COLOURS = {"error": "red", "warning": "yellow", "note": "dim"}


def lint(
    server: Server,
    target: str | None,
    project: Path | None,
    *,
    offline: bool = False,
    environment: str = "production",
    as_json: bool = False,
) -> int:
    """Look at an agent of the server, a file, every file of a folder, or every agent; how many errors there are."""
    query = {"offline": str(offline).lower(), "environment": environment}
    results: dict[str, dict[str, Any]] = {}
    if project is not None:
        for file in _files(project):
            results[file.name] = _of_file(server, file, query)
    elif target is None:
        for agent in server.every("/v1/convai/agents", "agents"):
            agent_id = agent["agent_id"]
            results[agent_id] = server.rest("GET", f"/v1/x/agents/{agent_id}/lint", **query)
    elif Path(target).is_file() or target.endswith(".json"):
        results[target] = _of_file(server, Path(target), query)
    else:
        results[target] = server.rest("GET", f"/v1/x/agents/{target}/lint", **query)
    if as_json:
        plain.document(results)
    else:
        _show(results)
    return sum(result["errors"] for result in results.values())


def _show(results: dict[str, dict[str, Any]]) -> None:
    table = printing.table("agent", "level", "where", "what")
    for name, result in results.items():
        for finding in result["findings"]:
            level = Text(finding["level"], COLOURS[finding["level"]])
            table.add_row(name, level, finding["path"], finding["message"])
    if len(table):
        printing.listed(table)
    counts = {key: sum(result[key] for result in results.values()) for key in ("errors", "warnings", "notes")}
    looked_at = f"{len(results)} agent" + ("" if len(results) == 1 else "s")
    printing.out.print(
        f"{looked_at}: " + ", ".join(f"{count} {key if count != 1 else key[:-1]}" for key, count in counts.items())
    )


def _of_file(server: Server, file: Path, query: dict[str, str]) -> dict[str, Any]:
    result: dict[str, Any] = server.rest("POST", "/v1/x/agents/lint", read(file), **query)
    return result


def _files(project: Path) -> list[Path]:
    files = sorted(project.glob("*.json"))
    if not files:
        raise InvalidRequest(f"There are no agents (*.json) in {project}.")
    return files
