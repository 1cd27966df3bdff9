"""The last words, and the end: what is said before the hang-up, how long it is waited for, what is kept of it."""

from __future__ import annotations

from parola.conversation.deadlines import Deadlines
from parola.conversation.ending import FAREWELL_SECONDS, Ending
from parola.conversation.hearing import Hearing
from parola.conversation.outgoing import Outgoing
from parola.conversation.speaking import Speaking
from parola.conversation.tool_rounds import Tools


class Farewell:
    """Keeps the deadline ``farewell``."""

    __slots__ = ("_deadlines", "_hearing", "_out", "_speaking", "_tools", "how")

    def __init__(self, out: Outgoing, deadlines: Deadlines, speaking: Speaking, tools: Tools, hearing: Hearing) -> None:
        self._out = out
        self._deadlines = deadlines
        self._speaking = speaking
        self._tools = tools
        self._hearing = hearing
        self.how: Ending | None = None
        """How the conversation will end, while the last words are being said."""

    def begins(self, how: Ending, now: float) -> None:
        """From here on only the last words are made and played, and what runs may finish."""
        self.how = how
        self._deadlines.keep("ping", "tool")
        self._deadlines.set("farewell", max(now, self._speaking.playback.ends_at) + FAREWELL_SECONDS)

    def is_over(self, now: float) -> bool:
        """The goodbye has been heard, and other tools of the same step have answered."""
        return self._speaking.is_done(now) and not self._tools.is_running

    def hang_up(self, how: Ending, now: float) -> None:
        """Stop, keep what was said to the last word, tell why, hang up. The ``Close`` is the last action."""
        if not self._speaking.is_done(now):
            self._speaking.cut(now, is_interruption=False)
        if self._hearing.turn.text and (entry := self._hearing.take(now, "end_of_call")):
            self._hearing.keep(entry)
        self._speaking.drop_held()
        self._tools.give_up(now)
        if how.error is not None:
            self._out.send(how.error)
        self._deadlines.keep()
        self._out.ask(how.close)
