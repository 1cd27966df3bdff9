"""File contents in a folder, one file each: written aside and renamed, so a file is whole or absent."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from pathlib import Path

from parola.errors import StoreError


class Blobs:
    """Ids are ours, so they are safe as file names."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def put(self, blob_id: str, content: bytes) -> None:
        try:
            await asyncio.to_thread(self._write, blob_id, content)
        except OSError as error:
            raise StoreError(f"The file could not be written: {error}") from error

    async def get(self, blob_id: str) -> bytes | None:
        try:
            return await asyncio.to_thread((self._folder / blob_id).read_bytes)
        except FileNotFoundError:
            return None

    async def delete(self, blob_ids: Sequence[str]) -> None:
        if blob_ids:
            await asyncio.to_thread(self._unlink, blob_ids)

    def _write(self, blob_id: str, content: bytes) -> None:
        aside = self._folder / f".{blob_id}.{secrets.token_hex(4)}"
        try:
            aside.write_bytes(content)
            aside.replace(self._folder / blob_id)
        finally:
            aside.unlink(missing_ok=True)

    def _unlink(self, blob_ids: Sequence[str]) -> None:
        for blob_id in blob_ids:
            (self._folder / blob_id).unlink(missing_ok=True)
