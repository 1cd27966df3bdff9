"""Arguments and options that several commands share, and what is made of them.

Imports of what does the work are inside functions: ``parola --help`` and the completion of a word must not wait for
them.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from parola.config import Loaded, Settings
    from parola.terminal.client import Server

DEFAULT_URL = "http://127.0.0.1:8400"


def _agents(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    from parola.terminal.completing import agents

    return agents(ctx.params, incomplete)


def _conversations(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    from parola.terminal.completing import conversations

    return conversations(ctx.params, incomplete)


def _templates(incomplete: str) -> list[tuple[str, str]]:
    from parola.terminal.templates import TEMPLATES

    return [(name, one.about) for name, one in TEMPLATES.items() if name.startswith(incomplete)]


Url = Annotated[str, typer.Option(envvar="PAROLA_URL", help="Address of the server.")]
ApiKey = Annotated[str, typer.Option(envvar="PAROLA_API_KEY", help="API key, when the server needs one.")]
Config = Annotated[Path | None, typer.Option(help="Configuration file; parola.toml in this folder by default.")]
Data = Annotated[Path | None, typer.Option(help="Folder of the database, files and recordings.")]
Models = Annotated[Path | None, typer.Option(help="Folder of the speech models.")]
Variables = Annotated[
    list[str] | None, typer.Option("--var", metavar="NAME=VALUE", help="A dynamic variable. Repeatable.")
]
ToolResult = Annotated[str | None, typer.Option(help="Answer every client tool with this (JSON or text).")]
Signed = Annotated[bool, typer.Option("--signed", help="Get a signed URL first, as private agents need.")]
Agent = Annotated[str, typer.Argument(help="Agent id.", autocompletion=_agents)]
AnyAgent = Annotated[
    str | None,
    typer.Argument(help="Agent id, or a JSON file; every agent by default.", autocompletion=_agents),
]
AnyConversation = Annotated[
    str | None, typer.Argument(help="Conversation id; the newest by default.", autocompletion=_conversations)
]
OfConversation = Annotated[
    str | None,
    typer.Option("--conversation", help="Of this one; also what was not sent, and why.", autocompletion=_conversations),
]
Template = Annotated[str | None, typer.Option(help="A template, instead of a file.", autocompletion=_templates)]


def server(url: str, api_key: str) -> Server:
    """The server at an address. Raises ``typer.BadParameter`` for what is none."""
    from urllib.parse import urlsplit

    from parola.terminal.client import Server

    try:
        parts = urlsplit(url)
        is_right = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        is_right = False
    if not is_right:
        raise typer.BadParameter(f'expected an address such as {DEFAULT_URL}, got "{url}".', param_hint="--url")
    return Server(url, api_key)


def pairs(given: Iterable[str] | None, flag: str) -> list[tuple[str, str]]:
    """``name=value``, taken apart. Raises ``typer.BadParameter``."""
    found = []
    for text in given or ():
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise typer.BadParameter(f'expected name=value, got "{text}".', param_hint=flag)
        found.append((name, value))
    return found


def loaded(config: Path | None, **flags: Any) -> Loaded:
    """The settings in force, and where each came from."""
    from parola.config import load

    return load(flags, file=config)


def settings(config: Path | None, **flags: Any) -> Settings:
    """The settings in force."""
    return loaded(config, **flags).settings
