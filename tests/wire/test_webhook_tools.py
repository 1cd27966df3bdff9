"""Tools that the server runs, in conversations of the official Python SDK: what the service is asked, what the agent
makes of it, what the record keeps."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import httpx2 as httpx
import pytest
from elevenlabs.conversational_ai.conversation import ConversationInitiationData
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from tests.wire.servers import ServerProcess, agent
from tests.wire.tap import Tap
from tests.wire.test_python_sdk import Caller


def text(**more: Any) -> dict[str, Any]:
    return {"type": "string", **more}


def webhook_tool(name: str, url: str, method: str = "GET", **more: Any) -> dict[str, Any]:
    schema = {"url": url, "method": method, **more.pop("schema", {})}
    return {"type": "webhook", "name": name, "description": f"The tool {name}", "api_schema": schema, **more}


def calling(tool: dict[str, Any], then: str = "It said: {{result}}", **arguments: Any) -> dict[str, Any]:
    """An agent that calls the tool, whatever it is told."""
    call = {"tool": tool["name"], "arguments": arguments}
    return agent({"when": "*", "call": call, "then": then, "otherwise": "It failed: {{result}}"}, tools=[tool])


def results(record: dict[str, Any]) -> list[dict[str, Any]]:
    return [result for turn in record["transcript"] for result in turn.get("tool_results") or ()]


def calls(record: dict[str, Any]) -> list[dict[str, Any]]:
    return [call for turn in record["transcript"] for call in turn.get("tool_calls") or ()]


def asked(parola: ServerProcess, tap: Tap, document: dict[str, Any], **variables: Any) -> tuple[str, dict[str, Any]]:
    """What the agent answers to "Go", and the record."""
    data = ConversationInitiationData(dynamic_variables=variables) if variables else None
    with Caller(tap, parola.create_agent(document), config=data) as caller:
        caller.began()
        answer = caller.asks("Go")
        conversation_id = caller.hangs_up()
    return answer, parola.ended_record(conversation_id)


@pytest.fixture(scope="session")
def denying(scripted_speech: list[str]) -> Iterator[ServerProcess]:
    """A server whose agents may not name private addresses."""
    with ServerProcess("--ephemeral", *scripted_speech, environment={"PAROLA_OUTBOUND_PRIVATE": "deny"}) as server:
        yield server


# -- the request ------------------------------------------------------------------------------------------------------


def test_a_request_is_made_of_every_kind_of_parameter(parola: ServerProcess, tap: Tap, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/agents/x/book").respond_with_json({"slot": "ten", "id": 7})
    secret = parola.http.post("/v1/convai/secrets", json={"type": "new", "name": "crm", "value": "Bearer hush"}).json()
    tool = webhook_tool(
        "book",
        httpserver.url_for("/agents/{who}/book") + "?v=2",
        "POST",
        schema={
            "path_params_schema": {"who": text(description="who")},
            "query_params_schema": {"properties": {"day": text(description="day"), "lang": text(constant_value="en")}},
            "request_headers": {
                "X-Conversation": {"variable_name": "system__conversation_id"},
                "Authorization": {"secret_id": secret["secret_id"]},
                "X-Tenant": "{{tenant}}",
            },
            "request_body_schema": {
                "type": "object",
                "required": ["guests"],
                "properties": {
                    "guests": {"type": "integer", "description": "how many"},
                    "agent": text(dynamic_variable="system__agent_id"),
                    "cart": {"type": "array", "items": text(), "dynamic_variable": "cart"},
                    "source": text(constant_value="voice"),
                    "hidden": text(is_omitted=True),
                },
            },
        },
    )
    document = calling(tool, "Booked at {{result.slot}}.", who="x", day="a&b", guests=4)
    answer, record = asked(parola, tap, document, tenant="acme", cart='["soup", "bread"]')
    assert answer == "Booked at ten."
    request: Request = httpserver.log[0][0]
    assert dict(request.args) == {"v": "2", "day": "a&b", "lang": "en"}
    assert request.json == {
        "guests": 4,
        "agent": record["agent_id"],
        "cart": ["soup", "bread"],
        "source": "voice",
    }
    headers = request.headers
    assert (headers["Authorization"], headers["X-Tenant"]) == ("Bearer hush", "acme")
    assert headers["X-Conversation"] == headers["X-Conversation-Id"] == record["conversation_id"]
    assert headers["X-Agent-Id"] == record["agent_id"]
    [result], [call] = results(record), calls(record)
    assert headers["X-Tool-Call-Id"] == result["request_id"] == call["request_id"]
    assert (result["is_error"], result["type"]) == (False, "webhook") and "ten" in result["result_value"]
    details = call["tool_details"]
    assert details["type"] == "webhook" and details["method"] == "POST" and details["path_params"] == {"who": "x"}
    assert details["headers"]["Authorization"] == "<REDACTED>" and "hush" not in str(record)


def test_a_tool_of_the_registry_works_like_one_of_the_agents_own(
    parola: ServerProcess, tap: Tap, httpserver: HTTPServer
) -> None:
    httpserver.expect_request("/x").respond_with_data("sunny")
    tool = webhook_tool("weather", httpserver.url_for("/x"))
    tool_id = parola.http.post("/v1/convai/tools", json={"tool_config": tool}).json()["id"]
    document = calling(tool)
    document["conversation_config"]["agent"]["prompt"] |= {"tools": [], "tool_ids": [tool_id]}
    assert asked(parola, tap, document)[0] == "It said: sunny"


# -- the answer -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "content_type", "heard"),
    [
        ('{"a": ', "application/json", 'It said: {"a":'),
        ("<html><p>Closed</p></html>", "text/html", "It said: <html><p>Closed</p></html>"),
        ("", "text/plain", "It said: The tool succeeded and answered nothing."),
    ],
)
def test_what_is_not_json_is_text(
    parola: ServerProcess, tap: Tap, httpserver: HTTPServer, body: str, content_type: str, heard: str
) -> None:
    httpserver.expect_request("/x").respond_with_data(body, content_type=content_type)
    answer, record = asked(parola, tap, calling(webhook_tool("look", httpserver.url_for("/x"))))
    assert answer.startswith(heard) and results(record)[0]["is_error"] is False


def test_a_filter_keeps_from_the_model_what_it_need_not_know(
    parola: ServerProcess, tap: Tap, httpserver: HTTPServer
) -> None:
    httpserver.expect_request("/x").respond_with_json({"status": "paid", "card": {"number": "4111"}})
    only = {"response_filter": {"mode": "allow", "filters": ["status"]}}
    answer, record = asked(parola, tap, calling(webhook_tool("look", httpserver.url_for("/x"), schema=only)))
    assert answer == "It said: status paid" and results(record)[0]["result_value"] == '{"status":"paid"}'
    assert "4111" not in str(record)


def test_a_tool_that_fails_is_an_error_in_the_record_and_the_call_goes_on(
    parola: ServerProcess, tap: Tap, httpserver: HTTPServer
) -> None:
    httpserver.expect_request("/x").respond_with_data("the till is on fire", 500)
    document = calling(webhook_tool("look", httpserver.url_for("/x")))
    with Caller(tap, parola.create_agent(document)) as caller:
        caller.began()
        assert caller.asks("Go").startswith("It failed:")
        assert caller.asks("Again").startswith("It failed:")
        record = parola.ended_record(caller.hangs_up())
    [first, _] = results(record)
    assert first["is_error"] is True and first["error_type"] == "external_server"
    assert "answered 500: the till is on fire" in first["raw_error_message"]


def test_a_service_that_does_not_answer_in_time_is_given_up(
    parola: ServerProcess, tap: Tap, httpserver: HTTPServer
) -> None:
    """What it answers later is nobody's any more; the request is closed."""
    release = threading.Event()
    httpserver.expect_request("/x").respond_with_handler(lambda _: Response("late" if release.wait(20) else "never"))
    tool = webhook_tool("slow", httpserver.url_for("/x"), "POST", response_timeout_secs=5)
    try:
        answer, record = asked(parola, tap, calling(tool))
    finally:
        release.set()
    assert answer.startswith("It failed:")
    [result] = results(record)
    assert result["is_error"] is True and result["error_type"] == "timeout"
    assert "5 s" in result["result_value"] + result["raw_error_message"] and result["tool_latency_secs"] >= 5
    [call] = [call for turn in record["transcript"] for call in turn["tool_calls"]]
    assert (call["tool_details"]["method"], call["tool_details"]["url"]) == ("POST", httpserver.url_for("/x"))


