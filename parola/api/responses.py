"""What handlers answer with, and how documents come in and go out unchanged."""

from __future__ import annotations

import secrets
import string
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.exceptions import RequestValidationError
from starlette.responses import JSONResponse

from parola.api.query_parameters import refuse_unknown_fields
from parola.protocol.documents import JsonObject
from parola.protocol.lossless import dumps, loads

_ALPHABET = string.ascii_lowercase + string.digits


class Json(JSONResponse):
    """JSON without loss: integers of any size, every depth."""

    def render(self, content: Any) -> bytes:
        return dumps(content)


def new_id(prefix: str) -> str:
    """An id as the hosted platform makes them: ``agent_`` and 24 letters and digits."""
    return f"{prefix}_" + "".join(secrets.choice(_ALPHABET) for _ in range(24))


async def _raw_body(request: Request) -> JsonObject:
    """The body as an object. Raises the error of a body that does not validate."""
    try:
        document = loads(await request.body())
    except (ValueError, RecursionError) as error:
        raise RequestValidationError(
            [{"type": "json_invalid", "loc": ("body",), "msg": "JSON decode error", "ctx": {"error": str(error)}}]
        ) from None
    if not isinstance(document, dict):
        raise RequestValidationError(
            [{"type": "dict_type", "loc": ("body",), "msg": "Expected a JSON object", "input": document}]
        )
    refuse_unknown_fields(request, document)
    return document


RawBody = Annotated[JsonObject, Depends(_raw_body)]
"""The body exactly as it came, beside the model that checks it."""


async def _raw_body_if_any(request: Request) -> JsonObject:
    return await _raw_body(request) if await request.body() else {}


OptionalBody = Annotated[JsonObject, Depends(_raw_body_if_any)]
"""The body exactly as it came; an empty object when there is none."""
