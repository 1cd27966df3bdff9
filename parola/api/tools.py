"""``/v1/convai/tools``: tools that agents share, kept as they are pushed."""

from __future__ import annotations

import time
from typing import Annotated, Literal

from fastapi import APIRouter, Query

from parola.api.agents import OWNER, find_agent, section
from parola.api.described import described
from parola.api.errors import checked
from parola.api.paging import PageDep, SortDirection, page_body
from parola.api.references import agents_by, agents_with, dependent
from parola.api.responses import Json, RawBody, new_id
from parola.api.services import Services, ServicesDep, needs_key
from parola.errors import Conflict, NotFound
from parola.protocol.documents import JsonObject
from parola.protocol.tools import DependentAgentsPage, ToolRequest, ToolResponse, ToolsPage
from parola.store.base import ToolRow
from parola.store.pages import Page

router = APIRouter(prefix="/v1/convai/tools", tags=["tools"], dependencies=[needs_key])

COMPUTED = frozenset({"id", "access_info", "usage_stats", "x_dependent_agents"})


@router.post("", operation_id="tools_create")
@described(request=ToolRequest, response=ToolResponse)
async def create(raw: RawBody, services: ServicesDep) -> Json:
    """Create a tool."""
    checked(ToolRequest, raw)
    now = time.time()
    document = _document(raw)
    tool = ToolRow(new_id("tool"), _name(document), document, now, now)
    await services.store.tools.put(tool)
    return Json(_response(tool))


@router.get("", operation_id="tools_list")
@described(response=ToolsPage)
async def list_tools(
    services: ServicesDep,
    page: PageDep,
    search: Annotated[str | None, Query(description="Part of the name.")] = None,
    types: Annotated[list[str] | None, Query(description="`webhook`, `client` …")] = None,
    used_by_agent_id: Annotated[str | None, Query(description="Only this agent's tools.")] = None,
    sort_by: Literal["name", "created_at"] = "created_at",
    sort_direction: SortDirection = "desc",
) -> Json:
    """List tools, newest first."""
    if used_by_agent_id is not None:
        found: Page[ToolRow] = Page(await _tools_of(services, used_by_agent_id))
    else:
        found = await services.store.tools.page(
            page_size=page.size,
            cursor=page.cursor,
            search=search,
            types=types or (),
            sort_by=sort_by,
            ascending=sort_direction == "asc",
        )
    users = await agents_by(services.store, [tool.tool_id for tool in found.items])
    listed = [
        _response(tool) | {"x_dependent_agents": [dependent(agent) for agent in users[tool.tool_id]]}
        for tool in found.items
    ]
    return Json(page_body("tools", listed, found))


@router.get("/{tool_id}", operation_id="tools_get")
@described(response=ToolResponse)
async def get(tool_id: str, services: ServicesDep) -> Json:
    """One tool, as it was pushed."""
    return Json(_response(await _find(services, tool_id)))


@router.patch("/{tool_id}", operation_id="tools_update")
@described(request=ToolRequest, response=ToolResponse)
async def update(tool_id: str, raw: RawBody, services: ServicesDep) -> Json:
    """Replace a tool's config."""
    checked(ToolRequest, raw)
    async with services.editing:
        old = await _find(services, tool_id)
        document = {**old.document, **_document(raw)}
        checked(ToolRequest, document)
        tool = ToolRow(tool_id, _name(document), document, old.created_at, time.time())
        await services.store.tools.put(tool)
    return Json(_response(tool))


@router.delete("/{tool_id}", operation_id="tools_delete")
async def delete(tool_id: str, services: ServicesDep, force: bool = False) -> Json:
    """Delete a tool; one that agents use only with ``force``."""
    await _find(services, tool_id)
    if not force:
        users = [agent.name async for agent in agents_with(services.store, tool_id)]
        if users:
            raise Conflict(f"The tool is used by {', '.join(users)}. Delete it with force=true.")
    await services.store.tools.delete(tool_id)
    return Json({})


@router.get("/{tool_id}/dependent-agents", operation_id="tools_get_dependent_agents")
@described(response=DependentAgentsPage)
async def dependent_agents(tool_id: str, services: ServicesDep) -> Json:
    """The agents that use a tool."""
    await _find(services, tool_id)
    agents = [dependent(agent) async for agent in agents_with(services.store, tool_id)]
    return Json({"agents": agents, "branches": [], "next_cursor": None, "has_more": False})


async def _tools_of(services: Services, agent_id: str) -> list[ToolRow]:
    agent = await find_agent(services, agent_id)
    ids = section(agent.document, "conversation_config", "agent", "prompt").get("tool_ids") or []
    return list(await services.store.tools.get_many(ids))


async def _find(services: Services, tool_id: str) -> ToolRow:
    tool = await services.store.tools.get(tool_id)
    if tool is None:
        raise NotFound(f"Document with id {tool_id} not found.")
    return tool


def _document(raw: JsonObject) -> JsonObject:
    return {key: value for key, value in raw.items() if key not in COMPUTED}


def _name(document: JsonObject) -> str:
    return str(document["tool_config"].get("name") or "")


def _response(tool: ToolRow) -> JsonObject:
    return {
        "id": tool.tool_id,
        **tool.document,
        "access_info": OWNER,
        "usage_stats": {"total_calls": 0, "avg_latency_secs": 0},
    }
