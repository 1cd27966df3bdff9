"""What is to be deleted and when, in memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from parola.store.base import ConversationRow
from parola.store.pages import Document


class _Conversations(Protocol):
    async def get(self, conversation_id: str) -> ConversationRow | None: ...

    async def erase(self, conversation_id: str, document: Document, *, words: bool, audio: bool) -> None: ...


class MemoryRetention:
    def __init__(self, conversations: _Conversations) -> None:
        self._conversations = conversations
        self._plan: dict[str, float] = {}

    async def plan(self, conversation_ids: Sequence[str], due_at: float) -> None:
        for conversation_id in conversation_ids:
            if await self._conversations.get(conversation_id) is not None:
                self._plan[conversation_id] = due_at

    async def keep(self, conversation_ids: Sequence[str]) -> None:
        for conversation_id in conversation_ids:
            self._plan.pop(conversation_id, None)

    async def due(self, now: float, most: int) -> Sequence[str]:
        found: list[str] = []
        for due_at, conversation_id in sorted((due_at, one) for one, due_at in self._plan.items()):
            row = await self._conversations.get(conversation_id)
            if due_at <= now and row is not None and row.status in ("done", "failed"):
                found.append(conversation_id)
        return found[:most]

    async def erase(self, conversation_id: str, document: Document, *, words: bool, audio: bool) -> None:
        await self._conversations.erase(conversation_id, document, words=words, audio=audio)
        self._plan.pop(conversation_id, None)
