"""Opening a conversation: who was admitted becomes a running ``Session`` with its providers, its tools, its record.

What can be refused is refused here, with the reason in the record, so that a conversation that never started can be
explained later.
"""

from __future__ import annotations

import asyncio
import base64
import secrets
import string
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from parola import logs
from parola.config import Settings
from parola.conversation.actions import FetchAgent
from parola.conversation.events import Attachment, FilesShared
from parola.conversation.guardrails import Guardrail
from parola.conversation.handover import arrived
from parola.conversation.setup import FurtherVoice, Setup
from parola.conversation.start import Beginning, begin, tool_ids
from parola.conversation.toolbox import config_in
from parola.errors import ConversationRefused
from parola.knowledge.retrieval import Shelf
from parola.logs import logger
from parola.metrics import Metrics
from parola.outbound import environment
from parola.privacy.keeping import known_policy
from parola.privacy.policy import Policy
from parola.protocol.client_messages import CLIENT_MESSAGES, ConversationInitiationClientData, MultimodalMessage
from parola.protocol.pronunciation import KIND, rules_of
from parola.protocol.server_messages import SERVER_MESSAGES, ConversationInitiationMetadata
from parola.providers.base import VoiceSettings
from parola.providers.registry import Registry
from parola.session.accounts import Accounts
from parola.session.admitted import Admitted, mocks_if_allowed
from parola.session.attention import attention_for
from parola.session.audio import AudioFormat
from parola.session.brains import brain_for
from parola.session.counted_speech import CountedSpeechToText
from parola.session.daily_limit import DailyLimit
from parola.session.event_log import EventLog
from parola.session.guarding import Guarding
from parola.session.knowing import IndexSoon, with_documents
from parola.session.live import LiveSessions
from parola.session.mcp import ConversationMcp, with_mcp_servers
from parola.session.opening_record import keep_refusal, keep_start
from parola.session.pronunciation import Rule, rules
from parola.session.record import EndRecord
from parola.session.recording import Recorder
from parola.session.relief import Relief
from parola.session.replying import Brain, Mouth, Speaker
from parola.session.resuming import GONE, Resumption, refused
from parola.session.retrieving import Retriever
from parola.session.session import Session
from parola.session.shares import Holder
from parola.session.silencing import SilencedRecorder
from parola.session.tool_runners import runners_for
from parola.session.tracing import Trace, traced
from parola.session.transport import Transport
from parola.session.turn_detection import SharedTurnDetector
from parola.session.voice import Ear
from parola.session.voice_activity import SharedVoiceActivity
from parola.session.waiting_room import Guest, Terms, WaitingRoom
from parola.store.base import AgentRow, FileRow, Store, events_of, spool_of
from parola.store.erased import is_erased
from parola.store.versions import main_branch
from parola.tools.context import ToolContext
from parola.tools.identity import Identity
from parola.tracing.context import current
from parola.tracing.tracer import Tracer
from parola.webhooks.pre_call import PreCall

log = logger(__name__)

Locator = tuple[str, str | None]
"""A pronunciation dictionary: its id, and a version or None for the latest."""

_ALPHABET = string.ascii_lowercase + string.digits

SHOWN_TEXT_BYTES = 200_000
"""So much of a text file is shown to the model."""

_TEXT_TYPES = ("text/", "application/json", "application/xml", "application/x-yaml")


def new_conversation_id() -> str:
    """``conv_`` and 24 letters and digits: also the capability for feedback and file uploads."""
    return "conv_" + "".join(secrets.choice(_ALPHABET) for _ in range(24))


def rehearse() -> None:
    """Build what is built at its first use, so that the first caller does not wait for it. Takes a tenth of a second:
    call it in a thread."""
    for message in (*CLIENT_MESSAGES, *SERVER_MESSAGES):
        message.model_rebuild()
    begin(Beginning("", "", "", {}), ConversationInitiationClientData())


