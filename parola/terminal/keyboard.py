"""Lines from standard input beside other things: reading never blocks, so ctrl-C and a hang-up both end it at once."""

from __future__ import annotations

import asyncio
import os
import sys
from types import TracebackType
from typing import Self


class Keyboard:
    """``line`` gives one line after the other while the block lasts, then None at the end of input."""

    def __init__(self) -> None:
        self._lines: asyncio.Queue[str | None] = asyncio.Queue()
        self._rest = b""
        self._loop = asyncio.get_running_loop()
        self._watches = False

    def __enter__(self) -> Self:
        try:
            self._loop.add_reader(sys.stdin.fileno(), self._take)
            self._watches = True
        except (PermissionError, NotImplementedError):
            # A file is always ready and cannot be watched; on Windows nothing can.
            self._loop.run_in_executor(None, self._take_all)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stop()

    async def line(self) -> str | None:
        """The next line without its end; None when there will be no more."""
        return await self._lines.get()

    def _take(self) -> None:
        piece = os.read(sys.stdin.fileno(), 65536)
        *lines, self._rest = (self._rest + piece).split(b"\n")
        for line in lines:
            self._lines.put_nowait(line.decode(errors="replace"))
        if not piece:
            self._stop()
            if self._rest:
                self._lines.put_nowait(self._rest.decode(errors="replace"))
            self._lines.put_nowait(None)

    def _take_all(self) -> None:
        for line in sys.stdin:
            self._loop.call_soon_threadsafe(self._lines.put_nowait, line.rstrip("\n"))
        self._loop.call_soon_threadsafe(self._lines.put_nowait, None)

    def _stop(self) -> None:
        if self._watches:
            self._watches = False
            self._loop.remove_reader(sys.stdin.fileno())
