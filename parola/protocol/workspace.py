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
    name: str = Field(default="API key", min_length=1, max_length=200)


class ApiKeyResponse(Answer):
    key_id: str
    name: str
    prefix: str
    created_at_unix_secs: int


class ApiKeyCreated(ApiKeyResponse):
    api_key: str = Field(description="The key itself, shown this once.")


class ApiKeysResponse(Answer):
    api_keys: list[ApiKeyResponse]


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


class HealthResponse(Answer):
    status: str
    version: str
    live_conversations: int
