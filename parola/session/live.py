"""The conversations alive in this process: those that run, those being opened, those that wait for a place."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, cast

from parola.endings import STOPPING
from parola.session.human_queue import HumanQueue

if TYPE_CHECKING:
    from parola.session.session import Session

FAREWELL_SECONDS = 10.0
"""How long a stopping server waits for its conversations to be stored and closed."""


class Ending(Protocol):
    """Something that can be told to end, and says when it has: a session, or somebody who waits."""

    ended: asyncio.Event

    @property
    def conversation_id(self) -> str: ...
    @property
    def agent_id(self) -> str: ...
    @property
    def text_only(self) -> bool: ...
    def end(self, reason: str, code: int = 1000) -> None: ...


class LiveSessions:
    """By conversation id. Filled and emptied by whoever runs a session."""

    def __init__(self) -> None:
        self._sessions: dict[str, Ending] = {}
        self._waiting: dict[str, Ending] = {}
        self._expected: dict[str, str] = {}
        """Conversations that are being opened: their agents. They count already."""
        self.humans = HumanQueue()
        """Those that wait for a person."""
        self.left: Callable[[], None] = lambda: None
        """Called whenever a place has become free."""
        self.has_stopped = False
        """The server stops: nothing runs any more, and whoever follows what does is told so by its end."""
        self.is_draining = False
        """The server is about to stop: those that run may end by themselves, nobody else begins."""

    def expect(self, conversation_id: str, agent_id: str) -> None:
        """Keep a place for a conversation until it is added, or given up."""
        self._waiting.pop(conversation_id, None)
        self._expected[conversation_id] = agent_id

    def give_up(self, conversation_id: str) -> None:
        if self._expected.pop(conversation_id, None) is not None:
            self.left()

    def add(self, session: Ending) -> None:
        self._expected.pop(session.conversation_id, None)
        self._sessions[session.conversation_id] = session

    def remove(self, session: Ending) -> None:
        if self._sessions.pop(session.conversation_id, None) is not None:
            self.left()

    def has_place(self, conversation_id: str) -> bool:
        """Whether it runs, or is being opened."""
        return conversation_id in self._sessions or conversation_id in self._expected

    def running(self, agent_id: str | None = None) -> list[Session]:
        """Those that run, in the order they began."""
        sessions = cast("list[Session]", list(self._sessions.values()))
        return [session for session in sessions if agent_id in (None, session.agent_id)]

    def wait(self, guest: Ending) -> None:
        """Somebody waits for a place: findable, and not counted."""
        self._waiting[guest.conversation_id] = guest

    def leave(self, conversation_id: str) -> None:
        self._waiting.pop(conversation_id, None)

    def count(self, agent_id: str | None = None) -> int:
        agents = [*(session.agent_id for session in self._sessions.values()), *self._expected.values()]
        return len(agents) if agent_id is None else agents.count(agent_id)

    def count_by_medium(self) -> tuple[int, int]:
        """(by voice, by text) of those that run."""
        text = sum(session.text_only for session in self._sessions.values())
        return len(self._sessions) - text, text

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def get(self, conversation_id: str) -> Session | None:
        """The conversation that runs under this id; not one that still waits for a place."""
        return cast("Session | None", self._sessions.get(conversation_id))

    def is_live(self, conversation_id: str) -> bool:
        return conversation_id in self._sessions or conversation_id in self._waiting

    async def end(self, conversation_id: str, reason: str) -> None:
        """Have one conversation end, and wait until it is stored."""
        session = self._sessions.get(conversation_id) or self._waiting.get(conversation_id)
        if session is not None:
            session.end(reason)
            await session.ended.wait()

    def drain(self) -> None:
        """From now on nobody begins; those who wait for a place are told."""
        self.is_draining = True
        for guest in self._waiting.values():
            guest.end(STOPPING, code=1001)
        for session in self._sessions.values():
            cast("Session", session).drain()

    async def end_all(self, reason: str) -> None:
        """The server stops: every conversation is told, stored and closed."""
        sessions = [*self._waiting.values(), *self._sessions.values()]
        for session in sessions:
            session.end(reason, code=1001)
        if sessions:
            await asyncio.wait(
                [asyncio.ensure_future(session.ended.wait()) for session in sessions], timeout=FAREWELL_SECONDS
            )
        self.humans.close()
        self.has_stopped = True
