"""One look for everything the terminal prints."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


def frame(message: dict[str, Any]) -> None:
    """Show what a person wants to see of one frame of a conversation; audio and the like pass in silence."""
    match message["type"]:
        case "agent_response":
            out.print(f"[bold cyan]agent[/]  {escape(message['agent_response_event']['agent_response'])}")
        case "user_transcript":
            out.print(f"[bold green]you[/]    {escape(message['user_transcription_event']['user_transcript'])}")
        case "agent_response_correction":
            heard = message["agent_response_correction_event"]["corrected_agent_response"]
            out.print(f"[dim]       (heard: {escape(heard)})[/]")
        case "interruption":
            out.print("[yellow]       (interrupted)[/]")
        case "client_tool_call":
            call = message["client_tool_call"]
            out.print(f"[magenta]tool[/]   {escape(call['tool_name'])} {escape(str(call['parameters']))}")
        case "agent_tool_response":
            told = message["agent_tool_response"]
            if told["is_error"]:
                out.print(f"[red]tool[/]   {escape(told['tool_name'])} failed")
        case "error":
            event = message["error_event"]
            out.print(f"[red]error[/]  {escape(str(event.get('message') or event))}")


def closed(code: int | None, reason: str) -> None:
    out.print(f"[dim]closed {code} {escape(reason)}[/]")


def table(*columns: str) -> Table:
    made = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        made.add_column(column, overflow="fold")
    return made
