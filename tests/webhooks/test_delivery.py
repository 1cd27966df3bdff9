"""Webhooks arrive: however long an endpoint is away, however slow another is, and each under one event id."""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import structlog

from parola import logs
from parola.config import Settings
from parola.metrics import Metrics
from parola.outbound.request_headers import WEBHOOKS
from parola.store.base import ConversationChange, ConversationRow, DocumentRow
from parola.store.memory import MemoryStore
from parola.store.outbox import DeliveryRow
from parola.store.pages import Document
from parola.tracing.spans import Span
from parola.tracing.tracer import Tracer
from parola.webhooks.announcing import SETTINGS, WEBHOOK, announcements, failure_announcements, held
from parola.webhooks.circuit import OPENS_AFTER
from parola.webhooks.delivery import Delivery, replayed
from parola.webhooks.endpoints import Endpoints, sealed_endpoint
from parola.webhooks.payloads import Message, Payloads
from parola.webhooks.retry import family
from parola.webhooks.samples import sample
from parola.webhooks.sending import Answer
from tests.virtual_time import run

SECRET = "wsec_0123456789abcdef"
OK = Answer(200, "ok")
DOWN = Answer(None, "connection_failed")


class PlainVault:
    def seal(self, value: str) -> bytes:
        return value.encode()

    def open(self, sealed: bytes) -> str:
        return sealed.decode()


@dataclass
class Request:
    at: float
    url: str
    headers: Mapping[str, str]
    body: bytes


@dataclass
class World:
    """A store, a postman, and endpoints that answer as the story says."""

    answers: Callable[[Request], Answer | Coroutine[Any, Any, Answer]] = lambda _: OK
    recording: Path | None = None
    requests: list[Request] = field(default_factory=list)
    metrics: Metrics = field(default_factory=Metrics)
    tracer: Tracer | None = None

    def __post_init__(self) -> None:
        self.store = MemoryStore()
        self.postman = self.new_postman()
        self.works: asyncio.Task[None] | None = None

    def new_postman(self) -> Delivery:
        async def recording(_: str) -> Path | None:
            return self.recording

        return Delivery(
            self.store,
            Endpoints(self.store, PlainVault()),
            Payloads(self.store, _record, recording, PlainVault()),
            self._send,
            self.metrics,
            self.tracer,
            now=self.now,
            dice=lambda: 0.0,
        )

    @staticmethod
    def now() -> float:
        return 1_000_000.0 + asyncio.get_running_loop().time()

    def begins(self, *, releases: bool = False) -> None:
        self.works = asyncio.create_task(self.postman.run(releases=releases))

    async def stops(self) -> None:
        assert self.works is not None
        self.works.cancel()
        await asyncio.gather(self.works, return_exceptions=True)

    async def _send(self, url: str, headers: Mapping[str, str], message: Message) -> Answer:
        request = Request(asyncio.get_running_loop().time(), url, headers, b"".join(message.parts()))
        self.requests.append(request)
        answer = self.answers(request)
        return answer if isinstance(answer, Answer) else await answer

    async def has_webhook(self, webhook_id: str, **more: Any) -> None:
        sealed = Endpoints(self.store, PlainVault()).sealed(SECRET)
        document = {"webhook_url": f"https://{webhook_id}.example", "secret": sealed, **more}
        await self.store.documents.put(DocumentRow(webhook_id, WEBHOOK, webhook_id, document, 0.0, 0.0))

    async def has_settings(self, **webhooks: Any) -> None:
        document = {"webhooks": webhooks}
        await self.store.documents.put(DocumentRow(SETTINGS, SETTINGS, SETTINGS, document, 0.0, 0.0))

    async def ends(self, conversation_id: str, *, has_audio: bool = False, document: Document | None = None) -> None:
        row = ConversationRow(conversation_id, "agent_1", "processing", self.now(), document or {}, has_audio=has_audio)
        await self.store.conversations.create(row)
        row = replace(row, status="done")
        change = ConversationChange(status="done", has_audio=has_audio)
        await self.store.conversations.conclude(
            conversation_id, change, await announcements(self.store, row, self.now())
        )

    async def told(self, conversation_id: str) -> dict[str, tuple[str, str]]:
        """Type to (status, reason)."""
        return {row.type: (row.status, row.reason) for row in await self.store.outbox.of(conversation_id)}

    async def only(self, conversation_id: str, kind: str = "post_call_transcription") -> DeliveryRow:
        return next(row for row in await self.store.outbox.of(conversation_id) if row.type == kind)


