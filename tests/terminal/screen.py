"""A command in a real terminal: what it writes, what is typed, how it ends."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from typing import Self

SECONDS = 30.0
"""For a busy machine."""

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07]*\x07|\x1b[=>()][B0]?")


class Screen:
    """``parola`` with these arguments in a terminal of so many columns; ended with the block."""

    def __init__(self, *arguments: str, columns: int = 80, env: dict[str, str] | None = None) -> None:
        self._end, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 30, columns, 0, 0))
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("PAROLA_", "COLUMNS"))}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "parola.cli", *arguments],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={**clean, "TERM": "xterm-256color", **(env or {})},
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # so that ctrl-C is a signal
        )
        os.close(theirs)
        self.raw = ""
        self._seen = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        os.close(self._end)

    @property
    def text(self) -> str:
        """All that was written, without colours and movements."""
        return ESCAPES.sub("", self.raw).replace("\r\n", "\n")

    def wait_for(self, pattern: str) -> str:
        """What matches, in what was written since the last time."""
        until = time.monotonic() + SECONDS
        while True:
            if found := re.search(pattern, self.text[self._seen :]):
                self._seen += found.end()
                return found[0]
            if not self._read(until - time.monotonic()):
                raise AssertionError(f"{pattern!r} did not come:\n{self.text}")

    def type(self, keys: str) -> None:
        os.write(self._end, keys.encode())

    def interrupt(self) -> None:
        """Ctrl-C of whoever is in the foreground, when the terminal is not raw."""
        self._process.send_signal(signal.SIGINT)

    def ended(self) -> int:
        """The exit code, when everything has been written."""
        until = time.monotonic() + SECONDS
        while self._read(until - time.monotonic()):
            pass
        return self._process.wait(max(0.1, until - time.monotonic()))

    def _read(self, seconds: float) -> bool:
        if seconds <= 0 or not select.select([self._end], [], [], seconds)[0]:
            return False
        piece = b""
        with contextlib.suppress(OSError):  # Linux says so when the other end is closed
            piece = os.read(self._end, 65536)
        self.raw += piece.decode(errors="replace")
        # A terminal answers when it is asked where its cursor is.
        if b"\x1b[6n" in piece:
            os.write(self._end, b"\x1b[1;1R")
        return bool(piece)
