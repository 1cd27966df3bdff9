"""Tables and a picture out of the rows."""

from __future__ import annotations

from pathlib import Path

from bench.listening.scoring import Row


def text(rows: list[Row]) -> str:
    return "\n".join(str(row) for row in rows)


def write(folder: Path, rows: list[Row]) -> None:
    pass
