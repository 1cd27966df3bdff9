"""The conversation decides; everything else performs.

One object, three members: ``handle(event, now)`` is told what happened and answers what to do, ``next_deadline`` is
when it wants to be woken, ``wake(now)`` is that. It never awaits, reads a clock, draws a random number or touches a
socket. What is here crosses its parts; each rule has a file of its own:

    phases       where a conversation can be, and where that leads
    turn_taking  when the user's turn is over; what takes the floor from the agent
    agent_turn   what the client gets of a reply; what is left of it when it is cut
    reply        what the caller has heard
    tool_round   tool calls, their results and time-outs, ``end_call``
    asking       what the model is asked
    silence      when the agent speaks up again; when silence ends the call
    keep_alive   pings
    ending       every way to end, and what is told about it
"""

from __future__ import annotations

from parola.conversation import asking, ending, prompt
from parola.conversation.actions import Action, ForgetSpeech, StartReply
from parola.conversation.agent_turn import AgentTurn, Stage
from parola.conversation.deadlines import Deadlines
from parola.conversation.ending import FAREWELL_SECONDS, Ending
from parola.conversation.events import (
    REPLY_EVENTS,
    ClientDisconnected,
    EndRequested,
    Event,
    FilesShared,
    InputStalled,
    InvalidMessageReceived,
    ListeningFailed,
    ModelFinished,
    ReplyAudio,
    ReplyEvent,
    ReplyFailed,
    ReplyFinished,
    ReplyText,
    SentenceStarted,
    SpeechScored,
    SpeechStarted,
    SpeechStopped,
    Started,
    ToolCalled,
    TranscriptUpdated,
)
from parola.conversation.keep_alive import KeepAlive
from parola.conversation.outgoing import Outgoing
from parola.conversation.phases import Phase, entered
from parola.conversation.reply import Playback, Reply
from parola.conversation.setup import Setup
from parola.conversation.silence import Silence
from parola.conversation.tool_round import MAX_ROUNDS, ToolRound
from parola.conversation.transcript import ContextEntry, SilenceEntry, Transcript, UserEntry
from parola.conversation.turn_taking import BARGE_IN_SECONDS, TRANSCRIPT_SECONDS, TYPING_SECONDS, Floor, UserTurn
from parola.protocol.client_messages import (
    ClientToolResult,
    ContextualUpdate,
    Feedback,
    McpToolApprovalResult,
    Pong,
    UserActivity,
    UserMessage,
)
from parola.protocol.server_messages import (
    AsrInitiationMetadata,
    ConversationInitiationMetadata,
    TentativeUserTranscript,
    UserTranscript,
    VadScore,
)

LLM_SECONDS = 20.0
"""How long the model may take to its first token (reference: websocket.md §5.4, ``llm_timeout``)."""

LISTENING_FAILURES = 3
"""After so many failed transcriptions in a row the conversation ends: it is deaf."""


