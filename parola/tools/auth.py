"""Who a tool is to the service it asks: from an auth connection to a header. Tokens are kept until they expire."""

from __future__ import annotations

import asyncio
import hmac
import time
from base64 import b64decode, b64encode, urlsafe_b64encode
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from parola.errors import ClientError
from parola.outbound.addresses import shown, told
from parola.outbound.guard import AddressRefused
from parola.outbound.http import message_in, proxy_for
from parola.outbound.locators import Seal, ValueNotFound
from parola.protocol.auth_connections import KIND
from parola.store.base import Store
from parola.store.pages import Document

if TYPE_CHECKING:
    from parola.outbound.http import Connections

EARLY_SECONDS = 30.0
"""A token is renewed so long before it expires."""

UNTOLD_SECONDS = 300.0
"""A token of which nobody said how long it is valid is kept so long."""

TOKEN_TIMEOUT_SECONDS = 15.0
_MOST_TOKEN_BYTES = 64 * 1024
_MOST_TOKENS = 1000

CURVES = {"ES256": "secp256r1", "ES384": "secp384r1", "ES512": "secp521r1"}
"""Of the ES algorithms (RFC 7518 §3.4)."""


class NotAuthorized(ClientError):
    """The service that gives out tokens gave none; the message says what it said, without secrets."""

    code = "auth_connection_failed"


@dataclass(frozen=True, slots=True)
class _Token:
    value: str
    expires_at: float


