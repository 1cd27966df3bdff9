"""``parola why``: the story of a conversation."""

from __future__ import annotations

from rich.markup import escape

from parola.terminal import plain, printing
from parola.terminal.client import Server
from parola.terminal.conversations import newest


def why(server: Server, conversation_id: str | None, *, with_timeline: bool, as_json: bool) -> None:
    """Print it; without an id, of the newest. Raises ``ParolaError`` with the server's own words."""
    conversation_id = conversation_id or newest(server)
    told = server.rest("GET", f"/v1/x/conversations/{conversation_id}/why")
    if as_json:
        plain.document(told)
        return
    printing.out.print(f"[bold]{escape(conversation_id)}[/]  {escape(told['status'])}")
    for sentence in told["story"]:
        printing.out.print(escape(sentence))
    if with_timeline:
        table = printing.table("seconds", "event", "words")
        for event in told["timeline"]:
            table.add_row(f"{event['at_secs']:.2f}", event["event"], event["words"])
        printing.listed(table)
    printing.page(lambda: server.page(f"conversations/{conversation_id}"))