class Opening:
    """Opens and holds conversations; one for the process."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        registry: Registry,
        live: LiveSessions,
        tools: ToolContext,
        room: WaitingRoom | None = None,
        metrics: Metrics | None = None,
        is_loop_late: Callable[[], bool] = lambda: False,
        index_soon: IndexSoon = lambda _ids, _model: None,
        end_record: EndRecord | None = None,
        tracer: Tracer | None = None,
    ) -> None:
        self._settings = settings
        self._store = store
        self._registry = registry
        self._live = live
        self._tools = tools
        self._metrics = metrics or Metrics()
        self._room = room or WaitingRoom(live, self._metrics)
        self._shelf = Shelf(store.knowledge)
        self._daily_limit = DailyLimit(store.conversations, self._metrics)
        self._metrics.turn_verdicts = self._verdicts
        self._is_loop_late = is_loop_late
        self._index_soon = index_soon
        self._end_record = end_record
        self._tracer = tracer
        self._pre_call = PreCall(store, tools.vault, tools.connections)
        self._activity: SharedVoiceActivity | None = None
        self.turn_detection: SharedTurnDetector | None = None
        """From the first voice conversation, where there is a detector."""

    async def open(
        self,
        admitted: Admitted,
        client_data: ConversationInitiationClientData | None,
        first_frames: tuple[str, ...],
        transport: Transport,
    ) -> Session:
        """Everything up to the first word. Raises ``ConversationRefused``, which the record explains."""
        conversation_id = admitted.conversation_id or new_conversation_id()
        logs.about(conversation_id=conversation_id, agent_id=admitted.agent.agent_id)
        came_with, accepted_at = current.get(), time.time()
        if self._tracer is not None:
            current.set(self._tracer.begin(conversation_id, came_with))
        admitted, client_data = mocks_if_allowed(admitted, client_data or ConversationInitiationClientData())
        trace = traced(self._tracer, came_with, accepted_at)
        try:
            return await self._open(conversation_id, admitted, client_data, first_frames, transport, trace)
        except BaseException as error:
            self._room.leave(conversation_id)
            if trace is not None and isinstance(error, ConversationRefused):
                trace.refused(conversation_id, admitted.agent.agent_id, error)
            raise

    async def _open(
        self,
        conversation_id: str,
        admitted: Admitted,
        client_data: ConversationInitiationClientData,
        first_frames: tuple[str, ...],
        transport: Transport,
        trace: Trace | None,
    ) -> Session:
        started_at = time.time()
        try:
            if admitted.bound is not None:
                client_data = admitted.bound.applied(client_data)
            admitted, client_data = await self._ask_pre_call(admitted, client_data, conversation_id)
            setup = await self._set_up(admitted, client_data, conversation_id, started_at)
            accounts = Accounts(self._settings.prices)
            brain = await self._brain(setup, accounts)
            guest = await self._arrive(admitted, setup)
        except ConversationRefused as refusal:
            await keep_refusal(self._store, self._metrics, admitted, client_data, conversation_id, started_at, refusal)
            raise
        resumption = Resumption(setup.resume_window_seconds) if setup.resume_window_seconds else None
        if must_wait := guest.obstacle is not None:
            greeting = setup.greeting if resumption is None else resumption.greeting(setup.greeting)
            await self._wait(guest, admitted, client_data, setup, greeting, transport, started_at)
            started_at += guest.waited_seconds
            setup = replace(setup, started_at_unix=started_at)
            first_frames = ()  # sent in vain, as all that came while it waited
        warnings = [*admitted.warnings, *setup.warnings]
        if brain.warning:
            warnings.append(brain.warning)
        mouth, ear, recorder, stt_model = None, None, None, ""
        pronunciation: dict[Locator, Sequence[Rule]] = {}
        if not setup.text_only:
            pronunciation = await self._pronunciation(setup, warnings)
            mouth = self._mouth(setup, pronunciation, warnings)
            listener = self._registry.speech_to_text(setup.asr_provider)
            if listener.warning:
                warnings.append(listener.warning)
            if self._settings.record_audio and setup.record_voice:
                recorder = self._recorder(conversation_id, mouth.format, admitted.agent)
            input_format = AudioFormat.parse(setup.input_format)
            stt_model = listener.model or listener.provider.name
            counted = CountedSpeechToText(listener.provider, stt_model, accounts)
            ear = Ear(counted, input_format, self._listening, self._turns(), attention_for(setup))
        retriever = self._retriever(setup, brain, warnings)
        setup = replace(setup, warnings=tuple(warnings))
        seal = self._tools.vault
        await keep_start(self._store, admitted, client_data, setup, started_at, seal, guest.waited_seconds)

        mcp = ConversationMcp(self._tools)
        await mcp.reach(setup)

        async def fetch_files(message: MultimodalMessage) -> FilesShared:
            return await self._fetch_files(conversation_id, message)

        known = {admitted.agent.agent_id: (admitted, client_data, Beginning("", "", "", {}))}
        """How each agent of this conversation came to it: its subagents come in the same way."""

        async def fetch_agent(request: FetchAgent, present: Setup, language: str) -> Relief:
            relief = await self._relief(request, present, language, known, accounts)
            await mcp.reach(relief.setup)
            runners = {**(relief.tool_runners or {}), "mcp": mcp}
            return replace(relief, tool_runners=runners)

        return Session(
            setup,
            transport,
            self._store.conversations,
            brain,
            accounts=accounts,
            mouth=mouth,
            mouth_for=partial(self._mouth_for, setup, pronunciation),
            ear=ear,
            recorder=recorder,
            fetch_files=fetch_files,
            tool_runners={**runners_for(setup, self._tools, _identity(setup, admitted, client_data)), "mcp": mcp},
            mcp=mcp,
            retriever=retriever,
            guarding=self._guarding(setup, brain),
            fetch_agent=fetch_agent,
            first_frames=first_frames,
            was_greeted=must_wait,
            resumption=resumption,
            metrics=self._metrics,
            tracing=None if trace is None else trace.of(setup, admitted.agent.document, self._settings, stt_model),
            end_record=self._end_record,
            keep_events=partial(self._keep_events, conversation_id),
            humans=self._live.humans,
        )

    async def _keep_events(self, conversation_id: str, events: EventLog) -> None:
        """Beside the recording; of a conversation of which no word may be kept, nothing."""
        row = await self._store.conversations.get(conversation_id)
        if row is None:
            return
        policy = known_policy(self._store, conversation_id) or Policy.read(row.document)
        if policy.zero_retention:
            return
        path = events_of(self._store.recording_path(conversation_id))

        def keep() -> None:
            from parola.privacy.redaction import event_lines

            path.write_bytes(events.lines() if policy.keeps_all else event_lines(events.lines(), policy))

        await asyncio.to_thread(keep)
        row = await self._store.conversations.get(conversation_id)
        if row is None or is_erased(row.document):  # it was deleted while this was written
            await asyncio.to_thread(path.unlink, missing_ok=True)

    async def hold(self, session: Session) -> None:
        """Run a session to its end, findable while it lives."""
        self._live.add(session)
        try:
            await session.run()
        finally:
            self._live.remove(session)

    async def go_on(self, conversation_id: str, token: str, last_event_id: int | None, transport: Transport) -> None:
        """A client whose connection broke is back: hold its conversation over this connection, as long as it is the
        one. Raises ``ConversationRefused``; then nothing has happened."""
        logs.about(conversation_id=conversation_id)
        session = self._live.get(conversation_id)
        try:
            if session is None:
                raise refused(GONE)
            await session.go_on(transport, token, last_event_id)
        except ConversationRefused:
            self._metrics.connections["refused"] += 1
            raise

    async def _relief(
        self,
        request: FetchAgent,
        present: Setup,
        language: str,
        known: dict[str, tuple[Admitted, ConversationInitiationClientData, Beginning]],
        accounts: Accounts,
    ) -> Relief:
        """Another agent for a conversation that runs, or a subagent. Raises ``ConversationRefused``."""
        transfer, agent_id = request.transfer, request.transfer.agent_id or present.agent_id
        admitted, client_data, how = known.get(present.agent_id) or next(iter(known.values()))
        variables = {k: v for k, v in request.variables.items() if not k.startswith("system__") and v is not None}
        if not transfer.is_subagent:
            row = admitted.agent if agent_id == present.agent_id else await self._store.agents.get(agent_id)
            if row is None:
                raise ConversationRefused(1008, "value_error", f"There is no agent {agent_id}.")
            first_data = next(iter(known.values()))[1]
            tts = first_data.conversation_config_override.get("tts") if transfer.keeps_client_voice else None
            spoken = (row.document.get("conversation_config") or {}).get("language_presets") or {}
            client_data = ConversationInitiationClientData(
                user_id=client_data.user_id,
                environment=client_data.environment,
                conversation_config_override={"agent": {"language": language}} if language in spoken else {},
                tool_mock_config=client_data.tool_mock_config,
            )
            admitted = replace(admitted, agent=row, branch_id=main_branch(row.agent_id) if row.version_id else None)
            how = Beginning("", "", "", {}, patch={"tts": tts} if tts else {})
            known[agent_id] = admitted, client_data, how
        client_data = client_data.model_copy(update={"dynamic_variables": variables, "starting_workflow_node_id": None})
        how = replace(
            how,
            node_id=transfer.node_id if transfer.is_subagent else None,
            start_node=None if transfer.is_subagent else transfer.node_id,
        )
        started_at = present.started_at_unix
        setup = await self._set_up(admitted, client_data, present.conversation_id, started_at, how)
        setup = arrived(present, setup, transfer)
        first_agent = next(iter(known.values()))[0].agent
        policy = Policy.of(admitted.agent.document, self._settings)
        if policy.redacts and not Policy.of(first_agent.document, self._settings).redacts:
            setup = replace(setup, record_voice=False)  # nobody has kept where in the recording the words are
        warnings = list(setup.warnings)
        brain = await self._brain(setup, accounts)
        if brain.warning:
            warnings.append(brain.warning)
        mouth, mouth_for = None, None
        if not setup.text_only:
            pronunciation = await self._pronunciation(setup, warnings)
            mouth = self._mouth(setup, pronunciation, warnings)
            mouth_for = partial(self._mouth_for, setup, pronunciation)
        retriever = self._retriever(setup, brain, warnings)
        return Relief(
            replace(setup, warnings=tuple(warnings)),
            brain,
            mouth,
            mouth_for,
            retriever,
            self._guarding(setup, brain),
            runners_for(setup, self._tools, _identity(setup, admitted, client_data)),
            traces_words=policy.keeps_all,
        )

    def _mouth_for(
        self, setup: Setup, pronunciation: Mapping[Locator, Sequence[Rule]], language: str
    ) -> tuple[Mouth | None, list[str]]:
        """How the agent goes on in another language; None: no voice here speaks it."""
        troubles: list[str] = []
        voice = setup.voices_by_language.get(language, setup.voice)
        other = self._mouth(replace(setup, language=language, voice=voice), pronunciation, troubles)
        spoken = other.tts.capabilities.languages
        return (None if spoken and language[:2].lower() not in spoken else other), troubles

    # -- what a session needs -----------------------------------------------------------------------------------------

    async def _set_up(
        self,
        admitted: Admitted,
        client_data: ConversationInitiationClientData,
        conversation_id: str,
        started_at: float,
        how: Beginning | None = None,
    ) -> Setup:
        """``how``: by which way it comes into a conversation that runs already."""
        agent = admitted.agent
        tools = dict(admitted.tools)
        wanted = [tool_id for tool_id in tool_ids(agent.document, client_data) if tool_id not in tools]
        if wanted:
            for row in await self._store.tools.get_many(wanted):
                tools[row.tool_id] = config_in(row.document)
        used = client_data.environment or admitted.environment
        labels = environment.labels_in(agent.document, client_data.conversation_config_override, tools)
        beginning = replace(
            how or Beginning("", "", "", {}),
            conversation_id=conversation_id,
            agent_id=agent.agent_id,
            agent_name=agent.name,
            document=agent.document,
            branch_id=admitted.branch_id,
            version_id=agent.version_id or None,
            tools=tools,
            started_at_unix=started_at,
            resume_seconds=float(self._settings.resume_window_secs) if admitted.can_resume else None,
            environment=used,
            environment_variables=await environment.texts(self._store, labels, used),
        )
        setup = await with_documents(begin(beginning, client_data), self._store.knowledge, self._index_soon)
        if Policy.of(agent.document, self._settings).zero_retention:
            setup = replace(setup, record_voice=False, keeps_words=False)
        return await with_mcp_servers(setup, self._store)

    async def _ask_pre_call(
        self, admitted: Admitted, client_data: ConversationInitiationClientData, conversation_id: str
    ) -> tuple[Admitted, ConversationInitiationClientData]:
        """What the pre-call webhook says of whoever calls. An agent that a client brought along asks nobody: it could
        name headers with this server's secrets in them."""
        if admitted.brought_webhooks is not None:
            return admitted, client_data
        used = client_data.environment or admitted.environment
        outcome = await self._pre_call.ask(admitted.agent, client_data, conversation_id, used)
        warnings = (*admitted.warnings, outcome.warning) if outcome.warning else admitted.warnings
        return replace(admitted, warnings=warnings, pre_call=outcome.told), outcome.client_data

    async def _arrive(self, admitted: Admitted, setup: Setup) -> Guest:
        """A place, or a place in the line."""
        agent = admitted.agent
        terms = Terms.of(agent.document)
        if terms.most_a_day is not None:
            await self._daily_limit.check(agent.agent_id, terms.most_a_day, time.time())
        holder = Holder(admitted.address, admitted.key_id or "")
        guest = self._room.arrive(
            setup.conversation_id, agent.agent_id, terms, text_only=setup.text_only, holder=holder
        )
        self._daily_limit.began(agent.agent_id)
        return guest

    async def _wait(
        self,
        guest: Guest,
        admitted: Admitted,
        client_data: ConversationInitiationClientData,
        setup: Setup,
        greeting: ConversationInitiationMetadata,
        transport: Transport,
        accepted_at: float,
    ) -> None:
        """Until there is a place. Raises ``ConversationRefused``, which the record explains, when there is none."""
        try:
            await keep_start(self._store, admitted, client_data, setup, accepted_at, self._tools.vault)
            await guest.wait(greeting, transport)
        except ConversationRefused as refusal:
            self._daily_limit.gave_up(guest.agent_id)
            seconds = guest.waited_seconds
            await keep_refusal(
                self._store, self._metrics, admitted, client_data, guest.conversation_id, accepted_at, refusal, seconds
            )
            raise
        finally:
            guest.ended.set()

    async def _brain(self, setup: Setup, accounts: Accounts) -> Brain:
        locators = self._tools.locators(setup.environment)
        backups, auth = self._settings.backup_llms, self._tools.auth
        return await brain_for(setup, self._registry, locators, backups, accounts, auth)

    def _retriever(self, setup: Setup, brain: Brain, warnings: list[str]) -> Retriever | None:
        """Who searches the agent's documents, and hears which of them it relied on."""
        knowledge = setup.knowledge
        if not knowledge.searched and not (knowledge.attributes_sources and knowledge.text_ids):
            return None
        chosen = self._registry.embedder(knowledge.rag.embedding_model)
        if chosen.warning and knowledge.searched:
            warnings.append(chosen.warning)
        return Retriever(knowledge, self._shelf, chosen.provider, brain.model, brain.name)

    def _guarding(self, setup: Setup, brain: Brain) -> Callable[..., Guarding] | None:
        """Who judges what is said: the agent's own model, or the one a guardrail names, if there is such a one here."""
        if not setup.guardrails:
            return None

        def judge_for(guardrail: Guardrail) -> Brain:
            if guardrail.model and setup.model.custom_llm is None:
                chosen = self._registry.language_model(guardrail.model, None)
                if chosen.warning is None:
                    return Brain(chosen.provider, chosen.model)
            return brain

        return partial(Guarding, setup.guardrails, judge_for, script=setup.model.script)

    def _recorder(self, conversation_id: str, output: AudioFormat, agent: AgentRow) -> Recorder:
        recording, now = self._store.recording_path(conversation_id), asyncio.get_running_loop().time()
        policy = Policy.of(agent.document, self._settings)
        if policy.redacts:
            policy_now = partial(known_policy, self._store, conversation_id)
            return SilencedRecorder(recording, output, now, policy, policy_now)
        return Recorder(spool_of(recording), output, now)

    def _mouth(self, setup: Setup, pronunciation: Mapping[Locator, Sequence[Rule]], warnings: list[str]) -> Mouth:
        """The agent's voice, its further ones, and its way with words."""
        voice = setup.voice
        chosen = self._registry.text_to_speech(voice.model_id, voice.voice_id, setup.language)
        if chosen.warning:
            warnings.append(chosen.warning)
        settings = VoiceSettings(
            voice=chosen.voice,
            model=chosen.model,
            language=setup.language,
            speed=voice.speed,
            stability=voice.stability,
            similarity_boost=voice.similarity_boost,
        )
        others = {further.label: self._speaker(setup, further, warnings) for further in voice.others}
        spoken_as = [rule for locator in voice.dictionaries for rule in pronunciation.get(locator, ())]
        return Mouth(chosen.provider, settings, AudioFormat.parse(setup.output_format), others, spoken_as)

    def _speaker(self, setup: Setup, voice: FurtherVoice, warnings: list[str]) -> Speaker:
        """One of the agent's further voices; what it does not say of itself is as for the agent's own."""
        language = voice.language or setup.language
        chosen = self._registry.text_to_speech(setup.voice.model_id, voice.voice_id, language)
        if chosen.warning:
            warnings.append(f"Voice {voice.label}: {chosen.warning}")
        own = setup.voice
        settings = VoiceSettings(
            voice=chosen.voice,
            model=chosen.model,
            language=language,
            speed=own.speed if voice.speed is None else voice.speed,
            stability=own.stability if voice.stability is None else voice.stability,
            similarity_boost=own.similarity_boost if voice.similarity_boost is None else voice.similarity_boost,
        )
        return Speaker(chosen.provider, settings)

    async def _pronunciation(self, setup: Setup, warnings: list[str]) -> dict[Locator, Sequence[Rule]]:
        """The rules of each of the agent's dictionaries, in whatever language it may need them."""
        choices = (setup.voice, *setup.voices_by_language.values())
        found: dict[Locator, Sequence[Rule]] = {}
        for locator in dict.fromkeys(locator for choice in choices for locator in choice.dictionaries):
            dictionary_id, version_id = locator
            row = await self._store.documents.get(KIND, dictionary_id)
            if row is None:
                warnings.append(f"There is no pronunciation dictionary {dictionary_id}; words are said without it.")
            else:
                found[locator] = rules([rules_of(row.document, version_id)])
        return found

    async def _listening(self) -> SharedVoiceActivity:
        if self._activity is None:
            detector = await self._registry.voice_activity()
            if self._activity is None:
                self._activity = SharedVoiceActivity(detector, self._metrics.vad_batch)
        return self._activity

    def _verdicts(self) -> Mapping[str, int]:
        turns = self.turn_detection
        if turns is None:
            return {}
        return {"answered": turns.answered, "skipped": turns.skipped, "failed": turns.failed}

    def _turns(self) -> SharedTurnDetector | None:
        if self.turn_detection is None and (detector := self._registry.turn_detector()) is not None:
            self.turn_detection = SharedTurnDetector(detector, self._is_loop_late)
        return self.turn_detection

    async def _fetch_files(self, conversation_id: str, message: MultimodalMessage) -> FilesShared:
        files: list[Attachment] = []
        for file_id in message.file_ids:
            row = await self._store.files.get(file_id)
            if row is None or row.conversation_id != conversation_id:
                note = {"type": "text", "text": f"[file {file_id}: it was not uploaded to this conversation]"}
                files.append(Attachment(file_id, file_id, "application/octet-stream", note))
                continue
            content = await self._store.files.content(file_id) or b""
            files.append(Attachment(file_id, row.name, row.mime_type, _shown(row, content)))
        return FilesShared(message.plain_text, tuple(files))


def _identity(setup: Setup, admitted: Admitted, client_data: ConversationInitiationClientData) -> Identity:
    return Identity(
        setup.agent_id,
        setup.conversation_id,
        admitted.branch_id or client_data.branch_id,
        client_data.environment or admitted.environment,
    )


def _shown(file: FileRow, content: bytes) -> dict[str, Any]:
    """A file as one OpenAI content part: images as data, text as text, the rest by name."""
    if file.mime_type.startswith("image/"):
        data = base64.b64encode(content).decode()
        return {"type": "image_url", "image_url": {"url": f"data:{file.mime_type};base64,{data}"}}
    if file.mime_type.startswith(_TEXT_TYPES):
        text = content[:SHOWN_TEXT_BYTES].decode(errors="replace")
        return {"type": "text", "text": f"[file {file.name}]\n{text}"}
    return {"type": "text", "text": f"[file {file.name}, {file.mime_type}, {file.size} bytes: not readable as text]"}
