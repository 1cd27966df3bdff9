"""The conversations alive in this process."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from parola.session.session import Session

FAREWELL_SECONDS = 10.0
"""How long a stopping server waits for its conversations to be stored and closed."""


class LiveSessions:
    """By conversation id. Filled and emptied by whoever runs a session."""

    def __init__(self) -> None:
        self._sessions: dict[str, Session] = {}

    def add(self, session: Session) -> None:
        self._sessions[session.conversation_id] = session

    def remove(self, session: Session) -> None:
        self._sessions.pop(session.conversation_id, None)

    def count(self, agent_id: str | None = None) -> int:
        if agent_id is None:
            return len(self._sessions)
        return sum(session.agent_id == agent_id for session in self._sessions.values())

    def is_live(self, conversation_id: str) -> bool:
        return conversation_id in self._sessions

    async def end(self, conversation_id: str, reason: str) -> None:
        """Have one conversation end, and wait until it is stored."""
        session = self._sessions.get(conversation_id)
        if session is not None:
            session.end(reason)
            await session.ended.wait()

    async def end_all(self, reason: str) -> None:
        """The server stops: every conversation is told, stored and closed."""
        sessions = list(self._sessions.values())
        for session in sessions:
            session.end(reason, code=1001)
        if sessions:
            await asyncio.wait(
                [asyncio.ensure_future(session.ended.wait()) for session in sessions], timeout=FAREWELL_SECONDS
            )
