"""One look for everything the terminal prints. Control characters of others' words are made visible in one place, here;
markup is ours alone: ``escape`` what is not, in whatever is no cell of a table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.text import Text

from parola.terminal.listing import Listing
from parola.terminal.plain import visible

PIPED_COLUMNS = 1000
"""What is not read on a screen is not wrapped: scripts read lines."""


class _Console(Console):
    """Shows what it is given, and obeys nothing in it."""

    def render_str(self, text: str, **how: Any) -> Text:
        return super().render_str(visible(text), **how)


def _console(*, stderr: bool = False) -> Console:
    console = _Console(stderr=stderr, highlight=False, emoji=False)
    if not console.is_terminal:
        console.width = PIPED_COLUMNS
    return console


out = _console()
err = _console(stderr=True)


def frame(message: dict[str, Any]) -> None:
    """Show what a person wants to see of one frame of a conversation; audio and the like pass in silence."""
    match message["type"]:
        case "agent_response":
            out.print(f"[bold cyan]agent[/]  {escape(message['agent_response_event']['agent_response'])}")
        case "user_transcript":
            user(message["user_transcription_event"]["user_transcript"])
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
            elif told["tool_type"] != "client":  # those of the client were shown when they were asked for
                out.print(f"[magenta]tool[/]   {escape(told['tool_name'])} answered")
        case "error":
            event = message["error_event"]
            out.print(f"[red]error[/]  {escape(str(event.get('message') or event))}")


def user(text: str) -> None:
    """What the user wrote: the server does not send it back."""
    out.print(f"[bold green]you[/]    {escape(text)}")


def closed(code: int | None, reason: str, conversation_id: str, *, went_well: bool) -> None:
    """How the conversation ended, and which it was; what went wrong goes to standard error."""
    if went_well:
        told = " ".join(part for part in ("closed", str(code), reason) if part)
        out.print(f"[dim]{escape(told)}  {escape(conversation_id)}[/]")
    else:
        err.print(f"[red]The conversation ended with code {code}: {escape(reason or 'no reason was given.')}[/]")
        if "does not exist" in reason and not conversation_id:
            err.print("[dim]`parola agents list` shows those there are.[/]")
        # A reason that did not fit into the close frame is of a conversation that was refused, and so the newest.
        if conversation_id or reason.endswith("..."):
            err.print("[dim]" + f"More: parola why {escape(conversation_id)}".rstrip() + "[/]")


def table(*columns: str, less: Sequence[str] = ()) -> Listing:
    """A table to fill and to give to ``listed``. ``less``: columns that a narrow terminal may do without."""
    return Listing(*columns, less=less)


def listed(table: Listing, nothing: str = "") -> None:
    """Print a table; ``nothing``: what is said, on standard error, instead of one without rows."""
    if len(table) or not nothing:
        out.print(table.fitting(out))
    else:
        err.print(nothing)


def page(find: Callable[[], str]) -> None:
    """Where the dashboard has more, for a person to follow; nothing where there is no dashboard, or no person."""
    if out.is_terminal and (address := find()):
        out.print(f"[dim]{escape(address)}[/]", soft_wrap=True)
