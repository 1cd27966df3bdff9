"""``parola conversations``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from parola.commands.options import DEFAULT_URL, ApiKey, Url, pairs, server

app = typer.Typer(help="Conversations of a running server.", no_args_is_help=True)

Filters = Annotated[
    list[str] | None,
    typer.Option("--filter", metavar="NAME=VALUE", help="For example agent_id=agent_demo. Repeatable."),
]


@app.command("list")
def list_conversations(
    filters: Filters = None,
    limit: Annotated[int, typer.Option(help="How many at most.", min=1, max=100)] = 30,
    url: Url = DEFAULT_URL,
    api_key: ApiKey = "",
) -> None:
    """List conversations, newest first."""
    from parola.terminal import conversations

    conversations.list_conversations(server(url, api_key), pairs(filters, "--filter"), limit)


@app.command()
def export(
    filters: Filters = None,
    out: Annotated[Path | None, typer.Option(help="A file, instead of standard output.")] = None,
    url: Url = DEFAULT_URL,
    api_key: ApiKey = "",
) -> None:
    """Write conversations as lines of JSON, transcripts included."""
    import sys

    from parola.terminal import conversations

    count = conversations.export(server(url, api_key), pairs(filters, "--filter"), out, sys.stdout.buffer)
    print(f"{count} conversation{'' if count == 1 else 's'}", file=sys.stderr)
