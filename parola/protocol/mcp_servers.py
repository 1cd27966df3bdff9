"""MCP servers as they travel: whose tools agents call, and who has to agree to that (reference: rest.md §3.8)."""

# ruff: noqa: RUF012 - pydantic copies mutable defaults

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from parola.protocol.documents import Answer, Asked, Between, JsonObject, Reading, ValueOrLocator
from parola.protocol.tools import DependentAgent, DynamicVariableAssignment

KIND = "mcp_server"
"""Of their documents in the store."""

ApprovalPolicy = Literal["auto_approve_all", "require_approval_all", "require_approval_per_tool"]
ToolApprovalPolicy = Literal["auto_approved", "requires_approval"]
PreToolSpeech = Literal["auto", "force", "off"]
SoundBehavior = Literal["auto", "always"]
InterruptionMode = Literal["allow", "disable_during_tool", "disable_during_tool_and_turn"]
ExecutionMode = Literal["immediate", "post_tool_speech", "async"]
Seconds = Annotated[int, Between(5, 300)]


class McpToolApprovalHash(Reading):
    """What was decided about a tool, and about which definition of it."""

    tool_name: str
    tool_hash: str
    approval_policy: ToolApprovalPolicy = "requires_approval"


class McpToolConfigOverride(Reading):
    """Where one tool differs from what its server's config says of all."""

    tool_name: str
    force_pre_tool_speech: bool | None = None
    pre_tool_speech: PreToolSpeech | None = None
    disable_interruptions: bool | None = None
    interruption_mode: InterruptionMode | None = None
    tool_call_sound: str | None = None
    tool_call_sound_behavior: SoundBehavior | None = None
    execution_mode: ExecutionMode | None = None
    response_timeout_secs: Seconds | None = None
    assignments: list[DynamicVariableAssignment] = []
    input_overrides: dict[str, JsonObject | None] | None = None
    response_mocks: list[JsonObject] | None = None


class McpServerSettings(Reading):
    """What may be said of a server again and again; every field is optional."""

    approval_policy: ApprovalPolicy = "require_approval_all"
    force_pre_tool_speech: bool = False
    pre_tool_speech: PreToolSpeech = "auto"
    disable_interruptions: bool = False
    interruption_mode: InterruptionMode = "allow"
    tool_call_sound: str | None = None
    tool_call_sound_behavior: SoundBehavior = "auto"
    execution_mode: ExecutionMode = "immediate"
    response_timeout_secs: Seconds = 30
    request_headers: dict[str, ValueOrLocator] = {}
    request_meta: dict[str, ValueOrLocator | int | float | bool] = {}
    secret_token: JsonObject | None = None
    auth_connection: JsonObject | None = None
    disable_compression: bool = False

    @field_validator("secret_token", mode="before")
    @classmethod
    def _is_kept_as_secret(cls, value: object) -> object:
        if isinstance(value, str):
            raise PydanticCustomError(
                "secret_in_the_open", 'Expected {"secret_id": …} of a secret of this server, got the secret itself'
            )
        return value


class McpServerConfig(McpServerSettings):
    """A server and how its tools are called."""

    url: ValueOrLocator
    name: str = Field(min_length=1)
    description: str = ""
    transport: Literal["SSE", "STREAMABLE_HTTP"] = "SSE"
    tool_approval_hashes: list[McpToolApprovalHash] = []
    tool_config_overrides: list[McpToolConfigOverride] = []

    @field_validator("url")
    @classmethod
    def _leads_somewhere(cls, url: ValueOrLocator) -> ValueOrLocator:
        if isinstance(url, str) and not url.strip().lower().startswith(("http://", "https://", "{{")):
            raise PydanticCustomError("not_http", "Expected an address that begins with http:// or https://")
        return url


class McpServerRequest(Asked):
    """Body of ``POST /v1/convai/mcp-servers``."""

    config: McpServerConfig


class McpApprovalPolicyRequest(Asked):
    approval_policy: ApprovalPolicy


class McpToolApprovalRequest(Asked):
    """Body of ``POST …/tool-approvals``: the definition that is approved, as the server lists it."""

    tool_name: str = Field(min_length=1)
    tool_description: str
    input_schema: JsonObject = {}
    approval_policy: ToolApprovalPolicy = "requires_approval"


class McpServerMetadata(Answer):
    created_at: int
    owner_user_id: str | None = None


class McpServerResponse(Answer):
    id: str
    config: McpServerConfig
    access_info: JsonObject | None = None
    dependent_agents: list[DependentAgent] = []
    metadata: McpServerMetadata


class McpServersResponse(Answer):
    mcp_servers: list[McpServerResponse]


class ListedMcpTool(Answer):
    """A tool as its server describes it."""

    name: str
    title: str | None = None
    description: str | None = None
    inputSchema: JsonObject


class McpApprovedDefinition(Answer):
    description: str = ""
    input_schema: JsonObject = {}


class McpToolApprovalStatus(Answer):
    tool_id: str
    state: Literal["up_to_date", "needs_review", "not_approved"]
    approval_policy: ToolApprovalPolicy = "requires_approval"
    approved_definition: McpApprovedDefinition | None = None


class McpToolsResponse(Answer):
    """What the server offers now; when it cannot be asked, ``error_message`` says why."""

    success: bool
    tools: list[ListedMcpTool]
    tool_approval_statuses: list[McpToolApprovalStatus] = []
    error_message: str | None = None
