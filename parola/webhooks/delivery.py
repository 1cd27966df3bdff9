"""Delivers what lies in the outbox: claims what is due, makes an attempt, writes down what came of it.

Each endpoint has a few attempts of its own in flight, so one that is slow delays no other. An attempt that is cut off
by the end of the process is made again by the next one, under the same event id: a receiver gets everything, a few
things twice.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from parola.logs import logger, reason
from parola.metrics import Metrics
from parola.outbound.locators import ValueNotFound
from parola.outbound.retry_after import retry_after_seconds
from parola.store.base import Store
from parola.store.outbox import DeliveryQuery, DeliveryRow
from parola.tracing.context import HEADER, TraceContext, kept
from parola.tracing.spans import CLIENT, Span
from parola.tracing.tracer import Tracer
from parola.webhooks import retry
from parola.webhooks.announcing import BROUGHT, PRE_CALL, PRE_CALL_ENABLED, UNREDACTED, settings_of
from parola.webhooks.circuit import Circuit
from parola.webhooks.endpoints import (
    Endpoint,
    Endpoints,
    InvalidHeader,
    UnknownEndpoint,
    all_webhooks,
    asks_before_calls,
    usages,
)
from parola.webhooks.payloads import Message, NothingToSend, Payloads, wire_type
from parola.webhooks.sending import Answer, Sends
from parola.webhooks.signing import signed
from parola.webhooks.unredacted import NOT_KEPT, without_original

log = logger(__name__)

MOST_AT_ONCE = 4
"""Attempts in flight for one endpoint."""

CLAIM_SECONDS = 3600.0
"""How long a claim holds: longer than any attempt. A server that is alone with its store gives back what a killed one
had claimed."""

LOOK_SECONDS = 30.0
"""How often the outbox is looked at when nothing is said to have changed: another server may have written."""

FAILED_STORE_SECONDS = 5.0
"""Before the outbox is looked at again after the store failed."""

ORIGINALS_SECONDS = 600.0
"""How often it is looked whether an original has been waiting for too long."""

SAME_NEWS_SECONDS = 60.0
"""That an endpoint still works is written down so often."""

LAST_WORDS = frozenset({"address_refused", "invalid_header", "invalid_url", "value_not_found"})
"""Without an answer, and no other to be had by asking again: somebody has to change something."""

NOT_MADE = "not_made"
"""The message could not be made: our fault, and no news about the endpoint."""

UNFORESEEN = "unforeseen"
"""What came of asking was more than anybody has thought of: a fault of ours. It counts like any other failure."""


class Delivery:
    """The postman; one for the process. ``run`` needs an open store."""

    def __init__(
        self,
        store: Store,
        endpoints: Endpoints,
        payloads: Payloads,
        send: Sends,
        metrics: Metrics,
        tracer: Tracer | None = None,
        *,
        now: Callable[[], float] = time.time,
        dice: Callable[[], float] = random.random,
    ) -> None:
        """``now`` is unix seconds, ``dice`` 0 to 1."""
        self._store = store
        self.endpoints = endpoints
        self._payloads = payloads
        self._send = send
        self._metrics = metrics
        self._tracer = tracer
        self._now = now
        self._dice = dice
        self._in_flight: Counter[str] = Counter()
        self._circuits: dict[str, Circuit] = {}
        self._forgotten: set[str] = set()
        self._attempts: set[asyncio.Task[None]] = set()
        self._originals_due_at = 0.0

    async def run(self, *, releases: bool = False) -> None:
        """Deliver until cancelled; attempts that are in flight then are made again after the next start. ``releases``:
        nobody else delivers from this store, so that what is claimed is free."""
        try:
            if releases:
                await self._store.outbox.release()
            await self._deliver()
        finally:
            attempts = list(self._attempts)
            for attempt in attempts:
                attempt.cancel()
            await asyncio.gather(*attempts, return_exceptions=True)

    async def try_once(self, row: DeliveryRow) -> DeliveryRow:
        """One attempt at once and no other, whatever the circuit says; the row as it is then. For tests of an
        endpoint."""
        tried = await self._attempt(row)
        return await self._put_away(tried, tried.reason) if tried.status == "waiting" else tried

    async def circuit(self, endpoint: str) -> Circuit:
        """How an endpoint has behaved."""
        if endpoint not in self._circuits:
            self._circuits[endpoint] = await self.endpoints.circuit(endpoint)
        return self._circuits[endpoint]

    @property
    def circuits(self) -> Iterable[Circuit]:
        """Of all endpoints that were asked since the start."""
        return self._circuits.values()

    async def close_circuit(self, endpoint: str) -> None:
        """Somebody says that an endpoint works again: what waits for it goes out now."""
        await self._keep_circuit(endpoint, (await self.circuit(endpoint)).closed())
        await self._store.outbox.bring_forward(endpoint, self._now())

    async def forget(self, endpoint: str) -> None:
        """An endpoint was deleted: what was said before details were taken out of it is kept for it no longer."""
        self._forgotten.add(endpoint)
        self._circuits.pop(endpoint, None)
        await self.endpoints.forget_circuit(endpoint)
        async for row in self._originals(endpoint):
            await self._put_away(row, "unknown_webhook")

    async def _originals(self, endpoint: str | None = None) -> AsyncIterator[DeliveryRow]:
        """The deliveries that wait with what was said before it was redacted, oldest first."""
        query = DeliveryQuery(endpoint=endpoint, statuses=("waiting",), types=(UNREDACTED,), ascending=True)
        cursor: str | None = None
        while True:
            page = await self._store.outbox.page(query, page_size=100, cursor=cursor)
            for row in page.items:
                yield row
            if (cursor := page.next_cursor) is None:
                return

    async def _give_up_old_originals(self, now: float) -> None:
        """Whatever they wait for, an endpoint that is disabled or left alone: no original is kept for longer than
        attempts are made."""
        if now < self._originals_due_at:
            return
        self._originals_due_at = now + ORIGINALS_SECONDS
        async for row in self._originals():
            if row.created_at + retry.GIVE_UP_SECONDS > now:
                return
            if _since(row) + retry.GIVE_UP_SECONDS <= now:
                await self._put_away(row, NOT_KEPT)

    async def _say_what_is_unused(self) -> None:
        """Log webhooks that are configured and never sent: nobody would notice otherwise."""
        used = await usages(self._store)
        async for row in all_webhooks(self._store):
            if row.document_id not in used:
                log.warning(
                    "webhook_not_used",
                    webhook_id=row.document_id,
                    name=row.name,
                    hint="name it in webhooks.post_call_webhook_id of /v1/convai/settings or of an agent",
                )
        if (await settings_of(self._store)).get(PRE_CALL) and not await asks_before_calls(self._store):
            log.warning(
                "pre_call_webhook_not_used", hint=f"set platform_settings.overrides.{PRE_CALL_ENABLED} of an agent"
            )

    # -- the loop -----------------------------------------------------------------------------------------------------

    async def _deliver(self) -> None:
        news = self._store.outbox.news
        has_looked = False
        while True:
            news.clear()
            try:
                if not has_looked:
                    has_looked = True
                    await self._say_what_is_unused()
                seconds = await self._take_what_is_due()
            except Exception as error:  # whatever it was, others wait for their webhooks
                log.exception("webhooks_not_delivered", error=reason(error))
                seconds = FAILED_STORE_SECONDS
            try:
                async with asyncio.timeout(seconds):
                    await news.wait()
            except TimeoutError:
                pass

    async def _take_what_is_due(self) -> float:
        """Begin what can be begun; how long nothing else will be due."""
        now = self._now()
        await self._give_up_old_originals(now)
        wake_at = now + LOOK_SECONDS
        for endpoint in await self._store.outbox.due_endpoints(now):
            circuit = await self.circuit(endpoint)
            most = MOST_AT_ONCE
            match circuit.state(now):
                case "open":
                    wake_at = min(wake_at, circuit.probe_at or wake_at)
                    continue
                case "half_open":
                    most = 1
            free = most - self._in_flight[endpoint]
            if free <= 0 or await self.endpoints.is_disabled(endpoint):
                continue
            for row in await self._store.outbox.claim(endpoint, now, now + CLAIM_SECONDS, free):
                self._in_flight[endpoint] += 1
                task = asyncio.create_task(self._hold(row))
                self._attempts.add(task)
                task.add_done_callback(self._attempts.discard)
        next_due = await self._store.outbox.next_due(now)
        return max(0.0, min(wake_at, next_due if next_due is not None else wake_at) - self._now())

    async def _hold(self, row: DeliveryRow) -> None:
        try:
            await self._attempt(row)
        except Exception as error:  # the claim runs out, and the attempt is made again
            log.exception("webhook_attempt_not_stored", delivery_id=row.delivery_id, error=reason(error))
        finally:
            self._in_flight[row.endpoint] -= 1
            if not self._in_flight[row.endpoint]:
                del self._in_flight[row.endpoint]
            self._store.outbox.news.set()

    # -- one attempt --------------------------------------------------------------------------------------------------

    async def _attempt(self, row: DeliveryRow) -> DeliveryRow:
        began = self._now()
        conversation = await self._trace_of(row)
        own = conversation and conversation.child("webhook", row.delivery_id, len(row.attempts) + 1)
        try:
            answer = await self._ask(row, {} if own is None else {HEADER: own.traceparent})
        except NothingToSend as error:
            return await self._put_away(row, error.reason)
        except UnknownEndpoint:
            return await self._put_away(row, "unknown_webhook")
        now = self._now()
        # Who is sent the original may say it again in the answer.
        attempt = {
            "at": began,
            "status_code": answer.status,
            "reason": answer.reason,
            "seconds": round(now - began, 3),
            "answer": "" if row.type == UNREDACTED and answer.status is not None else answer.detail,
        }
        row = replace(row, attempts=(*row.attempts, attempt))
        try:
            if self._tracer is not None and conversation is not None and own is not None and own.is_sampled:
                self._tracer.put(_span(row, answer, conversation, own, began, now))
            await self._note(row.endpoint, answer, now)
        except Exception as error:  # the attempt was made, and must be written down
            log.exception("webhook_endpoint_not_noted", delivery_id=row.delivery_id, error=reason(error))
        is_done = answer.status is not None and retry.is_success(answer.status)
        is_hopeless = answer.reason in LAST_WORDS if answer.status is None else not retry.is_tried_again(answer.status)
        if is_done:
            row = replace(without_original(row), status="delivered", reason="ok", due_at=None, ended_at=now)
            if not _is_test(row):
                self._metrics.webhooks_delivered[row.type] += 1
        else:
            if not _is_test(row):
                self._metrics.webhook_attempts_failed[retry.family(answer.reason)] += 1
            made = [one for one in row.attempts if one["at"] >= _since(row)]
            asked = retry_after_seconds(answer.retry_after, now)
            due_at = retry.next_attempt(len(made), _since(row), now, self._dice(), asked)
            if row.endpoint in self._forgotten:  # while it was being asked
                return await self._put_away(row, "unknown_webhook")
            if is_hopeless or due_at is None:
                return await self._put_away(row, answer.reason)
            row = replace(row, status="waiting", reason=answer.reason, due_at=due_at)
        await self._store.outbox.update(row)
        log.info(
            "webhook_delivered" if is_done else "webhook_attempt_failed",
            delivery_id=row.delivery_id,
            endpoint=row.endpoint,
            conversation_id=row.conversation_id,
            attempt=len(row.attempts),
            reason=row.reason,
        )
        return row

    async def _trace_of(self, row: DeliveryRow) -> TraceContext | None:
        """The span of the conversation that is told about; None for whatever is not about one, and where nobody
        traces."""
        if not row.conversation_id:
            return None
        conversation = await self._store.conversations.get(row.conversation_id)
        document = None if conversation is None else conversation.document
        return kept(document) if self._tracer is None else self._tracer.of_record(row.conversation_id, document)

    async def _ask(self, row: DeliveryRow, trace: Mapping[str, str]) -> Answer:
        """One attempt, whatever happens in it. Raises ``NothingToSend``, ``UnknownEndpoint``."""
        try:
            endpoint = await self.endpoints.find(row, self._now())
            message, headers = await self._made(row, endpoint)
        except (NothingToSend, UnknownEndpoint):
            raise
        except ValueNotFound as error:
            return Answer(None, "value_not_found", error.message)
        except InvalidHeader as error:
            return Answer(None, "invalid_header", str(error))
        except Exception as error:
            log.exception("webhook_not_made", delivery_id=row.delivery_id, error=reason(error))
            return Answer(None, NOT_MADE, f"The message could not be made: {reason(error)}")
        try:
            return await self._send(endpoint.url, {**trace, **headers}, message)
        except Exception as error:
            log.exception("webhook_attempt_unforeseen", delivery_id=row.delivery_id, error=reason(error))
            return Answer(None, UNFORESEEN, f"The attempt went wrong in this server: {reason(error)}")

    async def _made(self, row: DeliveryRow, endpoint: Endpoint) -> tuple[Message, dict[str, str]]:
        """What is sent, signed. Raises ``NothingToSend``."""
        message = await self._payloads.message(row)
        timestamp = int(self._now())  # a recording may have taken a while
        headers: dict[str, str] = {
            **endpoint.headers,
            "X-Webhook-Event-Id": row.event_id,
            "X-Webhook-Attempt": str(len(row.attempts) + 1),
            "X-Webhook-Type": wire_type(row),
        }
        if endpoint.secret is not None:
            made = (message.parts, row.event_id, timestamp, endpoint.secret, endpoint.previous_secret)
            headers |= await asyncio.to_thread(_signature, *made) if message.recording else _signature(*made)
        return message, headers

    async def _put_away(self, row: DeliveryRow, reason: str) -> DeliveryRow:
        """Give up: it stays in the log, and can be replayed."""
        row = replace(without_original(row), status="dead", reason=reason, due_at=None, ended_at=self._now())
        if not _is_test(row):
            self._metrics.webhooks_failed[retry.family(reason)] += 1
        await self._store.outbox.update(row)
        log.warning(
            "webhook_given_up",
            delivery_id=row.delivery_id,
            endpoint=row.endpoint,
            conversation_id=row.conversation_id,
            reason=reason,
        )
        return row

    async def _note(self, endpoint: str, answer: Answer, now: float) -> None:
        """How the endpoint behaved. Any answer but those that are tried again shows that it is there."""
        if endpoint.startswith(BROUGHT) or answer.reason == NOT_MADE:
            return  # the one is of one conversation only, the other was not asked
        before = await self.circuit(endpoint)
        if answer.status is not None and retry.is_success(answer.status):
            after = before.succeeded(now)
            is_old_news = not before.failures and now - (before.last_success_at or 0.0) < SAME_NEWS_SECONDS
            if is_old_news:
                self._circuits[endpoint] = after
                return
        elif answer.status is not None and not retry.is_tried_again(answer.status):
            after = replace(
                before.closed(),
                last_failure_at=now,
                last_failure_reason=answer.reason,
                last_failure_code=answer.status,
            )
        else:
            after = before.failed(now, answer.reason, answer.status)
        if before.probe_at is None and after.probe_at is not None:
            seconds = round(after.probe_at - now)
            log.warning("webhook_left_alone", endpoint=endpoint, failures=after.failures, seconds=seconds)
        await self._keep_circuit(endpoint, after)

    async def _keep_circuit(self, endpoint: str, circuit: Circuit) -> None:
        self._circuits[endpoint] = circuit
        await self.endpoints.keep_circuit(endpoint, circuit, self._now())


def replayed(row: DeliveryRow, now: float) -> DeliveryRow:
    """A delivery that is to be made again, or after all: the same message under the same event id, with all its
    attempts before it."""
    options = {**row.options, "since": now}
    return replace(row, status="waiting", reason="replayed", due_at=now, ended_at=None, options=options)


def _span(
    row: DeliveryRow, answer: Answer, conversation: TraceContext, own: TraceContext, began: float, now: float
) -> Span:
    """Of the attempt that was made last."""
    is_done = answer.status is not None and retry.is_success(answer.status)
    error = None if is_done else answer.reason
    attributes = {
        "parola.webhook.type": row.type,
        "parola.webhook.endpoint": None if row.endpoint.startswith(BROUGHT) else row.endpoint,
        "parola.webhook.delivery_id": row.delivery_id,
        "parola.webhook.attempt": len(row.attempts),
        "http.request.method": "POST",
        "http.response.status_code": answer.status,
        "gen_ai.conversation.id": row.conversation_id,
        "error.type": error,
    }
    ids = own.trace_id, own.span_id, conversation.span_id
    return Span(*ids, f"webhook {row.type}", began, now, attributes, kind=CLIENT, error=error)


def _is_test(row: DeliveryRow) -> bool:
    """Whether somebody tries an endpoint: nothing has arrived or failed then that anybody waits for."""
    return bool(row.options.get("is_test"))


def _since(row: DeliveryRow) -> float:
    """When the first of these attempts became due."""
    since: float = row.options.get("since", row.created_at)
    return since


def _signature(parts: Callable[[], Any], *how: Any) -> Mapping[str, str]:
    return signed(parts(), *how)
