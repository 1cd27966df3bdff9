"""An agent as it travels: ``conversation_config``, ``platform_settings`` and the envelope around them.

These models read and check; they never write. What a client pushed is stored and echoed as it came, unknown fields
included, and a model is made from it whenever typed access is wanted:
``ConversationalConfig.model_validate(document)``. Every field is optional, and null means the
default (reference: rest-schemas.md §1, §2).
"""

# ruff: noqa: RUF012 - pydantic copies mutable defaults

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from parola.protocol.documents import Answer, Between, CheckedAs, JsonObject, Reading, ValueOrLocator
from parola.protocol.guardrails import GuardrailsV1
from parola.protocol.server_messages import AudioFormatName
from parola.protocol.tools import BuiltInTools, DynamicVariablesConfig, Tool

# -- conversation_config ------------------------------------------------------------------------------------------


class AsrConfig(Reading):
    """Who listens, and in which format."""

    quality: str = "high"
    provider: str = "scribe_realtime"
    user_input_audio_format: AudioFormatName = "pcm_16000"
    keywords: list[str] = []


class SoftTimeoutConfig(Reading):
    """What is said while the model is slow; -1: nothing."""

    timeout_seconds: Annotated[float, Between(0, 300, or_exactly=-1)] = -1
    message: str = "Hhmmmm...yeah."
    additional_soft_timeout_messages: list[str] = []
    use_llm_generated_message: bool = False
    randomize_fillers: bool = False
    max_soft_timeouts_per_generation: Annotated[int, Between(1, 8)] = 1
    llm_generated_message_prompt_override: str | None = None
    disable_until_first_user_message: bool = False


class TurnConfig(Reading):
    """Whose turn it is: how long to wait, and for what. -1: for ever."""

    turn_timeout: Annotated[float, Between(0, 300, or_exactly=-1)] = 7
    initial_wait_time: Annotated[float, Between(0, 300, or_exactly=-1)] | None = None
    silence_end_call_timeout: Annotated[float, Between(0, 86400, or_exactly=-1)] = -1
    turn_eagerness: str = "normal"
    spelling_patience: str = "auto"
    speculative_turn: bool = False
    retranscribe_on_turn_timeout: bool = False
    turn_model: str = "turn_v3"
    interruption_ignore_terms: list[str] = []
    interruption_ignore_term_languages: list[str] = []
    merge_with_default_ignore_terms: bool = False
    transcribe_on_disabled_interruptions: bool = False
    soft_timeout_config: SoftTimeoutConfig = Field(default_factory=SoftTimeoutConfig)
    x_interruption_min_speech_secs: Annotated[float, Between(0.05, 5)] = 0.2
    """Speech that takes the floor from the agent, where words are not asked for."""
    x_interruption_min_words: Annotated[int, Between(0, 20)] = 0
    """Words that take the floor; 0: sound is enough."""
    x_resume_false_interruptions: bool = True
    """A cough, or "mhm", cut the agent off: it goes on where it was."""


class VadConfig(Reading):
    """Which of the sounds that are speech count as the user's."""

    background_voice_detection: bool = False
    """Voices far softer than the user's are not listened to: a television, people at the next table."""
    filter_background_speech: bool = False
    """The same, by another name."""
    x_echo_guard: bool = True
    """The agent's own voice, coming back through the user's microphone, is not listened to."""


class SupportedVoice(Reading):
    label: str
    voice_id: str
    description: str | None = None
    language: str | None = None
    stability: Annotated[float, Between(0, 1)] | None = None
    speed: Annotated[float, Between(0.7, 1.2)] | None = None
    similarity_boost: Annotated[float, Between(0, 1)] | None = None


