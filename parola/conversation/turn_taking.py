"""The rules of the floor: when the user's turn is over, and what takes the floor from the agent.

A user turn is over when the user has been silent for long enough *and* the words of all that was said are there. How
long is enough follows from one decision on all the evidence there is: how the voice sounded (``TurnEndPredicted``),
what the words say (``wording``), whether something is being spelled, how eager the agent is. The words come from
``TranscriptUpdated``, one for each pause, and always cover the whole turn. A turn is taken when the agent can be
answered to: words said into a reply that cannot be cut wait until that reply has been heard.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from parola.conversation.backchannels import IgnoreTerms, count_words, is_hum
from parola.conversation.timeline import UserTimeline, VerdictAt
from parola.conversation.wording import Wording

TYPING_SECONDS = 2.0
"""How long a ``user_activity`` keeps the agent from taking the turn."""

TRANSCRIPT_SECONDS = 15.0
"""How long the words of a turn may lag behind its end before listening counts as failed."""


# -- the end of a turn ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a silence ends a turn, in seconds, by what is known about the turn."""

    finished: float
    """Nothing speaks against its end, and something for it."""
    silence: float
    """Nothing is known but that the user is silent."""
    unsure: float
    """The evidence disagrees."""
    unfinished: float
    """More is coming; but nobody waits much longer than a second for it."""
    spelling: float
    """Digits, letters or an address are being dictated, with pauses between the groups."""


PATIENCE = {
    "eager": Patience(finished=0.3, silence=0.35, unsure=0.45, unfinished=0.9, spelling=1.2),
    "normal": Patience(finished=0.45, silence=0.5, unsure=0.8, unfinished=1.1, spelling=1.6),
    "patient": Patience(finished=0.7, silence=0.9, unsure=1.0, unfinished=1.2, spelling=2.4),
}
"""By the agent's ``turn_eagerness``."""

PROBABLY_OVER = 0.9
PROBABLY_NOT_OVER = 0.15
"""What the turn detector must say to count for, or against, the end. Between the two it has no opinion: on recorded
people 0.6 and more is said of most pauses, in the middle of a sentence too (``docs/listening.md``)."""

Reason = Literal["finished", "silence", "unsure", "unfinished", "spelling"]


def verdict(probability: float | None, wording: Wording) -> Reason:
    """Weigh the evidence. ``probability`` is the turn detector's, None when it has not spoken.

    Words win over sound where they are sure: the detector hears a falling tone in "my number is four one five". A turn
    whose words sound complete is never held for the sound alone.
    """
    if wording is Wording.SPELLING:
        return "spelling"
    if wording is Wording.OPEN:
        return "unfinished"
    if probability is None:
        return "finished" if wording is Wording.CLOSED else "silence"
    if probability >= PROBABLY_OVER:
        return "finished"
    if probability <= PROBABLY_NOT_OVER:
        return "unsure" if wording is Wording.CLOSED else "unfinished"
    return "unsure"


@dataclass(slots=True)
class UserTurn:
    """What the user has said since the last turn ended. Times are monotonic seconds."""

    patience: Patience
    text: str = ""
    """The words up to the last pause."""
    partial: str | None = None
    """The words up to a moment ago, while the user is speaking; None when nobody asked."""
    is_speaking: bool = False
    started_at: float | None = None
    """When the present utterance began; None before any speech."""
    stopped_at: float | None = None
    """When the user fell silent; None while speaking, or before any speech."""
    awaited_transcripts: int = 0
    held_until: float = 0.0
    """The user is typing: the turn is not over before this."""
    probability: float | None = None
    """What the turn detector says of the last utterance."""
    wording: Wording = Wording.NONE
    """What the words up to the last pause say."""
    times: UserTimeline = field(default_factory=UserTimeline)

    @property
    def has_begun(self) -> bool:
        return self.started_at is not None

    def speech_started(self, at: float) -> None:
        if self.times.speech_started_at is None:
            self.times.speech_started_at = at
        self.is_speaking = True
        self.started_at = at
        self.stopped_at = None
        self.partial = None
        self.probability = None

    def speech_stopped(self, at: float) -> None:
        self.is_speaking = False
        self.stopped_at = self.times.speech_stopped_at = at
        self.partial = None
        self.awaited_transcripts += 1

    def transcribed(self, text: str, now: float) -> bool:
        """The turn's words so far; says whether they are new."""
        text = text.strip()
        self.not_transcribed()
        is_new = text != self.text
        self.text = text
        self.times.transcribed_at = now
        return is_new

    def not_transcribed(self) -> None:
        self.awaited_transcripts = max(0, self.awaited_transcripts - 1)

    @property
    def reason(self) -> Reason:
        """Why the turn would end when it would, as things stand."""
        return verdict(self.probability, Wording.NONE if self.awaited_transcripts else self.wording)

    def weigh(self, now: float) -> None:
        """The evidence has changed: note what it comes to."""
        if self.stopped_at is not None:
            wait: float = getattr(self.patience, self.reason)
            self.times.note(VerdictAt(now, self.reason, wait, self.probability, self.wording.value))

    @property
    def ends_at(self) -> float | None:
        """When silence alone would end the turn; None while the user speaks."""
        if self.stopped_at is None:
            return None
        wait: float = getattr(self.patience, self.reason)
        return max(self.stopped_at + wait, self.held_until)

    @property
    def is_waiting_to_be_taken(self) -> bool:
        """The user has fallen silent and all the words are there."""
        return bool(self.text) and not self.is_speaking and not self.awaited_transcripts

    @property
    def newest_words(self) -> str | None:
        """The words as far as they are known; None when none of the present utterance are."""
        if self.is_speaking:
            return self.partial
        return None if self.awaited_transcripts else self.text

    def has_spoken_for(self, seconds: float, now: float) -> bool:
        """The present (or last) utterance is that long. Times are added, not subtracted, as a deadline is: the
        difference of two of them may be a rounding error short of the sum's term, and the moment would be missed."""
        if self.started_at is None:
            return False
        return (now if self.stopped_at is None else self.stopped_at) >= self.started_at + seconds

    def clear(self) -> None:
        """The turn has been taken. Transcripts still on their way belong to it and are no longer awaited."""
        self.text = ""
        self.partial = None
        self.is_speaking = False
        self.started_at = None
        self.stopped_at = None
        self.awaited_transcripts = 0
        self.held_until = 0.0
        self.probability = None
        self.wording = Wording.NONE
        self.times = UserTimeline()


