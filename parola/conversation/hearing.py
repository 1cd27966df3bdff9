"""Facts about the user's speech, until they make a turn: which deadline it waits for, whether the words are there.

The rules are those of ``turn_taking``; what a turn that is over leads to, the conversation decides.
"""

from __future__ import annotations

from parola.conversation.actions import ForgetSpeech
from parola.conversation.deadlines import Deadlines
from parola.conversation.events import ListeningFailed, SpeechStarted, SpeechStopped, TranscriptUpdated
from parola.conversation.outgoing import Outgoing
from parola.conversation.turn_taking import BARGE_IN_SECONDS, TRANSCRIPT_SECONDS, UserTurn

MOST_FAILURES = 3
"""After so many failed transcriptions in a row the conversation is deaf."""


class Hearing:
    """The turn the user is making, and the deadlines ``barge_in``, ``end_of_turn`` and ``transcript``."""

    __slots__ = ("_deadlines", "_failures", "_out", "turn")

    def __init__(self, turn: UserTurn, out: Outgoing, deadlines: Deadlines) -> None:
        self.turn = turn
        self._out = out
        self._deadlines = deadlines
        self._failures = 0

    def speech_started(self, event: SpeechStarted) -> None:
        self.turn.speech_started(event)
        self._deadlines.clear("end_of_turn", "transcript")
        self._deadlines.set("barge_in", event.at + BARGE_IN_SECONDS)

    def speech_stopped(self, event: SpeechStopped, now: float) -> bool:
        """Says whether the utterance was long enough to take the floor, and had not done so yet."""
        if not self.turn.has_begun:
            return False
        self.turn.speech_stopped(event)
        is_new = "barge_in" in self._deadlines
        self._deadlines.clear("barge_in")
        self.is_over(now)
        return is_new and self.turn.spoken_seconds(now) >= BARGE_IN_SECONDS

    def transcribed(self, event: TranscriptUpdated) -> bool:
        """Says whether there are new words. Those of a turn that was taken are dropped."""
        if not self.turn.has_begun:
            return False
        self._failures = 0
        is_new = self.turn.transcribed(event.text)
        return is_new and bool(self.turn.text)

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

    def take(self) -> str:
        """The words of the turn; the next speech begins a new one."""
        text = self.turn.text
        self.turn.clear()
        self._deadlines.clear("end_of_turn", "transcript", "barge_in")
        self._out.ask(ForgetSpeech())
        return text
