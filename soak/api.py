"""Whatever fits the description of the REST API, sent to a server: no answer may be a server error, and none may be
undeclared: its status, its content type and its shape are what ``/openapi.json`` says.

Requests are made by ``schemathesis`` from the description alone; half of those with an id in their path get the id of
something that is there.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2 as httpx
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.wire.servers import ServerProcess

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]

NOT_IMPLEMENTED = 501
"""Says, in the hosted shape and with a reason, that something does not exist here. It is declared, and no fault."""

OPEN = {
    "PAROLA_EGRESS": "none",
    "PAROLA_STT_PROVIDER": "scripted",
    "PAROLA_TTS_PROVIDER": "scripted",
    "PAROLA_EMBEDDING_PROVIDER": "scripted",
}


@dataclass
class Found:
    operations: int = 0
    requests: int = 0
    answered: Counter[int] = field(default_factory=Counter)
    """Status to how many."""
    faults: list[str] = field(default_factory=list)
    """One for each operation that had any."""

    def add(self, other: Found) -> None:
        self.operations += other.operations
        self.requests += other.requests
        self.faults += other.faults
        self.answered += other.answered


@contextmanager
def server() -> Iterator[ServerProcess]:
    """One in memory that everybody may do everything with, and that asks nobody outside this machine."""
    with ServerProcess("--ephemeral", "--auth", "off", environment=OPEN) as started:
        yield started


def run(examples: int, *, processes: int = 1) -> Found:
    """So many requests of every operation; fewer where fewer differ. Each process has a server of its own, asks it for
    its share of the operations, and says on standard error which one is done."""
    if processes == 1:
        return _share(examples, 0, 1)
    found = Found()
    with ProcessPoolExecutor(processes) as pool:
        for part in [pool.submit(_share, examples, at, processes) for at in range(processes)]:
            found.add(part.result())
    return found


def _share(examples: int, at: int, of: int) -> Found:
    """Every operation number ``at`` of ``of``; deletions come last."""
    found = Found()
    with server() as started, httpx.Client(base_url=started.url, timeout=60, trust_env=False) as http:
        described = schemathesis.openapi.from_dict(http.get("/openapi.json").json())
        described.config.update(base_url=started.url)
        operations = [result.ok() for result in described.get_all_operations()][at::of]
        operations.sort(key=lambda operation: operation.method.lower() == "delete")
        with requests.Session() as session:
            for number, operation in enumerate(operations, 1):
                before, began = found.requests, time.monotonic()
                _try(operation, examples, _what_is_there(http), found, session)
                print(
                    f"api {at + 1}: {number}/{len(operations)} {operation.method.upper()} {operation.path} "
                    f"{found.requests - before} in {time.monotonic() - began:.0f} s, {len(found.faults)} faults",
                    file=sys.stderr,
                    flush=True,
                )
    return found


def _try(operation: Any, examples: int, ids: Mapping[str, str], found: Found, session: requests.Session) -> None:
    found.operations += 1
    is_known = False

    @given(case=operation.as_strategy())
    @settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    def holds(case: schemathesis.Case) -> None:
        nonlocal is_known
        is_known = not is_known
        if is_known:
            case.path_parameters.update({name: ids[name] for name in case.path_parameters if name in ids})
        response = case.call(session=session)
        found.requests += 1
        found.answered[response.status_code] += 1
        checks = CHECKS[1:] if response.status_code == NOT_IMPLEMENTED else CHECKS
        case.validate_response(response, checks=checks)

    try:
        holds()
    except BaseExceptionGroup as error:
        found.faults.append(f"{operation.method.upper()} {operation.path}: {error.exceptions}")
    except AssertionError as error:
        found.faults.append(f"{operation.method.upper()} {operation.path}: {error}")


def _what_is_there(http: httpx.Client) -> dict[str, str]:
    """The ids of one thing of each kind, by the name that paths call them."""
    made = {
        "agent_id": ("/v1/convai/agents/create", {"conversation_config": {}}),
        "tool_id": (
            "/v1/convai/tools",
            {"tool_config": {"type": "client", "name": "look", "description": "Looks", "parameters": None}},
        ),
        "secret_id": ("/v1/convai/secrets", {"type": "new", "name": "one", "value": "hush"}),
        "webhook_id": (
            "/v1/workspace/webhooks",
            {"settings": {"auth_type": "hmac", "name": "one", "webhook_url": "http://127.0.0.1:9/"}},
        ),
        "documentation_id": ("/v1/convai/knowledge-base/text", {"text": "Open at nine.", "name": "Hours"}),
    }
    ids: dict[str, str] = {}
    for name, (path, body) in made.items():
        answer = http.post(path, json=body)
        assert answer.status_code == 200, f"{path}: {answer.text}"
        ids[name] = answer.json().get(name) or answer.json()["id"]
    return ids
