"""What docs/webhooks.md shows works as it says, and its figures are those of the code."""

from __future__ import annotations

import asyncio
import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from parola.config import Settings
from parola.protocol.client_messages import ConversationInitiationClientData
from parola.protocol.webhooks import ConvAiSettingsUpdate, PreCallWebhook, RotationRequest
from parola.terminal.webhooks import verdict
from parola.webhooks import circuit, pre_call, retry
from parola.webhooks.announcing import subscriptions
from parola.webhooks.pre_call import laid_over
from parola.webhooks.samples import SAMPLES
from parola.webhooks.signing import signed
from tests.docs.snippets import block, blocks, curl
from tests.wire.frames import RawClient
from tests.wire.servers import COMMAND, ServerProcess, agent, free_port

DOCUMENT = (Path(__file__).parents[2] / "docs" / "webhooks.md").read_text(encoding="utf-8")

HERE = "http://127.0.0.1:8400"


@pytest.fixture(scope="module")
def server() -> Iterator[ServerProcess]:
    with ServerProcess("--ephemeral") as server:
        yield server


def configured(server: ServerProcess, port: int) -> tuple[str, str]:
    """The endpoint of the document, on this port, and its secret."""
    creating, settings = (command.replace(HERE, server.url) for command in blocks("webhooks.md", "sh", 2))
    (webhook,) = curl(creating.replace("8500", str(port)))
    curl(settings.replace("webhook_…", webhook["webhook_id"]))
    return webhook["webhook_id"], webhook["webhook_secret"]


def talked(server: ServerProcess) -> str:
    async def talk() -> str:
        async with RawClient(server.socket_of(server.create_agent(agent()))) as caller:
            begun = await caller.begin(conversation_config_override={"conversation": {"text_only": True}})
            await caller.answer("Hello")
            return str(begun["conversation_id"])

    return asyncio.run(talk())


def parola(server: ServerProcess, *arguments: str) -> str:
    """What a command prints."""
    return subprocess.run(
        [*COMMAND, "webhooks", *arguments, "--url", server.url], capture_output=True, text=True, timeout=60, check=True
    ).stdout


def test_the_receiver_prints_what_it_has_verified(server: ServerProcess, tmp_path: Path) -> None:
    port = free_port()
    _, secret = configured(server, port)
    file = tmp_path / "receiver.py"
    source = block("webhooks.md", "python")
    file.write_text(source.replace("8500", str(port)), encoding="utf-8")
    environment = {**os.environ, "WEBHOOK_SECRET": secret}
    with subprocess.Popen([sys.executable, str(file)], env=environment, stdout=subprocess.PIPE, text=True) as receiver:
        try:
            with socket.socket() as probe:
                while probe.connect_ex(("127.0.0.1", port)):
                    assert receiver.poll() is None
            conversation_id = talked(server)
            assert receiver.stdout is not None
            assert receiver.stdout.readline().split() == ["post_call_transcription", conversation_id]
        finally:
            receiver.terminate()


def test_the_terminal_listens_lists_tests_and_replays(server: ServerProcess) -> None:
    port = free_port()
    webhook_id, secret = configured(server, port)
    listen = [*COMMAND, "webhooks", "listen", "--port", str(port), "--secret", secret, "--count", "6"]
    with subprocess.Popen(listen, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as listener:
        assert listener.stdout is not None and listener.stderr is not None
        assert f"http://127.0.0.1:{port}/" in listener.stderr.readline()
        conversation_id = talked(server)
        line = f"post_call_transcription {conversation_id} attempt 1: verified\n"
        assert listener.stdout.readline() == line
        tested = parola(server, "test", webhook_id)
        assert [row.split()[1] for row in tested.splitlines()[1:]] == ["ok"] * 4
        assert {listener.stdout.readline().split()[0] for _ in range(4)} == set(SAMPLES)

        while "delivered" not in (shown := parola(server, "deliveries", "--conversation", conversation_id)):
            pass
        told = {row.split()[3]: row.split()[5:7] for row in shown.splitlines()[1:]}
        assert told == {"post_call_transcription": ["delivered", "ok"], "post_call_audio": ["skipped", "no_audio"]}
        delivery = next(row.split()[0] for row in shown.splitlines() if "delivered" in row)
        parola(server, "replay", delivery)
        assert listener.stdout.readline() == line.replace("attempt 1", "attempt 2")
        assert listener.wait(30) == 0
    shown = parola(server, "list")
    assert webhook_id in shown and "works" in shown and "ConvAI Settings" in shown


def test_a_signature_that_is_wrong_is_told() -> None:
    body = b"{}"
    right = signed([body], "evt_1", 1000, "wsec_a")["ElevenLabs-Signature"]
    assert verdict(body, right, "wsec_a", 1000) == "verified"
    assert "another secret" in verdict(body, right, "wsec_b", 1000)
    assert "1801 seconds" in verdict(body, right, "wsec_a", 2801)
    assert verdict(body, None, "wsec_a", 1000) == "NOT SIGNED"
    assert "expected t=" in verdict(body, "v0=1", "wsec_a", 1000)


def test_the_examples_are_what_the_server_takes() -> None:
    endpoints, asked, answer = map(json.loads, blocks("webhooks.md", "json", 3))
    ConvAiSettingsUpdate.model_validate(endpoints)
    assert len(subscriptions(endpoints, None)) == 2
    webhook = PreCallWebhook.model_validate(asked["conversation_initiation_client_data_webhook"])
    assert (webhook.x_channels, webhook.x_timeout_secs) == (["phone", "web"], 5)
    assert laid_over(ConversationInitiationClientData(), answer).user_id == "u-ada"


def test_the_figures_are_those_of_the_code() -> None:
    assert Settings().webhook_timeout_seconds == 30
    assert (*retry.PAUSES_SECONDS, retry.THEN_SECONDS) == (30, 120, 480, 1800, 3600)
    assert (retry.GIVE_UP_SECONDS, retry.JITTER, retry.LONGEST_ASKED_SECONDS) == (72 * 3600, 0.1, 3600)
    assert (circuit.OPENS_AFTER, circuit.FIRST_PAUSE_SECONDS, circuit.LONGEST_PAUSE_SECONDS) == (5, 30, 600)
    assert RotationRequest().overlap_secs == 86_400 and pre_call.MOST_BYTES == 256 * 1024
    assert PreCallWebhook(url="https://x.example").x_channels == ["phone"]
    kinds = set(re.findall(r"`(post_call_\w+|call_initiation_failure)`", DOCUMENT))
    assert set(SAMPLES) <= kinds
