"""Values that are secret, put in by every door; then looked for wherever they must not be.

Looked through are the bytes of the data folder (database, journal, recordings, event logs), the log at its most
talkative, every answer of the REST API that shows something, the body of every error, the metrics, and what a webhook
was told. A value counts as found in the open, as base64, and escaped as in JSON or an address.
"""

from __future__ import annotations

import asyncio
import base64
import secrets
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests.webhooks.receiver import Receiver
from tests.wire.frames import RawClient
from tests.wire.servers import ServerProcess, agent

TEXT_ONLY = {"conversation_config_override": {"conversation": {"text_only": True}}}

LISTS = (
    "/v1/convai/agents",
    "/v1/convai/conversations",
    "/v1/convai/secrets",
    "/v1/convai/settings",
    "/v1/convai/tools",
    "/v1/workspace/webhooks",
    "/v1/x/api-keys",
    "/v1/x/audit-log",
    "/v1/x/auth-connections",
    "/v1/x/limits",
    "/v1/x/signed-urls",
    "/v1/x/webhook-deliveries",
    "/v1/user",
    "/v1/user/subscription",
    "/metrics",
    "/health",
    "/openapi.json",
)
"""Answers that show what there is. Some need not exist: their refusals are looked through all the same."""


@dataclass
class Canaries:
    """Secret values by what they are; where each was found."""

    values: dict[str, str] = field(default_factory=dict)
    looked_at: int = 0
    """Bytes."""
    found: list[str] = field(default_factory=list)

    def new(self, what: str) -> str:
        """A value of one's own choosing."""
        value = f"canary{secrets.token_hex(16)}"
        self.values[what] = value
        return value

    def look(self, where: str, data: bytes, *, allowed: str = "") -> None:
        """``allowed`` is the one that may stand there."""
        self.looked_at += len(data)
        for what, value in self.values.items():
            if what != allowed and any(one in data for one in _spellings(value)):
                self.found.append(f"{what} in {where}")


def _spellings(value: str) -> Iterator[bytes]:
    yield value.encode()
    yield quote(value, safe="").encode()
    for shift in range(3):
        yield base64.b64encode(b" " * shift + value.encode())[4:-4]


async def run() -> Canaries:
    """One server, one conversation that uses everything secret, some refusals; what was found."""
    canaries = Canaries()
    with tempfile.TemporaryDirectory(prefix="parola-canaries-") as folder, Receiver() as receiver:
        data = Path(folder) / "data"
        model_key = canaries.new("the key of a model")
        environment = {
            "PAROLA_LOG_LEVEL": "debug",
            "PAROLA_LLM_BASE_URL": receiver.url,
            "PAROLA_LLM_API_KEY": model_key,
            "PAROLA_OUTBOUND_PRIVATE": "allow",
            "PAROLA_AUTH": "required",
            "PAROLA_ANALYSIS": "auto",
        }
        key = await asyncio.to_thread(_first_key, data)
        canaries.values["an API key"] = key
        with ServerProcess("--data", str(data), environment=environment) as server:
            server.http.headers["xi-api-key"] = key
            await _use_everything(server, receiver, canaries)
            await asyncio.to_thread(_look_at_answers, server, canaries)
            told = b"\n".join(one.body for one in receiver.requests if one.path == "/hook")
            canaries.look("what a webhook was told", told)
            canaries.look("the log", server.log.encode())
            for file in data.rglob("*"):
                if file.is_file():
                    canaries.look(f"{file.relative_to(data)}, while it ran", file.read_bytes())
            server.stop()
            canaries.look("the log", server.log.encode())
        for file in data.rglob("*"):
            if file.is_file():
                canaries.look(str(file.relative_to(data)), file.read_bytes())
    return canaries


def _first_key(data: Path) -> str:
    import subprocess

    from tests.wire.servers import COMMAND

    made = subprocess.run(
        [*COMMAND, "keys", "create", "soak", "--data", str(data)], capture_output=True, text=True, check=True
    )
    return next(word for word in made.stdout.split() if word.startswith("pk_"))


