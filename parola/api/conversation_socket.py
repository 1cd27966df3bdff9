"""The door of ``/v1/convai/conversation``: accept, check the credential, hear the first frame, hold the conversation.

A plain ASGI application, because forty audio frames a second go through it. A refusal accepts the upgrade first and
then closes with a code and a reason, which browsers can show; nothing is sent before
``conversation_initiation_metadata``, because the JavaScript client listens to the first message only.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import TYPE_CHECKING, Any

from parola.api.admission import Admission, query_of
from parola.api.auth import address_of, headers_of
from parola.api.cutting import cut
from parola.errors import ClientError, ConversationRefused, ParolaError
from parola.logs import logger, reason
from parola.protocol.client_messages import (
    ConversationInitiationClientData,
    EnclaveSetupConfig,
    InvalidMessage,
    read,
)
from parola.protocol.messages import ClientMessage, close_reason
from parola.session.admitted import Admitted
from parola.session.resuming import refused
from parola.session.transport import BinaryFrame, Disconnected
from parola.tracing.context import HEADER, current
from parola.tracing.context import read as read_trace

if TYPE_CHECKING:
    from parola.session.opening import Opening

log = logger(__name__)

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

SUBPROTOCOL = "convai"

INIT_SECONDS = 3.0
"""How long a client may take to its first frame; then the conversation starts with the agent's defaults."""

CLOSE_SECONDS = 5.0

MOST_DIGITS = 10
"""Of an event id."""


class AsgiTransport:
    """A ``Transport`` over an accepted ASGI websocket."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        self.is_closed = False

    async def receive(self) -> str | BinaryFrame | Disconnected:
        message = await self._receive()
        if message["type"] == "websocket.disconnect":
            self.is_closed = True
            code = int(message.get("code") or 1005)
            if code == 1005 and "reason" not in message:
                code = 1006  # uvicorn calls both 1005: a close frame without a code, and no close frame at all
            return Disconnected(code, str(message.get("reason") or ""))
        text = message.get("text")
        if text is not None:
            return str(text)
        return BinaryFrame(len(message.get("bytes") or b""))

    async def send(self, frame: str) -> None:
        if self.is_closed:
            return
        try:
            await self._send({"type": "websocket.send", "text": frame})
        except Exception:  # whatever the server raises for a client that has gone
            self.is_closed = True

    async def close(self, code: int, reason: str) -> None:
        if self.is_closed:
            return
        self.is_closed = True
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._send({"type": "websocket.close", "code": code, "reason": close_reason(reason)})
        except TimeoutError:
            self.drop()
        except Exception as error:
            log.debug("close_not_sent", error=type(error).__name__)

    def drop(self) -> None:
        self.is_closed = True
        cut(self._scope)


class ConversationSocket:
    """``GET /v1/convai/conversation`` as an ASGI application."""

    needs = None
    why_open = "The agent says who may talk to it; ``Admission`` decides."

    def __init__(self, admission: Admission, opening: Opening) -> None:
        self._admission = admission
        self._opening = opening

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()  # websocket.connect
        current.set(read_trace(headers_of(scope).get(HEADER)))
        offered = scope.get("subprotocols") or ()
        await send({"type": "websocket.accept", "subprotocol": SUBPROTOCOL if SUBPROTOCOL in offered else None})
        transport = AsgiTransport(scope, receive, send)
        try:
            if (back := coming_back(scope)) is not None:
                await self._opening.go_on(*back, transport)
                return
            admitted = await self._admission.admit(scope)
            try:
                first = await _first_message(transport)
                if first is not None:
                    message, frames = first
                    await self._hold(admitted, message, frames, transport, address_of(scope))
            finally:
                if admitted is not None:
                    await self._admission.settle(admitted)
        except ConversationRefused as refusal:
            log.info("conversation_refused", error_type=refusal.error_type, code=refusal.close_code)
            await transport.close(refusal.close_code, refusal.reason)
        except ClientError as error:
            await transport.close(1008, error.message)
        except ParolaError as error:
            log.error("conversation_not_started", error=reason(error))
            await transport.close(1011, error.message)
        except Exception:
            log.exception("conversation_not_started")
            await transport.close(1011, "Internal error")

    async def _hold(
        self,
        admitted: Admitted | None,
        message: ClientMessage | None,
        frames: tuple[str, ...],
        transport: AsgiTransport,
        address: str,
    ) -> None:
        if isinstance(message, EnclaveSetupConfig):
            admitted = self._admission.enclave(message, address)
            second = await _first_message(transport)
            if second is None:
                return
            message, frames = second
        if admitted is None:
            raise ConversationRefused(
                1008, "missing_fields", "Expected the query parameter agent_id, or a signed URL, got neither."
            )
        client_data = message if isinstance(message, ConversationInitiationClientData) else None
        session = await self._opening.open(admitted, client_data, frames, transport)
        await self._opening.hold(session)


def coming_back(scope: Scope) -> tuple[str, str, int | None] | None:
    """Whom a client comes back to: (conversation, token, the highest event id it has seen); None: it begins anew.
    Raises ``ConversationRefused``."""
    query = query_of(scope)
    token, conversation_id, seen = query.get("resume_token"), query.get("conversation_id"), query.get("last_event_id")
    if token is None:
        return None
    if not conversation_id:
        raise refused("Expected conversation_id beside resume_token, got none.")
    if seen and not (seen.isascii() and seen.isdigit() and len(seen) < MOST_DIGITS):
        raise refused(f"last_event_id: expected a number, got {seen[:40]!r}.")
    return conversation_id, token, int(seen) if seen else None


async def _first_message(transport: AsgiTransport) -> tuple[ClientMessage | None, tuple[str, ...]] | None:
    """The message a conversation begins with, and the frames that belong to the conversation itself.

    A client that begins with audio, or with anything but an init message, or with nothing at all, is served with the
    agent's defaults. None when it has hung up.
    """
    try:
        async with asyncio.timeout(INIT_SECONDS):
            frame = await transport.receive()
    except TimeoutError:
        return None, ()
    match frame:
        case Disconnected():
            return None
        case BinaryFrame():
            raise ConversationRefused(
                1008, "invalid_message", f"Expected a text frame with JSON, got a binary frame of {frame.size} bytes."
            )
    try:
        message = read(frame)
    except InvalidMessage as error:
        raise ConversationRefused(1008, error.error_type, error.message) from None
    if isinstance(message, ConversationInitiationClientData | EnclaveSetupConfig):
        return message, ()
    return message, (frame,)
