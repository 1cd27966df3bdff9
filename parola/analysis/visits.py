"""Who took part in a conversation, and which part of it was whose: pure.

Every agent that had the conversation is asked what it wants to know of it. What has the scope ``conversation`` is
judged by the whole transcript, what has the scope ``agent`` by the part in which that agent was active.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from parola.analysis.wanted import Wanted, wanted_of
from parola.store.base import ConversationRow
from parola.store.pages import Document

AGENT, CONVERSATION = "agent", "conversation"


@dataclass(frozen=True, slots=True)
class Visit:
    """An agent that had the conversation."""

    agent_id: str
    branch_id: str | None
    agent: Mapping[str, Any] | None
    """Its document as it is now; None: it is gone."""

    @property
    def wanted(self) -> Wanted:
        return wanted_of(self.agent or {})


@dataclass(frozen=True, slots=True)
class Part:
    """What one agent wants to know, by the same transcript."""

    visit: Visit
    wanted: Wanted
    turns: Sequence[Document]
    is_portion: bool = False
    """The turns are not the whole conversation."""


def visited(row: ConversationRow, document: Mapping[str, Any] | None = None) -> list[tuple[str, str | None]]:
    """Ids and branches of the agents that had the conversation, in order, the one it began with first. ``document``:
    what is about to be added to the record."""
    known = (document or {}).get("visited_agents") or row.document.get("visited_agents") or ()
    found = {row.agent_id: row.document.get("branch_id")}
    for one in known:
        found.setdefault(str(one.get("agent_id")), one.get("branch_id"))
    return list(found.items())


def portion(turns: Sequence[Document], agent_id: str, first: str) -> list[Document]:
    """The turns in which this agent had the conversation, ``first`` being who began. What a user says belongs to who
    answers it: an agent that hands over does so in a turn of its own."""
    found: list[Document] = []
    waiting: list[Document] = []
    active = first
    for turn in turns:
        waiting.append(turn)
        if turn.get("role") == "agent":
            active = str((turn.get("agent_metadata") or {}).get("agent_id") or active)
            if active == agent_id:
                found += waiting
            waiting = []
    return found + waiting if active == agent_id else found


def parts(visits: Sequence[Visit], turns: Sequence[Document]) -> list[Part]:
    """What is to be found out, the summary first. One agent alone is asked once: its part is the whole."""
    first = visits[0]
    if len(visits) == 1:
        return [Part(first, first.wanted, turns)]
    found: list[Part] = []
    for visit in visits:
        whole, own = visit.wanted.of(CONVERSATION), visit.wanted.of(AGENT)
        if visit is first:
            found.append(Part(visit, replace(whole, is_partial=False), turns))
        elif whole.is_asked_for:
            found.append(Part(visit, whole, turns))
        if own.is_asked_for:
            found.append(Part(visit, own, portion(turns, visit.agent_id, first.agent_id), is_portion=True))
    is_judged = any(part.wanted.criteria for part in found)
    return [replace(part, wanted=replace(part.wanted, is_judged_elsewhere=is_judged)) for part in found]
