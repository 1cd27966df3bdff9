"""After a call by the official SDK: a model reads it, the record tells everything, and a kill loses nothing of it."""

from __future__ import annotations

import asyncio
import json
import queue
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from elevenlabs.client import ElevenLabs
from elevenlabs.conversational_ai.conversation import Conversation
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from tests.wire.frames import RawClient
from tests.wire.servers import ServerProcess, agent

FOUND_OUT = {
    "evaluation_criteria": {"polite": {"rationale": "It said good day.", "result": "success"}},
    "data_collection": {"guests": {"rationale": "The user said four.", "value": "4"}},
    "transcript_summary": "The user asked for a table for four.",
    "call_summary_title": "A table for four",
}


class House:
    """An OpenAI-compatible service that answers callers and reads their conversations."""

    def __init__(self, server: HTTPServer) -> None:
        self.url = server.url_for("/v1")
        self.readings: list[dict[str, Any]] = []
        self.may_read = threading.Event()
        self.may_read.set()
        server.expect_request("/v1/chat/completions", method="POST").respond_with_handler(self._answer)

    def _answer(self, request: Request) -> Response:
        asked = request.get_json()
        text = "Good day."
        if "response_format" in asked:
            self.readings.append(asked)
            self.may_read.wait(20)
            text = json.dumps(FOUND_OUT)
        chunks: list[dict[str, Any]] = [{"choices": [{"index": 0, "delta": {"content": text}}]}]
        chunks.append({"choices": [], "usage": {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}})
        body = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + "data: [DONE]\n\n"
        return Response(body, content_type="text/event-stream")


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with HTTPServer(threaded=True) as server:
        yield House(server)


