"""A webhook tool against a real HTTP server: attempts, redirects, floods, connections that break, late results."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
import zlib
from base64 import urlsafe_b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs

import orjson
import pytest
from elevenlabs.webhooks_custom import WebhooksClient
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from parola.api.credentials import Vault
from parola.config import Settings
from parola.conversation import webhook_tool
from parola.conversation.actions import RunTool
from parola.conversation.tools import Tool
from parola.outbound.guard import Guard
from parola.outbound.http import Connections
from parola.protocol.auth_connections import KIND, SECRET_FIELDS
from parola.store.base import DocumentRow
from parola.store.memory import MemoryStore
from parola.tools import webhook
from parola.tools.auth import sealed
from parola.tools.context import ToolContext
from parola.tools.identity import Identity
from parola.tools.response import MOST_READ_BYTES, called_back
from parola.tools.signing import signature
from parola.tools.webhook import Outcome, WebhookTools

SECRET = b"k" * 32


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook, "PAUSES_SECONDS", (0.0, 0.0))


class Process:
    """What a process has for its tools."""

    def __init__(self, guard: Guard | None = None, **settings: Any) -> None:
        self.store, self.vault = MemoryStore(), Vault(SECRET)
        self.connections = Connections(guard or Guard(allows_local=True))
        self.context = ToolContext(
            Settings(ephemeral=True, **settings), self.store, self.vault, lambda: self.connections, SECRET
        )

    async def connect(self, connection_id: str, **settings: Any) -> None:
        """Keep an auth connection."""
        document = sealed({"name": "c", **settings}, self.vault.seal, SECRET_FIELDS)
        await self.store.documents.put(DocumentRow(connection_id, KIND, "c", document, 0.0, 0.0))

    async def call(self, config: dict[str, Any], **arguments: Any) -> Outcome:
        tool = Tool(webhook_tool.definition("t", "", config["api_schema"]), "webhook", config=config)
        runner = WebhookTools(self.context, Identity("agent_1", "conv_1", "br_1", "staging"))
        return await runner.call(RunTool("call_1", tool, arguments, {}))


def call(config: dict[str, Any], process: Process | None = None, **arguments: Any) -> Outcome:
    async def run() -> Outcome:
        one = process or Process()
        try:
            return await one.call(config, **arguments)
        finally:
            await one.connections.aclose()

    return asyncio.run(run())


def tool(url: str, method: str = "GET", **more: Any) -> dict[str, Any]:
    schema = {"url": url, "method": method, **more.pop("schema", {})}
    return {"type": "webhook", "name": "t", "api_schema": schema, **more}


def answers(server: HTTPServer, *statuses: int) -> str:
    """An address that answers with these, one after the other."""
    waiting = list(statuses)
    server.expect_request("/x").respond_with_handler(lambda _: Response('{"n": 1}', waiting.pop(0)))
    return server.url_for("/x")


# -- attempts ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_what_may_be_asked_twice_is_asked_again_when_the_service_is_not_well(httpserver: HTTPServer, method: str):
    finished = call(tool(answers(httpserver, 503, 502, 200), method)).finished
    assert not finished.is_error and finished.response == {"n": 1}
    assert len(httpserver.log) == 3


def test_three_attempts_are_all_and_what_changes_things_is_asked_once(httpserver: HTTPServer) -> None:
    failed = call(tool(answers(httpserver, 504, 504, 504, 200))).finished
    assert failed.is_error and failed.error_type == "external_server" and "answered 504" in failed.raw_error
    httpserver.clear()
    call(tool(answers(httpserver, 503, 200), "POST"))
    assert len(httpserver.log) == 1


def test_other_failures_are_not_asked_again(httpserver: HTTPServer) -> None:
    failed = call(tool(answers(httpserver, 500, 200))).finished
    assert failed.is_error and len(httpserver.log) == 1
    httpserver.clear()
    refused = call(tool(answers(httpserver, 403, 200))).finished
    assert refused.error_type == "customer_auth" and len(httpserver.log) == 1


def test_a_service_that_is_not_there_is_an_error_that_says_so() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    finished = call(tool(f"http://127.0.0.1:{port}/")).finished
    assert finished.is_error and finished.is_called and "cannot be reached" in finished.raw_error
    unknown = call(tool("http://nobody.invalid/")).finished
    assert unknown.is_error and "nobody.invalid" in unknown.raw_error


# -- addresses --------------------------------------------------------------------------------------------------------


def test_a_redirect_is_an_error_unless_it_is_to_be_followed(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/x").respond_with_data("", 302, headers={"Location": "/y"})
    finished = call(tool(httpserver.url_for("/x"))).finished
    assert finished.is_error and "follow_redirects" in finished.raw_error and len(httpserver.log) == 1


def test_one_redirect_is_followed_as_a_get_without_the_headers_that_were_configured(httpserver: HTTPServer) -> None:
    headers = {"X-Key": "hush-hush"}
    httpserver.expect_request("/x").respond_with_data("", 307, headers={"Location": "/y?z=1"})
    httpserver.expect_request("/y").respond_with_data("moved")
    body = {"type": "object", "properties": {"a": {"type": "string", "description": "a"}}}
    config = tool(
        httpserver.url_for("/x"),
        "POST",
        schema={"request_headers": headers, "request_body_schema": body},
        follow_redirects=True,
    )
    assert call(config, a="1").finished.result == "moved"
    second = httpserver.log[1][0]
    assert (second.method, second.query_string, second.get_data()) == ("GET", b"z=1", b"")
    assert not {"X-Key", "X-Agent-Id", "X-Callback-Url", "X-Parola-Signature"} & set(second.headers.keys())


def test_a_second_redirect_is_not_followed(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/x").respond_with_data("", 302, headers={"Location": "/x"})
    assert call(tool(httpserver.url_for("/x"), follow_redirects=True)).finished.is_error
    assert len(httpserver.log) == 2


@pytest.mark.parametrize(
    "target",
    [
        "http://169.254.169.254/latest/meta-data/",
        "https://169.254.169.254/latest/meta-data/",
        "http://[fd00:ec2::254]/",
        "http://0251.0376.0251.0376/",
        "file:///etc/passwd",
        "gopher://127.0.0.1/",
    ],
)
def test_a_redirect_to_where_nobody_may_go_is_refused(httpserver: HTTPServer, target: str) -> None:
    """Even on a server that may ask its own network."""
    httpserver.expect_request("/x").respond_with_data("", 302, headers={"Location": target})
    finished = call(tool(httpserver.url_for("/x"), follow_redirects=True)).finished
    assert finished.is_error and finished.error_type == "address_refused"


def test_a_redirect_leads_only_to_domains_that_are_allowed() -> None:
    target = webhook.redirect_target
    assert target("https://a.example/x", "/y", ["a.example"]) == "https://a.example/y"
    assert target("https://a.example/x", "https://api.b.example/", ["b.example"]) == "https://api.b.example/"
    for location in ("https://evil.example/", "https://notb.example/", "http://b.example/"):
        with pytest.raises(webhook.AddressRefused):
            target("https://a.example/x", location, ["b.example"])


def test_a_private_address_is_not_asked_where_that_is_denied(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/x").respond_with_data("secret")
    for host in ("127.0.0.1", "localhost", "2130706433", "[::ffff:127.0.0.1]"):
        url = f"http://{host}:{httpserver.port}/x"
        finished = call(tool(url), Process(Guard())).finished
        assert finished.error_type == "address_refused" and "outbound_allow" in finished.raw_error, host
        assert not finished.is_called
    assert not httpserver.log


# -- answers ----------------------------------------------------------------------------------------------------------


class Flood:
    """A server that sends without end, and counts."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/"
        self.sent = 0
        self.stopped = threading.Event()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        peer, _ = self._listener.accept()
        peer.recv(65536)
        peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 1073741824\r\n\r\n")
        try:
            while self.sent < 1 << 30:
                self.sent += peer.send(b"x" * 65536)
        except OSError:
            pass
        self.stopped.set()


