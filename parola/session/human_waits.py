"""A conversation waits for a person: its event log, its record, the metrics and the list of those who wait have it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from parola.conversation.actions import NoteHumanWait, NoteHumanWaitOver
from parola.conversation.setup import Setup
from parola.conversation.transcript import AgentEntry, Transcript, UserEntry
from parola.metrics import Metrics
from parola.session.human_queue import BEGAN, OVER, HumanQueue, Wish

LAST_LINES = 6
"""Messages of a conversation that are shown in the list."""

MOST_OF_LINE = 500
"""Characters of each."""


class HumanWaits:
    """Those of one conversation."""

    def __init__(
        self,
        queue: HumanQueue,
        metrics: Metrics,
        add_event: Callable[[str, dict[str, Any]], object],
        record: Callable[[int, dict[str, Any]], None],
    ) -> None:
        """``add_event`` is given who it is by and the event; ``record`` the number of the wait, from 0, and what is
        known of it."""
        self._queue = queue
        self._metrics = metrics
        self._add_event = add_event
        self._record = record
        self._count = 0
        self._known: dict[str, Any] = {}
        self._conversation_id = ""
        self._began_at = 0.0

    def noted(self, action: NoteHumanWait | NoteHumanWaitOver, setup: Setup, transcript: Transcript) -> None:
        match action:
            case NoteHumanWait():
                self._begins(action, setup, transcript)
            case NoteHumanWaitOver():
                self._over(action.outcome, action.waited_seconds, action.operator)

    def _begins(self, action: NoteHumanWait, setup: Setup, transcript: Transcript) -> None:
        self._conversation_id, self._began_at = setup.conversation_id, time.time()
        about = {"reason": action.reason, "by": action.by, "wait_timeout_secs": action.wait_seconds}
        self._add_event(action.by, {"type": BEGAN, f"{BEGAN}_event": about})
        self._known = {"since_unix_secs": int(self._began_at), **about, "outcome": None}
        self._record(self._count, self._known)
        self._queue.begins(
            Wish(
                setup.conversation_id,
                setup.agent_id,
                setup.agent_name,
                setup.user_id,
                setup.text_only,
                self._began_at,
                action.wait_seconds,
                action.reason,
                action.by,
                action.agent_is_silent,
                lambda: last_lines(transcript),
            )
        )

    def _over(self, outcome: str, waited_seconds: float, operator: str) -> None:
        about = {"outcome": outcome, "waited_secs": round(waited_seconds, 3), "operator": operator or None}
        self._add_event(operator or "server", {"type": OVER, f"{OVER}_event": about})
        self._known = {**self._known, **about}
        self._record(self._count, self._known)
        self._count += 1
        self._metrics.human_waited.observe(waited_seconds)
        self._metrics.human_waits[outcome] += 1
        self._queue.ends(self._conversation_id, outcome, waited_seconds, operator)
        self._conversation_id = ""

    def close(self) -> None:
        """The conversation is over, however it ended: it is not on the list any more."""
        if self._conversation_id:
            self._over("abandoned", time.time() - self._began_at, "")


def last_lines(transcript: Transcript, most: int = LAST_LINES) -> list[dict[str, str]]:
    """What was said last by both, oldest first."""
    found: list[dict[str, str]] = []
    for entry in reversed(transcript.entries):
        match entry:
            case UserEntry(text=text) if text:
                found.append({"role": "user", "message": text[:MOST_OF_LINE]})
            case AgentEntry(text=text) if text:
                found.append({"role": "agent", "message": text[:MOST_OF_LINE]})
        if len(found) == most:
            break
    return found[::-1]
