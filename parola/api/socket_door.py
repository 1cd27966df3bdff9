"""What the sockets beside a conversation have in common: who may come in, how frames are read, how a reader that does
not read is let go. The call itself never waits for any of them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

import orjson

from parola.api.auditing import Audit
from parola.api.auth import CALLER, Caller, address_of
from parola.api.conversation_socket import SUBPROTOCOL, AsgiTransport, Receive, Scope, Send
from parola.api.cutting import UNREAD_SECONDS
from parola.api.process import Services
from parola.errors import ClientError, NotFound, ParolaError, TooMany, Unauthorized, Unprocessable
from parola.logs import logger
from parola.session.transport import BinaryFrame, Disconnected

log = logger(__name__)

LONGEST_FRAME = 256 * 1024
"""Characters of a frame that is read."""

KEY_CHECK_SECONDS = 15.0
"""How often it is looked whether the key that let somebody in still holds."""

MOST_ERRORS = 50
"""Frames in a row that mean nothing; then the socket is closed."""

NO_ACCESS, UNKNOWN, MISBEHAVED, ENDED, BROKEN = 3000, 1008, 1008, 1000, 1011


class Gone(Exception):
    """The other side does not read, or has left."""


class Visitor:
    """Somebody on such a socket."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, audit: Audit) -> None:
        self.scope = scope
        self._audit = audit
        query = scope.get("query_string", b"").decode(errors="replace")
        self.query = {name: values[-1] for name, values in parse_qs(query).items()}
        self.conversation_id = str(scope["path_params"]["conversation_id"])
        self.transport = AsgiTransport(scope, receive, send)
        self.caller = Caller(address=address_of(scope))
        self._writing = asyncio.Lock()
        self._errors = 0

    @property
    def name(self) -> str:
        """What they call themselves; may be empty."""
        return self.query.get("operator") or self.query.get("name") or ""

    async def note(self, action: str, error: ClientError | None = None, **about: Any) -> None:
        """Have the audit log say what they did, or were refused."""
        result = "done" if error is None else "refused"
        await self._audit.note(self.caller, action, self.conversation_id, result, **about)

    async def tell(self, frame: str | Mapping[str, Any]) -> None:
        """Send one frame. Raises ``Gone`` when it is not read."""
        text = frame if isinstance(frame, str) else orjson.dumps(frame).decode()
        try:
            async with asyncio.timeout(UNREAD_SECONDS), self._writing:
                await self.transport.send(text)
        except TimeoutError:
            self.transport.drop()
            raise Gone from None

    async def frame(self) -> str:
        """The next frame. Raises ``Gone``, or ``Unprocessable`` for what is no text of a sensible length."""
        match await self.transport.receive():
            case str() as text:
                if len(text) > LONGEST_FRAME:
                    raise Unprocessable(f"Expected at most {LONGEST_FRAME} characters, got {len(text)}.")
                return text
            case BinaryFrame(size=size):
                raise Unprocessable(f"Expected a text frame with JSON, got a binary frame of {size} bytes.")
            case Disconnected():
                pass
        raise Gone

    async def tell_result(self, kind: str, error: ClientError | None = None, **about: Any) -> None:
        """How it stands with a command. Raises ``Gone`` after too many that meant nothing."""
        result: dict[str, Any] = {"type": "command_result", "command_type": kind, "ok": error is None}
        result |= {name: value for name, value in about.items() if value is not None}
        if error is not None:
            result["error"] = {"code": error.code, "message": error.message}
        is_noise = error is not None and not isinstance(error, TooMany)
        self._errors = self._errors + 1 if is_noise else 0
        await self.tell(result)
        if self._errors >= MOST_ERRORS:
            await self.transport.close(MISBEHAVED, f"{MOST_ERRORS} commands in a row could not be taken.")
            raise Gone