@pytest.fixture(scope="module")
def parola(house: House, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server with a language model, that keeps everything in a folder."""
    folder = tmp_path_factory.mktemp("after")
    config = folder / "parola.toml"
    config.write_text(f'[llm.default]\nbase_url = "{house.url}"\n\n[prices."*"]\ninput = 1.0\noutput = 2.0\n')
    arguments = ("--data", str(folder / "data"), "--config", str(config))
    with ServerProcess(*arguments, environment={"PAROLA_ANALYSIS": "auto"}) as server:
        yield server


@pytest.fixture(scope="module")
def agent_id(parola: ServerProcess) -> str:
    return parola.create_agent(
        {
            "name": "Front desk",
            "conversation_config": {
                "agent": {
                    "first_message": "Front desk.",
                    "prompt": {"prompt": "You answer the phone.", "llm": "gpt-4o"},
                },
                "conversation": {"text_only": True},
            },
            "platform_settings": {
                "analysis_llm": "gemini-2.5-flash",
                "evaluation": {
                    "criteria": [{"id": "polite", "name": "Polite", "conversation_goal_prompt": "It was polite."}]
                },
                "data_collection": {"guests": {"type": "integer", "description": "How many people come"}},
            },
        }
    )


def client(server: ServerProcess) -> ElevenLabs:
    return ElevenLabs(api_key="any", base_url=server.url)


def asked(server: ServerProcess, agent_id: str) -> Conversation:
    """A conversation in which a question was answered."""
    heard: queue.Queue[str] = queue.Queue()
    conversation = Conversation(
        client(server), agent_id, requires_auth=False, audio_interface=None, callback_agent_response=heard.put
    )
    conversation.start_session()
    assert heard.get(timeout=20) == "Front desk."
    conversation.send_user_message("A table for four, please.")
    assert heard.get(timeout=20) == "Good day."
    return conversation


def call(server: ServerProcess, agent_id: str) -> str:
    """A conversation of one question; its id."""
    conversation = asked(server, agent_id)
    conversation.end_session()
    conversation_id = conversation.wait_for_session_end()
    assert conversation_id is not None
    return conversation_id


def reading_begins(house: House, count: int) -> None:
    deadline = time.monotonic() + 20
    while len(house.readings) < count:
        assert time.monotonic() < deadline, "nobody was asked to read the conversation"
        time.sleep(0.01)


def test_the_official_client_reads_what_was_found_out(parola: ServerProcess, house: House, agent_id: str) -> None:
    conversation_id = call(parola, agent_id)
    parola.ended_record(conversation_id)
    conversations = client(parola).conversational_ai.conversations
    found = conversations.get(conversation_id)
    assert found.status == "done" and found.analysis is not None
    assert (found.analysis.call_successful, found.analysis.call_success_score) == ("success", 1.0)
    assert found.metadata.cost_fiat == pytest.approx(0.00024), "the answer and the analysis"
    assert found.analysis.transcript_summary == "The user asked for a table for four."
    guests = (found.analysis.data_collection_results or {})["guests"]
    assert guests.value == 4 and guests.json_schema is not None and guests.json_schema.type == "integer"
    polite = (found.analysis.evaluation_criteria_results or {})["polite"]
    assert (polite.result, polite.rationale) == ("success", "It said good day.")
    spent = found.metadata.charging.analysis
    assert spent is not None and spent.total.runs == 1 and spent.last_run.price == pytest.approx(0.00012)
    listed = conversations.list(agent_id=agent_id, summary_mode="include").conversations[0]
    assert (listed.call_summary_title, listed.call_successful) == ("A table for four", "success")

    reading = house.readings[-1]
    assert reading["model"] == "gemini-2.5-flash", "the analysis model is asked for where the service may know it"
    assert reading["response_format"]["json_schema"]["strict"] is True
    assert "user: A table for four, please." in reading["messages"][1]["content"]
    again = conversations.analysis.run(conversation_id)
    assert again.metadata.charging.analysis is not None and again.metadata.charging.analysis.total.runs == 2
    judged = conversations.analysis.run_evaluation(conversation_id, evaluation_id="polite")
    assert judged.analysis is not None and judged.analysis.call_successful == "success"
    assert judged.analysis.transcript_summary == "The user asked for a table for four.", "the rest is as it was"
    assert list(house.readings[-1]["response_format"]["json_schema"]["schema"]["properties"]) == ["evaluation_criteria"]
    unknown = parola.http.post(
        f"/v1/convai/conversations/{conversation_id}/analysis/evaluations/run", json={"evaluation_id": "kind"}
    )
    assert unknown.status_code == 404 and f"they have: {agent_id}: polite" in unknown.json()["detail"]["message"]


def test_a_kill_while_a_conversation_is_read_loses_neither_analysis_nor_end(
    parola: ServerProcess, house: House, agent_id: str
) -> None:
    house.may_read.clear()
    before = len(house.readings)
    conversation_id = call(parola, agent_id)
    reading_begins(house, before + 1)
    assert parola.record(conversation_id)["status"] == "processing"
    refused = parola.http.post(f"/v1/convai/conversations/{conversation_id}/analysis/run")
    assert refused.status_code == 409 and "processing" in refused.json()["detail"]["message"]
    parola.kill()
    house.may_read.set()
    parola.start()
    record = parola.ended_record(conversation_id)
    assert record["status"] == "done" and record["analysis"]["call_successful"] == "success"
    assert record["metadata"]["termination_reason"].startswith("Client disconnected")
    assert record["metadata"]["x_close"]["by"] == "client"


def test_a_conversation_that_was_cut_off_by_a_kill_is_read_too_and_stays_failed(
    parola: ServerProcess, agent_id: str
) -> None:
    conversation = asked(parola, agent_id)
    desk = f"/v1/x/conversations/{conversation._conversation_id}"
    for method, what in [("POST", "takeover"), ("DELETE", "takeover"), ("POST", "waiting-for-human")]:
        body = {"reason": "The bill"} if what == "waiting-for-human" else {"operator": "Ann"}
        assert parola.http.request(method, f"{desk}/{what}", json=body).status_code == 202
    parola.kill()
    conversation.end_session()
    conversation_id = conversation.wait_for_session_end()
    assert conversation_id is not None
    parola.start()
    record = parola.ended_record(conversation_id)
    assert record["status"] == "failed" and record["metadata"]["error"]["code"] == 1011
    assert record["analysis"]["data_collection_results"]["guests"]["value"] == 4
    assert record["metadata"]["x_close"] == {"code": 1006, "reason": "", "by": "crash", "status": "failed"}
    commands = [(one["type"], one.get("operator")) for one in record["metadata"]["x_commands"]]
    assert commands == [("takeover_begin", "Ann"), ("takeover_end", "Ann"), ("waiting_for_human_begin", None)]
    (wait,) = record["metadata"]["x_waiting_for_human"]
    assert wait["outcome"] == "abandoned" and wait["waited_secs"] >= 0
    answer = parola.http.get(f"{desk}/events")
    assert answer.status_code == 404 and answer.json()["detail"]["status"] == "events_lost"


def test_agents_that_hand_over_are_each_judged_by_their_own_part(parola: ServerProcess, house: House) -> None:
    criterion = {"id": "polite", "name": "Polite", "conversation_goal_prompt": "It was polite.", "scope": "agent"}
    platform = {"analysis_llm": "gemini-2.5-flash", "evaluation": {"criteria": [criterion]}}
    text_only = {"conversation": {"text_only": True}}
    sales = parola.create_agent(agent(first_message="Sales here.", config=text_only, platform=platform))
    transfers = [{"agent_id": sales, "condition": "buys", "enable_transferred_agent_first_message": True}]
    params = {"system_tool_type": "transfer_to_agent", "transfers": transfers}
    tool = {"type": "system", "name": "transfer_to_agent", "description": "", "params": params}
    rule = {"when": "buy", "call": {"tool": "transfer_to_agent", "arguments": {"agent_number": 0}}}
    desk = parola.create_agent(agent(rule, tools=[tool], config=text_only, platform=platform))

    async def talk() -> str:
        async with RawClient(parola.socket_of(desk)) as caller:
            begun = await caller.begin()
            assert await caller.answer("Good morning") == "I heard: Good morning"
            assert await caller.answer("I want to buy") == "Sales here."
            assert await caller.answer("Two, please") == "I heard: Two, please"
            return str(begun["conversation_id"])

    before = len(house.readings)
    record = parola.ended_record(asyncio.run(talk()), 30.0)
    whole, of_desk, of_sales = (reading["messages"][1]["content"] for reading in house.readings[before:])
    assert "user: Good morning" in whole and "user: Two, please" in whole
    assert "user: Good morning" in of_desk and "I want to buy" in of_desk and "Two, please" not in of_desk
    assert "agent: Sales here." in of_sales and "Two, please" in of_sales and "morning" not in of_sales
    blocks = record["analysis"]["scoped"]
    assert [(one["scope"], one["source_agent_id"], one["successful"]) for one in blocks] == [
        ("agent", desk, "success"),
        ("agent", sales, "success"),
    ]
    body = {"evaluation_id": "polite", "scope": "agent", "evaluated_agent_id": sales}
    judged = parola.http.post(
        f"/v1/convai/conversations/{record['conversation_id']}/analysis/evaluations/run", json=body
    )
    assert judged.status_code == 200 and len(judged.json()["analysis"]["scoped"]) == 2
    assert len(house.readings) == before + 4 and "Two, please" in house.readings[-1]["messages"][1]["content"]