def _record(row: ConversationRow, turns: Any, now: float) -> Document:
    return {
        "agent_id": row.agent_id,
        "conversation_id": row.conversation_id,
        "status": row.status,
        "metadata": {"start_time_unix_secs": int(row.started_at), "call_duration_secs": 3},
        "transcript": [{"role": "user", "message": "Grüße", "time_in_call_secs": 0}],
    }


def told_as_story(story: Callable[[World], Coroutine[Any, Any, None]], **world: Any) -> World:
    """Play a story; the postman works meanwhile."""

    async def play() -> World:
        made = World(**world)
        made.begins()
        try:
            await story(made)
        finally:
            await made.stops()
        return made

    return run(play())


def test_each_attempt_says_which_span_it_is_and_without_a_collector_the_clients_is_passed_on():
    own = f"00-{'1' * 32}-{'2' * 16}-01"

    async def story(world: World) -> None:
        await world.has_webhook("wh_1")
        await world.has_settings(post_call_webhook_id="wh_1")
        await world.ends("conv_1", document={"metadata": {"x_traceparent": own}})
        await asyncio.sleep(600)

    def later(request: Request) -> Answer:
        return OK if request.at > 20 else DOWN

    tracer = Tracer(Settings(otlp_endpoint="http://127.0.0.1:4318"), None)  # type: ignore[arg-type]
    spans: list[Span] = []
    tracer.put = spans.append  # type: ignore[method-assign]
    world = told_as_story(story, answers=later, tracer=tracer)
    assert [(one.trace_id, one.parent_id, one.error) for one in spans] == [
        ("1" * 32, "2" * 16, "connection_failed"),
        ("1" * 32, "2" * 16, None),
    ]
    told = [request.headers["traceparent"] for request in world.requests]
    assert told == [f"00-{one.trace_id}-{one.span_id}-01" for one in spans] and len(set(told)) == 2

    untraced = told_as_story(story)
    assert [request.headers["traceparent"] for request in untraced.requests] == [own]


def test_an_endpoint_that_is_away_for_a_minute_still_gets_everything_the_same_under_the_same_id():
    async def story(world: World) -> None:
        await world.has_webhook("wh_1")
        await world.has_settings(post_call_webhook_id="wh_1")
        await world.ends("conv_1")
        await asyncio.sleep(600)
        assert await world.told("conv_1") == {
            "post_call_transcription": ("delivered", "ok"),
            "post_call_audio": ("skipped", "event_not_enabled"),
        }
        row = await world.only("conv_1")
        assert [one["reason"] for one in row.attempts] == ["connection_failed", "connection_failed", "ok"]

    world = told_as_story(story, answers=lambda request: OK if request.at > 60 else DOWN)
    assert [request.at for request in world.requests] == [0, 30, 150]
    assert len({request.body for request in world.requests}) == 1
    assert len({request.headers["X-Webhook-Event-Id"] for request in world.requests}) == 1
    assert [request.headers["X-Webhook-Attempt"] for request in world.requests] == ["1", "2", "3"]
    for request in world.requests:
        time_part, hash_part = request.headers["ElevenLabs-Signature"].split(",")
        assert time_part == f"t={1_000_000 + int(request.at)}"
        expected = hmac.new(SECRET.encode(), time_part[2:].encode() + b"." + request.body, "sha256").hexdigest()
        assert hash_part == f"v0={expected}"
        signed = f"{request.headers['webhook-id']}.{request.headers['webhook-timestamp']}.".encode() + request.body
        standard = base64.b64encode(hmac.new(SECRET.encode(), signed, "sha256").digest()).decode()
        assert request.headers["webhook-signature"] == f"v1,{standard}"
    assert world.metrics.webhooks_delivered == {"post_call_transcription": 1}
    assert world.metrics.webhook_attempts_failed == {"connection_failed": 2}


def test_after_72_hours_it_is_given_up_and_kept_and_can_be_replayed():
    async def story(world: World) -> None:
        await world.has_webhook("wh_1")
        await world.has_settings(post_call_webhook_id="wh_1")
        await world.ends("conv_1")
        await asyncio.sleep(80 * 3600)
        assert await world.told("conv_1") == {
            "post_call_transcription": ("dead", "http_503"),
            "post_call_audio": ("skipped", "event_not_enabled"),
        }
        world.answers = lambda _: OK
        await world.store.outbox.put([replayed(await world.only("conv_1"), world.now())])
        await asyncio.sleep(700)
        assert (await world.only("conv_1")).status == "delivered"

    world = told_as_story(story, answers=lambda _: Answer(503, "http_503"))
    at = [request.at for request in world.requests]
    assert at[:6] == [0, 30, 150, 630, 2430, 6030]
    assert 70 * 3600 < at[-2] <= 72 * 3600 and at[-1] >= 80 * 3600
    assert len({request.headers["X-Webhook-Event-Id"] for request in world.requests}) == 1
    assert len({request.body for request in world.requests}) == 1


