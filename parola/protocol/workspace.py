"""What belongs to the whole server: secrets, API keys, the user, voices, models."""

# ruff: noqa: RUF012 - pydantic copies mutable defaults

from __future__ import annotations

from typing import Literal

from pydantic import Field

from parola.protocol.documents import Answer, Asked, JsonObject


class SecretRequest(Asked):
    """Body of ``POST /v1/convai/secrets`` and ``PATCH``. A value is never given back."""

    name: str = Field(min_length=1)
    value: str
    type: str = "new"


class SecretCreated(Answer):
    type: Literal["stored"] = "stored"
    secret_id: str
    name: str


class SecretResponse(SecretCreated):
    used_by: JsonObject


class SecretsPage(Answer):
    secrets: list[SecretResponse]
    next_cursor: str | None = None


class ApiKeyRequest(Asked):
    """Body of ``POST /v1/x/api-keys``."""

    name: str = Field(default="API key", min_length=1, max_length=200)
    scopes: list[str] | None = Field(default=None, description="What it may do; null: everything its maker may.")
    permissions: list[str] | Literal["all"] | None = Field(
        default=None, description="The same, for clients that call it so."
    )
    expires_at_unix_secs: int | None = Field(default=None, description="When it ends; null: never.")
    expires_in_secs: int | None = Field(default=None, ge=1, description="The same, counted from now.")
    member_id: str | None = Field(default=None, description="Whose it is.")


class ApiKeyChange(Asked):
    """Body of ``PATCH /v1/x/api-keys/{key_id}``: what is left out stays as it is."""

    name: str | None = Field(default=None, min_length=1, max_length=200)
    scopes: list[str] | None = None
    expires_at_unix_secs: int | None = None
    member_id: str | None = None


class ApiKeyRotation(Asked):
    """Body of ``POST /v1/x/api-keys/{key_id}/rotate``."""

    grace_secs: int = Field(default=86400, ge=0, le=90 * 86400, description="How long the old key stays valid.")


class ApiKeyResponse(Answer):
    key_id: str
    name: str
    prefix: str
    created_at_unix_secs: int
    scopes: list[str] | None = Field(description="null: everything.")
    expires_at_unix_secs: int | None
    last_used_at_unix_secs: int | None = Field(description="To the minute.")
    member_id: str | None
    replaced_by: str | None = Field(description="The key that came in its place when it was rotated.")


class ApiKeyCreated(ApiKeyResponse):
    api_key: str = Field(description="The key itself, shown this once.")


class ApiKeysResponse(Answer):
    api_keys: list[ApiKeyResponse]


class MemberRequest(Asked):
    """Body of ``POST /v1/x/members``."""

    name: str = Field(min_length=1, max_length=200)
    email: str = Field(default="", max_length=320)
    role: Literal["admin", "editor", "viewer"] = "editor"


class MemberChange(Asked):
    """Body of ``PATCH /v1/x/members/{member_id}``: what is left out stays as it is."""

    name: str | None = Field(default=None, min_length=1, max_length=200)
    email: str | None = Field(default=None, max_length=320)
    role: Literal["admin", "editor", "viewer"] | None = None


class MemberResponse(Answer):
    member_id: str
    name: str
    email: str
    role: str
    created_at_unix_secs: int
    api_keys: list[str] = Field(description="The ids of the keys that are theirs.")


class MembersPage(Answer):
    members: list[MemberResponse]
    next_cursor: str | None
    has_more: bool


class AuditEntry(Answer):
    entry_id: str
    at_unix_secs: float
    action: str = Field(description="The operation's name in this description, or secret_used, monitor …")
    resource: str = Field(description="The id of what it was done to; empty when it has none.")
    key_id: str | None = Field(description="null: somebody without a key, or the server itself.")
    key_name: str | None
    member_id: str | None
    address: str | None = Field(description="From where: the client's IP address.")
    result: Literal["done", "refused", "failed"]
    details: JsonObject = Field(description="method, path, status, conversation_id … where known.")


class AuditLogPage(Answer):
    entries: list[AuditEntry]
    next_cursor: str | None
    has_more: bool


class UserResponse(Answer):
    user_id: str
    workspace_id: str
    subscription: JsonObject


class VoiceResponse(Answer):
    voice_id: str
    name: str
    category: str
    labels: dict[str, str] = {}
    description: str | None = None
    preview_url: str | None = Field(default=None, description="A WAV file; it needs the API key like any other call.")


class VoicesResponse(Answer):
    voices: list[VoiceResponse]


class VoicesPage(VoicesResponse):
    has_more: bool
    total_count: int
    next_page_token: str | None = None


class ModelResponse(Answer):
    model_id: str
    name: str
    can_do_text_to_speech: bool = True


class LlmListResponse(Answer):
    llms: list[JsonObject]
    default_deprecation_config: JsonObject


class LlmUsageRequest(Asked):
    """Body of ``POST /v1/convai/llm-usage/calculate``."""

    prompt_length: int = Field(ge=0, description="Characters of the prompt.")
    number_of_pages: int = Field(ge=0, description="Pages of its documents.")
    rag_enabled: bool = Field(description="The documents are searched, not read as a whole.")
    service_tier: str | None = None


class AgentLlmUsageRequest(Asked):
    """The same for an agent: what is not named is as the agent has it."""

    prompt_length: int | None = Field(default=None, ge=0)
    number_of_pages: int | None = Field(default=None, ge=0)
    rag_enabled: bool | None = None
    service_tier: str | None = None


class LlmUsagePrice(Answer):
    llm: str
    price_per_minute: float
    price_per_message: float


class LlmUsageCalculatorResponse(Answer):
    """USD, by the owner's price list; 0 for models that are not on it."""

    llm_prices: list[LlmUsagePrice]


class ServerResponse(Answer):
    """How the server was started."""

    version: str
    python: str
    host: str
    port: int
    public_url: str | None
    data: str | None = Field(description="The data folder; null: everything is in memory.")
    database: str | None = Field(description="SQLite or PostgreSQL; null: everything is in memory.")
    models: str = Field(description="The folder of the speech models.")
    auth: Literal["auto", "required", "off"]
    is_key_needed: bool
    egress: Literal["all", "none"]
    outbound_private: Literal["auto", "allow", "deny"]
    outbound_allow: list[str]
    cors_origins: list[str]
    record_audio: bool
    retention_days: int | None = Field(description="Of conversations whose agent sets no limit; null: for ever.")
    zero_retention: bool
    analysis: Literal["auto", "off"]
    tool_mocks: Literal["auto", "anyone", "keyed", "never"]
    audit_retention_days: int | None = Field(description="null: for ever.")


class HealthResponse(Answer):
    status: Literal["ok", "draining", "failed"]
    version: str
    live_conversations: int
    failed: dict[str, str] = {}
    """Parts of the server that could not be loaded, and the kind of error."""
