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
        self._expected: dict[str, str] = {}
        """Conversations that are being opened: their agents. They count already."""

    def expect(self, conversation_id: str, agent_id: str) -> None:
        """Keep a place for a conversation until it is added, or given up."""
        self._expected[conversation_id] = agent_id

    def give_up(self, conversation_id: str) -> None:
        self._expected.pop(conversation_id, None)

    def add(self, session: Session) -> None:
        self.give_up(session.conversation_id)
        self._sessions[session.conversation_id] = session

    def remove(self, session: Session) -> None:
        self._sessions.pop(session.conversation_id, None)

    def count(self, agent_id: str | None = None) -> int:
        agents = [*(session.agent_id for session in self._sessions.values()), *self._expected.values()]
        return len(agents) if agent_id is None else agents.count(agent_id)

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