@pytest.mark.parametrize(
    ("answer", "again_at"),
    [
        (Answer(429, "http_429", retry_after="100"), 100),
        (Answer(429, "http_429", retry_after="1"), 30),
        (Answer(408, "http_408"), 30),
        (Answer(None, "timeout"), 30),
        (Answer(404, "http_404"), None),
        (Answer(302, "http_302"), None),
        (Answer(None, "address_refused"), None),
    ],
)
def test_what_may_pass_is_tried_again_and_nothing_else(answer: Answer, again_at: float | None):
    async def story(world: World) -> None:
        await world.has_webhook("wh_1")
        await world.has_settings(post_call_webhook_id="wh_1")
        await world.ends("conv_1")
        await asyncio.sleep(200)
        row = await world.only("conv_1")
        assert (row.status, row.reason) == (("dead", answer.reason) if again_at is None else ("delivered", "ok"))

    world = told_as_story(story, answers=lambda request: OK if request.at else answer)
    assert [request.at for request in world.requests] == ([0] if again_at is None else [0, again_at])


def test_an_attempt_in_which_something_unforeseen_happens_is_an_attempt():
    def broken(request: Request) -> Answer:
        raise LookupError("nobody foresaw this")

    async def story(world: World) -> None:
        await world.has_webhook("wh_1")
        await world.has_settings(post_call_webhook_id="wh_1")
        await world.ends("conv_1")
        await asyncio.sleep(20)
        row = await world.only("conv_1")
        assert (row.status, row.reason, row.attempts[0]["status_code"]) == ("waiting", "unforeseen", None)
        test, body = sample("call_initiation_failure", "wh_1", "whd_2", "evt_2", world.now())
        await world.store.outbox.put([test], body)
        tried = await world.postman.try_once(test)
        assert (tried.status, tried.reason) == ("dead", "unforeseen")
        await asyncio.sleep(80 * 3600)
        row = await world.only("conv_1")
        assert (row.status, row.reason) == ("dead", "unforeseen")
        assert row.attempts[-1]["at"] <= 1_000_000 + 72 * 3600

    logs.load()
    with structlog.testing.capture_logs() as said:
        world = told_as_story(story, answers=broken)
    assert [request.at for request in world.requests][:4] == [0, 20, 30, 150]
    assert {line["error"] for line in said if line["event"] == "webhook_attempt_unforeseen"} == {"LookupError"}


def test_of_the_headers_of_an_endpoint_that_was_stored_long_ago_those_that_are_ours_stay_here():
    theirs = {"X-Team": "red", "content-length": "5", "Transfer-Encoding": "chunked", "HOST": "x.example"}
    theirs |= {"Content-Type": "text/plain", "elevenlabs-signature": "t=1,v0=00", "x-webhook-attempt": "9"}

    async def story(world: World) -> None:
        await world.has_webhook("wh_1", request_headers=theirs)
        await world.has_settings(post_call_webhook_id="wh_1")
        await world.ends("conv_1")
        await asyncio.sleep(1)

    (request,) = told_as_story(story).requests
    names = [name.lower() for name in request.headers]
    assert len(names) == len(set(names)) and set(names) - WEBHOOKS == {"x-team"}
    assert request.headers["X-Webhook-Attempt"] == "1"


@pytest.mark.parametrize("headers", [{"X-Key": "secret\n"}, {"X Key": "secret"}])
def test_a_header_that_cannot_be_sent_is_told_without_its_value(headers: dict[str, str]):
    async def story(world: World) -> None:
        await world.has_webhook("wh_1", request_headers=headers)
        await world.has_settings(post_call_webhook_id="wh_1")
        await world.ends("conv_1")
        await asyncio.sleep(1)
        row = await world.only("conv_1")
        assert (row.status, row.reason) == ("dead", "invalid_header")
        told = row.attempts[0]["answer"]
        assert told.startswith("request_headers") and next(iter(headers)) in told and "secret" not in told

    assert told_as_story(story).requests == []