class TtsConfig(Reading):
    """Which voice speaks, how, and in which format."""

    model_id: str = "eleven_flash_v2"
    voice_id: str = "cjVigY5qzO86Huf0OWal"
    supported_voices: list[SupportedVoice] = []
    expressive_mode: bool = True
    suggested_audio_tags: list[JsonObject] = []
    agent_output_audio_format: AudioFormatName = "pcm_16000"
    optimize_streaming_latency: int = 3
    stability: Annotated[float, Between(0, 1)] = 0.5
    speed: Annotated[float, Between(0.7, 1.2)] = 1.0
    similarity_boost: Annotated[float, Between(0, 1)] = 0.8
    text_normalisation_type: str = "system_prompt"
    pronunciation_dictionary_locators: list[JsonObject] = []
    enable_phoneme_tags: bool = True


class FileInputConfig(Reading):
    enabled: bool = True
    max_files_in_memory: Annotated[int, Between(1, 30)] = 10
    max_files_per_conversation: Annotated[int, Between(0, 1000)] = 10


class DtmfInputConfig(Reading):
    dtmf_input_timeout: Annotated[float, Between(0.5, 10)] = 2.0
    hash_terminator: bool = True
    redact_input: bool = False


class ConversationConfig(Reading):
    """What a conversation may be, and what its client is told."""

    text_only: bool = False
    max_duration_seconds: Annotated[int, Between(1, 86400)] = 600
    x_resume_window_secs: Annotated[int, Between(0, 600)] | None = None
    """How long a client whose connection broke may take to come back; 0: not at all. None: the server's setting."""
    client_events: list[str] = []
    """Empty: the usual ones."""
    file_input: FileInputConfig = Field(default_factory=FileInputConfig)
    monitoring_enabled: bool = False
    monitoring_events: list[str] = []
    dtmf_input_settings: DtmfInputConfig = Field(default_factory=DtmfInputConfig)
    background_sound: JsonObject = {}
    source_attribution: bool = False


class CustomLlm(Reading):
    """An OpenAI-compatible endpoint of the owner's."""

    url: str
    model_id: str | None = None
    api_key: JsonObject | None = None
    auth_connection: JsonObject | None = None
    request_headers: dict[str, ValueOrLocator] = {}
    api_version: str | None = None
    api_type: str = "chat_completions"


class KnowledgeBaseLocator(Reading):
    type: str
    name: str = ""
    id: str
    usage_mode: str = "auto"


class RagConfig(Reading):
    enabled: bool = False
    embedding_model: str = "e5_mistral_7b_instruct"
    max_vector_distance: float = 0.6
    max_documents_length: int = 50000
    max_retrieved_rag_chunks_count: Annotated[int, Between(1, 20)] = 20
    num_candidates: Annotated[int, Between(1, 10000)] | None = None
    query_rewrite_prompt_override: str | None = None


class BackupLlmConfig(Reading):
    preference: str = "default"
    order: list[str] = []


class PromptAgent(Reading):
    """What the model is told and may do."""

    prompt: str = ""
    llm: str = "gemini-2.5-flash"
    reasoning_effort: str | None = None
    service_tier: str | None = None
    thinking_budget: int | None = None
    enable_reasoning_summary: bool = False
    enable_parallel_tool_calls: bool | None = None
    temperature: Annotated[float, Between(0, 2)] | None = 0
    """None: the parameter is not sent."""
    max_tokens: int = -1
    tool_ids: list[str] = []
    tools: list[Annotated[JsonObject, CheckedAs(Tool)]] = []
    """Inline tools, each checked as a ``Tool`` and kept as it came."""
    built_in_tools: Annotated[JsonObject, CheckedAs(BuiltInTools)] = {}
    """System tools by name: null is off, an object is on. Checked as ``BuiltInTools`` and kept as it came."""
    mcp_server_ids: list[str] = []
    native_mcp_server_ids: list[str] = []
    knowledge_base: list[KnowledgeBaseLocator] = []
    custom_llm: CustomLlm | None = None
    ignore_default_personality: bool | None = True
    rag: RagConfig = Field(default_factory=RagConfig)
    timezone: str | None = None
    backup_llm_config: BackupLlmConfig = Field(default_factory=BackupLlmConfig)
    cascade_timeout_seconds: Annotated[float, Between(2, 15)] = 4.0
    x_script: JsonObject | None = None
    """Rules for the scripted provider; official clients never send it."""


