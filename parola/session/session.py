"""The driver of one conversation: the world becomes events, actions become the world.

One task group holds everything: the reader, the writer, the loop that decides, replies. Only the loop that decides
touches the ``Conversation``, and performing an action never calls back into it. Whatever can take time (the model, the
store, the client's network) is somebody else's task and comes back as an event.

Hanging up is one sequence: stop what produces, send what is still to be said, store, say goodbye, leave.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from parola.conversation.actions import (
    Acknowledge,
    Action,
    Close,
    FetchAgent,
    ForgetSpeech,
    NoteHumanWait,
    NoteHumanWaitOver,
    NoteLoss,
    NoteOperator,
    NoteReturn,
    PlayTones,
    RunTool,
    Send,
    Show,
    StartReply,
    StartSound,
    StopReply,
    StopSound,
    StopTool,
    SwitchAgent,
    SwitchLanguage,
    TranscribeNow,
    TransferToNumber,
    Warn,
)
from parola.conversation.actions import Record as RecordTurn
from parola.conversation.conversation import Conversation
from parola.conversation.events import (
    EndRequested,
    Event,
    FilesShared,
    Started,
)
from parola.conversation.phases import Phase
from parola.conversation.setup import Setup
from parola.endings import INTERNAL_ERROR, NOT_STORED, STOPPING
from parola.errors import Conflict, ParolaError
from parola.logs import logger, reason
from parola.metrics import Metrics
from parola.protocol.client_messages import MultimodalMessage
from parola.protocol.server_messages import Audio
from parola.session.accounts import Accounts
from parola.session.audio import AudioFormat
from parola.session.commands import Commands, not_active
from parola.session.connection import Connection
from parola.session.counting import Counting
from parola.session.event_log import EventLog
from parola.session.glance import Glance
from parola.session.human_queue import HumanQueue
from parola.session.human_waits import HumanWaits
from parola.session.inbox import Inbox
from parola.session.late_results import take_later, take_waiting
from parola.session.mcp import ConversationMcp
from parola.session.operator_ear import OperatorEar
from parola.session.operator_line import Hear, OperatorLine
from parola.session.operators import Operators
from parola.session.outbox import Outbox
from parola.session.reading import Reader
from parola.session.record import EndRecord, Record
from parola.session.recording import Recorder
from parola.session.relief import FetchRelief, MakeGuarding, MouthFor, Relief, Reliefs
from parola.session.replying import Brain, Mouth
from parola.session.resuming import Resumption, noted_connection
from parola.session.retrieving import Retriever
from parola.session.staff import Staff
from parola.session.telephone import NoTelephone, Telephone
from parola.session.tool_calls import ToolCalls, ToolRunner
from parola.session.tool_sounds import ToolSounds
from parola.session.tracing import Tracing
from parola.session.transport import Transport
from parola.session.voice import Ear
from parola.store.base import Conversations

log = logger(__name__)

DRAIN_SECONDS = 3.0
"""How long the hang-up waits for the client to take the last frames."""

LINGER_SECONDS = 0.25
"""Between the last frame and the close. The Python SDK answers a ping before it reads on: on a socket that is closed
already it stops there, and what came behind the ping is lost."""

FetchFiles = Callable[[MultimodalMessage], Awaitable[FilesShared]]

KeepEvents = Callable[[EventLog], Awaitable[None]]
"""Puts the event log of a conversation that has ended where it can be read, if it may be kept."""


class Session:
    """One conversation and everything that runs for it."""

    def __init__(
        self,
        setup: Setup,
        transport: Transport,
        conversations: Conversations,
        brain: Brain,
        *,
        accounts: Accounts | None = None,
        mouth: Mouth | None = None,
        mouth_for: MouthFor | None = None,
        ear: Ear | None = None,
        recorder: Recorder | None = None,
        fetch_files: FetchFiles,
        tool_runners: Mapping[str, ToolRunner] | None = None,
        mcp: ConversationMcp | None = None,
        retriever: Retriever | None = None,
        guarding: MakeGuarding | None = None,
        fetch_agent: FetchRelief | None = None,
        telephone: Telephone | None = None,
        first_frames: tuple[str, ...] = (),
        was_greeted: bool = False,
        resumption: Resumption | None = None,
        metrics: Metrics | None = None,
        tracing: Tracing | None = None,
        end_record: EndRecord | None = None,
        keep_events: KeepEvents | None = None,
        humans: HumanQueue | None = None,
    ) -> None:
        self.setup = setup = setup if telephone is None else replace(setup, has_telephone=True)
        self._loop = asyncio.get_running_loop()
        self._fetch_files = fetch_files
        self._mcp = mcp
        self._reliefs = Reliefs(fetch_agent)
        self._telephone = telephone or NoTelephone()
        self._first_frames = first_frames
        self._was_greeted = was_greeted
        self._conversation = Conversation(setup, self._loop.time())
        self._counting = Counting(metrics or Metrics(), tracing)
        self.glance = Glance(setup, self._conversation, self._counting)
        self._inbox = Inbox()
        self._outbox = Outbox(transport, resumption)
        self._record = Record(conversations, setup, end_record)
        self.events = EventLog()
        """What came and went."""
        self.commands = Commands(self.tell, self.events, self._record.commanded)
        """What others have done in it."""
        self._human_waits = HumanWaits(
            HumanQueue() if humans is None else humans,
            metrics or Metrics(),
            lambda by, event: self.events.add("internal", by, event),
            self._record.human_wait,
        )
        self._keep_events = keep_events
        self.operators = Operators(self.tell, self._make_line, self._conversation)
        """Who is beside it by a socket."""
        self._tool_calls = ToolCalls(tool_runners or {}, self.tell)
        self._sounds = ToolSounds(self.tell)
        self._stored: asyncio.Task[None] | None = None
        """The last write to the store; writes are done in order."""
        self._fetching: set[asyncio.Task[None]] = set()
        self._connection = Connection(
            transport,
            self._outbox,
            Reader(self.tell, self.events, self._hear, self._share),
            resumption,
            self.tell,
            text_only=setup.text_only,
            greeting=setup.greeting,
        )
        self._staff = Staff(
            brain,
            tell=self.tell,
            warn=self._warn,
            language=setup.language,
            accounts=accounts,
            mouth=mouth,
            mouth_for=mouth_for,
            ear=ear,
            recorder=recorder,
            retriever=retriever,
            guarding=guarding,
        )
        self._is_draining = False
        self.ended = asyncio.Event()

    @property
    def conversation_id(self) -> str:
        return self.setup.conversation_id

    @property
    def agent_id(self) -> str:
        return self.setup.agent_id

    @property
    def text_only(self) -> bool:
        return self.setup.text_only

    def tell(self, event: Event) -> None:
        """Something happened. May be called by whoever is on the event loop."""
        self._inbox.put(event)

    def end(self, reason: str, code: int = 1000) -> None:
        """Have the conversation end, from outside."""
        self.tell(EndRequested(reason, code))

    def drain(self) -> None:
        """The server is about to stop, and lets nobody in: a client that is away cannot come back."""
        self._is_draining = True
        if self._connection.is_gone:
            self.end(STOPPING, 1001)

    def _make_line(self, hear: Hear, name: Callable[[], str]) -> OperatorLine | None:
        """Sound for a person who looks after the conversation; None: there is none in it."""
        if (mouth := self._staff.mouth) is None:
            return None
        input_format = AudioFormat.parse(self.setup.input_format)
        ear = partial(self._make_operator_ear, name)
        return OperatorLine(self.tell, hear, input_format, mouth.format, mouth.pacing, name, ear)

    def _make_operator_ear(self, name: Callable[[], str]) -> OperatorEar | None:
        if self._staff.ear is None:
            return None
        ear = OperatorEar(self._staff.ear.another(), self.tell, name())
        ear.open(self._conversation.setup)
        return ear

    @property
    def has_sound(self) -> bool:
        """There is something to hear in it."""
        return self._staff.mouth is not None

    def may_speak(self, name: str) -> None:
        """Raises ``Conflict``: this person has not taken over, and the caller does not hear them."""
        if self._conversation.phase is Phase.ENDED:
            raise not_active()
        if refused := self._conversation.refusal_of(name):
            raise Conflict(refused.message, code=refused.code)

    async def run(self) -> None:
        """Hold the conversation; returns when it has ended and everything is stored and closed."""
        close = Close(1011, INTERNAL_ERROR, status="failed", termination_reason=INTERNAL_ERROR)
        try:
            async with asyncio.TaskGroup() as group:
                # First, so that the tools that are known are there before the client's first words.
                servers = [] if self._mcp is None else [group.create_task(self._mcp.follow(self.tell))]
                self._connection.open(group, self._first_frames)
                background = [
                    group.create_task(self._outbox.run(self._not_stored)),
                    group.create_task(self._connection.watch()),
                    *servers,
                ]
                if (ear := self._staff.ear) is not None:
                    background.append(group.create_task(ear.open(self.tell, self.setup)))
                if (retriever := self._staff.retriever) is not None:
                    background.append(group.create_task(retriever.get_ready()))
                try:
                    close = await self._decide(group)
                finally:
                    # From here on nothing new is made; what was made is still sent.
                    await self._stop_producers(background)
                    try:
                        async with asyncio.timeout(DRAIN_SECONDS):
                            await self._outbox.drained()
                    except TimeoutError:
                        log.warning("client_did_not_read_the_end", conversation_id=self.conversation_id)
                    background[0].cancel()
        except* Exception as errors:
            for error in errors.exceptions:
                log.error("session_failed", conversation_id=self.conversation_id, exc_info=error)
            close = Close(
                1011,
                INTERNAL_ERROR,
                status="failed",
                termination_reason=INTERNAL_ERROR,
                error={"code": 1011, "reason": INTERNAL_ERROR},
            )
        finally:
            take_waiting(self._inbox, self._conversation, self._record)
            await asyncio.shield(self._leave(close))
            take_later(self._tool_calls, self._inbox, self._conversation, self._record)

    # -- the loop that decides ----------------------------------------------------------------------------------------

    async def _decide(self, group: asyncio.TaskGroup) -> Close:
        conversation, inbox, clock = self._conversation, self._inbox, self._loop.time
        self.events.started(self.setup.client_data)
        self._counting.started(text_only=self.text_only)
        self.tell(Started(self._was_greeted))
        while True:
            while (event := inbox.take()) is not None:
                if close := self._perform(conversation.handle(event, clock()), group):
                    return close
            deadline = conversation.next_deadline
            if deadline is not None and deadline <= clock():
                if close := self._perform(conversation.wake(clock()), group):
                    return close
                continue
            await inbox.wait(deadline)

    def _perform(self, actions: list[Action], group: asyncio.TaskGroup) -> Close | None:
        if self.commands.open:
            self.commands.note(actions)
        for action in actions:
            self._counting.saw(action)
            match action:
                case Send(message=message):
                    self._store_collected()
                    self._outbox.put(message)
                    if not isinstance(message, Audio):
                        self.events.sent(message)
                    elif self.operators.lines:
                        self.operators.agent_spoke(message.audio_base_64)
                    self._staff.said(message)
                case Show():
                    self.events.add("internal", "agent", action.event)
                case Acknowledge():
                    self.commands.acknowledged(action)
                case RecordTurn():
                    self._record.turn(action.index, action.turn)
                    self._staff.accounts.turn_was_kept(action.index, action.turn)
                    if self._staff.recorder is not None:
                        self._staff.recorder.turn(action.index, action.turn)
                case StartReply():
                    self._staff.start_reply(action, group, self._counting)
                case StopReply():
                    self._staff.stop_reply(action.reply)
                case RunTool():
                    self._tool_calls.start(action)
                case StopTool():
                    self._tool_calls.stop(action.call_id)
                case StartSound():
                    if self._staff.mouth is not None:
                        self._sounds.start(action.sound, self._staff.mouth.format)
                case StopSound():
                    self._sounds.stop()
                case TranscribeNow():
                    if self._staff.ear is not None:
                        self._staff.ear.transcribe_now()
                case ForgetSpeech():
                    if self._staff.ear is not None:
                        self._staff.ear.forget()
                case SwitchLanguage():
                    self._switch_language(action.language)
                case FetchAgent():
                    self._tell_later(self._reliefs.get(action, self._conversation.setup, self._staff.language))
                case SwitchAgent():
                    self._switch_agent(self._reliefs.take(action.call_id))
                case TransferToNumber():
                    self._tell_later(self._telephone.transfer(action))
                case PlayTones():
                    self._tell_later(self._telephone.play(action))
                case NoteLoss() | NoteReturn():
                    self._note_connection(action)
                case NoteHumanWait() | NoteHumanWaitOver():
                    self._human_waits.noted(action, self._conversation.setup, self._conversation.transcript)
                case NoteOperator():
                    self.commands.operator_noted(action)
                case Warn():
                    self._warn(action.message)
                case Close():
                    self._step_is_over()
                    return action
        self._step_is_over()
        return None

    def _step_is_over(self) -> None:
        self._store_collected()
        self.commands.answer(self._stored)

    def _note_connection(self, action: NoteLoss | NoteReturn) -> None:
        noted = noted_connection(action)
        self.events.add("internal", "server", noted)
        self._record.connection(noted)
        if self._is_draining and isinstance(action, NoteLoss):
            self.end(STOPPING, 1001)

    def _warn(self, message: str) -> None:
        # Why a model or a tool failed may quote what was said: the words are in the record (``metadata.warnings``).
        log.warning("conversation_warning", conversation_id=self.conversation_id)
        self._record.warn(message)

    def _tell_later(self, becomes: Coroutine[Any, Any, Event]) -> None:
        """What takes a moment becomes an event."""

        async def tell() -> None:
            self.tell(await becomes)

        self._beside(tell())

    def _beside(self, work: Coroutine[Any, Any, None]) -> None:
        """Run it until the conversation ends."""
        task = self._loop.create_task(work)
        self._fetching.add(task)
        task.add_done_callback(self._fetching.discard)

    def _switch_agent(self, relief: Relief) -> None:
        """Another agent has the conversation."""
        self._counting.handed_over(content=relief.traces_words)
        self._tool_calls.runners = relief.tool_runners or {}
        if preparing := self._staff.switch_agent(relief):
            self._beside(preparing)
        self._record.language = self._staff.language
        self._record.visited(relief.setup)
        for warning in relief.setup.warnings:
            self._warn(warning)

    def _switch_language(self, language: str) -> None:
        self._record.language = language
        self._staff.switch_language(language)

    def _store_collected(self) -> None:
        if write := self._record.flush():
            self._outbox.put(write)
            self._stored = write

    def _not_stored(self, error: Exception) -> None:
        log.error("conversation_not_stored", conversation_id=self.conversation_id, error=reason(error))
        self.tell(EndRequested(NOT_STORED, 1011))

    # -- what comes ---------------------------------------------------------------------------------------------------

    async def go_on(self, transport: Transport, token: str, last_event_id: int | None) -> None:
        """The client comes back: hold the conversation over this transport, as long as it is the one. Raises
        ``ConversationRefused``, and nothing has happened then."""
        await self._connection.go_on(self._conversation.phase, transport, token, last_event_id)

    def _hear(self, audio: bytes) -> None:
        self._staff.hear(audio)
        if self.operators.lines and self._staff.ear is not None:
            self.operators.user_spoke(audio)

    def _share(self, message: MultimodalMessage) -> None:
        self._beside(self._share_files(message))

    async def _share_files(self, message: MultimodalMessage) -> None:
        try:
            self.tell(await self._fetch_files(message))
        except ParolaError as error:
            log.warning("files_not_shared", conversation_id=self.conversation_id, error=reason(error))
            self.tell(FilesShared(message.plain_text, ()))

    # -- hanging up ---------------------------------------------------------------------------------------------------

    async def _stop_producers(self, background: list[asyncio.Task[None]]) -> None:
        self._sounds.stop()
        producers = [*self._staff.replying, *self._fetching, *background[1:], *self._connection.stop_reading()]
        for task in producers:
            task.cancel()
        if self._conversation.phase is not Phase.ENDED:
            await self._tool_calls.aclose()  # it broke; otherwise what still runs is left to run on, for the record
        await asyncio.gather(*producers, return_exceptions=True)
        await self._staff.stop()

    async def _close_events(self, close: Close) -> None:
        """Nothing more comes: those who watch are told, and the log is kept."""
        self.operators.close()
        self.commands.close()
        self.events.close(close.termination_reason or close.reason, close.code)
        try:
            if self._keep_events is not None:
                await self._keep_events(self.events)
        except Exception as error:
            log.error("events_not_stored", conversation_id=self.conversation_id, error=reason(error))

    async def _leave(self, close: Close) -> None:
        self._human_waits.close()
        charging = self._staff.accounts.charging()
        self._counting.ended(close, self.setup, charging)
        try:
            user, agent = await self._staff.put_away_recording()
            self._record.audio(user=user, agent=agent)
            await self._record.finish(close, has_audio=user or agent, charging=charging)
        except Exception as error:
            log.error("conversation_end_not_stored", conversation_id=self.conversation_id, error=reason(error))
        await self._close_events(close)
        if not self._connection.is_gone:
            await asyncio.sleep(LINGER_SECONDS)
            await self._connection.close(close.code, close.reason)
        self.ended.set()
        self._connection.let_go()
        log.info(
            "conversation_ended",
            conversation_id=self.conversation_id,
            code=close.code,
            reason=close.cause,  # words belong in the store
        )