def test_what_cannot_be_noted_about_an_endpoint_costs_no_attempt():
    async def story(world: World) -> None:
        async def broken(*_: Any) -> None:
            raise OSError(28, "No space left on device")

        await world.has_webhook("wh_1")
        await world.has_settings(post_call_webhook_id="wh_1")
        world.postman.endpoints.keep_circuit = broken  # type: ignore[method-assign]
        await world.ends("conv_1")
        await asyncio.sleep(1)
        assert (await world.only("conv_1")).status == "delivered"

    told_as_story(story)


def test_whatever_an_endpoint_answers_there_are_few_reasons_to_count():
    codes = iter((307, 410, 599, 601, 999))

    def odd(_: Request) -> Answer:
        code = next(codes, 404)
        return Answer(code, f"http_{code}")

    async def story(world: World) -> None:
        await world.has_webhook("wh_1")
        await world.has_settings(post_call_webhook_id="wh_1", events=["transcript"])
        for number in range(5):
            await world.ends(f"conv_{number}")
        await asyncio.sleep(600)
        rows = [await world.only(f"conv_{number}") for number in range(5)]
        assert {row.attempts[0]["reason"] for row in rows} == {f"http_{code}" for code in (307, 410, 599, 601, 999)}

    counted = told_as_story(story, answers=odd).metrics
    assert counted.webhook_attempts_failed == {"http_3xx": 1, "http_4xx": 4, "http_5xx": 1, "http_other": 2}
    assert counted.webhooks_failed == {"http_3xx": 1, "http_4xx": 4}
    assert len({family(f"http_{code}") for code in (*range(1000), "", "4a", "٤٠٤")} - {"http_other"}) == 3
    assert family("timeout") == "timeout"


def test_a_slow_endpoint_delays_no_other():
    async def slow() -> Answer:
        await asyncio.sleep(30)
        return OK

    async def story(world: World) -> None:
        for webhook_id in ("wh_slow", "wh_fast"):
            await world.has_webhook(webhook_id)
        await world.has_settings(post_call_webhook_id="wh_slow", x_endpoints=[{"webhook_id": "wh_fast"}])
        for number in range(20):
            await world.ends(f"conv_{number}")
        await asyncio.sleep(1)
        assert sum("fast" in request.url for request in world.requests) == 20
        await asyncio.sleep(200)
        assert (await world.store.outbox.counts())["delivered"] == 40

    told_as_story(story, answers=lambda request: slow() if "slow" in request.url else OK)


def test_an_endpoint_that_keeps_failing_is_left_alone_and_asked_with_one_message():
    async def story(world: World) -> None:
        await world.has_webhook("wh_1")
        await world.has_settings(post_call_webhook_id="wh_1")
        for number in range(OPENS_AFTER):
            await world.ends(f"conv_{number}")
        await asyncio.sleep(1)
        assert (await world.postman.circuit("wh_1")).state(world.now()) == "open"
        for number in range(OPENS_AFTER, 40):
            await world.ends(f"conv_{number}")
        await asyncio.sleep(1000)
        assert (await world.store.outbox.counts())["delivered"] == 40
        assert (await world.new_postman().circuit("wh_1")).failures == 0

    world = told_as_story(story, answers=lambda request: OK if request.at > 80 else DOWN)
    before = [request.at for request in world.requests if request.at <= 80]
    assert len(before) == OPENS_AFTER + 1  # the last one: a probe


def test_what_a_killed_server_had_claimed_is_sent_by_the_next():
    async def never() -> Answer:
        await asyncio.sleep(1e9)
        return OK

    async def story(world: World) -> None:
        await world.has_webhook("wh_1")
        await world.has_settings(post_call_webhook_id="wh_1")
        await world.ends("conv_1")
        await asyncio.sleep(1)
        await world.stops()
        world.answers = lambda _: OK
        world.postman = world.new_postman()
        world.begins(releases=True)
        await asyncio.sleep(1)
        assert (await world.only("conv_1")).status == "delivered"

    world = told_as_story(story, answers=lambda _: never())
    first, second = world.requests
    assert first.body == second.body
    assert first.headers["X-Webhook-Event-Id"] == second.headers["X-Webhook-Event-Id"]


