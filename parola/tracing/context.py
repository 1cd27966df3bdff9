"""Where in which trace the present task is (W3C Trace Context), and how whoever is asked from here is told.

``current`` follows a conversation by itself: a task has the context of the one that made it. It is None for everything
that belongs to no trace; then nothing is sent. Ids follow from names, so that the span of a tool call can be announced
before it is made, and a webhook that is delivered after a restart still finds its trace.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any

HEADER = "traceparent"

_FORM = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")

SAMPLED = 0x01


def span_id(*names: Any) -> str:
    """16 hex digits, the same for the same names."""
    return hashlib.sha256("\0".join(("span", *map(str, names))).encode()).hexdigest()[:16]


def trace_id(conversation_id: str) -> str:
    """32 hex digits: the trace of a conversation that came without one."""
    return hashlib.sha256(conversation_id.encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class TraceContext:
    """A span: its trace, its id, and whether anybody keeps it."""

    trace_id: str
    span_id: str
    is_sampled: bool = True
    is_own: bool = False
    """This server makes the span; else it is a client's, and is only passed on."""

    @property
    def traceparent(self) -> str:
        return f"00-{self.trace_id}-{self.span_id}-{'01' if self.is_sampled else '00'}"

    def child(self, *names: Any) -> TraceContext:
        """A span below the conversation's, by its names; the same span where no others are made."""
        return replace(self, span_id=span_id(self.span_id, *names)) if self.is_own else self


def read(traceparent: str | None) -> TraceContext | None:
    """What a ``traceparent`` header says; None when it says nothing that can be used."""
    found = _FORM.fullmatch((traceparent or "").strip())
    if found is None:
        return None
    version, trace, span, flags, rest = found.groups()
    # "The value ff is invalid"; version 00 has nothing behind the flags; ids of zeros only are invalid.
    if version == "ff" or (version == "00" and rest) or not trace.strip("0") or not span.strip("0"):
        return None
    return TraceContext(trace, span, bool(int(flags, 16) & SAMPLED))


def kept(document: Mapping[str, Any] | None) -> TraceContext | None:
    """The span that a conversation was in, by its record."""
    return read(((document or {}).get("metadata") or {}).get("x_traceparent"))


current: ContextVar[TraceContext | None] = ContextVar("trace", default=None)
"""Of the present task."""


def headers() -> dict[str, str]:
    """What a request from the present task says of its trace."""
    context = current.get()
    return {} if context is None else {HEADER: context.traceparent}
