"""The conversation decides; everything else performs.

One object, three members: ``handle(event, now)`` is told what happened and answers what to do, ``next_deadline`` is
when it wants to be woken, ``wake(now)`` is that. It never awaits, reads a clock, draws a random number or touches a
socket. What is here crosses its parts; each rule has a file of its own:

    phases       where a conversation can be, and where that leads
    turn_taking  when the user's turn is over; what takes the floor from the agent
    wording      what words say about the end of a turn
    backchannels words that leave the floor where it is
    hearing      the user's speech, until it makes a turn
    agent_side   what the agent does: replies, tools, who it is, the end
    speaking     its turns and replies
    held_reply   a reply that is made before it may be said
    slow_model   what is said while the model takes its time
    guarded_reply  a guardrail stops what is being said
    agent_turn   what the client gets of a reply; what is left of it when it is cut
    reply        what the caller has heard
    tool_rounds  the round of tools there is, and calls in the background
    tool_round   tool calls, their results and time-outs; its rules are the files beside it, ``tool_*``
    system_tools what the conversation itself runs: ``end_call``, ``skip_turn``, transfers …
    handover     another agent, or a subagent, takes over
    walk         where the conversation is in its agent's workflow
    afterwards   what comes after a round of tools
    tool_sound   what is heard while a tool takes its time
    variables    dynamic variables, as they stand
    asking       what the model is asked
    silence      when the agent speaks up again; when silence ends the call
    timeline     when what happened in a turn
    keep_alive   pings
    floor        who has it, as all the parts see it
    ending       every way to end, and what is told about it
    farewell     the last words, and the hang-up
    live_control commands from outside: somebody says something, takes over, ends it
    takeover     a person has the conversation
    resuming     the client's connection breaks, and it may come back
    asking_for_human, waiting_for_human  a person is asked for, and comes or not
"""

from __future__ import annotations

from parola.conversation import asking, ending, events, floor
from parola.conversation.actions import Action
from parola.conversation.asking_for_human import AskingForHuman
from parola.conversation.commands import Commanded, OperatorCame, OperatorLeft, OperatorSaid, OperatorSpoke
from parola.conversation.events import REPLY_EVENTS, Event
from parola.conversation.happening import Happening, happening
from parola.conversation.phases import Phase
from parola.conversation.speaking import LLM_SECONDS
from parola.conversation.transcript import SilenceEntry, UserEntry
from parola.conversation.turn_taking import TYPING_SECONDS
from parola.protocol import client_messages as client
from parola.protocol.server_messages import (
    AsrInitiationMetadata,
    InternalTurnProbability,
    TentativeUserTranscript,
    VadScore,
)

LIKELY_OVER = ("finished", "silence", "unsure")
"""Verdicts on which a reply may be begun before the turn is over."""


