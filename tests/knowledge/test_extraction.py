"""Documents are read in a process of their own: what takes too long or needs too much is refused, and nothing else is
harmed."""

from __future__ import annotations

import asyncio
import sys
import time

import pytest

from parola.knowledge import extraction
from parola.knowledge.extraction import Extraction, UnsupportedFile
from tests.knowledge.files import archive, docx, pdf


async def test_a_file_is_read() -> None:
    read = await Extraction().read(pdf("Onion soup"), "menu.pdf")
    assert (read.text, read.pages) == ("Onion soup", 1)
    assert (await Extraction().read("Grüße".encode("cp1252"), "menu", "text/plain", "cp1252")).text == "Grüße"


async def test_what_is_wrong_is_told() -> None:
    with pytest.raises(UnsupportedFile, match="Expected a TXT, MD"):
        await Extraction().read(b"MZ", "menu.exe")
    with pytest.raises(UnsupportedFile, match="empty"):
        await Extraction().read(b"", "menu.txt")
    with pytest.raises(UnsupportedFile, match="damaged"):
        await Extraction().read(b"%PDF-1.7", "menu.pdf")


async def test_a_bomb_is_refused_and_the_server_goes_on() -> None:
    bomb = archive({"word/document.xml": b"\0" * (150 * 1024 * 1024)})
    assert len(bomb) < 200_000
    reading = Extraction()
    with pytest.raises(UnsupportedFile, match="unpacks to at most"):
        await reading.read(bomb, "menu.docx")
    assert (await reading.read(b"Soup", "menu.txt")).text == "Soup"


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited where the system can")
async def test_a_file_that_needs_too_much_memory_is_refused() -> None:
    much = docx("<w:p><w:r><w:t>" + "a" * (60 * 1024 * 1024) + "</w:t></w:r></w:p>")
    with pytest.raises(UnsupportedFile, match="limited memory"):
        await Extraction(memory_bytes=120 * 1024 * 1024).read(much, "menu.docx")


async def test_a_file_that_takes_too_long_is_given_up() -> None:
    slow = ("<p>" + "a b " * 50) * 20_000
    began_at = time.monotonic()
    with pytest.raises(UnsupportedFile, match=r"in 0\.05 s; this one takes longer"):
        await Extraction(seconds=0.05).read(slow.encode(), "menu.html")
    assert time.monotonic() - began_at < 5


async def test_only_so_many_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extraction, "MOST_WAITING", 3)
    reading = Extraction()
    results = await asyncio.gather(*(reading.read(b"Soup", "a.txt") for _ in range(5)), return_exceptions=True)
    assert [type(result).__name__ for result in results] == ["Extracted"] * 3 + ["TooMany"] * 2
    assert (await reading.read(b"Soup", "a.txt")).text == "Soup"
