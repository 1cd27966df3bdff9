"""API keys: making them, and deciding whether a request may pass.

A key is shown once and kept as an argon2 hash. Checking that hash takes tens of milliseconds by design, so what was
right once is remembered by its digest; whether the key still exists is read each time, because ``parola keys`` makes
and deletes keys beside a running server.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from parola.config import LOOPBACK, Settings
from parola.errors import Forbidden, Unauthorized
from parola.store.base import ApiKeyRow, Store

if TYPE_CHECKING:
    from argon2 import PasswordHasher

PREFIX_LENGTH = 11
"""``pk_`` and eight characters: what a key is found and recognised by."""


class ApiKeyCheck:
    """The keys of this server. One for the process."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self._settings = settings
        self._store = store
        self._right: dict[bytes, str] = {}
        self._some_exist = False

    async def create(self, name: str) -> tuple[ApiKeyRow, str]:
        """A new key: its row, and the key itself, which nobody can show again."""
        key = f"pk_{secrets.token_urlsafe(32)}"
        hashed = await asyncio.to_thread(_hasher().hash, key)
        row = ApiKeyRow(f"key_{secrets.token_hex(8)}", name, key[:PREFIX_LENGTH], hashed, time.time())
        await self._store.api_keys.put(row)
        self._some_exist = True
        return row, key

    async def delete(self, key_id: str) -> bool:
        """False when there was none. From now on the key opens nothing."""
        self._right = {digest: owner for digest, owner in self._right.items() if owner != key_id}
        self._some_exist = False
        return await self._store.api_keys.delete(key_id)

    async def is_valid(self, key: str) -> bool:
        """Whether this is a key of this server."""
        digest = hashlib.sha256(key.encode()).digest()
        for row in await self._store.api_keys.find(key[:PREFIX_LENGTH]):
            if self._right.get(digest) == row.key_id:
                return True
            if await asyncio.to_thread(_is_right, row.hashed, key):
                self._right[digest] = row.key_id
                return True
        return False

    async def are_needed(self) -> bool:
        """The rule ``settings.auth``: by default once a key exists, or when others than this machine can connect."""
        if self._settings.auth != "auto":
            return self._settings.auth == "required"
        if not self._settings.on_loopback:
            return True
        if not self._some_exist:
            self._some_exist = bool(await self._store.api_keys.all())
        return self._some_exist

    async def check(self, headers: Mapping[str, str]) -> None:
        """Let a request pass. Raises ``Unauthorized``, or ``Forbidden`` for a stranger's web page."""
        if not await self.are_needed():
            if self._settings.auth == "auto":
                self._refuse_strange_pages(headers)
            return
        key = headers.get("xi-api-key") or _bearer(headers.get("authorization"))
        if not key:
            raise Unauthorized("Expected an API key in the header xi-api-key, got none.")
        if not await self.is_valid(key):
            raise Unauthorized("The API key in xi-api-key is not valid.", code="invalid_api_key")

    def _refuse_strange_pages(self, headers: Mapping[str, str]) -> None:
        """Without keys, any page open in a browser on this machine could command the server: only pages of this
        machine, and configured ones, may."""
        origin = headers.get("origin")
        if not origin or origin in self._settings.cors_origins:
            return
        place = urlsplit(origin)
        if place.hostname in LOOPBACK or place.netloc == headers.get("host"):
            return
        raise Forbidden(
            f"The page {origin} may not command this server, which has no API keys yet: create one, "
            "or name the page in cors_origins."
        )


def _bearer(authorization: str | None) -> str | None:
    scheme, _, token = (authorization or "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def _hasher() -> PasswordHasher:
    from argon2 import PasswordHasher

    return PasswordHasher()


def _is_right(hashed: str, key: str) -> bool:
    from argon2.exceptions import VerificationError

    try:
        return _hasher().verify(hashed, key)
    except VerificationError:
        return False