def test_an_attempt_that_is_on_its_way_while_its_conversation_is_erased_leaves_nothing_behind():
    async def echoing() -> Answer:
        await asyncio.sleep(10)
        return Answer(503, "http_503", "Grüße")

    async def story(world: World) -> None:
        await world.has_webhook("wh_1")
        await world.has_settings(post_call_webhook_id="wh_1", events=["transcript"])
        for number in range(2):
            await world.ends(f"conv_{number}")
        await asyncio.sleep(5)
        await world.store.retention.erase("conv_0", {"metadata": {}}, words=True, audio=True)
        assert await world.store.conversations.delete("conv_1")
        await asyncio.sleep(200)
        assert await world.told("conv_0") == {} and await world.store.outbox.counts() == {}

    world = told_as_story(story, answers=lambda _: echoing())
    assert [request.at for request in world.requests] == [0, 0]


def test_a_disabled_endpoint_gets_what_waits_for_it_when_it_is_enabled():
    async def story(world: World) -> None:
        await world.has_webhook("wh_1")
        await world.has_settings(post_call_webhook_id="wh_1", events=["transcript", "audio"])
        await world.ends("conv_1")
        await asyncio.sleep(1)
        await world.has_webhook("wh_1", is_disabled=True)
        await world.ends("conv_2", has_audio=True)
        await asyncio.sleep(100)
        assert await world.told("conv_2") == {
            "post_call_transcription": ("skipped", "disabled"),
            "post_call_audio": ("skipped", "disabled"),
        }
        assert len(world.requests) == 1
        await world.has_webhook("wh_1")
        world.store.outbox.news.set()
        await asyncio.sleep(1)
        assert (await world.only("conv_1")).status == "delivered"

    told_as_story(story, answers=lambda request: OK if request.at > 90 else DOWN)


def test_what_waits_for_a_later_attempt_goes_out_when_somebody_says_that_the_endpoint_works_again():
    async def story(world: World) -> None:
        await world.has_webhook("wh_1")
        await world.has_settings(post_call_webhook_id="wh_1")
        await world.ends("conv_1")
        await asyncio.sleep(10)
        await world.postman.close_circuit("wh_1")
        await asyncio.sleep(1)
        assert (await world.only("conv_1")).status == "delivered"

    world = told_as_story(story, answers=lambda request: OK if request.at > 5 else DOWN)
    assert [request.at for request in world.requests] == [0, 10]


def test_what_is_not_sent_says_why():
    async def story(world: World) -> None:
        await world.ends("conv_1")
        assert await world.told("conv_1") == {"post_call_transcription": ("skipped", "not_configured")}
        await world.has_settings(post_call_webhook_id="wh_gone", events=["audio"])
        await world.ends("conv_2")
        assert await world.told("conv_2") == {
            "post_call_transcription": ("skipped", "unknown_webhook"),
            "post_call_audio": ("skipped", "unknown_webhook"),
        }
        await world.has_webhook("wh_gone")
        await world.ends("conv_3")
        assert await world.told("conv_3") == {
            "post_call_transcription": ("skipped", "event_not_enabled"),
            "post_call_audio": ("skipped", "no_audio"),
        }

    assert told_as_story(story).requests == []


def test_a_message_that_cannot_be_made_is_seen_and_tried_again_and_is_not_held_against_the_endpoint(tmp_path: Path):
    recording = tmp_path / "conv_1.mp3"

    async def story(world: World) -> None:
        await world.has_webhook("wh_1")
        await world.has_settings(post_call_webhook_id="wh_1", events=["audio"])
        await world.ends("conv_1", has_audio=True)
        await asyncio.sleep(1)
        row = await world.only("conv_1", "post_call_audio")
        assert (row.status, row.reason, row.attempts[0]["status_code"]) == ("waiting", "not_made", None)
        assert (await world.postman.circuit("wh_1")).failures == 0
        recording.write_bytes(b"sound")
        await asyncio.sleep(60)
        assert (await world.only("conv_1", "post_call_audio")).status == "delivered"

    world = told_as_story(story, recording=recording)
    assert [request.at for request in world.requests] == [30]
    assert world.metrics.webhook_attempts_failed == {"not_made": 1}


