"""How errors leave the server: the two shapes of the hosted platform, both under ``detail``.

An object with ``status`` and ``message``; or, for a request that does not validate, a list that says of every field
what was expected and what came. Whatever was not foreseen is logged, and told without its details.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from http import HTTPStatus
from math import ceil
from typing import Any, TypeVar

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException

from parola.api.responses import Json
from parola.errors import ModelMissing, OwnError, ParolaError, TooMany
from parola.logs import logger, reason

log = logger(__name__)

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
M = TypeVar("M", bound=BaseModel)

UNFORESEEN = "Something went wrong on the server; its log says what."

TOO_LARGE = "content_too_large"

SHOWN_CHARACTERS = 80
"""Of what came, in a message."""


def detail(code: str, message: str) -> dict[str, Any]:
    return {"detail": {"status": code, "message": message}}


def checked(model: type[M], document: Any, *where: str | int) -> M:
    """``document`` read as ``model``. Raises the error a request body would, located at ``where``."""
    try:
        return model.model_validate(document)
    except ValidationError as error:
        raise RequestValidationError(
            [{**one, "loc": ("body", *where, *one["loc"])} for one in error.errors(include_url=False)]
        ) from None


def install(app: FastAPI) -> None:
    """Answer every error in the hosted shape."""
    app.add_exception_handler(ParolaError, _on_ours)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)


def _template(scope: MutableMapping[str, Any]) -> str:
    """The path as the API has it, without what a caller put in: that may be a secret."""
    return str(getattr(scope.get("route"), "path", ""))


async def _on_ours(request: Request, error: Exception) -> Json:
    assert isinstance(error, ParolaError)
    message = error.message
    if isinstance(error, OwnError) and not isinstance(error, ModelMissing):
        log.error("request_failed", path=_template(request.scope), error=reason(error))
        message = UNFORESEEN
    if error.code == "rate_limit_exceeded":
        request.app.state.services.metrics.limited["requests"] += 1
    headers = None
    if isinstance(error, TooMany) and error.retry_after_seconds is not None:
        headers = {"retry-after": str(max(1, ceil(error.retry_after_seconds)))}
    return Json(detail(error.code, message), status_code=error.status, headers=headers)


async def _on_invalid(request: Request, error: Exception) -> Json:
    assert isinstance(error, RequestValidationError)
    return Json({"detail": [explained(one) for one in error.errors()]}, status_code=422)


async def _on_http(request: Request, error: Exception) -> Json:
    assert isinstance(error, HTTPException)
    status = HTTPStatus(error.status_code)
    messages = {
        404: f"There is no {request.method} {request.url.path} here.",
        405: f"{request.method} is not possible on {request.url.path}.",
    }
    message = messages.get(status, str(error.detail))
    code = TOO_LARGE if status == 413 else status.name.lower()
    return Json(detail(code, message), status_code=status, headers=dict(error.headers or {}))


def explained(error: dict[str, Any]) -> dict[str, Any]:
    """One entry of the list form; the message ends with what came."""
    kind = str(error["type"])
    message = str(error["msg"]).rstrip(".")
    if kind == "json_invalid":
        message = f"{message}: {error.get('ctx', {}).get('error', '')}".rstrip(": ")
    elif kind not in ("missing", "out_of_range", "reserved_parameter", "secret_in_the_open"):
        message = f"{message}; got {shown(error.get('input'))}"
    return {"loc": list(error["loc"]), "msg": message, "type": kind}


def shown(value: Any) -> str:
    match value:
        case dict():
            return "an object"
        case list() | tuple():
            return "a list"
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case str():
            return f'"{value[:SHOWN_CHARACTERS]}"'
        case int() | float():
            return str(value)[:SHOWN_CHARACTERS]
        case _:
            return "something else"


class Unforeseen:
    """ASGI middleware inside CORS: an exception nobody handled becomes a 500 that browsers can read."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def watched(message: MutableMapping[str, Any]) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception:
            log.exception("request_failed", path=_template(scope))
            if started:
                raise
            response = Json(detail("internal_error", UNFORESEEN), status_code=500)
            await response(scope, receive, send)


class BodyLimit:
    """ASGI middleware: bodies over the limit of their path are refused, announced or not."""

    def __init__(self, app: App, *, most_bytes: int, larger: Sequence[tuple[str, int]] = ()) -> None:
        self._app = app
        self._most_bytes = most_bytes
        self._larger = larger
        """Ending of a path, and its own limit."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = next((most for ending, most in self._larger if scope["path"].endswith(ending)), self._most_bytes)
        announced = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
        too_large = f"Expected a body of at most {limit} bytes, got more."
        if announced.isdigit() and int(announced) > limit:
            await Json(detail(TOO_LARGE, too_large), status_code=413)(scope, receive, send)
            return
        received = 0

        async def counted() -> MutableMapping[str, Any]:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > limit:
                raise HTTPException(413, too_large)
            return message

        await self._app(scope, counted, send)