def test_a_tool_in_the_background_that_answers_after_the_call_is_in_the_record(
    parola: ServerProcess, tap: Tap, httpserver: HTTPServer
) -> None:
    release = threading.Event()
    httpserver.expect_request("/x").respond_with_handler(lambda _: Response("booked" if release.wait(20) else "never"))
    tool = webhook_tool("slow", httpserver.url_for("/x"), "POST", execution_mode="async")
    try:
        _, record = asked(parola, tap, calling(tool))
        assert [result["error_type"] for result in results(record)] == ["not_answered"]
    finally:
        release.set()
    conversation_id = record["conversation_id"]
    for _ in range(100):
        record = parola.http.get(f"/v1/convai/conversations/{conversation_id}").json()
        if results(record)[0]["result_value"] == "booked":
            break
        threading.Event().wait(0.05)
    [result] = results(record)
    assert (result["result_value"], result["is_error"]) == ("booked", False) and record["status"] in (
        "done",
        "processing",
    )


# -- addresses --------------------------------------------------------------------------------------------------------


def test_a_redirect_to_a_metadata_service_is_not_followed(
    parola: ServerProcess, tap: Tap, httpserver: HTTPServer
) -> None:
    there = "http://169.254.169.254/latest/meta-data/"
    httpserver.expect_request("/x").respond_with_data("", 302, headers={"Location": there})
    tool = webhook_tool("look", httpserver.url_for("/x"), follow_redirects=True)
    _, record = asked(parola, tap, calling(tool))
    [result] = results(record)
    assert result["error_type"] == "address_refused" and "169.254.169.254" in result["raw_error_message"]


