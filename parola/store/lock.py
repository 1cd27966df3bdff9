"""One server to a data folder: a second one would take the first one's conversations for abandoned.

The lock is one of SQLite's, on a file of its own: it works on every platform, and the operating system lets go of it
when the process dies, however it dies.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from parola.errors import InvalidRequest

LOCK_FILE = "server.lock"


@contextmanager
def held_by_this_server(data: Path) -> Iterator[None]:
    """Keep other servers away from ``data``. Raises ``InvalidRequest`` when one is there."""
    with closing(sqlite3.connect(data / LOCK_FILE, timeout=0, isolation_level=None)) as lock:
        try:
            lock.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                raise
            raise InvalidRequest(
                f"The data folder {data} is in use by another server: stop that one, or choose another with --data."
            ) from None
        yield
