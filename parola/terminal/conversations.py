"""``parola conversations``: what was said, out of a running server."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from parola.errors import InvalidRequest
from parola.terminal.client import Server


def export(server: Server, filters: Sequence[str], out: Path | None, printed: BinaryIO) -> int:
    """Write every conversation that the filters leave, one a line of JSON; returns how many. A file that is cut short
    by a failure is not left there."""
    query = []
    for text in filters:
        name, equals, value = text.partition("=")
        if not equals:
            raise InvalidRequest(f'--filter: expected name=value, a filter of the list of conversations, got "{text}".')
        query.append((name, value))
    if out is None:
        return _copy(server, query, printed)
    aside = out.with_name(f".{out.name}.part")
    try:
        with aside.open("wb") as file:
            count = _copy(server, query, file)
        aside.replace(out)
    except OSError as error:
        raise InvalidRequest(f"{out} cannot be written: {error.strerror or error}.") from None
    finally:
        aside.unlink(missing_ok=True)
    return count


def _copy(server: Server, query: Sequence[tuple[str, str]], into: BinaryIO) -> int:
    count = 0
    for line in server.lines("/v1/x/conversations/export", query):
        into.write(line + b"\n")
        count += 1
    into.flush()
    return count
