"""``/v1/x/agents/lint``: what would go wrong in a call of an agent, before the call.

What the document says is judged by ``conversation/lint.py``; here is what only this server knows: what is kept, which
models and voices stand in for others, which addresses answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query
from pydantic import ValidationError

from parola.api.agents import find_agent
from parola.api.described import described
from parola.api.responses import Json, RawBody
from parola.api.services import Services, ServicesDep, needs, needs_key
from parola.errors import ClientError
from parola.outbound import environment as environments
from parola.outbound.guard import Guard
from parola.protocol.agents import ConversationalConfig
from parola.protocol.documents import JsonObject
from parola.protocol.lint import LintResponse

if TYPE_CHECKING:
    from parola.conversation.lint import Finding, Known, Need

router = APIRouter(prefix="/v1/x/agents", tags=["lint"], dependencies=[needs_key])

PROBE_SECONDS = 3.0
"""How long an address may take to accept a connection."""

MOST_PROBES = 20
"""Different addresses that are tried for one agent."""

Offline = Annotated[bool, Query(description="Do not try the addresses that the agent names.")]
Environment = Annotated[str, Query(description="Whose values environment variables have.")]

KINDS = {
    "auth connection": "auth_connection",
    "MCP server": "mcp_server",
    "pronunciation dictionary": "pronunciation_dictionary",
}
"""Needs that are kept as documents: what they are called there."""


@router.post("/lint", operation_id="agents_lint_document", dependencies=[needs("agents:read")])
@described(response=LintResponse)
async def lint_document(
    raw: RawBody, services: ServicesDep, offline: Offline = False, environment: Environment = environments.DEFAULT
) -> Json:
    """Look for trouble in an agent that need not be stored."""
    return Json(await _linted(services, raw, environment, offline=offline))


@router.get("/{agent_id}/lint", operation_id="agents_lint")
@described(response=LintResponse)
async def lint_agent(
    agent_id: str, services: ServicesDep, offline: Offline = False, environment: Environment = environments.DEFAULT
) -> Json:
    """Look for trouble in an agent."""
    agent = await find_agent(services, agent_id)
    return Json(await _linted(services, agent.document, environment, offline=offline))


async def _linted(services: Services, document: JsonObject, environment: str, *, offline: bool) -> JsonObject:
    from parola.conversation.lint import findings, needs

    known = await _known(services, document, needs(document), environment)
    found = findings(document, known)
    try:
        found += _stand_ins(services, document)
    except ValidationError:
        pass  # found already: without its shape it names no models
    found += _not_redacted(services, document)
    if not offline:
        found += await _unreachable(Guard.of(services.settings), document, known)
    counts = {level: sum(finding.level == level for finding in found) for level in ("error", "warning", "note")}
    return {
        "findings": [asdict(finding) for finding in found],
        **{f"{level}s": count for level, count in counts.items()},
    }


# -- what is kept -----------------------------------------------------------------------------------------------------


async def _known(services: Services, document: JsonObject, wanted: list[Need], environment: str) -> Known:
    from parola.conversation.lint import Known, needs
    from parola.conversation.toolbox import config_in

    store = services.store
    ids = list(dict.fromkeys(need.name for need in wanted if need.kind == "tool"))
    tools = {row.tool_id: config_in(row.document) for row in await store.tools.get_many(ids)}
    servers: dict[str, JsonObject] = {}
    for server_id in dict.fromkeys(need.name for need in wanted if need.kind == "MCP server"):
        if (row := await store.documents.get(KINDS["MCP server"], server_id)) is not None:
            servers[server_id] = row.document.get("config") or {}
    for config in (*tools.values(), *servers.values()):
        wanted = [*wanted, *needs(config)]
    labels = environments.labels_in(document, tools, servers)
    names: dict[str, set[str]] = {need.kind: set() for need in wanted}
    for need in dict.fromkeys((need.kind, need.name) for need in wanted):
        kind, name = need
        if await _exists(services, kind, name):
            names[kind].add(name)
    return Known(
        names={kind: frozenset(found) for kind, found in names.items()},
        tools=tools,
        servers=servers,
        environment=environment,
        environment_variables=await environments.texts(store, labels, environment),
    )


async def _exists(services: Services, kind: str, name: str) -> bool:
    store = services.store
    match kind:
        case "agent":
            return await store.agents.get(name) is not None
        case "tool":
            return await store.tools.get(name) is not None
        case "secret":
            return await store.secrets.get(name) is not None
        case "environment variable":
            return await environments.variable(store, name) is not None
        case "document":
            return await store.knowledge.get(name) is not None
        case _:
            return await store.documents.get(KINDS[kind], name) is not None


# -- what stands in for what ------------------------------------------------------------------------------------------


def _stand_ins(services: Services, document: JsonObject) -> list[Finding]:
    """Models and voices that are not there by the agent's names for them."""
    from parola.conversation.lint import Finding
    from parola.session.brains import about_model

    config = ConversationalConfig.model_validate(document.get("conversation_config") or {})
    registry, settings, path = services.registry, config.agent.prompt, "conversation_config"
    custom = settings.custom_llm.model_dump() if settings.custom_llm is not None else None
    chosen = registry.language_model(settings.llm, custom)
    named = (((document.get("conversation_config") or {}).get("agent") or {}).get("prompt") or {}).get("llm")
    about = about_model(chosen, settings.llm, is_named=bool(named), has_script=bool(settings.x_script))
    warnings = {f"{path}.agent.prompt.llm": about}
    if settings.rag is not None and settings.rag.enabled:
        where = f"{path}.agent.prompt.rag.embedding_model"
        warnings[where] = registry.embedder(settings.rag.embedding_model).warning
    if not config.conversation.text_only:
        tts, language = config.tts, config.agent.language
        warnings[f"{path}.tts.voice_id"] = registry.text_to_speech(tts.model_id, tts.voice_id, language).warning
        warnings[f"{path}.asr.provider"] = registry.speech_to_text(config.asr.provider).warning
        for code in config.language_presets:
            voice = registry.text_to_speech(tts.model_id, tts.voice_id, code).warning
            if voice is not None and voice != warnings[f"{path}.tts.voice_id"]:
                warnings[f"{path}.language_presets.{code}"] = voice
    return [Finding("warning", where, f"{warning.rstrip('.')}.") for where, warning in warnings.items() if warning]


