"""No code block of any document goes untried: a test takes it, or the table below says why none can."""

from __future__ import annotations

import ast
import configparser
import json
import re
import shlex
from collections.abc import Iterator
from typing import Any

import click
import pytest
from typer.main import get_command

from parola.cli import app
from parola.config import Settings
from tests.docs.snippets import FENCE, PAGES, ROOT, block, counted, text

NOT_RUN = {
    ("deployment.md", "caddyfile"): "Caddy is a program of its own: the address is compared",
    ("deployment.md", "nginx"): "nginx is a program of its own: address and directives are compared",
    ("deployment.md", "ini"): "systemd is the machine's: the command line and the times are tried",
    ("observability.md", "yaml"): "Prometheus is a program of its own: its metrics and labels are compared",
    ("observability.md", "promql"): "as the alerts above",
    ("after-the-call.md", "text"): "what `parola why` prints: compared with what it prints",
}
"""Blocks that are read and compared, not run, and why."""

PARSERS = {"json": lambda code: list(documents(code)), "python": ast.parse}


def documents(code: str) -> Iterator[Any]:
    """The JSON documents of a block, one after the other."""
    decoder, rest = json.JSONDecoder(), code.strip()
    while rest:
        document, end = decoder.raw_decode(rest)
        yield document
        rest = rest[end:].lstrip()


def taken() -> Iterator[tuple[str, str]]:
    """Page and language of every block that a test asks for."""
    for file in sorted((ROOT / "tests").rglob("test_*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(
                    func=ast.Name(id="block" | "blocks"),
                    args=[ast.Constant(value=str(page)), ast.Constant(value=str(language)), *_],
                ):
                    yield page, language


def test_every_block_is_taken_by_a_test_or_says_why_not() -> None:
    there = {(page, language) for page in PAGES for language in counted(page)}
    untaken = there - set(taken())
    assert not untaken, "no test takes these: take them with tests.docs.snippets"
    assert set(NOT_RUN) <= there and all(NOT_RUN.values())


@pytest.mark.parametrize("page", [page for page in PAGES if counted(page)])
def test_every_block_says_its_language_and_is_of_it(page: str) -> None:
    for language, code in FENCE.findall(text(page)):
        assert language, f"{page}: a block without a language:\n{code}"
        PARSERS.get(language, str)(code)


# -- commands ---------------------------------------------------------------------------------------------------------

COMMANDS = [
    (page, line)
    for page in PAGES
    if page not in ("cli.md", "CHANGELOG.md")  # what cli.md shows is usage; tests/docs/test_cli_docs.py reads it
    for line in re.findall(r"^(?: {4})?(?:\$ |\w+=\S+ |\w+=\$\(|\S+/bin/)*parola [^\n|]+", text(page), re.MULTILINE)
]
"""Whatever begins a line in a block, by page."""


@pytest.mark.parametrize(("page", "line"), COMMANDS, ids=[f"{page}: {line.strip()[:60]}" for page, line in COMMANDS])
def test_every_command_is_one_that_parola_takes(page: str, line: str) -> None:
    takes(line[line.index("parola ") :].removeprefix("parola ").rstrip(") \\"))


def takes(arguments: str) -> None:
    """Raises ``click.UsageError`` when the command line does not take these words."""
    words, command = shlex.split(arguments, comments=True), get_command(app)
    context = click.Context(command, info_name="parola")  # type: ignore[arg-type]
    while isinstance(command, click.Group) and words:
        name, command, words = command.resolve_command(context, words)
        assert command is not None
        if not isinstance(command, click.Group) or words:
            context = command.make_context(name, list(words), parent=context)
            words = [*context.protected_args, *context.args] if isinstance(command, click.Group) else []


# -- what other programs read -----------------------------------------------------------------------------------------


def test_the_unit_of_systemd_starts_the_server_and_waits_for_it() -> None:
    unit = configparser.ConfigParser()
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    unit.read_string(block("deployment.md", "ini"))
    program, arguments = unit["Service"]["ExecStart"].split(" ", 1)
    assert program == "/opt/parola/.venv/bin/parola" and program.startswith(unit["Service"]["WorkingDirectory"])
    takes(arguments)
    assert int(unit["Service"]["TimeoutStopSec"]) > Settings().drain_seconds


def test_the_proxies_ask_the_server_where_it_listens_and_pass_sockets_on() -> None:
    caddy, nginx = block("deployment.md", "caddyfile"), block("deployment.md", "nginx")
    here = f"{Settings().host}:{Settings().port}"
    assert f"reverse_proxy {here}\n" in caddy and f"proxy_pass http://{here};" in nginx
    assert (caddy.count("{"), nginx.count("{")) == (caddy.count("}"), nginx.count("}"))
    told = dict(re.findall(r"proxy_set_header (\S+) (\S+);", nginx))
    wanted = {"Upgrade": "$http_upgrade", "Connection": "$connection_upgrade", "Host": "$host"}
    assert told.items() >= wanted.items()
    assert "proxy_http_version 1.1;" in nginx and "proxy_buffering off;" in nginx
