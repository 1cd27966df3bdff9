"""How a conversation begins: an agent's document and the client's first message become a ``Setup``, or a refusal.

Order: language preset, then overrides, then variables. Everything is decided here, once; a refusal names what is
wrong and which setting would allow it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from parola.conversation import language_presets, start_variables, subagents
from parola.conversation.backchannels import IgnoreTerms, default_terms
from parola.conversation.fillers import DEFAULT_PROMPT, SoftTimeout
from parola.conversation.guardrails import guardrails_of
from parola.conversation.knowledge import knowledge_of
from parola.conversation.mcp_tools import McpServer
from parola.conversation.overrides import accepted, applied, merged, paths
from parola.conversation.setup import FurtherVoice, ModelChoice, Setup, VoiceChoice
from parola.conversation.system_tools import LANGUAGE_TOOL
from parola.conversation.tool_mocks import mocked, with_mocks
from parola.conversation.toolbox import add_tools_of_client, offer_languages, registry_tools, tools_of
from parola.conversation.turn_taking import PATIENCE, BargeIn
from parola.errors import ConversationRefused
from parola.protocol.agents import AgentPlatformSettings, ConversationalConfig, SoftTimeoutConfig, TtsConfig, TurnConfig
from parola.protocol.client_messages import ConversationInitiationClientData
from parola.protocol.server_messages import ClientEventFilter

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Beginning:
    """Everything a start depends on."""

    conversation_id: str
    agent_id: str
    agent_name: str
    document: Mapping[str, Any]
    """The agent as stored: ``conversation_config``, ``platform_settings`` …"""
    tools: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Tools of the registry that the agent or the override may name: id to ``tool_config``."""
    started_at_unix: float = 0.0
    branch_id: str | None = None
    version_id: str | None = None
    node_id: str | None = None
    """The subagent of the agent's workflow that takes over."""
    start_node: str | None = None
    """The node of the workflow to begin at, chosen by a transfer."""
    patch: Mapping[str, Any] = field(default_factory=dict)
    """Laid over the config last: what a transfer carries along."""
    environment: str = "production"
    environment_variables: Mapping[str, str] = field(default_factory=dict)
    """By label, as far as they are plain texts: what ``system__env_<label>`` means here."""
    resume_seconds: float | None = None
    """How long a client whose connection broke may take to come back, where the agent does not say; None: it cannot."""

    def resume_window(self, of_agent: int | None) -> float:
        """The same in the end, 0: not at all."""
        if self.resume_seconds is None:
            return 0.0
        return self.resume_seconds if of_agent is None else float(of_agent)


def tool_ids(document: Mapping[str, Any], client_data: ConversationInitiationClientData) -> list[str]:
    """The registry tools that have to be fetched before ``begin``."""
    ids: list[str] = []
    for source in (document.get("conversation_config"), client_data.conversation_config_override):
        named = _path(source, "agent", "prompt", "tool_ids")
        if isinstance(named, Sequence) and not isinstance(named, str):
            ids += [tool_id for tool_id in named if isinstance(tool_id, str)]
    ids += subagents.workflow_of(document).tool_ids()
    return list(dict.fromkeys(ids))


