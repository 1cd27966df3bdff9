"""Reads documents in a process of their own, so that no file can hold up the server, fill its memory or end it.

``python -m parola.knowledge.extraction FORMAT CHARSET`` is that process: a file on its standard input, one JSON object
on its standard output.
"""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import suppress

from parola.errors import InvalidRequest, TooMany
from parola.knowledge.formats import MOST_FILE_BYTES, Extracted, Unreadable, extract, format_of

SECONDS = 60.0
"""A document may take."""

MEMORY_BYTES = 1024 * 1024 * 1024
"""A document may need, address space included; where the system can limit it."""

AT_ONCE = 2
MOST_WAITING = 50


class UnsupportedFile(InvalidRequest):
    """A file no text can be had from; the message says what was expected and what came."""

    code = "invalid_file"


class Extraction:
    """One for the process: how many documents are read at once is limited."""

    def __init__(self, *, seconds: float = SECONDS, memory_bytes: int = MEMORY_BYTES) -> None:
        self._places = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0
        self._seconds = seconds
        self._memory_bytes = memory_bytes

    async def read(self, content: bytes, filename: str, mime_type: str = "", charset: str = "") -> Extracted:
        """The text of a file. Raises ``UnsupportedFile``, and ``TooMany`` when too many documents wait already."""
        if len(content) > MOST_FILE_BYTES:
            raise UnsupportedFile(f"Expected a file of at most {MOST_FILE_BYTES} bytes, got {len(content)}.")
        if not content:
            raise UnsupportedFile("Expected a file with text, got an empty one.")
        try:
            kind = format_of(filename, mime_type)
        except Unreadable as error:
            raise UnsupportedFile(str(error)) from None
        if self._waiting >= MOST_WAITING:
            raise TooMany(f"{self._waiting} documents wait to be read; try again later.")
        self._waiting += 1
        try:
            async with self._places:
                return await self._read(content, kind, charset)
        finally:
            self._waiting -= 1

    async def _read(self, content: bytes, kind: str, charset: str) -> Extracted:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            "-m",
            "parola.knowledge.extraction",
            kind,
            charset or "-",
            str(self._memory_bytes),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            async with asyncio.timeout(self._seconds):
                said, _ = await process.communicate(content)
        except TimeoutError:
            raise UnsupportedFile(
                f"Expected a {kind.upper()} file that can be read in {self._seconds:g} s; this one takes longer."
            ) from None
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        try:
            answer = json.loads(said)
        except ValueError:  # it was ended from outside, or ran out of memory before it could say so
            raise UnsupportedFile(_too_much(kind)) from None
        if "error" in answer:
            raise UnsupportedFile(answer["error"])
        return Extracted(answer["text"], answer["title"], answer["pages"])


def _too_much(kind: str) -> str:
    return f"Expected a {kind.upper()} file that can be read in limited memory; this one needs more."


# -- in the process ---------------------------------------------------------------------------------------------------


def _answer(content: bytes, kind: str, charset: str) -> dict[str, object]:
    try:
        found = extract(content, kind, charset)
    except Unreadable as error:
        return {"error": str(error)}
    except MemoryError:
        return {"error": _too_much(kind)}
    except RecursionError:
        return {"error": f"Expected a {kind.upper()} file; this one is nested too deep."}
    return {"text": found.text, "title": found.title, "pages": found.pages}


def _limit_memory(most_bytes: int) -> None:
    try:
        import resource
    except ImportError:  # Windows: time is limited all the same
        return
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (most_bytes, most_bytes))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main() -> None:
    kind, charset, most_bytes = sys.argv[1:4]
    _limit_memory(int(most_bytes))
    answer = _answer(sys.stdin.buffer.read(), kind, "" if charset == "-" else charset)
    sys.stdout.buffer.write(json.dumps(answer).encode())


if __name__ == "__main__":
    main()
