"""A conversation at a glance, for a list of those that run: who talks, what happens, what was said last.

Nothing is prepared while nobody looks; a look costs some microseconds, however long the conversation is.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from parola.conversation.conversation import Conversation
from parola.conversation.setup import Setup
from parola.conversation.transcript import AgentEntry, UserEntry
from parola.session.counting import Counting

MOST_OF_MESSAGE = 500
"""Characters of the last message."""


class Glance:
    """One conversation's."""

    def __init__(self, setup: Setup, conversation: Conversation, counting: Counting) -> None:
        self._setup = setup
        self._conversation = conversation
        self._counting = counting
        self._turns = self._counted = 0
        self.attached: Counter[str] = Counter()
        """Sockets beside it, by their roles."""

    def document(self, *, words: bool, user: bool) -> dict[str, Any]:
        """As REST shows it. ``words``, ``user``: whether what was said, and the user's id, may be shown."""
        setup, conversation = self._setup, self._conversation
        return {
            "conversation_id": setup.conversation_id,
            "agent_id": setup.agent_id,
            "agent_name": setup.agent_name,
            "started_at_unix_secs": int(setup.started_at_unix),
            "is_voice": not setup.text_only,
            "user_id": setup.user_id if user else None,
            "status": str(conversation.happening),
            "turns": self._count(),
            "last_message": self._last_message() if words else None,
            "taken_over_by": conversation.operator,
            "operators": self.attached["operator"],
            "latency_secs": self._counting.latency_seconds,
        }

    def _count(self) -> int:
        """Messages of both; entries are only ever added."""
        entries = self._conversation.transcript.entries
        for place in range(self._counted, len(entries)):
            self._turns += isinstance(entries[place], UserEntry | AgentEntry)
        self._counted = len(entries)
        return self._turns

    def _last_message(self) -> dict[str, str] | None:
        for entry in reversed(self._conversation.transcript.entries):
            match entry:
                case UserEntry(text=text) if text:
                    return {"role": "user", "text": text[:MOST_OF_MESSAGE]}
                case AgentEntry() if entry.said:
                    return {"role": "agent", "text": entry.said[:MOST_OF_MESSAGE]}
        return None
