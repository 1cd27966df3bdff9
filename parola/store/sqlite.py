"""SQLite, in a file of the data folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, event

from parola.store.database import Database

BUSY_MILLISECONDS = 5000
"""How long a statement waits for a lock of another program."""


def database(file: Path) -> Database:
    engine = create_engine(f"sqlite:///{file}", hide_parameters=True)
    event.listen(engine, "connect", _configure)
    return Database(engine, engine)


def _configure(connection: Any, _: Any) -> None:
    """WAL: a commit survives the process being killed, and readers do not wait for the writer. What is deleted is
    overwritten, and nothing that is sorted goes through a temporary file."""
    cursor = connection.cursor()
    for pragma in (
        "journal_mode = WAL",
        "synchronous = NORMAL",
        "foreign_keys = ON",
        f"busy_timeout = {BUSY_MILLISECONDS}",
        "secure_delete = ON",
        "temp_store = MEMORY",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
