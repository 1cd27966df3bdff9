"""``/v1/convai/mcp-servers``: servers of others whose tools agents may call, and who has to agree to that."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query

from parola.api.agents import OWNER
from parola.api.described import described
from parola.api.errors import checked
from parola.api.references import agents_by, agents_with, dependent
from parola.api.responses import Json, RawBody, new_id
from parola.api.services import Services, ServicesDep, needs_key
from parola.api.user import USER
from parola.errors import Conflict, NotFound, ParolaError
from parola.outbound.environment import DEFAULT
from parola.protocol.documents import JsonObject
from parola.protocol.mcp_servers import (
    KIND,
    McpApprovalPolicyRequest,
    McpServerConfig,
    McpServerRequest,
    McpServerResponse,
    McpServerSettings,
    McpServersResponse,
    McpToolApprovalRequest,
    McpToolConfigOverride,
    McpToolsResponse,
)
from parola.store.base import AgentRow, DocumentRow

if TYPE_CHECKING:
    from parola.tools.mcp import Connection

router = APIRouter(prefix="/v1/convai/mcp-servers", tags=["mcp-servers"], dependencies=[needs_key])

Environment = Annotated[str, Query(description="Whose values environment variables have.")]
Change = Callable[[JsonObject], JsonObject]

_SETTINGS = frozenset(McpServerSettings.model_fields)
_OVERRIDES = frozenset(McpToolConfigOverride.model_fields) - {"tool_name"}


@router.post("", operation_id="mcp_servers_create")
@described(request=McpServerRequest, response=McpServerResponse)
async def create(raw: RawBody, services: ServicesDep) -> Json:
    """Add an MCP server. It is asked for its tools when an agent needs them, or somebody asks here."""
    checked(McpServerRequest, raw)
    now = time.time()
    row = DocumentRow(new_id("mcp"), KIND, raw["config"]["name"], {"config": raw["config"]}, now, now)
    await services.store.documents.put(row)
    await _reach(services, row)
    return Json(await _response(services, row))


@router.get("", operation_id="mcp_servers_list")
@described(response=McpServersResponse)
async def list_servers(services: ServicesDep) -> Json:
    """All MCP servers, newest first."""
    rows: list[DocumentRow] = []
    cursor: str | None = None
    while True:
        page = await services.store.documents.page(KIND, page_size=100, cursor=cursor)
        rows += page.items
        if (cursor := page.next_cursor) is None:
            break
    users = await agents_by(services.store, [row.document_id for row in rows])
    return Json({"mcp_servers": [_shown(row, users[row.document_id]) for row in rows]})


@router.get("/{mcp_server_id}", operation_id="mcp_servers_get")
@described(response=McpServerResponse)
async def get(mcp_server_id: str, services: ServicesDep) -> Json:
    """One MCP server, as it was pushed."""
    return Json(await _response(services, await _find(services, mcp_server_id)))


@router.patch("/{mcp_server_id}", operation_id="mcp_servers_update")
@described(request=McpServerSettings, response=McpServerResponse)
async def update(mcp_server_id: str, raw: RawBody, services: ServicesDep) -> Json:
    """Change how the tools of a server are called; what is not named stays as it is."""
    checked(McpServerSettings, raw)
    changes = {key: value for key, value in raw.items() if key in _SETTINGS}
    return await _changed(services, mcp_server_id, lambda config: {**config, **changes})


@router.delete("/{mcp_server_id}", operation_id="mcp_servers_delete")
async def delete(mcp_server_id: str, services: ServicesDep) -> Json:
    """Delete an MCP server; agents that name it run without its tools."""
    await _find(services, mcp_server_id)
    await services.store.documents.delete(KIND, mcp_server_id)
    await services.tools.mcp_listings.delete(mcp_server_id)
    return Json({})


@router.patch("/{mcp_server_id}/approval-policy", operation_id="mcp_servers_approval_policy_update")
@described(request=McpApprovalPolicyRequest, response=McpServerResponse)
async def set_policy(mcp_server_id: str, raw: RawBody, services: ServicesDep) -> Json:
    """Say which calls somebody has to agree to."""
    policy = checked(McpApprovalPolicyRequest, raw).approval_policy
    return await _changed(services, mcp_server_id, lambda config: {**config, "approval_policy": policy})


# -- approvals --------------------------------------------------------------------------------------------------------


@router.post("/{mcp_server_id}/tool-approvals", operation_id="mcp_servers_tool_approvals_create")
@described(request=McpToolApprovalRequest, response=McpServerResponse)
async def approve(mcp_server_id: str, raw: RawBody, services: ServicesDep) -> Json:
    """Decide about a tool as it is now; when its definition changes, it has to be decided about again."""
    from parola.conversation.mcp_tools import ListedTool

    asked = checked(McpToolApprovalRequest, raw)
    approved = ListedTool(asked.tool_name, asked.tool_description, asked.input_schema)
    entry = {"tool_name": approved.name, "tool_hash": approved.hash, "approval_policy": asked.approval_policy}
    definition = {"description": approved.description, "input_schema": dict(approved.input_schema)}

    def changed(document: JsonObject) -> JsonObject:
        config = document["config"]
        others = [one for one in config.get("tool_approval_hashes") or [] if one["tool_name"] != approved.name]
        definitions = {**document.get("approved_definitions", {}), approved.name: definition}
        config = {**config, "tool_approval_hashes": [*others, entry]}
        return {**document, "config": config, "approved_definitions": definitions}

    return Json(await _response(services, await _edited(services, mcp_server_id, changed)))


@router.delete("/{mcp_server_id}/tool-approvals/{tool_name:path}", operation_id="mcp_servers_tool_approvals_delete")
@described(response=McpServerResponse)
async def disapprove(mcp_server_id: str, tool_name: str, services: ServicesDep) -> Json:
    """Take back what was decided about a tool."""

    def changed(config: JsonObject) -> JsonObject:
        listed = config.get("tool_approval_hashes") or []
        return {**config, "tool_approval_hashes": [one for one in listed if one["tool_name"] != tool_name]}

    return await _changed(services, mcp_server_id, changed)


# -- settings of single tools -----------------------------------------------------------------------------------------


@router.post("/{mcp_server_id}/tool-configs", operation_id="mcp_servers_tool_configs_create")
@described(request=McpToolConfigOverride, response=McpServerResponse)
async def create_tool_config(
    mcp_server_id: str, raw: RawBody, services: ServicesDep, environment: Environment = DEFAULT
) -> Json:
    """Have one tool called otherwise than the rest of its server."""
    override = checked(McpToolConfigOverride, raw)

    def changed(config: JsonObject) -> JsonObject:
        listed = config.get("tool_config_overrides") or []
        if any(one["tool_name"] == override.tool_name for one in listed):
            raise Conflict(f'The tool "{override.tool_name}" has a config already. Change it with PATCH.')
        return {**config, "tool_config_overrides": [*listed, raw]}

    return await _changed(services, mcp_server_id, changed)


@router.get("/{mcp_server_id}/tool-configs/{tool_name:path}", operation_id="mcp_servers_tool_configs_get")
@described(response=McpToolConfigOverride)
async def get_tool_config(mcp_server_id: str, tool_name: str, services: ServicesDep) -> Json:
    """What is said of one tool."""
    row = await _find(services, mcp_server_id)
    return Json(_override(row.document["config"], tool_name))


@router.patch("/{mcp_server_id}/tool-configs/{tool_name:path}", operation_id="mcp_servers_tool_configs_update")
@described(request=McpToolConfigOverride, response=McpServerResponse)
async def update_tool_config(
    mcp_server_id: str, tool_name: str, raw: RawBody, services: ServicesDep, environment: Environment = DEFAULT
) -> Json:
    """Change what is said of one tool; what is not named stays as it is."""
    checked(McpToolConfigOverride, {**raw, "tool_name": tool_name})
    changes = {key: value for key, value in raw.items() if key in _OVERRIDES}

    def changed(config: JsonObject) -> JsonObject:
        fresh = {**_override(config, tool_name), **changes}
        listed = config["tool_config_overrides"]
        return {**config, "tool_config_overrides": [fresh if one["tool_name"] == tool_name else one for one in listed]}

    return await _changed(services, mcp_server_id, changed)


@router.delete("/{mcp_server_id}/tool-configs/{tool_name:path}", operation_id="mcp_servers_tool_configs_delete")
@described(response=McpServerResponse)
async def delete_tool_config(mcp_server_id: str, tool_name: str, services: ServicesDep) -> Json:
    """Have a tool called like the rest of its server again."""

    def changed(config: JsonObject) -> JsonObject:
        gone = _override(config, tool_name)
        return {**config, "tool_config_overrides": [one for one in config["tool_config_overrides"] if one is not gone]}

    return await _changed(services, mcp_server_id, changed)


# -- what it offers ---------------------------------------------------------------------------------------------------


@router.get("/{mcp_server_id}/tools", operation_id="mcp_servers_tools_list")
@described(response=McpToolsResponse)
async def list_tools(mcp_server_id: str, services: ServicesDep, environment: Environment = DEFAULT) -> Json:
    """Ask the server what it offers, and say of each tool whether it was approved as it is now. Of a server that cannot
    be reached: why, and what it offered when it last could be."""
    row = await _find(services, mcp_server_id)
    documents: Sequence[Mapping[str, Any]] = ()
    problem: str | None = None
    try:
        connection = await _connection(services, row, environment)
        await connection.recall()
        listing = await connection.listed(anew=True)
        documents = listing.documents
        if not listing.is_connected:
            problem = f"The server {listing.problem or 'is not connected.'}"
    except ParolaError as error:
        problem = f"The server {error.message}"
    statuses = [_status(document, row.document) for document in documents]
    return Json(
        {
            "success": problem is None,
            "tools": list(documents),
            "tool_approval_statuses": statuses,
            "error_message": problem,
        }
    )


async def _connection(services: Services, row: DocumentRow, environment: str) -> Connection:
    """To the server as it is without a conversation. Raises ``ParolaError``."""
    from parola.tools.mcp import target_of

    context = services.tools
    target = await target_of(row.document_id, row.document["config"], context.locators(environment), {}, context.auth)
    return context.mcp.connection(target)


def _status(tool: Mapping[str, Any], document: JsonObject) -> JsonObject:
    from parola.conversation.mcp_tools import ListedTool

    listed = ListedTool.of(tool)
    approvals = document["config"].get("tool_approval_hashes") or []
    approval = next((one for one in approvals if one["tool_name"] == listed.name), None)
    if approval is None:
        return {"tool_id": listed.name, "state": "not_approved", "approval_policy": "requires_approval"}
    status = {
        "tool_id": listed.name,
        "state": "up_to_date" if approval["tool_hash"] == listed.hash else "needs_review",
        "approval_policy": approval.get("approval_policy") or "requires_approval",
    }
    if definition := document.get("approved_definitions", {}).get(listed.name):
        status["approved_definition"] = definition
    return status


# -- documents --------------------------------------------------------------------------------------------------------


async def _find(services: Services, server_id: str) -> DocumentRow:
    row = await services.store.documents.get(KIND, server_id)
    if row is None:
        raise NotFound(f"Document with id {server_id} not found.")
    return row


def _override(config: JsonObject, tool_name: str) -> JsonObject:
    found: JsonObject | None = next(
        (one for one in config.get("tool_config_overrides") or [] if one["tool_name"] == tool_name), None
    )
    if found is None:
        raise NotFound(f'The tool "{tool_name}" has no config of its own.')
    return found


async def _changed(services: Services, server_id: str, change: Change) -> Json:
    """Change the config."""
    row = await _edited(services, server_id, lambda document: {**document, "config": change(document["config"])})
    return Json(await _response(services, row))


async def _edited(services: Services, server_id: str, change: Change) -> DocumentRow:
    """Change the document; what comes of it has to be a server that could be created."""
    async with services.editing:
        old = await _find(services, server_id)
        document = change(old.document)
        checked(McpServerConfig, document["config"])
        row = DocumentRow(server_id, KIND, document["config"]["name"], document, old.created_at, time.time())
        await services.store.documents.put(row)
    await _reach(services, row)
    return row


async def _reach(services: Services, row: DocumentRow) -> None:
    """Have its tools listed in the background, so that the first conversation need not wait for that."""
    try:
        connection = await _connection(services, row, DEFAULT)
    except ParolaError:
        return  # told to whoever asks for the tools, and in conversations
    connection.refresh()


async def _response(services: Services, row: DocumentRow) -> JsonObject:
    return _shown(row, [agent async for agent in agents_with(services.store, row.document_id)])


def _shown(row: DocumentRow, agents: Sequence[AgentRow]) -> JsonObject:
    """With the agents that use it."""
    return {
        "id": row.document_id,
        "config": row.document["config"],
        "access_info": OWNER,
        "dependent_agents": [dependent(agent) for agent in agents],
        "metadata": {"created_at": int(row.created_at), "owner_user_id": USER["user_id"]},
    }
