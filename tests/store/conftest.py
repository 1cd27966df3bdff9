"""Both stores, for the contract: what is true of one must be true of the other."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from parola.store.base import Store
from parola.store.memory import MemoryStore
from parola.store.sql import SqlStore


@pytest.fixture(params=["sqlite", "memory"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    made: Store = SqlStore(tmp_path / "data") if request.param == "sqlite" else MemoryStore()
    await made.open()
    yield made
    await made.aclose()
