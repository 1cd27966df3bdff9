"""``parola keys``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from parola.commands.options import Config, Data, settings
from parola.errors import InvalidRequest

app = typer.Typer(help="API keys of a data folder.", no_args_is_help=True)


@app.command("create")
def create(
    name: str,
    scope: Annotated[
        list[str] | None,
        typer.Option(metavar="SCOPE", help="What it may do, for example agents:read. Repeatable; all by default."),
    ] = None,
    days: Annotated[float | None, typer.Option(help="Days until it ends; never by default.")] = None,
    data: Data = None,
    config: Config = None,
) -> None:
    """Make an API key and print it, once."""
    import asyncio

    from parola.terminal import keys

    print(asyncio.run(keys.create(settings(config, data=data), name, scope or (), days)))


@app.command("rotate")
def rotate(
    key: str,
    grace_hours: Annotated[float, typer.Option(help="How long the old key stays valid.")] = 24,
    data: Data = None,
    config: Config = None,
) -> None:
    """Print a new API key with the rights of this one, by its id."""
    import asyncio

    from parola.terminal import keys

    print(asyncio.run(keys.rotate(settings(config, data=data), key, grace_hours)))


@app.command("rotate-master")
def rotate_master(
    to: Annotated[
        Path | None, typer.Option(help="File for the new master key, when it does not lie in the data folder.")
    ] = None,
    finish: Annotated[bool, typer.Option("--finish", help="Forget all master keys but the present one.")] = False,
    data: Data = None,
    config: Config = None,
) -> None:
    """Lock the stored secrets with a new master key; servers go on meanwhile."""
    import asyncio

    from parola.terminal import keys

    ours = settings(config, data=data)
    print(asyncio.run(keys.finish_rotation(ours) if finish else keys.rotate_master(ours, to)))


@app.command("list")
def list_keys(data: Data = None, config: Config = None) -> None:
    """List API keys by their beginnings."""
    import asyncio

    from parola.terminal import keys

    asyncio.run(keys.list_keys(settings(config, data=data)))


@app.command("delete")
def delete(key: str, data: Data = None, config: Config = None) -> None:
    """Delete an API key, by its id."""
    import asyncio

    from parola.terminal import keys

    if not asyncio.run(keys.delete(settings(config, data=data), key)):
        raise InvalidRequest(f"There is no API key {key}; `parola keys list` shows them.")
