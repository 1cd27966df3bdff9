"""What would go wrong in a call of an agent, found before the call: a pure look at its document.

``needs`` says what has to be looked up, ``findings`` judges with what was found. What only the network can tell is
added by whoever asks (``api/lint.py``). An *error* is something that fails in a call; a *warning* something that will
not be as it is written; a *note* what a client has to bring along.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from parola.conversation import language_presets, start_variables, workflow
from parola.conversation import prompt as texts
from parola.conversation.overrides import merged
from parola.conversation.start import Beginning, begin
from parola.conversation.toolbox import tools_of
from parola.conversation.tools import Tool
from parola.conversation.waiting_for_human import TRANSFER_TO_HUMAN, terms
from parola.errors import ConversationRefused
from parola.protocol.agents import AgentDocument, AgentPlatformSettings, ConversationalConfig
from parola.protocol.client_messages import ConversationInitiationClientData
from parola.protocol.tools import ToolRequest, TransferToHumanParams

Level = Literal["error", "warning", "note"]

WITHOUT_EFFECT: Mapping[str, Any] = {
    "conversation_config.asr.quality": "high",
    "conversation_config.turn.turn_model": "turn_v3",
    "conversation_config.turn.retranscribe_on_turn_timeout": False,
    "conversation_config.turn.transcribe_on_disabled_interruptions": False,
    "conversation_config.tts.expressive_mode": True,
    "conversation_config.tts.suggested_audio_tags": [],
    "conversation_config.tts.optimize_streaming_latency": 3,
    "conversation_config.tts.text_normalisation_type": "system_prompt",
    "conversation_config.tts.enable_phoneme_tags": True,
    "conversation_config.conversation.background_sound": {},
    "conversation_config.agent.hinglish_mode": False,
    "conversation_config.agent.text_behavior_overrides": None,
    "conversation_config.agent.prompt.ignore_default_personality": True,
    "platform_settings.alerting": None,
    "platform_settings.topic_discovery": None,
    "platform_settings.sentiment_analysis": None,
}
"""Settings that this version keeps and does not act on, with the value that asks for nothing."""

LOOKED_UP = {
    "secret_id": "secret",
    "env_var_label": "environment variable",
    "auth_connection_id": "auth connection",
    "pronunciation_dictionary_id": "pronunciation dictionary",
}
"""Keys whose values name something that has to exist, wherever they stand."""

LISTED = {
    "tool_ids": "tool",
    "additional_tool_ids": "tool",
    "mcp_server_ids": "MCP server",
    "native_mcp_server_ids": "MCP server",
}
"""Keys whose values are lists of such names."""


@dataclass(frozen=True, slots=True)
class Finding:
    level: Level
    path: str
    """Where in the document, keys with dots between them; empty: the whole."""
    message: str


@dataclass(frozen=True, slots=True)
class Need:
    """Something the agent refers to."""

    kind: str
    """``tool``, ``secret``, ``document`` …"""
    name: str
    path: str


@dataclass(frozen=True, slots=True)
class Known:
    """What was found of an agent's needs."""

    names: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """By kind: those that exist."""
    tools: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Tools of the registry by id, as their configs."""
    servers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """MCP servers by id, as their configs."""
    environment: str = "production"
    environment_variables: Mapping[str, str] = field(default_factory=dict)


# -- what it refers to ------------------------------------------------------------------------------------------------


def needs(document: Any, path: str = "") -> list[Need]:
    """Everything a document names that lies outside of it, each place once."""
    return list(_needs(document, path))


def _needs(document: Any, path: str) -> Iterator[Need]:
    match document:
        case Mapping():
            for key, value in document.items():
                here = f"{path}.{key}" if path else str(key)
                if key in LOOKED_UP and isinstance(value, str) and value:
                    yield Need(LOOKED_UP[key], value, here)
                elif key in LISTED and isinstance(value, list):
                    names = enumerate(value)
                    yield from (Need(LISTED[key], str(name), f"{here}.{index}") for index, name in names)
                elif key in ("knowledge_base", "additional_knowledge_base") and isinstance(value, list):
                    for index, item in enumerate(value):
                        if isinstance(item, Mapping) and item.get("id"):
                            yield Need("document", str(item["id"]), f"{here}.{index}.id")
                elif key == "agent_id" and isinstance(value, str) and value and _hands_over(path, document):
                    yield Need("agent", value, here)
                else:
                    yield from _needs(value, here)
        case list():
            for index, value in enumerate(document):
                yield from _needs(value, f"{path}.{index}")


def _hands_over(path: str, document: Mapping[str, Any]) -> bool:
    """Whether this object says to whom a call is transferred."""
    return ".transfers." in f"{path}." or document.get("type") == "standalone_agent"


# -- what is wrong ----------------------------------------------------------------------------------------------------


def findings(document: Mapping[str, Any], known: Known) -> list[Finding]:
    """Errors first."""
    malformed = list(_malformed(AgentDocument, document, ""))
    if malformed:
        document = _without(document, [finding.path.split(".") for finding in malformed])
        if any(_malformed(AgentDocument, document, "")):
            return [*malformed, *_missing(document, known)]
    found = [
        *malformed,
        *_missing(document, known),
        *_of_tools(document, known),
        *_of_waiting(document),
        *_of_workflow(document),
        *_of_workflow_texts(document, known),
        *_of_start(document, known),
        *_of_variables(document, known),
        *_without_effect(document),
        *_unknown(ConversationalConfig, document.get("conversation_config"), "conversation_config"),
        *_unknown(AgentPlatformSettings, document.get("platform_settings"), "platform_settings"),
    ]
    order = get_args(Level)
    return sorted(dict.fromkeys(found), key=lambda finding: order.index(finding.level))


def _without(document: Mapping[str, Any], paths: list[list[str]]) -> dict[str, Any]:
    """The document without what stands at these paths, so that the rest can be looked at."""
    pruned: dict[str, Any] = deepcopy(dict(document))
    for path in paths:
        parents: list[tuple[Any, Any]] = []
        value: Any = pruned
        for key in path:
            if isinstance(value, dict) and key in value:
                parents.append((value, key))
                value = value[key]
            elif isinstance(value, list) and key.isdecimal() and int(key) < len(value):
                parents.append((value, int(key)))
                value = value[int(key)]
        while parents and isinstance(parents[-1][0], list):
            parents.pop()  # items keep their places: the list goes as a whole
        if parents:
            holder, key = parents[-1]
            del holder[key]
    return pruned


def _malformed(model: type[BaseModel], document: Any, path: str) -> Iterator[Finding]:
    try:
        model.model_validate(document)
    except ValidationError as error:
        for one in error.errors(include_url=False, include_context=False):
            where = ".".join([path, *map(str, one["loc"])] if path else map(str, one["loc"]))
            yield Finding("error", where, f"{one['msg']}.")


def _missing(document: Mapping[str, Any], known: Known) -> Iterator[Finding]:
    sources = [needs(document)]
    sources += [needs(config, f"tool {tool_id}") for tool_id, config in known.tools.items()]
    sources += [needs(config, f"MCP server {server_id}") for server_id, config in known.servers.items()]
    for need in (need for source in sources for need in source):
        if need.kind in known.names and need.name not in known.names[need.kind]:
            yield Finding("error", need.path, f"There is no {need.kind} {need.name}.")


def _of_tools(document: Mapping[str, Any], known: Known) -> Iterator[Finding]:
    for tool_id, config in known.tools.items():
        yield from _malformed(ToolRequest, {"tool_config": config}, f"tool {tool_id}")
    prompt = ((document.get("conversation_config") or {}).get("agent") or {}).get("prompt") or {}
    inline = "conversation_config.agent.prompt.tools"
    configs = [(f"tool {tool_id}", config) for tool_id, config in known.tools.items()]
    configs += [(f"{inline}.{index}", tool) for index, tool in enumerate(prompt.get("tools") or ())]
    names: dict[str, str] = {}
    for path, config in configs:
        if not isinstance(config, Mapping):
            continue
        name = str(config.get("name") or "")
        if name and name in names:
            yield Finding("warning", path, f'The name "{name}" is that of {names[name]} too; the first one counts.')
        names.setdefault(name, path)
        if not str(config.get("description") or "").strip() and config.get("type") != "system":
            yield Finding("warning", path, f'The tool "{name}" has no description: the model cannot know what it does.')


def _of_waiting(document: Mapping[str, Any]) -> Iterator[Finding]:
    """Whether users who wait for a person would be left alone."""
    config = document.get("conversation_config") or {}
    built_in = ((config.get("agent") or {}).get("prompt") or {}).get("built_in_tools") or {}
    if not isinstance(tool := built_in.get(TRANSFER_TO_HUMAN), Mapping):
        return
    path = f"conversation_config.agent.prompt.built_in_tools.{TRANSFER_TO_HUMAN}"
    wanted = terms(tool)[0]
    yield from _unknown(TransferToHumanParams, tool.get("params"), f"{path}.params")
    if wanted.agent_while_waiting == "silent" and not wanted.waiting_message.strip():
        message = "The agent is silent while a user waits: without it they may hear nothing for "
        yield Finding("warning", f"{path}.params.waiting_message", f"{message}{wanted.wait_timeout_secs:g} s.")
    longest = (config.get("conversation") or {}).get("max_duration_seconds")
    if isinstance(longest, int | float) and wanted.wait_timeout_secs >= longest:
        message = f"The call ends before that, after {longest:g} s (max_duration_seconds)."
        yield Finding("warning", f"{path}.params.wait_timeout_secs", message)
    message = "Somebody has to watch /v1/x/conversations/waiting-for-human: nobody is called by itself."
    yield Finding("note", path, message)


def _waiting_message(config: Mapping[str, Any]) -> Iterator[start_variables.Use]:
    """What users hear while they wait for a person. A variable that nobody supplied keeps no conversation from
    starting; the words have a gap then."""
    built_in = ((config.get("agent") or {}).get("prompt") or {}).get("built_in_tools") or {}
    if isinstance(tool := built_in.get(TRANSFER_TO_HUMAN), Mapping):
        names = tuple(texts.names_in(terms(tool)[0].waiting_message))
        yield start_variables.Use("tools", names, f"{TRANSFER_TO_HUMAN}: waiting_message")


def _of_workflow(document: Mapping[str, Any]) -> Iterator[Finding]:
    try:
        workflow.read(document.get("workflow"))
    except workflow.WorkflowError as error:
        path, _, message = str(error).partition(": ")
        yield Finding("error", path, message)


def _of_workflow_texts(document: Mapping[str, Any], known: Known) -> Iterator[Finding]:
    """Variables that texts of the workflow name and that nobody sets. They keep no conversation from starting."""
    config = ConversationalConfig.model_validate(document.get("conversation_config") or {})
    tools = {tool.name: tool for tool in _tools(config, known)}
    set_by_tools = [start_variables.assigned_in(one) for one in (*known.tools.values(), *known.servers.values())]
    supplied = {
        **dict.fromkeys(workflow.variables_set(document.get("workflow"))),
        **dict.fromkeys(name for names in (start_variables.assigned(tools), *set_by_tools) for name in names),
        **start_variables.placeholders(config, tools),
    }
    uses = [
        start_variables.Use("workflow", tuple(names), f"workflow, {node}")
        for node, names in workflow.variables_named(document.get("workflow"))
    ]
    for use in start_variables.missing(uses, supplied, known.environment_variables):
        for name in use.names:
            yield _variable(name, use.where, known.environment)


def _of_start(document: Mapping[str, Any], known: Known) -> Iterator[Finding]:
    """What beginning a conversation says. Missing variables are told by themselves."""
    platform = {**(document.get("platform_settings") or {}), "x_missing_variable_policy": "empty"}
    beginning = Beginning(
        conversation_id="",
        agent_id="",
        agent_name="",
        document={**document, "platform_settings": platform},
        tools=known.tools,
        environment=known.environment,
        environment_variables=known.environment_variables,
    )
    try:
        setup = begin(beginning, ConversationInitiationClientData())
    except ConversationRefused as refusal:
        yield Finding("error", "", refusal.message)
        return
    for warning in setup.warnings:
        if not warning.startswith("Missing required") and "is not in the registry" not in warning:
            yield Finding("warning", "", warning)


def _of_variables(document: Mapping[str, Any], known: Known) -> Iterator[Finding]:
    """What a client has to send, in any of the agent's languages; and translations that are old."""
    plain = document.get("conversation_config") or {}
    presets = plain.get("language_presets") or {}
    told: set[str] = set()
    spoken = {"": plain, **{code: merged(plain, language_presets.changes(preset)) for code, preset in presets.items()}}
    for language, config in spoken.items():
        read = ConversationalConfig.model_validate(config)
        tools = {tool.name: tool for tool in _tools(read, known)}
        supplied = {**dict.fromkeys(start_variables.assigned(tools)), **start_variables.placeholders(read, tools)}
        uses = [*start_variables.uses(read, tools), *_waiting_message(config)]
        absent = start_variables.missing(uses, supplied, known.environment_variables)
        names = dict.fromkeys(name for use in absent for name in use.names if name not in told)
        told.update(names)
        for name in names:
            used = ", ".join(dict.fromkeys(use.where or use.group for use in absent if name in use.names))
            where = f"{used}, language {language}" if language else used
            yield _variable(name, where, known.environment)
    for language, preset in presets.items():
        for key in language_presets.outdated(preset, plain):
            path = f"conversation_config.language_presets.{language}.{key}"
            yield Finding("warning", path, "It was made from an older text than the agent has now.")


