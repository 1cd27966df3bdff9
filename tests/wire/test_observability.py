"""What a server tells of itself while clients talk to it: traces for a collector, numbers for Prometheus, logs; and
that none of it holds a word that was said, or a secret."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from elevenlabs.conversational_ai.conversation import ClientTools
from prometheus_client.parser import text_string_to_metric_families
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from tests.wire.collector import Collector, Seen
from tests.wire.frames import RawClient
from tests.wire.mcp_server import McpProcess, register
from tests.wire.servers import END_CALL, ServerProcess, agent, client_tool
from tests.wire.tap import Tap
from tests.wire.test_python_sdk import Caller
from tests.wire.test_turn_taking import VoiceCaller
from tests.wire.test_webhook_tools import text, webhook_tool

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
TRACEPARENT = f"00-{TRACE}-{SPAN}-01"

SERVER_KIND, CLIENT_KIND = 2, 3

FOUND_OUT = {"transcript_summary": "A call.", "call_summary_title": "A call"}


class House:
    """Services of the owner's: a language model that does as the user says, a tool, somebody who gets webhooks."""

    def __init__(self, server: HTTPServer) -> None:
        self.url = server.url_for("/v1")
        self.tool_url = server.url_for("/tool")
        self.hook_url = server.url_for("/hook")
        self.asked: list[tuple[str, str]] = []
        """(path, traceparent) of every request."""
        self.tool_answer = Response('{"eta": "Friday"}', content_type="application/json")
        server.expect_request("/v1/chat/completions").respond_with_handler(self._think)
        server.expect_request(re.compile("/tool.*")).respond_with_handler(self._tool)
        server.expect_request("/hook").respond_with_handler(self._hook)

    def _note(self, request: Request) -> None:
        self.asked.append((request.path, request.headers.get("traceparent", "")))

    def _think(self, request: Request) -> Response:
        self._note(request)
        asked = request.get_json()
        last = asked["messages"][-1]
        words = str(last["content"])
        delta: dict[str, Any] = {"content": f"So: {words[-40:]}"}
        if "response_format" in asked:
            delta = {"content": json.dumps(FOUND_OUT)}
        elif "fail" in words and last["role"] == "user":
            return Response(json.dumps({"error": {"message": f"I do not like {words}"}}), 400)
        elif last["role"] == "user" and (called := re.match(r"call (\w+) ?(.*)", words)):
            arguments = json.dumps({"order": called[2]})
            function = {"name": called[1], "arguments": arguments}
            delta = {"tool_calls": [{"index": 0, "id": "c1", "type": "function", "function": function}]}
        chunks: list[dict[str, Any]] = [{"choices": [{"index": 0, "delta": delta}]}]
        chunks.append({"choices": [], "usage": {"prompt_tokens": 11, "completion_tokens": 3, "total_tokens": 14}})
        body = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + "data: [DONE]\n\n"
        return Response(body, content_type="text/event-stream")

    def _tool(self, request: Request) -> Response:
        self._note(request)
        return self.tool_answer

    def _hook(self, request: Request) -> Response:
        self._note(request)
        return Response("seen")

    def traces_of(self, path: str) -> list[str]:
        return [traceparent for asked, traceparent in self.asked if asked == path]


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with HTTPServer(threaded=True) as server:
        yield House(server)


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with Collector() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def parola(scripted_speech: list[str], collector: Collector, house: House) -> Iterator[ServerProcess]:
    environment = {
        "PAROLA_OTLP_ENDPOINT": f"{collector.url}/otel",
        "PAROLA_OTLP_HEADERS": "x-team=red%20one, authorization=Bearer otlp-canary",
        "PAROLA_LOG_LEVEL": "debug",
        "PAROLA_LOG_FORMAT": "json",
        "PAROLA_ANALYSIS": "auto",
    }
    with ServerProcess("--ephemeral", *scripted_speech, environment=environment) as server:
        made = server.http.post(
            "/v1/workspace/webhooks",
            json={"settings": {"auth_type": "hmac", "name": "calls", "webhook_url": house.hook_url}},
        )
        assert made.status_code == 200, made.text
        changed = server.http.patch(
            "/v1/convai/settings",
            json={"webhooks": {"post_call_webhook_id": made.json()["webhook_id"], "events": ["transcript"]}},
        )
        assert changed.status_code == 200, changed.text
        yield server


