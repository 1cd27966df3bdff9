"""The agent's voice: the turn it holds, the replies it starts, the clock of what is being played."""

from __future__ import annotations

from dataclasses import dataclass

from parola.conversation.actions import StartReply, StopReply
from parola.conversation.agent_turn import AgentTurn, Stage
from parola.conversation.deadlines import Deadlines
from parola.conversation.events import ReplyEvent
from parola.conversation.held_reply import HeldReply
from parola.conversation.outgoing import Outgoing
from parola.conversation.reply import Playback, Reply
from parola.conversation.setup import Setup
from parola.conversation.timeline import AgentTimeline
from parola.conversation.tool_speech import announcements
from parola.conversation.transcript import Injected, Transcript
from parola.providers.base import ModelRequest

LLM_SECONDS = 20.0
"""How long the model may take to its first token (reference: websocket.md §5.4, ``llm_timeout``)."""


@dataclass(frozen=True, slots=True)
class CutShort:
    """What the agent was about to say when it was cut off."""

    unheard: str | None
    """The words that were not heard; None when the model had not finished them."""
    answers_user: bool
    injected: Injected | None = None


class Speaking:
    """At most one turn, in it at most one reply in the making, and beside it at most one that is held back. Keeps the
    deadline ``llm``."""

    __slots__ = ("_deadlines", "_guesses", "_last_reply", "_out", "_stage", "held", "playback", "setup", "turn")

    def __init__(self, setup: Setup, out: Outgoing, transcript: Transcript, deadlines: Deadlines) -> None:
        self.setup = setup
        self._out = out
        self._deadlines = deadlines
        self._last_reply = 0
        self._guesses: set[int] = set()
        """Replies to what the user might have said, and did not: they were never there."""
        self.playback = Playback(client_can_be_cut=setup.client_can_be_cut)
        streams_parts = setup.events.passes("agent_chat_response_part")
        self._stage = Stage(
            out, transcript, self.playback, setup.text_only, streams_parts, setup.model.enable_reasoning_summary
        )
        self.held: HeldReply | None = None
        """A reply that is being made and may not be said yet."""
        self.turn: AgentTurn | None = None
        """The agent's hold of the floor; None when it is the user's."""

    def is_done(self, now: float) -> bool:
        """Nothing of the agent is being made or heard; tools of it may run."""
        turn = self.turn
        return turn is None or (turn.current is None and self.held is None and self.playback.ends_at <= now)

    @property
    def may_go_on_protected(self) -> bool:
        """Whatever the user says, the present turn goes on under its id."""
        return self.turn is not None and self.turn.is_protected

    def begin_turn(
        self, *, is_protected: bool = False, answers_user: bool = True, injected: Injected | None = None
    ) -> AgentTurn:
        self._deadlines.clear("playback")
        self.turn = AgentTurn(self._stage, is_protected=is_protected, answers_user=answers_user, injected=injected)
        return self.turn

    def continued_turn(self) -> AgentTurn:
        """The turn for what is still to be said: under a new id if it was cut, or if the user has spoken since."""
        turn = self.turn
        assert turn is not None
        if turn.can_go_on:
            return turn
        follow_up = self.begin_turn(is_protected=turn.is_protected)
        follow_up.tool_rounds = turn.tool_rounds
        return follow_up

    # -- replies ------------------------------------------------------------------------------------------------------

    def think(self, request: ModelRequest, times: AgentTimeline, now: float, *, is_filler: bool = False) -> Reply:
        """Have the model take a step."""
        reply = self._begin_reply(now, times, is_filler=is_filler)
        self._deadlines.set("llm", now + LLM_SECONDS)
        self._start(reply.number, request=request, is_filler=is_filler)
        return reply

    def say(self, text: str, now: float, *, is_filler: bool = False) -> AgentTurn:
        """Have a sentence spoken as it is. In a text conversation it is written, and told, at once: what the user may
        have typed meanwhile must not swallow it."""
        assert self.turn is not None
        times = AgentTimeline(asked_at=now, turn_closed_at=now)
        reply = self._begin_reply(now, times, is_verbatim=True, is_filler=is_filler)
        if reply.is_spoken:
            self._start(reply.number, verbatim=text)
        else:
            reply.text = text
            self.turn.reply_finished(reply)
        return self.turn

    def _begin_reply(
        self, now: float, times: AgentTimeline, *, is_verbatim: bool = False, is_filler: bool = False
    ) -> Reply:
        assert self.turn is not None
        self._last_reply += 1
        return self.turn.begin_reply(self._last_reply, now, times, is_verbatim=is_verbatim, is_filler=is_filler)

    def _start(
        self, number: int, *, request: ModelRequest | None = None, verbatim: str = "", is_filler: bool = False
    ) -> None:
        said = announcements(self.setup, self._stage.transcript) if request is not None and request.tools else {}
        retrieves = request is not None and not is_filler and bool(self.setup.knowledge.searched)
        self._out.ask(StartReply(number, request, verbatim, self.playback.ends_at, said, retrieves))

    # -- replies that are held back -----------------------------------------------------------------------------------

    def speculate(self, request: ModelRequest, now: float) -> None:
        """Have the model take a step before the user's turn is over: nothing of it is said until then."""
        self.drop_held()
        self._last_reply += 1
        self.held = HeldReply(self._last_reply, AgentTimeline(asked_at=now, is_speculative=True), request)
        self._start(self._last_reply, request=request)

    def step_aside(self, reply: Reply) -> None:
        """The reply that is being made, of which nothing has come yet, lets another be said first."""
        assert self.turn is not None and self.held is None
        self.held = HeldReply(reply.number, reply.times)
        self.turn.release(reply)

    def still_writes(self, number: int, now: float) -> None:
        """A reply of which nothing is told yet is on its way: it has its time once more."""
        reply = self.turn.current if self.turn is not None else None
        if self.held is not None and self.held.number == number:
            self.held.wrote_at = now
            if self.turn is not None and reply is None:
                self._deadlines.set("llm", now + LLM_SECONDS)
        elif reply is not None and reply.number == number and not reply.is_written:
            self._deadlines.set("llm", now + LLM_SECONDS)

    def hold(self, event: ReplyEvent, now: float) -> bool:
        """Keep a fact of the reply that is held back; says whether it was one."""
        if self.held is None or event.reply != self.held.number:
            return False
        self.held.take(event, now)
        return True

    def take_held(self, now: float) -> tuple[Reply, HeldReply]:
        """The reply that was held back is the turn's now. Its facts have still to be taken in."""
        assert self.turn is not None and self.held is not None
        held, self.held = self.held, None
        reply = self.turn.begin_reply(held.number, now, held.times)
        reply.is_made = not held.is_running
        self._deadlines.set("llm", max(now, held.awaited_from + LLM_SECONDS))
        return reply, held

    def await_held(self, now: float) -> None:
        """Nothing else is being made: the model is waited for as long as ever."""
        if self.held is not None:
            self._deadlines.set("llm", max(now, self.held.awaited_from + LLM_SECONDS))

    def drop_held(self) -> None:
        """It is not wanted: it was never there."""
        held, self.held = self.held, None
        if held is not None and held.request is not None:
            self._guesses.add(held.number)
        if held is not None and held.is_running:
            self._out.ask(StopReply(held.number))

    def was_wrong_guess(self, number: int) -> bool:
        """This reply was begun on a guess, and is not wanted."""
        return number in self._guesses

    # -- facts, and the end of it -------------------------------------------------------------------------------------

    def reply_of(self, event: ReplyEvent) -> Reply | None:
        """The reply a fact is about; None when that was stopped, or has finished."""
        reply = self.turn.current if self.turn is not None else None
        return reply if reply is not None and reply.number == event.reply else None

    def cut(self, now: float, *, is_interruption: bool) -> CutShort:
        """End the turn where it is; gives back what may be gone on with."""
        assert self.turn is not None
        self._deadlines.clear("llm", "soft_timeout", "playback", "barge_in")
        is_waiting = self.held is not None
        self.drop_held()
        unheard = self.turn.cut(now, is_interruption=is_interruption)
        return CutShort(None if is_waiting else unheard, self.turn.answers_user, self.turn.injected)
