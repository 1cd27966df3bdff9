"""Lists, page by page, the way the hosted platform does it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from fastapi import Depends, Query

from parola.store.pages import Page

MOST_WHOLE = 2**31 - 1
"""What a column of integers holds: no parameter that is compared with one may be more."""

MOST_SECONDS = 1e11
"""As unix time, or as a length: three thousand years. Infinity and what is no number are more than that."""

SortDirection = Annotated[Literal["asc", "desc"], Query(description="Newest or last first by default.")]


@dataclass(frozen=True, slots=True)
class PageAsked:
    size: int
    cursor: str | None


def _asked(
    page_size: Annotated[int, Query(ge=1, le=100, description="How many items at most.")] = 30,
    cursor: Annotated[str | None, Query(description="The `next_cursor` of the page before.")] = None,
) -> PageAsked:
    return PageAsked(page_size, cursor or None)


PageDep = Annotated[PageAsked, Depends(_asked)]


def page_body(key: str, items: Iterable[Any], page: Page[Any]) -> dict[str, Any]:
    """The response of a list: ``items`` under ``key``, and how to go on."""
    return {key: list(items), "next_cursor": page.next_cursor, "has_more": page.next_cursor is not None}