def test_a_flood_of_a_gigabyte_is_read_up_to_a_megabyte() -> None:
    flood = Flood()
    finished = call(tool(flood.url)).finished
    assert not finished.is_error and f"more than {MOST_READ_BYTES} bytes" in finished.result
    assert len(finished.result) <= 64 * 1024
    assert flood.stopped.wait(10) and flood.sent < 64 * MOST_READ_BYTES


@contextmanager
def saying(raw: bytes, asked: list[bytes] | None = None) -> Iterator[str]:
    """A server that answers every connection with these bytes and hangs up. ``asked`` gets what it read."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            try:
                while True:
                    peer, _ = listener.accept()
                    with peer:
                        read = peer.recv(65536)
                        if asked is not None:
                            asked.append(read)
                        peer.sendall(raw)
            except OSError:
                pass

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"


def test_a_compressed_answer_is_not_unpacked_beyond_what_is_read() -> None:
    packer = zlib.compressobj(wbits=31)
    packed = b"".join(packer.compress(bytes(1 << 20)) for _ in range(200)) + packer.flush()
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n"
    with saying(head % len(packed) + packed) as url:
        finished = call(tool(url, "POST")).finished
    assert f"more than {MOST_READ_BYTES} bytes" in finished.result


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"no http at all\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope",
    ],
)
def test_an_answer_that_is_no_http_is_a_failure_of_the_tool(raw: bytes) -> None:
    with saying(raw) as url:
        finished = call(tool(url, "POST")).finished
    assert finished.is_error and finished.error_type == "external_server" and finished.raw_error


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_a_service_that_hangs_up_without_an_answer_is_asked_once_for_what_changes_things(method: str) -> None:
    asked: list[bytes] = []
    with saying(b"", asked) as url:
        finished = call(tool(url, method)).finished
    assert finished.is_error and len(asked) == 1 and asked[0].startswith(method.encode())


def test_a_secret_that_comes_back_is_not_passed_on(httpserver: HTTPServer) -> None:
    async def run() -> Outcome:
        process = Process()
        await process.connect("auth_1", auth_type="bearer_auth", token="s3cr3t-t0ken")
        outcome = await process.call(tool(httpserver.url_for("/x"), schema=connected("auth_1")))
        await process.connections.aclose()
        return outcome

    httpserver.expect_request("/x").respond_with_handler(
        lambda request: Response(orjson.dumps(dict(request.headers)), content_type="application/json")
    )
    finished = asyncio.run(run()).finished
    assert httpserver.log[0][0].headers["Authorization"] == "Bearer s3cr3t-t0ken"
    assert "s3cr3t" not in finished.result + str(finished.details) + str(finished.response)
    token = httpserver.log[0][0].headers["X-Callback-Url"].rpartition("/")[2]
    assert token not in finished.result + str(finished.details)


# -- whose request it is ----------------------------------------------------------------------------------------------


def test_a_request_says_whose_it_is_and_the_official_helper_verifies_it(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/x").respond_with_data("ok")
    process = Process(public_url="https://voice.example.com/base/")
    body = {"type": "object", "properties": {"a": {"type": "string", "description": "a"}}}
    call(tool(httpserver.url_for("/x?y=1"), "POST", schema={"request_body_schema": body}), process, a="ü")
    request = httpserver.log[0][0]
    said = {name: value for name, value in request.headers.items() if name.startswith("X-")}
    header = said.pop("X-Parola-Signature")
    assert said.pop("X-Callback-Url").startswith("https://voice.example.com/base/v1/x/tool-callbacks/")
    assert said == {
        "X-Agent-Id": "agent_1",
        "X-Conversation-Id": "conv_1",
        "X-Tool-Call-Id": "call_1",
        "X-Branch-Id": "br_1",
        "X-Environment": "staging",
    }
    secret = process.context.signing_secret
    verified = WebhooksClient(client_wrapper=None).construct_event(request.get_data(as_text=True), header, secret)  # type: ignore[arg-type]
    assert verified == {"a": "ü"}
    at = int(header.split(",")[0].removeprefix("t="))
    assert abs(at - time.time()) < 60
    assert header == signature(secret, at, "POST", httpserver.url_for("/x?y=1"), said, request.get_data())
    assert header != signature(secret, at, "POST", httpserver.url_for("/x?y=2"), said, request.get_data())


def test_nothing_is_said_where_the_owner_wants_that(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/x").respond_with_data("ok")
    call(tool(httpserver.url_for("/x")), Process(tool_identity_headers=False))
    assert not [name for name in httpserver.log[0][0].headers.keys() if name.startswith("X-")]  # noqa: SIM118


# -- auth connections -------------------------------------------------------------------------------------------------


def connected(connection_id: str) -> dict[str, Any]:
    return {"auth_connection": {"auth_connection_id": connection_id}}


class TokenService:
    """Gives out numbered tokens; the service beside it takes only the newest."""

    def __init__(self, server: HTTPServer, **answer: Any) -> None:
        self.forms: list[dict[str, list[str]]] = []
        self.headers: list[dict[str, str]] = []
        self.given = 0
        self.taken = 1
        self._answer = answer
        server.expect_request("/token", method="POST").respond_with_handler(self._give)
        server.expect_request("/x").respond_with_handler(self._serve)
        self.url, self.x = server.url_for("/token"), server.url_for("/x")

    def _give(self, request: Request) -> Response:
        self.given += 1
        self.forms.append(parse_qs(request.get_data(as_text=True)))
        self.headers.append(dict(request.headers))
        return Response(orjson.dumps({"access_token": f"token-{self.given}", **self._answer}))

    def _serve(self, request: Request) -> Response:
        is_valid = request.headers.get("Authorization") == f"Bearer token-{self.taken}"
        return Response("served" if is_valid else "denied", 200 if is_valid else 401)


def test_a_token_is_asked_for_once_and_again_when_it_is_not_taken_any_more(httpserver: HTTPServer) -> None:
    service = TokenService(httpserver, expires_in=3600)

    async def run() -> list[str]:
        process = Process()
        await process.connect(
            "auth_1",
            auth_type="oauth2_client_credentials",
            client_id="me",
            client_secret="hush-hush",
            token_url=service.url,
            scopes=["a", "b"],
            extra_params={"audience": "crm"},
        )
        config = tool(service.x, "POST", schema=connected("auth_1"))
        results = [(await process.call(config)).finished.result for _ in range(2)]
        service.taken = 2
        results.append((await process.call(config)).finished.result)
        service.taken = 9
        results.append((await process.call(config)).finished.error_type)
        await process.connections.aclose()
        return results

    assert asyncio.run(run()) == ["served", "served", "served", "customer_auth"]
    assert service.given == 3
    assert service.forms[0] == {
        "grant_type": ["client_credentials"],
        "client_id": ["me"],
        "client_secret": ["hush-hush"],
        "audience": ["crm"],
        "scope": ["a b"],
    }


def test_a_token_is_renewed_before_it_expires(httpserver: HTTPServer) -> None:
    service = TokenService(httpserver, expires_in=20)  # less than the time it is renewed ahead

    async def run() -> None:
        process = Process()
        await process.connect(
            "a",
            auth_type="oauth2_client_credentials",
            client_id="me",
            client_secret="x",
            token_url=service.url,
            basic_auth_in_header=True,
        )
        for _ in range(2):
            service.taken = service.given + 1
            assert (await process.call(tool(service.x, schema=connected("a")))).finished.result == "served"
        await process.connections.aclose()

    asyncio.run(run())
    assert service.given == 2 and service.headers[0]["Authorization"] == "Basic bWU6eA=="


def test_a_jwt_is_exchanged_for_a_token(httpserver: HTTPServer) -> None:
    import hmac

    service = TokenService(httpserver)

    async def run() -> Outcome:
        process = Process()
        await process.connect(
            "a", auth_type="oauth2_jwt", secret_key="shared", issuer="me", audience="crm", token_url=service.url
        )
        outcome = await process.call(tool(service.x, schema=connected("a")))
        await process.connections.aclose()
        return outcome

    assert asyncio.run(run()).finished.result == "served"
    form = service.forms[0]
    assert form["grant_type"] == ["urn:ietf:params:oauth:grant-type:jwt-bearer"]
    header, claims, signed = form["assertion"][0].split(".")
    decoded = [orjson.loads(urlsafe_b64decode(part + "==")) for part in (header, claims)]
    assert decoded[0] == {"alg": "HS256", "typ": "JWT"}
    assert decoded[1]["exp"] - decoded[1]["iat"] == 3600 and (decoded[1]["iss"], decoded[1]["aud"]) == ("me", "crm")
    expected = hmac.digest(b"shared", f"{header}.{claims}".encode(), "sha256")
    assert urlsafe_b64decode(signed + "==") == expected


@pytest.mark.parametrize(
    ("settings", "header", "value"),
    [
        ({"auth_type": "basic_auth", "username": "me", "password": "x"}, "Authorization", "Basic bWU6eA=="),
        ({"auth_type": "bearer_auth", "token": "abc"}, "Authorization", "Bearer abc"),
        ({"auth_type": "custom_header_auth", "header_name": "X-Key", "token": "abc"}, "X-Key", "abc"),
    ],
)
def test_simple_connections_are_a_header(httpserver: HTTPServer, settings: dict[str, Any], header: str, value: str):
    httpserver.expect_request("/x").respond_with_data("ok")

    async def run() -> Outcome:
        process = Process()
        await process.connect("a", **settings)
        outcome = await process.call(tool(httpserver.url_for("/x"), schema=connected("a")))
        await process.connections.aclose()
        return outcome

    finished = asyncio.run(run()).finished
    assert httpserver.log[0][0].headers[header] == value
    assert finished.details is not None and finished.details["headers"][header] == "<REDACTED>"


@pytest.mark.parametrize(
    ("url", "why"),
    [("http://169.254.169.254/token", "address_refused"), ("http://127.0.0.1:1/token", "auth_connection_failed")],
)
def test_without_a_token_the_tool_is_not_called(httpserver: HTTPServer, url: str, why: str) -> None:
    async def run() -> Outcome:
        process = Process()
        await process.connect(
            "a", auth_type="oauth2_client_credentials", client_id="me", client_secret="x", token_url=url
        )
        outcome = await process.call(tool(httpserver.url_for("/x"), schema=connected("a")))
        await process.connections.aclose()
        return outcome

    finished = asyncio.run(run()).finished
    assert (finished.is_called, finished.error_type) == (False, why) and not httpserver.log


def test_a_connection_that_does_not_exist_is_named(httpserver: HTTPServer) -> None:
    finished = call(tool(httpserver.url_for("/x"), schema=connected("auth_9"))).finished
    assert "auth_9 does not exist" in finished.raw_error and not httpserver.log


# -- late results -----------------------------------------------------------------------------------------------------


def test_a_tool_that_takes_longer_leaves_its_result_at_the_callback_address(httpserver: HTTPServer) -> None:
    process = Process()
    tokens: list[str] = []
    loop = asyncio.new_event_loop()

    def later(request: Request) -> Response:
        token = request.headers["X-Callback-Url"].rpartition("/")[2]
        tokens.append(token)
        answer = called_back(b'{"booked": 7}', "application/json")
        loop.call_soon_threadsafe(process.context.callbacks.deliver, token, answer)
        return Response('{"status": "pending"}', 202, content_type="application/json")

    httpserver.expect_request("/x").respond_with_handler(later)

    async def run() -> Outcome:
        outcome = await process.call(tool(httpserver.url_for("/x"), "POST"))
        await process.connections.aclose()
        return outcome

    try:
        finished = loop.run_until_complete(run()).finished
    finally:
        loop.close()
    assert finished.response == {"booked": 7} and not finished.is_error
    with pytest.raises(Exception, match="nobody waits"):
        process.context.callbacks.deliver(tokens[0], called_back(b"again", ""))
    with pytest.raises(Exception, match="not given out by this server"):
        process.context.callbacks.deliver("forged.token", called_back(b"", ""))


def test_a_tool_that_takes_longer_may_be_asked_how_far_it_is(httpserver: HTTPServer, monkeypatch: Any) -> None:
    """Signed like the first request, at the tool's own address or at one that the tool names; headers stay at home."""
    monkeypatch.setattr("parola.tools.response.SHORTEST_POLL_SECONDS", 0.01)
    asked: list[Request] = []

    def job(request: Request) -> Response:
        asked.append(request)
        if len(asked) == 3:
            return Response('{"report": "sunny"}', content_type="application/json")
        later = {"status": "pending", "poll_after": 0.01, **({"poll_url": "/jobs/7"} if len(asked) == 2 else {})}
        return Response(orjson.dumps(later), 202, content_type="application/json")

    httpserver.expect_request("/job", method="POST").respond_with_handler(job)
    httpserver.expect_request("/job", method="GET").respond_with_handler(job)
    httpserver.expect_request("/jobs/7", method="GET").respond_with_handler(job)
    schema = {"request_headers": {"X-Key": "k"}, "request_body_schema": {"type": "object", "properties": {}}}
    process = Process()
    outcome = call(tool(httpserver.url_for("/job"), "POST", schema=schema), process)
    assert outcome.finished.result == '{"report": "sunny"}' and not outcome.finished.is_error
    assert [(one.method, one.path) for one in asked] == [("POST", "/job"), ("GET", "/job"), ("GET", "/jobs/7")]
    last = asked[-1]
    assert last.headers["X-Key"] == "k" and last.headers["X-Conversation-Id"] == "conv_1"
    signed = last.headers["X-Parola-Signature"]
    timestamp = int(signed.partition("t=")[2].partition(",")[0])
    assert signed == signature(
        process.context.signing_secret, timestamp, "GET", httpserver.url_for("/jobs/7"), dict(last.headers), None
    )
