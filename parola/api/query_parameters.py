"""Parameters of a query, and fields of a body, that nobody knows.

The hosted platform ignores them ("Unknown filters must not 422", rest.md §3.6), and so do the routes that it has: its
clients are newer than servers. Below ``/v1/x/`` every client is ours, and a filter with a typo in its name would answer
with everything, which is worse than an error; so would a limit (``ttl`` for ``ttl_secs``) that does not hold.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.requests import HTTPConnection

from parola.protocol.documents import Asked

OURS = "/v1/x/"


def refuse_unknown(connection: HTTPConnection) -> None:
    """Raises ``RequestValidationError`` (422) that names each parameter the route does not know, and those it does."""
    route = connection.scope.get("route")
    if not connection.scope.get("query_string") or not isinstance(route, APIRoute) or not route.path.startswith(OURS):
        return
    known = sorted(set(_names(route.dependant)))
    unknown = [name for name in connection.query_params if name not in known]
    if unknown:
        message = f"Expected only parameters that this route has: {', '.join(known) or 'none'}"
        raise RequestValidationError(
            [
                {
                    "type": "extra_forbidden",
                    "loc": ("query", name),
                    "msg": message,
                    "input": connection.query_params[name],
                }
                for name in unknown
            ]
        )


def refuse_unknown_fields(connection: HTTPConnection, body: Mapping[str, Any]) -> None:
    """The same of a body; those that are documents, with any fields, are left alone."""
    route = connection.scope.get("route")
    if not isinstance(route, APIRoute) or not route.path.startswith(OURS):
        return
    model, *_ = getattr(route.endpoint, "__described__", (None,))
    if not isinstance(model, type) or not issubclass(model, Asked) or not model.model_fields:
        return
    unknown = [name for name in body if name not in model.model_fields]
    if unknown:
        message = f"Expected only fields that this route has: {', '.join(model.model_fields)}"
        raise RequestValidationError(
            [
                {"type": "extra_forbidden", "loc": ("body", name), "msg": message, "input": body[name]}
                for name in unknown
            ]
        )


def _names(dependant: Any) -> Iterator[str]:
    """Of a route's parameters in the query, those of its dependencies included."""
    for field in dependant.query_params:
        yield field.alias
    for inner in dependant.dependencies:
        yield from _names(inner)
