"""Versions of agents: every change of an agent is one, on its main branch, which is its only one.

``/v1/convai/agents/{agent_id}/branches`` and ``…/versions`` as on the hosted platform; ``/v1/x/agents/…/versions``
lists them all, and brings an old one back.
"""

from __future__ import annotations

import time
from dataclasses import replace

from fastapi import APIRouter

from parola.api.agents import (
    OWNER,
    check_branch,
    find_agent,
    find_version,
    keep,
    response,
    version_not_found,
    week_ago,
)
from parola.api.described import described
from parola.api.errors import checked
from parola.api.paging import PageDep, page_body
from parola.api.responses import Json, OptionalBody
from parola.api.services import ServicesDep, needs_key
from parola.errors import InvalidRequest
from parola.protocol.agent_versions import (
    AgentBranchesResponse,
    AgentBranchResponse,
    AgentVersionMetadata,
    AgentVersionParents,
    AgentVersionsPage,
    DeploymentsResponse,
    RestoreVersionRequest,
)
from parola.protocol.agents import AgentDocument, AgentResponse
from parola.protocol.documents import JsonObject
from parola.store.base import AgentRow
from parola.store.versions import AgentVersionRow, main_branch

router = APIRouter(prefix="/v1/convai/agents/{agent_id}", tags=["agent versions"], dependencies=[needs_key])

versions_router = APIRouter(
    prefix="/v1/x/agents/{agent_id}/versions", tags=["agent versions"], dependencies=[needs_key]
)

MOST_RECENT = 20
"""So many versions are told with a branch."""


@router.get("/branches", operation_id="agents_branches_list")
@described(response=AgentBranchesResponse)
async def list_branches(agent_id: str, services: ServicesDep) -> Json:
    """The branches of an agent: its main branch."""
    agent = await find_agent(services, agent_id)
    calls = await services.store.agents.calls([agent_id], week_ago())
    branch = _branch(agent) | {
        "parent_branch_id": None,
        "draft_exists": False,
        "calls_7d": calls[agent_id].lately if agent_id in calls else 0,
    }
    return Json({"meta": {"total": 1, "page": 1, "page_size": 1}, "results": [branch]})


@router.get("/branches/{branch_id}", operation_id="agents_branches_get")
@described(response=AgentBranchResponse)
async def get_branch(agent_id: str, branch_id: str, services: ServicesDep) -> Json:
    """One branch, with its newest versions."""
    agent = await find_agent(services, agent_id)
    check_branch(agent_id, branch_id)
    newest = await services.store.agents.versions(agent_id, page_size=MOST_RECENT)
    versions = [_metadata(version) for version in newest.items]
    return Json(_branch(agent) | {"parent_branch": None, "most_recent_versions": versions})


@router.get("/versions/{version_id}", operation_id="agents_versions_get")
@described(response=AgentVersionMetadata)
async def get_version(agent_id: str, version_id: str, services: ServicesDep) -> Json:
    """What is known of a version; its content is the agent's, with ``version_id`` in the query."""
    await find_agent(services, agent_id)
    version = await services.store.agents.version(agent_id, version_id)
    if version is None:
        raise version_not_found(agent_id, version_id)
    return Json(_metadata(version))


@router.get("/deployments", operation_id="agents_deployments_list")
@described(response=DeploymentsResponse)
async def list_deployments(agent_id: str, services: ServicesDep) -> Json:
    """None: all conversations go to the main branch, and nobody had to deploy it."""
    await find_agent(services, agent_id)
    return Json({"meta": {"total": 0, "page": 1, "page_size": 0}, "results": []})


async def only_one_branch(agent_id: str, services: ServicesDep) -> Json:
    """Refused: agents have one branch."""
    await find_agent(services, agent_id)
    raise InvalidRequest(
        f"An agent of this server has one branch, its main branch {main_branch(agent_id)}; none is made, changed, "
        "merged or deployed. Each PATCH of the agent commits a version to it; to try something out, duplicate the "
        "agent.",
        code="only_one_branch",
    )


for _method, _path, _operation in (
    ("POST", "/branches", "agents_branches_create"),
    ("PATCH", "/branches/{branch_id}", "agents_branches_update"),
    ("POST", "/branches/{branch_id}/rebase", "agents_branches_rebase"),
    ("GET", "/branches/{branch_id}/rebase-preview", "agents_branches_preview_rebase"),
    ("POST", "/branches/{branch_id}/merge", "agents_branches_merge"),
    ("GET", "/branches/{branch_id}/merge-preview", "agents_branches_preview_merge"),
    ("POST", "/deployments", "agents_deployments_create"),
):
    router.add_api_route(_path, only_one_branch, methods=[_method], operation_id=_operation)


@versions_router.get("", operation_id="x_agents_versions_list")
@described(response=AgentVersionsPage)
async def list_versions(agent_id: str, services: ServicesDep, page: PageDep) -> Json:
    """The versions of an agent, newest first."""
    agent = await find_agent(services, agent_id)
    found = await services.store.agents.versions(agent_id, page_size=page.size, cursor=page.cursor)
    listed = [
        _metadata(version) | {"name": version.name, "is_current": version.version_id == agent.version_id}
        for version in found.items
    ]
    return Json(page_body("versions", listed, found))


@versions_router.post("/{version_id}/restore", operation_id="x_agents_versions_restore")
@described(request=RestoreVersionRequest, response=AgentResponse, optional=True)
async def restore(agent_id: str, version_id: str, raw: OptionalBody, services: ServicesDep) -> Json:
    """Make the agent what it was in that version, name included: as a new version, which has the old content."""
    body = checked(RestoreVersionRequest, raw)
    async with services.editing:
        agent = await find_agent(services, agent_id)
        old = await find_version(services, agent_id, version_id)
        about = await services.store.agents.version(agent_id, version_id)
        if about is None:
            raise version_not_found(agent_id, version_id)
        checked(AgentDocument, old.document)
        description = body.version_description
        if description is None:
            description = f"Version {about.number} again"
        agent = await keep(services, replace(old, updated_at=max(time.time(), agent.updated_at)), description)
    return Json(response(agent))


def _branch(agent: AgentRow) -> JsonObject:
    """What a branch and a branch in a list have in common."""
    return {
        "id": main_branch(agent.agent_id),
        "name": "Main",
        "agent_id": agent.agent_id,
        "description": "",
        "created_at": int(agent.created_at),
        "last_committed_at": int(agent.updated_at),
        "is_archived": False,
        "protection_status": "writer_perms_required",
        "access_info": OWNER,
        "current_live_percentage": 100,
    }


def _metadata(version: AgentVersionRow) -> JsonObject:
    parents: JsonObject = dict.fromkeys(AgentVersionParents.model_fields)
    return {
        "id": version.version_id,
        "agent_id": version.agent_id,
        "branch_id": main_branch(version.agent_id),
        "version_description": version.description,
        "seq_no_in_branch": version.number,
        "time_committed_secs": int(version.committed_at),
        "parents": parents | {"in_branch_parent_id": version.parent_id},
        "access_info": OWNER,
    }
