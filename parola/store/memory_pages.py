"""Lists of the store in memory, page by page."""

from __future__ import annotations

import bisect
from collections.abc import Callable, Iterable
from typing import TypeVar

from parola.store import cursors
from parola.store.pages import Page

T = TypeVar("T")


def page(
    rows: Iterable[T],
    place: Callable[[T], cursors.Place],
    *,
    ascending: bool,
    page_size: int,
    cursor: str | None,
    kind: type[str] | type[float] = float,
) -> Page[T]:
    """The rows after ``cursor`` in the order of ``place``; ``kind`` is what a place begins with."""
    ordered = sorted(rows, key=place)
    if cursor is not None:
        after = cursors.read(cursor, kind)
        if ascending:
            ordered = ordered[bisect.bisect_right(ordered, after, key=place) :]
        else:
            ordered = ordered[: bisect.bisect_left(ordered, after, key=place)]
    if not ascending:
        ordered.reverse()
    shown = ordered[:page_size]
    return Page(shown, cursors.write(place(shown[-1])) if len(ordered) > page_size else None)


def named(name: str, search: str | None) -> bool:
    """Whether a name contains what is searched for."""
    return not search or search.casefold() in name.casefold()