def thinking(house: House, *tools: dict[str, Any], **config: Any) -> dict[str, Any]:
    """An agent that asks the house's model, with an after-call analysis by it."""
    document = agent(tools=tools, config=config)
    document["conversation_config"]["agent"]["prompt"] |= {
        "llm": "custom-llm",
        "custom_llm": {"url": house.url, "model_id": "house-model"},
    }
    return document


def named(spans: list[Seen], name: str) -> list[Seen]:
    return sorted((span for span in spans if span.name == name), key=lambda span: span.start)


def one(spans: list[Seen], name: str) -> Seen:
    (found,) = named(spans, name)
    return found


def samples(server: ServerProcess) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    families = text_string_to_metric_families(server.http.get("/metrics").text)
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }


def sample(server: ServerProcess, name: str, **labels: str) -> float:
    return samples(server).get((name, frozenset(labels.items())), 0.0)


def log_lines(server: ServerProcess) -> list[dict[str, Any]]:
    """Everything that was logged, as JSON."""
    return [json.loads(line) for line in server.log.splitlines() if line.startswith("{")]


# -- traces -----------------------------------------------------------------------------------------------------------


def test_a_text_conversation_is_one_trace_that_goes_on_in_models_and_tools(
    parola: ServerProcess, house: House, collector: Collector
) -> None:
    tool = webhook_tool(
        "lookup", house.tool_url, "POST", schema={"request_body_schema": {"properties": {"order": text()}}}
    )
    agent_id = parola.create_agent(thinking(house, tool, conversation={"text_only": True}))
    house.asked.clear()

    async def talk() -> str:
        async with RawClient(parola.socket_of(agent_id), additional_headers={"traceparent": TRACEPARENT}) as caller:
            begun = await caller.begin()
            assert "Friday" in await caller.answer("call lookup A-9")
            assert await caller.answer("thanks") == "So: thanks"
            return str(begun["conversation_id"])

    conversation_id = asyncio.run(talk())
    spans = collector.of(conversation_id, "analysis", "webhook post_call_transcription")
    assert {span.trace_id for span in spans} == {TRACE}

    root = one(spans, "invoke_agent Wire")
    assert root.parent_id == SPAN and root.kind == SERVER_KIND and not root.is_error
    told = root.attributes
    assert told["gen_ai.agent.id"] == agent_id and told["parola.medium"] == "text" and told["parola.turns"] == 2
    assert told["parola.close.cause"] == "client" and told["gen_ai.usage.input_tokens"] == 33

    first, second = named(spans, "turn")
    assert first.parent_id == second.parent_id == root.span_id and first.end <= second.start
    chats = named(spans, "chat house-model")
    assert [chat.parent_id for chat in chats] == [first.span_id, first.span_id, second.span_id]
    chat = chats[0]
    assert chat.kind == CLIENT_KIND and root.start <= chat.start <= chat.end <= root.end
    assert chat.attributes == {
        "gen_ai.operation.name": "chat",
        "gen_ai.system": "custom-llm",
        "gen_ai.provider.name": "custom-llm",
        "gen_ai.request.model": "house-model",
        "gen_ai.response.model": "house-model",
        "gen_ai.usage.input_tokens": 11,
        "gen_ai.usage.output_tokens": 3,
    }
    called = one(spans, "execute_tool lookup")
    assert called.parent_id == first.span_id and called.attributes["parola.tool.type"] == "webhook"
    assert called.attributes["gen_ai.tool.name"] == "lookup" and chat.end <= called.end <= chats[1].start + 0.01

    # Each service is told the span that asks it.
    asked = [f"00-{TRACE}-{span.span_id}-01" for span in chats]
    analysis = one(spans, "analysis")
    assert house.traces_of("/v1/chat/completions")[:4] == [*asked, f"00-{TRACE}-{analysis.span_id}-01"]
    assert house.traces_of("/tool") == [f"00-{TRACE}-{called.span_id}-01"]
    assert analysis.parent_id == root.span_id and analysis.start >= root.end - 0.1
    delivered = one(spans, "webhook post_call_transcription")
    assert delivered.parent_id == root.span_id and delivered.attributes["http.response.status_code"] == 200
    assert f"00-{TRACE}-{delivered.span_id}-01" in house.traces_of("/hook")
    record = parola.ended_record(conversation_id)
    assert record["metadata"]["x_traceparent"] == f"00-{TRACE}-{root.span_id}-01"

    received = collector.requests[0]
    assert received.path == "/otel/v1/traces" and received.headers["content-type"] == "application/json"
    assert received.headers["x-team"] == "red one" and received.headers["authorization"] == "Bearer otlp-canary"
    resource = received.json()["resourceSpans"][0]["resource"]["attributes"]
    assert {"key": "service.name", "value": {"stringValue": "parola"}} in resource


