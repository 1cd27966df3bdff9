"""Environments and the variables that have other values in each (reference: rest.md §3.4)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from parola.protocol.documents import Answer, Asked, JsonObject

EnvironmentName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,100}$")]

VariableType = Literal["string", "secret", "auth_connection"]

REFERRED = {"secret": "secret_id", "auth_connection": "auth_connection_id"}
"""What a value of this type is an object with."""


class EnvironmentVariableRequest(Asked):
    """Body of ``POST /v1/convai/environment-variables``: a value for production, and for as many others as wanted."""

    label: Annotated[str, Field(pattern=r"^[A-Za-z0-9_]{1,200}$")]
    type: VariableType = "string"
    values: dict[EnvironmentName, str | JsonObject]

    @model_validator(mode="after")
    def _has_values_of_its_type(self) -> EnvironmentVariableRequest:
        if "production" not in self.values:
            raise PydanticCustomError("missing", 'values: expected one for "production", as the others fall back to it')
        for environment, value in self.values.items():
            check_value(self.type, environment, value)
        return self


def check_value(kind: str, environment: str, value: Any) -> None:
    """Raises ``PydanticCustomError`` when a value is not of its variable's type."""
    key = REFERRED.get(kind)
    fits = isinstance(value, str) if key is None else isinstance(value, dict) and isinstance(value.get(key), str)
    if not fits:
        expected = "a text" if key is None else f"an object with {key}"
        raise PydanticCustomError(
            "wrong_value",
            "values.{environment}: a variable of type {kind} expects {expected}",
            {
                "environment": environment,
                "kind": kind,
                "expected": expected,
            },
        )


class EnvironmentVariableUpdate(Asked):
    """Body of ``PATCH``: values that change; null takes one away."""

    values: dict[EnvironmentName, str | JsonObject | None]


class EnvironmentVariableResponse(Answer):
    id: str
    label: str
    type: VariableType
    values: JsonObject
    created_at_unix_secs: int
    updated_at_unix_secs: int
    created_by_user_id: str | None = None
    workspace_id: str


class EnvironmentVariablesPage(Answer):
    environment_variables: list[EnvironmentVariableResponse]
    next_cursor: str | None = None
    has_more: bool


class EnvironmentRequest(Asked):
    """Body of ``POST /v1/convai/environments``."""

    name: EnvironmentName


class EnvironmentResponse(Answer):
    name: str
    updated_at_unix_secs: int | None = None
    created_by_user_id: str | None = None


class EnvironmentsResponse(Answer):
    environments: list[EnvironmentResponse]
