"""What one conversation is made of, decided before its first word: the agent's config with presets and overrides
applied, its tools, its variables. A plain value; ``start.py`` makes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from parola.conversation.fillers import SoftTimeout
from parola.conversation.guardrails import Guardrail
from parola.conversation.knowledge import Knowledge
from parola.conversation.mcp_tools import McpServer
from parola.conversation.tools import Tool
from parola.conversation.turn_taking import PATIENCE, BargeIn, Patience
from parola.protocol.server_messages import AudioFormatName, ClientEventFilter, ConversationInitiationMetadata


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """Which model thinks, and how."""

    llm: str = ""
    """The name in the agent's config."""
    is_named: bool = True
    """False: the config names none, and ``llm`` is what the hosted platform would take."""
    temperature: float | None = None
    max_tokens: int = -1
    reasoning_effort: str | None = None
    thinking_budget: int | None = None
    enable_reasoning_summary: bool = False
    service_tier: str | None = None
    enable_parallel_tool_calls: bool | None = None
    """None: the model's own."""
    backup: Mapping[str, Any] = field(default_factory=dict)
    """``backup_llm_config``: who answers when this model fails."""
    cascade_timeout_seconds: float = 4.0
    custom_llm: Mapping[str, Any] | None = None
    extra_body: Mapping[str, Any] = field(default_factory=dict)
    script: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class FurtherVoice:
    """A voice the model may speak in by writing ``<label>…</label>``."""

    label: str
    voice_id: str
    description: str = ""
    language: str = ""
    """Empty: the conversation's."""
    speed: float | None = None
    stability: float | None = None
    similarity_boost: float | None = None


@dataclass(frozen=True, slots=True)
class VoiceChoice:
    """Which voice speaks, and how."""

    voice_id: str = ""
    model_id: str = ""
    speed: float = 1.0
    stability: float | None = None
    similarity_boost: float | None = None
    others: tuple[FurtherVoice, ...] = ()
    dictionaries: tuple[tuple[str, str | None], ...] = ()
    """Pronunciation dictionaries: (id, version or None for the latest), in order."""


@dataclass(frozen=True, slots=True)
class Setup:
    conversation_id: str
    agent_id: str
    agent_name: str = ""
    user_id: str | None = None
    language: str = "en"
    prompt: str = ""
    """System prompt, variables not yet filled in: some change while the call runs."""
    knowledge: Knowledge = field(default_factory=Knowledge)
    """The agent's documents."""
    first_message: str = ""
    text_only: bool = False
    input_format: AudioFormatName = "pcm_16000"
    output_format: AudioFormatName = "pcm_16000"
    model: ModelChoice = field(default_factory=ModelChoice)
    voice: VoiceChoice = field(default_factory=VoiceChoice)
    voices_by_language: Mapping[str, VoiceChoice] = field(default_factory=dict)
    """What ``language_detection`` may switch to; empty without that tool."""
    asr_provider: str = ""
    keywords: tuple[str, ...] = ()
    guards_echo: bool = True
    """The agent's own voice, coming back, is not the user's."""
    ignores_background: bool = False
    """Voices far softer than the user's are not listened to."""
    tools: Mapping[str, Tool] = field(default_factory=dict)
    events: ClientEventFilter = field(default_factory=lambda: ClientEventFilter(None, text_only=False))
    variables: Mapping[str, Any] = field(default_factory=dict)
    """Dynamic variables, ``system__*`` aside."""
    environment: str = "production"
    has_telephone: bool = False
    """The client is a telephone, whose call can be transferred."""
    environment_variables: Mapping[str, str] = field(default_factory=dict)
    """Values that ``system__env_<label>`` has in this environment, by label."""
    branch_id: str | None = None
    version_id: str | None = None
    node_id: str | None = None
    """The subagent of the workflow that this is; None: the agent itself."""
    start_node: str | None = None
    """The node of the workflow to begin at; None: its start."""
    root_agent_id: str = ""
    """The agent the conversation began with, when that is another."""
    workflow: Mapping[str, Any] = field(default_factory=dict)
    """As the agent has it; ``workflow.read`` has passed it."""
    workflow_tools: Mapping[str, Tool] = field(default_factory=dict)
    """Tools that its nodes name, by their id in the registry."""
    mcp_servers: tuple[McpServer, ...] = ()
    """Whose tools are added as they are reached."""
    timezone: str | None = None
    started_at_unix: float = 0.0
    """Wall clock at the conversation's zero."""
    turn_timeout_seconds: float = 7.0
    """Silence after which the agent speaks again; below 0: never."""
    initial_wait_seconds: float | None = None
    silence_end_call_seconds: float = -1.0
    patience: Patience = PATIENCE["normal"]
    spelling_patience: bool = True
    """What is dictated is waited for longer."""
    speculates: bool = False
    """The model is asked on a probable end of the turn."""
    barge_in: BargeIn = field(default_factory=BargeIn)
    soft_timeout: SoftTimeout = field(default_factory=SoftTimeout)
    max_duration_seconds: float = 600.0
    max_duration_message: str = ""
    resume_window_seconds: float = 0.0
    """How long a client whose connection broke may take to come back; 0: the conversation ends with the connection."""
    first_message_is_protected: bool = False
    takes_files: bool = True
    """The client may share files (``file_input.enabled``)."""
    files_in_memory: int = 10
    record_voice: bool = True
    keeps_words: bool = True
    """Whether what is said may be written down anywhere: in the record, the event log, the logs."""
    guardrails: tuple[Guardrail, ...] = ()
    keeps_focus: bool = False
    """The model is reminded of its task."""
    accepted_overrides: tuple[str, ...] | None = None
    """Told to the client where the agent ignores what it forbids."""
    client_data: Mapping[str, Any] = field(default_factory=dict)
    """What the client started with, for the record."""
    warnings: tuple[str, ...] = ()

    @property
    def greeting(self) -> ConversationInitiationMetadata:
        """The first frame of every conversation."""
        return ConversationInitiationMetadata(
            conversation_id=self.conversation_id,
            agent_output_audio_format=self.output_format,
            user_input_audio_format=self.input_format,
            x_accepted_overrides=None if self.accepted_overrides is None else list(self.accepted_overrides),
        )

    @property
    def client_can_be_cut(self) -> bool:
        """The hosted platform cuts the agent only for clients that listen to ``interruption``."""
        return self.events.passes("interruption")