class AgentConfig(Reading):
    """Who the agent is."""

    first_message: str = ""
    language: str = "en"
    hinglish_mode: bool = False
    dynamic_variables: DynamicVariablesConfig = Field(default_factory=DynamicVariablesConfig)
    disable_first_message_interruptions: bool = False
    max_conversation_duration_message: str = ""
    text_behavior_overrides: dict[str, JsonObject | None] | None = None
    prompt: PromptAgent = Field(default_factory=PromptAgent)


class LanguagePresetTranslation(Reading):
    source_hash: str = ""
    text: str = ""


class LanguagePreset(Reading):
    """What changes when this language is chosen: ``overrides`` has the shape of a client's override."""

    overrides: JsonObject = {}
    first_message_translation: LanguagePresetTranslation | None = None
    soft_timeout_translation: LanguagePresetTranslation | None = None


class ConversationalConfig(Reading):
    """``conversation_config``: how the agent listens, thinks and speaks."""

    asr: AsrConfig = Field(default_factory=AsrConfig)
    turn: TurnConfig = Field(default_factory=TurnConfig)
    tts: TtsConfig = Field(default_factory=TtsConfig)
    conversation: ConversationConfig = Field(default_factory=ConversationConfig)
    language_presets: dict[str, LanguagePreset] = {}
    vad: VadConfig = Field(default_factory=VadConfig)
    agent: AgentConfig = Field(default_factory=AgentConfig)


# -- platform_settings --------------------------------------------------------------------------------------------


class AllowlistItem(Reading):
    hostname: str
    """A host as in ``Origin``, port included: ``localhost:3000``."""


class AuthSettings(Reading):
    """Who may start a conversation."""

    enable_auth: bool = False
    allowlist: list[AllowlistItem] = []
    require_origin_header: bool = False
    shareable_token: str | None = None


class ConversationInitiationClientDataConfig(Reading):
    """What a client may override. ``conversation_config_override`` mirrors the config, with true where it may."""

    conversation_config_override: JsonObject = {}
    custom_llm_extra_body: bool = False
    enable_conversation_initiation_client_data_from_webhook: bool = False
    enable_starting_workflow_node_id_from_client: bool = False
    enable_procedure_ids_from_client: bool = False

    def allows(self, path: str) -> bool:
        """Whether a client may set the field at ``path``, for example ``agent.prompt.llm``."""
        value: object = self.conversation_config_override
        for key in path.split("."):
            value = value.get(key) if isinstance(value, dict) else None
        return value is True


class RedactionConfig(Reading):
    """Which personal details are taken out of what is kept (``docs/privacy.md``); no entities: all that are known."""

    enabled: bool = False
    entities: list[str] = []
    excluded_data_collection_ids: list[str] = []


class PrivacyConfig(Reading):
    """What is kept, and for how long; -1 days: for ever."""

    record_voice: bool = True
    retention_days: Annotated[int, Between(0, 36500, or_exactly=-1)] = -1
    delete_transcript_and_pii: bool = False
    delete_audio: bool = False
    apply_to_existing_conversations: bool = False
    zero_retention_mode: bool = False
    conversation_history_redaction: RedactionConfig = Field(default_factory=RedactionConfig)


class AgentCallLimits(Reading):
    """How many conversations at once and per day; -1: no limit."""

    agent_concurrency_limit: Annotated[int, Between(0, 1_000_000, or_exactly=-1)] = -1
    daily_limit: Annotated[int, Between(0, 1_000_000_000, or_exactly=-1)] = 100_000
    bursting_enabled: bool = True


class AgentQueueingConfig(Reading):
    """Whether callers who find no place wait for one, and how long."""

    enabled: bool = False
    wait_timeout_seconds: Annotated[int, Between(0, 1800)] = 180


class WidgetConfig(Reading):
    """How the widget looks; its defaults are in ``api/widget.py``, because they are served, not stored."""

    language_selector: bool = False
    supports_text_only: bool = True
    language_presets: dict[str, JsonObject] = {}


