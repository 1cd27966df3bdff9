"""The conversation decides; everything else performs.

One object, three members: ``handle(event, now)`` is told what happened and answers what to do, ``next_deadline`` is
when it wants to be woken, ``wake(now)`` is that. It never awaits, reads a clock, draws a random number or touches a
socket; it issues every event id and tool call id. It holds only what crosses its four parts: the user's turn
(``turn_taking``), the agent's turn (``reply``), the round of tools (``tool_round``) and the ``deadlines``.

The phases, and where each may lead::

    listening   nobody has the floor, or the user has
    thinking    a reply is being made, nothing of it has been sent
    speaking    the agent has the floor: its words are being sent, or played
    waiting     tools run; words said before them may still be playing
    ending      the last words are being played
    ended       nothing more will come out

Ids: the user's turns and the agent's turns draw from one counter. All that an agent turn sends (text, audio, tool
calls) carries its id, until it is interrupted: the Python SDK drops audio whose id is at most the interruption's,
the JavaScript client plays audio whose id is at least it. So an interruption carries the last id sent, and whatever
follows gets a higher one.
"""

from __future__ import annotations

import hashlib
from enum import StrEnum
from typing import Any

from parola.conversation import prompt
from parola.conversation.actions import Action, Close, ForgetSpeech, Record, Send, StartReply, StopReply, Warn
from parola.conversation.deadlines import Deadlines
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
from parola.conversation.reply import AgentTurn, Reply
from parola.conversation.setup import Setup
from parola.conversation.tool_round import FULL_PAYLOAD_LIMIT, MAX_ROUNDS, ToolCall, ToolRound, as_text
from parola.conversation.transcript import AgentEntry, ContextEntry, SilenceEntry, Transcript, UserEntry
from parola.conversation.turn_taking import BARGE_IN_SECONDS, TRANSCRIPT_SECONDS, TYPING_SECONDS, UserTurn
from parola.protocol.client_messages import (
    ClientToolResult,
    ContextualUpdate,
    Feedback,
    McpToolApprovalResult,
    Pong,
    UserActivity,
    UserMessage,
)
from parola.protocol.messages import ServerMessage, close_reason
from parola.protocol.server_messages import (
    AgentChatResponsePart,
    AgentResponse,
    AgentResponseComplete,
    AgentResponseCorrection,
    AgentToolRequest,
    AgentToolResponse,
    AgentToolResponseFullPayload,
    AsrInitiationMetadata,
    Audio,
    AudioAlignment,
    ClientToolCall,
    ContextUsage,
    ConversationInitiationMetadata,
    Error,
    InternalTentativeAgentResponse,
    Interruption,
    Ping,
    TentativeUserTranscript,
    UserTranscript,
    VadScore,
)
from parola.providers.base import Alignment, ModelRequest

LLM_SECONDS = 20.0
"""How long the model may take to its first token (reference: websocket.md §5.4, ``llm_timeout``)."""

PING_SECONDS = (2.0, 3.0, 5.0)
"""Waits between the first pings; ``PING_INTERVAL_SECONDS`` after them."""

PING_INTERVAL_SECONDS = 10.0

FAREWELL_SECONDS = 30.0
"""How long the last words may take to be made and played, at most."""

LISTENING_FAILURES = 3
"""After so many failed transcriptions in a row the conversation ends: it is deaf."""


class Phase(StrEnum):
    LISTENING = "listening"
    THINKING = "thinking"
    SPEAKING = "speaking"
    WAITING = "waiting"
    ENDING = "ending"
    ENDED = "ended"


TRANSITIONS: dict[Phase, frozenset[Phase]] = {
    Phase.LISTENING: frozenset({Phase.THINKING, Phase.ENDING, Phase.ENDED}),
    Phase.THINKING: frozenset({Phase.LISTENING, Phase.SPEAKING, Phase.WAITING, Phase.ENDING, Phase.ENDED}),
    Phase.SPEAKING: frozenset({Phase.LISTENING, Phase.THINKING, Phase.WAITING, Phase.ENDING, Phase.ENDED}),
    Phase.WAITING: frozenset({Phase.THINKING, Phase.LISTENING, Phase.ENDING, Phase.ENDED}),
    Phase.ENDING: frozenset({Phase.ENDED}),
    Phase.ENDED: frozenset(),
}


