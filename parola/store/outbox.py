"""The outbox of webhooks, as a Protocol: deliveries that are to be made, were made, or were not, and why.

A delivery is one message to one endpoint. It is written in the transaction that ends its conversation, so no kill of
the process can come between the two; whoever delivers (``webhooks/delivery.py``) claims what is due. Deleting a
conversation deletes its deliveries. Anyone may import this.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from parola.store.pages import Page

DeliveryStatus = Literal["held", "waiting", "delivered", "dead", "skipped"]
"""``held``: for a conversation that still runs; ``waiting``: for its next attempt; ``dead``: given up; ``skipped``:
never meant to be sent, ``reason`` says why."""


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """One message to one endpoint, without the message itself: ``Outbox.body`` has that."""

    delivery_id: str
    event_id: str
    """What receivers recognise a duplicate by: the same at every attempt, and when it is replayed."""
    type: str
    """``post_call_transcription``, ``post_call_transcription_otel``, ``post_call_audio``,
    ``call_initiation_failure``, ``unredacted_transcript``, ``unredacted_audio``."""
    endpoint: str
    """The id of a workspace webhook, or what stands for an address that came with the conversation; empty when there
    is none."""
    status: DeliveryStatus
    reason: str = ""
    """Why it is as it is: ``not_configured``, ``event_not_enabled``, ``disabled``, ``http_503``, ``timeout`` …"""
    conversation_id: str | None = None
    """None for a test."""
    agent_id: str = ""
    created_at: float = 0.0
    """Also the message's ``event_timestamp``."""
    due_at: float | None = None
    """When the next attempt is to be made; None unless ``waiting``."""
    ended_at: float | None = None
    """When it was delivered or given up."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """How the message is made: ``exclude_transcript``."""
    attempts: Sequence[Mapping[str, Any]] = ()
    """What came of each: ``at``, ``status_code``, ``reason``, ``seconds``, ``answer``, in order."""
    sealed_endpoint: bytes | None = None
    """Address and secret of an endpoint that came with the conversation, sealed."""


@dataclass(frozen=True, slots=True)
class DeliveryQuery:
    conversation_id: str | None = None
    endpoint: str | None = None
    statuses: Sequence[str] = ()
    """Empty: any."""
    types: Sequence[str] = ()
    """Empty: any."""
    ascending: bool = False


class Outbox(Protocol):
    news: asyncio.Event
    """Set whenever something was written that may be due: whoever delivers waits for it, and clears it."""

    async def put(self, deliveries: Sequence[DeliveryRow], body: bytes | None = None) -> None:
        """Create or replace, in one transaction; a body that is None stays as it is. Rows of a conversation that is
        gone are left out."""

    async def update(self, delivery: DeliveryRow) -> bool:
        """Replace a delivery that is still there, and give it back. False when it is gone, with its conversation or
        the words of it: it does not come back, whatever has become of an attempt meanwhile."""

    async def keep_body(self, delivery_id: str, body: bytes) -> bool:
        """Keep the message as it will be sent at every attempt. False when the delivery is gone."""

    async def body(self, delivery_id: str) -> bytes | None:
        """The message, if it was kept."""

    async def get(self, delivery_id: str) -> DeliveryRow | None: ...

    async def of(self, conversation_id: str) -> Sequence[DeliveryRow]:
        """All deliveries of a conversation, oldest first."""

    async def page(self, query: DeliveryQuery, *, page_size: int, cursor: str | None = None) -> Page[DeliveryRow]: ...

    async def due_endpoints(self, now: float) -> Mapping[str, int]:
        """For which endpoints something is due that nobody has claimed, and how much."""

    async def claim(self, endpoint: str, now: float, until: float, most: int) -> Sequence[DeliveryRow]:
        """Take what is due for an endpoint, oldest first, for oneself until then. Nobody else gets it meanwhile;
        ``update`` gives it back."""

    async def next_due(self, now: float) -> float | None:
        """When, after ``now``, the next attempt is to be made or the next claim runs out; None: nothing waits."""

    async def bring_forward(self, endpoint: str, now: float) -> None:
        """What waits for a later attempt at this endpoint is due now."""

    async def release(self) -> None:
        """Give back all claims: at the start of a server that is alone with its store."""

    async def counts(self) -> Mapping[str, int]:
        """How many deliveries have each status."""

    async def oldest_waiting(self) -> float | None:
        """When the delivery was made that has waited longest; None: nothing waits."""