def test_a_call_of_the_sdk_by_voice_is_traced_and_counted(
    parola: ServerProcess, tapped: Callable[[ServerProcess], Tap], collector: Collector
) -> None:
    before = samples(parola)
    tools = ClientTools()
    tools.register("lookup", lambda parameters: "Friday")
    rules = [{"when": "order", "say": "Let me see.", "call": {"tool": "lookup"}, "then": "It comes on {{result}}."}]
    config = {"turn": {"turn_timeout": -1}, "vad": {"x_echo_guard": False}}
    document = agent(*rules, tools=[client_tool("lookup")], first_message="Hello.", config=config)
    with VoiceCaller(tapped(parola), parola.create_agent(document), client_tools=tools) as caller:
        caller.began()
        assert caller.hears("response") == "Hello."
        caller.is_spoken_to()
        caller.says("my order please", after=1.0)
        assert caller.hears("response") == "Let me see."
        assert caller.hears("response") == "It comes on Friday."
        conversation_id = caller.hangs_up()
    spans = collector.of(conversation_id, "listening")
    root = one(spans, "invoke_agent Wire")
    assert root.parent_id == "" and root.attributes["parola.medium"] == "voice"
    greeting, asking = named(spans, "turn")
    listening, stt = one(spans, "listening"), one(spans, "stt")
    assert listening.parent_id == asking.span_id and stt.parent_id == listening.span_id
    assert listening.start < listening.events["speech_stopped"] == stt.start <= stt.end <= listening.end
    assert listening.attributes["parola.closed_because"]
    assert stt.attributes["gen_ai.request.model"] == "scripted"
    hello, answer, *_ = named(spans, "tts")
    assert (hello.parent_id, answer.parent_id) == (greeting.span_id, asking.span_id)
    assert answer.start <= answer.events["first_audio"] <= answer.end
    used = one(spans, "execute_tool lookup")
    assert used.parent_id == asking.span_id and used.attributes["parola.tool.type"] == "client"
    chats = [span for span in spans if span.name.startswith("chat")]
    assert {chat.parent_id for chat in chats} == {asking.span_id}, "the greeting asks no model"
    during = [span for span in spans if not span.name.startswith(("webhook", "analysis"))]
    assert all(root.start - 0.01 <= span.start <= span.end <= root.end + 0.01 for span in during)

    after = samples(parola)

    def added(name: str, **labels: str) -> float:
        key = (name, frozenset(labels.items()))
        return after.get(key, 0.0) - before.get(key, 0.0)

    assert added("parola_conversations_started_total", medium="voice") == 1
    assert added("parola_conversations_ended_total", status="done", code="1000", reason="client") == 1
    assert added("parola_tool_calls_total", type="client", outcome="ok") == 1
    assert added("parola_tool_seconds_count", type="client") == 1
    assert added("parola_turn_latency_seconds_count") == 1
    for name in ("stt", "llm_first_token", "llm_first_sentence", "tts_first_byte"):
        assert added(f"parola_{name}_seconds_count") >= 1, name
    for step in ("end_of_turn", "llm", "sentence", "tts", "send"):
        assert added("parola_turn_step_seconds_count", step=step) == 1, step
    assert after[("parola_live_conversations", frozenset({("medium", "voice")}))] == 0
    assert after[("process_cpu_seconds_total", frozenset())] > 0


def test_a_call_of_the_sdk_by_text_is_traced_and_mcp_servers_are_told(
    parola: ServerProcess, tapped: Callable[[ServerProcess], Tap], collector: Collector
) -> None:
    with McpProcess() as library:
        server_id = register(parola, library.config)
        rule = {"when": "*", "call": {"tool": "trace", "arguments": {}}, "then": "{{result}}"}
        document = agent(rule, config={"conversation": {"text_only": True}})
        document["conversation_config"]["agent"]["prompt"]["mcp_server_ids"] = [server_id]
        with Caller(tapped(parola), parola.create_agent(document)) as caller:
            caller.began()
            told = caller.asks("Go")
            conversation_id = caller.hangs_up()
    spans = collector.of(conversation_id, "execute_tool trace")
    called = one(spans, "execute_tool trace")
    assert told == f"00-{called.trace_id}-{called.span_id}-01"
    assert called.attributes["parola.tool.type"] == "mcp" and called.parent_id == one(spans, "turn").span_id
    assert [span.parent_id for span in spans if span.name.startswith("chat")] == [called.parent_id] * 2


