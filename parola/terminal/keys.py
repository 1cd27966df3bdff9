"""``parola keys``: API keys, straight in the database, so that the first one can be made before a server runs.

What changes something is in the audit log like the same thing by REST; who did it is the local operator."""

from __future__ import annotations

import getpass
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

from parola.api import sealing
from parola.api.auditing import Audit
from parola.api.auth import ApiKeyCheck, Caller
from parola.api.scopes import read_scopes
from parola.config import Settings
from parola.errors import ParolaError
from parola.store.base import Store
from parola.store.sql import SqlStore
from parola.terminal import printing

DAY_SECONDS = 86400


OPERATOR = "local operator"
"""Who acts on this machine: whoever may open the database needs no key."""


@asynccontextmanager
async def _opened(settings: Settings) -> AsyncIterator[Store]:
    store = SqlStore(settings.data, settings.database_url)
    await store.open()
    try:
        yield store
    finally:
        await store.aclose()


class _Entry:
    """What the audit log will say of a command."""

    def __init__(self, resource: str = "") -> None:
        self.resource = resource
        self.result = "done"


@asynccontextmanager
async def _audited(settings: Settings, action: str, resource: str = "") -> AsyncIterator[tuple[Store, _Entry]]:
    """The store, for something that belongs in the audit log, refused or not. ``action``: the operation's name."""
    entry = _Entry(resource)
    async with _opened(settings) as store:
        try:
            yield store, entry
        except ParolaError:
            entry.result = "refused"
            raise
        except BaseException:
            entry.result = "failed"
            raise
        finally:
            audit = Audit(store, settings.audit_retention_days)
            await audit.note(Caller(), action, entry.resource, entry.result, by=OPERATOR, user=_user())


def _user() -> str | None:
    """Whose account it is, as the system says."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # an account without a name, as in some containers
        return None


async def create(settings: Settings, name: str, scopes: Sequence[str] = (), days: float | None = None) -> str:
    """A new key: the only time it can be seen. Without ``scopes`` it may do everything."""
    expires_at = None if days is None else time.time() + days * DAY_SECONDS
    async with _audited(settings, "x_api_keys_create") as (store, entry):
        given = read_scopes(scopes) if scopes else None
        row, key = await ApiKeyCheck(settings, store).create(name, scopes=given, expires_at=expires_at)
        entry.resource = row.key_id
    return key


async def rotate(settings: Settings, key_id: str, grace_hours: float) -> str:
    """A new key in place of this one, which stays valid for so long."""
    async with _audited(settings, "x_api_keys_rotate", key_id) as (store, _):
        _, key = await ApiKeyCheck(settings, store).rotate(key_id, grace_hours * 3600)
    return key


async def rotate_master(settings: Settings, to: Path | None) -> str:
    """A new master key for stored secrets: in the data folder, or in the file ``to``. What to do next."""
    async with _audited(settings, "master_key_rotate") as (store, _):
        if to is None:
            path = await sealing.rotate(settings, store)
            return f"The new master key is in {path}; the old one opens nothing any more. Servers that run go on."
        sealing.write(to, sealing.new_text(), replaces=False)
        await sealing.admit(store, sealing.master_key(settings), sealing.from_file(to))
    return (
        f"The old and the new master key, in {to}, both open the secrets now. Give servers the new one "
        "(PAROLA_MASTER_KEY_FILE or PAROLA_MASTER_KEY), restart them when it suits, "
        "then run `parola keys rotate-master --finish` with it."
    )


async def finish_rotation(settings: Settings) -> str:
    """Only the present master key is to open stored secrets."""
    async with _audited(settings, "master_key_finish_rotation") as (store, _):
        others = await sealing.dismiss_others(store, sealing.master_key(settings))
    return f"Only the present master key opens the secrets now; others that no longer do: {others}."


async def list_keys(settings: Settings) -> None:
    table = printing.table(
        "key", "name", "begins with", "may", "made", "last used", "ends", less=("made", "ends", "last used")
    )
    async with _opened(settings) as store:
        for row in await store.api_keys.all():
            may = "everything" if row.scopes is None else " ".join(row.scopes) or "nothing"
            times = (_shown(row.created_at), _shown(row.last_used_at), _shown(row.expires_at))
            table.add_row(row.key_id, row.name, f"{row.prefix}…", may, *times)
    printing.listed(table, "There are no keys. `parola keys create NAME` makes one.")


async def delete(settings: Settings, key_id: str) -> bool:
    """False when there was none."""
    async with _audited(settings, "x_api_keys_delete", key_id) as (store, entry):
        is_gone = await store.api_keys.delete(key_id)
        entry.result = "done" if is_gone else "refused"
    return is_gone


def _shown(at: float | None) -> str:
    return "-" if at is None else datetime.fromtimestamp(at).strftime("%Y-%m-%d %H:%M")


async def any_exists(settings: Settings) -> bool:
    """Whether requests can be told from strangers'."""
    async with _opened(settings) as store:
        return bool(await store.api_keys.all())
