"""API keys: making them, and deciding whether a request may pass.

A key is shown once and kept as an argon2 hash. Checking that hash takes tens of milliseconds by design, so what was
right once is remembered by its digest; whether the key still exists, what it may do and when it ends is read each
time, because ``parola keys`` makes, rotates and deletes keys beside a running server.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import time
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass, replace
from ipaddress import ip_address
from math import ceil
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from parola.api.scopes import ADMIN, ANY, SCOPES, granted
from parola.config import LOOPBACK, Settings
from parola.errors import Forbidden, NotFound, TooMany, Unauthorized
from parola.rates import Rates
from parola.store.base import ApiKeyRow, Store

if TYPE_CHECKING:
    from argon2 import PasswordHasher

PREFIX_LENGTH = 11
"""``pk_`` and eight characters: what a key is found and recognised by."""

GRACE_SECONDS = 24 * 3600
"""How long a key that was rotated stays valid, unless it is said otherwise."""

LAST_USE_SECONDS = 60
"""How exactly it is known when a key was last used: more would be a write for each request."""

CALLER = "parola.caller"
"""Where an ASGI scope says who asks."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: a key, or somebody without one."""

    key_id: str | None = None
    key_name: str = ""
    member_id: str | None = None
    scopes: tuple[str, ...] | None = None
    """None: everything."""
    address: str = ""
    """From where: the client's IP address."""

    def may(self, scope: str) -> bool:
        """Whether this scope is among the caller's."""
        return self.scopes is None or scope == ANY or not granted(self.scopes).isdisjoint((scope, ADMIN))


