"""Dynamic variables at the start of a conversation: where each is used, what stands in for it, and what to do about
those nobody supplied (reference: webhooks.md §7).

A value comes from the client; else from the agent's placeholders, else from a tool's. A variable that a tool assigns
may be missing: it is empty until then. The agent's ``x_missing_variable_policy`` says what becomes of any other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from parola.conversation import prompt
from parola.conversation.tools import Tool
from parola.errors import ConversationRefused
from parola.protocol.agents import ConversationalConfig

SECRET = "secret__"
"""Such a variable is for the headers of requests; no model and no reader ever sees its value."""


@dataclass(frozen=True, slots=True)
class Use:
    """A text that names variables."""

    group: str
    """``first message``, ``prompt``, ``tools`` …: what a refusal sorts them by."""
    names: tuple[str, ...]
    where: str = ""
    """More precisely, for a tool: ``book_table: url``."""
    is_shown: bool = True
    """A model or a person reads it: secrets stay out of it."""


def from_client(variables: Mapping[str, Any]) -> dict[str, Any]:
    """What a client sent, nulls left out. Raises ``ConversationRefused`` for names that are the system's, and for
    values that are no text, number, truth value or list of these."""
    for name, value in variables.items():
        if name.startswith("system__"):
            raise ConversationRefused(1008, "value_error", f"Dynamic variable '{name}' is reserved for the system.")
        if isinstance(value, Mapping):
            raise ConversationRefused(
                1008,
                "value_error",
                f"Dynamic variable '{name}': expected a string, a number, a boolean or a list, got an object.",
            )
    return {name: value for name, value in variables.items() if value is not None}


def placeholders(config: ConversationalConfig, tools: Mapping[str, Tool]) -> dict[str, Any]:
    """What stands in for a variable: the agent's placeholders win over those of its tools."""
    found: dict[str, Any] = {}
    for tool in tools.values():
        found = {**_placeholders_of(tool.config), **found}
    return {**found, **config.agent.dynamic_variables.dynamic_variable_placeholders}


def _placeholders_of(tool: Mapping[str, Any]) -> Mapping[str, Any]:
    variables = tool.get("dynamic_variables")
    found = variables.get("dynamic_variable_placeholders") if isinstance(variables, Mapping) else None
    return found if isinstance(found, Mapping) else {}


# -- where they are used ----------------------------------------------------------------------------------------------


def uses(config: ConversationalConfig, tools: Mapping[str, Tool]) -> list[Use]:
    """Every place of an agent that names variables."""
    agent, soft = config.agent, config.turn.soft_timeout_config
    texts = [
        ("first message", agent.first_message),
        ("prompt", agent.prompt.prompt),
        ("soft timeout message", "\n".join([soft.message, *soft.additional_soft_timeout_messages])),
        ("soft timeout prompt", soft.llm_generated_message_prompt_override or ""),
        ("max duration message", agent.max_conversation_duration_message),
    ]
    found = [Use(group, tuple(prompt.names_in(text))) for group, text in texts]
    for name, tool in tools.items():
        found += [Use("tools", names, f"{name}: {where}", shown) for where, names, shown in uses_of_tool(tool)]
    return [use for use in found if use.names]


def uses_of_tool(tool: Tool) -> Iterator[tuple[str, tuple[str, ...], bool]]:
    """(where, names, whether a model reads it) for each part of a tool."""
    config = tool.config
    yield "description", tuple(prompt.names_in(tool.definition.description)), True
    yield "parameters", tuple(_in_schema(config.get("parameters"))), True
    if not isinstance(request := config.get("api_schema"), Mapping):
        return
    yield "url", tuple(prompt.names_in(str(request.get("url") or ""))), False
    headers = request.get("request_headers")
    yield "headers", tuple(_in_values(headers)), False
    for part in ("path_params_schema", "query_params_schema", "request_body_schema"):
        yield part.removesuffix("_schema").replace("_", " "), tuple(_in_schema(request.get(part))), False


