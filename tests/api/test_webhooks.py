"""Webhooks by REST: endpoints and their secrets, settings, the log of deliveries."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from elevenlabs import ElevenLabs
from elevenlabs.core.api_error import ApiError
from starlette.testclient import TestClient

from parola.app import create_app
from parola.config import Settings
from parola.outbound.guard import Guard
from parola.outbound.http import Connections
from parola.store.base import ConversationChange, ConversationRow
from parola.webhooks.announcing import announcements
from tests.api.conftest import Registry, call, create_agent
from tests.webhooks.receiver import Receiver


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
def client(settings: Settings) -> Iterator[TestClient]:
    """A server that may ask this machine, as one in development may."""
    registry = Registry()
    registry.connections = Connections(Guard(allows_local=True))
    with TestClient(create_app(settings, registry=registry), base_url="http://127.0.0.1:8400") as client:
        yield client


def created(client: TestClient, url: str = "https://hooks.example.com/a", **settings: Any) -> tuple[str, str]:
    answer = client.post("/v1/workspace/webhooks", json={"settings": {"name": "CRM", "webhook_url": url, **settings}})
    assert answer.status_code == 200, answer.text
    return answer.json()["webhook_id"], answer.json()["webhook_secret"]


def test_a_webhook_shows_its_secret_once(client: TestClient):
    webhook_id, secret = created(client, auth_type="hmac", request_headers={"X-Team": "red"})
    assert secret.startswith("wsec_") and len(secret) == 69
    listed = client.get("/v1/workspace/webhooks").json()["webhooks"]
    assert secret not in json.dumps(listed)
    assert listed == [
        {
            "name": "CRM",
            "webhook_id": webhook_id,
            "webhook_url": "https://hooks.example.com/a",
            "is_disabled": False,
            "is_auto_disabled": False,
            "created_at_unix": listed[0]["created_at_unix"],
            "auth_type": "hmac",
            "usage": None,
            "events": None,
            "retry_enabled": True,
            "request_headers": {"X-Team": "red"},
            "most_recent_failure_error_code": None,
            "most_recent_failure_timestamp": None,
            "x_most_recent_failure_reason": None,
            "x_circuit": {"state": "closed", "failures": 0, "probe_at_unix_secs": None},
        }
    ]


@pytest.mark.parametrize(
    ("given", "status", "told"),
    [
        ({"webhook_url": "ftp://example.com"}, 422, "https://"),
        ({"webhook_url": "http://169.254.169.254/"}, 400, "reserved"),
        ({"auth_type": "oauth2"}, 422, "hmac"),
        ({"name": ""}, 422, "name"),
    ],
)
def test_an_endpoint_that_cannot_work_is_refused(client: TestClient, given: Any, status: int, told: str):
    wanted = {"name": "CRM", "webhook_url": "https://hooks.example.com", **given}
    answer = client.post("/v1/workspace/webhooks", json={"settings": wanted})
    assert answer.status_code == status and told in answer.text


BAD_HEADERS = [
    ({"content-length": "5"}, 'does not set itself; got "content-length"'),
    ({"Transfer-Encoding": "chunked"}, "does not set itself"),
    ({"Host": "other.example"}, "does not set itself"),
    ({"Connection": "close"}, "does not set itself"),
    ({"Content-Type": "text/plain"}, "does not set itself"),
    ({"ElevenLabs-Signature": "t=1,v0=00"}, "does not set itself"),
    ({"webhook-id": "mine"}, "does not set itself"),
    ({"X-Webhook-Attempt": "9"}, "does not set itself"),
    ({"a\r\nb": "c"}, "Expected the name of an HTTP header"),
    ({"": "c"}, "Expected the name of an HTTP header"),
    ({"X-Größe": "c"}, "Expected the name of an HTTP header"),
    ({"X": "c\r\nInjected: 1"}, "without control characters, and this has U+000D"),
    ({"X": "c\x7f"}, "without control characters, and this has U+007F"),
]


@pytest.mark.parametrize(("headers", "told"), BAD_HEADERS)
def test_a_header_that_would_break_the_message_is_refused(client: TestClient, headers: dict[str, str], told: str):
    def refusal(method: str, path: str, document: Any) -> str:
        answer = client.request(method, path, json=document)
        assert answer.status_code == 422, answer.text
        (problem,) = answer.json()["detail"]
        assert "request_headers" in problem["loc"] and next(iter(headers)) in problem["loc"]
        return str(problem["msg"])

    webhook_id, _ = created(client, request_headers={"X-Team": "red\tblue", "X-Key": {"secret_id": "sec_1"}})
    one = {"name": "CRM", "webhook_url": "https://hooks.example.com", "request_headers": headers}
    assert told in refusal("POST", "/v1/workspace/webhooks", {"settings": one})
    change = {"name": "CRM", "is_disabled": False, "request_headers": headers}
    assert told in refusal("PATCH", f"/v1/workspace/webhooks/{webhook_id}", change)
    asked = {"conversation_initiation_client_data_webhook": {"url": "https://x.example", "request_headers": headers}}
    assert told in refusal("PATCH", "/v1/convai/settings", asked)


def test_a_webhook_in_use_cannot_be_deleted_and_says_where(client: TestClient):
    webhook_id, _ = created(client)
    other_id, _ = created(client)
    settings = client.patch(
        "/v1/convai/settings",
        json={"webhooks": {"post_call_webhook_id": webhook_id, "events": ["transcript", "audio"]}, "x_own": 1},
    ).json()
    assert settings["webhooks"]["transcript_format"] == "json" and settings["x_own"] == 1
    overrides = {"workspace_overrides": {"webhooks": {"post_call_webhook_id": other_id}}}
    agent_id = create_agent(client, platform_settings=overrides)

    used = client.get("/v1/workspace/webhooks", params={"include_usages": True}).json()["webhooks"]
    assert [one["usage"] for one in used] == [
        [{"usage_type": "ConvAI Settings"}],
        [{"usage_type": "ConvAI Agent Settings"}],
    ]
    refused = client.delete(f"/v1/workspace/webhooks/{other_id}")
    assert refused.status_code == 409 and agent_id in refused.text

    client.patch("/v1/convai/settings", json={"webhooks": {"post_call_webhook_id": None}})
    assert client.get("/v1/convai/settings").json()["webhooks"]["events"] == ["transcript", "audio"]
    assert client.delete(f"/v1/workspace/webhooks/{webhook_id}").json() == {"status": "ok"}
    assert client.delete(f"/v1/workspace/webhooks/{webhook_id}").status_code == 404


@pytest.mark.parametrize(
    ("change", "status", "told"),
    [
        ({"webhooks": {"post_call_webhook_id": "webhook_x"}}, 400, "There is no webhook webhook_x"),
        ({"webhooks": {"events": ["transcripts"]}}, 422, "call_initiation_failure"),
        ({"conversation_initiation_client_data_webhook": {"url": "example.com"}}, 422, "https://"),
        (
            {"conversation_initiation_client_data_webhook": {"url": "https://x.example", "x_channels": ["fax"]}},
            422,
            "web",
        ),
        ({"rag_retention_period_days": 40}, 422, "1 to 30"),
    ],
)
def test_settings_that_make_no_sense_are_refused(client: TestClient, change: Any, status: int, told: str):
    answer = client.patch("/v1/convai/settings", json=change)
    assert answer.status_code == status and told in answer.text, answer.text


def test_the_test_button_sends_each_type_signed_and_tells_what_came_of_it(client: TestClient, receiver: Receiver):
    webhook_id, secret = created(client, receiver.url, request_headers={"X-Team": "red"})
    deliveries = client.post(f"/v1/x/webhooks/{webhook_id}/test").json()["deliveries"]
    assert {(one["type"], one["status"], one["last_status_code"]) for one in deliveries} == {
        ("post_call_transcription", "delivered", 200),
        ("post_call_transcription_otel", "delivered", 200),
        ("post_call_audio", "delivered", 200),
        ("call_initiation_failure", "delivered", 200),
    }
    assert deliveries[0]["attempts"][0]["answer"] == "seen"
    for received in receiver.requests:
        headers, body = received.headers, received.body
        assert headers["x-team"] == "red" and headers["content-type"] == "application/json"
        event = ElevenLabs(api_key="x").webhooks.construct_event(body.decode(), headers["elevenlabs-signature"], secret)
        assert event["type"] == headers["x-webhook-type"]

    receiver.status = 500
    tried = client.post(f"/v1/x/webhooks/{webhook_id}/test", json={"types": ["post_call_audio"]}).json()
    assert [(one["status"], one["reason"]) for one in tried["deliveries"]] == [("dead", "http_500")]
    listed = client.get("/v1/workspace/webhooks").json()["webhooks"][0]
    assert listed["most_recent_failure_error_code"] == 500
    counted = [line for line in client.get("/metrics").text.splitlines() if line.startswith("parola_webhook")]
    assert [line for line in counted if "_total{" in line] == [], "nothing has arrived or failed that anybody waits for"


def test_after_a_rotation_both_secrets_verify_for_a_while(client: TestClient, receiver: Receiver):
    webhook_id, old = created(client, receiver.url)
    new = client.post(f"/v1/x/webhooks/{webhook_id}/rotate-secret").json()["webhook_secret"]
    only = {"types": ["call_initiation_failure"]}
    client.post(f"/v1/x/webhooks/{webhook_id}/test", json=only)
    headers, body = receiver.requests[-1].headers, receiver.requests[-1].body
    verify = ElevenLabs(api_key="x").webhooks.construct_event
    verify(body.decode(), headers["elevenlabs-signature"], new)
    verify(body.decode(), headers["elevenlabs-signature-previous"], old)
    with pytest.raises(ApiError):
        verify(body.decode(), headers["elevenlabs-signature"], old)
    assert len(headers["webhook-signature"].split(" ")) == 2

    newest = client.post(f"/v1/x/webhooks/{webhook_id}/rotate-secret", json={"overlap_secs": 0}).json()
    client.post(f"/v1/x/webhooks/{webhook_id}/test", json=only)
    headers, body = receiver.requests[-1].headers, receiver.requests[-1].body
    verify(body.decode(), headers["elevenlabs-signature"], newest["webhook_secret"])
    assert "elevenlabs-signature-previous" not in headers


def test_the_log_tells_of_each_delivery_and_replays_it(client: TestClient, receiver: Receiver):
    services = client.app.state.services  # type: ignore[attr-defined]
    store = services.store
    webhook_id, _ = created(client, receiver.url)
    client.patch("/v1/convai/settings", json={"webhooks": {"post_call_webhook_id": webhook_id}})
    row = ConversationRow("conv_1", "agent_1", "processing", 1.0, {})
    call(client, store.conversations.create, row)
    receiver.status = 404
    deliveries = call(client, announcements, store, row, 5.0)
    call(client, store.conversations.conclude, "conv_1", ConversationChange(status="done"), deliveries)
    log = "/v1/x/webhook-deliveries"

    def waits_until(status: str) -> dict[str, Any]:
        while True:
            (found,) = client.get(log).json()["deliveries"]
            if found["status"] == status:
                return dict(found)

    dead = waits_until("dead")
    assert (dead["reason"], dead["attempt_count"], dead["webhook_id"]) == ("http_404", 1, webhook_id)
    everything = client.get(log, params={"conversation_id": "conv_1"}).json()["deliveries"]
    assert {one["type"]: one["reason"] for one in everything} == {
        "post_call_transcription": "http_404",
        "post_call_audio": "event_not_enabled",
    }
    skipped = next(one for one in everything if one["status"] == "skipped")

    receiver.status = 204
    assert client.post(f"{log}/{dead['delivery_id']}/replay").json()["status"] == "waiting"
    waits_until("delivered")
    first, second = receiver.requests
    assert first.body == second.body and first.json()["data"]["conversation_id"] == "conv_1"
    assert {one.headers["x-webhook-event-id"] for one in (first, second)} == {dead["event_id"]}
    one = client.get(f"{log}/{dead['delivery_id']}").json()
    assert [attempt["status_code"] for attempt in one["attempts"]] == [404, 204]
    assert one["body"] == first.body.decode()
    assert [attempt["answer"] for attempt in one["attempts"]] == ["seen", ""]
    clerk = call(client, services.keys.create, "clerk", scopes=("webhooks",))[1]
    shown = client.get(f"{log}/{dead['delivery_id']}", headers={"xi-api-key": clerk}).json()
    assert (shown["body"], [attempt["answer"] for attempt in shown["attempts"]]) == (None, [None, None])
    owner = call(client, services.keys.create, "owner")[1]
    client.headers["xi-api-key"] = owner

    client.post(f"{log}/{skipped['delivery_id']}/replay")  # its endpoint is there, its recording is not
    while client.get(f"{log}/{skipped['delivery_id']}").json()["status"] == "waiting":
        pass
    assert client.get(f"{log}/{skipped['delivery_id']}").json()["reason"] == "no_audio"
    assert client.get(f"{log}/whd_unknown").status_code == 404


def test_a_disabled_webhook_is_enabled_again(client: TestClient):
    webhook_id, _ = created(client)
    path = f"/v1/workspace/webhooks/{webhook_id}"
    assert client.patch(path, json={"name": "New"}).status_code == 422
    assert client.patch(path, json={"is_disabled": True, "name": "New", "retry_enabled": True}).status_code == 200
    shown = client.get("/v1/workspace/webhooks").json()["webhooks"][0]
    assert (shown["name"], shown["is_disabled"]) == ("New", True)
    assert client.post(f"/v1/x/webhooks/{webhook_id}/enable").json() == {"status": "ok"}
    assert client.get("/v1/workspace/webhooks").json()["webhooks"][0]["is_disabled"] is False
