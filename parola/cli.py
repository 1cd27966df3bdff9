"""``parola``: the command line. Reads the settings once; each command is a small module of ``parola.terminal``.

Groups of commands are in ``parola.commands``. Exit codes: 0 done, 1 it failed, 2 the command was not understood, 130
interrupted. Errors are sentences. Imports are inside the commands, because ``serve`` has to listen within a second.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from parola.commands import agents, conversations, keys, knowledge, models, webhooks
from parola.commands.options import (
    DEFAULT_URL,
    Agent,
    AnyAgent,
    AnyConversation,
    ApiKey,
    Config,
    Data,
    Models,
    Signed,
    ToolResult,
    Url,
    Variables,
    loaded,
    pairs,
    server,
    settings,
)
from parola.errors import ParolaError

app = typer.Typer(
    help="Voice agents on your own machine, by the ElevenLabs Agents protocol.",
    no_args_is_help=True,
    add_completion=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.add_typer(agents.app, name="agents")
app.add_typer(conversations.app, name="conversations")
app.add_typer(knowledge.app, name="knowledge")
app.add_typer(webhooks.app, name="webhooks")
app.add_typer(keys.app, name="keys")
app.add_typer(models.app, name="models")


def _print_version(wanted: bool) -> None:
    if wanted:
        from parola import __version__

        print(__version__)
        raise typer.Exit


@app.callback()
def parola(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Voice agents on your own machine, by the ElevenLabs Agents protocol."""


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.")] = None,
    data: Data = None,
    models: Models = None,
    ephemeral: Annotated[bool | None, typer.Option("--ephemeral", help="Keep everything in memory.")] = None,
    project: Annotated[Path | None, typer.Option(help="Folder of agents (*.json) to load.")] = None,
    public_url: Annotated[str | None, typer.Option(help="How clients reach this server through a proxy.")] = None,
    auth: Annotated[str | None, typer.Option(help="auto, required or off.")] = None,
    enclave: Annotated[bool | None, typer.Option("--enclave", help="Clients may bring their own agent.")] = None,
    preload: Annotated[bool | None, typer.Option("--preload", help="Load the speech models at start.")] = None,
    log_level: Annotated[str | None, typer.Option(help="debug, info, warning or error.")] = None,
    config: Config = None,
) -> None:
    """Run the server."""
    flags = {name: value for name, value in locals().items() if name != "config"}
    from parola.terminal.serve import serve as run

    run(settings(config, **flags))


@app.command()
def chat(
    agent: Agent = "agent_demo",
    message: Annotated[
        list[str] | None, typer.Option(metavar="TEXT", help="Say this and leave when answered. Repeatable.")
    ] = None,
    tool_result: ToolResult = None,
    var: Variables = None,
    signed: Signed = False,
    url: Url = DEFAULT_URL,
    api_key: ApiKey = "",
) -> None:
    """Talk to an agent by typing."""
    import asyncio

    from parola.terminal.chat import chat as run

    code = asyncio.run(
        run(
            server(url, api_key),
            agent,
            signed=signed,
            variables=dict(pairs(var, "--var")),
            messages=message or (),
            tool_result=tool_result,
        )
    )
    raise typer.Exit(code)


@app.command()
def call(
    question: Annotated[Path, typer.Option("--in", help="WAV file with what you say.", exists=True, dir_okay=False)],
    agent: Agent = "agent_demo",
    answer: Annotated[Path | None, typer.Option("--out", help="WAV file for the agent's voice.")] = None,
    tool_result: ToolResult = None,
    var: Variables = None,
    signed: Signed = False,
    timeout: Annotated[float, typer.Option(help="Seconds until the answer must be complete.")] = 60.0,
    url: Url = DEFAULT_URL,
    api_key: ApiKey = "",
) -> None:
    """Talk to an agent with a recording."""
    import asyncio

    from parola.terminal.call import call as run

    code = asyncio.run(
        run(
            server(url, api_key),
            agent,
            question=question,
            answer=answer,
            signed=signed,
            variables=dict(pairs(var, "--var")),
            tool_result=tool_result,
            timeout=timeout,
        )
    )
    raise typer.Exit(code)


