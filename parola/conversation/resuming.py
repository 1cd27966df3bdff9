"""The client's connection breaks, and it may come back: what happens to the conversation meanwhile.

By voice the agent is silent while nobody listens. It stops where it is, as at an interruption: what had been played by
then counts as heard, and the rest is said when the client is back, or the answer that is owed. By text it goes on, and
what it writes is kept for the client. In both the clocks of silence stand still, tools that the server runs go on, and
calls that the client had not answered wait, and are asked again. ``max_duration`` is a limit of the whole call and runs
on.

Only a connection that broke is waited for: a client that closes the socket has hung up. A conversation that is ending
is not kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from parola.conversation import ending
from parola.conversation.actions import NoteLoss, NoteReturn
from parola.conversation.afterwards import Afterwards
from parola.conversation.agent_turn import AgentTurn
from parola.conversation.commands import EndCall
from parola.conversation.ending import Ending
from parola.conversation.events import ClientDisconnected
from parola.conversation.live_control import LiveControl
from parola.conversation.phases import Phase
from parola.conversation.speaking import CutShort
from parola.conversation.tools import ToolCall
from parola.conversation.transcript import Injected, UserEntry

HANG_UPS = frozenset({1000, 1001, 1005, 1012})
"""Close codes after which nobody comes back: done, going away (a page that is left), a close without any code; and this
server's own, when it stops."""

LOST = "the connection to the user was lost"


@dataclass(slots=True)
class Absence:
    """Since when nobody listens, and what the agent was saying."""

    window_seconds: float
    """How long the client is waited for; 0: not at all."""
    since: float = 0.0
    how: ClientDisconnected | None = None
    """None: the client is there."""
    unsaid: CutShort | None = None
    was_protected: bool = False

    @property
    def is_on(self) -> bool:
        return self.how is not None

    def may_follow(self, event: ClientDisconnected) -> bool:
        return self.window_seconds > 0 and event.code not in HANG_UPS

    @property
    def until(self) -> float:
        return self.since + self.window_seconds


