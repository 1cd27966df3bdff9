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
    ClientDisconnected,
    ClientResumed,
    EndRequested,
    Event,
    FilesShared,
    InputStalled,
    Started,
)
from parola.conversation.phases import Phase
from parola.conversation.setup import Setup
from parola.errors import Conflict, ParolaError
from parola.logs import logger, reason
from parola.metrics import Metrics
from parola.protocol.client_messages import MultimodalMessage
from parola.protocol.messages import ServerMessage
from parola.protocol.server_messages import Audio, Interruption, Ping
from parola.session.accounts import Accounts
from parola.session.audio import AudioFormat
from parola.session.commands import Commands, not_active
from parola.session.counting import Counting
from parola.session.event_log import EventLog
from parola.session.glance import Glance
from parola.session.guarding import Guarding
from parola.session.human_queue import HumanQueue
from parola.session.human_waits import HumanWaits
from parola.session.inbox import Inbox
from parola.session.late_results import take_later, take_waiting
from parola.session.live import STOPPING
from parola.session.mcp import ConversationMcp
from parola.session.operator_ear import OperatorEar
from parola.session.operator_line import Hear, OperatorLine
from parola.session.operators import Operators
from parola.session.outbox import Outbox
from parola.session.reading import Reader
from parola.session.record import EndRecord, Record
from parola.session.recording import Recorder
from parola.session.relief import FetchRelief, Relief, Reliefs
from parola.session.replying import Brain, Mouth
from parola.session.resuming import GONE, REPLACED, REPLACED_REASON, Resumption, noted_connection, refused
from parola.session.retrieving import Retriever
from parola.session.telephone import NoTelephone, Telephone
from parola.session.tool_calls import ToolCalls, ToolRunner
from parola.session.tool_sounds import ToolSounds
from parola.session.tracing import Tracing
from parola.session.transport import Transport
from parola.session.voice import Ear
from parola.store.base import Conversations

log = logger(__name__)

INPUT_STALL_SECONDS = 60.0
"""A voice client from which nothing at all comes for so long is gone."""

UNREAD_SECONDS = 20.0
"""A client that reads nothing for so long is gone."""

DRAIN_SECONDS = 3.0
"""How long the hang-up waits for the client to take the last frames."""

LINGER_SECONDS = 0.25
"""Between the last frame and the close. The Python SDK answers a ping before it reads on: on a socket that is closed
already it stops there, and what came behind the ping is lost."""

