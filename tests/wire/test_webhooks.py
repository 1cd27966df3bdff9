"""Webhooks of conversations over a real socket: they arrive, the official SDKs verify them, a killed server loses
none; and the one that is asked before a conversation begins."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from elevenlabs import ElevenLabs
from elevenlabs.core.api_error import ApiError

from tests.webhooks.receiver import Received, Receiver
from tests.wire.frames import RawClient
from tests.wire.servers import ServerProcess, agent, said

ROOT = Path(__file__).parents[2]
NODE = shutil.which("node")
NODE_SDK = ROOT / "node_modules" / "@elevenlabs" / "elevenlabs-js"

TEXT_ONLY = {"conversation_config_override": {"conversation": {"text_only": True}}}
ENABLED = "enable_conversation_initiation_client_data_from_webhook"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def server(scripted_speech: list[str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server with a folder of its own, where clients may bring their agents."""
    folder = tmp_path_factory.mktemp("webhooks")
    with ServerProcess("--data", str(folder), "--enclave", *scripted_speech) as server:
        yield server


def webhook(server: ServerProcess, url: str) -> tuple[str, str]:
    settings = {"auth_type": "hmac", "name": "Test", "webhook_url": url}
    answer = server.http.post("/v1/workspace/webhooks", json={"settings": settings}).json()
    return answer["webhook_id"], answer["webhook_secret"]


def telling(webhook_id: str, *events: str, **platform: Any) -> dict[str, Any]:
    """``platform_settings`` of an agent whose conversations are told to an endpoint of its own."""
    return {
        "workspace_overrides": {"webhooks": {"post_call_webhook_id": webhook_id, "events": list(events)}},
        **platform,
    }


async def talks(server: ServerProcess, agent_id: str, **init: Any) -> str:
    """The id of a conversation of one question, typed."""
    async with RawClient(server.socket_of(agent_id)) as client:
        conversation_id = str((await client.begin(**{**TEXT_ONLY, **init}))["conversation_id"])
        await client.answer("Is it Grüß Gott or 你好?")
    return conversation_id


def verified(received: Received, secret: str) -> dict[str, Any]:
    """What the official Python SDK makes of it."""
    client = ElevenLabs(api_key="any")
    event: dict[str, Any] = client.webhooks.construct_event(
        received.body.decode(), received.headers["elevenlabs-signature"], secret
    )
    return event


