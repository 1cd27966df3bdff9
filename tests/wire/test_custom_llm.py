"""A language model of the owner's: what it is asked over a real connection, and what becomes of its answers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from parola.conversation.tool_results import ARE_DATA
from tests.wire.frames import RawClient
from tests.wire.servers import ServerProcess, agent, client_tool

PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010804000000b51c0c020000000b4944415478da63640000000600023081d02f"
    "0000000049454e44ae426082"
)


class Brain:
    """An OpenAI-compatible service that answers as it is told and remembers what it was asked."""

    def __init__(self, server: HTTPServer) -> None:
        self.asked: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        self.answers: list[list[dict[str, Any]]] = []
        self.status = 200
        self.url = server.url_for("/v1")
        server.expect_request("/v1/chat/completions", method="POST").respond_with_handler(self._answer)

    def says(self, *words: str) -> None:
        self.answers.append([{"content": word} for word in words])

    def calls(self, name: str, arguments: dict[str, Any]) -> None:
        function = {"name": name, "arguments": json.dumps(arguments)}
        self.answers.append([{"tool_calls": [{"index": 0, "id": "c1", "type": "function", "function": function}]}])

    def _answer(self, request: Request) -> Response:
        self.asked.append(request.get_json())
        self.keys.append(request.headers.get("Authorization"))
        if self.status != 200:
            return Response('{"error": {"message": "the model is on strike"}}', self.status)
        deltas = self.answers.pop(0) if self.answers else [{"content": "Yes."}]
        chunks = [{"choices": [{"index": 0, "delta": delta}]} for delta in deltas]
        chunks.append({"choices": [], "usage": {"prompt_tokens": 11, "completion_tokens": 3, "total_tokens": 14}})
        body = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + "data: [DONE]\n\n"
        return Response(body, content_type="text/event-stream")


@pytest.fixture
def brain(httpserver: HTTPServer) -> Iterator[Brain]:
    yield Brain(httpserver)


def thinking(brain: Brain, *, platform: dict[str, Any] | None = None, **prompt: Any) -> dict[str, Any]:
    """An agent whose model is ``brain``."""
    custom = {"url": brain.url, "model_id": "house-model", **prompt.pop("custom", {})}
    document = agent(platform=platform, config={"conversation": {"text_only": True}})
    document["conversation_config"]["agent"]["prompt"] = {
        "prompt": "Answer for {{shop}}.",
        "llm": "custom-llm",
        "custom_llm": custom,
        **prompt,
    }
    return document


def test_the_model_is_asked_as_openai_clients_ask(parola: ServerProcess, brain: Brain) -> None:
    secret = parola.http.post("/v1/convai/secrets", json={"type": "new", "name": "llm", "value": "sk-1"}).json()
    tools = [client_tool("lookup", order="string")]
    agent_id = parola.create_agent(
        thinking(brain, tools=tools, temperature=0.3, custom={"api_key": {"secret_id": secret["secret_id"]}})
    )
    brain.says("Hello ", "Ann.")

    async def talk() -> None:
        async with RawClient(parola.socket_of(agent_id)) as caller:
            await caller.begin(dynamic_variables={"shop": "Soups"})
            assert await caller.answer("Hi there") == "Hello Ann."
            usage = await caller.next("context_usage")
            assert (usage["model"], usage["context_tokens"]) == ("house-model", 14)

    asyncio.run(talk())
    asked = brain.asked[0]
    assert asked["model"] == "house-model" and asked["stream"] is True and asked["temperature"] == 0.3
    assert asked["messages"] == [
        {"role": "system", "content": f"Answer for Soups.\n\n{ARE_DATA}"},
        {"role": "user", "content": "Hi there"},
    ]
    assert asked["tools"][0]["function"]["name"] == "lookup"
    assert brain.keys == ["Bearer sk-1"]


def test_a_tool_goes_from_the_model_through_the_client_back_to_the_model(parola: ServerProcess, brain: Brain) -> None:
    agent_id = parola.create_agent(thinking(brain, prompt="Help.", tools=[client_tool("lookup", order="string")]))
    brain.calls("lookup", {"order": "A-9"})
    brain.says("It comes on Friday.")

    async def talk() -> None:
        async with RawClient(parola.socket_of(agent_id)) as caller:
            await caller.begin()
            await caller.say("Where is A-9?")
            call = await caller.next("client_tool_call")
            assert call["parameters"] == {"order": "A-9"}
            result = {"type": "client_tool_result", "tool_call_id": call["tool_call_id"], "result": {"eta": "Friday"}}
            await caller.send({**result, "is_error": False})
            await caller.send({**result, "result": "twice", "is_error": False})
            response = await caller.next("agent_response")
            assert response["agent_response"] == "It comes on Friday."

    asyncio.run(talk())
    request, result = brain.asked[1]["messages"][-2:]
    assert request["tool_calls"][0]["function"] == {"name": "lookup", "arguments": '{"order":"A-9"}'}
    assert result == {"role": "tool", "tool_call_id": request["tool_calls"][0]["id"], "content": '{"eta":"Friday"}'}


def test_context_is_read_and_the_newest_of_an_id_wins(parola: ServerProcess, brain: Brain) -> None:
    agent_id = parola.create_agent(thinking(brain, prompt="Help."))

    async def talk() -> None:
        async with RawClient(parola.socket_of(agent_id)) as caller:
            await caller.begin()
            for text in ("page: cart", "page: checkout"):
                await caller.send({"type": "contextual_update", "text": text, "context_id": "page"})
            await caller.answer("What do you see?")

    asyncio.run(talk())
    said = json.dumps(brain.asked[0]["messages"])
    assert "page: checkout" in said and "page: cart" not in said


def test_files_that_were_uploaded_are_shown_to_the_model_once(parola: ServerProcess, brain: Brain) -> None:
    agent_id = parola.create_agent(thinking(brain, prompt="Help."))

    async def talk() -> str:
        async with RawClient(parola.socket_of(agent_id)) as caller:
            metadata = await caller.begin()
            conversation_id = metadata["conversation_id"]
            ids = []
            for name, content, kind in (("note.txt", b"the code is 42", "text/plain"), ("dot.png", PIXEL, "image/png")):
                answer = await asyncio.to_thread(
                    parola.http.post,
                    f"/v1/convai/conversations/{conversation_id}/files",
                    files={"file": (name, content, kind)},
                )
                ids.append(answer.json()["file_id"])
            await caller.send(
                {
                    "type": "multimodal_message",
                    "text": {"type": "user_message", "text": "Read these"},
                    "file": {"type": "file_input", "file_id": ids[0]},
                    "files": [{"type": "file_input", "file_id": file_id} for file_id in ids],
                }
            )
            await caller.next("agent_response")
            return conversation_id

    conversation_id = asyncio.run(talk())
    text, note, image = brain.asked[0]["messages"][-1]["content"]
    assert text["text"] == "Read these" and "the code is 42" in note["text"]
    assert image["image_url"]["url"].startswith("data:image/png;base64,iVBOR")
    turn = parola.ended_record(conversation_id)["transcript"][0]
    assert [file["original_filename"] for file in turn["file_inputs"]] == ["note.txt", "dot.png"]


def test_an_extra_body_and_the_user_reach_the_model_when_allowed(parola: ServerProcess, brain: Brain) -> None:
    platform = {"overrides": {"custom_llm_extra_body": True}}
    agent_id = parola.create_agent(thinking(brain, prompt="Help.", platform=platform))

    async def talk() -> None:
        async with RawClient(parola.socket_of(agent_id)) as caller:
            await caller.begin(custom_llm_extra_body={"tier": "gold"}, user_id="u-7")
            await caller.answer("Hi")

    asyncio.run(talk())
    assert brain.asked[0]["elevenlabs_extra_body"] == {"tier": "gold"} and brain.asked[0]["user_id"] == "u-7"


def test_an_auth_connection_says_who_asks_the_model(parola: ServerProcess, brain: Brain) -> None:
    connection = {"name": "house", "auth_type": "bearer_auth", "token": "sesame"}
    made = parola.http.post("/v1/x/auth-connections", json=connection)
    located = {"auth_connection_id": made.json()["auth_connection_id"]}
    agent_id = parola.create_agent(thinking(brain, prompt="Help.", custom={"auth_connection": located}))

    async def talk(agent_id: str) -> None:
        async with RawClient(parola.socket_of(agent_id)) as caller:
            await caller.begin()
            await caller.answer("Hi")

    asyncio.run(talk(agent_id))
    assert brain.keys == ["Bearer sesame"]

    async def refused() -> tuple[int, str]:
        gone = {"auth_connection": {"auth_connection_id": "auth_gone"}}
        async with RawClient(
            parola.socket_of(parola.create_agent(thinking(brain, prompt="Help.", custom=gone)))
        ) as caller:
            await caller.send({"type": "conversation_initiation_client_data"})
            return await caller.closed()

    code, reason = asyncio.run(refused())
    assert code == 1008 and "auth connection" in reason and "auth_gone" not in reason, "that is for the record"


def test_a_model_that_fails_ends_the_call_and_the_record_has_its_own_words(parola: ServerProcess, brain: Brain) -> None:
    agent_id = parola.create_agent(thinking(brain, prompt="Help."))
    brain.status = 400

    async def talk() -> str:
        async with RawClient(parola.socket_of(agent_id)) as caller:
            metadata = await caller.begin()
            await caller.say("Hi")
            error = await caller.next("error")
            code, reason = await caller.closed()
            assert (error["error_type"], code) == ("custom_llm_error", 1002)
            assert error["message"] == reason == "The agent's own language model failed."
            return metadata["conversation_id"]

    record = parola.ended_record(asyncio.run(talk()))
    assert record["status"] == "failed" and "on strike" in record["metadata"]["error"]["reason"]
    assert record["transcript"][0]["message"] == "Hi"
