"""When somebody who was asked over HTTP wants to be asked again."""

from __future__ import annotations

from email.utils import parsedate_to_datetime


def retry_after_seconds(header: str | None, now: float) -> float | None:
    """Of a ``Retry-After`` header: a number, or a date, seen at ``now`` (unix seconds). None: it says nothing that can
    be meant; a date that has passed is none either."""
    if header is None:
        return None
    try:
        seconds = float(header)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(header).timestamp() - now
        except Exception:  # it is anybody's text: a year of twenty digits overflows, and so on
            return None
    return seconds if 0 <= seconds < float("inf") else None