def _in_values(values: Any) -> Iterator[str]:
    for value in values.values() if isinstance(values, Mapping) else ():
        match value:
            case str():
                yield from prompt.names_in(value)
            case {"variable_name": str(name)} if name:
                yield name


def _in_schema(schema: Any) -> Iterator[str]:
    """Names in the texts of a JSON schema, and those its leaves take their values from."""
    match schema:
        case {"is_omitted": True}:
            return
        case Mapping():
            for key, value in schema.items():
                if key in ("dynamic_variable", "allowed_values_dynamic_variable") and isinstance(value, str) and value:
                    yield value
                else:
                    yield from _in_schema(value)
        case list():
            for value in schema:
                yield from _in_schema(value)
        case str():
            yield from prompt.names_in(schema)


def assigned(tools: Mapping[str, Tool]) -> set[str]:
    """Variables that a tool of the agent will set."""
    return set().union(*(assigned_in(tool.config) for tool in tools.values()))


def assigned_in(config: Mapping[str, Any]) -> set[str]:
    """The same of one tool's config."""
    assignments = [one for one in config.get("assignments") or () if isinstance(one, Mapping)]
    return {str(one.get("dynamic_variable") or "") for one in assignments} - {""}


# -- those nobody supplied --------------------------------------------------------------------------------------------


def missing(found: list[Use], known: Mapping[str, Any], environment: Mapping[str, str]) -> list[Use]:
    """The uses of variables that have no value, reduced to these."""
    supplied = {*known, *prompt.SYSTEM_VARIABLES, *(prompt.ENVIRONMENT + label for label in environment)}
    reduced = []
    for use in found:
        names = tuple(
            name for name in use.names if name not in supplied and not (use.is_shown and name.startswith(SECRET))
        )
        if names:
            reduced.append(Use(use.group, tuple(dict.fromkeys(names)), use.where, use.is_shown))
    return reduced


def described(absent: list[Use]) -> str:
    """``in first message: {'name'}; in tools: {'order'} (look_up: url)``."""
    groups: dict[str, list[Use]] = {}
    for use in absent:
        groups.setdefault(use.group, []).append(use)
    parts = []
    for group, uses_ in groups.items():
        names = dict.fromkeys(name for use in uses_ for name in use.names)
        where = ", ".join(use.where for use in uses_ if use.where)
        parts.append(f"in {group}: {{{', '.join(map(repr, names))}}}" + (f" ({where})" if where else ""))
    return "; ".join(parts)


def settled(
    found: list[Use],
    values: Mapping[str, Any],
    environment: Mapping[str, str],
    *,
    to_be_assigned: set[str],
    policy: str,
    warnings: list[str],
) -> dict[str, Any]:
    """The variables a conversation starts with: each that is used has a value. Raises ``ConversationRefused``, which
    names all that are missing, unless ``policy`` is ``empty`` or ``placeholder``."""
    if shown := [use for use in found if use.is_shown and any(name.startswith(SECRET) for name in use.names)]:
        names = ", ".join(dict.fromkeys(name for use in shown for name in use.names if name.startswith(SECRET)))
        places = ", ".join(dict.fromkeys(use.where or use.group for use in shown))
        warnings.append(f"Secret variables are for the headers of requests: {names} stays empty in {places}.")
    values = {**dict.fromkeys(sorted(to_be_assigned), ""), **values}
    absent = missing(found, values, environment)
    if not absent:
        return values
    told = f"Missing required dynamic variables {described(absent)}"
    if policy not in ("empty", "placeholder"):
        raise ConversationRefused(1008, "missing_dynamic_variable", told)
    warnings.append(f"{told}. x_missing_variable_policy is {policy}: the conversation goes on without them.")
    names_ = dict.fromkeys(name for use in absent for name in use.names)
    return {**values, **{name: f"[{name}]" if policy == "placeholder" else "" for name in names_}}
