"""Every store, for the contract: what is true of one must be true of the others.

A test that takes ``store`` runs three times: in memory, on SQLite, on a real PostgreSQL (``tests/postgres.py``; one for
the run, started when it is first needed). A test that takes ``sql_store`` runs on SQLite and PostgreSQL. A new resource
needs nothing more here: its tables come with the store. Each test begins with an empty store of its own.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from parola.store.base import Store
from parola.store.memory import MemoryStore
from parola.store.sql import SqlStore


@pytest.fixture(params=["sqlite", "postgres"])
def new_sql_store(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], SqlStore]:
    """Makes stores, not opened yet, that are all the same one."""
    url: str = request.getfixturevalue("postgres_url") if request.param == "postgres" else ""
    return lambda: SqlStore(tmp_path / "data", url)


@pytest.fixture
async def sql_store(new_sql_store: Callable[[], SqlStore]) -> AsyncIterator[SqlStore]:
    made = new_sql_store()
    await made.open()
    yield made
    await made.aclose()


@pytest.fixture(params=["sqlite", "memory", "postgres"])
def new_store(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Store]:
    if request.param == "memory":
        return MemoryStore
    url: str = request.getfixturevalue("postgres_url") if request.param == "postgres" else ""
    return lambda: SqlStore(tmp_path / "data", url)


@pytest.fixture
async def store(new_store: Callable[[], Store]) -> AsyncIterator[Store]:
    made = new_store()
    await made.open()
    yield made
    await made.aclose()