async def _use_everything(server: ServerProcess, receiver: Receiver, canaries: Canaries) -> None:
    """Put secrets in, and have a conversation and its webhook use them."""
    post = server.http.post
    kept = {"type": "new", "name": "crm", "value": canaries.new("a secret")}
    secret_id = _done(post("/v1/convai/secrets", json=kept))["secret_id"]
    hidden = {"auth_type": "hmac", "name": "hook", "webhook_url": f"{receiver.url}/hook"}
    hook = _done(post("/v1/workspace/webhooks", json={"settings": hidden}))
    canaries.values["the secret of a webhook"] = hook["webhook_secret"]
    chosen = {"webhooks": {"post_call_webhook_id": hook["webhook_id"], "events": ["transcript"]}}
    _done(server.http.patch("/v1/convai/settings", json=chosen))
    token = canaries.new("the token of an auth connection")
    bearer = {"auth_type": "bearer_auth", "name": "shop", "provider": "shop", "token": token}
    connection = _done(post("/v1/x/auth-connections", json=bearer))
    made = _done(post("/v1/x/api-keys", json={"name": "another", "scopes": ["agents:read"]}))
    canaries.values["another API key"] = made["api_key"]
    order = {
        "type": "webhook",
        "name": "order",
        "description": "Orders",
        "api_schema": {
            "url": f"{receiver.url}/order",
            "method": "POST",
            "request_body_schema": {"type": "object", "properties": {}},
            "auth_connection": {"auth_connection_id": connection["auth_connection_id"]},
            "request_headers": {"X-Crm": {"secret_id": secret_id}, "X-Own": {"variable_name": "secret__token"}},
        },
    }
    rule = {"when": "order", "call": {"tool": "order"}, "then": "Done"}
    platform = {"auth": {"enable_auth": True}, "analysis_llm": "gpt-4o"}
    document = agent(rule, tools=[order], platform=platform)
    document["conversation_config"]["agent"]["prompt"]["llm"] = "x-script"
    agent_id = server.create_agent(document)
    signed = _done(server.http.get("/v1/convai/conversation/get-signed-url", params={"agent_id": agent_id}))
    url = signed["signed_url"]
    canaries.values["the signature of a URL"] = url.partition("conversation_signature=")[2].split("&")[0]
    terms = {"agent_id": agent_id, "dynamic_variables": {"secret__bound": canaries.new("a variable that a URL binds")}}
    _done(post("/v1/x/signed-urls", json=terms))
    variables = {"secret__token": canaries.new("a secret__ variable")}
    async with RawClient(url) as client:
        conversation_id = (await client.begin(**TEXT_ONLY, dynamic_variables=variables))["conversation_id"]
        await client.answer("An order, please")
    sent = await asyncio.to_thread(_sent_to, receiver, "/order")
    for what, name in (("a secret", "x-crm"), ("a secret__ variable", "x-own")):
        assert canaries.values[what] in sent[name], f"{what} was not used: it could not have leaked"
    assert token in sent["authorization"], "the auth connection was not used"
    await asyncio.to_thread(server.ended_record, conversation_id, 30)
    asked = await asyncio.to_thread(_sent_to, receiver, "/chat/completions")
    assert canaries.values["the key of a model"] in asked["authorization"], "the model was not asked"
    await asyncio.to_thread(_sent_to, receiver, "/hook")


def _sent_to(receiver: Receiver, path: str) -> Mapping[str, str]:
    """The headers of the first request there; waits for it."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        for one in list(receiver.requests):
            if one.path == path:
                return one.headers
        time.sleep(0.02)
    raise AssertionError(f"nothing came to {path}")


def _look_at_answers(server: ServerProcess, canaries: Canaries) -> None:
    """All that the API shows, and refusals that were handed a secret."""
    get = server.http.get
    for path in LISTS:
        canaries.look(path, get(path).content)
    for one in get("/v1/convai/conversations").json()["conversations"]:
        where = f"/v1/convai/conversations/{one['conversation_id']}"
        canaries.look(where, get(where).content)
        canaries.look("the events", get(f"/v1/x/conversations/{one['conversation_id']}/events").content)
        canaries.look("why", get(f"/v1/x/conversations/{one['conversation_id']}/why").content)
    for one in get("/v1/convai/agents").json()["agents"]:
        canaries.look("an agent", get(f"/v1/convai/agents/{one['agent_id']}").content)
        canaries.look("what lint says", get(f"/v1/x/agents/{one['agent_id']}/lint").content)
    for one in get("/v1/x/webhook-deliveries").json()["deliveries"]:
        canaries.look("a delivery", get(f"/v1/x/webhook-deliveries/{one['delivery_id']}").content)
    wrong = canaries.new("a wrong API key")
    canaries.look("a refusal of a key", get("/v1/convai/agents", headers={"xi-api-key": wrong}).content)
    value = canaries.new("a secret that was refused")
    bodies: tuple[Any, ...] = (
        {"type": "new", "name": "x" * 5000, "value": value},
        {"type": "old", "name": "x", "value": value},
        {"type": "new", "name": ["x"], "value": value},
        {"type": "new", "name": "x", "value": {"a": value}},
    )
    for body in bodies:
        canaries.look("a refusal of a secret", server.http.post("/v1/convai/secrets", json=body).content)


def _done(answer: Any) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document