class Conversation:
    """One conversation, from the client's arrival to the hang-up. Times are monotonic seconds."""

    def __init__(self, setup: Setup, now: float) -> None:
        self.setup = setup
        self.phase = Phase.LISTENING
        self.transcript = Transcript(setup.agent_id, now)
        self.deadlines = Deadlines()
        self.variables: dict[str, Any] = dict(setup.variables)
        self._started_at = now
        self._out: list[Action] = []
        self._last_event_id = 0
        self._last_reply = 0
        self._last_call = 0
        self._user = UserTurn(setup.end_of_turn_seconds)
        self._agent: AgentTurn | None = None
        self._round: ToolRound | None = None
        self._owes_answer = False
        self._listening_failures = 0
        self._pings_sent = 0
        self._ping_sent_at: dict[int, float] = {}
        self._ping_ms: int | None = None
        self._farewell: Close | None = None
        self._tentative = ""
        self._usage: ContextUsage | None = None
        self._last_error: Error | None = None
        self._ending_call: tuple[ToolCall, int] | None = None

    # -- the three members --------------------------------------------------------------------------------------------

    def handle(self, event: Event, now: float) -> list[Action]:
        """Take in one event. The caller performs the actions, in order, and then asks for ``next_deadline``."""
        if self.phase is Phase.ENDED:
            return []
        if isinstance(event, REPLY_EVENTS) and not self._is_current(event.reply):
            return []
        match event:
            case ReplyAudio():
                self._reply_audio(event, now)
            case ReplyText():
                self._reply_text(event, now)
            case SpeechScored():
                self._send(VadScore(vad_score=min(1.0, max(0.0, event.probability))))
            case SpeechStarted():
                self._speech_started(event, now)
            case SpeechStopped():
                self._speech_stopped(event, now)
            case TranscriptUpdated():
                self._transcript_updated(event, now)
            case ListeningFailed():
                self._listening_failed(event, now)
            case SentenceStarted():
                self._sentence_started(event)
            case ToolCalled():
                self._tool_called(event, now)
            case ModelFinished():
                self._model_finished(event, now)
            case ReplyFinished():
                self._reply_finished(now)
            case ReplyFailed():
                self._fail(1002, event.error_type, event.message)
            case UserMessage():
                self._user_message(event.text, now)
            case FilesShared():
                self._files_shared(event, now)
            case UserActivity():
                self._user_activity(now)
            case ContextualUpdate():
                self._contextual_update(event, now)
            case ClientToolResult():
                self._client_tool_result(event, now)
            case Feedback():
                self._feedback(event, now)
            case Pong():
                self._pong(event, now)
            case McpToolApprovalResult():
                pass  # no tool of this kind is waiting
            case Started():
                self._start(now)
            case InvalidMessageReceived():
                self._fail(1008, event.error_type, event.message)
            case InputStalled():
                message = f"Nothing came from the client for {event.seconds:.0f} s."
                self._fail(1002, "transport_receive_timeout", message)
            case ClientDisconnected():
                self._disconnected(event)
            case EndRequested():
                self._close(Close(event.code, event.reason, termination_reason=event.reason))
        return self._take()

    @property
    def next_deadline(self) -> float | None:
        """When to call ``wake``; None once the conversation has ended."""
        return self.deadlines.next

    def wake(self, now: float) -> list[Action]:
        """Do what is due by ``now``."""
        while self.phase is not Phase.ENDED and (name := self.deadlines.pop_due(now)) is not None:
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
                    self._turn_timed_out(now)
                case "silence":
                    self._end("The user was silent for too long", now)
                case "llm":
                    self._fail(1002, "llm_timeout", f"The language model said nothing for {LLM_SECONDS:.0f} s.")
                case "tool":
                    self._tools_timed_out(now)
                case "ping":
                    self._ping(now)
                case "max_duration":
                    self._max_duration_reached(now)
                case "farewell":
                    assert self._farewell is not None
                    self._close(self._farewell)
        return self._take()

    def lookup(self, now: float) -> prompt.Lookup:
        """Dynamic variables as they stand now, the system's included."""

        def system(name: str) -> str | None:
            setup, elapsed = self.setup, now - self._started_at
            match name:
                case "system__agent_id" | "system__current_agent_id":
                    return setup.agent_id
                case "system__conversation_id":
                    return setup.conversation_id
                case "system__call_duration_secs":
                    return str(int(elapsed))
                case "system__time_utc":
                    return prompt.utc_time(setup.started_at_unix + elapsed)
                case "system__time":
                    return prompt.spoken_time(setup.started_at_unix + elapsed, setup.timezone)
                case "system__timezone":
                    return setup.timezone or "UTC"
                case "system__agent_turns" | "system__current_agent_turns" | "system__current_subagent_turns":
                    return str(self.transcript.agent_turns)
                case "system__is_text_only":
                    return "true" if setup.text_only else "false"
                case "system__conversation_history":
                    return self.transcript.history()
                case _ if name in prompt.PHONE_VARIABLES:
                    return prompt.as_text(self.variables.get(name))
                case _:
                    return None

        return prompt.lookup_in(self.variables, system)

    # -- beginning ----------------------------------------------------------------------------------------------------

    def _start(self, now: float) -> None:
        setup = self.setup
        self._send(
            ConversationInitiationMetadata(
                conversation_id=setup.conversation_id,
                agent_output_audio_format=setup.output_format,
                user_input_audio_format=setup.input_format,
            )
        )
        if not setup.text_only:
            self._send(AsrInitiationMetadata(provider=setup.asr_provider, language=setup.language))
        self._ping(now)
        for warning in setup.warnings:
            self._out.append(Warn(warning))
        self.deadlines.set("max_duration", now + setup.max_duration_seconds)
        self._restart_silence(now)
        first = prompt.fill_in(setup.first_message, self.lookup(now)).strip()
        if first:
            self._begin_agent_turn(protected=setup.first_message_is_protected)
            self._say(first, now)
        elif setup.initial_wait_seconds is not None:
            self._set_turn_timeout(now, setup.initial_wait_seconds)
        else:
            self._set_turn_timeout(now, setup.turn_timeout_seconds)

    # -- the user speaks ----------------------------------------------------------------------------------------------

    def _speech_started(self, event: SpeechStarted, now: float) -> None:
        if self.phase is Phase.ENDING:
            return
        self._user.speech_started(event)
        self.deadlines.clear("end_of_turn", "turn_timeout", "silence")
        if self._is_cuttable(now):
            self.deadlines.set("barge_in", event.at + BARGE_IN_SECONDS)

    def _speech_stopped(self, event: SpeechStopped, now: float) -> None:
        if self.phase is Phase.ENDING or not self._user.has_begun:
            return
        self._user.speech_stopped(event)
        if "barge_in" in self.deadlines:
            self.deadlines.clear("barge_in")
            if self._user.spoken_seconds(now) >= BARGE_IN_SECONDS:
                self._barge_in(now)
        self._restart_silence(now)
        ends_at = self._user.ends_at
        assert ends_at is not None
        self.deadlines.set("end_of_turn", ends_at)

    def _transcript_updated(self, event: TranscriptUpdated, now: float) -> None:
        if not self._user.has_begun:
            return
        self._listening_failures = 0
        self._user.transcribed(event.text)
        if self._user.is_over(now):
            self._end_user_turn(now)
        elif self._user.text and self._user.text != self._tentative:
            self._tentative = self._user.text
            self._send(TentativeUserTranscript(user_transcript=self._user.text, event_id=self._last_event_id + 1))

    def _listening_failed(self, event: ListeningFailed, now: float) -> None:
        self._out.append(Warn(f"Speech could not be transcribed: {event.message}"))
        self._listening_failures += 1
        if self._listening_failures >= LISTENING_FAILURES:
            self._fail(1002, "asr_transcription_error", event.message)
            return
        self._user.not_transcribed()
        if self._user.is_over(now):
            self._end_user_turn(now)

    def _end_user_turn(self, now: float) -> None:
        """The silence was long enough: take the turn, once its words are there."""
        user = self._user
        ends_at = user.ends_at
        if ends_at is None:
            return
        if now < ends_at:
            self.deadlines.set("end_of_turn", ends_at)
            return
        if user.awaited_transcripts:
            self.deadlines.set("transcript", now + TRANSCRIPT_SECONDS)
            return
        metrics_from = user.stopped_at
        text = user.text
        self._forget_speech()
        if not text:
            self._set_turn_timeout_if_idle(now)
            return
        entry = UserEntry(text, self._next_event_id(), now, "audio")
        self._user_said(entry, now, stopped_at=metrics_from)

    def _forget_speech(self) -> None:
        self._user.clear()
        self._tentative = ""
        self.deadlines.clear("end_of_turn", "transcript", "barge_in")
        self._out.append(ForgetSpeech())

    def _barge_in(self, now: float) -> None:
        if self._is_cuttable(now):
            self._interrupt(now)

    # -- the user writes ----------------------------------------------------------------------------------------------

    def _user_message(self, text: str | None, now: float) -> None:
        if text is None or not text.strip():
            return
        self._user_wrote(UserEntry(text, 0, now, "text"), now)

    def _files_shared(self, event: FilesShared, now: float) -> None:
        if event.text.strip() or event.files:
            self._user_wrote(UserEntry(event.text, 0, now, "file" if event.files else "text", event.files), now)

    def _user_wrote(self, entry: UserEntry, now: float) -> None:
        if self.phase is Phase.ENDING:
            return
        if self._is_cuttable(now, by_text=True):
            self._interrupt(now)
        entry.event_id = self._next_event_id()
        self._user_said(entry, now)

    def _user_said(self, entry: UserEntry, now: float, stopped_at: float | None = None) -> None:
        """A user turn is complete: keep it, and answer it now or as soon as the agent may."""
        index = self.transcript.add(entry)
        self._record(index)
        if entry.medium == "audio":
            self._send(UserTranscript(user_transcript=entry.text, event_id=entry.event_id))
        self.deadlines.clear("turn_timeout")
        self._restart_silence(now)
        must_wait = self._is_protected(now) or (
            entry.medium == "audio" and self._is_audible(now) and not self.setup.barge_in
        )
        if self._round is not None or must_wait:
            self._owes_answer = True
            return
        if self._agent is not None and (self._agent.current is not None or self._is_audible(now)):
            self._interrupt(now)
        self._answer(now, stopped_at)

    def _user_activity(self, now: float) -> None:
        self._restart_silence(now)
        self._user.held_until = now + TYPING_SECONDS
        if "turn_timeout" in self.deadlines:
            self._set_turn_timeout(now, self.setup.turn_timeout_seconds)

    def _contextual_update(self, event: ContextualUpdate, now: float) -> None:
        if event.context_id is not None:
            for index in self.transcript.supersede(event.context_id):
                self._record(index)
        self._record(self.transcript.add(ContextEntry(event.text, now, event.context_id)))

    def _feedback(self, event: Feedback, now: float) -> None:
        index = self.transcript.rated(event.event_id)
        if index is not None:
            self.transcript.agent_entry(index).feedback = None if event.score is None else (event.score, now)
            self._record(index)

    # -- the agent's turn ---------------------------------------------------------------------------------------------

    def _answer(self, now: float, stopped_at: float | None = None) -> None:
        self._owes_answer = False
        self._begin_agent_turn()
        self._think(now)
        if stopped_at is not None and self._agent is not None and self._agent.replies:
            entry = self.transcript.agent_entry(self._agent.replies[-1].entry)
            entry.metrics["convai_asr_trailing_service_latency"] = now - stopped_at

    def _begin_agent_turn(self, *, protected: bool = False, answers_user: bool = True) -> AgentTurn:
        self.deadlines.clear("turn_timeout", "playback")
        self._agent = AgentTurn(self._next_event_id(), is_protected=protected, answers_user=answers_user)
        return self._agent

    def _think(self, now: float) -> None:
        """Have the model take a step."""
        setup, agent = self.setup, self._agent
        assert agent is not None
        lookup = self.lookup(now)
        messages: list[dict[str, Any]] = []
        system = prompt.fill_in(setup.prompt, lookup)
        if system:
            messages.append({"role": "system", "content": system})
        messages += self.transcript.messages(setup.files_in_memory)
        offered = () if agent.tool_rounds >= MAX_ROUNDS else tuple(t.definition for t in setup.tools.values())
        request = ModelRequest(
            messages=messages,
            tools=offered,
            model=setup.model.llm,
            temperature=setup.model.temperature,
            max_tokens=setup.model.max_tokens,
            reasoning_effort=setup.model.reasoning_effort,
            extra_body=setup.model.extra_body,
            user_id=setup.user_id,
            script=setup.model.script,
        )
        reply = self._new_reply(now)
        self.deadlines.set("llm", now + LLM_SECONDS)
        self._out.append(StartReply(reply.number, request=request, playback_from=agent.playback_ends_at))

    def _say(self, text: str, now: float) -> None:
        """Have a sentence spoken as it is."""
        assert self._agent is not None
        reply = self._new_reply(now)
        if self.setup.text_only:
            # Written at once: what the user may have typed meanwhile must not swallow it.
            reply.text = text
            reply.finish()
            self._write_down(self._agent, reply)
            self._turn_told(self._agent, now)
            return
        self._out.append(StartReply(reply.number, verbatim=text, playback_from=self._agent.playback_ends_at))

    def _new_reply(self, now: float) -> Reply:
        assert self._agent is not None
        self._last_reply += 1
        entry = self.transcript.add(AgentEntry("", self._agent.event_id, now))
        reply = Reply(self._last_reply, entry, now, is_spoken=not self.setup.text_only)
        self._agent.replies.append(reply)
        if self.phase is not Phase.ENDING:
            self._enter(Phase.THINKING)
        return reply

    def _is_current(self, number: int) -> bool:
        current = self._agent.current if self._agent is not None else None
        return current is not None and current.number == number

    def _current(self) -> tuple[AgentTurn, Reply]:
        assert self._agent is not None
        reply = self._agent.current
        assert reply is not None
        return self._agent, reply

    def _reply_text(self, event: ReplyText, now: float) -> None:
        agent, reply = self._current()
        self.deadlines.clear("llm")
        if reply.first_text_at is None:
            reply.first_text_at = now
        reply.text += event.text
        if self._streams_parts:
            if not reply.parts_started:
                reply.parts_started = True
                self._send(AgentChatResponsePart(text="", type="start", event_id=agent.event_id))
            self._send(AgentChatResponsePart(text=event.text, type="delta", event_id=agent.event_id))
            self._floor_taken()

    @property
    def _streams_parts(self) -> bool:
        return self.setup.events.passes("agent_chat_response_part")

    def _floor_taken(self) -> None:
        """Something of the reply has reached the client."""
        assert self._agent is not None
        self._agent.was_sent = True
        if self.phase is Phase.THINKING:
            self._enter(Phase.SPEAKING)

    def _sentence_started(self, event: SentenceStarted) -> None:
        _, reply = self._current()
        reply.sentence(event.text)
        if not reply.is_written:
            draft = "".join(sentence.text for sentence in reply.sentences).strip()
            self._send(InternalTentativeAgentResponse(tentative_agent_response=draft))

    def _reply_audio(self, event: ReplyAudio, now: float) -> None:
        agent, reply = self._current()
        if reply.first_audio_at is None:
            reply.first_audio_at = now
        start = agent.queue_audio(now, event.seconds)
        reply.play(start, event.seconds, event.alignment)
        alignment = None if event.alignment is None else _milliseconds(event.alignment)
        self._send(Audio(audio_base_64=event.audio, event_id=agent.event_id, alignment=alignment))
        self._floor_taken()

    def _model_finished(self, event: ModelFinished, now: float) -> None:
        """All the words and wishes of this step are known: tell the words, run the tools."""
        agent, reply = self._current()
        self.deadlines.clear("llm")
        entry = self.transcript.agent_entry(reply.entry)
        entry.model = event.model
        entry.input_tokens, entry.output_tokens = event.input_tokens, event.output_tokens
        if reply.first_text_at is not None and not (event.model == "" and event.context_limit == 0):
            entry.metrics["convai_llm_service_ttfb"] = reply.first_text_at - reply.asked_at
        self._write_down(agent, reply)
        if event.context_limit:
            used = event.input_tokens + event.output_tokens
            self._usage = ContextUsage(
                event_id=agent.event_id,
                model=event.model,
                context_tokens=used,
                context_limit_tokens=event.context_limit,
            )
        if self._round is not None and not self._round.is_running:
            self._run_tools(now)

    def _write_down(self, agent: AgentTurn, reply: Reply) -> None:
        """The text of a reply is complete: into the transcript, and to the client."""
        if reply.is_written:
            return
        reply.is_written = True
        entry = self.transcript.agent_entry(reply.entry)
        text = reply.text.strip()
        reply.text = text if not reply.sentences else reply.text
        entry.text = text
        if reply.parts_started:
            self._send(AgentChatResponsePart(text="", type="stop", event_id=agent.event_id))
        if text or entry.calls:
            self._record(reply.entry)
        if text:
            self._send(AgentResponse(agent_response=text, event_id=agent.event_id))
            self._floor_taken()

    def _reply_finished(self, now: float) -> None:
        agent, reply = self._current()
        reply.finish()
        if reply.first_audio_at is not None and reply.first_text_at is not None:
            entry = self.transcript.agent_entry(reply.entry)
            entry.metrics["convai_tts_service_ttfb"] = reply.first_audio_at - reply.first_text_at
            self._record(reply.entry)
        if self._round is not None:
            self._floor_kept_by_tools(now)
            return
        self._turn_told(agent, now)

    def _turn_told(self, agent: AgentTurn, now: float) -> None:
        """The agent has said all it wanted; what remains is playback."""
        agent.is_complete = True
        self._send(AgentResponseComplete(event_id=agent.event_id))
        if self._usage is not None:
            self._send(self._usage)
            self._usage = None
        self.deadlines.set("playback", max(now, agent.playback_ends_at))
        if agent.playback_ends_at <= now:
            self.deadlines.clear("playback")
            self._playback_ended(now)

    def _playback_ended(self, now: float) -> None:
        """The caller has heard it all: the floor is free."""
        agent = self._agent
        if self._farewell is not None:
            if agent is None or agent.current is None:
                self._close(self._farewell)
            return
        if agent is None or agent.current is not None or self._round is not None:
            return
        self._agent = None
        self.deadlines.clear("barge_in")
        self._enter(Phase.LISTENING)
        if agent.answers_user:
            self._restart_silence(now)
        if self._owes_answer:
            self._answer(now)
        elif not self._user.has_begun:
            self._set_turn_timeout(now, self.setup.turn_timeout_seconds)

    # -- interruption -------------------------------------------------------------------------------------------------

    def _is_audible(self, now: float) -> bool:
        return self._agent is not None and self._agent.playback_ends_at > now

    def _is_protected(self, now: float) -> bool:
        """The agent speaks and may not be cut."""
        agent = self._agent
        if agent is None or (agent.current is None and not self._is_audible(now)):
            return False
        return agent.is_protected or (self._round is not None and self._round.forbids_interruption)

    def _is_cuttable(self, now: float, *, by_text: bool = False) -> bool:
        """The agent has the floor, or is about to take it, and the user may take it away."""
        if self.phase is Phase.ENDING or self._agent is None:
            return False
        busy = self._agent.current is not None or self._is_audible(now)
        return busy and not self._is_protected(now) and (by_text or self.setup.barge_in)

    def _interrupt(self, now: float) -> None:
        """Stop the agent, and set the record straight about what was heard."""
        agent = self._agent
        assert agent is not None
        current = agent.current
        self.deadlines.clear("llm", "playback", "barge_in")
        if current is not None:
            self._out.append(StopReply(current.number))
            if not current.is_written:
                self._abandon_tools()
                if current.text.strip():
                    self._write_down(agent, current)
                elif current.parts_started:
                    self._send(AgentChatResponsePart(text="", type="stop", event_id=agent.event_id))
            current.is_told = True
        if agent.was_sent:
            self._send(Interruption(event_id=agent.event_id))
        for reply in agent.replies:
            self._correct(agent, reply, now)
        agent.playback_ends_at = min(agent.playback_ends_at, now)
        if self._round is not None:
            # The tools go on; what the agent says afterwards is a new turn of its own.
            self._begin_agent_turn().tool_rounds = agent.tool_rounds
            self._enter(Phase.WAITING)
        else:
            self._agent = None
            self._enter(Phase.LISTENING)

    def _correct(self, agent: AgentTurn, reply: Reply, now: float) -> None:
        entry = self.transcript.agent_entry(reply.entry)
        if not entry.text or entry.is_interrupted:
            return
        heard = reply.heard(now).strip()
        if heard == entry.text:
            return
        entry.heard = f"{heard}..." if heard else ""
        self._record(reply.entry)
        self._send(
            AgentResponseCorrection(
                original_agent_response=entry.text,
                corrected_agent_response=entry.heard or "...",
                event_id=agent.event_id,
            )
        )

    # -- tools --------------------------------------------------------------------------------------------------------

    def _tool_called(self, event: ToolCalled, now: float) -> None:
        agent, reply = self._current()
        self.deadlines.clear("llm")
        tool = self.setup.tools.get(event.name)
        call = ToolCall(
            call_id=self._next_call_id(event.name),
            name=event.name,
            arguments=event.arguments,
            type=tool.type if tool else "client",
            called_at=now,
            tool=tool,
        )
        self.transcript.agent_entry(reply.entry).calls.append(call)
        if self._round is None:
            self._round = ToolRound(reply.entry, agent.event_id)
        self._round.calls.append(call)

    def _run_tools(self, now: float) -> None:
        """The model has finished asking: run what it asked for."""
        round_, agent = self._round, self._agent
        assert round_ is not None and agent is not None
        round_.is_running = True
        agent.tool_rounds += 1
        if round_.protects_turn:
            agent.is_protected = True
        self._record(round_.entry)
        for call in round_.calls:
            self._send(
                AgentToolRequest(
                    tool_name=call.name, tool_call_id=call.call_id, tool_type=call.type, event_id=round_.event_id
                )
            )
            agent.was_sent = True
            if self._farewell is None:
                self._run_tool(call, round_, now)
            else:
                call.finish(now, "The call was ending.", is_error=True, error_type="not_called", is_called=False)
                self._tell_result(call, round_.event_id)
        self._after_results(now)

    def _run_tool(self, call: ToolCall, round_: ToolRound, now: float) -> None:
        tool = call.tool
        call.called_at = now
        if tool is None:
            known = ", ".join(self.setup.tools) or "none"
            message = f'There is no tool called "{call.name}". Tools of this agent: {known}.'
            self._finish_call(call, now, message, is_error=True, error_type="unknown_tool", is_called=False)
        elif tool.type == "system":
            self._run_system_tool(call, now)
        else:
            self._send(
                ClientToolCall(
                    tool_name=call.name,
                    tool_call_id=call.call_id,
                    parameters=dict(call.arguments),
                    event_id=round_.event_id,
                    expects_response=tool.expects_response,
                )
            )
            if tool.expects_response:
                call.timeout_at = now + tool.timeout_seconds
            else:
                self._finish_call(call, now, "The tool was called; it gives no answer.")

    def _run_system_tool(self, call: ToolCall, now: float) -> None:
        match call.name:
            case "end_call":
                call.finish(now, "The call ends after these words.", is_error=False)
                self._begin_farewell(call, now)
            case _:
                self._finish_call(call, now, "Skipped: the agent waits for the user.")

    def _client_tool_result(self, event: ClientToolResult, now: float) -> None:
        call = self._round.pending(event.tool_call_id) if self._round is not None else None
        if call is None:
            return  # late, twice, or never asked for
        is_error = event.is_error or event.error_type is not None
        rejected = event.error_type == "user_rejected"
        self._finish_call(
            call,
            now,
            as_text(event.result),
            is_error=is_error,
            error_type=event.error_type or "",
            is_called=not rejected,
        )
        self._after_results(now)

    def _tools_timed_out(self, now: float) -> None:
        if self._round is None:
            return
        for call in self._round.due(now):
            seconds = call.tool.timeout_seconds if call.tool else 0
            message = f'The tool "{call.name}" gave no answer within {seconds:g} s.'
            self._out.append(Warn(message))
            self._finish_call(call, now, message, is_error=True, error_type="client_timeout")
        self._after_results(now)

    def _finish_call(
        self,
        call: ToolCall,
        now: float,
        result: str,
        *,
        is_error: bool = False,
        error_type: str = "",
        is_called: bool = True,
    ) -> None:
        assert self._round is not None
        call.finish(now, result, is_error=is_error, error_type=error_type, is_called=is_called)
        self._record(self._round.entry)
        self._tell_result(call, self._round.event_id)

    def _tell_result(self, call: ToolCall, event_id: int) -> None:
        result = call.result or ""
        told: dict[str, Any] = {
            "tool_name": call.name,
            "tool_call_id": call.call_id,
            "tool_type": call.type,
            "is_error": call.is_error,
            "is_called": call.is_called,
            "event_id": event_id,
            "status": "error" if call.is_error else "success",
        }
        self._send(AgentToolResponse(**told))
        self._send(
            AgentToolResponseFullPayload(
                **told, full_tool_result=result[:FULL_PAYLOAD_LIMIT], truncated=len(result) > FULL_PAYLOAD_LIMIT
            )
        )

    def _after_results(self, now: float) -> None:
        """Go on once every call has its result."""
        round_ = self._round
        if round_ is None or self._farewell is not None:
            return
        timeout = round_.next_timeout
        if timeout is None:
            self.deadlines.clear("tool")
        else:
            self.deadlines.set("tool", timeout)
        agent = self._agent
        assert agent is not None
        if not round_.is_complete:
            if agent.current is None:
                self._floor_kept_by_tools(now)
            return
        if agent.current is not None:
            return  # its words are still being made; `_reply_finished` comes back here
        skipped = all(call.name == "skip_turn" and call.type == "system" for call in round_.calls)
        self._round = None
        if skipped and not self._owes_answer:
            self._turn_told(agent, now)
            return
        self._owes_answer = False
        self._think(now)

    def _floor_kept_by_tools(self, now: float) -> None:
        assert self._round is not None
        if self._round.is_complete:
            self._after_results(now)
        elif self.phase in (Phase.THINKING, Phase.SPEAKING):
            self._enter(Phase.WAITING)

    def _abandon_tools(self) -> None:
        """The step was cut before it had finished asking: its calls never happened."""
        if self._round is not None and not self._round.is_running:
            self.transcript.agent_entry(self._round.entry).calls.clear()
            self._round = None

    # -- time passes --------------------------------------------------------------------------------------------------

    def _set_turn_timeout(self, now: float, seconds: float) -> None:
        if seconds >= 0 and not self.setup.text_only:
            self.deadlines.set("turn_timeout", max(now, self._user.held_until) + seconds)

    def _set_turn_timeout_if_idle(self, now: float) -> None:
        if self.phase is Phase.LISTENING:
            self._set_turn_timeout(now, self.setup.turn_timeout_seconds)

    def _turn_timed_out(self, now: float) -> None:
        """Nobody says anything: the agent speaks again."""
        if self.phase is not Phase.LISTENING or self._user.has_begun:
            return
        self._record(self.transcript.add(SilenceEntry(now)))
        self._begin_agent_turn(answers_user=False)
        self._think(now)

    def _restart_silence(self, now: float) -> None:
        if self.setup.silence_end_call_seconds > 0 and self.phase is not Phase.ENDING:
            self.deadlines.set("silence", now + self.setup.silence_end_call_seconds)

    def _ping(self, now: float) -> None:
        self._pings_sent += 1
        self._ping_sent_at[self._pings_sent] = now
        if len(self._ping_sent_at) > 16:
            del self._ping_sent_at[next(iter(self._ping_sent_at))]
        self._send(Ping(event_id=self._pings_sent, ping_ms=self._ping_ms))
        waits = PING_SECONDS
        wait = waits[self._pings_sent - 1] if self._pings_sent <= len(waits) else PING_INTERVAL_SECONDS
        self.deadlines.set("ping", now + wait)

    def _pong(self, event: Pong, now: float) -> None:
        sent_at = self._ping_sent_at.pop(event.event_id, None)
        if sent_at is not None:
            self._ping_ms = round(1000 * (now - sent_at))

    # -- ending -------------------------------------------------------------------------------------------------------

    def _max_duration_reached(self, now: float) -> None:
        if self.phase is Phase.ENDING:
            return
        error = Error(
            code=1000,
            error_type="max_duration_exceeded",
            message=f"The conversation reached its limit of {self.setup.max_duration_seconds:g} s.",
            reason="Maximum duration reached",
        )
        close = Close(1000, "Maximum duration reached", termination_reason="Maximum duration reached")
        last_words = prompt.fill_in(self.setup.max_duration_message, self.lookup(now)).strip()
        self._last_error = error
        if not last_words:
            self._close(close)
            return
        self._say_last(last_words, close, now)

    def _begin_farewell(self, call: ToolCall, now: float) -> None:
        """``end_call``: hang up when the goodbye has been heard. The JavaScript client hangs up at the tool's
        response, so that comes last."""
        assert self._round is not None and self._agent is not None
        self._ending_call = (call, self._round.event_id)
        reason = str(call.arguments.get("reason") or "").strip()
        termination = f"The agent ended the call: {reason}" if reason else "The agent ended the call"
        close = Close(1000, "The agent ended the call", termination_reason=termination)
        message = str(call.arguments.get("message") or "").strip()
        entry = self.transcript.agent_entry(self._round.entry)
        self._record(self._round.entry)
        if message and not entry.text:
            self._say_last(message, close, now)
            return
        self._farewell = close
        self._enter(Phase.ENDING)
        self.deadlines.set("farewell", max(now, self._agent.playback_ends_at) + FAREWELL_SECONDS)
        self._round = None
        if self._agent.current is None:
            self.deadlines.set("playback", max(now, self._agent.playback_ends_at))

    def _say_last(self, text: str, close: Close, now: float) -> None:
        self._unanswered_calls()
        if self._agent is not None and (self._agent.current is not None or self._is_audible(now)):
            if self._ending_call is not None:
                reply = self._agent.current
                if reply is not None:
                    self._out.append(StopReply(reply.number))
                    reply.is_told = True
            else:
                self._interrupt(now)
        self._farewell = close
        self._enter(Phase.ENDING)
        self.deadlines.clear("turn_timeout", "silence", "llm", "tool")
        self.deadlines.set("farewell", now + FAREWELL_SECONDS)
        self._begin_agent_turn(protected=True)
        self._say(text, now)

    def _end(self, reason: str, now: float) -> None:
        self._close(Close(1000, reason, termination_reason=reason))

    def _fail(self, code: int, error_type: str, message: str) -> None:
        """Say what went wrong, then hang up."""
        self._last_error = Error(code=code, error_type=error_type, message=message, reason=close_reason(message))
        error = {"code": code, "reason": message}
        self._close(Close(code, close_reason(message), status="failed", termination_reason=message, error=error))

    def _disconnected(self, event: ClientDisconnected) -> None:
        if self._farewell is not None:
            self._close(self._farewell)
            return
        reason = "Client disconnected" + (f": {event.reason}" if event.reason else "")
        self._close(Close(event.code, "", termination_reason=reason))

    def _close(self, close: Close) -> None:
        agent = self._agent
        if agent is not None and agent.current is not None:
            current = agent.current
            self._out.append(StopReply(current.number))
            if not current.is_written and current.text.strip():
                self._write_down(agent, current)
        self._unanswered_calls()
        if self._ending_call is not None:
            self._tell_result(*self._ending_call)
        if self._last_error is not None:
            self._send(self._last_error)
        self._user.clear()
        self.deadlines.clear_all()
        self._enter(Phase.ENDED)
        self._out.append(close)

    def _unanswered_calls(self) -> None:
        """What was still running has no result: the record says so."""
        round_, self._round = self._round, None
        if round_ is None or not round_.is_running:
            return
        for call in round_.calls:
            if call.is_pending:
                call.finish(call.called_at, "The conversation ended first.", is_error=True, error_type="not_answered")
        self._record(round_.entry)

    # -- small things -------------------------------------------------------------------------------------------------

    def _enter(self, phase: Phase) -> None:
        if phase is self.phase:
            return
        if phase not in TRANSITIONS[self.phase]:
            raise AssertionError(f"a conversation that is {self.phase} cannot become {phase}")
        self.phase = phase

    def _send(self, message: ServerMessage) -> None:
        if self.setup.events.passes(message.event_type):
            self._out.append(Send(message))

    def _record(self, index: int) -> None:
        self._out.append(Record(index, self.transcript.turn(index)))

    def _take(self) -> list[Action]:
        out, self._out = self._out, []
        return out

    def _next_event_id(self) -> int:
        self._last_event_id += 1
        return self._last_event_id

    def _next_call_id(self, name: str) -> str:
        self._last_call += 1
        digest = hashlib.blake2s(f"{self.setup.conversation_id}:{self._last_call}".encode(), digest_size=16)
        return f"{name}_{digest.hexdigest()}"


def _milliseconds(alignment: Alignment) -> AudioAlignment:
    return AudioAlignment(
        chars=alignment.chars,
        char_start_times_ms=tuple(round(1000 * start) for start in alignment.starts),
        char_durations_ms=tuple(round(1000 * seconds) for seconds in alignment.durations),
    )