class Door:
    """An ASGI application that lets visitors in; ``welcome`` is what happens then."""

    needs = "monitor"
    """The scope a key must have (``access.py``)."""
    action = "monitor"
    """What the audit log calls coming in."""
    takes_signed_urls = False
    """Whether a signed URL for a role in the conversation opens this door, and not only a key."""

    def __init__(self, services: Services) -> None:
        self.services = services

    async def welcome(self, visitor: Visitor) -> None:
        """Serve somebody; returns when the socket may be closed as what it watched has ended. Raises ``ClientError``
        for the close."""
        raise NotImplementedError

    async def _invited(self, visitor: Visitor, signature: str) -> Caller:
        """Somebody with a signed URL for this conversation: in its role, whatever they ask for. Raises
        ``Unauthorized``."""
        if not self.takes_signed_urls:
            raise Unauthorized("A signed URL is for attaching to a conversation; this socket needs an API key.")
        claims = self.services.credentials.verify(signature, time.time())
        if claims.attach is None or claims.conversation_id != visitor.conversation_id or claims.url_id is None:
            raise Unauthorized("The signed URL is not for attaching to this conversation.")
        scopes = scopes_of_role(claims.attach)
        if claims.key_id is not None and not await self.services.keys.still_may(claims.key_id, *scopes):
            raise Unauthorized("The API key that made this signed URL has been deleted, or may not do this any more.")
        if await self.services.grants.take(claims.url_id) is None:
            raise Unauthorized("This signed URL has been used, or revoked.")
        visitor.query["role"] = claims.attach
        return Caller(claims.key_id, "", None, scopes, address_of(visitor.scope))

    async def _key_is_gone(self, visitor: Visitor) -> None:
        """Raises ``Unauthorized`` when the visitor's key has been deleted, has expired, or may do less than when they
        came: with what is left to it they may come in anew."""
        had = [scope for scope in scopes_of_role("operator") if visitor.caller.may(scope)]
        while True:
            await asyncio.sleep(KEY_CHECK_SECONDS)
            key_id = visitor.caller.key_id
            if key_id is not None and not await self.services.keys.still_may(key_id, *had):
                raise Unauthorized(
                    "The API key that opened this socket has been deleted, has expired, or may do less than before."
                )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()  # websocket.connect
        offered = list(scope.get("subprotocols") or ())
        await send({"type": "websocket.accept", "subprotocol": SUBPROTOCOL if SUBPROTOCOL in offered else None})
        visitor = Visitor(scope, receive, send, self.services.audit)
        try:
            # Browsers cannot set headers: the key may come as a subprotocol, as on the conversation's own socket.
            key = next((one.partition(".")[2] for one in offered if one.startswith("bearer.")), None)
            if signature := visitor.query.get("conversation_signature") or visitor.query.get("token"):
                visitor.caller = await self._invited(visitor, signature)
            else:
                visitor.caller = await self.services.keys.admit(scope, self.needs, key=key)
            await visitor.note(self.action, role=visitor.query.get("role"))
            await until_first(self.welcome(visitor), self._key_is_gone(visitor))
        except Gone:
            await visitor.transport.close(ENDED, "")
        except Unauthorized as error:
            visitor.caller = scope.get(CALLER) or visitor.caller
            await visitor.note(self.action, error, role=visitor.query.get("role"))
            await visitor.transport.close(NO_ACCESS, error.message)
        except (NotFound, ClientError) as error:
            await visitor.transport.close(UNKNOWN, error.message)
        except ParolaError as error:
            log.error("watching_failed", error=error.logged)
            await visitor.transport.close(BROKEN, "Internal error")
        except Exception:
            log.exception("watching_failed")
            await visitor.transport.close(BROKEN, "Internal error")


def scopes_of_role(role: str) -> tuple[str, ...]:
    """What somebody attached in this role may do."""
    return ("monitor",) if role == "observer" else ("monitor", "inject")


async def until_first(*doing: Any) -> None:
    """Run these coroutines until one of them is done; what it raised is raised."""
    tasks = [asyncio.ensure_future(one) for one in doing]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
