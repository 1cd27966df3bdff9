"""Auth connections as they travel: how a tool proves to somebody else's service who it is.

Tools name one in ``api_schema.auth_connection``: ``{"auth_connection_id": "…"}``.
"""

# ruff: noqa: RUF012 - pydantic copies mutable defaults

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, RootModel

from parola.protocol.documents import Answer, Asked, Between, JsonObject

KIND = "auth_connection"
"""Of the store's documents."""


class AuthConnectionBase(Asked):
    name: str = Field(min_length=1, max_length=200)
    provider: str = ""


class OAuth2ClientCredentials(AuthConnectionBase):
    """A token, asked for with the client's id and secret (RFC 6749 §4.4) and kept until it expires."""

    auth_type: Literal["oauth2_client_credentials"]
    client_id: str
    client_secret: str
    token_url: str
    scopes: list[str] = []
    extra_params: dict[str, str] = {}
    basic_auth_in_header: bool = Field(
        default=False, description="Send id and secret as basic authentication instead of in the form."
    )


class OAuth2Jwt(AuthConnectionBase):
    """A signed JWT, exchanged for a token at ``token_url`` (RFC 7523), or sent itself where there is none."""

    auth_type: Literal["oauth2_jwt"]
    algorithm: Literal["HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "ES256", "ES384", "ES512"] = "HS256"
    secret_key: str = Field(description="The shared key; for RS and ES algorithms a private key in PEM.")
    key_id: str | None = None
    issuer: str = ""
    audience: str = ""
    subject: str = ""
    expiration_seconds: Annotated[int, Between(30, 86_400)] = 3600
    extra_params: JsonObject = Field(default={}, description="Further claims.")
    token_url: str = ""
    scopes: list[str] = []
    token_response_field: str = "access_token"


class BasicAuth(AuthConnectionBase):
    auth_type: Literal["basic_auth"]
    username: str
    password: str


class BearerAuth(AuthConnectionBase):
    auth_type: Literal["bearer_auth"]
    token: str = Field(min_length=1)


class CustomHeaderAuth(AuthConnectionBase):
    auth_type: Literal["custom_header_auth"]
    header_name: str = Field(pattern=r"^[A-Za-z0-9\-_]+$")
    token: str = Field(min_length=1)


class AuthConnectionRequest(
    RootModel[
        Annotated[
            OAuth2ClientCredentials | OAuth2Jwt | BasicAuth | BearerAuth | CustomHeaderAuth,
            Field(discriminator="auth_type"),
        ]
    ]
):
    """Body of ``POST /v1/x/auth-connections``."""


SECRET_FIELDS = frozenset({"client_secret", "secret_key", "password", "token"})
"""Kept sealed, never given back."""


class AuthConnectionResponse(Answer):
    """A connection without its secrets."""

    auth_connection_id: str
    name: str
    auth_type: str
    provider: str = ""
    created_at_unix_secs: int
    updated_at_unix_secs: int


class AuthConnectionsPage(Answer):
    auth_connections: list[AuthConnectionResponse]
    next_cursor: str | None = None
    has_more: bool
