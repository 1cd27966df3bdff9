"""Endpoints: where webhooks go, with which secret and headers, and how they have behaved.

A workspace's webhook is a document of the kind ``webhook``; its secret lies in it sealed. How it behaves is a document
beside it, written by whoever delivers, so that neither overwrites the other.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import orjson

from parola.outbound import environment, request_headers
from parola.outbound.locators import Locators, Seal
from parola.store.base import AgentRow, DocumentRow, Store
from parola.store.outbox import DeliveryRow
from parola.webhooks.announcing import PRE_CALL_ENABLED, WEBHOOK, settings_of, subscriptions
from parola.webhooks.circuit import Circuit

HEALTH = "webhook_health"
"""Kind of the documents that say how endpoints have behaved."""

_AT_A_TIME = 100


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Ready to be asked."""

    url: str
    secret: str | None = None
    previous_secret: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


class UnknownEndpoint(Exception):
    """It was deleted, or never existed."""


class InvalidHeader(Exception):
    """A header of the endpoint's cannot be sent; the message says which and why, without its value."""


class Endpoints:
    """Looks endpoints up; one for the process."""

    def __init__(self, store: Store, seal: Seal) -> None:
        self._store = store
        self._seal = seal

    async def find(self, row: DeliveryRow, now: float) -> Endpoint:
        """Where a delivery goes. Raises ``UnknownEndpoint``, ``ValueNotFound`` for a header's secret or an address'
        variable that is gone, and ``InvalidHeader``."""
        if row.sealed_endpoint is not None:
            brought = orjson.loads(self._seal.open(row.sealed_endpoint))
            return Endpoint(brought["url"], brought["secret"])
        found = await self._store.documents.get(WEBHOOK, row.endpoint)
        if found is None:
            raise UnknownEndpoint
        document = found.document
        used = str(row.options.get("environment") or environment.DEFAULT)
        url, headers = await located(
            self._store, self._seal, document["webhook_url"], document.get("request_headers"), used
        )
        previous = document.get("previous_secret")
        if previous is not None and now >= (document.get("previous_secret_until") or 0):
            previous = None
        return Endpoint(url, self.opened(document["secret"]), previous and self.opened(previous), headers)

    async def is_disabled(self, endpoint: str) -> bool:
        """Whether its owner has switched it off; what it is to get waits."""
        found = await self._store.documents.get(WEBHOOK, endpoint)
        return found is not None and bool(found.document.get("is_disabled"))

    # -- secrets ------------------------------------------------------------------------------------------------------

    def sealed(self, secret: str) -> str:
        """As it lies in a document."""
        return b64encode(self._seal.seal(secret)).decode()

    def opened(self, sealed: str) -> str:
        return self._seal.open(b64decode(sealed))

    # -- how they behave ----------------------------------------------------------------------------------------------

    async def circuit(self, endpoint: str) -> Circuit:
        row = await self._store.documents.get(HEALTH, _health_id(endpoint))
        return Circuit() if row is None else Circuit(**row.document)

    async def keep_circuit(self, endpoint: str, circuit: Circuit, now: float) -> None:
        row = DocumentRow(_health_id(endpoint), HEALTH, endpoint, asdict(circuit), now, now)
        await self._store.documents.put(row)

    async def forget_circuit(self, endpoint: str) -> None:
        await self._store.documents.delete(HEALTH, _health_id(endpoint))


async def located(
    store: Store, seal: Seal, url: str, headers: Mapping[str, Any] | None, used: str
) -> tuple[str, dict[str, str]]:
    """An address and headers with the values that stand somewhere else: ``{{system__env_label}}``, ``secret_id``,
    ``env_var_label``. ``used`` is the environment. Headers that this server sets itself are left out: they were stored
    before anybody refused them. Raises ``ValueNotFound``, ``InvalidHeader``."""
    headers = request_headers.without(request_headers.WEBHOOKS, headers or {})
    locators = Locators(store, seal, used)
    labels = environment.labels_in(url, headers)
    texts = await environment.texts(store, labels, used)
    variables = {f"system__env_{label}": text for label, text in texts.items()}
    filled = {name: await locators.value(value, variables) for name, value in headers.items()}
    if problem := request_headers.problem_of(filled):
        raise InvalidHeader(problem)
    return Locators.filled(url, variables), filled


def sealed_endpoint(seal: Seal, url: str, secret: str | None) -> bytes:
    """An endpoint that came with a conversation, for ``DeliveryRow.sealed_endpoint``."""
    return seal.seal(orjson.dumps({"url": url, "secret": secret}).decode())


async def all_webhooks(store: Store) -> AsyncIterator[DocumentRow]:
    """The workspace's, oldest first."""
    cursor: str | None = None
    while True:
        page = await store.documents.page(WEBHOOK, page_size=_AT_A_TIME, cursor=cursor, ascending=True)
        for row in page.items:
            yield row
        if (cursor := page.next_cursor) is None:
            return


async def usages(store: Store) -> dict[str, list[tuple[str, str]]]:
    """What uses each webhook, by its id: (the platform's name for the kind of use, what it is)."""
    found: dict[str, list[tuple[str, str]]] = {}
    for subscription in subscriptions(await settings_of(store), None):
        found.setdefault(subscription.webhook_id, []).append(("ConvAI Settings", "the workspace's settings"))
    async for agent in _all_agents(store):
        for subscription in subscriptions({}, agent.document):
            used = ("ConvAI Agent Settings", f"the agent {agent.agent_id}")
            found.setdefault(subscription.webhook_id, []).append(used)
    return found


async def asks_before_calls(store: Store) -> bool:
    """Whether any agent asks the pre-call webhook."""
    async for agent in _all_agents(store):
        overrides = (agent.document.get("platform_settings") or {}).get("overrides") or {}
        if overrides.get(PRE_CALL_ENABLED):
            return True
    return False


async def _all_agents(store: Store) -> AsyncIterator[AgentRow]:
    cursor: str | None = None
    while True:
        page = await store.agents.page(page_size=_AT_A_TIME, cursor=cursor)
        for agent in page.items:
            yield agent
        if (cursor := page.next_cursor) is None:
            return


def _health_id(endpoint: str) -> str:
    return f"health_{endpoint}"
