"""What belongs to the whole server: secrets, API keys, the user, voices, models."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from parola.protocol.documents import JsonObject


class SecretRequest(BaseModel):
    """Body of ``POST /v1/convai/secrets`` and ``PATCH``. A value is never given back."""

    model_config = ConfigDict(extra="allow")

    name: str = Field(min_length=1)
    value: str
    type: str = "new"


class SecretCreated(BaseModel):
    type: Literal["stored"] = "stored"
    secret_id: str
    name: str


class SecretResponse(SecretCreated):
    used_by: JsonObject


class SecretsPage(BaseModel):
    secrets: list[SecretResponse]
    next_cursor: str | None = None


class ApiKeyRequest(BaseModel):
    model_config = ConfigDict(extra="allow")

    name: str = Field(default="API key", min_length=1, max_length=200)


class ApiKeyResponse(BaseModel):
    key_id: str
    name: str
    prefix: str
    created_at_unix_secs: int


class ApiKeyCreated(ApiKeyResponse):
    api_key: str = Field(description="The key itself, shown this once.")


class ApiKeysResponse(BaseModel):
    api_keys: list[ApiKeyResponse]


class Loose(BaseModel):
    """A response with more fields than are described."""

    model_config = ConfigDict(extra="allow")


class UserResponse(Loose):
    user_id: str
    workspace_id: str
    subscription: JsonObject


class VoiceResponse(Loose):
    voice_id: str
    name: str
    category: str
    labels: dict[str, str] = {}
    description: str | None = None


class VoicesResponse(BaseModel):
    voices: list[VoiceResponse]


class VoicesPage(VoicesResponse):
    has_more: bool
    total_count: int
    next_page_token: str | None = None


class ModelResponse(Loose):
    model_id: str
    name: str
    can_do_text_to_speech: bool = True


class LlmListResponse(BaseModel):
    llms: list[JsonObject]
    default_deprecation_config: JsonObject


class HealthResponse(BaseModel):
    status: str
    version: str
    live_conversations: int
