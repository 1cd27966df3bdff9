"""Which commands from outside a record names (``metadata.x_commands``): bounded, and never without those that explain
how the conversation went on and ended."""

from __future__ import annotations

from collections import Counter

from parola.store.pages import Document

MOST_NAMED = 500
"""Messages, context, variables and answers to tools that are named, the first ones; of the others as many, the last
ones. The event log has them all, as long as it keeps them."""

REPEATED = frozenset(
    {"agent_message", "human_message", "user_message", "contextual_update", "variables", "tool_result"}
)
"""Kinds that may come by the hundred, and say nothing of the end."""


class NotedCommands:
    """Those of one conversation."""

    __slots__ = ("_deeds", "_left_out", "_named", "_words", "is_new")

    def __init__(self) -> None:
        self._named: list[Document] = []
        self._words = self._deeds = 0
        self._left_out: Counter[str] = Counter()
        self.is_new = False
        """There is something that ``metadata`` has not told yet."""

    def add(self, command: Document) -> None:
        """One more, in order: with ``type``, ``by`` and what else is known of it."""
        self.is_new = True
        kind = str(command["type"])
        if kind in REPEATED:
            if self._words == MOST_NAMED:
                self._left_out[kind] += 1
                return
            self._words += 1
        elif self._deeds == MOST_NAMED:
            oldest = next(index for index, one in enumerate(self._named) if one["type"] not in REPEATED)
            self._left_out[str(self._named.pop(oldest)["type"])] += 1
        else:
            self._deeds += 1
        self._named.append(command)

    def metadata(self) -> Document:
        """For the record: the whole; empty when there were none."""
        self.is_new = False
        told: Document = {"x_commands": list(self._named)} if self._named else {}
        if self._left_out:
            told["x_commands_left_out"] = dict(self._left_out)
        return told
