"""What the audit log's middleware does to answers: it holds back those it has to write down, and no other."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from typing import Any

import pytest
from fastapi.routing import APIRoute

from parola.api.access import needs
from parola.api.auditing import Audit, Audited
from parola.store.audit import AuditQuery
from parola.store.memory import MemoryStore
from tests.virtual_time import run


async def _handler() -> None: ...


@pytest.mark.parametrize(("method", "waits"), [("GET", False), ("POST", True)])
def test_a_stream_begins_at_once_unless_what_it_does_is_written_down_first(method: str, waits: bool):
    async def story() -> None:
        store, sent = MemoryStore(), list[MutableMapping[str, Any]]()
        rule = [needs("conversations:read" if method == "GET" else "inject")]
        route = APIRoute("/v1/x/things/{thing_id}", _handler, methods=[method], dependencies=rule)

        async def slow(scope: Any, receive: Any, send: Any) -> None:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await asyncio.sleep(10)
            await send({"type": "http.response.body", "body": b"first", "more_body": True})
            await send({"type": "http.response.body", "body": b"last"})

        async def send(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                entries = (await store.audit.page(AuditQuery(), page_size=10)).items
                assert len(entries) == waits and all(one.resource == "thing_1" for one in entries)
            sent.append(message)

        scope = {"type": "http", "method": method, "route": route, "path_params": {"thing_id": "thing_1"}}
        answering = asyncio.create_task(Audited(slow, audit=Audit(store, 365))({**scope, "headers": []}, None, send))  # type: ignore[arg-type]
        await asyncio.sleep(1)
        assert len(sent) == (0 if waits else 1)
        await answering
        assert [one.get("body") for one in sent] == [None, b"first", b"last"]

    run(story())
