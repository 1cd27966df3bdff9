"""Facts about the user's speech, until they make a turn: which deadline it waits for, whether the words are there.

The rules are those of ``turn_taking``; what a turn that is over leads to, the conversation decides.
"""

from __future__ import annotations

from parola.conversation import wording
from parola.conversation.actions import ForgetSpeech, TranscribeNow
from parola.conversation.deadlines import Deadlines
from parola.conversation.events import (
    ListeningFailed,
    SpeechStarted,
    SpeechStopped,
    TranscriptUpdated,
    TurnEndPredicted,
)
from parola.conversation.outgoing import Outgoing
from parola.conversation.setup import Setup
from parola.conversation.transcript import Transcript, UserEntry
from parola.conversation.turn_taking import LOOK_SECONDS, TRANSCRIPT_SECONDS, UserTurn
from parola.protocol.server_messages import UserTranscript

MOST_FAILURES = 3
"""After so many failed transcriptions in a row the conversation is deaf."""


class Hearing:
    """The turn the user is making, and the deadlines ``barge_in``, ``end_of_turn`` and ``transcript``."""

    __slots__ = ("_deadlines", "_failures", "_out", "_transcript", "setup", "turn")

    def __init__(self, setup: Setup, out: Outgoing, transcript: Transcript, deadlines: Deadlines) -> None:
        self.turn = UserTurn(setup.patience)
        self.setup = setup
        self._out = out
        self._transcript = transcript
        self._deadlines = deadlines
        self._failures = 0

    def speech_started(self, event: SpeechStarted) -> None:
        self.turn.speech_started(event.at)
        self._deadlines.clear("end_of_turn", "transcript")
        self._deadlines.set("barge_in", event.at + self.setup.barge_in.first_look_seconds())

    def speech_stopped(self, event: SpeechStopped, now: float) -> bool:
        """Says whether the utterance had not been judged for barge-in yet."""
        if not self.turn.has_begun:
            return False
        self.turn.speech_stopped(event.at)
        self.turn.weigh(now)
        is_new = "barge_in" in self._deadlines
        self._deadlines.clear("barge_in")
        self.is_over(now)
        return is_new

    def predicted(self, event: TurnEndPredicted, now: float) -> bool:
        """Says whether it is about a silence that still lasts."""
        if self.turn.stopped_at is None:
            return False
        self.turn.probability = min(1.0, max(0.0, event.probability))
        self.turn.weigh(now)
        return True

    def transcribed(self, event: TranscriptUpdated, now: float) -> bool:
        """Says whether there are new words. Those of a turn that was taken are dropped."""
        if not self.turn.has_begun:
            return False
        if event.is_partial:
            is_new = event.text.strip() != (self.turn.partial or "")
            if self.turn.is_speaking:
                self.turn.partial = event.text.strip()
            return is_new and bool(self.turn.partial)
        self._failures = 0
        is_new = self.turn.transcribed(event.text, now)
        self.turn.wording = wording.read(
            self.turn.text, self.setup.language, asked_for_spelling=self._asked_for_spelling()
        )
        if not self.setup.spelling_patience and self.turn.wording is wording.Wording.SPELLING:
            self.turn.wording = wording.Wording.PLAIN
        self.turn.weigh(now)
        return is_new and bool(self.turn.text)

    def _asked_for_spelling(self) -> bool:
        return wording.asks_for_spelling(self._transcript.last_of_agent)

    def look_again(self, now: float) -> None:
        """Somebody speaks over the agent, and it is not yet known what: ask for the words so far."""
        self._out.ask(TranscribeNow())
        self._deadlines.set("barge_in", now + LOOK_SECONDS)

    def failed(self, event: ListeningFailed) -> bool:
        """Says whether it has failed too often."""
        self._out.warn(f"Speech could not be transcribed: {event.message}")
        self._failures += 1
        self.turn.not_transcribed()
        return self._failures >= MOST_FAILURES

    def transcript_did_not_come(self) -> ListeningFailed:
        """Its time has passed: go on with the words that are there."""
        self.turn.awaited_transcripts = 0
        return ListeningFailed("The transcript did not come.")

    def is_over(self, now: float) -> bool:
        """The silence was long enough and the words are there; if not, the deadline for what is missing is set."""
        turn, ends_at = self.turn, self.turn.ends_at
        if not turn.awaited_transcripts:
            self._deadlines.clear("transcript")
        if ends_at is None:
            return False
        if now < ends_at:
            self._deadlines.set("end_of_turn", ends_at)
            return False
        if turn.awaited_transcripts and "transcript" not in self._deadlines:
            self._deadlines.set("transcript", now + TRANSCRIPT_SECONDS)
        return not turn.awaited_transcripts

    def take(self, now: float, because: str = "") -> UserEntry | None:
        """The turn, if there were words in it; the next speech begins a new one. ``because``: what closed it, when
        that was not the silence."""
        turn = self.turn
        entry = None
        if turn.text:
            turn.times.closed_at = now
            turn.times.closed_because = because or turn.reason
            entry = UserEntry(turn.text, self._out.next_event_id(), now, "audio", times=turn.times)
        turn.clear()
        self._deadlines.clear("end_of_turn", "transcript", "barge_in")
        self._out.ask(ForgetSpeech())
        return entry

    def take_over(self, setup: Setup) -> None:
        """Another agent listens, with a patience of its own."""
        self.setup = setup
        self.turn.patience = setup.patience

    def keep(self, entry: UserEntry) -> None:
        """Into the record. What the client does not know by itself is told to it: what was spoken, unless it was no
        more than a backchannel, and what somebody else wrote."""
        self._out.record(self._transcript.add(entry))
        if (entry.medium == "audio" and not entry.is_backchannel) or entry.injected is not None:
            self._out.send(UserTranscript(user_transcript=entry.text, event_id=entry.event_id))
