"""Envelope encryption: stored secrets are sealed with a data key, and the data key with a master key.

The data key lies in the database, sealed, once for each master key that may open it; the master key lies elsewhere: in
a file of its own, in the environment, on a mounted volume. So a copy of the database opens nothing, and a new master
key means sealing one small thing again, not every secret.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import os
import secrets
import time
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from parola.config import SHORTEST_MASTER_KEY, Settings
from parola.errors import Conflict, InvalidRequest
from parola.store.base import DocumentRow, Store

if TYPE_CHECKING:
    from cryptography.fernet import Fernet

KIND = "data_key"
ROW_ID = "data_key"
MASTER_FILE = "master.key"


@dataclass(frozen=True, slots=True, repr=False)
class MasterKey:
    """A master key. It never leaves the process, and never shows itself."""

    key: bytes

    @property
    def fingerprint(self) -> str:
        """Tells master keys apart, and says nothing else about them."""
        return hmac.digest(self.key, b"parola master key", "sha256")[:8].hex()

    def seal(self, data_key: bytes) -> str:
        return self._fernet().encrypt(data_key).decode()

    def open(self, sealed: str) -> bytes:
        return self._fernet().decrypt(sealed.encode())

    def _fernet(self) -> Fernet:
        from cryptography.fernet import Fernet

        return Fernet(urlsafe_b64encode(self.key))


def master_key(settings: Settings) -> MasterKey:
    """The master key of the settings, made on first use where nothing else is said. Raises ``InvalidRequest``."""
    if settings.master_key:
        return from_text(settings.master_key, "master_key")
    if settings.master_key_file is not None:
        return from_file(settings.master_key_file)
    if settings.ephemeral:
        return from_text(new_text(), "a new key")
    path = settings.data / MASTER_FILE
    if not path.exists():
        write(path, new_text(), replaces=False)
    return from_file(path)


def from_text(text: str, where: str) -> MasterKey:
    if len(text) < SHORTEST_MASTER_KEY:
        raise InvalidRequest(f"{where}: expected at least {SHORTEST_MASTER_KEY} characters, got {len(text)}.")
    return MasterKey(hashlib.sha256(text.encode()).digest())


def from_file(path: Path) -> MasterKey:
    try:
        return from_text(path.read_text(encoding="utf-8").strip(), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidRequest(f"The master key in {path} cannot be read: {error}") from None


def new_text() -> str:
    """A master key as people keep it: 43 characters."""
    return secrets.token_urlsafe(32)


def write(path: Path, text: str, *, replaces: bool) -> None:
    """Whole or not at all, for its owner only. Unless it ``replaces``, whoever was there first wins."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        if replaces:
            aside.replace(path)
        else:
            path.hardlink_to(aside)
    except FileExistsError:
        pass
    finally:
        aside.unlink(missing_ok=True)


async def sealed_data_key(store: Store, master: MasterKey) -> str:
    """The data key as this master key sealed it; made at the first start. Raises ``InvalidRequest`` for the wrong
    master key."""
    row = await store.documents.get(KIND, ROW_ID)
    if row is None:
        sealed = await asyncio.to_thread(master.seal, secrets.token_bytes(32))
        await _put(store, {master.fingerprint: sealed})
        return sealed
    known: dict[str, str] = row.document["sealed"]
    if master.fingerprint not in known:
        raise InvalidRequest(
            "The master key is not the one that this database's secrets are locked with: give the right one in "
            f"master_key or master_key_file, or in {MASTER_FILE} in the data folder."
        )
    return known[master.fingerprint]


async def admit(store: Store, present: MasterKey, new: MasterKey) -> None:
    """Let the new master key open the data key too. Servers that run go on as they are."""
    data_key = await asyncio.to_thread(present.open, await sealed_data_key(store, present))
    sealed = await asyncio.to_thread(new.seal, data_key)
    row = await store.documents.get(KIND, ROW_ID)
    await _put(store, {**(row.document["sealed"] if row else {}), new.fingerprint: sealed})


async def dismiss_others(store: Store, present: MasterKey) -> int:
    """From now on only this master key opens the data key; how many others did."""
    sealed = await sealed_data_key(store, present)
    row = await store.documents.get(KIND, ROW_ID)
    others = len(row.document["sealed"]) - 1 if row else 0
    await _put(store, {present.fingerprint: sealed})
    return others


async def rotate(settings: Settings, store: Store) -> Path:
    """A new master key in the data folder's file. In this order, so that a process killed in between leaves a database
    that the key in the file opens. Raises ``Conflict`` when the key comes from elsewhere."""
    if settings.master_key or settings.master_key_file:
        raise Conflict("The master key comes from the settings: say where the new one is with --to FILE.")
    path, text = settings.data / MASTER_FILE, new_text()
    new = from_text(text, "the new key")
    await admit(store, master_key(settings), new)
    await asyncio.to_thread(write, path, text, replaces=True)
    await dismiss_others(store, new)
    return path


async def _put(store: Store, sealed: dict[str, str]) -> None:
    now = time.time()
    await store.documents.put(DocumentRow(ROW_ID, KIND, "data key", {"sealed": sealed}, now, now))
