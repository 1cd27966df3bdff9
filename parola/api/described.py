"""What a handler reads and answers, said beside it and worked out only when ``/openapi.json`` is asked for.

Handlers take bodies raw and answer with ``Json``, so that documents pass through unchanged; FastAPI then knows neither
shape, and need not build its validators before the server listens.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute

F = TypeVar("F", bound=Callable[..., Any])

REFUSALS = {"416", "501", "502"}
"""Codes of refusals that a route declares by itself, beside those that all have."""

_REFERENCE = "#/components/schemas/{model}"
_INVALID = {"$ref": "#/components/schemas/HTTPValidationError"}
_REFUSAL = {
    "title": "Refusal",
    "description": "Every error but those of single fields.",
    "type": "object",
    "required": ["detail"],
    "properties": {
        "detail": {
            "type": "object",
            "required": ["status", "message"],
            "properties": {"status": {"type": "string"}, "message": {"type": "string"}},
        }
    },
}


def described(*, request: Any = None, response: Any = None, optional: bool = False) -> Callable[[F], F]:
    """Say what a handler's body and its answer look like; ``optional``: the body may be left out."""

    def mark(handler: F) -> F:
        handler.__described__ = (request, response, not optional)  # type: ignore[attr-defined]
        return handler

    return mark


def install(app: FastAPI, routers: Iterable[APIRouter]) -> None:
    """Have ``/openapi.json`` say what ``described`` said."""
    plain = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _complete(plain(), routers)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _complete(document: dict[str, Any], routers: Iterable[APIRouter]) -> dict[str, Any]:
    schemas: dict[str, Any] = document.setdefault("components", {}).setdefault("schemas", {})
    schemas["Refusal"] = _REFUSAL
    for path in document["paths"].values():
        for operation in path.values():
            operation["responses"] |= {"4XX": _refused("It was refused"), "422": _invalid_answer()}
            for code in REFUSALS & set(operation["responses"]):
                operation["responses"][code] = _refused(operation["responses"][code]["description"])
    for router in routers:
        for route in router.routes:
            said = getattr(route.endpoint, "__described__", None) if isinstance(route, APIRoute) else None
            if said is None or not isinstance(route, APIRoute) or not route.include_in_schema:
                continue
            request, response, is_required = said
            for method in route.methods or ():
                operation = document["paths"][route.path_format][method.lower()]
                if request is not None:
                    content = {"application/json": {"schema": _schema(request, schemas, "validation")}}
                    operation["requestBody"] = {"content": content, "required": is_required}
                if response is not None:
                    schema = _schema(response, schemas, "serialization")
                    for code in (code for code in operation["responses"] if code.startswith("2")):
                        operation["responses"][code]["content"] = {"application/json": {"schema": schema}}
    return document


def _schema(kind: Any, schemas: dict[str, Any], mode: Any) -> dict[str, Any]:
    """A reference to the schema of ``kind``, which is put among ``schemas`` with all it refers to."""
    from pydantic import BaseModel, TypeAdapter

    schema = TypeAdapter(kind).json_schema(mode=mode, ref_template=_REFERENCE)
    for name, definition in schema.pop("$defs", {}).items():
        schemas.setdefault(name, definition)
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        schemas.setdefault(kind.__name__, schema)
        return {"$ref": _REFERENCE.format(model=kind.__name__)}
    return schema


def _invalid_answer() -> dict[str, Any]:
    """A list of what is wrong with the fields, or what is wrong with the whole."""
    schema = {"anyOf": [_INVALID, {"$ref": _REFERENCE.format(model="Refusal")}]}
    return {"description": "Validation Error", "content": {"application/json": {"schema": schema}}}


def _refused(why: str) -> dict[str, Any]:
    schema = {"$ref": _REFERENCE.format(model="Refusal")}
    return {"description": why, "content": {"application/json": {"schema": schema}}}