def _not_redacted(services: Services, document: JsonObject) -> list[Finding]:
    """Kinds of personal details that the agent wants redacted, and nothing here recognises."""
    from parola.conversation.lint import Finding
    from parola.privacy.entities import not_recognised
    from parola.privacy.policy import Policy

    policy = Policy.of(document, services.settings)
    missing = not_recognised(policy.entities) if policy.redacts else []
    path = "platform_settings.privacy.conversation_history_redaction.entities"
    return [Finding("warning", path, f"Redaction here does not recognise: {', '.join(missing)}.")] if missing else []


# -- who answers ------------------------------------------------------------------------------------------------------


async def _unreachable(guard: Guard, document: JsonObject, known: Known) -> list[Finding]:
    """Addresses nobody answers at. A connection is opened and closed; nothing is asked."""
    from parola.conversation.lint import Finding

    addresses: dict[str, str] = {}
    kept = {f"MCP server {server_id}": config for server_id, config in known.servers.items()}
    for path, url in (*_urls(document, ""), *_urls(dict(known.tools), "tools"), *_urls(kept, "")):
        addresses.setdefault(url, path)
    probed = list(addresses.items())[:MOST_PROBES]
    problems = await asyncio.gather(*(_probe(guard, url) for url, _ in probed))
    return [Finding("error", path, problem) for (_, path), problem in zip(probed, problems, strict=True) if problem]


def _urls(document: Any, path: str) -> Iterator[tuple[str, str]]:
    """(path, URL) of every address that a call would ask; those with variables in their host are known only then."""
    match document:
        case Mapping():
            for key, value in document.items():
                here = f"{path}.{key}" if path else str(key)
                asks = key == "url" and isinstance(value, str) and value.startswith(("http://", "https://"))
                if asks and "{" not in value.split("/")[2]:
                    yield here, value
                else:
                    yield from _urls(value, here)
        case list():
            for index, value in enumerate(document):
                yield from _urls(value, f"{path}.{index}")


async def _probe(guard: Guard, url: str) -> str:
    """What keeps the server from asking this address; empty: nothing."""
    host = url.split("/")[2].rpartition("@")[2]
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            checked = guard.check_url("/".join(url.split("/")[:3]))
            await guard.check(checked)
            port = checked.port or (443 if checked.scheme == "https" else 80)
            _, writer = await asyncio.open_connection(checked.host, port)
            writer.close()
    except TimeoutError:
        return f"{host} did not answer within {PROBE_SECONDS:g} s."
    except ClientError as error:
        return error.message
    except OSError as error:
        return f"Nobody answers at {host}: {error.strerror or error}."
    return ""
