"""The conversations of this process that wait for a person, for whoever could come: a list, and what changes in it."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from typing import Any

BEGAN, OVER = "x_waiting_for_human", "x_waiting_for_human_over"
"""The events of a conversation's log, and those of the list."""

MOST_UNREAD = 200
"""Changes that a reader may be behind; then it is told the whole list again."""


@dataclass(frozen=True, slots=True)
class Wish:
    """One conversation that waits."""

    conversation_id: str
    agent_id: str
    agent_name: str
    user_id: str | None
    text_only: bool
    since: float
    """Unix seconds."""
    wait_seconds: float
    reason: str
    by: str
    agent_is_silent: bool
    lines: Callable[[], list[dict[str, str]]] = field(repr=False, compare=False)
    """The last ones that were said, as they stand."""

    def document(self) -> dict[str, Any]:
        return {
            "conversation_id": self.conversation_id,
            "agent_id": self.agent_id,
            "agent_name": self.agent_name,
            "user_id": self.user_id,
            "text_only": self.text_only,
            "since_unix_secs": round(self.since, 3),
            "waited_secs": round(max(0.0, time.time() - self.since), 3),
            "wait_timeout_secs": self.wait_seconds,
            "reason": self.reason,
            "asked_by": self.by,
            "agent_while_waiting": "silent" if self.agent_is_silent else "answers",
            "last_lines": self.lines(),
        }


@dataclass(frozen=True, slots=True)
class Change:
    """Somebody waits, or waits no more. ``kind``: ``snapshot`` (the whole list), ``BEGAN`` or ``OVER``."""

    kind: str
    about: dict[str, Any]


class HumanQueue:
    """Those that wait, in the order they began to; one for the process."""

    def __init__(self) -> None:
        self._wishes: dict[str, Wish] = {}
        self._readers: set[_Reader] = set()
        self._is_closed = False

    def close(self) -> None:
        """The server stops: whoever follows the list is told so by its end."""
        self._is_closed = True
        for reader in self._readers:
            reader.has_news.set()

    def waiting(self, agent_id: str | None = None) -> list[dict[str, Any]]:
        """Longest first."""
        return [wish.document() for wish in self._wishes.values() if agent_id in (None, wish.agent_id)]

    def __len__(self) -> int:
        return len(self._wishes)

    def begins(self, wish: Wish) -> None:
        self._wishes[wish.conversation_id] = wish
        self._tell(wish.agent_id, lambda: Change(BEGAN, wish.document()))

    def ends(self, conversation_id: str, outcome: str, waited_seconds: float, operator: str) -> None:
        """Without effect when it does not wait."""
        wish = self._wishes.pop(conversation_id, None)
        if wish is not None:
            about = {
                "conversation_id": conversation_id,
                "agent_id": wish.agent_id,
                "outcome": outcome,
                "operator": operator or None,
                "waited_secs": round(waited_seconds, 3),
            }
            self._tell(wish.agent_id, lambda: Change(OVER, about))

    async def follow(self, agent_id: str | None = None) -> AsyncGenerator[Change, None]:
        """The whole list, then what changes in it, until the server stops. Who is slow gets the whole list again."""
        reader = _Reader(agent_id)
        self._readers.add(reader)
        try:
            while True:
                if reader.is_behind:
                    reader.is_behind = False
                    reader.changes.clear()
                    yield Change("snapshot", {"waiting": self.waiting(agent_id)})
                while reader.changes and not reader.is_behind:
                    yield reader.changes.popleft()
                if not reader.is_behind:
                    if self._is_closed:
                        return
                    reader.has_news.clear()
                    await reader.has_news.wait()
        finally:
            self._readers.discard(reader)

    def _tell(self, agent_id: str, change: Callable[[], Change]) -> None:
        told: Change | None = None
        for reader in self._readers:
            if reader.agent_id in (None, agent_id):
                told = told or change()
                reader.take(told)


class _Reader:
    """Somebody who follows the list."""

    __slots__ = ("agent_id", "changes", "has_news", "is_behind")

    def __init__(self, agent_id: str | None) -> None:
        self.agent_id = agent_id
        self.changes: deque[Change] = deque()
        self.has_news = asyncio.Event()
        self.is_behind = True
        """It knows nothing yet, or has missed something."""

    def take(self, change: Change) -> None:
        if len(self.changes) >= MOST_UNREAD:
            self.is_behind = True
        else:
            self.changes.append(change)
        self.has_news.set()