def begin(beginning: Beginning, client_data: ConversationInitiationClientData) -> Setup:
    """Decide everything. Raises ``ConversationRefused``."""
    document = beginning.document
    raw: Mapping[str, Any] = document.get("conversation_config") or {}
    platform = _read(AgentPlatformSettings, document.get("platform_settings") or {})
    permissions: Mapping[str, Any] = _path(document, "platform_settings", "overrides") or {}
    presets: Mapping[str, Any] = raw.get("language_presets") or {}
    own_language = _path(raw, "agent", "language") or "en"
    warnings: list[str] = []
    ignored: list[str] | None = None if platform.x_override_policy == "reject" else []
    override = accepted(
        client_data.conversation_config_override,
        permissions.get("conversation_config_override") or {},
        raw,
        frozenset({own_language, *presets}),
        ignored,
    )
    warnings += [f"The client may not override {path}: it was ignored." for path in ignored or ()]
    plain = raw
    language = _path(override, "agent", "language")
    if isinstance(language, str) and language != own_language and language in presets:
        warnings += [
            f"language_presets.{language}.{key} was made from an older text; it is used all the same."
            for key in language_presets.outdated(presets[language], raw)
        ]
        raw = merged(raw, language_presets.changes(presets[language]))
    workflow = subagents.workflow_of(document)
    raw = merged(subagents.of_node(applied(raw, override), workflow, beginning.node_id), beginning.patch)
    config = _read(ConversationalConfig, raw)
    extra_body = _extra_body(client_data, allowed=bool(permissions.get("custom_llm_extra_body")))

    tools = tools_of(config, beginning.tools, warnings)
    add_tools_of_client(tools, client_data.x_tools, warnings, is_allowed=bool(permissions.get("x_tools")))
    workflow_tools = registry_tools(workflow.tool_ids(), beginning.tools, warnings)
    mcp_servers = _mcp_servers(raw)
    others = None if mcp_servers else [tool.name for tool in workflow_tools.values()]
    tools = with_mocks(tools, client_data.tool_mock_config, warnings, others)
    voices_by_language: dict[str, VoiceChoice] = {}
    if LANGUAGE_TOOL in tools:
        for code in dict.fromkeys([own_language, *presets]):
            preset = {} if code == own_language else language_presets.changes(presets[code])
            voices_by_language[code] = _voice(_read(ConversationalConfig, merged(merged(plain, preset), override)).tts)
        offer_languages(tools, tuple(voices_by_language), warnings)
    from_client = start_variables.from_client(client_data.dynamic_variables)
    variables = start_variables.settled(
        start_variables.uses(config, tools),
        {**start_variables.placeholders(config, tools), **from_client},
        beginning.environment_variables,
        to_be_assigned=start_variables.assigned(tools),
        policy=platform.x_missing_variable_policy,
        warnings=warnings,
    )
    agent, settings = config.agent, config.agent.prompt

    text_only = bool(config.conversation.text_only)
    return Setup(
        conversation_id=beginning.conversation_id,
        agent_id=beginning.agent_id,
        agent_name=beginning.agent_name,
        user_id=client_data.user_id,
        language=agent.language,
        prompt=settings.prompt,
        knowledge=knowledge_of(config),
        first_message=agent.first_message,
        text_only=text_only,
        input_format=config.asr.user_input_audio_format,
        output_format=config.tts.agent_output_audio_format,
        model=ModelChoice(
            llm=settings.llm,
            is_named=bool(_path(raw, "agent", "prompt", "llm")),
            temperature=settings.temperature,
            max_tokens=settings.max_tokens,
            reasoning_effort=settings.reasoning_effort,
            thinking_budget=settings.thinking_budget,
            enable_reasoning_summary=settings.enable_reasoning_summary,
            service_tier=settings.service_tier,
            enable_parallel_tool_calls=settings.enable_parallel_tool_calls,
            backup=settings.backup_llm_config.model_dump(),
            cascade_timeout_seconds=settings.cascade_timeout_seconds,
            custom_llm=_path(raw, "agent", "prompt", "custom_llm"),
            extra_body=extra_body,
            script=settings.x_script,
        ),
        voice=_voice(config.tts),
        voices_by_language=voices_by_language if LANGUAGE_TOOL in tools else {},
        asr_provider=config.asr.provider,
        keywords=tuple(config.asr.keywords),
        guards_echo=config.vad.x_echo_guard,
        ignores_background=config.vad.background_voice_detection or config.vad.filter_background_speech,
        tools=tools,
        events=ClientEventFilter(config.conversation.client_events, text_only=text_only),
        mcp_servers=mcp_servers,
        variables=variables,
        branch_id=beginning.branch_id,
        version_id=beginning.version_id,
        node_id=beginning.node_id,
        start_node=subagents.start_node(
            client_data.starting_workflow_node_id, beginning.start_node, permissions, workflow
        ),
        workflow=document["workflow"] if workflow.nodes else {},
        workflow_tools={
            tool_id: mocked(tool, client_data.tool_mock_config) for tool_id, tool in workflow_tools.items()
        },
        environment=beginning.environment,
        environment_variables=beginning.environment_variables,
        timezone=settings.timezone,
        started_at_unix=beginning.started_at_unix,
        turn_timeout_seconds=config.turn.turn_timeout,
        initial_wait_seconds=config.turn.initial_wait_time,
        silence_end_call_seconds=config.turn.silence_end_call_timeout,
        patience=PATIENCE.get(config.turn.turn_eagerness, PATIENCE["normal"]),
        spelling_patience=config.turn.spelling_patience != "off",
        speculates=config.turn.speculative_turn,
        barge_in=_barge_in(config.turn, agent.language),
        soft_timeout=_soft_timeout(config.turn.soft_timeout_config),
        max_duration_seconds=float(config.conversation.max_duration_seconds),
        max_duration_message=agent.max_conversation_duration_message,
        resume_window_seconds=beginning.resume_window(config.conversation.x_resume_window_secs),
        first_message_is_protected=agent.disable_first_message_interruptions,
        takes_files=config.conversation.file_input.enabled,
        files_in_memory=config.conversation.file_input.max_files_in_memory,
        record_voice=platform.privacy.record_voice,
        guardrails=guardrails_of(platform.guardrails),
        keeps_focus=platform.guardrails.focus.is_enabled,
        accepted_overrides=None if ignored is None else paths(override),
        client_data=client_data.model_dump(mode="json", exclude_none=True),
        warnings=tuple(warnings),
    )


