"""Whether the dashboard is there, without importing what serves it."""

from __future__ import annotations

from pathlib import Path

INDEX = Path(__file__).parents[1] / "dashboard" / "built" / "index.html"


def has_dashboard() -> bool:
    """``make dashboard`` has run, or the package came with it."""
    return INDEX.is_file()