def verified_by_node(received: Received, *secrets: str) -> list[dict[str, Any]]:
    """What the official Node SDK makes of it, with each secret."""
    assert NODE is not None
    signature = received.headers["elevenlabs-signature"]
    lines = [
        json.dumps({"body": received.body.decode(), "signature": signature, "secret": secret}) for secret in secrets
    ]
    done = subprocess.run(
        [NODE, str(ROOT / "tests" / "wire" / "js" / "webhooks.mjs")],
        input="\n".join(lines),
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=True,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


async def test_the_record_arrives_and_the_python_sdk_verifies_it(server: ServerProcess, receiver: Receiver) -> None:
    webhook_id, secret = webhook(server, f"{receiver.url}/hook?team=red")
    agent_id = server.create_agent(agent(platform=telling(webhook_id, "transcript")))
    conversation_id = await talks(server, agent_id, user_id="u-7")
    received = receiver.next()
    assert received.path == "/hook?team=red"
    event = verified(received, secret)
    assert event["type"] == received.headers["x-webhook-type"] == "post_call_transcription"
    assert event["data"] == server.ended_record(conversation_id)
    assert event["data"]["status"] == "done" and event["data"]["user_id"] == "u-7"
    assert said(event["data"])[0] == ("user", "Is it Grüß Gott or 你好?")
    with pytest.raises(ApiError):
        verified(received, "wsec_another")
    log = server.http.get("/v1/x/webhook-deliveries", params={"conversation_id": conversation_id}).json()
    assert {(one["type"], one["reason"]) for one in log["deliveries"]} <= {
        ("post_call_transcription", "ok"),
        ("post_call_transcription", ""),  # the answer is on its way
        ("post_call_audio", "event_not_enabled"),
    }


@pytest.mark.skipif(
    NODE is None or not NODE_SDK.is_dir(), reason="needs Node and node_modules: run `make node_modules`"
)
async def test_the_node_sdk_verifies_it_too(server: ServerProcess, receiver: Receiver) -> None:
    webhook_id, secret = webhook(server, receiver.url)
    conversation_id = await talks(server, server.create_agent(agent(platform=telling(webhook_id, "transcript"))))
    right, wrong = verified_by_node(receiver.next(), secret, "wsec_another")
    assert right["event"]["data"]["conversation_id"] == conversation_id
    assert "Signature hash does not match" in wrong["error"]


async def test_the_recording_arrives_in_pieces(server: ServerProcess, receiver: Receiver) -> None:
    webhook_id, secret = webhook(server, receiver.url)
    document = agent(first_message="Hello, this is Anna.", platform=telling(webhook_id, "audio"))
    async with RawClient(server.socket_of(server.create_agent(document))) as client:
        conversation_id = (await client.begin())["conversation_id"]
        await client.next("audio")
    received = receiver.next()
    assert received.headers["transfer-encoding"] == "chunked" and "content-length" not in received.headers
    data = verified(received, secret)["data"]
    assert set(data) == {"agent_id", "conversation_id", "full_audio"} and data["conversation_id"] == conversation_id
    served = server.http.get(f"/v1/convai/conversations/{conversation_id}/audio").content
    assert base64.b64decode(data["full_audio"]) == served


async def test_a_killed_server_loses_no_webhook(server: ServerProcess, receiver: Receiver) -> None:
    webhook_id, secret = webhook(server, receiver.url)
    agent_id = server.create_agent(agent(platform=telling(webhook_id, "transcript")))
    receiver.goes_on.clear()
    conversation_ids = [await talks(server, agent_id) for _ in range(3)]
    in_flight = receiver.next()  # taken by the server, and never answered
    server.kill()
    receiver.goes_on.set()
    server.start()
    arrived: dict[str, Received] = {}
    while set(arrived) != set(conversation_ids):
        received = receiver.next()
        arrived[received.json()["data"]["conversation_id"]] = received
    for received in arrived.values():
        # What still ran when the server was killed has failed, and is told as well.
        assert verified(received, secret)["data"]["status"] in ("done", "failed")
    again = arrived[in_flight.json()["data"]["conversation_id"]]
    by_event: dict[str, set[bytes]] = {}
    for received in receiver.requests:
        by_event.setdefault(received.headers["x-webhook-event-id"], set()).add(received.body)
    assert len(by_event) == 3 and all(len(bodies) == 1 for bodies in by_event.values())
    assert again.body == in_flight.body


async def test_endpoints_that_a_client_brings_along_are_told(server: ServerProcess, receiver: Receiver) -> None:
    secret = "a secret of 16 letters or more"
    async with RawClient(server.ws) as client:
        await client.send(
            {
                "type": "enclave_setup_config",
                "agent_config_dict": agent(),
                "post_call_transcription_webhook": {"url": f"{receiver.url}/own", "hmac_secret": secret},
                "post_call_audio_webhook_url": f"{receiver.url}/audio",
            }
        )
        conversation_id = (await client.begin(**TEXT_ONLY))["conversation_id"]
        await client.answer("Hello")
    received = receiver.next()
    assert received.path == "/own" and verified(received, secret)["data"]["conversation_id"] == conversation_id
    log = server.http.get("/v1/x/webhook-deliveries", params={"conversation_id": conversation_id}).json()
    assert secret not in json.dumps(log) and {one["reason"] for one in log["deliveries"]} <= {"ok", "", "no_audio"}


# -- before a conversation --------------------------------------------------------------------------------------------


def asking(url: str, *, allowed: bool = True, **more: Any) -> dict[str, Any]:
    """``platform_settings`` of an agent that asks an endpoint who calls."""
    override = {"agent": {"first_message": allowed, "prompt": {"prompt": False}}}
    return {
        "overrides": {ENABLED: True, "conversation_config_override": override},
        "workspace_overrides": {
            "conversation_initiation_client_data_webhook": {"url": url, "request_headers": {}, **more}
        },
    }


async def test_an_endpoint_says_before_the_call_who_it_is(server: ServerProcess, receiver: Receiver) -> None:
    override = {"agent": {"first_message": "Welcome back, {{name}}!"}}
    answer = {"dynamic_variables": {"name": "Ada"}, "conversation_config_override": override, "user_id": "u-ada"}
    receiver.answer = json.dumps({"type": "conversation_initiation_client_data", **answer}).encode()
    secret = server.http.post("/v1/convai/secrets", json={"type": "new", "name": "crm", "value": "hush"}).json()
    platform = asking(receiver.url, x_channels=["web"], request_headers={"X-Key": {"secret_id": secret["secret_id"]}})
    agent_id = server.create_agent(agent(first_message="Who is there?", platform=platform))
    async with RawClient(server.socket_of(agent_id)) as client:
        conversation_id = (await client.begin(**TEXT_ONLY, dynamic_variables={"name": "Eve"}))["conversation_id"]
        greeting = await client.next("agent_response")
    assert greeting["agent_response"] == "Welcome back, Ada!"
    received = receiver.next()
    assert received.headers["x-key"] == "hush"
    assert received.json() == {
        "caller_id": "",
        "agent_id": agent_id,
        "called_number": "",
        "call_sid": "",
        "conversation_id": conversation_id,
        "x_channel": "web",
        "x_user_id": None,
        "x_environment": "production",
    }
    record = server.ended_record(conversation_id)
    assert record["user_id"] == "u-ada"
    assert record["metadata"]["x_pre_call_webhook"]["result"] == "applied"


@pytest.mark.parametrize(
    ("answer", "status", "reason"),
    [
        (b"{}", 503, "http_503"),
        (b"[]", 200, "invalid_answer"),
        (b'{"dynamic_variables": {"name": {"x": 1}}}', 200, "invalid_answer"),
        (b'{"user_id": 17}', 200, "invalid_answer"),
        (b'{"dynamic_variables": ' + b'{"x": "' + b"x" * 300_000 + b'"}}', 200, "too_large"),
        (None, 200, "timeout"),
    ],
)
async def test_without_an_answer_the_conversation_begins_and_the_record_says_so(
    server: ServerProcess, receiver: Receiver, answer: bytes | None, status: int, reason: str
) -> None:
    receiver.status = status
    if answer is None:
        receiver.goes_on.clear()
    else:
        receiver.answer = answer
    platform = asking(receiver.url, x_channels=["web"], x_timeout_secs=0.3 if answer is None else 5)
    agent_id = server.create_agent(agent(first_message="Who is there?", platform=platform))
    conversation_id = await talks(server, agent_id)
    metadata = server.ended_record(conversation_id)["metadata"]
    assert (metadata["x_pre_call_webhook"]["result"], metadata["x_pre_call_webhook"]["reason"]) == ("failed", reason)
    assert any("The pre-call webhook failed" in warning for warning in metadata["warnings"])


async def test_a_conversation_may_be_refused_for_it_and_that_is_told_too(
    server: ServerProcess, receiver: Receiver
) -> None:
    webhook_id, secret = webhook(server, receiver.url)
    receiver.status = 404
    platform = asking(f"{receiver.url}/who", x_channels=["web"], x_on_failure="reject")
    overrides = telling(webhook_id, "call_initiation_failure")["workspace_overrides"]
    platform["workspace_overrides"] |= overrides
    agent_id = server.create_agent(agent(platform=platform))
    async with RawClient(server.socket_of(agent_id), checked=False) as client:
        await client.send({"type": "conversation_initiation_client_data"})
        assert await client.closed() == (1002, "The pre-call webhook failed.")
    assert receiver.next().path == "/who"
    data = verified(receiver.next(), secret)["data"]
    assert data["failure_reason"] == "unknown" and data["metadata"]["type"] == "web"
    assert data["metadata"]["body"]["close_code"] == 1002
    assert "expected status 200, got 404" in data["metadata"]["body"]["error_reason"]


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b'{"dynamic_variables": {"name": {"x": 1}}}', "dynamic_variables: Dynamic variable 'name': expected a string"),
        (b'{"dynamic_variables": {"system__x": "1"}}', "dynamic_variables: Dynamic variable 'system__x' is reserved"),
        (b'{"user_id": 17}', "user_id: Input should be a valid string"),
        (b'{"conversation_config_override": {"agent": {"first_message": 5}}}', "agent.first_message: Input should be"),
    ],
)
async def test_a_refusal_says_what_is_wrong_with_the_answer(
    server: ServerProcess, receiver: Receiver, answer: bytes, told: str
) -> None:
    receiver.answer = answer
    platform = asking(receiver.url, x_channels=["web"], x_on_failure="reject")
    async with RawClient(server.socket_of(server.create_agent(agent(platform=platform))), checked=False) as client:
        await client.send({"type": "conversation_initiation_client_data"})
        code, reason = await client.closed()
    assert code == 1002 and reason.startswith("The pre-call webhook failed: ") and told in reason


async def test_it_may_override_only_what_the_agent_allows(server: ServerProcess, receiver: Receiver) -> None:
    receiver.answer = json.dumps({"conversation_config_override": {"agent": {"first_message": "Mine!"}}}).encode()
    agent_id = server.create_agent(agent(platform=asking(receiver.url, allowed=False, x_channels=["web"])))
    async with RawClient(server.socket_of(agent_id), checked=False) as client:
        await client.send({"type": "conversation_initiation_client_data"})
        code, reason = await client.closed()
    assert code == 1008 and "first_message" in reason


async def test_a_channel_that_did_not_ask_for_it_is_told_why(server: ServerProcess, receiver: Receiver) -> None:
    conversation_id = await talks(server, server.create_agent(agent(platform=asking(receiver.url))))
    told = server.ended_record(conversation_id)["metadata"]["x_pre_call_webhook"]
    assert told == {"result": "not_asked", "reason": "channel_not_enabled"}
    assert receiver.requests == []