def test_an_agent_cannot_send_a_denying_server_into_its_own_network(
    denying: ServerProcess, tapped: Any, httpserver: HTTPServer
) -> None:
    """Neither by a tool nor by a model of its own."""
    httpserver.expect_request("/x").respond_with_data("secret")
    document = calling(webhook_tool("look", httpserver.url_for("/x")))
    _, record = asked(denying, tapped(denying), document)
    [result] = results(record)
    assert result["error_type"] == "address_refused" and result["tool_has_been_called"] is False
    document = agent()
    document["conversation_config"]["agent"]["prompt"] = {
        "prompt": "Hi",
        "llm": "custom-llm",
        "custom_llm": {"url": httpserver.url_for("/v1")},
    }
    with Caller(tapped(denying), denying.create_agent(document)) as caller:
        caller.began()
        caller.conversation.send_user_message("Hi")
        caller.hears("disconnect")
        record = denying.ended_record(caller.hangs_up())
    assert "outbound_allow" in str(record["metadata"]["error"])
    assert not httpserver.log


# -- late results, dry runs -------------------------------------------------------------------------------------------


def test_a_long_job_leaves_its_result_at_the_callback_address(
    parola: ServerProcess, tap: Tap, httpserver: HTTPServer
) -> None:
    """After the call's end the address is gone; a forged one never was."""
    addresses: list[str] = []
    is_asked = threading.Event()

    def begin(request: Request) -> Response:
        addresses.append(request.headers["X-Callback-Url"])
        is_asked.set()
        return Response('{"status": "pending"}', 202, content_type="application/json")

    httpserver.expect_request("/x").respond_with_handler(begin)
    document = calling(webhook_tool("job", httpserver.url_for("/x"), "POST"), "Booked: {{result.number}}.")
    with Caller(tap, parola.create_agent(document)) as caller, httpx.Client(trust_env=False) as service:
        caller.began()
        caller.conversation.send_user_message("Go")
        assert is_asked.wait(10)
        assert service.post(addresses[0], json={"number": 7}).json() == {"status": "ok"}
        assert caller.hears("response") == "Booked: 7."
        again = service.post(addresses[0], json={"number": 8})
        assert again.status_code == 410 and "nobody waits" in again.json()["detail"]["message"]
        forged = addresses[0][:-1] + ("0" if addresses[0][-1] != "0" else "1")
        assert service.post(forged, json={}).status_code == 404
        is_asked.clear()
        caller.conversation.send_user_message("Once more")
        assert is_asked.wait(10)
        parola.ended_record(caller.hangs_up())
        assert service.post(addresses[1], json={"number": 9}).status_code == 410


def test_a_callback_may_bring_a_failure(parola: ServerProcess, tap: Tap, httpserver: HTTPServer) -> None:
    def fail(request: Request) -> Response:
        problem = {"is_error": True, "error": "no table is free"}
        threading.Thread(
            target=lambda: httpx.post(request.headers["X-Callback-Url"], json=problem, trust_env=False)
        ).start()
        return Response('{"status": "pending"}', 202, content_type="application/json")

    httpserver.expect_request("/x").respond_with_handler(fail)
    answer, record = asked(parola, tap, calling(webhook_tool("job", httpserver.url_for("/x"), "POST")))
    assert answer.startswith("It failed:") and "no table is free" in results(record)[0]["raw_error_message"]


def test_a_tool_can_be_tried_without_a_conversation(parola: ServerProcess, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/orders/A-9").respond_with_json({"eta": "Friday"})
    tool = webhook_tool(
        "order",
        httpserver.url_for("/orders/{order}"),
        schema={
            "path_params_schema": {"order": text(description="number")},
            "request_headers": {"X-Who": {"variable_name": "who"}, "X-Conversation": "{{system__conversation_id}}"},
        },
        dynamic_variables={"dynamic_variable_placeholders": {"who": "nobody"}},
    )
    tool_id = parola.http.post("/v1/convai/tools", json={"tool_config": tool}).json()["id"]
    path = f"/v1/x/tools/{tool_id}/invoke"
    tried = parola.http.post(path, json={"arguments": {"order": "A-9", "x": 1}, "conversation_id": "conv_1"}).json()
    assert (tried["is_error"], tried["status_code"], tried["response"]) == (False, 200, {"eta": "Friday"})
    assert tried["request"]["url"] == httpserver.url_for("/orders/A-9") and tried["latency_secs"] >= 0
    assert (
        tried["request"]["headers"]["X-Who"] == "nobody" and tried["request"]["headers"]["X-Conversation"] == "conv_1"
    )
    assert "x is no parameter" in tried["warnings"][0]
    refused = parola.http.post(path, json={}).json()
    assert refused["tool_has_been_called"] is False and '"order" is missing' in refused["result"]
    assert len(httpserver.log) == 1
    assert parola.http.post("/v1/x/tools/tool_9/invoke", json={}).status_code == 404
