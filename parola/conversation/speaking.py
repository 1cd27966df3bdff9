"""The agent's voice: the turn it holds, the replies it starts, the clock of what is being played."""

from __future__ import annotations

from parola.conversation.actions import StartReply
from parola.conversation.agent_turn import AgentTurn, Stage
from parola.conversation.deadlines import Deadlines
from parola.conversation.events import ReplyEvent
from parola.conversation.outgoing import Outgoing
from parola.conversation.reply import Playback, Reply
from parola.conversation.setup import Setup
from parola.conversation.transcript import Transcript
from parola.providers.base import ModelRequest

LLM_SECONDS = 20.0
"""How long the model may take to its first token (reference: websocket.md §5.4, ``llm_timeout``)."""


class Speaking:
    """At most one turn, and in it at most one reply in the making. Keeps the deadline ``llm``."""

    __slots__ = ("_deadlines", "_last_reply", "_out", "_stage", "playback", "turn")

    def __init__(self, setup: Setup, out: Outgoing, transcript: Transcript, deadlines: Deadlines) -> None:
        self._out = out
        self._deadlines = deadlines
        self._last_reply = 0
        self.playback = Playback(client_can_be_cut=setup.barge_in)
        streams_parts = setup.events.passes("agent_chat_response_part")
        self._stage = Stage(out, transcript, self.playback, setup.text_only, streams_parts)
        self.turn: AgentTurn | None = None
        """The agent's hold of the floor; None when it is the user's."""

    def is_done(self, now: float) -> bool:
        """Nothing of the agent is being made or heard; tools of it may run."""
        return self.turn is None or (self.turn.current is None and self.playback.ends_at <= now)

    @property
    def may_go_on_protected(self) -> bool:
        """Whatever the user says, the present turn goes on under its id."""
        return self.turn is not None and self.turn.is_protected

    def begin_turn(self, *, is_protected: bool = False, answers_user: bool = True) -> AgentTurn:
        self._deadlines.clear("playback")
        self.turn = AgentTurn(self._stage, is_protected=is_protected, answers_user=answers_user)
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

    def think(self, request: ModelRequest, now: float) -> Reply:
        """Have the model take a step."""
        reply = self._begin_reply(now)
        self._deadlines.set("llm", now + LLM_SECONDS)
        self._out.ask(StartReply(reply.number, request=request, playback_from=self.playback.ends_at))
        return reply

    def say(self, text: str, now: float) -> AgentTurn:
        """Have a sentence spoken as it is. In a text conversation it is written, and told, at once: what the user may
        have typed meanwhile must not swallow it."""
        assert self.turn is not None
        reply = self._begin_reply(now, is_verbatim=True)
        if reply.is_spoken:
            self._out.ask(StartReply(reply.number, verbatim=text, playback_from=self.playback.ends_at))
        else:
            reply.text = text
            self.turn.reply_finished(reply)
        return self.turn

    def _begin_reply(self, now: float, *, is_verbatim: bool = False) -> Reply:
        assert self.turn is not None
        self._last_reply += 1
        return self.turn.begin_reply(self._last_reply, now, is_verbatim=is_verbatim)

    def reply_of(self, event: ReplyEvent) -> Reply | None:
        """The reply a fact is about; None when that was stopped, or has finished."""
        reply = self.turn.current if self.turn is not None else None
        return reply if reply is not None and reply.number == event.reply else None

    def cut(self, now: float, *, is_interruption: bool) -> None:
        assert self.turn is not None
        self._deadlines.clear("llm", "playback", "barge_in")
        self.turn.cut(now, is_interruption=is_interruption)
