"""The model takes its time: something is said meanwhile, and the answer comes after it.

The reply that is being made steps aside (``HeldReply``) while the filler is said in the same turn. Keeps the deadline
``soft_timeout``; what is said is ``fillers``.
"""

from __future__ import annotations

from parola.conversation import asking, prompt
from parola.conversation.deadlines import Deadlines
from parola.conversation.phases import Phase
from parola.conversation.prompt import Lookup
from parola.conversation.setup import Setup
from parola.conversation.speaking import Speaking
from parola.conversation.timeline import AgentTimeline
from parola.conversation.transcript import Transcript


class SlowModel:
    """Counts fillers, of the conversation and of the present answer."""

    __slots__ = ("_count", "_deadlines", "_here", "_speaking", "_transcript", "setup")

    def __init__(self, setup: Setup, speaking: Speaking, transcript: Transcript, deadlines: Deadlines) -> None:
        self.setup = setup
        self._speaking = speaking
        self._transcript = transcript
        self._deadlines = deadlines
        self._count = 0
        self._here = 0

    def answer_begins(self) -> None:
        self._here = 0

    def was_asked(self, now: float) -> None:
        """From here on the model is waited for."""
        soft = self.setup.soft_timeout
        is_too_early = soft.after_first_user_message and not self._transcript.user_has_spoken
        if soft.seconds >= 0 and self._here < soft.most and not self.setup.text_only and not is_too_early:
            self._deadlines.set("soft_timeout", now + soft.seconds)

    def say_something(self, phase: Phase, lookup: Lookup, now: float) -> None:
        """The time is up: have a filler said, if the model has still not begun."""
        turn, soft = self._speaking.turn, self.setup.soft_timeout
        if turn is None or (phase is not Phase.THINKING and self._speaking.held is None):
            return
        text = prompt.fill_in(soft.message(self.setup.conversation_id, self._count), lookup)
        if not text and not soft.is_generated:
            return
        if turn.current is not None:
            self._speaking.step_aside(turn.current)
        self._count += 1
        self._here += 1
        if soft.is_generated:
            request = asking.filler_request(self.setup, self._transcript, lookup)
            self._speaking.think(request, AgentTimeline(asked_at=now, turn_closed_at=now), now, is_filler=True)
        else:
            self._speaking.say(text, now, is_filler=True)

    def answer_may_go_on(self) -> bool:
        """The reply that stepped aside has something to say, and nobody else is speaking. A filler of which nothing
        was heard yet gives way to it."""
        turn, held = self._speaking.turn, self._speaking.held
        if turn is None or held is None or not held.has_begun:
            return False
        if turn.current is None:
            return True
        if turn.current.was_sent:
            return False
        turn.stop()
        return True

    def filler_was_told(self, now: float) -> None:
        """The model is waited for again, and as long as ever."""
        self._speaking.await_held(now)
        self.was_asked(now)
