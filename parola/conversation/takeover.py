"""A person has the conversation: who, since when, and what becomes of the agent's clocks meanwhile.

While it lasts the agent is not asked for anything: what the user says is kept and shown to whoever watches. The time
it takes is not the agent's: ``max_duration`` stands still, up to a limit of its own, and the clocks of silence do not
run. Afterwards the model reads that a person was there, and everything that was said.

A person is a name. Whoever takes over in somebody's name (a backend, for Ann) may act for them as well: both names hold
it. Holders who took over while they were there by a socket, and are not any more, have a while to come back; then the
agent goes on. Who took over without one cannot leave: sockets of their name that come and go change nothing.
"""

from __future__ import annotations

from parola.conversation.actions import NoteOperator
from parola.conversation.deadlines import Deadlines
from parola.conversation.outgoing import Outgoing
from parola.conversation.transcript import NoteEntry, Transcript
from parola.protocol.server_messages import ExternalAgentConnected, ExternalAgentDisconnected

LONGEST_SECONDS = 7200.0
"""A takeover that somebody forgot ends with the call after this long."""

GRACE_SECONDS = 30.0
"""A person whose last socket is gone may come back so long."""


class Takeover:
    """On or off; holds back the deadline ``max_duration``, keeps the deadline ``takeover``."""

    __slots__ = (
        "_audio_id",
        "_deadlines",
        "_is_by_socket",
        "_left_at",
        "_names",
        "_out",
        "_present",
        "_since",
        "_transcript",
        "_unwritten",
        "is_on",
        "operator",
    )

    def __init__(self, out: Outgoing, transcript: Transcript, deadlines: Deadlines) -> None:
        self._out = out
        self._transcript = transcript
        self._deadlines = deadlines
        self._since = self._left_at = 0.0
        self._audio_id = -1
        self._names: frozenset[str] = frozenset()
        self._present: set[str] = set()
        """Who is there by a socket."""
        self._is_by_socket = False
        """A holder was among them when they took over."""
        self._unwritten: dict[str, str] = {}
        """Whose voice the caller has heard without its words being known yet: by its name, who that is."""
        self.is_on = False
        self.operator = ""

    def begins(self, operator: str, by: str, now: float) -> None:
        """``operator`` has the conversation from here on, by a command of ``by``."""
        self.is_on, self.operator, self._since = True, operator, now
        self._names = frozenset((operator, by))
        self._is_by_socket = not self._names.isdisjoint(self._present)
        self._deadlines.postpone("max_duration", LONGEST_SECONDS)
        self._deadlines.clear("turn_timeout", "silence", "soft_timeout", "llm")
        who = f"A person ({operator})" if operator else "A person"
        self._note(f"{who} has taken over the conversation from you. They say what follows, until you go on.", now)
        self._out.send(ExternalAgentConnected())

    def ends(self, now: float) -> None:
        self._end("The person has handed the conversation back to you. Go on from here, with what was said.", now)

    def lapses(self, now: float) -> None:
        """The person did not come back."""
        self._out.ask(NoteOperator("lapsed", self.operator, now - self._left_at))
        self._end("The person has left without handing back. Go on from here, with what was said.", now)

    def _end(self, note: str, now: float) -> None:
        self.is_on = False
        self._deadlines.clear("takeover")
        self._deadlines.postpone("max_duration", now - self._since - LONGEST_SECONDS)
        self._note(note, now)
        self._out.send(ExternalAgentDisconnected())

    def _note(self, text: str, now: float) -> None:
        self._transcript.add(NoteEntry(text, now))

    # -- who it is ----------------------------------------------------------------------------------------------------

    def is_held_by(self, name: str) -> bool:
        return self.is_on and name in self._names

    def is_awaiting(self, name: str) -> bool:
        """Their last socket is gone, and they may come back."""
        return "takeover" in self._deadlines and self.is_held_by(name)

    def came(self, name: str, now: float) -> None:
        """Somebody is there by a socket."""
        self._present.add(name)
        if self.is_awaiting(name):
            self._deadlines.clear("takeover")
            self._out.ask(NoteOperator("back", self.operator, now - self._left_at))

    def left(self, name: str, now: float) -> None:
        """Their last socket is gone."""
        self._present.discard(name)
        if self._is_by_socket and self.is_held_by(name) and self._names.isdisjoint(self._present):
            self._left_at = now
            self._deadlines.set("takeover", now + GRACE_SECONDS)
            self._out.ask(NoteOperator("left", self.operator, GRACE_SECONDS))

    def acted(self, name: str, now: float) -> None:
        """A holder without a socket who acts by REST is not gone."""
        if self.is_awaiting(name):
            self._deadlines.set("takeover", now + GRACE_SECONDS)

    # -- their voice --------------------------------------------------------------------------------------------------

    def audio_id(self) -> int:
        """The event id of what the operator says now: theirs, until somebody else has drawn one."""
        if self._audio_id != self._out.last_event_id:
            self._audio_id = self._out.next_event_id()
        return self._audio_id

    def was_heard(self, name: str) -> None:
        """The caller has heard this person's voice; its words are not known yet."""
        self._unwritten[name] = self.operator

    def whose_words(self, name: str) -> str | None:
        """Who said the words that are known of this voice now; None: the caller has heard nothing of it."""
        is_theirs = self.is_held_by(name)
        return self._unwritten.pop(name, self.operator if is_theirs else None)