class AgentPlatformSettings(Reading):
    """``platform_settings``: access, privacy, limits, appearance. What only the hosted platform does is kept."""

    auth: AuthSettings = Field(default_factory=AuthSettings)
    overrides: ConversationInitiationClientDataConfig = Field(default_factory=ConversationInitiationClientDataConfig)
    privacy: PrivacyConfig = Field(default_factory=PrivacyConfig)
    call_limits: AgentCallLimits = Field(default_factory=AgentCallLimits)
    queueing_config: AgentQueueingConfig = Field(default_factory=AgentQueueingConfig)
    widget: WidgetConfig = Field(default_factory=WidgetConfig)
    workspace_overrides: JsonObject = {}
    evaluation: JsonObject = {}
    data_collection: dict[str, JsonObject] = {}
    archived: bool = False
    guardrails: GuardrailsV1 = Field(default_factory=GuardrailsV1)
    x_missing_variable_policy: Literal["error", "empty", "placeholder"] = "error"
    """A dynamic variable that nobody supplied: refuse the conversation, leave it empty, or put its name there."""
    x_override_policy: Literal["reject", "ignore_with_warning"] = "reject"
    """A client overrides what it may not: refuse the conversation, or go on without the override."""


# -- requests and responses ---------------------------------------------------------------------------------------


class AgentDocument(Reading):
    """What a client may say about an agent; the rest of the object is kept too."""

    name: str | None = None
    tags: list[str] = []
    conversation_config: ConversationalConfig = Field(default_factory=ConversationalConfig)
    platform_settings: AgentPlatformSettings = Field(default_factory=AgentPlatformSettings)
    workflow: JsonObject = {}


class CreateAgentRequest(AgentDocument):
    """Body of ``POST /v1/convai/agents/create``: ``{"conversation_config": {}}`` is an agent with every default."""

    conversation_config: ConversationalConfig
    version_description: str | None = None


class UpdateAgentRequest(Reading):
    """Body of ``PATCH /v1/convai/agents/{agent_id}``: merged into what is stored, object by object.

    Keys that are left out keep their value; null clears; lists and free maps (``language_presets``,
    ``data_collection`` …) are replaced as a whole. The result is checked like a new agent.
    """

    name: str | None = None
    tags: list[str] | None = None
    conversation_config: JsonObject | None = None
    platform_settings: JsonObject | None = None
    workflow: JsonObject | None = None
    version_description: str | None = None


class DuplicateAgentRequest(Reading):
    name: str | None = None


class CreateAgentResponse(Answer):
    agent_id: str


class AgentMetadata(Answer):
    created_at_unix_secs: int
    updated_at_unix_secs: int


class AgentResponse(Answer):
    """The agent as it was pushed, and what the server knows about it."""

    agent_id: str
    name: str
    conversation_config: ConversationalConfig
    metadata: AgentMetadata
    platform_settings: AgentPlatformSettings
    workflow: JsonObject | None = None
    phone_numbers: list[JsonObject] = []
    whatsapp_accounts: list[JsonObject] = []
    access_info: JsonObject | None = None
    tags: list[str] = []
    version_id: str
    branch_id: str
    main_branch_id: str


class AgentSummary(Answer):
    agent_id: str
    name: str
    voice_id: str
    tags: list[str]
    created_at_unix_secs: int
    updated_at_unix_secs: int
    access_info: JsonObject
    last_call_time_unix_secs: int | None = None
    x_calls_7d: int = 0
    archived: bool = False


class AgentsPage(Answer):
    agents: list[AgentSummary]
    next_cursor: str | None = None
    has_more: bool


class WidgetResponse(Answer):
    agent_id: str
    widget_config: JsonObject


class ConversationTokenResponse(Answer):
    agent_id: str
    conversation_token: str
    expiration_time_unix_secs: int | None = None
    purpose: str = "shareable_link"


class AgentLinkResponse(Answer):
    agent_id: str
    token: ConversationTokenResponse | None = None