def test_the_recording_is_streamed_and_signed_as_a_whole(tmp_path: Path):
    recording = tmp_path / "conv_1.mp3"
    recording.write_bytes(bytes(range(256)) * 2000)

    async def story(world: World) -> None:
        await world.has_webhook("wh_1")
        await world.has_settings(post_call_webhook_id="wh_1", events=["audio"])
        await world.ends("conv_1", has_audio=True)
        await asyncio.sleep(1)
        assert await world.store.outbox.body((await world.only("conv_1", "post_call_audio")).delivery_id) is None

    (request,) = told_as_story(story, recording=recording).requests
    sent = json.loads(request.body)
    assert sent["type"] == "post_call_audio"
    assert set(sent["data"]) == {"agent_id", "conversation_id", "full_audio"}
    assert base64.b64decode(sent["data"]["full_audio"], validate=True) == recording.read_bytes()
    timestamp = request.headers["ElevenLabs-Signature"].split(",")[0][2:].encode()
    expected = hmac.new(SECRET.encode(), timestamp + b"." + request.body, "sha256").hexdigest()
    assert request.headers["ElevenLabs-Signature"].endswith(f",v0={expected}")


def test_the_transcript_comes_as_traces_or_not_at_all_when_that_is_asked_for():
    async def story(world: World) -> None:
        for webhook_id in ("wh_1", "wh_2"):
            await world.has_webhook(webhook_id)
        await world.has_settings(
            post_call_webhook_id="wh_1",
            transcript_format="opentelemetry",
            x_endpoints=[{"webhook_id": "wh_2", "transcript_format": "json", "exclude_transcript": True}],
        )
        await world.ends("conv_1")
        await asyncio.sleep(1)

    first, second = (json.loads(request.body) for request in told_as_story(story).requests)
    assert first["type"] == "post_call_transcription_otel"
    spans = first["data"]["otlp_traces"]["resourceSpans"][0]["scopeSpans"][0]["spans"]
    root = next(span for span in spans if span["name"] == "elevenlabs.conversation")
    told = {one["key"]: one["value"] for one in root["attributes"]}
    assert told["elevenlabs.source"] == {"stringValue": "post_call_webhook"}
    assert second["type"] == "post_call_transcription" and "transcript" not in second["data"]
    assert second["data"]["status"] == "done"


def test_an_endpoint_that_came_with_the_conversation_is_told_when_it_has_ended():
    async def story(world: World) -> None:
        row = ConversationRow("conv_1", "agent_enclave", "in-progress", world.now(), {})
        brought = {"transcript": sealed_endpoint(PlainVault(), "https://own.example", "0123456789abcdef")}
        brought["audio"] = sealed_endpoint(PlainVault(), "https://sound.example", None)
        await world.store.conversations.create(row, held(row, brought, world.now()))
        await asyncio.sleep(100)
        assert world.requests == []
        ended = replace(row, status="done")
        deliveries = await announcements(world.store, ended, world.now())
        await world.store.conversations.conclude("conv_1", ConversationChange(status="done"), deliveries)
        await asyncio.sleep(1)
        assert await world.told("conv_1") == {
            "post_call_transcription": ("delivered", "ok"),
            "post_call_audio": ("skipped", "no_audio"),
        }

    (request,) = told_as_story(story).requests
    assert request.url == "https://own.example"
    assert json.loads(request.body)["event_timestamp"] == 1_000_100
    assert "ElevenLabs-Signature" in request.headers


def test_a_conversation_that_was_refused_is_told_as_a_failure():
    async def story(world: World) -> None:
        await world.has_webhook("wh_1")
        await world.has_settings(post_call_webhook_id="wh_1", events=["transcript", "call_initiation_failure"])
        document = {"metadata": {"error": {"code": 3008, "reason": "No place."}}}
        row = ConversationRow("conv_1", "agent_1", "failed", world.now(), document, source="js_sdk")
        await world.store.conversations.create(row, await failure_announcements(world.store, row, world.now()))
        await asyncio.sleep(1)

    (request,) = told_as_story(story).requests
    assert json.loads(request.body) == {
        "type": "call_initiation_failure",
        "event_timestamp": 1_000_000,
        "data": {
            "agent_id": "agent_1",
            "conversation_id": "conv_1",
            "failure_reason": "busy",
            "metadata": {
                "type": "web",
                "body": {"close_code": 3008, "error_reason": "No place.", "source": "js_sdk", "user_id": None},
            },
        },
    }


def test_a_webhook_that_nothing_uses_is_said_when_the_server_starts():
    async def story(world: World) -> None:
        for webhook_id in ("wh_used", "wh_unused"):
            await world.has_webhook(webhook_id)
        await world.has_settings(post_call_webhook_id="wh_used")
        await asyncio.sleep(1)

    logs.load()
    with structlog.testing.capture_logs() as said:
        told_as_story(story)
    assert [line["webhook_id"] for line in said if line["event"] == "webhook_not_used"] == ["wh_unused"]