class Resuming(LiveControl):
    """A conversation whose client may go away and come back. Keeps the deadline ``resume``."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._absence = Absence(self.setup.resume_window_seconds)

    @property
    def _is_mute(self) -> bool:
        """Nobody would hear what the agent says."""
        return self._absence.is_on and not self.setup.text_only

    # -- away, and back -----------------------------------------------------------------------------------------------

    def _client_left(self, event: ClientDisconnected, now: float) -> None:
        """The client hung up, or its connection broke."""
        absence = self._absence
        if absence.is_on:
            return
        how = self._farewell.how
        if how is not None or not absence.may_follow(event):
            self._out.is_hushed = True
            self._end(ending.client_left(event) if how is None else ending.client_closed_first(how, event), now)
            return
        absence.how, absence.since, absence.unsaid, absence.was_protected = event, now, None, False
        self._out.ask(NoteLoss(event.code, event.reason, absence.window_seconds))
        self._drop_guess()
        if not self.setup.text_only:
            self._fall_silent(now)
            self._out.is_unheard = True
        self._deadlines.clear("turn_timeout", "silence", "barge_in")
        self._tools.wait_for_client(absence.until)
        self._deadlines.set("resume", absence.until)

    def _fall_silent(self, now: float) -> None:
        """The agent stops where it is; its tools run on, and it speaks of what they gave when the client is back."""
        self._cut_short = None
        turn = self._speaking.turn
        if turn is None:
            return
        is_unanswered = turn.answers_user and (not turn.was_sent or self._speaking.held is not None)
        self._tools.abandon_wishes()
        if not self._speaking.is_done(now):
            self._absence.unsaid = self._speaking.cut(now, is_interruption=True)
            self._absence.was_protected = turn.is_protected
        self._deadlines.clear("playback")
        self._tools.words_cut(now, LOST)
        if self._tools.is_running:
            self._enter(Phase.WAITING)
            return
        round_ = self._tools.finish()
        self._unread(round_)
        self._owes_answer |= is_unanswered or (round_ is not None and not round_.skips_turn)
        self._keep_unsaid(turn)
        self._speaking.turn = None
        self._enter(Phase.LISTENING)

    def _client_is_back(self, now: float) -> None:
        """Somebody listens again."""
        absence = self._absence
        if not absence.is_on:
            return
        absence.how, self._out.is_unheard = None, False
        self._deadlines.clear("resume")
        self._out.ask(NoteReturn(now - absence.since))
        self._tools.ask_client_again(now)
        self._keep_alive.ping(now)
        if self._speaking.turn is None:
            self._take_up(now)

    def _take_up(self, now: float) -> None:
        """Go on where the connection broke."""
        self._silence.user_was_heard(now)
        cut, self._absence.unsaid = self._absence.unsaid, None
        is_new = not self.transcript.user_has_spoken and not self.transcript.last_of_agent and not self._words
        is_free = not self._takeover.is_on and not self._user.has_begun
        first = self._first_message(now) if is_new and is_free else ""
        if first:
            self._owes_answer = False
            self._silence.agent_takes_floor(answers_user=True)
            self._speaking.begin_turn(is_protected=self.setup.first_message_is_protected)
            self._say(first, now)
        elif cut is None or cut.unheard == "" or self._owes_answer or not is_free or _is_lost(cut):
            self._give_user_floor(now, answered=True)
        else:
            self._silence.agent_takes_floor(answers_user=cut.answers_user)
            turn = self._speaking.begin_turn(
                is_protected=self._absence.was_protected, answers_user=cut.answers_user, injected=cut.injected
            )
            if cut.unheard is None:
                self._think(turn, now)
            else:
                self._say(cut.unheard, now)

    def _did_not_come_back(self, now: float) -> None:
        """The window has passed."""
        assert self._absence.how is not None
        self._out.is_hushed = True
        self._end(ending.client_stayed_away(self._absence.how, self._absence.window_seconds), now)

    def _end(self, how: Ending, now: float) -> None:
        super()._end(ending.while_client_was_away(how) if self._absence.is_on else how, now)

    # -- what waits meanwhile -----------------------------------------------------------------------------------------

    def _answer(self, now: float, to: UserEntry | None = None, *, answers_user: bool = True) -> None:
        if not self._is_mute:  # else it is owed
            super()._answer(now, to, answers_user=answers_user)

    def _think(self, turn: AgentTurn, now: float, to: UserEntry | None = None) -> None:
        if self._is_mute:
            self._owe(now)
        else:
            super()._think(turn, now, to)

    def _go_on(self, turn: AgentTurn, then: Afterwards | None, now: float) -> None:
        if self._is_mute:
            self._owe(now)
        else:
            super()._go_on(turn, then, now)

    def _owe(self, now: float) -> None:
        self._owes_answer = True
        self._give_user_floor(now)

    def _tools_got_on(self, now: float) -> None:
        if self._is_mute:
            self._tools.take_words()  # for nobody
        super()._tools_got_on(now)

    def _deliver_words(self, now: float) -> None:
        if not self._is_mute:
            super()._deliver_words(now)

    def _tools_timed_out(self, now: float) -> list[ToolCall]:
        """Calls whose time has come; the client's are not among them while it is away."""
        if self._absence.is_on:
            self._tools.wait_for_client(self._absence.until)
        return self._tools.time_out(now)

    def _max_duration_reached(self, now: float) -> None:
        if self._is_mute:
            self._end(ending.took_too_long(self.setup.max_duration_seconds), now)
        else:
            super()._max_duration_reached(now)

    def _end_by_command(self, command: EndCall, injected: Injected, now: float) -> None:
        if self._is_mute:
            self._end(ending.commanded(command.reason), now)
        else:
            super()._end_by_command(command, injected, now)


def _is_lost(cut: CutShort) -> bool:
    """Nobody has the rest of these words: they were not the model's."""
    return cut.unheard is None and cut.injected is not None
