"""``parola keys`` acts beside the server, and the audit log knows of it all the same."""

from __future__ import annotations

import asyncio
import getpass
from pathlib import Path
from typing import Any

import pytest

from parola.config import Settings
from parola.errors import InvalidRequest, NotFound
from parola.store.audit import AuditQuery, AuditRow
from parola.store.sql import SqlStore
from parola.terminal import keys


async def entries(settings: Settings) -> list[AuditRow]:
    store = SqlStore(settings.data, settings.database_url)
    await store.open()
    try:
        return list(reversed((await store.audit.page(AuditQuery(), page_size=100)).items))
    finally:
        await store.aclose()


def test_what_the_local_operator_does_to_keys_is_in_the_audit_log(tmp_path: Path):
    async def story() -> tuple[list[AuditRow], list[str]]:
        settings = Settings(data=tmp_path)
        made = [await keys.create(settings, "laptop")]
        with pytest.raises(InvalidRequest):
            await keys.create(settings, "phone", ["agents:everything"])
        (first,) = [one.resource for one in await entries(settings) if one.result == "done"]
        made.append(await keys.rotate(settings, first, 0.0))
        with pytest.raises(NotFound):
            await keys.rotate(settings, "key_gone", 0.0)
        assert await keys.delete(settings, first) and not await keys.delete(settings, first)
        await keys.list_keys(settings)
        await keys.rotate_master(settings, None)
        await keys.finish_rotation(settings)
        return await entries(settings), made

    told, made = asyncio.run(story())
    assert [(one.action, one.result) for one in told] == [
        ("x_api_keys_create", "done"),
        ("x_api_keys_create", "refused"),
        ("x_api_keys_rotate", "done"),
        ("x_api_keys_rotate", "refused"),
        ("x_api_keys_delete", "done"),
        ("x_api_keys_delete", "refused"),
        ("master_key_rotate", "done"),
        ("master_key_finish_rotation", "done"),
    ]
    who: dict[str, Any] = {"by": "local operator", "user": getpass.getuser()}
    assert all(one.document == who and one.key_id is None for one in told)
    assert told[3].resource == "key_gone" and told[0].resource == told[2].resource == told[4].resource
    assert not any(key in repr(told) for key in made)
