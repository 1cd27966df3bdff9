"""Writes the audit log: an entry for each changing request, before its answer leaves, and for what else is worth one.

What was asked and answered does not get into it, only which operation it was, on which thing, and the status.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import TYPE_CHECKING, Any

import orjson

from parola.api.auth import CALLER, Caller, address_of
from parola.errors import ParolaError
from parola.logs import logger, reason
from parola.store.audit import AuditRow
from parola.store.base import Store
from parola.store.pages import Document

if TYPE_CHECKING:
    from parola.api.access import Rule

log = logger(__name__)

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

DAY_SECONDS = 86400

METHOD_NOT_ALLOWED = 405

SECRET_USE_SECONDS = 60

MOST_READ_BYTES = 64 * 1024
"""Of an answer, to find the id of what was made."""

CREDENTIALS = frozenset({"token"})
"""Parameters of paths that open something: they stay out of the log."""


class Audit:
    """The pen; one for the process."""

    def __init__(self, store: Store, retention_days: int) -> None:
        self._store = store
        self._retention_days = retention_days
        self._tidied_at = 0.0
        self._uses: dict[str, float] = {}

    async def secret_used(self, secret_id: str) -> None:
        """Note that a secret, or an auth connection, went into a request; once in a while, however often it does."""
        now = time.time()
        if now - self._uses.get(secret_id, 0.0) >= SECRET_USE_SECONDS:
            self._uses[secret_id] = now
            await self.note(Caller(), "secret_used", secret_id)

    async def note(
        self, caller: Caller, action: str, resource: str = "", result: str = "done", **document: Any
    ) -> None:
        """Add an entry. ``document`` takes ids, names and numbers, never what people said. A log that cannot be written
        is an error in the server's own log, and stops nobody."""
        now = time.time()
        known: Document = {
            "key_name": caller.key_name or None,
            "member_id": caller.member_id,
            "address": caller.address or None,
            **document,
        }
        row = AuditRow(
            entry_id=f"audit_{secrets.token_hex(12)}",
            at=now,
            action=action,
            resource=resource,
            key_id=caller.key_id,
            result=result,
            document={name: value for name, value in known.items() if value is not None},
        )
        try:
            if self._retention_days and now - self._tidied_at > DAY_SECONDS:
                self._tidied_at = now
                await self._store.audit.forget(now - self._retention_days * DAY_SECONDS)
            await self._store.audit.append(row)
        except ParolaError as error:
            log.error("audit_not_written", action=action, error=reason(error))


class Audited:
    """ASGI middleware around the REST API."""

    def __init__(self, app: App, *, audit: Audit) -> None:
        self._app = app
        self._audit = audit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        held: MutableMapping[str, Any] | None = None

        async def watched(message: MutableMapping[str, Any]) -> None:
            nonlocal held
            if message["type"] == "http.response.start" and _is_noted(scope, message["status"]):
                held = message  # the entry is there before the answer, and has the id of what was made
                return
            if held is not None:
                start, held = held, None
                await self._note(scope, start["status"], message.get("body", b""))
                await send(start)
            await send(message)

        await self._app(scope, receive, watched)

    async def _note(self, scope: Scope, status: int, body: bytes) -> None:
        from parola.api.access import rule_of  # FastAPI's side; the pen is there before it

        route = scope.get("route")
        if route is None or status == METHOD_NOT_ALLOWED:
            return  # the route is another method's, and nothing was asked of it
        caller: Caller | None = scope.get(CALLER)
        was_refused = status in (401, 403) and caller is not None and caller.key_id is not None
        if not was_refused and not _is_worth_it(rule_of(route), scope["method"]):
            return
        parameters = {name: str(value) for name, value in scope.get("path_params", {}).items()}
        named = [value for name, value in parameters.items() if name not in CREDENTIALS]
        await self._audit.note(
            caller or Caller(address=address_of(scope)),
            getattr(route, "operation_id", None) or route.name,
            named[-1] if named else _made(body),
            "done" if status < 400 else "refused" if status < 500 else "failed",
            method=scope["method"],
            path=route.path,
            status=status,
            within=named[0] if len(named) > 1 else None,
        )


def _is_noted(scope: Scope, status: int) -> bool:
    """Whether an answer with this status belongs in the log."""
    from parola.api.access import rule_of  # FastAPI's side; the pen is there before it

    route = scope.get("route")
    if route is None:
        return False
    caller: Caller | None = scope.get(CALLER)
    was_refused = status in (401, 403) and caller is not None and caller.key_id is not None
    return was_refused or _is_worth_it(rule_of(route), scope["method"])


def _is_worth_it(rule: Rule, method: str) -> bool:
    """Asking is not, even with POST; what changes something is, and what says so."""
    from parola.api.access import READING

    return rule.is_audited or (method not in READING and not (rule.scope or "").endswith(":read"))


def _made(body: bytes) -> str:
    """The id in the answer to a request that made something."""
    if len(body) > MOST_READ_BYTES:
        return ""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return ""
    if not isinstance(document, dict):
        return ""
    ids = (value for name, value in document.items() if name == "id" or name.endswith("_id"))
    return next((value for value in ids if isinstance(value, str)), "")
