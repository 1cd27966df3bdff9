"""How many requests one address may send: ASGI middleware around the REST API. Keys are counted where they are checked,
in ``auth.py``."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Awaitable, Callable, MutableMapping
from math import ceil
from typing import Any

from parola.api.auth import address_of
from parola.api.errors import detail
from parola.api.responses import Json
from parola.config import LimitSettings
from parola.rates import Rates
from parola.session.shares import is_loopback

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


class RequestRate:
    """Answers 429 with ``Retry-After`` to an address that has had its requests of this minute."""

    def __init__(self, app: App, *, limits: LimitSettings, limited: Counter[str]) -> None:
        """``limited`` counts those who were refused."""
        self._app = app
        self._limited = limited
        self._limits = limits
        self._rates = Rates()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        most, address = self._limits.requests_per_address, address_of(scope)
        is_counted = scope["type"] == "http" and (self._limits.count_loopback or not is_loopback(address))
        if is_counted and (seconds := self._rates.take(address, most, time.monotonic())):
            message = (
                f"One address may send {most} requests a minute (limits.requests_per_address). "
                f"Try again in {ceil(seconds)} s."
            )
            self._limited["requests"] += 1
            refusal = Json(
                detail("rate_limit_exceeded", message), status_code=429, headers={"retry-after": str(ceil(seconds))}
            )
            await refusal(scope, receive, send)
            return
        await self._app(scope, receive, send)