# -- words and secrets ------------------------------------------------------------------------------------------------


def test_no_log_no_number_and_no_span_holds_what_was_said_or_a_secret(
    parola: ServerProcess, house: House, collector: Collector, tapped: Callable[[ServerProcess], Tap]
) -> None:
    """At the level debug, with everything going wrong that can."""
    secret = parola.http.post("/v1/convai/secrets", json={"type": "new", "name": "k", "value": "canarysecret"}).json()
    hidden = {"secret_id": secret["secret_id"]}
    headers = {"X-Key": hidden, "X-Variable": {"variable_name": "secret__token"}, "X-Plain": "canaryheader"}
    tool = webhook_tool("lookup", f"{house.tool_url}?key=canaryquery", schema={"request_headers": headers})
    failing = webhook_tool("broken", f"{house.tool_url}/canarypath", schema={"request_headers": headers})
    nowhere = webhook_tool("nowhere", "http://127.0.0.1:1/canarynowhere")
    document = thinking(house, tool, failing, nowhere, client_tool("ask"), END_CALL, conversation={"text_only": True})
    prompt = document["conversation_config"]["agent"]["prompt"]
    prompt["prompt"] = "You know canaryprompt and {{name}}."
    prompt["custom_llm"] |= {"api_key": hidden, "request_headers": {"x-more": "canaryllmheader"}}
    agent_id = parola.create_agent(document)
    variables = {"secret__token": "canaryvariable", "name": "canaryname"}
    house.tool_answer = Response('{"eta": "canaryanswer"}', content_type="application/json")
    ids: list[str] = []

    async def talk(*frames: dict[str, Any] | str, until: str = "agent_response") -> None:
        async with RawClient(parola.socket_of(agent_id), checked=False) as caller:
            begun = await caller.begin(dynamic_variables=variables, user_id="canaryuser")
            ids.append(str(begun["conversation_id"]))
            for frame in frames:
                await caller.send(frame)
            await caller.next(until)
            if until == "client_tool_call":
                asked = caller.of("client_tool_call")[-1]
                await caller.send(
                    {
                        "type": "client_tool_result",
                        "tool_call_id": asked["tool_call_id"],
                        "result": "canaryresult",
                        "is_error": True,
                        "error_type": "canaryerror",
                    }
                )
                await caller.next("agent_response")
            await caller.hang_up(4321, "canaryclose")

    def said(words: str) -> dict[str, Any]:
        return {"type": "user_message", "text": words}

    async def everything() -> None:
        await talk(said("canarytyped"))
        await talk(said("call lookup canaryargument"))
        house.tool_answer = Response("canaryfailure", 500)
        await talk({"type": "contextual_update", "text": "canarycontext"}, said("call broken"))
        await talk(said("call nowhere"))
        await talk(said("call ask canaryask"), until="client_tool_call")
        await talk({"type": "canarytype"}, {"type": "feedback", "event_id": "canaryfield"}, until="error")
        await talk({"user_audio_chunk": "canarychunk!"}, until="error")
        await talk("canaryframe", until="error")
        await talk(said("fail canarymodel"), until="error")
        for query in (f"agent_id={agent_id}&conversation_signature=canarysignature", "agent_id=canaryagent"):
            async with RawClient(f"{parola.ws}?{query}", checked=False) as caller:
                await caller.closed()

    asyncio.run(everything())
    ending = agent(
        {"when": "bye", "call": {"tool": "end_call", "arguments": {"reason": "canaryreason"}}},
        {"when": "break", "fail": "canarymodelfailure"},
        tools=[END_CALL],
        config={"vad": {"x_echo_guard": False}},
    )
    for words in ("canaryspoken bye", "break canaryspokentoo"):
        with VoiceCaller(tapped(parola), parola.create_agent(ending)) as caller:
            ids.append(caller.began().conversation_id)
            caller.says(words, after=0.5)
            caller.hears("disconnect", timeout=20)
    for path in ("agents/canaryid", "conversations/canaryid/audio", "conversations?cursor=canarycursor"):
        assert parola.http.get(f"/v1/convai/{path}", headers={"xi-api-key": "canarykey"}).status_code in (200, 400, 404)
    parola.http.post("/v1/convai/agents/create", content="{canarybody", headers={"content-type": "application/json"})
    parola.http.post("/v1/convai/agents/create", json={"conversation_config": "canaryinvalid"})
    parola.http.get("/v1/x/tool-callbacks/canarytoken")

    for conversation_id in ids:
        record = parola.ended_record(conversation_id, timeout=20)
        collector.of(conversation_id)
        lines = [line for line in log_lines(parola) if line.get("conversation_id") == conversation_id]
        assert [line for line in lines if line["event"] == "conversation_ended"], record["metadata"]
        assert {line["agent_id"] for line in lines if line["event"] == "conversation_ended"} == {record["agent_id"]}
    kept = json.dumps([parola.record(conversation_id) for conversation_id in ids])
    words = ("typed", "argument", "answer", "failure", "context", "ask", "result", "model", "spoken", "name", "reason")
    assert not [word for word in words if f"canary{word}" not in kept], "they were said, and the record has them"
    failed = [line for line in log_lines(parola) if line["event"] == "model_failed"]
    assert any(line["reason"].endswith("answered 400") for line in failed), "the owner is told what failed"

    log, metrics = parola.log, parola.http.get("/metrics").text
    spans = "\n".join(received.body.decode() for received in list(collector.requests))
    for where, told in (("the log", log), ("/metrics", metrics), ("the spans", spans)):
        found = sorted(set(re.findall(r"[^\n]{0,200}canary\w*|otlp-canary", told)))
        assert not found, f"{where}: {found[:5]}"


