"""Official clients that have to wait for a place: none of them may mind, and each gets its conversation."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.wire.frames import RawClient
from tests.wire.servers import ServerProcess, agent, said
from tests.wire.test_js_client import HERE, NODE, Browser
from tests.wire.test_python_sdk import Caller

TEXT_ONLY = {"conversation_config_override": {"conversation": {"text_only": True}}}


def busy_agent(parola: ServerProcess, *, wait: int) -> str:
    """One that holds a single conversation and greets."""
    platform = {
        "call_limits": {"agent_concurrency_limit": 1},
        "queueing_config": {"enabled": True, "wait_timeout_seconds": wait},
    }
    return parola.create_agent(agent(first_message="Hello.", platform=platform))


def test_the_python_sdk_waits_for_its_place(parola, tap):
    agent_id = busy_agent(parola, wait=30)
    with Caller(tap, agent_id) as first:
        assert first.hears("response") == "Hello."
        with Caller(tap, agent_id) as second:
            assert second.call.next("queue_status") == {"status": "waiting"}
            second.conversation.send_user_message("Is it my turn?")  # it is not: nobody hears this
            first.hangs_up()
            assert second.call.next("queue_status", 2) == {"status": "admitted"}
            assert second.hears("response") == "Hello."
            assert second.asks("And now?") == "I heard: And now?"
            conversation_id = second.hangs_up()
    record = parola.ended_record(conversation_id)
    assert said(record) == [("agent", "Hello."), ("user", "And now?"), ("agent", "I heard: And now?")]
    assert record["metadata"]["queue_wait_secs"] > 0


def test_the_python_sdk_is_told_when_it_has_waited_in_vain(parola, tap):
    agent_id = busy_agent(parola, wait=1)
    with Caller(tap, agent_id) as first:
        first.began()
        second = Caller(tap, agent_id)
        second.conversation.start_session()
        conversation_id = second.conversation.wait_for_session_end()
        assert second.call.of("queue_status") == [{"status": "waiting"}, {"status": "timed_out"}]
        ended = second.call.ended()
        assert ended is not None and ended[0] == 4300
    assert conversation_id is not None
    record = parola.ended_record(conversation_id)
    assert record["status"] == "failed" and "within 1 s" in record["metadata"]["termination_reason"]
    assert record["metadata"]["call_duration_secs"] == 0


@pytest.fixture
def browsers(tap) -> Iterator[Any]:
    started: list[Browser] = []

    def browser() -> Browser:
        started.append(Browser(tap))
        return started[-1]

    yield browser
    for one in started:
        one.close()


@pytest.mark.skipif(
    NODE is None or not (HERE.parents[1] / "node_modules" / "@elevenlabs" / "client").is_dir(),
    reason="needs Node and node_modules: run `make node_modules`",
)
def test_the_javascript_client_waits_for_its_place(parola, tap, browsers):
    agent_id = busy_agent(parola, wait=30)
    first, second = browsers(), browsers()
    first.starts(agent_id)
    assert first.hears("message")["message"] == "Hello."
    conversation_id = second.starts(agent_id)  # it has begun as far as the client knows
    assert tap.call(1).next("queue_status") == {"status": "waiting"}
    first.do("end")
    assert second.hears("message")["message"] == "Hello."
    assert second.asks("And now?") == "I heard: And now?"
    second.do("end")
    second.hears("disconnect")
    assert tap.call(1).of("queue_status") == [{"status": "waiting"}, {"status": "admitted"}]
    assert parola.ended_record(conversation_id)["status"] == "done"


async def test_a_caller_who_hangs_up_while_waiting_makes_room_for_the_next(parola):
    url = parola.socket_of(busy_agent(parola, wait=30))
    async with RawClient(url) as first:
        await first.begin(**TEXT_ONLY)
        async with RawClient(url) as second:
            metadata = await second.begin(**TEXT_ONLY)
            assert await second.next("queue_status") == {"status": "waiting"}
        record = await asyncio.to_thread(parola.ended_record, metadata["conversation_id"])
        assert record["metadata"]["termination_reason"] == "The caller hung up while it waited for a place."
        async with RawClient(url) as third:
            await third.begin(**TEXT_ONLY)
            await first.hang_up()
            assert (await third.next("agent_response"))["agent_response"] == "Hello."
            assert third.of("queue_status") == [{"status": "waiting"}, {"status": "admitted"}]


def metric(parola: ServerProcess, name: str) -> float:
    families = text_string_to_metric_families(parola.http.get("/metrics").text)
    return sum(sample.value for family in families for sample in family.samples if sample.name == name)


async def test_twenty_calls_that_come_at_once_do_not_hold_up_those_that_run(parola):
    url = parola.socket_of(parola.create_agent(agent()))
    init = {"type": "conversation_initiation_client_data"}
    await asyncio.to_thread(metric, parola, "parola_loop_lag_seconds_count")  # what is loaded at the first time
    running = [RawClient(url) for _ in range(5)]
    coming = [RawClient(url) for _ in range(20)]
    try:
        for client in running:
            await client.__aenter__()
            await client.begin(**TEXT_ONLY)
        await asyncio.gather(*(client.__aenter__() for client in coming))
        await asyncio.gather(*(client.send({**init, **TEXT_ONLY}) for client in coming))
        answers = await asyncio.gather(*(client.answer("Still there?") for client in running))
        assert answers == ["I heard: Still there?"] * 5
        for client in coming:
            assert await client.answer("Me too") == "I heard: Me too"
            assert client.of("queue_status") == []
    finally:
        for client in (*running, *coming):
            await client.__aexit__(None)
    assert await asyncio.to_thread(metric, parola, "parola_turns_answered_total") >= 25
