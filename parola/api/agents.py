"""``/v1/convai/agents``: agents are kept as they are pushed, and given back the same."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request

from parola.api.described import described
from parola.api.errors import checked
from parola.api.merging import patched
from parola.api.named_documents import searched_by
from parola.api.paging import PageDep, SortDirection, page_body
from parola.api.responses import Json, OptionalBody, RawBody, new_id
from parola.api.services import Services, ServicesDep, needs_key, open_to_all
from parola.api.widget import admit, widget_config
from parola.errors import NotFound
from parola.privacy.reaping import apply_to_existing
from parola.protocol.agents import (
    AgentDocument,
    AgentLinkResponse,
    AgentResponse,
    AgentsPage,
    CreateAgentRequest,
    CreateAgentResponse,
    DuplicateAgentRequest,
    TtsConfig,
    UpdateAgentRequest,
    WidgetResponse,
)
from parola.protocol.documents import JsonObject
from parola.store.base import AgentCalls, AgentRow
from parola.store.versions import MOST_VERSIONS, main_branch

router = APIRouter(prefix="/v1/convai/agents", tags=["agents"])

_SHOWN_TO_CALLERS = open_to_all("It is for callers; of a private agent the handler asks for a credential.")

DEFAULT_NAME = "New agent"

DEFAULT_VOICE: str = TtsConfig.model_fields["voice_id"].default

WEEK_SECONDS = 7 * 86400

OWNER: JsonObject = {"is_creator": True, "creator_name": "", "creator_email": "", "role": "admin"}
"""``access_info``: whoever holds a key may do everything."""

COMPUTED = frozenset(
    {
        "agent_id",
        "name",
        "metadata",
        "access_info",
        "phone_numbers",
        "whatsapp_accounts",
        "version_id",
        "branch_id",
        "main_branch_id",
        "version_description",
    }
)
"""Keys of a pulled agent that are the server's; pushed back, they are left out of the document."""


@router.post("/create", operation_id="agents_create", dependencies=[needs_key])
@described(request=CreateAgentRequest, response=CreateAgentResponse)
async def create(raw: RawBody, services: ServicesDep) -> Json:
    """Create an agent."""
    body = checked(CreateAgentRequest, raw)
    now = time.time()
    agent = AgentRow(new_id("agent"), body.name or DEFAULT_NAME, stored(raw), now, now)
    await keep(services, agent, body.version_description)
    return Json({"agent_id": agent.agent_id})


@router.get("", operation_id="agents_list", dependencies=[needs_key])
@described(response=AgentsPage)
async def list_agents(
    services: ServicesDep,
    page: PageDep,
    search: Annotated[str | None, Query(description="Part of the name.")] = None,
    archived: bool = False,
    tags: Annotated[list[str] | None, Query(description="Agents with any of these tags.")] = None,
    sort_by: Literal["name", "created_at", "call_count_7d"] | None = None,
    sort_direction: SortDirection = "desc",
) -> Json:
    """List agents, newest first."""
    found = await services.store.agents.page(
        page_size=page.size,
        cursor=page.cursor,
        search=search,
        tags=tags or (),
        archived=archived,
        sort_by="calls" if sort_by == "call_count_7d" else sort_by or "created_at",
        ascending=sort_direction == "asc",
        calls_since=week_ago(),
    )
    calls = await services.store.agents.calls([agent.agent_id for agent in found.items], week_ago())
    listed = [_summary(agent, calls.get(agent.agent_id)) for agent in found.items]
    return Json(page_body("agents", listed, found))


@router.get("/summaries", operation_id="agents_summaries_get", dependencies=[needs_key])
async def summaries(services: ServicesDep, agent_ids: Annotated[list[str], Query()]) -> Json:
    """Several agents at once; each succeeds or fails on its own."""
    result: dict[str, JsonObject] = {}
    calls = await services.store.agents.calls(agent_ids, week_ago())
    for agent_id in agent_ids:
        agent = await services.store.agents.get(agent_id)
        if agent is not None:
            result[agent_id] = {"status": "success", "data": _summary(agent, calls.get(agent_id))}
        else:
            message = f"Document with id {agent_id} not found."
            failure = {"error_code": 404, "error_status": "document_not_found", "error_message": message}
            result[agent_id] = {"status": "failure", **failure}
    return Json(result)


@router.get("/{agent_id}", operation_id="agents_get", dependencies=[needs_key])
@described(response=AgentResponse)
async def get(
    agent_id: str,
    services: ServicesDep,
    version_id: Annotated[str | None, Query(description="As the agent was in this version.")] = None,
    branch_id: Annotated[str | None, Query(description="There is one: the main branch.")] = None,
) -> Json:
    """One agent, as it was pushed."""
    agent = await find_agent(services, agent_id)
    check_branch(agent_id, branch_id)
    if version_id:
        agent = await find_version(services, agent_id, version_id)
    return Json(response(agent))


@router.patch("/{agent_id}", operation_id="agents_update", dependencies=[needs_key])
@described(request=UpdateAgentRequest, response=AgentResponse)
async def update(agent_id: str, raw: RawBody, services: ServicesDep, branch_id: str | None = None) -> Json:
    """Change an agent: what is given is merged into what is stored, as a new version."""
    body = checked(UpdateAgentRequest, raw)
    async with services.editing:
        old = await find_agent(services, agent_id)
        check_branch(agent_id, branch_id)
        given = {key: value for key, value in stored(raw).items() if value is not None}
        document = patched(old.document, given)
        checked(AgentDocument, document)
        agent = AgentRow(agent_id, body.name or old.name, document, old.created_at, max(time.time(), old.created_at))
        agent = await keep(services, agent, body.version_description)
    if section(raw, "platform_settings", "privacy").get("apply_to_existing_conversations") is True:
        await apply_to_existing(services.store, services.settings, agent)
    return Json(response(agent))