def _mcp_servers(config: Mapping[str, Any]) -> tuple[McpServer, ...]:
    """By id; what their own configs say is added by whoever has them."""
    lists = [
        _path(config, "agent", "prompt", "mcp_server_ids"),
        _path(config, "agent", "prompt", "native_mcp_server_ids"),
        _path(config, "agent", "native_mcp_server_ids"),
    ]
    return tuple(McpServer(server_id) for server_id in dict.fromkeys(one for ids in lists for one in ids or ()))


def _voice(tts: TtsConfig) -> VoiceChoice:
    others = {
        voice.label.strip(): FurtherVoice(
            label=voice.label.strip(),
            voice_id=voice.voice_id,
            description=voice.description or "",
            language=voice.language or "",
            speed=voice.speed,
            stability=voice.stability,
            similarity_boost=voice.similarity_boost,
        )
        for voice in tts.supported_voices
    }
    dictionaries = [
        (str(locator["pronunciation_dictionary_id"]), locator.get("version_id") or None)
        for locator in tts.pronunciation_dictionary_locators
        if locator.get("pronunciation_dictionary_id")
    ]
    return VoiceChoice(
        voice_id=tts.voice_id,
        model_id=tts.model_id,
        speed=tts.speed,
        stability=tts.stability,
        similarity_boost=tts.similarity_boost,
        others=tuple(voice for label, voice in others.items() if label),
        dictionaries=tuple(dictionaries),
    )


def _barge_in(turn: TurnConfig, language: str) -> BargeIn:
    languages = turn.interruption_ignore_term_languages or [language]
    terms = list(turn.interruption_ignore_terms)
    if turn.merge_with_default_ignore_terms:
        terms += default_terms(languages)
    return BargeIn(
        min_seconds=turn.x_interruption_min_speech_secs,
        min_words=turn.x_interruption_min_words,
        ignore_terms=IgnoreTerms(tuple(terms)),
        backchannels=IgnoreTerms(default_terms(languages)),
        resumes=turn.x_resume_false_interruptions,
    )


def _soft_timeout(config: SoftTimeoutConfig) -> SoftTimeout:
    return SoftTimeout(
        seconds=config.timeout_seconds,
        messages=tuple(text for text in (config.message, *config.additional_soft_timeout_messages) if text.strip()),
        is_generated=config.use_llm_generated_message,
        prompt=config.llm_generated_message_prompt_override or DEFAULT_PROMPT,
        is_random=config.randomize_fillers,
        most=config.max_soft_timeouts_per_generation,
        after_first_user_message=config.disable_until_first_user_message,
    )


def _read(model: type[M], document: Any) -> M:
    try:
        return model.model_validate(document)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ConversationRefused(1008, "value_error", f"{where}: {first['msg']}.") from None


def _path(document: Any, *keys: str) -> Any:
    for key in keys:
        if not isinstance(document, Mapping):
            return None
        document = document.get(key)
    return document


def _extra_body(client_data: ConversationInitiationClientData, *, allowed: bool) -> Mapping[str, Any]:
    body = client_data.custom_llm_extra_body
    if not body:
        return {}
    if not allowed:
        raise ConversationRefused(
            1008,
            "override_error",
            "Override for field 'custom_llm_extra_body' is not allowed by config. "
            "Allow it in platform_settings.overrides.custom_llm_extra_body.",
            reason="Override for field 'custom_llm_extra_body' is not allowed by config.",
        )
    return body if isinstance(body, Mapping) else {"value": body}
