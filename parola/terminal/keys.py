"""``parola keys``: API keys, straight in the database, so that the first one can be made before a server runs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

from parola.api.auth import ApiKeyCheck
from parola.config import Settings
from parola.store.base import Store
from parola.store.sql import SqlStore
from parola.terminal import printing


@asynccontextmanager
async def _opened(settings: Settings) -> AsyncIterator[Store]:
    store = SqlStore(settings.data, settings.database_url)
    await store.open()
    try:
        yield store
    finally:
        await store.aclose()


async def create(settings: Settings, name: str) -> str:
    """A new key: the only time it can be seen."""
    async with _opened(settings) as store:
        _, key = await ApiKeyCheck(settings, store).create(name)
    return key


async def list_keys(settings: Settings) -> None:
    table = printing.table("key", "name", "begins with", "made")
    async with _opened(settings) as store:
        for row in await store.api_keys.all():
            made = datetime.fromtimestamp(row.created_at).strftime("%Y-%m-%d %H:%M")
            table.add_row(row.key_id, row.name, f"{row.prefix}…", made)
    printing.out.print(table)


async def delete(settings: Settings, key_id: str) -> bool:
    async with _opened(settings) as store:
        return await store.api_keys.delete(key_id)


async def any_exists(settings: Settings) -> bool:
    """Whether requests can be told from strangers'."""
    async with _opened(settings) as store:
        return bool(await store.api_keys.all())
