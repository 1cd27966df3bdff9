"""A person has the conversation: since when, and what becomes of the agent's clocks meanwhile.

While it lasts the agent is not asked for anything: what the user says is kept and shown to whoever watches. The time
it takes is not the agent's: ``max_duration`` stands still, up to a limit of its own, and the clocks of silence do not
run. Afterwards the model reads that a person was there, and everything that was said.
"""

from __future__ import annotations

from parola.conversation.deadlines import Deadlines
from parola.conversation.outgoing import Outgoing
from parola.conversation.transcript import NoteEntry, Transcript
from parola.protocol.server_messages import ExternalAgentConnected, ExternalAgentDisconnected

LONGEST_SECONDS = 7200.0
"""A takeover that somebody forgot ends with the call after this long."""


class Takeover:
    """On or off; holds back the deadline ``max_duration``."""

    __slots__ = ("_audio_id", "_deadlines", "_out", "_since", "_transcript", "is_on", "is_unwritten", "operator")

    def __init__(self, out: Outgoing, transcript: Transcript, deadlines: Deadlines) -> None:
        self._out = out
        self._transcript = transcript
        self._deadlines = deadlines
        self._since = 0.0
        self._audio_id = -1
        self.is_on = False
        self.operator = ""
        self.is_unwritten = False
        """The caller has heard the person's voice, and its words are not known yet."""

    def begins(self, operator: str, now: float) -> None:
        self.is_on, self.operator, self._since = True, operator, now
        self._deadlines.postpone("max_duration", LONGEST_SECONDS)
        self._deadlines.clear("turn_timeout", "silence", "soft_timeout", "llm")
        who = f"A person ({operator})" if operator else "A person"
        self._note(f"{who} has taken over the conversation from you. They say what follows, until you go on.", now)
        self._out.send(ExternalAgentConnected())

    def ends(self, now: float) -> None:
        self.is_on = False
        self._deadlines.postpone("max_duration", now - self._since - LONGEST_SECONDS)
        self._note("The person has handed the conversation back to you. Go on from here, with what was said.", now)
        self._out.send(ExternalAgentDisconnected())

    def _note(self, text: str, now: float) -> None:
        self._transcript.add(NoteEntry(text, now))

    def audio_id(self) -> int:
        """The event id of what the operator says now: theirs, until somebody else has drawn one."""
        if self._audio_id != self._out.last_event_id:
            self._audio_id = self._out.next_event_id()
        return self._audio_id