class Conversation:
    """One conversation, from the client's arrival to the hang-up. Times are monotonic seconds."""

    def __init__(self, setup: Setup, now: float) -> None:
        self.setup = setup
        self.phase = Phase.LISTENING
        self.transcript = Transcript(setup.agent_id, now)
        self.deadlines = Deadlines()
        self._started_at = now
        self._out = Outgoing(setup.conversation_id, setup.events, self.transcript)
        self._playback = Playback(client_can_be_cut=setup.barge_in)
        streams_parts = setup.events.passes("agent_chat_response_part")
        self._stage = Stage(self._out, self.transcript, self._playback, setup.text_only, streams_parts)
        self._keep_alive = KeepAlive(self._out, self.deadlines)
        self._user = UserTurn(setup.end_of_turn_seconds)
        self._silence = Silence(setup, self.deadlines, self._user)
        self._agent: AgentTurn | None = None
        self._round: ToolRound | None = None
        self._ending: Ending | None = None
        self._owes_answer = False
        """The user has said something that no reply has been asked for yet."""
        self._last_reply = 0
        self._listening_failures = 0

    # -- the three members --------------------------------------------------------------------------------------------

    def handle(self, event: Event, now: float) -> list[Action]:
        """Take in one event. The caller performs the actions, in order, and then asks for ``next_deadline``."""
        if self.phase is Phase.ENDED:
            return []
        match event:
            case _ if isinstance(event, REPLY_EVENTS):
                self._reply_got_on(event, now)
            case SpeechScored():
                self._out.send(VadScore(vad_score=min(1.0, max(0.0, event.probability))))
            case SpeechStarted():
                self._speech_started(event)
            case SpeechStopped():
                self._speech_stopped(event, now)
            case TranscriptUpdated():
                self._transcript_updated(event, now)
            case ListeningFailed():
                self._listening_failed(event, now)
            case UserMessage():
                self._user_wrote(event.text or "", now)
            case FilesShared():
                self._user_wrote(event.text, now, event)
            case UserActivity():
                self._user.held_until = now + TYPING_SECONDS
                if self.phase is not Phase.ENDING:
                    self._silence.user_was_heard(now)
            case ContextualUpdate():
                self._contextual_update(event, now)
            case ClientToolResult():
                if self._round is not None and self._round.take_result(event, now):
                    self._tools_got_on(now)
            case Feedback():
                self._feedback(event, now)
            case Pong():
                self._keep_alive.pong(event, now)
            case McpToolApprovalResult():
                pass  # no tool of this kind is waiting
            case Started():
                self._start(now)
            case InvalidMessageReceived():
                self._end(ending.failed(1008, event.error_type, event.message), now)
            case InputStalled():
                message = f"Nothing came from the client for {event.seconds:.0f} s."
                self._end(ending.failed(1002, "transport_receive_timeout", message), now)
            case ClientDisconnected():
                self._out.is_hushed = True
                self._end(self._ending or ending.client_left(event), now)
            case EndRequested():
                self._end(ending.requested(event), now)
        return self._out.take()

    @property
    def next_deadline(self) -> float | None:
        """When to call ``wake``; None once the conversation has ended."""
        return self.deadlines.next

    def wake(self, now: float) -> list[Action]:
        """Do what is due by ``now``."""
        while (name := self.deadlines.pop_due(now)) is not None:
            match name:
                case "barge_in":
                    self._barge_in(now)
                case "end_of_turn":
                    self._end_user_turn(now)
                case "transcript":
                    self._user.awaited_transcripts = 0
                    self._listening_failed(ListeningFailed("The transcript did not come."), now)
                case "playback":
                    self._playback_ended(now)
                case "turn_timeout":
                    self._speak_up(now)
                case "silence":
                    if self.phase is Phase.LISTENING and not self._user.has_begun:
                        self._end(ending.user_was_silent(), now)
                case "llm":
                    message = f"The language model said nothing for {LLM_SECONDS:.0f} s."
                    self._end(ending.failed(1002, "llm_timeout", message), now)
                case "tool":
                    if self._round is not None:
                        self._round.time_out(now)
                        self._tools_got_on(now)
                case "ping":
                    self._keep_alive.ping(now)
                case "max_duration":
                    self._max_duration_reached(now)
                case "farewell":
                    assert self._ending is not None
                    self._end(self._ending, now)
        return self._out.take()

    def lookup(self, now: float) -> prompt.Lookup:
        """Dynamic variables as they stand now, the system's included."""
        return asking.variables(self.setup, self.transcript, now - self._started_at)

    # -- beginning ----------------------------------------------------------------------------------------------------

    def _start(self, now: float) -> None:
        setup = self.setup
        self._out.send(
            ConversationInitiationMetadata(
                conversation_id=setup.conversation_id,
                agent_output_audio_format=setup.output_format,
                user_input_audio_format=setup.input_format,
            )
        )
        if not setup.text_only:
            self._out.send(AsrInitiationMetadata(provider=setup.asr_provider, language=setup.language))
        self._keep_alive.ping(now)
        for warning in setup.warnings:
            self._out.warn(warning)
        self.deadlines.set("max_duration", now + setup.max_duration_seconds)
        first = prompt.fill_in(setup.first_message, self.lookup(now)).strip()
        self._silence.begins(now, agent_greets=bool(first))
        if first:
            self._begin_agent_turn(is_protected=setup.first_message_is_protected)
            self._say(first, now)

    # -- the user speaks ----------------------------------------------------------------------------------------------

    def _speech_started(self, event: SpeechStarted) -> None:
        self._user.speech_started(event)
        if self.phase is Phase.ENDING:
            return
        self._silence.user_speaks()
        self.deadlines.clear("end_of_turn", "transcript")
        self.deadlines.set("barge_in", event.at + BARGE_IN_SECONDS)

    def _speech_stopped(self, event: SpeechStopped, now: float) -> None:
        if not self._user.has_begun:
            return
        self._user.speech_stopped(event)
        if "barge_in" in self.deadlines:
            self.deadlines.clear("barge_in")
            if self._user.spoken_seconds(now) >= BARGE_IN_SECONDS:
                self._barge_in(now)
        self._expect_end_of_turn()

    def _transcript_updated(self, event: TranscriptUpdated, now: float) -> None:
        if not self._user.has_begun:
            return
        self._listening_failures = 0
        is_new = self._user.transcribed(event.text)
        is_over = self._user.ends_at is not None and now >= self._user.ends_at
        if is_new and self._user.text and not is_over and not self._floor(now).is_busy:
            self._out.send(
                TentativeUserTranscript(user_transcript=self._user.text, event_id=self._out.last_event_id + 1)
            )
        self._words_are_there(now)

    def _listening_failed(self, event: ListeningFailed, now: float) -> None:
        self._out.warn(f"Speech could not be transcribed: {event.message}")
        self._listening_failures += 1
        if self._listening_failures >= LISTENING_FAILURES and self.phase is not Phase.ENDING:
            self._end(ending.failed(1002, "asr_transcription_error", event.message), now)
            return
        self._user.not_transcribed()
        self._words_are_there(now)

    def _words_are_there(self, now: float) -> None:
        if not self._user.awaited_transcripts:
            self.deadlines.clear("transcript")
        if self._user.ends_at is not None and now >= self._user.ends_at:
            self._end_user_turn(now)
        else:
            self._expect_end_of_turn()

    def _expect_end_of_turn(self) -> None:
        if self._user.ends_at is not None and self.phase is not Phase.ENDING:
            self.deadlines.set("end_of_turn", self._user.ends_at)

    def _end_user_turn(self, now: float) -> None:
        """The silence was long enough: take the turn, once its words are there and the agent can be answered to."""
        user, ends_at = self._user, self._user.ends_at
        if ends_at is None:
            return
        if now < ends_at:
            self._expect_end_of_turn()
            return
        if user.awaited_transcripts:
            if "transcript" not in self.deadlines:
                self.deadlines.set("transcript", now + TRANSCRIPT_SECONDS)
            return
        floor = self._floor(now)
        if floor.keeps_from_speech:
            return  # taken when the floor is free
        text, stopped_at = user.text, user.stopped_at
        if text and floor.yields_to_speech:
            self._interrupt(now)
        self._forget_speech()
        if text:
            self._user_said(UserEntry(text, self._out.next_event_id(), now, "audio"), now, stopped_at)
        elif self._agent is None:
            self._give_user_floor(now)

    def _forget_speech(self) -> None:
        self._user.clear()
        self.deadlines.clear("end_of_turn", "transcript", "barge_in")
        self._out.ask(ForgetSpeech())

    # -- the user writes, acts ----------------------------------------------------------------------------------------

    def _user_wrote(self, text: str, now: float, shared: FilesShared | None = None) -> None:
        files = shared.files if shared is not None else ()
        if not text.strip() and not files:
            return
        if self._floor(now).yields_to_text:
            self._interrupt(now)
        if self._user.is_waiting_to_be_taken and not self._floor(now).keeps_from_speech:
            self._keep_words(now)
            self._forget_speech()
        entry = UserEntry(text, self._out.next_event_id(), now, "file" if files else "text", files)
        self._user_said(entry, now)

    def _user_said(self, entry: UserEntry, now: float, stopped_at: float | None = None) -> None:
        """A user turn is complete: keep it, and answer it now or as soon as the agent may."""
        self._keep(entry)
        self._owes_answer = True
        if self.phase is Phase.ENDING:
            return
        self._silence.user_was_heard(now)
        if self._agent is None:
            self._answer(now, stopped_at)

    def _keep_words(self, now: float) -> None:
        """What was said of a turn that is not over."""
        self._keep(UserEntry(self._user.text, self._out.next_event_id(), now, "audio"))

    def _keep(self, entry: UserEntry) -> None:
        self._out.record(self.transcript.add(entry))
        if entry.medium == "audio":
            self._out.send(UserTranscript(user_transcript=entry.text, event_id=entry.event_id))

    def _contextual_update(self, event: ContextualUpdate, now: float) -> None:
        if event.context_id is not None:
            for index in self.transcript.supersede(event.context_id):
                self._out.record(index)
        self._out.record(self.transcript.add(ContextEntry(event.text, now, event.context_id)))

    def _feedback(self, event: Feedback, now: float) -> None:
        index = self.transcript.rated(event.event_id)
        if index is None:
            return
        entry = self.transcript.agent_entry(index)
        entry.feedback = None if event.score is None else (event.score, now)
        if entry.is_worth_keeping:
            self._out.record(index)

    # -- who has the floor --------------------------------------------------------------------------------------------

    def _floor(self, now: float) -> Floor:
        agent, round_ = self._agent, self._round
        if self.phase is Phase.ENDING:
            return Floor(is_busy=True, is_protected=True)
        if agent is None or self._agent_is_done(now):
            return Floor()
        return Floor(
            is_busy=True,
            is_protected=agent.is_protected or (round_ is not None and round_.forbids_interruption),
            was_sent=agent.was_sent,
            client_can_be_cut=self.setup.barge_in,
        )

    def _agent_is_done(self, now: float) -> bool:
        """Nothing of the agent is being made or heard; tools of it may run."""
        return self._agent is None or (self._agent.current is None and self._playback.ends_at <= now)

    def _barge_in(self, now: float) -> None:
        if self._floor(now).yields_to_speech:
            self._interrupt(now)

    def _interrupt(self, now: float) -> None:
        """The user takes the floor: stop the agent, and set the record straight about what was heard."""
        agent = self._agent
        assert agent is not None
        self.deadlines.clear("llm", "playback", "barge_in")
        self._abandon_wishes()
        agent.cut(now, is_interruption=True)
        self._silence.user_was_heard(now)
        round_, is_unheard = self._round, agent.answers_user and not agent.was_sent
        if round_ is not None and not round_.is_complete:
            self._enter(Phase.WAITING)  # the tools go on; what the agent says afterwards has an id of its own
            return
        self._owes_answer |= is_unheard or (round_ is not None and not round_.skips_turn)
        self._agent = self._round = None
        self._enter(Phase.LISTENING)

    def _give_user_floor(self, now: float, *, answered: bool = False) -> None:
        """The agent is done: whose turn is it?"""
        self._agent = None
        self._enter(Phase.LISTENING)
        self.deadlines.clear("playback")
        self._silence.floor_is_free(now, answered=answered)
        if self._user.has_begun:
            self._silence.user_speaks()
            self._end_user_turn(now)
        elif self._owes_answer:
            self._answer(now)

    # -- the agent's turn ---------------------------------------------------------------------------------------------

    def _answer(self, now: float, stopped_at: float | None = None) -> None:
        self._begin_agent_turn()
        reply = self._think(now)
        if stopped_at is not None:
            entry = self.transcript.agent_entry(reply.entry)
            entry.metrics["convai_asr_trailing_service_latency"] = now - stopped_at

    def _begin_agent_turn(self, *, is_protected: bool = False, answers_user: bool = True, tool_rounds: int = 0) -> None:
        self._silence.agent_takes_floor(answers_user=answers_user)
        self.deadlines.clear("playback")
        self._agent = AgentTurn(
            self._stage, is_protected=is_protected, answers_user=answers_user, tool_rounds=tool_rounds
        )

    def _think(self, now: float) -> Reply:
        """Have the model take a step: it sees everything said so far."""
        assert self._agent is not None
        self._owes_answer = False
        request = asking.request(self.setup, self.transcript, self.lookup(now), tool_rounds=self._agent.tool_rounds)
        reply = self._begin_reply(now)
        self.deadlines.set("llm", now + LLM_SECONDS)
        self._out.ask(StartReply(reply.number, request=request, playback_from=self._playback.ends_at))
        return reply

    def _say(self, text: str, now: float) -> None:
        """Have a sentence spoken as it is."""
        reply = self._begin_reply(now, is_verbatim=True)
        if not self.setup.text_only:
            self._out.ask(StartReply(reply.number, verbatim=text, playback_from=self._playback.ends_at))
            return
        # Written at once: what the user may have typed meanwhile must not swallow it.
        assert self._agent is not None
        reply.text = text
        self._agent.reply_finished(reply)
        self._turn_told(self._agent, now)

    def _begin_reply(self, now: float, *, is_verbatim: bool = False) -> Reply:
        assert self._agent is not None
        self._last_reply += 1
        if self.phase is not Phase.ENDING:
            self._enter(Phase.THINKING)
        return self._agent.begin_reply(self._last_reply, now, is_verbatim=is_verbatim)

    def _reply_got_on(self, event: ReplyEvent, now: float) -> None:
        """A fact of a reply; those of one that was stopped, or has finished, are dropped here."""
        agent = self._agent
        reply = agent.current if agent is not None else None
        if agent is None or reply is None or reply.number != event.reply:
            return
        if not isinstance(event, SentenceStarted | ReplyAudio):
            self.deadlines.clear("llm")
        match event:
            case ReplyText():
                agent.text(reply, event, now)
            case SentenceStarted():
                agent.sentence(reply, event.text, now)
            case ReplyAudio():
                agent.audio(reply, event, now)
            case ToolCalled():
                self._tool_called(agent, reply, event, now)
            case ModelFinished():
                agent.model_finished(reply, event)
                self._run_tools(agent, now)
            case ReplyFinished():
                agent.reply_finished(reply)
                if self._round is not None and self.phase is not Phase.ENDING:
                    self._tools_got_on(now)
                else:
                    self._turn_told(agent, now)
            case ReplyFailed():
                reply.has_failed = True
                self._reply_failed(event, now)
        if self.phase is Phase.THINKING and agent.current is not None and agent.current.was_sent:
            self._enter(Phase.SPEAKING)

    def _reply_failed(self, event: ReplyFailed, now: float) -> None:
        if self._ending is not None:
            self._out.warn(f"The last words could not be spoken: {event.message}")
            self._end(self._ending, now)
        else:
            self._end(ending.failed(1002, event.error_type, event.message), now)

    def _turn_told(self, agent: AgentTurn, now: float) -> None:
        """The agent has said all it wanted; what remains is playback."""
        agent.complete()
        if self._playback.ends_at > now:
            self.deadlines.set("playback", self._playback.ends_at)
        else:
            self._playback_ended(now)

    def _playback_ended(self, now: float) -> None:
        """The caller has heard it all: the floor is free."""
        if self.phase is Phase.ENDING:
            self._hang_up_when_heard(now)
        elif self._agent is not None and self._agent.current is None and self._round is None:
            self._give_user_floor(now, answered=self._agent.answers_user)

    def _speak_up(self, now: float) -> None:
        """Nobody says anything: the agent speaks again."""
        if self.phase is Phase.LISTENING and not self._user.has_begun:
            self._out.record(self.transcript.add(SilenceEntry(now)))
            self._begin_agent_turn(answers_user=False)
            self._think(now)

    # -- tools --------------------------------------------------------------------------------------------------------

    def _tool_called(self, agent: AgentTurn, reply: Reply, event: ToolCalled, now: float) -> None:
        if self._round is None:
            self._round = ToolRound(self._out, self.setup.tools, reply.entry, agent.event_id)
        self._round.add(event.name, event.arguments, now)

    def _run_tools(self, agent: AgentTurn, now: float) -> None:
        """The model has finished asking: run what it asked for."""
        round_ = self._round
        if round_ is None or round_.is_running:
            return
        self.transcript.agent_entry(round_.entry).calls.extend(round_.calls)
        agent.tool_rounds += 1
        if agent.tool_rounds > MAX_ROUNDS:
            self._out.warn(f"The model called tools {MAX_ROUNDS} times in one turn; it was stopped.")
            round_.refuse(now, "Too many tool calls in one turn.")
        else:
            agent.was_sent = True
            agent.is_protected = agent.is_protected or round_.protects_turn
            round_.run(now)
            self._expect_results(round_)
        if (call := round_.ending_call) is not None and agent.tool_rounds <= MAX_ROUNDS:
            last_words = "" if self.transcript.agent_entry(round_.entry).text else call.arguments.get("message")
            self._say_goodbye(ending.agent_ended(call), str(last_words or "").strip(), now)
        else:
            self._tools_got_on(now)

    def _tools_got_on(self, now: float) -> None:
        """A call has its result, or the words before the calls have been told: go on once all is there."""
        round_, agent = self._round, self._agent
        if round_ is None or agent is None:
            return
        self._expect_results(round_)
        if self.phase is Phase.ENDING:
            self._hang_up_when_heard(now)
        elif agent.current is not None:
            pass  # its words are still being made
        elif not round_.is_complete:
            self._enter(Phase.WAITING)
        else:
            self._round = None
            self._tools_finished(agent, round_, now)

    def _expect_results(self, round_: ToolRound) -> None:
        if round_.next_timeout is None:
            self.deadlines.clear("tool")
        else:
            self.deadlines.set("tool", round_.next_timeout)

    def _tools_finished(self, agent: AgentTurn, round_: ToolRound, now: float) -> None:
        if agent.tool_rounds > MAX_ROUNDS or (round_.skips_turn and not self._owes_answer):
            self._turn_told(agent, now)
        elif self._user.has_begun and not agent.is_protected:
            # The user has the floor: the answer comes after what they are saying.
            self._owes_answer = True
            self.deadlines.set("playback", max(now, self._playback.ends_at))
        else:
            if not agent.can_go_on:
                self._begin_agent_turn(is_protected=agent.is_protected, tool_rounds=agent.tool_rounds)
            self._think(now)

    def _abandon_wishes(self) -> None:
        """A step that is cut before it has finished asking has asked for nothing."""
        if self._round is not None and not self._round.is_running:
            self._round = None

    # -- ending -------------------------------------------------------------------------------------------------------

    def _max_duration_reached(self, now: float) -> None:
        last_words = prompt.fill_in(self.setup.max_duration_message, self.lookup(now)).strip()
        how = ending.took_too_long(self.setup.max_duration_seconds)
        if not last_words:
            self._end(how, now)
            return
        if self._round is not None and self._round.is_running:
            self._round.give_up(now)
            self._round = None
        if not self._agent_is_done(now):
            self._interrupt(now)
        self._begin_agent_turn()
        self._say_goodbye(how, last_words, now)

    def _say_goodbye(self, how: Ending, last_words: str, now: float) -> None:
        """Hang up when the last words have been heard: these, or those the agent is saying."""
        self._ending = how
        self._enter(Phase.ENDING)
        self.deadlines.keep("ping", "tool")
        self.deadlines.set("farewell", max(now, self._playback.ends_at) + FAREWELL_SECONDS)
        assert self._agent is not None
        if last_words:
            self._agent.stop()
            self._say(last_words, now)
        elif self._agent.current is None:
            self._turn_told(self._agent, now)

    def _hang_up_when_heard(self, now: float) -> None:
        """No earlier than the goodbye is heard, and other tools of the same step have answered."""
        assert self._ending is not None
        if self._round is not None and not self._round.is_complete:
            return
        if self._agent_is_done(now):
            self._end(self._ending, now)

    def _end(self, how: Ending, now: float) -> None:
        """Stop, keep what was said to the last word, tell why, hang up."""
        if self._agent is not None and not self._agent_is_done(now):
            self._abandon_wishes()
            self._agent.cut(now, is_interruption=False)
        if self._user.text:
            self._keep_words(now)
        if self._round is not None:
            self._round.give_up(now)
            self._round.tell_end()
        if how.error is not None:
            self._out.send(how.error)
        self.deadlines.keep()
        self._enter(Phase.ENDED)
        self._out.ask(how.close)

    def _enter(self, phase: Phase) -> None:
        self.phase = entered(phase, self.phase)
