"""Versions of agents, and the one branch they lie on (reference: rest.md §3.9)."""

# ruff: noqa: RUF012 - pydantic copies mutable defaults

from __future__ import annotations

from pydantic import Field

from parola.protocol.documents import Answer, Asked, JsonObject


class AgentVersionParents(Answer):
    in_branch_parent_id: str | None = None
    out_of_branch_parent_id: str | None = None
    merged_into_branch_id: str | None = None
    merged_from_branch_id: str | None = None
    merged_from_version_id: str | None = None
    rebased_from_version_id: str | None = None


class AgentVersionMetadata(Answer):
    """A version without its content, which ``GET /v1/convai/agents/{agent_id}?version_id=…`` has."""

    id: str
    agent_id: str
    branch_id: str
    version_description: str
    seq_no_in_branch: int = Field(description="From 1, one more with each version.")
    time_committed_secs: int
    parents: AgentVersionParents
    access_info: JsonObject


class AgentVersionListed(AgentVersionMetadata):
    name: str = Field(description="The agent's name in that version.")
    is_current: bool = Field(description="It is what the agent is now.")


class AgentVersionsPage(Answer):
    versions: list[AgentVersionListed] = Field(description="Newest first.")
    next_cursor: str | None = None
    has_more: bool


class RestoreVersionRequest(Asked):
    """Body of ``POST /v1/x/agents/{agent_id}/versions/{version_id}/restore``; it may be left out."""

    version_description: str | None = None


class AgentBranchSummary(Answer):
    id: str
    name: str
    agent_id: str
    description: str
    created_at: int
    last_committed_at: int
    is_archived: bool
    protection_status: str = "writer_perms_required"
    access_info: JsonObject
    current_live_percentage: float
    parent_branch_id: str | None = None
    draft_exists: bool = False
    calls_7d: int = 0


class AgentBranchesResponse(Answer):
    meta: JsonObject
    results: list[AgentBranchSummary]


class AgentBranchResponse(Answer):
    id: str
    name: str
    agent_id: str
    description: str
    created_at: int
    last_committed_at: int
    is_archived: bool
    protection_status: str = "writer_perms_required"
    access_info: JsonObject
    current_live_percentage: float
    parent_branch: JsonObject | None = None
    most_recent_versions: list[AgentVersionMetadata]


class DeploymentsResponse(Answer):
    meta: JsonObject
    results: list[JsonObject] = []
