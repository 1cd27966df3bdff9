"""The stored record of one conversation, written while it happens."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from parola.conversation.actions import Close
from parola.conversation.setup import Setup
from parola.session.features import Features
from parola.session.noted_commands import NotedCommands
from parola.store.base import ConversationChange, Conversations
from parola.store.pages import Document

EndRecord = Callable[[str, ConversationChange], Awaitable[None]]
"""Stores the last change of a conversation, and sees to what follows a call. Raises what the store raises."""


MOST_CONNECTIONS = 100
"""Losses and returns of the client that a record names (``metadata.x_connections``)."""

MOST_HUMAN_WAITS = 100
"""Times it waited for a person that a record names (``metadata.x_waiting_for_human``)."""


class Record:
    """Collects what one step of the conversation changes and writes it as one."""

    def __init__(self, conversations: Conversations, setup: Setup, end: EndRecord | None = None) -> None:
        """Without ``end`` the last change is a write like any other."""
        self._conversations = conversations
        self._end = end or conversations.write
        self._id = setup.conversation_id
        self._loop = asyncio.get_running_loop()
        self._began_at = self._loop.time()
        self._turns: dict[int, Document] = {}
        self._warnings: list[str] = []
        self._retrievals: set[int] = set()
        """Turns for which the agent's documents were searched."""
        self._embedding_model = ""
        self._has_new_warnings = False
        self._visited: list[Document] = [{"agent_id": setup.agent_id, "branch_id": setup.branch_id}]
        self._has_moved = False
        self._commands = NotedCommands()
        self._connections: list[Document] = []
        self._has_new_connections = False
        self._human_waits: dict[int, Document] = {}
        self._has_new_human_waits = False
        self._features = Features(setup)
        self._audio: Document = {}
        self.language = setup.language
        """The one that is spoken now."""
        self._languages: dict[int, str] = {}
        """In which language the user said each turn; the record's main language is the commonest."""
        self._tools: dict[str, None] = {}
        """Names of the tools that were called, in order."""

    def visited(self, setup: Setup) -> None:
        """An agent has taken over."""
        self._features.meets(setup)
        ref: Document = {"agent_id": setup.agent_id, "branch_id": setup.branch_id}
        if ref not in self._visited:
            self._visited.append(ref)
            self._has_moved = True

    def turn(self, index: int, turn: Mapping[str, Any]) -> None:
        self._turns[index] = dict(turn)
        self._features.saw(turn)
        self._tools |= dict.fromkeys(str(call["tool_name"]) for call in turn.get("tool_calls") or ())
        if turn.get("role") == "user" and turn.get("source_medium"):
            self._languages.setdefault(index, self.language)
        if (info := turn.get("rag_retrieval_info")) is not None:
            self._retrievals.add(index)
            self._embedding_model = info["embedding_model"]

    def warn(self, message: str) -> None:
        if message not in self._warnings:
            self._warnings.append(message)
            self._has_new_warnings = True

    def audio(self, *, user: bool, agent: bool) -> None:
        """Whose voice the recording has."""
        self._audio = {"has_user_audio": user, "has_response_audio": agent}

    def commanded(self, kind: str, by: str, seq: int, /, **about: Any) -> None:
        """Somebody outside the call had something done in it; ``seq`` is its number in the event log."""
        at = {"time_unix_secs": int(time.time()), "time_in_call_secs": round(self._loop.time() - self._began_at, 3)}
        self._commands.add({"type": kind, "by": by, "seq": seq, **about, **at})

    def connection(self, event: Mapping[str, Any]) -> None:
        """The client's connection was lost, or it is back: an event of the log."""
        if len(self._connections) < MOST_CONNECTIONS:
            kind = str(event["type"])
            at = {"time_unix_secs": int(time.time()), "time_in_call_secs": round(self._loop.time() - self._began_at, 3)}
            about = {name: value for name, value in event[f"{kind}_event"].items() if name != "reason"}
            self._connections.append({"type": kind, **at, **about})
            self._has_new_connections = True

    def human_wait(self, number: int, about: Mapping[str, Any]) -> None:
        """What is known of the time that the conversation waited for a person, the first with number 0."""
        if number < MOST_HUMAN_WAITS:
            began_at = round(self._loop.time() - self._began_at, 3)
            self._human_waits.setdefault(number, {"time_in_call_secs": began_at}).update(about)
            self._has_new_human_waits = True

    def flush(self) -> asyncio.Task[None] | None:
        """Begin to write what was collected; None when there is nothing."""
        has_metadata = self._has_new_warnings or self._commands.is_new or self._has_new_connections
        has_metadata |= self._has_new_human_waits
        if not self._turns and not has_metadata and not self._has_moved:
            return None
        turns, self._turns = self._turns, {}
        document: Document = {"metadata": {"warnings": list(self._warnings)}} if self._has_new_warnings else {}
        if self._has_moved:
            document["visited_agents"] = list(self._visited)
        if self._commands.is_new:
            document.setdefault("metadata", {}).update(self._commands.metadata())
        if self._has_new_connections:
            document.setdefault("metadata", {})["x_connections"] = list(self._connections)
        if self._has_new_human_waits:
            document.setdefault("metadata", {})["x_waiting_for_human"] = self._told_human_waits()
            self._has_new_human_waits = False
        self._has_new_warnings = self._has_moved = self._has_new_connections = False
        change = ConversationChange(turns=turns, document=document or None)
        return self._loop.create_task(self._write(change))

    def _told_human_waits(self) -> list[Document]:
        return [dict(wait) for wait in self._human_waits.values()]

    async def _write(self, change: ConversationChange) -> None:
        # What the same step of the conversation starts, a tool's request or the next reply, leaves first.
        await asyncio.sleep(0)
        await self._conversations.write(self._id, change)

    async def finish(self, close: Close, *, has_audio: bool, charging: Mapping[str, Any] | None = None) -> None:
        """The terminal state, with what was still unwritten."""
        metadata: Document = {
            "warnings": list(self._warnings),
            "x_close": {
                "code": close.code,
                "reason": close.reason,
                "by": close.by,
                "status": close.status,
                "cause": close.cause,
            },
        }
        if close.is_client_away:
            metadata["x_close"]["client_away"] = True
        metadata["features_usage"] = self._features.document()
        if self._languages:
            metadata["main_language"] = Counter(self._languages.values()).most_common(1)[0][0]
        metadata |= self._commands.metadata()
        if self._connections:
            metadata["x_connections"] = list(self._connections)
        if self._human_waits:
            metadata["x_waiting_for_human"] = self._told_human_waits()
        if self._retrievals:
            usage = {"usage_count": len(self._retrievals), "embedding_model": self._embedding_model}
            metadata["rag_usage"] = usage
        if charging:
            metadata["charging"] = dict(charging)
        if close.error is not None:
            metadata["error"] = dict(close.error)
        change = ConversationChange(
            turns=self._turns,
            status=close.status,
            ended_at=time.time(),
            termination_reason=close.termination_reason or close.reason,
            has_audio=has_audio,
            document={"metadata": metadata, "tool_names": list(self._tools), **self._audio},
        )
        self._turns = {}
        await self._end(self._id, change)
