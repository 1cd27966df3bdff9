"""docs/cli.md names every command, argument and flag of ``parola``, and no others."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from parola.cli import app

SECTIONS = dict(
    re.findall(
        r"^## `parola (\w+)`\n(.*?)(?=^## |\Z)",
        (Path(__file__).parents[2] / "docs" / "cli.md").read_text(encoding="utf-8"),
        re.DOTALL | re.MULTILINE,
    )
)
COMMANDS: dict[str, Any] = get_command(app).commands  # type: ignore[attr-defined]

EVERYWHERE = {"--help", "--config"}
"""Said once, at the top."""

OF_CLIENTS = {"--url", "--api-key"}
"""Said once, for the commands that talk to a server."""


def leaves(name: str) -> Iterator[Any]:
    """A command, or those below it, a group's own flags included."""
    yield COMMANDS[name]
    yield from getattr(COMMANDS[name], "commands", {}).values()


def flags(name: str) -> set[str]:
    taken = {option for command in leaves(name) for parameter in command.params for option in parameter.opts}
    return {option for option in taken if option.startswith("--")} - EVERYWHERE - OF_CLIENTS


def test_every_command_has_a_section():
    assert set(SECTIONS) == set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_flag_is_told(name: str):
    untold = flags(name) - set(re.findall(r"--[a-z][a-z-]*", SECTIONS[name]))
    assert not untold, f"docs/cli.md does not tell {untold} of parola {name}"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_usage_line_is_one_that_the_command_takes(name: str):
    usage = "\n".join(line for line in SECTIONS[name].splitlines() if line.startswith("    "))
    taken = flags(name) | EVERYWHERE | OF_CLIENTS
    assert set(re.findall(r"--[a-z][a-z-]*", usage)) <= taken
    below = getattr(COMMANDS[name], "commands", {})
    assert all(f"parola {name} {command}" in usage for command in below)