@router.delete("/{agent_id}", operation_id="agents_delete", dependencies=[needs_key])
async def delete(agent_id: str, services: ServicesDep, force: bool = False) -> Json:
    """Delete an agent with its versions; its conversations stay."""
    if not await services.store.agents.delete(agent_id):
        raise agent_not_found(agent_id)
    return Json({})


@router.post(
    "/{agent_id}/duplicate",
    operation_id="agents_duplicate",
    dependencies=[needs_key],
)
@described(request=DuplicateAgentRequest, response=CreateAgentResponse, optional=True)
async def duplicate(agent_id: str, raw: OptionalBody, services: ServicesDep) -> Json:
    """Copy an agent under a new id."""
    body = checked(DuplicateAgentRequest, raw)
    old = await find_agent(services, agent_id)
    now = time.time()
    name = body.name or f"{old.name} (copy)"
    agent = AgentRow(new_id("agent"), name, old.document, now, now)
    await keep(services, agent)
    return Json({"agent_id": agent.agent_id})


@router.get("/{agent_id}/widget", operation_id="agents_widget_get", dependencies=[_SHOWN_TO_CALLERS])
@described(response=WidgetResponse)
async def widget(
    agent_id: str, request: Request, services: ServicesDep, conversation_signature: str | None = None
) -> Json:
    """How the widget of an agent looks and speaks. Public, unless the agent needs a signed URL."""
    agent = await find_agent(services, agent_id)
    await admit(agent, request, services, conversation_signature)
    return Json({"agent_id": agent_id, "widget_config": widget_config(agent.document)})


@router.get("/{agent_id}/link", operation_id="agents_link_get", dependencies=[_SHOWN_TO_CALLERS])
@described(response=AgentLinkResponse)
async def link(agent_id: str, services: ServicesDep) -> Json:
    """The token of the agent's public page, when its owner has set one."""
    agent = await find_agent(services, agent_id)
    auth = section(agent.document, "platform_settings", "auth")
    token = auth.get("shareable_token")
    shared = {"agent_id": agent_id, "conversation_token": token, "purpose": "shareable_link"} if token else None
    return Json({"agent_id": agent_id, "token": shared})


# -- for this file and its neighbours -----------------------------------------------------------------------------


async def find_agent(services: Services, agent_id: str) -> AgentRow:
    """Raises ``NotFound``."""
    agent = await services.store.agents.get(agent_id)
    if agent is None:
        raise agent_not_found(agent_id)
    return agent


def agent_not_found(agent_id: str) -> NotFound:
    return NotFound(f"Document with id {agent_id} not found.")


async def find_version(services: Services, agent_id: str, version_id: str) -> AgentRow:
    """The agent as it was. Raises ``NotFound``."""
    agent = await services.store.agents.at(agent_id, version_id)
    if agent is None:
        raise version_not_found(agent_id, version_id)
    return agent


def version_not_found(agent_id: str, version_id: str) -> NotFound:
    return NotFound(
        f"The agent {agent_id} has no version {version_id}; the newest {MOST_VERSIONS} are kept.",
        code="version_not_found",
    )


def check_branch(agent_id: str, branch_id: str | None) -> None:
    """Raises ``NotFound`` for any branch but the main one."""
    if branch_id and branch_id != main_branch(agent_id):
        raise NotFound(
            f"The agent {agent_id} has no branch {branch_id}: its only one is {main_branch(agent_id)}.",
            code="branch_not_found",
        )


def section(document: Mapping[str, Any], *path: str) -> Mapping[str, Any]:
    """The object at ``path``, or an empty one."""
    value: Any = document
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value if isinstance(value, Mapping) else {}


def stored(raw: JsonObject) -> JsonObject:
    """What is kept of a pushed agent."""
    return {key: value for key, value in raw.items() if key not in COMPUTED}


async def keep(services: Services, agent: AgentRow, description: str | None = None) -> AgentRow:
    """Keep an agent; the row says which version of it that is. Nobody has to ask for the indexes of what it
    searches."""
    version_id = await services.store.agents.put(agent, description)
    ids, model = searched_by(agent.document)
    if ids:
        services.library.index_soon(ids, model)
    return replace(agent, version_id=version_id)


def week_ago() -> float:
    """Since when "the last 7 days" are counted."""
    return time.time() - WEEK_SECONDS


def response(agent: AgentRow) -> JsonObject:
    """``GetAgentResponse``."""
    return {
        "agent_id": agent.agent_id,
        "name": agent.name,
        "platform_settings": {},
        "tags": [],
        **agent.document,
        "metadata": {
            "created_at_unix_secs": int(agent.created_at),
            "updated_at_unix_secs": int(agent.updated_at),
        },
        "phone_numbers": [],
        "whatsapp_accounts": [],
        "access_info": OWNER,
        "version_id": agent.version_id,
        "branch_id": main_branch(agent.agent_id),
        "main_branch_id": main_branch(agent.agent_id),
    }


def _summary(agent: AgentRow, calls: AgentCalls | None) -> JsonObject:
    newest_at = calls.newest_at if calls else None
    return {
        "agent_id": agent.agent_id,
        "name": agent.name,
        "voice_id": section(agent.document, "conversation_config", "tts").get("voice_id") or DEFAULT_VOICE,
        "tags": agent.document.get("tags") or [],
        "created_at_unix_secs": int(agent.created_at),
        "updated_at_unix_secs": int(agent.updated_at),
        "access_info": OWNER,
        "last_call_time_unix_secs": None if newest_at is None else int(newest_at),
        "x_calls_7d": calls.lately if calls else 0,
        "archived": section(agent.document, "platform_settings").get("archived") is True,
    }
