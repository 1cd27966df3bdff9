"""Nobody speaks: when the agent speaks up again (``turn_timeout``), and when the call ends (``silence``).

Both clocks run only while the floor is free. The second measures the *user's* silence: what the agent says unasked
does not restart it, nor does noise without words; it never cuts the agent off.
"""

from __future__ import annotations

from parola.conversation.deadlines import Deadlines
from parola.conversation.setup import Setup
from parola.conversation.turn_taking import UserTurn


class Silence:
    """Keeps the two deadlines; what happens at them, the conversation decides."""

    __slots__ = ("_deadlines", "_skip_seconds", "_user", "_wait_seconds", "is_waiting_after_skip", "setup")

    def __init__(self, setup: Setup, deadlines: Deadlines, user: UserTurn) -> None:
        self.setup = setup
        self._deadlines = deadlines
        self._user = user
        self._wait_seconds = setup.turn_timeout_seconds
        self._skip_seconds: float | None = None
        self.is_waiting_after_skip = False
        """The agent has left its turn to the user, and speaks again when the time for that has passed."""

    def begins(self, now: float, *, agent_greets: bool) -> None:
        """The conversation starts; without a greeting the agent waits for the user a little longer."""
        self.user_was_heard(now)
        if not agent_greets:
            self._wait(now, self.setup.initial_wait_seconds)

    def user_was_heard(self, now: float) -> None:
        """The user said, wrote or did something."""
        if self.setup.silence_end_call_seconds > 0:
            self._deadlines.set("silence", now + self.setup.silence_end_call_seconds)
        if "turn_timeout" in self._deadlines:
            self._wait(now, self._wait_seconds)

    def user_speaks(self) -> None:
        self._deadlines.clear("turn_timeout")

    def agent_takes_floor(self, *, answers_user: bool) -> None:
        self.is_waiting_after_skip = False
        self._deadlines.clear("turn_timeout")
        if answers_user:
            self._deadlines.clear("silence")

    def turn_was_skipped(self, seconds: float | None) -> None:
        """The agent lets the user think. ``seconds``: when it looks after them (``wait_timeout_secs``); until then the
        clock of their silence stands still. Below 0 it waits for them; None: as long as ever."""
        self._skip_seconds = seconds

    def floor_is_free(self, now: float, *, answered: bool = False) -> None:
        """It is the user's turn. ``answered``: the agent has just finished what the user asked for."""
        self.is_waiting_after_skip = False
        if (seconds := self._skip_seconds) is not None:
            self._skip_seconds = None
            self._wait(now, seconds)
            self.user_was_heard(now)
            if seconds >= 0 and "turn_timeout" in self._deadlines:
                self.is_waiting_after_skip = True
                self._deadlines.clear("silence")
            return
        self._wait(now, None)
        if answered:
            self.user_was_heard(now)
        elif self.setup.silence_end_call_seconds > 0 and "silence" not in self._deadlines:
            self._deadlines.set("silence", now)  # it passed while the agent, or noise, had the floor

    def _wait(self, now: float, seconds: float | None) -> None:
        self._wait_seconds = self.setup.turn_timeout_seconds if seconds is None else seconds
        if self._wait_seconds < 0 or self.setup.text_only:
            self._deadlines.clear("turn_timeout")
        else:
            self._deadlines.set("turn_timeout", max(now, self._user.held_until) + self._wait_seconds)
