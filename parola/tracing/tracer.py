"""Traces for a collector: who is traced, and how spans get there (OTLP over HTTP, as JSON).

Spans wait in a bounded queue and are sent in batches by one task; nobody who makes one ever waits. While the collector
is away the queue fills, and what does not fit is dropped and counted. Without ``otlp_endpoint`` there is no tracer.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

import orjson

from parola import __version__
from parola.config import Settings
from parola.errors import InvalidRequest
from parola.logs import logger, reason
from parola.outbound.addresses import shown
from parola.outbound.egress import is_this_machine
from parola.outbound.http import Connections, proxy_for
from parola.outbound.retry_after import retry_after_seconds
from parola.tracing.context import TraceContext, kept, span_id, trace_id
from parola.tracing.spans import Span, attributes, encoded, shortened

log = logger(__name__)

PATH = "/v1/traces"

MOST_WAITING = 4096
"""Spans that wait for the collector; what comes on top is dropped."""

MOST_AT_ONCE = 512
"""Spans in one request."""

GATHER_SECONDS = 1.0
"""How long spans wait for others to go with."""

ANSWER_SECONDS = 10.0
"""How long the collector may take."""

LAST_SECONDS = 3.0
"""How long a server that stops tries to send what is left."""

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1.0, 60.0
"""Before it is tried again; twice as long each time."""

LONGEST_ASKED_SECONDS = 300.0
"""A collector that asks for more time than this (``Retry-After``) gets this."""

TRIED_AGAIN = frozenset({429, 502, 503, 504})
"""By the protocol; any other error of the collector's means that the same request fails again."""

MOST_ANSWER_BYTES = 65_536

ROOT = "conversation"
"""The name of the span that is a whole conversation."""


class Collects(Protocol):
    """Takes requests for ``/v1/traces``."""

    async def post(self, body: bytes) -> tuple[int, bytes, str | None]:
        """The status, the answer, and the header ``Retry-After``. Raises whatever keeps it from being asked."""


class Collector:
    """The one of ``otlp_endpoint``."""

    def __init__(self, settings: Settings, connections: Callable[[], Connections]) -> None:
        """Raises ``InvalidRequest`` for an endpoint or headers that cannot be meant, and for a collector on another
        machine with ``egress = "none"``."""
        self._url = _url(settings)
        self._headers = {"content-type": "application/json", **_headers(settings.otlp_headers)}
        self._connections = connections

    async def post(self, body: bytes) -> tuple[int, bytes, str | None]:
        import aiohttp

        client = await self._connections().client()
        async with client.post(
            self._url,
            data=body,
            headers=self._headers,
            timeout=aiohttp.ClientTimeout(total=ANSWER_SECONDS),
            proxy=proxy_for(self._url),
            allow_redirects=False,
        ) as response:
            answer = await response.content.read(MOST_ANSWER_BYTES)
            return response.status, answer, response.headers.get("retry-after")


