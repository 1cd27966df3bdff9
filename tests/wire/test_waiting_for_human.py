"""The agent of a stock SDK asks for a person: the list, its stream, who takes it, what is left of it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx2 as httpx
import pytest
from elevenlabs.client import ElevenLabs

from tests.wire.servers import ServerProcess, agent
from tests.wire.tap import Tap
from tests.wire.test_live_control import TEXT, Desk
from tests.wire.test_python_sdk import Caller

TOOL = "x_transfer_to_human"
LIST = "/v1/x/conversations/waiting-for-human"
ASKING = {"when": "person", "call": {"tool": TOOL, "arguments": {"reason": "refund", "message_to_user": "One moment."}}}
STREAM = {"accept": "text/event-stream"}
Tapped = Callable[[ServerProcess], Tap]


def asking(*, params: dict[str, Any] | None = None, **config: Any) -> dict[str, Any]:
    """An agent that asks for a person when it is asked for one."""
    made = agent(ASKING, first_message="Welcome.", config={**TEXT, **config})
    tool = {"name": TOOL, "description": "", "params": {"system_tool_type": TOOL, **(params or {})}}
    made["conversation_config"]["agent"]["prompt"]["built_in_tools"] = {TOOL: tool}
    return made


@contextmanager
def ringing(parola: ServerProcess, agent_id: str) -> Iterator[Callable[[], tuple[str, dict[str, Any]]]]:
    """A desk that is rung: reads the stream event by event."""
    client = httpx.Client(base_url=parola.url, timeout=20, trust_env=False)
    with client, client.stream("GET", f"{LIST}/events", params={"agent_id": agent_id}, headers=STREAM) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        lines = answer.iter_lines()

        def rings() -> tuple[str, dict[str, Any]]:
            kind = ""
            for line in lines:
                if line.startswith("event: "):
                    kind = line.removeprefix("event: ")
                elif line.startswith("data: "):
                    return kind, json.loads(line.removeprefix("data: "))
            raise AssertionError("the stream is over")

        yield rings


def test_a_person_is_asked_for_two_take_it_and_one_wins(parola: ServerProcess, tapped: Tapped) -> None:
    agent_id = parola.create_agent(asking())
    with ringing(parola, agent_id) as rings, Caller(tapped(parola), agent_id, user_id="user-7") as caller:
        assert rings() == ("snapshot", {"waiting": []})
        assert caller.hears("response") == "Welcome."
        assert caller.asks("I want a person") == "One moment."
        kind, wish = rings()
        assert kind == "x_waiting_for_human" and (wish["reason"], wish["asked_by"]) == ("refund", "agent")
        conversation_id = wish["conversation_id"]
        (listed,) = parola.http.get(LIST, params={"agent_id": agent_id}).json()["waiting"]
        assert (listed["conversation_id"], listed["user_id"], listed["agent_name"]) == (
            *(conversation_id, "user-7", "Wire"),
        )
        assert [line["message"] for line in listed["last_lines"]] == ["Welcome.", "I want a person", "One moment."]
        assert caller.asks("How long?") == "I heard: How long?", "the agent goes on meanwhile"

        desk, answers = Desk(parola, conversation_id), {}
        takers = [
            threading.Thread(target=lambda name=name: answers.update({name: desk.does("takeover", operator=name)}))
            for name in ("Ann", "Bob")
        ]
        [taker.start() for taker in takers]
        [taker.join() for taker in takers]
        (winner,) = [name for name, answer in answers.items() if answer.status_code == 202]
        (loser,) = {"Ann", "Bob"} - {winner}
        assert answers[loser].status_code == 409
        assert answers[loser].json()["detail"] == {
            "status": "taken_over",
            "message": f"{winner} has taken over already.",
        } | {k: v for k, v in answers[loser].json()["detail"].items() if k not in ("status", "message")}

        kind, over = rings()
        assert kind == "x_waiting_for_human_over" and (over["outcome"], over["operator"]) == ("answered", winner)
        assert parola.http.get(LIST, params={"agent_id": agent_id}).json() == {"waiting": []}
        desk.says("human_message", "Here I am.")
        assert caller.hears("response") == "Here I am."
        assert desk.does("takeover", "DELETE").status_code == 202
        assert caller.asks("Thanks") == "I heard: Thanks"
        events = [one["event"] for one in desk.events]
        caller.hangs_up()
    record = parola.ended_record(conversation_id)
    (wait,) = record["metadata"]["x_waiting_for_human"]
    assert (wait["reason"], wait["outcome"], wait["operator"]) == ("refund", "answered", winner)
    noted = {event["type"]: event for event in events if event["type"].startswith("x_waiting_for_human")}
    assert noted["x_waiting_for_human"]["x_waiting_for_human_event"]["wait_timeout_secs"] == 120
    assert noted["x_waiting_for_human_over"]["x_waiting_for_human_over_event"]["operator"] == winner
    told = " ".join(parola.http.get(f"/v1/x/conversations/{conversation_id}/why").json()["story"])
    assert f"the agent asked for a person (refund): {winner} came after" in told
    metrics = parola.http.get("/metrics").text
    assert 'parola_human_waits_total{outcome="answered"}' in metrics and "parola_waiting_for_human 0.0" in metrics
    assert "parola_human_wait_seconds_count" in metrics
    kept = ElevenLabs(api_key="any", base_url=parola.url).conversational_ai.conversations.get(conversation_id)
    assert kept.status == "done", "the official client reads the record"


def test_nobody_comes_and_the_agent_says_so(parola: ServerProcess, tapped: Tapped) -> None:
    made = asking(params={"wait_timeout_secs": 5, "agent_while_waiting": "silent"})
    agent_id = parola.create_agent(made)
    with ringing(parola, agent_id) as rings, Caller(tapped(parola), agent_id) as caller:
        caller.hears("response")
        assert caller.asks("I want a person") == "One moment."
        caller.conversation.send_user_message("Hello?")
        assert caller.hears("response") == "I heard: Hello?", "when the time was up"
        assert [rings()[0] for _ in range(2)] == ["snapshot", "x_waiting_for_human"]
        kind, over = rings()
        assert (kind, over["outcome"]) == ("x_waiting_for_human_over", "timed_out") and over["waited_secs"] >= 5
        conversation_id = caller.hangs_up()
    told = " ".join(parola.http.get(f"/v1/x/conversations/{conversation_id}/why").json()["story"])
    assert "the agent asked for a person (refund): nobody came within 5 s" in told


def test_a_backend_asks_for_a_person_and_calls_it_off(parola: ServerProcess, tapped: Tapped) -> None:
    agent_id = parola.create_agent(agent(first_message="Welcome.", config=TEXT))  # without the tool
    with Caller(tapped(parola), agent_id) as caller:
        caller.hears("response")
        desk = Desk(parola, str(caller.conversation._conversation_id))
        early = desk.does("waiting-for-human", "DELETE")
        assert early.status_code == 409 and early.json()["detail"]["status"] == "not_waiting_for_human"
        bad = desk.does("waiting-for-human", wait_timeout_secs=1)
        assert bad.status_code == 422 and "wait_timeout_secs" in bad.text
        body = {"reason": "angry", "message_to_user": "Somebody is coming.", "idempotency_key": "k"}
        first = desk.does("waiting-for-human", **body)
        assert first.status_code == 202 and desk.does("waiting-for-human", **body).json() == first.json()
        assert caller.hears("response") == "Somebody is coming."
        (listed,) = parola.http.get(LIST, params={"agent_id": agent_id}).json()["waiting"]
        assert (listed["reason"], listed["asked_by"]) == ("angry", "local")
        assert desk.does("waiting-for-human", "DELETE").status_code == 202
        assert parola.http.get(LIST, params={"agent_id": agent_id}).json() == {"waiting": []}
        desk.does("waiting-for-human")
        conversation_id = caller.hangs_up()
    record = parola.ended_record(conversation_id)
    assert [wait["outcome"] for wait in record["metadata"]["x_waiting_for_human"]] == ["withdrawn", "abandoned"]
    assert parola.http.get(LIST, params={"agent_id": agent_id}).json() == {"waiting": []}
    gone = Desk(parola, conversation_id).does("waiting-for-human")
    assert gone.status_code == 409 and gone.json()["detail"]["status"] == "conversation_not_active"


@pytest.mark.parametrize(
    ("params", "expected"),
    [({"wait_timeout_secs": 1}, "wait_timeout_secs"), ({"agent_while_waiting": "sings"}, "agent_while_waiting")],
)
def test_an_agent_with_settings_that_do_not_fit_is_refused(
    parola: ServerProcess, params: dict[str, Any], expected: str
) -> None:
    answer = parola.http.post("/v1/convai/agents/create", json=asking(params=params))
    assert answer.status_code == 422 and expected in answer.text


def test_a_server_that_stops_does_not_wait_for_those_who_follow_the_list() -> None:
    with ServerProcess("--ephemeral") as server, ringing(server, "agent_x") as rings:
        assert rings()[0] == "snapshot"
        server.stop()
        with pytest.raises(AssertionError, match="the stream is over"):
            rings()
