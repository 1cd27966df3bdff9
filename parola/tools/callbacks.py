"""Tools that take longer than a request: the address where each of them leaves its result when it is done.

The address is a capability: a token that only this server can make, for one result of one call.
"""

from __future__ import annotations

import asyncio
import hmac
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from parola.errors import ClientError, NotFound
from parola.tools.response import Answer

PATH = "/v1/x/tool-callbacks"


class Gone(ClientError):
    """Nobody waits for this result any more."""

    code = "tool_call_over"
    status = 410


class Callbacks:
    """The results that are waited for in this process."""

    def __init__(self, server_secret: bytes) -> None:
        self._key = hmac.digest(server_secret, b"parola tool callbacks", "sha256")
        self._waiting: dict[str, asyncio.Future[Answer]] = {}

    @contextmanager
    def opened(self) -> Iterator[tuple[str, asyncio.Future[Answer]]]:
        """A token and the result that will come with it; valid until the block ends."""
        nonce = secrets.token_urlsafe(18)
        token = f"{nonce}.{self._signature(nonce)}"
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting[token] = future
        try:
            yield token, future
        finally:
            self._waiting.pop(token, None)
            future.cancel()

    def deliver(self, token: str, answer: Answer) -> None:
        """The result has come. Raises ``NotFound`` for a token that is not ours, ``Gone`` when the call is over or has
        its result."""
        nonce, _, signature = token.partition(".")
        if not hmac.compare_digest(signature.encode(), self._signature(nonce).encode()):
            raise NotFound("This callback address was not given out by this server.", code="callback_not_found")
        future = self._waiting.pop(token, None)
        if future is None or future.done():
            raise Gone("The tool call is over, or has had its result: nobody waits for this one.")
        future.set_result(answer)

    def _signature(self, nonce: str) -> str:
        return hmac.digest(self._key, nonce.encode(), "sha256").hex()