class Conversation(AskingForHuman):
    """One conversation, from the client's arrival to the hang-up. Times are monotonic seconds."""

    # -- the three members --------------------------------------------------------------------------------------------

    def handle(self, event: Event, now: float) -> list[Action]:
        """Take in one event. The caller performs the actions, in order, and then asks for ``next_deadline``."""
        if self.phase is Phase.ENDED:
            if isinstance(event, events.ToolFinished):
                self._tools.came_after_the_end(event, now)
            return self._out.take()
        match event:
            case _ if isinstance(event, REPLY_EVENTS):
                self._reply_got_on(event, now)
            case events.SpeechScored():
                self._out.send(VadScore(vad_score=min(1.0, max(0.0, event.probability))))
            case events.SpeechStarted():
                self._drop_guess()
                self._hearing.speech_started(event)
                self._silence.user_speaks()
            case events.SpeechStopped():
                if self._hearing.speech_stopped(event, now):
                    self._barge_in(now)
            case events.TranscriptUpdated():
                self._transcript_updated(event, now)
            case events.TurnEndPredicted():
                if self._hearing.predicted(event, now):
                    self._out.send(InternalTurnProbability(turn_probability=self._user.probability or 0.0))
                    self._pause_goes_on(now)
            case events.ListeningFailed():
                self._listening_failed(event, now)
            case client.UserMessage():
                self._user_wrote(event.text or "", (), now)
            case events.FilesShared():
                self._user_wrote(event.text, event.files, now)
            case client.UserActivity():
                self._user.held_until = now + TYPING_SECONDS
                self._silence.user_was_heard(now)
            case client.ContextualUpdate():
                self._drop_guess()
                self._out.record(*self.transcript.add_context(event.text, now, event.context_id))
            case events.ToolAsked():
                self._tools.asked(event)
            case client.ClientToolResult() | events.ToolFinished():
                if (call := self._tools.take_result(event, now)) is not None:
                    self._calls_answered([call], now)
                elif isinstance(event, client.ClientToolResult):
                    self._too_late(event)
            case events.AgentReady() | events.AgentUnavailable():
                if self._tools.agent_answered(event, now):
                    self._tools_got_on(now)
            case client.Feedback():
                self._out.record(*self.transcript.rate(event.event_id, event.score, now))
            case client.Pong():
                self._keep_alive.pong(event, now)
            case client.McpToolApprovalResult():
                if (call := self._tools.decide(event, now)) is not None:
                    self._calls_answered([call], now)
            case events.McpServerTried():
                self.setup = self._speaking.setup = self._tools.server_tried(event)
            case events.Started():
                self._start(event, now)
            case events.SoundMade():
                self._sound.take(event, now)
            case events.InvalidMessageReceived():
                self._end(ending.failed(1008, event.error_type, event.message), now)
            case events.ReplyWithheld():
                self._speaking.still_writes(event.reply, now)
            case events.GuardrailTriggered():
                self._guardrail_triggered(event, now)
            case events.InputStalled():
                message = f"Nothing came from the client for {event.seconds:.0f} s."
                self._end(ending.failed(1002, "transport_receive_timeout", message), now)
            case events.ClientDisconnected():
                self._client_left(event, now)
            case events.ClientResumed():
                self._client_is_back(now)
            case events.EndRequested():
                self._end(ending.requested(event), now)
            case Commanded():
                self._commanded(event, now)
            case OperatorCame():
                self._takeover.came(event.name, now)
            case OperatorLeft():
                self._operator_left(event.name, now)
            case OperatorSpoke():
                self._operator_spoke(event, now)
            case OperatorSaid():
                self._operator_said(event, now)
        self._sound.follow(self.phase)
        return self._out.take()

    @property
    def happening(self) -> Happening:
        """What is happening now, for those who look on."""
        return happening(
            self.phase,
            is_user_speaking=self._user.is_speaking,
            is_taken_over=self._takeover.is_on,
            awaits_human=self._human.is_on,
            is_client_away=self._absence.is_on,
        )

    @property
    def operator(self) -> str | None:
        """Who has taken it over; None: nobody."""
        return self._takeover.operator if self._takeover.is_on else None

    @property
    def next_deadline(self) -> float | None:
        """When to call ``wake``; None once the conversation has ended."""
        return self._deadlines.next

    def wake(self, now: float) -> list[Action]:
        """Do what is due by ``now``."""
        while (name := self._deadlines.pop_due(now)) is not None:
            match name:
                case "barge_in":
                    self._barge_in(now)
                case "end_of_turn":
                    self._end_user_turn(now)
                case "transcript":
                    self._listening_failed(self._hearing.transcript_did_not_come(), now)
                case "playback":
                    self._playback_ended(now)
                case "turn_timeout":
                    self._speak_up(now)
                case "silence":
                    is_nobodys = self._absence.is_on or self._human.is_on
                    if self.phase is Phase.LISTENING and not self._user.has_begun and not is_nobodys:
                        self._end(ending.user_was_silent(), now)
                case "soft_timeout":
                    self._slow_model.say_something(self.phase, self.lookup(now), now)
                case "llm":
                    message = f"The language model said nothing for {LLM_SECONDS:.0f} s."
                    self._end(ending.failed(1002, "llm_timeout", message), now)
                case "tool":
                    self._calls_answered(self._tools_timed_out(now), now)
                case "tool_sound":
                    self._sound.begin(self.phase)
                case "tool_speech":
                    self._tools_got_on(now)
                case "ping":
                    self._keep_alive.ping(now)
                case "max_duration":
                    self._max_duration_reached(now)
                case "resume":
                    self._did_not_come_back(now)
                case "human":
                    self._nobody_came(now)
                case "human_message":
                    self._remind(now)
                case "takeover":
                    self._operator_did_not_return(now)
                case "farewell":
                    assert self._farewell.how is not None
                    self._end(self._farewell.how, now)
        self._sound.follow(self.phase)
        return self._out.take()

    # -- beginning ----------------------------------------------------------------------------------------------------

    def _start(self, event: events.Started, now: float) -> None:
        setup = self.setup
        if not event.was_greeted:
            self._out.send(setup.greeting)
        if not setup.text_only:
            self._out.send(AsrInitiationMetadata(provider=setup.asr_provider, language=setup.language))
        self._keep_alive.ping(now)
        for warning in setup.warnings:
            self._out.warn(warning)
        self._deadlines.set("max_duration", now + setup.max_duration_seconds)
        first = self._first_message(now)
        self._silence.begins(now, agent_greets=bool(first))
        if first:
            self._silence.agent_takes_floor(answers_user=True)
            self._speaking.begin_turn(is_protected=setup.first_message_is_protected)
            self._say(first, now)
        elif self._tools.walk.goes_on(now):
            self._think(self._speaking.begin_turn(answers_user=False), now)

    # -- the user speaks, and writes ----------------------------------------------------------------------------------

    def _transcript_updated(self, event: events.TranscriptUpdated, now: float) -> None:
        has_new_words = self._hearing.transcribed(event, now)
        if self._floor(now).is_busy:
            self._barge_in(now)
        if self._pause_goes_on(now):
            return
        if has_new_words and not self._floor(now).is_busy and not self._speaking.may_go_on_protected:
            words = self._user.partial if event.is_partial else self._user.text
            event_id = self._out.last_event_id + 1  # the user's turn will have it, and nothing before that
            self._out.send(TentativeUserTranscript(user_transcript=words or "", event_id=event_id))

    def _pause_goes_on(self, now: float) -> bool:
        """More is known about what was said: the turn may be over, or nothing that asks for the floor. Says whether it
        is settled."""
        if self._is_no_bid(now):
            self._leave_floor(now)
            return True
        if self._hearing.is_over(now):
            self._end_user_turn(now)
            return True
        self._speculate(now)
        return False

    def _listening_failed(self, event: events.ListeningFailed, now: float) -> None:
        is_deaf = self._hearing.failed(event)
        if is_deaf and self.phase is not Phase.ENDING:
            self._end(ending.failed(1002, "asr_transcription_error", event.message), now)
        else:
            self._end_user_turn(now)

    def _end_user_turn(self, now: float) -> None:
        """Take the user's turn, if it is over and the agent can be answered to; if not, it is taken later."""
        if self._is_no_bid(now):
            self._leave_floor(now)
            return
        claim = self._floor(now)
        if not self._hearing.is_over(now) or claim.keeps_from_speech:
            return
        if self._user.text and claim.yields_to_speech:
            self._interrupt(now)
        if entry := self._hearing.take(now):
            self._user_said(entry, now)
        elif self._speaking.turn is None:
            self._give_user_floor(now)

    def _user_wrote(self, text: str, files: tuple[events.Attachment, ...], now: float) -> None:
        if not text.strip() and not files:
            return
        if self._floor(now).yields_to_text:
            self._interrupt(now)
        is_answerable = not self._floor(now).keeps_from_speech
        if self._user.is_waiting_to_be_taken and is_answerable and (entry := self._hearing.take(now, "text")):
            self._hearing.keep(entry)
        self._user_said(UserEntry(text, self._out.next_event_id(), now, "file" if files else "text", files), now)

    def _user_said(self, entry: UserEntry, now: float) -> None:
        """A user turn is complete: keep it, and answer it now or as soon as the agent may."""
        self._cut_short = None
        self._hearing.keep(entry)
        self._owes_answer = True
        if self.phase is Phase.ENDING:
            return
        self._silence.user_was_heard(now)
        self._tools.walk.user_spoke()
        if self.phase is Phase.WAITING:
            self._tools_got_on(now)
        if self._speaking.turn is None:
            self._deliver_words(now)
        if self._speaking.turn is None and self._owes_answer:
            self._answer(now, entry)

    # -- a probable end ------------------------------------------------------------------------------------------------

    def _speculate(self, now: float) -> None:
        """The turn is probably over: have the model start, on the words as they are."""
        is_free = self.phase is Phase.LISTENING and self._speaking.turn is None and not self._owes_answer
        if not self.setup.speculates or not is_free or not self._user.is_waiting_to_be_taken:
            return
        if self._user.reason not in LIKELY_OVER or self._human.silences_agent:
            return
        walk, lookup = self._tools.walk, self.lookup(now)
        request = asking.request(self.setup, self.transcript, lookup, walk, said=self._user.text)
        held = self._speaking.held
        if held is None or not held.answers(request):
            self._speaking.speculate(request, now)

    def _drop_guess(self) -> None:
        """The user had not finished, or something else came: what was begun on that guess is thrown away."""
        if self._speaking.turn is None:
            self._speaking.drop_held()

    # -- who has the floor --------------------------------------------------------------------------------------------

    def _barge_in(self, now: float) -> None:
        """The user speaks, or has just spoken: does the agent yield?"""
        if not self._floor(now).yields_to_speech:
            return
        match self.setup.barge_in.judge(self._user, now):
            case "yields":
                self._interrupt(now, by_speech=True)
            case "look_again":
                self._hearing.look_again(now)

    def _interrupt(self, now: float, *, by_speech: bool = False) -> None:
        """The user takes the floor: stop the agent, and set the record straight about what was heard."""
        turn = self._speaking.turn
        assert turn is not None
        resumes = by_speech and self.setup.barge_in.resumes
        is_unanswered = not turn.was_sent or (self._speaking.held is not None and not resumes)
        self._tools.abandon_wishes()
        cut = self._speaking.cut(now, is_interruption=True)
        self._silence.user_was_heard(now)
        self._tools.words_cut(now, "the user spoke before your words were over")
        if self._tools.is_running:
            self._enter(Phase.WAITING)  # the tools go on; what the agent says afterwards has an id of its own
            return
        unread = self._tools.finish()
        self._unread(unread)
        self._owes_answer |= (turn.answers_user and is_unanswered) or (unread is not None and not unread.skips_turn)
        if resumes and not self._owes_answer:
            self._cut_short = cut
        self._keep_unsaid(turn)
        self._speaking.turn = None
        self._enter(Phase.LISTENING)

    def _is_no_bid(self, now: float) -> bool:
        """The user has fallen silent, and what they said over the agent's voice does not ask for the floor."""
        return self.phase is not Phase.ENDING and floor.is_no_bid(
            self._user,
            self.setup,
            self._speaking,
            self.transcript,
            now,
            is_agent_busy=self._floor(now).is_busy,
            was_cut_short=self._cut_short is not None,
        )

    def _leave_floor(self, now: float) -> None:
        """What was said is kept and not answered; an agent that was cut off for it goes on."""
        entry = self._hearing.take(now, "backchannel")
        if entry is not None:
            entry.is_backchannel = True
            self._hearing.keep(entry)
        cut, self._cut_short = self._cut_short, None
        if self._speaking.turn is not None:
            return
        self._speaking.drop_held()
        is_lost = cut is not None and cut.unheard is None and (cut.injected is not None or self._takeover.is_on)
        if cut is None or cut.unheard == "" or self._owes_answer or is_lost:
            self._give_user_floor(now)
            return
        self._silence.agent_takes_floor(answers_user=cut.answers_user)
        turn = self._speaking.begin_turn(answers_user=cut.answers_user, injected=cut.injected)
        if cut.unheard is None:
            self._think(turn, now)
        else:
            self._say(cut.unheard, now)

    def _give_user_floor(self, now: float, *, answered: bool = False) -> None:
        """The agent is done: whose turn is it?"""
        self._speaking.turn = None
        self._enter(Phase.LISTENING)
        if not self._takeover.is_on and not self._absence.is_on:
            self._silence.floor_is_free(now, answered=answered)
        if self._user.has_begun:
            self._silence.user_speaks()
            self._end_user_turn(now)
            return
        self._deliver_words(now)
        if self._speaking.turn is None and self._owes_answer:
            self._answer(now)

    def _speak_up(self, now: float) -> None:
        """Nobody says anything: the agent speaks again."""
        is_nobodys = self._absence.is_on or self._human.silences_agent
        if self.phase is Phase.LISTENING and not self._user.has_begun and not is_nobodys:
            was_skipped = self._silence.is_waiting_after_skip
            self._out.record(self.transcript.add(SilenceEntry(now, was_skipped)))
            self._tools.walk.user_spoke(was_silent=True)
            self._answer(now, answers_user=False)
