"""What the databases differ in, as one value: ``sqlite.py`` and ``postgres.py`` make it, everybody else uses it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError


def _nothing(_: Connection) -> None:
    pass


def _never(_: SQLAlchemyError) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Database:
    """One engine, and what has to be done around it."""

    engine: Engine
    reading: Engine
    """The same connections, for single queries."""
    when_writing: Callable[[Connection], None] = _nothing
    """Called with each connection that will write, before it does. Raises ``StoreError`` when it must not."""
    before_tables: Callable[[Connection], None] = _nothing
    """Called in the transaction that makes or migrates the tables, first. Raises ``StoreError``."""
    after_tables: Callable[[Connection], None] = _nothing
    """Called in that transaction, last."""
    is_away: Callable[[SQLAlchemyError], bool] = _never
    """Whether an error says that the database cannot be reached just now; else it has refused."""