WATCH_SECONDS = 5.0
"""How often the two limits above are looked at."""

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
        mouth_for: Callable[[str], tuple[Mouth | None, list[str]]] | None = None,
        ear: Ear | None = None,
        recorder: Recorder | None = None,
        fetch_files: FetchFiles,
        tool_runners: Mapping[str, ToolRunner] | None = None,
        mcp: ConversationMcp | None = None,
        retriever: Retriever | None = None,
        guarding: Callable[[Callable[[Event], None], Callable[[str], None]], Guarding] | None = None,
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
        self.setup = setup
        self._loop = asyncio.get_running_loop()
        self._transport = transport
        self._brain = brain
        self._accounts = accounts or Accounts()
        self._retriever = retriever
        self._guarding = None if guarding is None else guarding(self.tell, self._warn)
        self._mouth = mouth
        self._mouth_for = mouth_for
        self._ear = ear
        self._recorder = recorder
        if recorder is not None:
            recorder.started_at = self._loop.time()  # as the conversation counts, and its transcript
        self._fetch_files = fetch_files
        self._mcp = mcp
        self._reliefs = Reliefs(fetch_agent)
        self._telephone = telephone or NoTelephone()
        self._language = setup.language
        self._first_frames = first_frames
        self._was_greeted = was_greeted
        self._conversation = Conversation(setup, self._loop.time())
        self._counting = Counting(metrics or Metrics(), tracing)
        self.glance = Glance(setup, self._conversation, self._counting)
        self._inbox = Inbox()
        self._resumption = resumption
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
        self._replies: dict[int, asyncio.Task[None]] = {}
        self._fetching: set[asyncio.Task[None]] = set()
        self._reader = Reader(self.tell, self.events, self._hear, self._share)
        self._client_is_gone = self._is_draining = False
        self._over = asyncio.Event()
        """The present connection is not needed any more."""
        self._group: asyncio.TaskGroup | None = None
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
        if self._client_is_gone:
            self.end(STOPPING, 1001)

    def _make_line(self, hear: Hear, name: Callable[[], str]) -> OperatorLine | None:
        """Sound for a person who looks after the conversation; None: there is none in it."""
        if self._mouth is None:
            return None
        input_format = AudioFormat.parse(self.setup.input_format)
        ear = partial(self._make_operator_ear, name)
        return OperatorLine(self.tell, hear, input_format, self._mouth.format, self._mouth.pacing, name, ear)

    def _make_operator_ear(self, name: Callable[[], str]) -> OperatorEar | None:
        if self._ear is None:
            return None
        ear = OperatorEar(self._ear.another(), self.tell, name())
        ear.open(self._conversation.setup)
        return ear

    @property
    def has_sound(self) -> bool:
        """There is something to hear in it."""
        return self._mouth is not None

    def may_speak(self, name: str) -> None:
        """Raises ``Conflict``: this person has not taken over, and the caller does not hear them."""
        if self._conversation.phase is Phase.ENDED:
            raise not_active()
        if refused := self._conversation.refusal_of(name):
            raise Conflict(refused.message, code=refused.code)

    async def run(self) -> None:
        """Hold the conversation; returns when it has ended and everything is stored and closed."""
        close = Close(1011, "Internal error", status="failed", termination_reason="Internal error")
        try:
            async with asyncio.TaskGroup() as group:
                # First, so that the tools that are known are there before the client's first words.
                servers = [] if self._mcp is None else [group.create_task(self._mcp.follow(self.tell))]
                self._reading = group.create_task(self._read(self._transport, self._first_frames))
                self._group = group
                background = [
                    group.create_task(self._outbox.run(self._not_stored)),
                    group.create_task(self._watch()),
                    *servers,
                ]
                if self._ear is not None:
                    background.append(group.create_task(self._ear.open(self.tell, self.setup)))
                if self._retriever is not None:
                    background.append(group.create_task(self._retriever.get_ready()))
                try:
                    close = await self._decide(group)
                finally:
                    # From here on nothing new is made; what was made is still sent.
                    self._group = None
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
                "Internal error",
                status="failed",
                termination_reason="Internal error",
                error={"code": 1011, "reason": "Internal error"},
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
        for action in actions:
            self._counting.saw(action)
            match action:
                case Send(message=message):
                    self._store_collected()
                    self._outbox.put(message)
                    if not isinstance(message, Audio):
                        self.events.sent(message)
                    if isinstance(message, Ping) and message.ping_ms is not None and self._mouth is not None:
                        self._mouth.pacing.round_trip(message.ping_ms / 1000)
                    if self._mouth is not None:
                        self._follow_sound(message, self._mouth)
                case Show():
                    self.events.add("internal", "agent", action.event)
                case Acknowledge():
                    self.commands.acknowledged(action)
                case RecordTurn():
                    self._record.turn(action.index, action.turn)
                    self._accounts.turn_was_kept(action.index, action.turn)
                    if self._recorder is not None:
                        self._recorder.turn(action.index, action.turn)
                case StartReply():
                    brain = self._guarding.guarded(action.reply, self._brain) if self._guarding else self._brain
                    its_own = self._mouth, self._retriever, self._accounts
                    task = group.create_task(self._counting.perform(action, brain, self.tell, *its_own))
                    self._replies[action.reply] = task
                    task.add_done_callback(partial(self._forget_reply, action.reply))
                case StopReply():
                    if self._guarding is not None:
                        self._guarding.stop(action.reply)
                    if action.reply in self._replies:
                        self._replies[action.reply].cancel()
                case RunTool():
                    self._tool_calls.start(action)
                case StopTool():
                    self._tool_calls.stop(action.call_id)
                case StartSound():
                    if self._mouth is not None:
                        self._sounds.start(action.sound, self._mouth.format)
                case StopSound():
                    self._sounds.stop()
                case TranscribeNow():
                    if self._ear is not None:
                        self._ear.transcribe_now()
                case ForgetSpeech():
                    if self._ear is not None:
                        self._ear.forget()
                case SwitchLanguage():
                    self._switch_language(action.language)
                case FetchAgent():
                    self._tell_later(self._reliefs.get(action, self._conversation.setup, self._language))
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
                    self._store_collected()
                    return action
        self._store_collected()
        return None

    def _note_connection(self, action: NoteLoss | NoteReturn) -> None:
        noted = noted_connection(action)
        self.events.add("internal", "server", noted)
        self._record.connection(noted)
        if self._is_draining and isinstance(action, NoteLoss):
            self.end(STOPPING, 1001)

    def _follow_sound(self, message: ServerMessage, mouth: Mouth) -> None:
        """What the agent is heard to say, for the recording, and for the ear, which may hear it too."""
        match message:
            case Audio(audio_base_64=audio):
                if self._recorder is not None:
                    self._recorder.agent_spoke(message, mouth.format.seconds(len(audio)), self._loop.time())
                if self._ear is not None:
                    self._ear.agent_spoke(audio)
                if self.operators.lines:
                    self.operators.agent_spoke(audio)
            case Interruption():
                if self._recorder is not None:
                    self._recorder.agent_cut(self._loop.time())
                if self._ear is not None:
                    self._ear.agent_cut()

    def _warn(self, message: str) -> None:
        # Why a model or a tool failed may quote what was said: the words are in the record (``metadata.warnings``).
        log.warning("conversation_warning", conversation_id=self.conversation_id)
        self._record.warn(message)

    def _tell_later(self, becomes: Coroutine[Any, Any, Event]) -> None:
        """What takes a moment becomes an event."""

        async def tell() -> None:
            self.tell(await becomes)

        task = self._loop.create_task(tell())
        self._fetching.add(task)
        task.add_done_callback(self._fetching.discard)

    def _switch_agent(self, relief: Relief) -> None:
        """Another agent has the conversation. A mouth speaks on in the pace of the one before it."""
        setup = relief.setup
        self._brain, self._mouth_for, self._retriever = relief.brain, relief.mouth_for, relief.retriever
        self._counting.handed_over(content=relief.traces_words)
        if self._mouth is not None and relief.mouth is not None:
            self._mouth = replace(relief.mouth, pacing=self._mouth.pacing)
        if self._guarding is not None:
            self._guarding.dismiss()
        self._guarding = None if relief.guarding is None else relief.guarding(self.tell, self._warn)
        if relief.retriever is not None:
            task = self._loop.create_task(relief.retriever.get_ready())
            self._fetching.add(task)
            task.add_done_callback(self._fetching.discard)
        self._tool_calls.runners = relief.tool_runners or {}
        if setup.language != self._language and self._ear is not None and not self._ear.switch_language(setup.language):
            self._warn(f"Nobody here understands '{setup.language}'; listening goes on as before")
        self._language = self._record.language = setup.language
        self._record.visited(setup)
        if self._recorder is not None and not setup.record_voice:
            self._recorder.discard()
            self._recorder = None
        for warning in setup.warnings:
            self._warn(warning)

    def _switch_language(self, language: str) -> None:
        """Speak and listen in it, as far as there is somebody who can; the others stay as they are."""
        self._language = self._record.language = language
        if self._mouth is not None and self._mouth_for is not None:
            mouth, troubles = self._mouth_for(language)
            if mouth is not None:
                self._mouth = replace(mouth, pacing=self._mouth.pacing)
            for trouble in troubles:
                self._warn(trouble)
        if self._ear is not None and not self._ear.switch_language(language):
            self._warn(f"Nobody here understands '{language}'; listening goes on as before")

    def _forget_reply(self, number: int, _: asyncio.Task[None]) -> None:
        self._replies.pop(number, None)

    def _store_collected(self) -> None:
        if write := self._record.flush():
            self._outbox.put(write)

    def _not_stored(self, error: Exception) -> None:
        log.error("conversation_not_stored", conversation_id=self.conversation_id, error=reason(error))
        self.tell(EndRequested("The conversation could not be stored", 1011))

    # -- the reader ---------------------------------------------------------------------------------------------------

    async def _read(self, transport: Transport, first_frames: tuple[str, ...] = ()) -> None:
        gone = await self._reader.run(transport, first_frames)
        self._client_left(gone.code, gone.reason)
        self._over.set()

    def _client_left(self, code: int, reason: str) -> None:
        self._client_is_gone = True
        if self._resumption is not None:
            self._outbox.detach()
        self.tell(ClientDisconnected(code, reason))

    async def go_on(self, transport: Transport, token: str, last_event_id: int | None) -> None:
        """The client comes over another connection, because the one before broke, or is about to: hold the conversation
        over this one, as long as it is the one. Raises ``ConversationRefused``, and nothing has happened then."""
        if self._group is None or self._conversation.phase is Phase.ENDED:
            raise refused(GONE)
        if self._resumption is None or self._conversation.phase is Phase.ENDING:
            raise refused("The conversation is ending, or was not begun with x_resume=1.")
        self._resumption.take(token)
        old, over = self._transport, self._over
        self._reading.cancel()
        if not self._client_is_gone:
            self._client_left(REPLACED, REPLACED_REASON)
            closing = self._loop.create_task(old.close(REPLACED, REPLACED_REASON))
            self._fetching.add(closing)
            closing.add_done_callback(self._fetching.discard)
            closing.add_done_callback(lambda _: over.set())
        self._transport, self._over, self._client_is_gone = transport, asyncio.Event(), False
        self._outbox.attach(transport, self.setup.greeting, last_event_id)
        self.tell(ClientResumed())
        self._reading = self._group.create_task(self._read(transport))
        await self._over.wait()

    def _hear(self, audio: bytes) -> None:
        if self._ear is None:
            return
        samples = self._ear.hear(audio)
        if self._recorder is not None:
            self._recorder.user_spoke(samples.tobytes(), self._loop.time())
        if self.operators.lines:
            self.operators.user_spoke(audio)

    def _share(self, message: MultimodalMessage) -> None:
        task = self._loop.create_task(self._share_files(message))
        self._fetching.add(task)
        task.add_done_callback(self._fetching.discard)

    async def _share_files(self, message: MultimodalMessage) -> None:
        try:
            self.tell(await self._fetch_files(message))
        except ParolaError as error:
            log.warning("files_not_shared", conversation_id=self.conversation_id, error=reason(error))
            self.tell(FilesShared(message.plain_text, ()))

    async def _watch(self) -> None:
        """Notice a client that sends nothing, or reads nothing."""
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            now = self._loop.time()
            if self._client_is_gone:
                continue
            if self.setup.text_only is False and now - self._reader.heard_at >= INPUT_STALL_SECONDS:
                self.tell(InputStalled(now - self._reader.heard_at))
            since = self._outbox.writing_since
            if since is not None and now - since >= UNREAD_SECONDS:
                self._client_left(1006, "it stopped reading")

    # -- hanging up ---------------------------------------------------------------------------------------------------

    async def _stop_producers(self, background: list[asyncio.Task[None]]) -> None:
        self._sounds.stop()
        producers = [*self._replies.values(), *self._fetching, self._reading, *background[1:]]
        for task in producers:
            task.cancel()
        if self._conversation.phase is not Phase.ENDED:
            await self._tool_calls.aclose()  # it broke; otherwise what still runs is left to run on, for the record
        await asyncio.gather(*producers, return_exceptions=True)
        if self._guarding is not None:
            await self._guarding.aclose()
        if self._ear is not None:
            await self._ear.aclose()

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
        charging = self._accounts.charging()
        self._counting.ended(close, self.setup, charging)
        try:
            if self._recorder is not None:
                await asyncio.to_thread(self._recorder.close)
            has_audio = self._recorder is not None and self._recorder.has_audio
            self._record.audio(
                user=self._recorder is not None and self._recorder.has_user_audio,
                agent=self._recorder is not None and self._recorder.has_agent_audio,
            )
            await self._record.finish(close, by_client=self._client_is_gone, has_audio=has_audio, charging=charging)
        except Exception as error:
            log.error("conversation_end_not_stored", conversation_id=self.conversation_id, error=reason(error))
        await self._close_events(close)
        if not self._client_is_gone:
            await asyncio.sleep(LINGER_SECONDS)
            await self._transport.close(close.code, close.reason)
        self.ended.set()
        self._over.set()
        log.info(
            "conversation_ended",
            conversation_id=self.conversation_id,
            code=close.code,
            reason=close.cause,  # words belong in the store
        )
