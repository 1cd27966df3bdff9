"""Values that stand somewhere else: a secret, a dynamic variable, an environment variable (reference:
rest-schemas.md §0, Value-or-secret locators)."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

import orjson

from parola.errors import OwnError
from parola.outbound import environment
from parola.store.base import Store

_VARIABLE = re.compile(r"\{\{\s*([A-Za-z0-9_.\-]+)\s*\}\}")


class Seal(Protocol):
    """Seals what must not lie in the database in clear, and opens it."""

    def seal(self, value: str) -> bytes: ...

    def open(self, sealed: bytes) -> str: ...


class ValueNotFound(OwnError):
    """A locator leads nowhere; the message names it."""


class Locators:
    """Looks values up for one workspace. Raises ``ValueNotFound``."""

    def __init__(
        self,
        store: Store,
        seal: Seal,
        environment: str = environment.DEFAULT,
        secret_used: Callable[[str], Awaitable[None]] | None = None,
    ) -> None:
        """``secret_used`` is told the id of each secret that is looked up."""
        self._store = store
        self._secret_used = secret_used
        self._seal = seal
        self.environment = environment
        """Whose values environment variables have."""

    async def value(self, located: Any, variables: Mapping[str, Any]) -> str:
        """What a literal, in which ``{{name}}`` may stand, or a locator means. ``variables`` includes secret ones, so
        the result is for headers and bodies, not for a model."""
        match located:
            case None:
                return ""
            case str():
                return self.filled(located, variables)
            case {"secret_id": str(secret_id)} if secret_id:
                return await self.secret(secret_id)
            case {"variable_name": str(name)}:
                return as_text(variables.get(name))
            case {"env_var_label": str(label)} if label:
                return await self.environment_variable(label, variables)
            case Mapping():
                raise ValueNotFound(
                    f"Expected a text, a secret_id, a variable_name or an env_var_label, got {sorted(located)}."
                )
            case _:
                return as_text(located)

    async def secret(self, secret_id: str) -> str:
        row = await self._store.secrets.get(secret_id)
        if row is None:
            raise ValueNotFound(f"The secret {secret_id} does not exist.")
        if self._secret_used is not None:
            await self._secret_used(secret_id)
        return self._seal.open(row.sealed)

    async def environment_variable(self, label: str, variables: Mapping[str, Any]) -> str:
        """What a label means in this environment: its text, or the secret that it names."""
        match await self._environment_value(label):
            case str(text):
                return self.filled(text, variables)
            case {"secret_id": str(secret_id)}:
                return await self.secret(secret_id)
            case _:
                raise ValueNotFound(
                    f"The environment variable {label} is an auth connection; expected one of type string or secret."
                )

    async def connection_id(self, located: Any) -> str:
        """The auth connection that ``{auth_connection_id}`` or ``{env_var_label}`` means."""
        match located:
            case {"auth_connection_id": str(connection_id)} if connection_id:
                return connection_id
            case {"env_var_label": str(label)} if label:
                match await self._environment_value(label):
                    case {"auth_connection_id": str(connection_id)}:
                        return connection_id
                raise ValueNotFound(f"The environment variable {label} is not of type auth_connection.")
        raise ValueNotFound(f"Expected an auth_connection_id or an env_var_label, got {located!r}.")

    async def _environment_value(self, label: str) -> Any:
        row = await environment.variable(self._store, label)
        if row is None:
            raise ValueNotFound(f"The environment variable {label} does not exist.")
        return environment.value_in(row.document, self.environment)

    @staticmethod
    def filled(text: str, variables: Mapping[str, Any]) -> str:
        """``{{name}}`` replaced by values; unknown names stay as written."""

        def value(match: re.Match[str]) -> str:
            return as_text(variables[match[1]]) if match[1] in variables else match[0]

        return _VARIABLE.sub(value, text)


def as_text(value: Any) -> str:
    """A value as it reads in a header or a URL."""
    match value:
        case bool():
            return "true" if value else "false"
        case None:
            return ""
        case Mapping() | list():
            return orjson.dumps(value, default=str).decode()
        case _:
            return str(value)
