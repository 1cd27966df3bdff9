"""``parola webhooks``."""

from __future__ import annotations

from typing import Annotated

import typer

from parola.commands.options import DEFAULT_URL, ApiKey, OfConversation, Url, server
from parola.errors import ParolaError

app = typer.Typer(help="Webhooks of a running server.", no_args_is_help=True)


@app.command("list")
def list_webhooks(url: Url = DEFAULT_URL, api_key: ApiKey = "") -> None:
    """List endpoints: whether they work, and what uses them."""
    from parola.terminal import webhooks

    webhooks.list_webhooks(server(url, api_key))


@app.command("deliveries")
def deliveries(
    conversation: OfConversation = None,
    webhook: Annotated[str | None, typer.Option(help="To this one.")] = None,
    status: Annotated[str | None, typer.Option(help="waiting, delivered, dead, skipped or held.")] = None,
    limit: Annotated[int, typer.Option(help="How many at most.", min=1, max=100)] = 30,
    url: Url = DEFAULT_URL,
    api_key: ApiKey = "",
) -> None:
    """List deliveries, newest first."""
    from parola.terminal import webhooks

    webhooks.deliveries(server(url, api_key), conversation=conversation, webhook=webhook, status=status, most=limit)


@app.command("replay")
def replay(delivery: str, url: Url = DEFAULT_URL, api_key: ApiKey = "") -> None:
    """Send a delivery again."""
    from parola.terminal import webhooks

    webhooks.replay(server(url, api_key), delivery)


@app.command("test")
def test(webhook: str, url: Url = DEFAULT_URL, api_key: ApiKey = "") -> None:
    """Send a sample of each type to an endpoint."""
    from parola.terminal import webhooks

    if not webhooks.test(server(url, api_key), webhook):
        raise ParolaError("Not all of them arrived.")


@app.command("listen")
def listen(
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8500,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    secret: Annotated[str, typer.Option(envvar="PAROLA_WEBHOOK_SECRET", help="What signatures are checked with.")] = "",
    status: Annotated[int, typer.Option(help="What is answered.")] = 200,
    whole: Annotated[bool, typer.Option("--whole", help="Print the messages themselves.")] = False,
    count: Annotated[int | None, typer.Option(help="Leave after so many.")] = None,
) -> None:
    """Receive webhooks, verify and print them."""
    from parola.terminal import webhooks

    webhooks.listen(host, port, secret, status, whole=whole, most=count)