def test_with_otlp_content_spans_hold_words_and_a_collector_that_dies_is_not_noticed_by_callers(
    scripted_speech: list[str], house: House
) -> None:
    house.tool_answer = Response('{"eta": "Friday"}', content_type="application/json")
    tool = webhook_tool("lookup", house.tool_url)
    private = thinking(house, tool, conversation={"text_only": True})
    private["platform_settings"]["privacy"] = {"zero_retention_mode": True}

    async def talk(server: ServerProcess, document: dict[str, Any]) -> tuple[str, float]:
        """The conversation's id, and how long it took."""
        async with RawClient(server.socket_of(server.create_agent(document))) as caller:
            conversation_id = str((await caller.begin())["conversation_id"])
            began = time.monotonic()
            assert "Friday" in await caller.answer("call lookup my number is 12")
        return conversation_id, time.monotonic() - began

    with Collector() as collector:
        environment = {"PAROLA_OTLP_ENDPOINT": collector.url, "PAROLA_OTLP_CONTENT": "true"}
        with ServerProcess("--ephemeral", *scripted_speech, environment=environment) as server:
            conversation_id, took = asyncio.run(talk(server, thinking(house, tool, conversation={"text_only": True})))
            spans = collector.of(conversation_id, "execute_tool lookup")
            assert "Friday" in one(spans, "execute_tool lookup").attributes["gen_ai.tool.call.result"]
            asked = named(spans, "chat house-model")[0].attributes
            assert "my number is 12" in asked["gen_ai.input.messages"]
            assert "my number is 12" in one(spans, "turn").attributes["parola.user.text"]

            private_id, _ = asyncio.run(talk(server, private))
            spans = collector.of(private_id, "execute_tool lookup")
            assert "my number" not in repr(spans) and "Friday" not in repr(spans)

            collector.status = 503
            for _ in range(3):
                _, longer = asyncio.run(talk(server, thinking(house, tool, conversation={"text_only": True})))
                assert longer < took + 2, "nobody waits for a collector"
            until(lambda: '"collector_is_away"' in server.log or "event=collector_is_away" in server.log)
            assert sample(server, "parola_spans_waiting") > 0
            collector.status = 200
            until(lambda: sample(server, "parola_spans_waiting") == 0)
            assert sample(server, "parola_spans_dropped_total", reason="queue_full") == 0
            assert "event=collector_is_back" in server.log


def until(holds: Callable[[], bool]) -> None:
    """Wait for something that is sure to come."""
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)