# -- the floor --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Floor:
    """The agent's hold of the floor at one moment."""

    is_busy: bool = False
    """Something of the agent is being made, or can be heard."""
    is_protected: bool = False
    """A first message, a tool or a goodbye that may not be cut."""
    was_sent: bool = False
    """The client has got something of it."""
    client_can_be_cut: bool = True
    """The hosted platform cuts the agent only for clients that listen to ``interruption``."""

    @property
    def yields_to_text(self) -> bool:
        """What the user writes takes the floor."""
        return self.is_busy and not self.is_protected

    @property
    def yields_to_speech(self) -> bool:
        """What the user says takes the floor. As long as nothing was sent, any client can be spared it."""
        return self.yields_to_text and (self.client_can_be_cut or not self.was_sent)

    @property
    def keeps_from_speech(self) -> bool:
        """What the user says has to wait until the agent has been heard."""
        return self.is_protected or (self.is_busy and not self.yields_to_speech)


BARGE_IN_SECONDS = 0.2
"""Speech that takes the floor from the agent, where words are not asked for."""

LOOK_SECONDS = 0.25
"""How long one look at the words of somebody who speaks over the agent is good for."""

JUST_ASKED_WORDS = 5
"""So few words after a question, and "yes" still answers it."""

UNHEARD_SECONDS = 1.0
"""Speech of this length takes the floor although no words of it have come: nobody says "mhm" for so long."""


@dataclass(frozen=True, slots=True)
class BargeIn:
    """What an agent asks of those who speak over it."""

    min_seconds: float = BARGE_IN_SECONDS
    min_words: int = 0
    """0 or 1: sound is enough."""
    ignore_terms: IgnoreTerms = field(default_factory=IgnoreTerms)
    """Phrases that never take the floor."""
    backchannels: IgnoreTerms = field(default_factory=IgnoreTerms)
    """Phrases after which the agent goes on where it was cut, unless it had just asked something."""
    resumes: bool = True
    """After an interruption that turned out to be none, the agent goes on."""

    @property
    def needs_words(self) -> bool:
        return self.min_words > 1 or bool(self.ignore_terms)

    def first_look_seconds(self) -> float:
        """How long somebody has to speak before it is worth asking whether they mean it."""
        return max(self.min_seconds, LOOK_SECONDS) if self.needs_words else self.min_seconds

    def judge(self, turn: UserTurn, now: float) -> Literal["yields", "look_again", "stays"]:
        """Somebody speaks, or has just spoken, over the agent: does it yield?"""
        heard = turn.newest_words
        if not self.needs_words:
            was_noise = not turn.is_speaking and heard == ""
            if turn.has_spoken_for(self.min_seconds, now):
                return "stays" if was_noise else "yields"
            return "look_again" if turn.is_speaking else "stays"
        if heard is not None and heard.strip() and not self.ignores(heard):
            return "yields"
        if turn.is_speaking and (heard is not None or not turn.has_spoken_for(UNHEARD_SECONDS, now)):
            return "look_again"
        return "yields" if turn.is_speaking else "stays"

    def ignores(self, text: str) -> bool:
        """These words, and no others, leave the floor to the agent."""
        return self.ignore_terms.covers(text) or count_words(text) < self.min_words

    def is_backchannel(self, text: str, agent_heard: str) -> bool:
        """These words, over the agent's voice, only show that the user listens. After a question "yes" is an answer."""
        is_listening = self.ignores(text) or (self.resumes and (self.backchannels.covers(text) or is_hum(text)))
        return is_listening and not just_asked(agent_heard)


def just_asked(agent_heard: str) -> bool:
    """The last the user heard was a question."""
    _, mark, after = agent_heard.replace("？", "?").rpartition("?")
    return bool(mark) and count_words(after) <= JUST_ASKED_WORDS
