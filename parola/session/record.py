"""The stored record of one conversation, written while it happens."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any

from parola.conversation.actions import Close
from parola.conversation.setup import Setup
from parola.store.base import ConversationChange, Conversations, Document


class Record:
    """Collects what one step of the conversation changes and writes it as one."""

    def __init__(self, conversations: Conversations, setup: Setup) -> None:
        self._conversations = conversations
        self._id = setup.conversation_id
        self._loop = asyncio.get_running_loop()
        self._turns: dict[int, Document] = {}
        self._warnings: list[str] = []
        self._retrievals: set[int] = set()
        """Turns for which the agent's documents were searched."""
        self._embedding_model = ""
        self._has_new_warnings = False

    def turn(self, index: int, turn: Mapping[str, Any]) -> None:
        self._turns[index] = dict(turn)
        if (info := turn.get("rag_retrieval_info")) is not None:
            self._retrievals.add(index)
            self._embedding_model = info["embedding_model"]

    def warn(self, message: str) -> None:
        if message not in self._warnings:
            self._warnings.append(message)
            self._has_new_warnings = True

    def flush(self) -> asyncio.Task[None] | None:
        """Begin to write what was collected; None when there is nothing."""
        if not self._turns and not self._has_new_warnings:
            return None
        turns, self._turns = self._turns, {}
        document = {"metadata": {"warnings": list(self._warnings)}} if self._has_new_warnings else None
        self._has_new_warnings = False
        change = ConversationChange(turns=turns, document=document)
        return self._loop.create_task(self._conversations.write(self._id, change))

    async def finish(self, close: Close, *, has_audio: bool) -> None:
        """The terminal state, with what was still unwritten."""
        metadata: Document = {"warnings": list(self._warnings)}
        if self._retrievals:
            usage = {"usage_count": len(self._retrievals), "embedding_model": self._embedding_model}
            metadata["rag_usage"] = usage
        if close.error is not None:
            metadata["error"] = dict(close.error)
        change = ConversationChange(
            turns=self._turns,
            status=close.status,
            ended_at=time.time(),
            termination_reason=close.termination_reason or close.reason,
            has_audio=has_audio,
            document={"metadata": metadata},
        )
        self._turns = {}
        await self._conversations.write(self._id, change)
