"""The WebSocket cases of the Autobahn test suite, by ``kosoku``, against an echo that is served as the server itself.

What is judged is the protocol below our messages: frames, fragments, pings, UTF-8, closing. The application is an
echo, because the cases expect one; all else is the configuration of ``parola serve``.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import uvicorn
from kosoku import FailureError, run_fuzzingclient

from parola.terminal.serve import served
from tests.wire.servers import free_port

COMPRESSION = ("12.*", "13.*")
"""Cases of ``permessage-deflate``, which is not offered: it costs memory for each call, and audio does not shrink."""

LARGE = ("9.*",)
"""Messages of up to 16 MiB, and many of them: the slow part."""

UPSTREAM = {
    "7.1.5": "websockets takes a close frame in the middle of a fragmented message for a protocol error (1002)",
}
"""What the library below us does otherwise, on purpose."""

FAILED = {"FAILED", "ERROR", "UNIMPLEMENTED", "WRONG CODE", "UNCLEAN", "FAILED BY CLIENT"}

Message = MutableMapping[str, Any]


@dataclass(frozen=True, slots=True)
class Verdict:
    cases: int
    failed: tuple[str, ...]
    """Case ids, as ``id: what happened``, without those of ``UPSTREAM``."""
    upstream: tuple[str, ...]
    not_strict: int
    """Of those that passed: where the suite is stricter than the standard."""

    @property
    def passed(self) -> int:
        return self.cases - len(self.failed) - len(self.upstream)


async def run(*, is_quick: bool = False) -> Verdict:
    """All cases but compression; without the slow ones if ``is_quick``."""
    excluded = [*COMPRESSION, *(LARGE if is_quick else ())]
    with _echo() as port:
        url = f"ws://127.0.0.1:{port}"
        try:
            results = await run_fuzzingclient(url, exclude_cases=excluded, concurrency=4)
        except FailureError as error:
            results = error.results
    failures = [one for one in results if {one.behavior.value, one.behavior_close.value} & FAILED]
    told = [f"{one.case_id}: {one.behavior.value}, close {one.behavior_close.value}" for one in failures]
    return Verdict(
        cases=len(results),
        failed=tuple(one for one in told if one.partition(":")[0] not in UPSTREAM),
        upstream=tuple(one for one in told if one.partition(":")[0] in UPSTREAM),
        not_strict=sum(one.behavior.value == "NON-STRICT" for one in results),
    )


async def echo(
    scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
) -> None:
    """An ASGI application that says what it hears."""
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": message.get("text"), "bytes": message.get("bytes")})


@contextmanager
def _echo() -> Iterator[int]:
    """Served in a thread; the port."""
    config = served(echo)
    log = logging.getLogger("uvicorn.error")
    before = log.level
    log.setLevel(logging.CRITICAL)  # it is told a lot of nonsense, and says so each time
    config.port = free_port()
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.01)
    try:
        yield config.port
    finally:
        server.should_exit = True
        thread.join(20)
        log.setLevel(before)
