"""What a request needs to be let in: scopes, the rule of each route, and the rules nobody has to write.

Every route and socket has a rule, said beside it:

- ``dependencies=[needs_key]``: the scope that ``SCOPE_OF`` names for the route's path and method;
- ``dependencies=[needs("inject")]``: that scope, whatever the path; it wins over a ``needs_key`` of the router;
- ``dependencies=[open_to_all("…")]``: no key, and why none is needed.

A socket that is an ASGI application says ``needs = "monitor"`` (a scope, or None for open) in its class, and asks
``ApiKeyCheck.admit`` itself, because it must accept before it can refuse. A route without a rule, or with a path that
``SCOPE_OF`` does not know, needs ``admin``; ``tests/api/test_scopes.py`` finds it and fails.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Depends
from fastapi.routing import APIRoute
from fastapi.security import APIKeyHeader
from starlette.requests import HTTPConnection

from parola.api.query_parameters import refuse_unknown
from parola.api.scopes import ADMIN, ANY, SCOPES

if TYPE_CHECKING:
    from starlette.routing import BaseRoute

SCOPE_OF: tuple[tuple[str, str, str], ...] = (
    ("/v1/convai/agents", "agents:read", "agents:write"),
    ("/v1/convai/agent/", "agents:read", "agents:write"),
    ("/v1/convai/tools", "agents:read", "agents:write"),
    ("/v1/convai/mcp-servers", "agents:read", "agents:write"),
    ("/v1/convai/knowledge-base", "agents:read", "agents:write"),
    ("/v1/convai/environment", "agents:read", "agents:write"),
    ("/v1/convai/llm", "agents:read", "agents:read"),
    ("/v1/convai/conversation/", "conversations:start", "conversations:start"),
    ("/v1/convai/conversations", "conversations:read", "conversations:write"),
    ("/v1/convai/analytics", "conversations:read", "conversations:read"),
    ("/v1/convai/secrets", "secrets", "secrets"),
    ("/v1/convai/settings", "webhooks:read", "webhooks"),
    ("/v1/workspace/webhooks", "webhooks:read", "webhooks"),
    ("/v1/pronunciation-dictionaries", "agents:read", "agents:write"),
    ("/v1/voices", "agents:read", "agents:write"),
    ("/v2/voices", "agents:read", "agents:write"),
    ("/v1/models", "agents:read", "agents:read"),
    ("/v1/user", ANY, ADMIN),
    ("/v1/x/agents", "agents:read", "agents:write"),
    ("/v1/x/models", "agents:read", "agents:write"),
    ("/v1/x/voices", "agents:read", "agents:write"),
    ("/v1/x/tools", "agents:read", "agents:write"),
    ("/v1/x/tool-signing-secret", "secrets", "secrets"),
    ("/v1/x/auth-connections", "secrets", "secrets"),
    ("/v1/x/signed-urls", "conversations:start", "conversations:start"),
    ("/v1/x/conversations", "conversations:read", "inject"),
    ("/v1/x/recordings", "conversations:read", "conversations:write"),
    ("/v1/x/webhooks", "webhooks:read", "webhooks"),
    ("/v1/x/webhook-deliveries", "webhooks:read", "webhooks"),
    ("/v1/x/api-keys", "keys", "keys"),
    ("/v1/x/audit-log", "audit", ADMIN),
    ("/v1/x/members", ADMIN, ADMIN),
    ("/v1/x/limits", ANY, ADMIN),
    ("/v1/x/server", ADMIN, ADMIN),
    ("/metrics", ANY, ADMIN),
)
"""How a path begins, what reading it needs, what changing it needs. The longest beginning counts."""

_DESCRIBES = "It describes the API, the same for everybody."

OPEN_PATHS = {
    "/openapi.json": _DESCRIBES,
    **dict.fromkeys(("/docs", "/llms.txt", "/llms-full.txt"), "It is the documentation, the same for everybody."),
    "/health": "It says that the server is up.",
    "/": "It leads to the dashboard.",
    "/dashboard": "It is the files of the dashboard, the same for everybody; what it shows, it asks for with a key.",
}
"""Open to all, and why: what FastAPI serves by itself, and what is there before the API is."""

READING = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Rule:
    """What one route needs."""

    scope: str | None
    """One of ``SCOPES``, ``ANY``, or None: open to all."""
    why_open: str = ""
    is_known: bool = True
    """False: nobody said it, so ``admin`` it is."""
    is_audited: bool = False
    """Goes into the audit log even though it changes nothing: an export, a signed URL."""


_KEY = APIKeyHeader(name="xi-api-key", auto_error=False, description="An API key of this server.")


class Needs:
    """A dependency that lets a request pass, or raises ``Unauthorized``."""

    def __init__(self, scope: str | None = None, *, is_audited: bool = False) -> None:
        if scope is not None and scope != ANY and scope not in SCOPES:
            raise ValueError(f"There is no scope {scope}.")
        self.scope = scope
        self.is_audited = is_audited

    async def __call__(self, connection: HTTPConnection, _: Annotated[str | None, Depends(_KEY)]) -> None:
        if "parola.caller" not in connection.scope:
            rule = rule_of(connection.scope["route"])
            await connection.app.state.services.keys.admit(connection.scope, rule.scope or ANY)
            refuse_unknown(connection)


class OpenToAll:
    """A dependency that does nothing but say why."""

    def __init__(self, why: str) -> None:
        self.why = why

    async def __call__(self) -> None:
        pass


def needs(scope: str, *, is_audited: bool = False) -> Any:
    """For ``dependencies=[...]``: a key with this scope."""
    return Depends(Needs(scope, is_audited=is_audited))


def open_to_all(why: str) -> Any:
    """For ``dependencies=[...]``: no key at all, and why."""
    return Depends(OpenToAll(why))


needs_key: Any = Depends(Needs())
"""For ``dependencies=[...]``: a key with the scope that ``SCOPE_OF`` says."""


def rule_of(route: BaseRoute) -> Rule:
    """What this route, or this socket, needs."""
    known: Rule | None = getattr(route, "parola_rule", None)
    if known is None:
        known = route.parola_rule = _rule_of(route)  # type: ignore[attr-defined]
    return known


def default_scope(path: str, methods: Iterable[str]) -> str | None:
    """What ``SCOPE_OF`` says of a path; None when it says nothing."""
    is_reading = READING.issuperset(methods)
    fitting = [row for row in SCOPE_OF if path.startswith(row[0])]
    if not fitting:
        return None
    _, read, write = max(fitting, key=lambda row: len(row[0]))
    return read if is_reading else write


def _rule_of(route: BaseRoute) -> Rule:
    if (why := OPEN_PATHS.get(getattr(route, "path", ""))) is not None:
        return Rule(None, why)
    dependant = getattr(route, "dependant", None)
    if dependant is None:  # an ASGI application, which says it itself
        endpoint = getattr(route, "endpoint", None)
        scope = getattr(endpoint, "needs", ADMIN)
        return Rule(scope, getattr(endpoint, "why_open", ""), is_known=hasattr(endpoint, "needs"))
    said = [one for one in _called(dependant) if isinstance(one, Needs | OpenToAll)]
    explicit = [one for one in said if isinstance(one, OpenToAll) or one.scope is not None]
    chosen = explicit[-1] if explicit else said[-1] if said else None
    match chosen:
        case OpenToAll(why=why):
            return Rule(None, why)
        case Needs(scope=str(scope), is_audited=is_audited):
            return Rule(scope, is_audited=is_audited)
        case Needs():
            methods = route.methods or () if isinstance(route, APIRoute) else {"GET"}
            default = default_scope(route.path, methods)  # type: ignore[attr-defined]
            return Rule(default or ADMIN, is_known=default is not None)
    return Rule(ADMIN, is_known=False)


def _called(dependant: Any) -> Iterator[Any]:
    """Every dependency of a route, the router's first."""
    for inner in dependant.dependencies:
        yield inner.call
        yield from _called(inner)