class ApiKeyCheck:
    """The keys of this server. One for the process."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self._settings = settings
        self._store = store
        self._right: dict[bytes, str] = {}
        self._some_exist = False
        self._rates = Rates()

    async def create(
        self,
        name: str,
        *,
        scopes: Sequence[str] | None = None,
        expires_at: float | None = None,
        member_id: str | None = None,
    ) -> tuple[ApiKeyRow, str]:
        """A new key: its row, and the key itself, which nobody can show again. ``scopes`` None: it may do everything;
        ``expires_at`` (unix seconds) None: it does not end."""
        key = f"pk_{secrets.token_urlsafe(32)}"
        hashed = await asyncio.to_thread(_hasher().hash, key)
        row = ApiKeyRow(
            key_id=f"key_{secrets.token_hex(8)}",
            name=name,
            prefix=key[:PREFIX_LENGTH],
            hashed=hashed,
            created_at=time.time(),
            scopes=None if scopes is None else tuple(scopes),
            expires_at=expires_at,
            member_id=member_id,
        )
        await self._store.api_keys.put(row)
        self._some_exist = True
        return row, key

    async def rotate(self, key_id: str, grace_seconds: float = GRACE_SECONDS) -> tuple[ApiKeyRow, str]:
        """A new key in place of this one, which stays valid for so long. Raises ``NotFound``."""
        old = await self.get(key_id)
        new, key = await self.create(old.name, scopes=old.scopes, expires_at=old.expires_at, member_id=old.member_id)
        ends_at = time.time() + grace_seconds
        if old.expires_at is not None:
            ends_at = min(ends_at, old.expires_at)
        await self._store.api_keys.put(replace(old, expires_at=ends_at, replaced_by=new.key_id))
        return new, key

    async def change(self, key_id: str, **changes: Any) -> ApiKeyRow:
        """Change fields of a key's row; it holds from the next request on. Raises ``NotFound``."""
        row = replace(await self.get(key_id), **changes)
        await self._store.api_keys.put(row)
        return row

    async def get(self, key_id: str) -> ApiKeyRow:
        """Raises ``NotFound``."""
        found = next((row for row in await self._store.api_keys.all() if row.key_id == key_id), None)
        if found is None:
            raise NotFound(f"Document with id {key_id} not found.")
        return found

    async def still_may(self, key_id: str, *scopes: str) -> bool:
        """Whether what this key began or signed still holds: it was not deleted, has not expired, and has these scopes
        still. A key that was rotated lives on in the one that replaces it."""
        rows = {row.key_id: row for row in await self._store.api_keys.all()}
        row = rows.get(key_id)
        while row is not None and row.replaced_by is not None and row.replaced_by in rows:
            row = rows[row.replaced_by]
        if row is None or (row.expires_at is not None and time.time() >= row.expires_at):
            return False
        caller = Caller(row.key_id, scopes=row.scopes)
        return all(caller.may(scope) for scope in scopes)

    async def delete(self, key_id: str) -> bool:
        """False when there was none. From now on the key opens nothing."""
        self._right = {digest: owner for digest, owner in self._right.items() if owner != key_id}
        self._some_exist = False
        return await self._store.api_keys.delete(key_id)

    async def identify(self, key: str) -> ApiKeyRow:
        """The key of this server that this is. Raises ``Unauthorized``: it is none, or has expired."""
        row = await self._find(key)
        if row is None:
            raise Unauthorized("The API key in xi-api-key is not valid.", code="invalid_api_key")
        now = time.time()
        if row.expires_at is not None and now >= row.expires_at:
            raise Unauthorized(
                f"The API key {row.prefix}… expired {now - row.expires_at:.0f} seconds ago"
                + (f"; {row.replaced_by} replaces it." if row.replaced_by else "."),
                code="invalid_api_key",
            )
        if now - (row.last_used_at or 0) >= LAST_USE_SECONDS:
            await self._store.api_keys.used(row.key_id, now)
        return row

    async def _find(self, key: str) -> ApiKeyRow | None:
        digest = hashlib.sha256(key.encode()).digest()
        for row in await self._store.api_keys.find(key[:PREFIX_LENGTH]):
            if self._right.get(digest) == row.key_id:
                return row
            if await asyncio.to_thread(_is_right, row.hashed, key):
                self._right[digest] = row.key_id
                return row
        return None

    async def are_needed(self) -> bool:
        """The rule ``settings.auth``: by default once a key exists, or when others than this machine can connect."""
        if self._settings.auth != "auto":
            return self._settings.auth == "required"
        if not self._settings.on_loopback:
            return True
        if not self._some_exist:
            self._some_exist = bool(await self._store.api_keys.all())
        return self._some_exist

    async def admit(self, scope: MutableMapping[str, Any], needed: str, *, key: str | None = None) -> Caller:
        """Let a request or a socket pass, and note in its ASGI scope who it is. ``key`` wins over the headers.

        Raises ``Unauthorized``: no key, a wrong one, or one without the scope ``needed``; ``Forbidden`` for a
        stranger's web page.
        """
        headers = headers_of(scope)
        address = address_of(scope)
        if not await self.are_needed():
            if self._settings.auth == "auto":
                self._refuse_strange_pages(headers)
            caller = Caller(address=address)
        else:
            key = key or headers.get("xi-api-key") or _bearer(headers.get("authorization"))
            if not key:
                raise Unauthorized("Expected an API key in the header xi-api-key, got none.")
            caller = await self.caller(key, address)
        scope[CALLER] = caller
        self._count_request(caller)
        self.require(caller, needed)
        return caller

    async def caller(self, key: str, address: str = "") -> Caller:
        """Who holds this key. Raises ``Unauthorized``."""
        row = await self.identify(key)
        return Caller(row.key_id, row.name, row.member_id, row.scopes, address)

    def require(self, caller: Caller, needed: str) -> None:
        """Raises ``Unauthorized`` (``missing_permissions``) when the caller lacks the scope ``needed``."""
        if not caller.may(needed):
            raise Unauthorized(
                f"The API key you used is missing the permission {needed} to execute this operation "
                f"({SCOPES.get(needed, needed)}). It has: {', '.join(caller.scopes or ()) or 'none'}.",
                code="missing_permissions",
            )

    def _count_request(self, caller: Caller) -> None:
        """Raises ``TooMany``: the key has had its requests of this minute."""
        most = self._settings.limits.requests_per_key
        if caller.key_id and (seconds := self._rates.take(caller.key_id, most, time.monotonic())):
            raise TooMany(
                f"This API key may send {most} requests a minute (limits.requests_per_key). "
                f"Try again in {ceil(seconds)} s.",
                code="rate_limit_exceeded",
                retry_after_seconds=seconds,
            )

    def _refuse_strange_pages(self, headers: Mapping[str, str]) -> None:
        """Without keys, any page open in a browser on this machine could command the server: only pages of this
        machine, and configured ones, may. A page's own name may be made to lead here (DNS rebinding), and then its
        requests say no more than that name."""
        asked = _name_in(headers.get("host", ""))
        if asked and not self._is_own_name(asked):
            raise Forbidden(
                f"{asked} is not known as a name of this server, which has no API keys yet: create one, "
                "or set public_url to the address that it is asked by."
            )
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

    def _is_own_name(self, name: str) -> bool:
        """Addresses, and names that no public name server gives out, are; others must be configured."""
        if name in LOOPBACK or name.endswith(".localhost") or "." not in name.strip("."):
            return True
        configured = (self._settings.public_url, *self._settings.cors_origins)
        return _is_address(name) or any(urlsplit(one).hostname == name for one in configured)


def headers_of(scope: Mapping[str, Any]) -> dict[str, str]:
    """The headers of an ASGI scope, their names in lower case."""
    return {name.decode("latin1").lower(): value.decode("latin1") for name, value in scope.get("headers", ())}


def address_of(scope: Mapping[str, Any]) -> str:
    """The client's address; empty when the server does not know it."""
    client = scope.get("client")
    return str(client[0]) if client else ""


def _name_in(host: str) -> str:
    """The name in a ``Host`` header, without the port."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return host


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


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
