"""Tools as they travel: what an agent may call, whoever runs it (reference: rest-schemas.md §1, rest.md §3.2)."""

# ruff: noqa: RUF012 - pydantic copies mutable defaults

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, field_validator
from pydantic_core import PydanticCustomError

from parola.protocol.documents import Answer, Between, CheckedAs, JsonObject, Reading, ValueOrLocator

ToolName = Annotated[str, Field(pattern=r"^[a-zA-Z0-9_-]{1,64}$")]

RESERVED_PARAMETER = "tool_call_id"
"""The Python SDK merges the parameters over this key and would answer with the wrong id."""


class ObjectSchema(Reading):
    """A tool's parameters: JSON Schema, plus where a value comes from when the model does not give it."""

    type: Literal["object"] = "object"
    description: str = ""
    required: list[str] = []
    properties: dict[str, JsonObject] = {}


class QueryParamsJsonSchema(Reading):
    properties: dict[str, JsonObject] = {}
    required: list[str] = []


class DynamicVariableAssignment(Reading):
    """Copies one value of a tool's answer into a dynamic variable."""

    source: str = "response"
    dynamic_variable: str
    value_path: str
    sanitize: bool = False
    preserve_native_type: bool = False


class DynamicVariablesConfig(Reading):
    dynamic_variable_placeholders: JsonObject = {}


class ToolBase(Reading):
    """What every tool has."""

    name: ToolName
    description: str = ""
    disable_interruptions: bool = False
    interruption_mode: str = "allow"
    force_pre_tool_speech: bool = False
    pre_tool_speech: str = "auto"
    assignments: list[DynamicVariableAssignment] = []
    tool_call_sound: str | None = None
    tool_call_sound_behavior: str = "auto"
    tool_error_handling_mode: str = "auto"
    dynamic_variables: DynamicVariablesConfig = Field(default_factory=DynamicVariablesConfig)
    execution_mode: str = "immediate"


class ClientTool(ToolBase):
    """Run by the client, over the conversation's own socket."""

    type: Literal["client"] = "client"
    response_timeout_secs: Annotated[int, Between(1, 120)] = 20
    expects_response: bool = False
    parameters: ObjectSchema | None = None

    @field_validator("parameters")
    @classmethod
    def _no_reserved_parameter(cls, parameters: ObjectSchema | None) -> ObjectSchema | None:
        if parameters is not None and RESERVED_PARAMETER in parameters.properties:
            raise PydanticCustomError(
                "reserved_parameter",
                'A parameter cannot be called "tool_call_id": the Python SDK would answer with the wrong id. '
                "Choose another name",
            )
        return parameters


class WebhookToolApiSchemaConfig(Reading):
    """The HTTP request a webhook tool makes."""

    url: str
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "GET"
    request_headers: dict[str, ValueOrLocator] = {}
    path_params_schema: dict[str, JsonObject] = {}
    query_params_schema: QueryParamsJsonSchema | None = None
    request_body_schema: ObjectSchema | None = None
    response_body_schema: ObjectSchema | None = None
    response_filter: JsonObject | None = None
    content_type: str = "application/json"
    auth_resolved_params: list[str] = []
    auth_connection: JsonObject | None = None


class WebhookTool(ToolBase):
    """Run by the server: one HTTP request."""

    type: Literal["webhook"] = "webhook"
    response_timeout_secs: Annotated[int, Between(5, 300)] = 20
    api_schema: WebhookToolApiSchemaConfig
    follow_redirects: bool | None = None
    follow_redirects_allowed_domains: list[str] = []


class SystemToolConfig(ToolBase):
    """Run by the conversation itself: ``end_call``, ``skip_turn`` … Under ``built_in_tools`` the key names it."""

    type: Literal["system"] = "system"
    name: ToolName | None = None  # type: ignore[assignment]
    response_timeout_secs: int = 20
    params: JsonObject = {}


class TransferToHumanParams(Reading):
    """``params`` of ``x_transfer_to_human``: how a person is waited for."""

    wait_timeout_secs: Annotated[float, Between(5, 3600)] = 120
    """Then the agent is told that nobody came."""
    waiting_message: str = ""
    """What the user is told when the agent gives no words of its own, and again while they wait."""
    waiting_message_interval_secs: Annotated[float, Between(5, 600)] = 30
    agent_while_waiting: Literal["answers", "silent"] = "answers"
    """``silent``: the model is not asked for anything until somebody has come, or the time is up."""


class TransferToHumanTool(SystemToolConfig):
    """``x_transfer_to_human`` under ``built_in_tools``."""

    params: Annotated[JsonObject, CheckedAs(TransferToHumanParams)] = {}


class SystemTool(SystemToolConfig):
    """A system tool in a list of tools, where it has to say its name."""

    name: ToolName


class McpTool(Reading):
    """A tool of an MCP server."""

    type: Literal["mcp"] = "mcp"
    value: Any = None


KINDS = ("client", "webhook", "system", "mcp")


class UnknownTool(Reading):
    """A kind of tool this version does not know: kept, not run."""

    type: str = Field(json_schema_extra={"not": {"enum": list(KINDS)}})


def _kind(tool: Any) -> str:
    kind = tool.get("type") if isinstance(tool, dict) else getattr(tool, "type", None)
    if kind is None:
        return "webhook" if isinstance(tool, dict) and "api_schema" in tool else "client"
    return kind if kind in KINDS else "unknown"


Tool = Annotated[
    Annotated[ClientTool, Tag("client")]
    | Annotated[WebhookTool, Tag("webhook")]
    | Annotated[SystemTool, Tag("system")]
    | Annotated[McpTool, Tag("mcp")]
    | Annotated[UnknownTool, Tag("unknown")],
    Discriminator(_kind),
]
"""A tool by its ``type``."""


class BuiltInTools(Reading):
    """The system tools an agent has: null is off, an object is on."""

    end_call: SystemToolConfig | None = None
    language_detection: SystemToolConfig | None = None
    transfer_to_agent: SystemToolConfig | None = None
    transfer_to_number: SystemToolConfig | None = None
    skip_turn: SystemToolConfig | None = None
    play_keypad_touch_tone: SystemToolConfig | None = None
    voicemail_detection: SystemToolConfig | None = None
    x_transfer_to_human: TransferToHumanTool | None = None


# -- requests and responses ---------------------------------------------------------------------------------------


class ToolRequest(Reading):
    """Body of ``POST /v1/convai/tools`` and of ``PATCH``."""

    tool_config: Tool
    response_mocks: list[JsonObject] | None = None


class ToolUsageStats(Answer):
    total_calls: int = 0
    avg_latency_secs: float = 0


class ToolResponse(Answer):
    id: str
    tool_config: Tool
    access_info: JsonObject
    usage_stats: ToolUsageStats
    response_mocks: list[JsonObject] | None = None


class ToolListed(ToolResponse):
    x_dependent_agents: list[JsonObject] = Field(description="The agents that name it.")


class ToolsPage(Answer):
    tools: list[ToolListed]
    next_cursor: str | None = None
    has_more: bool


class DependentAgent(Answer):
    type: Literal["available"] = "available"
    id: str
    name: str
    created_at_unix_secs: int
    access_level: str = "admin"
    referenced_resource_ids: list[str] = []


class DependentAgentsPage(Answer):
    agents: list[DependentAgent]
    branches: list[JsonObject] = []
    next_cursor: str | None = None
    has_more: bool