class Tracer:
    """One for the process. ``start`` needs a running loop."""

    def __init__(self, settings: Settings, collector: Collects, *, now: Callable[[], float] = time.time) -> None:
        """``now`` is unix seconds."""
        self._ratio = settings.otlp_sample_ratio
        self._resource = {"service.name": settings.otlp_service_name, "service.version": __version__}
        self._collector = collector
        self.now = now
        self.content = settings.otlp_content
        """Whether spans hold what was said."""
        self.exported = 0
        self.dropped: Counter[str] = Counter()
        """Spans that no collector will see, by why: ``queue_full``, ``refused``, ``unreachable`` (at the end),
        ``unforeseen``."""
        self._waiting: deque[Span] = deque()
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._is_away = False
        self._asked_seconds = 0.0
        """How long a collector that is busy wants to be left alone; 0: it has not said."""

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    # -- who is traced ------------------------------------------------------------------------------------------------

    def begin(self, conversation_id: str, parent: TraceContext | None = None) -> TraceContext:
        """The span of a conversation: in the client's trace where it has brought one, sampled as that is; else by
        ``otlp_sample_ratio``, the same for each conversation whenever it is asked."""
        own = span_id(conversation_id, ROOT)
        if parent is not None:
            return TraceContext(parent.trace_id, own, parent.is_sampled, is_own=True)
        trace = trace_id(conversation_id)
        return TraceContext(trace, own, int(trace[16:], 16) < self._ratio * 2**64, is_own=True)

    def of_record(self, conversation_id: str, document: Mapping[str, Any] | None) -> TraceContext:
        """The same, of a conversation that is stored: its record knows which trace it was in."""
        known = kept(document)
        return self.begin(conversation_id) if known is None else replace(known, is_own=True)

    # -- sending ------------------------------------------------------------------------------------------------------

    def put(self, span: Span) -> None:
        """Have it sent some time. Never waits."""
        if len(self._waiting) >= MOST_WAITING:
            self.dropped["queue_full"] += 1
            return
        shortened(span)
        self._waiting.append(span)
        if len(self._waiting) >= MOST_AT_ONCE:
            self._news.set()

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="tracer")

    async def aclose(self) -> None:
        """Stop; what is left is tried once more, and not for long."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        try:
            async with asyncio.timeout(LAST_SECONDS):
                while self._waiting and await self._send_some():
                    pass
        except TimeoutError:
            pass
        self.dropped["unreachable"] += len(self._waiting)
        self._waiting.clear()

    async def _run(self) -> None:
        pause = FIRST_PAUSE_SECONDS
        while True:
            self._news.clear()
            if len(self._waiting) < MOST_AT_ONCE:
                try:
                    async with asyncio.timeout(GATHER_SECONDS):
                        await self._news.wait()
                except TimeoutError:
                    pass
            if not self._waiting:
                continue
            if await self._send_some():
                pause = FIRST_PAUSE_SECONDS
            else:
                await asyncio.sleep(max(pause, self._asked_seconds))
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    async def _send_some(self) -> bool:
        """Send a batch. False: the collector is not there, and the batch is the next one again. Raises nothing: whoever
        sends goes on."""
        self._asked_seconds = 0.0
        batch = [self._waiting.popleft() for _ in range(min(MOST_AT_ONCE, len(self._waiting)))]
        try:
            body, told = await asyncio.to_thread(_request, batch, self._resource)
            if told < len(batch):
                log.error("spans_not_encoded", spans=len(batch) - told)
                self.dropped["refused"] += len(batch) - told
            if not told:
                return True
            status, answer, retry_after = await self._collector.post(body)
        except asyncio.CancelledError:
            self._waiting.extendleft(reversed(batch))
            raise
        except Exception as error:  # whatever it is, calls go on
            self._put_back(batch, reason(error))
            return False
        try:
            return self._answered(batch, told, status, answer, retry_after)
        except Exception as error:  # it was asked, and nobody knows what it has made of them: they do not go twice
            log.exception("spans_not_sent", spans=told, error=reason(error))
            self.dropped["unforeseen"] += told
            return False

    def _answered(self, batch: Sequence[Span], told: int, status: int, answer: bytes, retry_after: str | None) -> bool:
        """What comes of a batch of which the collector was told ``told`` spans."""
        if status in TRIED_AGAIN:
            self._asked_seconds = min(retry_after_seconds(retry_after, self.now()) or 0.0, LONGEST_ASKED_SECONDS)
            self._put_back(batch, f"http_{status}")
            return False
        rejected = told if status >= 400 else max(0, min(told, _rejected(answer)))
        if rejected:
            if not self.dropped["refused"]:
                log.warning("spans_refused", spans=rejected, status=status)
        elif self._is_away:
            log.warning("collector_is_back", spans_waiting=len(self._waiting))
        self._is_away = False
        self.dropped["refused"] += rejected
        self.exported += told - rejected
        return True

    def _put_back(self, batch: Sequence[Span], why: str) -> None:
        """The oldest go when newer ones have taken their places meanwhile."""
        room = max(0, MOST_WAITING - len(self._waiting))
        kept = batch[-room:] if room else ()
        self.dropped["queue_full"] += len(batch) - len(kept)
        self._waiting.extendleft(reversed(kept))
        if not self._is_away:
            log.warning("collector_is_away", reason=why, hint="spans wait, and are dropped when they are too many")
        self._is_away = True


def _request(batch: Sequence[Span], resource: Mapping[str, Any]) -> tuple[bytes, int]:
    """``ExportTraceServiceRequest``, and how many spans are in it: one that cannot be written must not hold up the
    others."""
    spans = []
    for span in batch:
        try:
            spans.append(orjson.Fragment(orjson.dumps(encoded(span))))
        except (TypeError, ValueError):
            continue
    scope = {"name": "parola", "version": __version__}
    told = {"resource": {"attributes": attributes(resource)}, "scopeSpans": [{"scope": scope, "spans": spans}]}
    return orjson.dumps({"resourceSpans": [told]}), len(spans)


def _rejected(answer: bytes) -> int:
    """Of a request that was accepted: spans that were not (``ExportTraceServiceResponse.partialSuccess``)."""
    try:
        return int((orjson.loads(answer).get("partialSuccess") or {}).get("rejectedSpans") or 0)
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError):
        return 0


def _url(settings: Settings) -> str:
    url = settings.otlp_endpoint.strip().rstrip("/")
    address = urlsplit(url)
    if address.scheme not in ("http", "https") or not address.hostname:
        raise InvalidRequest(
            "otlp_endpoint: expected the http:// or https:// address of a collector, "
            f'got "{shown(settings.otlp_endpoint)}".'
        )
    if settings.egress == "none" and not is_this_machine(address.hostname):
        raise InvalidRequest(
            f"egress is none, and the collector {address.hostname} (otlp_endpoint) is on another machine: use one on "
            "this one, or allow egress."
        )
    return url if url.endswith(PATH) else url + PATH


def _headers(entries: Sequence[str]) -> dict[str, str]:
    """``name=value`` each; values may be percent-encoded, as OTEL_EXPORTER_OTLP_HEADERS has them."""
    headers = {}
    for entry in entries:
        name, equals, value = entry.partition("=")
        if not equals or not name.strip():
            # What came may be a secret without a name.
            raise InvalidRequest(f"otlp_headers: expected name=value, got {len(entry)} characters without that form.")
        headers[name.strip().lower()] = unquote(value.strip())
    return headers
