"""The server's own secret, and what is made with it: signed conversation credentials, and sealed secrets.

A credential is the claims and their HMAC-SHA256, both base64url without padding, joined by a dot: clients re-encode
query strings, and one character outside the URL-safe alphabet would not survive that.
"""

from __future__ import annotations

import hmac
import os
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from parola.errors import OwnError, Unauthorized

if TYPE_CHECKING:
    from cryptography.fernet import Fernet

LIFETIME_SECONDS = 15 * 60
"""To open a conversation; an open one may last longer."""

SECRET_FILE = "secret.key"
_SECRET_BYTES = 32

_SEALED_WITH_DATA_KEY = b"dk1."
"""What such a value begins with; no other does."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What a signed URL allows."""

    agent_id: str
    expires_at: float
    conversation_id: str | None = None
    """Reserved for the one conversation this credential opens."""
    branch_id: str | None = None
    version_id: str | None = None
    environment: str | None = None
    debug: bool = False
    key_id: str | None = None
    """The API key that asked for it: with the key goes what it signed."""
    url_id: str | None = None
    """Terms are kept under this id (``signed_url_grants.py``), and it opens nothing without them."""
    attach: str | None = None
    """The role in which it lets somebody into the running conversation ``conversation_id``; it begins none."""
    nonce: str = field(default_factory=lambda: secrets.token_hex(8))


class Credentials:
    """Signs and verifies."""

    def __init__(self, secret: bytes) -> None:
        self._key = _derived(secret, "conversation credentials")

    def sign(self, claims: Claims) -> str:
        said = {name: value for name, value in asdict(claims).items() if value is not None}
        payload = _encoded(orjson.dumps(said))
        return f"{payload}.{_encoded(self._signature(payload))}"

    def verify(self, token: str, now: float) -> Claims:
        """The claims of a credential that is ours and not expired. Raises ``Unauthorized`` with the reason."""
        payload, _, signature = token.partition(".")
        try:
            is_ours = hmac.compare_digest(_decoded(signature), self._signature(payload))
        except ValueError:
            is_ours = False
        if not is_ours:
            raise Unauthorized("The signed URL was not issued by this server, or was changed on the way.")
        claims = Claims(**orjson.loads(_decoded(payload)))
        if now > claims.expires_at:
            raise Unauthorized(
                f"The signed URL expired {now - claims.expires_at:.0f} seconds ago; "
                + ("" if claims.url_id else f"it is valid for {LIFETIME_SECONDS // 60} minutes. ")
                + "Get a new one."
            )
        return claims

    def sign_link(self, path: str, expires_at: int) -> str:
        """The signature that lets whoever holds it fetch ``path`` until then."""
        return _encoded(self._signature(f"link {expires_at} {path}"))

    def is_link(self, path: str, expires_at: int, signature: str, now: float) -> bool:
        """Whether ``sign_link`` made this signature, and the time has not come."""
        ours = self.sign_link(path, expires_at)
        return hmac.compare_digest(signature.encode(), ours.encode()) and now <= expires_at

    def _signature(self, payload: str) -> bytes:
        return hmac.digest(self._key, payload.encode(), "sha256")


class Vault:
    """Seals what must not lie in the database in clear.

    ``unlock`` gives it the data key (``sealing.py``); from then on everything is sealed with that. What was sealed with
    the server's secret, by a vault without a data key or an older version, is still opened.
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self._data_key: Callable[[], bytes] | None = None

    def unlock(self, data_key: Callable[[], bytes]) -> None:
        """``data_key`` is called once, when the first secret is sealed or opened: decrypting costs an import."""
        self._data_key = data_key

    def seal(self, value: str) -> bytes:
        if self._data_key is None:
            return self._old.encrypt(value.encode())
        return _SEALED_WITH_DATA_KEY + self._fernet.encrypt(value.encode())

    def open(self, sealed: bytes) -> str:
        """Raises ``OwnError`` when it was sealed with another server's key."""
        from cryptography.fernet import InvalidToken

        try:
            if sealed.startswith(_SEALED_WITH_DATA_KEY):
                return self._fernet.decrypt(sealed.removeprefix(_SEALED_WITH_DATA_KEY)).decode()
            return self._old.decrypt(sealed).decode()
        except InvalidToken:
            raise OwnError(
                f"A stored secret cannot be opened: the master key or {SECRET_FILE} is not the one it was sealed with. "
                "Set it again."
            ) from None

    @cached_property
    def _fernet(self) -> Fernet:
        from cryptography.fernet import Fernet

        if self._data_key is None:
            raise OwnError("A stored secret cannot be opened: this vault has no data key.")
        return Fernet(urlsafe_b64encode(self._data_key()))

    @cached_property
    def _old(self) -> Fernet:
        from cryptography.fernet import Fernet

        return Fernet(urlsafe_b64encode(_derived(self._secret, "stored secrets")))


def server_secret(data: Path | None) -> bytes:
    """The secret in ``data``, made on first use, readable by its owner only; a fresh one without a data folder."""
    if data is None:
        return secrets.token_bytes(_SECRET_BYTES)
    path = data / SECRET_FILE
    if not path.exists():
        _create(path)
    secret = path.read_bytes()
    if len(secret) != _SECRET_BYTES:
        raise OwnError(
            f"{path} is damaged: expected {_SECRET_BYTES} bytes, got {len(secret)}. Delete it for a new one."
        )
    return secret


def _create(path: Path) -> None:
    """Whole or not at all, and never over another process's: written aside, then linked."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(_SECRET_BYTES))
            file.flush()
            os.fsync(file.fileno())
        path.hardlink_to(aside)
    except FileExistsError:
        pass
    finally:
        aside.unlink()


def _derived(secret: bytes, purpose: str) -> bytes:
    return hmac.digest(secret, f"parola {purpose}".encode(), "sha256")


def _encoded(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")


def _decoded(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