@app.command()
def lint(
    agent: AnyAgent = None,
    project: Annotated[Path | None, typer.Option(help="Folder of agents (*.json).", exists=True)] = None,
    offline: Annotated[bool, typer.Option("--offline", help="Do not try the addresses that agents name.")] = False,
    environment: Annotated[str, typer.Option(help="Whose values environment variables have.")] = "production",
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
    url: Url = DEFAULT_URL,
    api_key: ApiKey = "",
) -> None:
    """Say what would go wrong in a call, before the call. Fails when there are errors."""
    from parola.terminal.lint import lint as run

    if run(server(url, api_key), agent, project, offline=offline, environment=environment, as_json=as_json):
        raise typer.Exit(1)


@app.command()
def why(
    conversation: AnyConversation = None,
    timeline: Annotated[bool, typer.Option("--timeline", help="Print what happened when, too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
    url: Url = DEFAULT_URL,
    api_key: ApiKey = "",
) -> None:
    """Say how a conversation went, and why it ended."""
    from parola.terminal.why import why as run

    run(server(url, api_key), conversation, with_timeline=timeline, as_json=as_json)


# -- this machine -----------------------------------------------------------------------------------------------------


@app.command()
def say(
    text: Annotated[str, typer.Argument(help="What to say.")],
    out: Annotated[Path, typer.Option(help="WAV file to write.")],
    voice: Annotated[str, typer.Option(help="Voice id or name; the default one without it.")] = "",
    models: Models = None,
    config: Config = None,
) -> None:
    """Say something into a WAV file, to call an agent with."""
    import asyncio

    from parola.terminal.say import say as run

    seconds = asyncio.run(run(settings(config, models=models), text, out, voice))
    print(f"{seconds:.1f} s of speech are in {out}.")


@app.command("config")
def show_config(config: Config = None) -> None:
    """Print the settings in force, and where each came from."""
    from parola.terminal.settings import show

    show(loaded(config))


@app.command()
def doctor(
    data: Data = None,
    models: Models = None,
    port: int | None = None,
    url: Annotated[str, typer.Option(envvar="PAROLA_URL", help="A server to ask, instead of the port's.")] = "",
    api_key: ApiKey = "",
    config: Config = None,
) -> None:
    """Check that everything needed is there; say what is missing."""
    import asyncio

    from parola.terminal.doctor import examine

    address = server(url, api_key).url if url else ""
    if not asyncio.run(examine(settings(config, data=data, models=models, port=port), address, api_key)):
        raise typer.Exit(1)


@app.command()
def version() -> None:
    """Print the version."""
    from parola import __version__

    print(__version__)


def main() -> None:
    """The entry point: no traceback reaches a person."""
    try:
        app()
    except ParolaError as error:
        _complain(error.message)
        raise SystemExit(1) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    except Exception as error:
        _complain(_unexpected(error))
        raise SystemExit(1) from None


def _complain(what: str) -> None:
    """On standard error; it may be a server's words."""
    from parola.terminal.plain import visible

    print(f"parola: {visible(what)}", file=sys.stderr)


def _unexpected(error: Exception) -> str:
    """What is said of a mistake of ours, or of a system that refuses something; where it happened is in a file."""
    import tempfile
    import traceback

    with tempfile.NamedTemporaryFile("w", prefix="parola-", suffix=".txt", delete=False, encoding="utf-8") as file:
        traceback.print_exception(error, file=file)
    told = f"{type(error).__name__}: {error}".rstrip(": ").rstrip(".")
    return f"This should not have happened ({told}). Please report it, with {file.name}."


if __name__ == "__main__":
    main()