def _variable(name: str, where: str, environment: str) -> Finding:
    if name.startswith("system__"):
        message = f"{{{{{name}}}}} ({where}) is no variable of the system, or has no value in {environment}."
        return Finding("error", "", message)
    message = f"{{{{{name}}}}} ({where}) has no placeholder: every client has to send it."
    return Finding("note", "conversation_config.agent.dynamic_variables", message)


def _tools(config: ConversationalConfig, known: Known) -> Iterator[Tool]:
    """Their texts, as far as variables go."""
    yield from tools_of(config, known.tools, []).values()


def _without_effect(document: Mapping[str, Any]) -> Iterator[Finding]:
    for path, nothing in WITHOUT_EFFECT.items():
        value: Any = document
        for key in path.split("."):
            value = value.get(key) if isinstance(value, Mapping) else None
        if value is not None and value != nothing:
            yield Finding("warning", path, "This version keeps the setting and does not act on it.")


def _unknown(model: type[BaseModel], document: Any, path: str) -> Iterator[Finding]:
    """Keys that nothing here reads: often a slip of the pen."""
    if not isinstance(document, Mapping):
        return
    for key, value in document.items():
        here = f"{path}.{key}"
        if key not in model.model_fields:
            if here not in WITHOUT_EFFECT:
                near = difflib.get_close_matches(key, model.model_fields, 1)
                hint = f' Is "{near[0]}" meant?' if near else ""
                yield Finding("warning", here, f"This version does not know the setting.{hint}")
            continue
        yield from _inside(model.model_fields[key].annotation, value, here)


def _inside(annotation: Any, value: Any, path: str) -> Iterator[Finding]:
    """The same for whatever models a field is made of."""
    origin, kinds = get_origin(annotation), get_args(annotation)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield from _unknown(annotation, value, path)
    elif origin is dict and isinstance(value, Mapping):
        for key, item in value.items():
            yield from _inside(kinds[1], item, f"{path}.{key}")
    elif origin is list and isinstance(value, list):
        for index, item in enumerate(value):
            yield from _inside(kinds[0], item, f"{path}.{index}")
    elif origin in (Union, UnionType):
        models = [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)]
        yield from _inside(models[0], value, path) if len(models) == 1 else ()
