"""``parola conversations``: what was said, out of a running server."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from difflib import get_close_matches
from pathlib import Path
from typing import BinaryIO

from parola.errors import InvalidRequest, NotFound
from parola.terminal import plain, printing
from parola.terminal.client import Server
from parola.terminal.progress import progress

NONE_YET = "There has been no conversation yet. `parola chat` begins one."


def list_conversations(server: Server, filters: Sequence[tuple[str, str]], most: int) -> None:
    """Print the newest, one a line. Raises ``InvalidRequest`` for a filter that the server does not know."""
    _check(server, filters)
    query = {"page_size": str(most), **dict(filters)}
    names = ("conversation", "began", "agent", "seconds", "messages", "status", "successful", "ended by")
    table = printing.table(*names, less=("messages", "successful", "seconds", "ended by", "agent", "status"))
    for found in server.rest("GET", "/v1/convai/conversations", **query)["conversations"]:
        table.add_row(
            found["conversation_id"],
            f"{datetime.fromtimestamp(found['start_time_unix_secs']):%Y-%m-%d %H:%M:%S}",
            found["agent_name"] or found["agent_id"],
            str(found["call_duration_secs"]),
            str(found["message_count"]),
            found["status"],
            found["call_successful"],
            found["termination_reason"] or "",
        )
    printing.listed(table, "There is no such conversation." if filters else NONE_YET)


def _check(server: Server, filters: Sequence[tuple[str, str]]) -> None:
    """Servers ignore what they do not know, as the API says; here it would list everything."""
    if not filters:
        return
    described = server.rest("GET", "/openapi.json")["paths"]["/v1/convai/conversations"]["get"]["parameters"]
    known = [one["name"] for one in described if one["in"] == "query" and one["name"] not in ("page_size", "cursor")]
    for name, _ in filters:
        if name not in known:
            near = get_close_matches(name, known, 1)
            meant = f' Is "{near[0]}" meant?' if near else ""
            raise InvalidRequest(f'There is no filter "{name}".{meant} There are: {", ".join(known)}.')


def newest(server: Server) -> str:
    """The id of the conversation that began last. Raises ``NotFound`` when there was none."""
    found = server.rest("GET", "/v1/convai/conversations", page_size="1")["conversations"]
    if not found:
        raise NotFound(NONE_YET)
    return str(found[0]["conversation_id"])


def export(server: Server, filters: Sequence[tuple[str, str]], out: Path | None, printed: BinaryIO) -> int:
    """Write every conversation that the filters leave, one a line of JSON; returns how many. A file that is cut short
    by a failure is not left there. Raises ``InvalidRequest`` for a filter that the server does not know."""
    _check(server, filters)
    if out is None:
        return _copy(server, filters, printed, shows=printing.out.is_terminal)
    aside = out.with_name(f".{out.name}.part")
    try:
        with aside.open("wb") as file:
            count = _copy(server, filters, file)
        aside.replace(out)
    except OSError as error:
        raise InvalidRequest(f"{out} cannot be written: {error.strerror or error}.") from None
    finally:
        aside.unlink(missing_ok=True)
    return count


def _copy(server: Server, query: Sequence[tuple[str, str]], into: BinaryIO, *, shows: bool = False) -> int:
    """``shows``: a person looks at it."""
    count = 0
    with progress("exporting") as update:
        for line in server.lines("/v1/x/conversations/export", query):
            into.write((plain.json_line(line.decode(errors="replace")).encode() if shows else line) + b"\n")
            count += 1
            update(done=count)
    into.flush()
    return count
