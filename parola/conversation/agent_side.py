"""The agent's side of a conversation: its replies, what it does besides speaking, who it is, and how it ends.

Whose turn it is, and what the user does, is ``conversation``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from parola.conversation import asking, ending, events, floor, prompt
from parola.conversation.actions import SwitchAgent
from parola.conversation.afterwards import Afterwards, CallTools, HangUp, Speak, TakeOver, Transfer
from parola.conversation.agent_turn import AgentTurn
from parola.conversation.deadlines import Deadlines
from parola.conversation.ending import Ending
from parola.conversation.events import ReplyEvent
from parola.conversation.farewell import Farewell
from parola.conversation.guarded_reply import GuardedReply
from parola.conversation.hearing import Hearing
from parola.conversation.held_reply import HeldReply
from parola.conversation.keep_alive import KeepAlive
from parola.conversation.outgoing import Outgoing
from parola.conversation.phases import Phase, entered
from parola.conversation.setup import Setup
from parola.conversation.silence import Silence
from parola.conversation.slow_model import SlowModel
from parola.conversation.speaking import CutShort, Speaking
from parola.conversation.takeover import Takeover
from parola.conversation.timeline import AgentTimeline
from parola.conversation.tool_round import MAX_ROUNDS, ToolRound
from parola.conversation.tool_rounds import Tools
from parola.conversation.tool_sound import ToolSound
from parola.conversation.tools import Tool, ToolCall
from parola.conversation.transcript import AgentEntry, AgentRef, Transcript, UserEntry
from parola.conversation.turn_taking import Floor
from parola.conversation.variables import Variables
from parola.conversation.walk import STEP


class AgentSide:
    """The parts of a conversation, and what the agent does with them."""

    def __init__(self, setup: Setup, now: float) -> None:
        self.setup = setup
        self.phase = Phase.LISTENING
        self.transcript = Transcript(AgentRef(setup.agent_id, setup.branch_id, version_id=setup.version_id), now)
        self._variables = Variables(setup, self.transcript, now)
        self._deadlines = Deadlines()
        self._out = Outgoing(setup.conversation_id, setup.events, self.transcript)
        self._keep_alive = KeepAlive(self._out, self._deadlines)
        self._hearing = Hearing(setup, self._out, self.transcript, self._deadlines)
        self._user = self._hearing.turn
        self._silence = Silence(setup, self._deadlines, self._user)
        self._speaking = Speaking(setup, self._out, self.transcript, self._deadlines)
        self._guarded = GuardedReply(self._out, self._speaking, self.transcript)
        self._slow_model = SlowModel(setup, self._speaking, self.transcript, self._deadlines)
        self._tools = Tools(setup, self._out, self.transcript, self._deadlines, self._variables)
        self._sound = ToolSound(
            setup, self._out, self.transcript, self._deadlines, self._speaking, self._tools, self._hearing
        )
        self._farewell = Farewell(self._out, self._deadlines, self._speaking, self._tools, self._hearing)
        self._human = self._tools.human
        self._takeover = Takeover(self._out, self.transcript, self._deadlines)
        self._owes_answer = False
        """The user has said something that no reply has been asked for yet."""
        self._cut_short: CutShort | None = None
        """What the agent was saying when speech cut it off, until it is known whether that speech meant it."""

    def lookup(self, now: float) -> prompt.Lookup:
        """Dynamic variables as they stand now, the system's included."""
        return self._variables.lookup(now)

    def _first_message(self, now: float) -> str:
        return prompt.fill_in(self.setup.first_message, self.lookup(now)).strip()

    # -- what the user's side decides ---------------------------------------------------------------------------------

    def _interrupt(self, now: float, *, by_speech: bool = False) -> None:
        """The user takes the floor."""
        raise NotImplementedError

    def _give_user_floor(self, now: float, *, answered: bool = False) -> None:
        """The agent is done: whose turn is it?"""
        raise NotImplementedError

    def _floor(self, now: float) -> Floor:
        """The agent's hold of it."""
        return floor.present(self.phase, self.setup, self._speaking, self._tools, now)

    def _drop_guess(self) -> None:
        """What was begun on the guess that the user's turn is over is thrown away."""
        raise NotImplementedError

    @property
    def _is_kept_silent(self) -> bool:
        """A person has the conversation, or is waited for in silence."""
        return self._takeover.is_on or self._human.silences_agent

    # -- the agent's turn ---------------------------------------------------------------------------------------------

    def _answer(self, now: float, to: UserEntry | None = None, *, answers_user: bool = True) -> None:
        if self._takeover.is_on:
            return  # it is owed: the agent answers when it has the conversation again
        self._silence.agent_takes_floor(answers_user=answers_user)
        self._slow_model.answer_begins()
        self._guarded.retries.answer_begins()
        self._think(self._speaking.begin_turn(answers_user=answers_user), now, to)

    def _think(self, turn: AgentTurn, now: float, to: UserEntry | None = None) -> None:
        """Have the model take a step: it sees everything said and done so far. If it has taken it already, on the
        guess that the turn would end like this, what came of that counts."""
        self._owes_answer = False
        walk = self._tools.walk
        if turn.tool_rounds < MAX_ROUNDS and walk.can_move(now):
            self._speaking.drop_held()
            self._enter(Phase.THINKING)
            self._call_here(turn, {STEP.name: STEP}, now, is_step=True)
            return
        self._tools.offered = walk.tools
        request = asking.request(
            self.setup,
            self.transcript,
            self.lookup(now),
            walk,
            tool_rounds=turn.tool_rounds,
            feedback=self._guarded.retries.feedback,
        )
        self._enter(Phase.THINKING)
        held = self._speaking.held
        if held is not None and held.answers(request):
            reply, held = self._speaking.take_held(now)
        else:
            self._speaking.drop_held()
            reply, held = self._speaking.think(request, AgentTimeline(asked_at=now), now), None
        reply.times.turn_closed_at = now
        if to is not None and to.times is not None:
            reply.times.user_stopped_at = to.times.speech_stopped_at
            reply.times.user_transcribed_at = to.times.transcribed_at
        self._slow_model.was_asked(now)
        if held is not None:
            self._catch_up(held, now)

    def _catch_up(self, held: HeldReply, now: float) -> None:
        """Take in what came of a reply while it was held back."""
        for event, at in held.facts:
            self._reply_got_on(event, now, at)

    def _go_on_with_held(self, now: float) -> None:
        """The reply that stepped aside for a filler has got on: say it, if it has not to wait any longer."""
        if self._slow_model.answer_may_go_on():
            self._deadlines.clear("soft_timeout")
            self._catch_up(self._speaking.take_held(now)[1], now)

    def _filler_told(self, now: float) -> None:
        self._go_on_with_held(now)
        if self._speaking.held is not None:
            self._slow_model.filler_was_told(now)

    def _say(self, text: str, now: float) -> None:
        """Have a sentence spoken as it is."""
        if self.phase is not Phase.ENDING:
            self._enter(Phase.THINKING)
        turn = self._speaking.say(text, now)
        if turn.current is None:
            self._reply_told(turn, now)

    def _reply_got_on(self, event: ReplyEvent, now: float, at: float | None = None) -> None:
        """A fact of a reply, known since ``at``; those of one that was stopped, or has finished, are dropped here."""
        if at is None:
            if self._speaking.hold(event, now):
                self._go_on_with_held(now)
                return
            at = now
        turn, reply = self._speaking.turn, self._speaking.reply_of(event)
        if turn is None or reply is None:
            return
        match event:
            case events.SentenceStarted() | events.ReplyAudio():
                turn.take(reply, event, now, at)
            case events.KnowledgeRetrieved():
                turn.retrieved(reply, event, at)
            case events.ReplyText():
                self._deadlines.clear("llm", "soft_timeout")
                turn.take(reply, event, now, at)
            case events.ModelThinks():
                self._deadlines.clear("llm")
                turn.thought(reply, event)
            case events.MetadataReturned():
                turn.returned(event)
            case events.ToolCalled() if self._speaking.held is not None or self.phase is Phase.ENDING:
                pass  # a filler: it was offered no tools; or what comes too late
            case events.ToolCalled():
                self._deadlines.clear("llm", "soft_timeout")
                self._tools.wanted(event, reply.entry, turn.event_id, now)
            case events.ModelFinished():
                self._deadlines.clear("llm", "soft_timeout")
                was_swallowed = self._tools.wants_silence and turn.swallow(reply)
                turn.model_finished(reply, event)
                self._run_tools(turn, now)
                if was_swallowed:
                    self._tools_got_on(now)
            case events.ReplyFinished():
                turn.reply_finished(reply)
                self._reply_told(turn, now)
            case events.ReplyFailed():
                reply.is_made = True
                if self._speaking.held is None:
                    self._reply_failed(event, now)
                else:  # a filler: the answer does not depend on it
                    turn.stop()
                    self._filler_told(now)
        if self.phase is Phase.THINKING and turn.current is reply and reply.was_sent:
            self._enter(Phase.SPEAKING)

    def _reply_told(self, turn: AgentTurn, now: float) -> None:
        """Everything of a reply has been sent: go on with its tools, or wait until it has been heard."""
        if self._speaking.held is not None:
            self._filler_told(now)
        elif self._tools.round is not None and self.phase is not Phase.ENDING:
            self._tools_got_on(now)
        else:
            self._turn_told(turn, now)

    def _reply_failed(self, event: events.ReplyFailed, now: float) -> None:
        if self._farewell.how is not None:
            self._out.warn(f"The last words could not be spoken: {event.message}")
            self._end(self._farewell.how, now)
        else:
            self._end(ending.failed(1002, event.error_type, event.message), now)

    def _turn_told(self, turn: AgentTurn, now: float, *, is_answered: bool = False) -> None:
        """The agent has said all it wanted; what remains is playback, and what the workflow has it do next.
        ``is_answered``: the user speaks already, and the client has seen the id of their turn."""
        if turn.injected is not None:
            self._await_playback(turn, now)
            return
        walk = self._tools.walk
        walk.told()
        may_go_on = self.phase is not Phase.ENDING and not self._human.silences_agent
        if may_go_on and turn.tool_rounds < MAX_ROUNDS and walk.goes_on(now):
            if walk.waits_for_speech and not self._speaking.is_done(now):
                self._deadlines.set("playback", self._speaking.playback.ends_at)
            else:
                self._think(self._speaking.continued_turn(), now)
            return
        walk.agent_spoke()
        if is_answered:
            self._playback_follows(now)
        else:
            self._await_playback(turn, now)

    def _await_playback(self, turn: AgentTurn, now: float) -> None:
        """All has been told: what remains is playback."""
        turn.complete()
        self._playback_follows(now)

    def _playback_follows(self, now: float) -> None:
        if self._speaking.is_done(now):
            self._playback_ended(now)
        else:
            self._deadlines.set("playback", self._speaking.playback.ends_at)

    def _playback_ended(self, now: float) -> None:
        """The caller has heard it all: the floor is free."""
        turn = self._speaking.turn
        if self.phase is Phase.ENDING:
            self._hang_up_when_heard(now)
        elif turn is None or turn.current is not None or self._tools.round is not None:
            pass
        elif turn.tool_rounds < MAX_ROUNDS and not self._is_kept_silent and self._tools.walk.goes_on(now):
            self._think(self._speaking.continued_turn(), now)
        else:
            self._give_user_floor(now, answered=turn.answers_user)

    # -- tools --------------------------------------------------------------------------------------------------------

    def _guardrail_triggered(self, event: events.GuardrailTriggered, now: float) -> None:
        match self._guarded.triggered(event, self.phase, now):
            case "end":
                self._end(ending.guardrail_triggered(event.trigger), now)
            case "answer_again" | "be_silent" as what:
                self._tools.abandon_wishes()
                self._tools.words_cut(now, "your words were stopped")
                if self._tools.is_running:
                    self._enter(Phase.WAITING)  # the answer comes when they are done
                    return
                unread = self._tools.finish()
                if unread is not None or what == "be_silent":
                    self._unread(unread)
                if what == "answer_again":
                    self._enter(Phase.LISTENING)
                    self._think(self._speaking.begin_turn(answers_user=True), now)
                else:
                    self._give_user_floor(now)

    def _unread(self, round_: ToolRound | None) -> None:
        """The turn was cut. The results of its calls, if it had any, the model will read in another."""
        if round_ is not None and isinstance(round_.then, TakeOver):
            self._take_over(round_.then)
        self._tools.walk.cut(() if round_ is None else round_.calls)

    def _run_tools(self, turn: AgentTurn, now: float) -> None:
        """The model has finished asking: run what it asked for."""
        has_words = bool(turn.current and turn.current.text.strip()) and not self.setup.text_only
        round_ = self._tools.run(now, turn.tool_rounds, has_words=has_words)
        if round_ is None:
            return
        turn.was_sent |= not round_.is_refused
        self._ran(turn, round_, now)

    def _call_here(
        self,
        turn: AgentTurn,
        tools: Mapping[str, Tool],
        now: float,
        *,
        is_step: bool = False,
        arguments: Mapping[str, Any] | None = None,
    ) -> None:
        """Run tools that the model was not asked about: a step of the workflow, what a node of it calls, a command."""
        entry = self.transcript.add(AgentEntry("", turn.event_id, now, is_step=is_step))
        self._ran(turn, self._tools.call_here(tools, entry, turn.event_id, now, arguments), now)
        if self.phase is Phase.ENDING:
            self._turn_told(turn, now)
        else:
            self._tools_got_on(now)

    def _ran(self, turn: AgentTurn, round_: ToolRound, now: float) -> None:
        turn.tool_rounds += 1
        turn.is_protected |= round_.protects_turn
        if isinstance(then := round_.then, HangUp):
            has_spoken = bool(self.transcript.agent_entry(round_.entry).text) and not then.is_message
            self._say_goodbye(ending.agent_ended(then.reason), "" if has_spoken else then.last_words, now)

    def _calls_answered(self, calls: Sequence[ToolCall], now: float) -> None:
        """These have their results now. Of what ran in the background the agent speaks as soon as it may."""
        is_news = self.phase is not Phase.ENDING and any(call.is_background for call in calls)
        if is_news:
            self._drop_guess()
            self._owes_answer = True
        self._tools_got_on(now)
        if is_news and self.phase is Phase.LISTENING and self._speaking.turn is None and not self._user.has_begun:
            self._answer(now, answers_user=False)

    def _tools_got_on(self, now: float) -> None:
        """A call has its result, or the words before the calls have been told: go on once all is there."""
        turn = self._speaking.turn
        if self.phase is Phase.ENDING:
            self._hang_up_when_heard(now)
        elif turn is None or turn.current is not None:
            pass  # its words are still being made
        else:
            self._tools.words_end(self._speaking.playback.ends_at, now)
            if words := self._tools.take_words():
                self._speaking.continued_turn()
                self._say(words, now)
            elif self._still_runs():
                self._enter(Phase.WAITING)
            elif (round_ := self._tools.finish()) is not None:
                self._tools_finished(turn, round_, now)

    def _still_runs(self) -> bool:
        """The agent waits for its tools; for somebody's approval only as long as the user says nothing."""
        if self._owes_answer:
            self._tools.stop_waiting_for_approval()
        return self._tools.is_running

    def _tools_finished(self, turn: AgentTurn, round_: ToolRound, now: float) -> None:
        then = round_.then
        if isinstance(then, TakeOver):
            self._take_over(then)
        self._tools.walk.tools_finished(round_.calls)
        if round_.is_refused or (round_.skips_turn and not self._owes_answer):
            if not round_.is_refused:
                self._silence.turn_was_skipped(round_.skip_seconds)
            self._turn_told(turn, now, is_answered=self._user.has_begun and not turn.is_protected)
        elif self._user.has_begun and not turn.is_protected:
            # The user has the floor: the answer comes after what they are saying.
            self._tools.walk.cut()
            self._owes_answer = True
            self._deadlines.set("playback", max(now, self._speaking.playback.ends_at))
        else:
            self._go_on(self._speaking.continued_turn(), then, now)

    def _go_on(self, turn: AgentTurn, then: Afterwards | None, now: float) -> None:
        """The round is over, and the agent has the floor: whoever it is now, and whatever comes next."""
        if self._takeover.is_on:
            self._owes_answer = True
            self._give_user_floor(now)
            return
        match then:
            case TakeOver(transfer=Transfer(says=words)) if words:
                self._say(words, now)
            case TakeOver(transfer=Transfer(entry="greets")) if first := self._first_message(now):
                self._say(first, now)
            case TakeOver(transfer=Transfer(entry="waits")) if (
                self.transcript.has_said(turn.event_id) or not self.transcript.user_has_spoken
            ):
                self._turn_told(turn, now)
            case Speak(text=text):
                self._say(text, now)
            case CallTools():
                self._call_here(turn, self._tools.walk.tools, now)
            case _:
                self._think(turn, now)

    def _take_over(self, then: TakeOver) -> None:
        """From here on it is another agent's conversation."""
        self._out.ask(SwitchAgent(then.call_id))
        self.setup = setup = self._tools.mcp_servers.taken_over(then.setup)
        self._variables.take_over(setup)
        self._hearing.take_over(setup)
        self._silence.setup = self._slow_model.setup = self._speaking.setup = setup
        self._tools.take_over(setup)

    # -- ending -------------------------------------------------------------------------------------------------------

    def _max_duration_reached(self, now: float) -> None:
        last_words = prompt.fill_in(self.setup.max_duration_message, self.lookup(now)).strip()
        how = ending.took_too_long(self.setup.max_duration_seconds)
        if not last_words:
            self._end(how, now)
            return
        self._tools.give_up(now)
        self._drop_guess()
        if not self._speaking.is_done(now):
            self._interrupt(now)
        self._speaking.begin_turn()
        self._say_goodbye(how, last_words, now)

    def _say_goodbye(self, how: Ending, last_words: str, now: float) -> None:
        """Hang up when the last words have been heard: these, or those the agent is saying."""
        self._farewell.begins(how, now)
        self._enter(Phase.ENDING)
        if last_words:
            assert self._speaking.turn is not None
            self._speaking.turn.stop()
            self._say(last_words, now)

    def _hang_up_when_heard(self, now: float) -> None:
        if self._farewell.how is not None and self._farewell.is_over(now):
            self._end(self._farewell.how, now)

    def _end(self, how: Ending, now: float) -> None:
        self._farewell.hang_up(how, now)
        self._enter(Phase.ENDED)

    def _enter(self, phase: Phase) -> None:
        if phase is Phase.LISTENING and self._takeover.is_on:
            phase = Phase.HANDED_OVER
        self.phase = entered(phase, self.phase)
