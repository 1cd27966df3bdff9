"""Every store, for the contract: what is true of one must be true of the others.

A test that takes ``store`` runs three times: in memory, on SQLite, on a real PostgreSQL (``tests/postgres.py``; one for
the run, started when it is first needed). A test that takes ``database_url`` runs on SQLite and PostgreSQL. A new
resource needs nothing more here: its tables come with the store. Each test begins with an empty store of its own.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from parola.store.base import Store
from parola.store.memory import MemoryStore
from parola.store.sql import SqlStore


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str:
    """What ``SqlStore`` takes beside its folder: empty for SQLite, or the address of an empty PostgreSQL store."""
    return request.getfixturevalue("postgres_url") if request.param == "postgres" else ""


@pytest.fixture(params=["sqlite", "memory", "postgres"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    made: Store
    if request.param == "memory":
        made = MemoryStore()
    else:
        url: str = request.getfixturevalue("postgres_url") if request.param == "postgres" else ""
        made = SqlStore(tmp_path / "data", url)
    await made.open()
    yield made
    await made.aclose()