class AuthConnections:
    """The headers of auth connections. One for the process, so that conversations share tokens."""

    def __init__(
        self,
        store: Store,
        seal: Seal,
        connections: Callable[[], Connections],
        wall_clock: Callable[[], float] = time.time,
        used: Callable[[str], Awaitable[None]] | None = None,
    ) -> None:
        """``used`` is told the id of a connection whenever its secrets go into a request."""
        self._used = used
        self._store = store
        self._seal = seal
        self._connections = connections
        self._now = wall_clock
        self._tokens: dict[tuple[str, float], _Token] = {}
        self._asking: dict[str, asyncio.Lock] = {}

    async def headers(self, connection_id: str, *, is_stale: bool = False) -> dict[str, str]:
        """What a connection adds to a request. ``is_stale``: the service did not take the last token, get another.
        Raises ``ValueNotFound``, ``NotAuthorized``, ``AddressRefused``."""
        row = await self._store.documents.get(KIND, connection_id)
        if row is None:
            raise ValueNotFound(f"The auth connection {connection_id} does not exist.")
        settings = opened(row.document, self._seal)
        if self._used is not None:
            await self._used(connection_id)
        match settings["auth_type"]:
            case "basic_auth":
                return {"Authorization": basic(settings["username"], settings["password"])}
            case "bearer_auth":
                return {"Authorization": f"Bearer {settings['token']}"}
            case "custom_header_auth":
                return {settings["header_name"]: settings["token"]}
        token = await self._token(row.document_id, row.updated_at, settings, is_stale=is_stale)
        return {"Authorization": f"Bearer {token}"}

    async def renews(self, connection_id: str) -> bool:
        """Whether another token may be had, when one is not taken."""
        row = await self._store.documents.get(KIND, connection_id)
        return row is not None and str(row.document.get("auth_type")).startswith("oauth2")

    async def _token(self, connection_id: str, version: float, settings: Document, *, is_stale: bool) -> str:
        key = (connection_id, version)
        refused = self._tokens.get(key) if is_stale else None
        async with self._asking.setdefault(connection_id, asyncio.Lock()):
            kept = self._tokens.get(key)
            if kept is not None and kept is not refused and self._now() < kept.expires_at - EARLY_SECONDS:
                return kept.value
            for old in [one for one in self._tokens if one[0] == connection_id]:
                del self._tokens[old]
            while len(self._tokens) >= _MOST_TOKENS:
                del self._tokens[next(iter(self._tokens))]
            token = await self._new_token(settings)
            self._tokens[key] = token
            return token.value

    async def _new_token(self, settings: Document) -> _Token:
        now = self._now()
        scopes = " ".join(settings.get("scopes") or [])
        headers = {"accept": "application/json"}
        if settings["auth_type"] == "oauth2_jwt":
            assertion = jwt(settings, now)
            if not settings.get("token_url"):
                return _Token(assertion, now + float(settings.get("expiration_seconds") or 3600))
            form = {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": assertion}
            field = str(settings.get("token_response_field") or "access_token")
        else:
            form = {"grant_type": "client_credentials", **(settings.get("extra_params") or {})}
            if settings.get("basic_auth_in_header"):
                headers["authorization"] = basic(settings["client_id"], settings["client_secret"])
            else:
                form |= {"client_id": settings["client_id"], "client_secret": settings["client_secret"]}
            field = "access_token"
        if scopes:
            form["scope"] = scopes
        answer = await self._ask(str(settings["token_url"]), form, headers)
        token = answer.get(field)
        if not isinstance(token, str) or not token:
            raise NotAuthorized(f"{shown(settings['token_url'])} answered without {field}.")
        seconds = answer.get("expires_in")
        try:
            lasts = float(seconds) if seconds is not None else UNTOLD_SECONDS
        except (TypeError, ValueError):
            lasts = UNTOLD_SECONDS
        return _Token(token, now + lasts)

    async def _ask(self, url: str, form: Mapping[str, str], headers: Mapping[str, str]) -> Mapping[str, Any]:
        import aiohttp

        client = await self._connections().guarded()
        timeout = aiohttp.ClientTimeout(total=TOKEN_TIMEOUT_SECONDS)
        try:
            async with client.post(
                url, data=dict(form), headers=headers, timeout=timeout, proxy=proxy_for(url), allow_redirects=False
            ) as response:
                body = await response.content.read(_MOST_TOKEN_BYTES)
        except AddressRefused:
            raise
        except TimeoutError:
            raise NotAuthorized(f"{shown(url)} gave no token within {TOKEN_TIMEOUT_SECONDS:g} s.") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise NotAuthorized(f"{shown(url)} could not be asked for a token: {told(error)}.") from None
        if response.status >= 300:
            said = message_in(body.decode(errors="replace")) or "no reason given"
            raise NotAuthorized(f"{shown(url)} gave no token: it answered {response.status}: {said}")
        try:
            answer = orjson.loads(body)
        except orjson.JSONDecodeError:
            answer = None
        if not isinstance(answer, Mapping):
            raise NotAuthorized(f"{shown(url)} gave no token: expected a JSON object, got {body[:80]!r}.")
        return answer


def sealed(settings: Document, seal: Callable[[str], bytes], secret_fields: frozenset[str]) -> Document:
    """A connection as it is kept: its secrets in one sealed text."""
    secrets = {name: value for name, value in settings.items() if name in secret_fields}
    kept = {name: value for name, value in settings.items() if name not in secret_fields}
    return {**kept, "sealed": b64encode(seal(orjson.dumps(secrets).decode())).decode()}


def opened(document: Document, seal: Seal) -> Document:
    """A connection with its secrets."""
    return {**document, **orjson.loads(seal.open(b64decode(document["sealed"])))}


def basic(user: str, password: str) -> str:
    return "Basic " + b64encode(f"{user}:{password}".encode()).decode()


def jwt(settings: Document, now: float) -> str:
    """A signed JWT (RFC 7515, compact). Raises ``NotAuthorized`` when the key does not fit the algorithm."""
    algorithm = str(settings.get("algorithm") or "HS256")
    header = {"alg": algorithm, "typ": "JWT"} | ({"kid": settings["key_id"]} if settings.get("key_id") else {})
    claims: dict[str, Any] = {
        "iat": int(now),
        "exp": int(now + float(settings.get("expiration_seconds") or 3600)),
    }
    for claim, name in (("iss", "issuer"), ("aud", "audience"), ("sub", "subject")):
        if settings.get(name):
            claims[claim] = settings[name]
    claims |= settings.get("extra_params") or {}
    signed = f"{_encoded(orjson.dumps(header))}.{_encoded(orjson.dumps(claims))}"
    return f"{signed}.{_encoded(_signature(algorithm, str(settings['secret_key']), signed.encode()))}"


def _signature(algorithm: str, key: str, message: bytes) -> bytes:
    if algorithm.startswith("HS"):
        return hmac.digest(key.encode(), message, f"sha{algorithm[2:]}")
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    expected = "RSA key" if algorithm.startswith("RS") else f"key on the curve {CURVES[algorithm]}"
    try:
        private = load_pem_private_key(key.encode(), None)
    except (ValueError, TypeError) as error:
        raise NotAuthorized(f"{algorithm} needs a private {expected} in PEM: {error}.") from None
    digests: dict[str, hashes.HashAlgorithm] = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}
    digest = digests[algorithm[2:]]
    if algorithm.startswith("RS") and isinstance(private, RSAPrivateKey):
        return private.sign(message, PKCS1v15(), digest)
    if isinstance(private, EllipticCurvePrivateKey) and private.curve.name == CURVES.get(algorithm):
        # RFC 7518 §3.4: both numbers, one behind the other, each as long as the curve's.
        size = (private.curve.key_size + 7) // 8
        numbers = decode_dss_signature(private.sign(message, ECDSA(digest)))
        return b"".join(number.to_bytes(size, "big") for number in numbers)
    raise NotAuthorized(f"{algorithm} needs a private {expected}, got {type(private).__name__}.")


def _encoded(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")
