"""``parola agents``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from parola.commands.options import DEFAULT_URL, Agent, ApiKey, Template, Url, server

app = typer.Typer(help="Agents of a running server, and JSON files of them.", no_args_is_help=True)


@app.command("list")
def list_agents(url: Url = DEFAULT_URL, api_key: ApiKey = "") -> None:
    """List the agents."""
    from parola.terminal import agents

    agents.list_agents(server(url, api_key))


@app.command()
def templates() -> None:
    """List what a new agent can begin as."""
    from parola.terminal import agents

    agents.list_templates()


@app.command()
def get(agent: Agent, url: Url = DEFAULT_URL, api_key: ApiKey = "") -> None:
    """Print an agent as JSON."""
    from parola.terminal import agents, plain

    plain.document(agents.get(server(url, api_key), agent))


@app.command()
def create(
    file: Annotated[Path | None, typer.Argument(help="JSON file of an agent.")] = None,
    template: Template = None,
    name: Annotated[str | None, typer.Option(help="What it is called.")] = None,
    url: Url = DEFAULT_URL,
    api_key: ApiKey = "",
) -> None:
    """Make an agent from a JSON file or a template; prints its id."""
    from parola.terminal import agents, plain
    from parola.terminal.templates import TEMPLATES

    if (file is None) == (template is None):
        raise typer.BadParameter("expected either a file or --template.", param_hint="FILE")
    if template is not None and template not in TEMPLATES:
        raise typer.BadParameter(f'expected one of {", ".join(TEMPLATES)}, got "{template}".', param_hint="--template")
    document = TEMPLATES[template].document if template is not None else agents.read(file or Path())
    plain.line(agents.create(server(url, api_key), document, name))


@app.command()
def push(
    agent: Annotated[str, typer.Argument(help="Agent id; or a folder of agents (*.json).")],
    file: Annotated[Path | None, typer.Argument(help="JSON file of the agent.")] = None,
    new: Annotated[bool, typer.Option("--new", help="Of a folder: make the agents that are not there.")] = False,
    url: Url = DEFAULT_URL,
    api_key: ApiKey = "",
) -> None:
    """Change an agent, or each of a folder: what the JSON file says is merged into it."""
    from parola.terminal import agents

    to = server(url, api_key)
    if file is not None:
        agents.push(to, agent, file)
    elif Path(agent).is_dir():
        agents.push_folder(to, Path(agent), makes_new=new)
    else:
        raise typer.BadParameter("expected an agent id and a file, or a folder.", param_hint="AGENT [FILE]")


@app.command()
def pull(
    agent: Annotated[str, typer.Argument(help="Agent id; or a folder, for every agent.")],
    file: Annotated[Path | None, typer.Argument(help="JSON file to write.")] = None,
    url: Url = DEFAULT_URL,
    api_key: ApiKey = "",
) -> None:
    """Write an agent to a JSON file, or every agent into a folder."""
    from parola.terminal import agents

    of = server(url, api_key)
    if file is not None:
        agents.pull(of, agent, file)
    elif Path(agent).is_dir():
        agents.pull_folder(of, Path(agent))
    else:
        raise typer.BadParameter(
            "expected an agent id and a file, or a folder that is there.", param_hint="AGENT [FILE]"
        )


@app.command()
def duplicate(
    agent: Agent,
    name: Annotated[str | None, typer.Option(help="What the copy is called.")] = None,
    url: Url = DEFAULT_URL,
    api_key: ApiKey = "",
) -> None:
    """Copy an agent; prints the new id."""
    from parola.terminal import agents, plain

    plain.line(agents.duplicate(server(url, api_key), agent, name))


@app.command()
def versions(agent: Agent, url: Url = DEFAULT_URL, api_key: ApiKey = "") -> None:
    """List the versions of an agent, newest first."""
    from parola.terminal import agents

    agents.list_versions(server(url, api_key), agent)


@app.command()
def restore(
    agent: Agent,
    version: Annotated[str, typer.Argument(help="Version id, or its number.")],
    url: Url = DEFAULT_URL,
    api_key: ApiKey = "",
) -> None:
    """Bring a version back, as a new one."""
    from parola.terminal import agents

    agents.restore(server(url, api_key), agent, version)


@app.command()
def delete(agent: Agent, url: Url = DEFAULT_URL, api_key: ApiKey = "") -> None:
    """Delete an agent."""
    from parola.terminal import agents

    agents.delete(server(url, api_key), agent)
