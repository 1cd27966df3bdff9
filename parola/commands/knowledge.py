"""``parola knowledge``."""

from __future__ import annotations

from typing import Annotated

import typer

from parola.commands.options import DEFAULT_URL, ApiKey, Url, server

app = typer.Typer(help="Documents of a running server's knowledge base.", no_args_is_help=True)


@app.command("list")
def list_documents(url: Url = DEFAULT_URL, api_key: ApiKey = "") -> None:
    """List the documents, newest first, and how far each is indexed."""
    from parola.terminal import knowledge

    knowledge.list_documents(server(url, api_key))


@app.command()
def add(
    sources: Annotated[list[str], typer.Argument(help="Files, folders, or addresses of pages.")],
    into: Annotated[str | None, typer.Option(help="Id of the folder of the knowledge base.")] = None,
    no_index: Annotated[bool, typer.Option("--no-index", help="Do not index them now, to be searched.")] = False,
    url: Url = DEFAULT_URL,
    api_key: ApiKey = "",
) -> None:
    """Add documents and index them; prints the id and the name of each. Those of a folder keep their folders."""
    from parola.terminal import knowledge

    if not knowledge.add(server(url, api_key), sources, into, indexes=not no_index):
        raise typer.Exit(1)
