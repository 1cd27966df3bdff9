"""Waiting for a place: who must, who is next, and how it ends. Real openings and sessions on a clock that jumps."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from parola.config import LimitSettings, ProviderSettings, Settings
from parola.errors import ConversationRefused
from parola.metrics import Metrics
from parola.protocol.client_messages import ConversationInitiationClientData
from parola.providers.registry import Registry
from parola.session import waiting_room
from parola.session.admitted import Admitted
from parola.session.live import LiveSessions
from parola.session.load import no_trouble
from parola.session.opening import Opening
from parola.session.transport import BinaryFrame, Disconnected
from parola.session.waiting_room import FEW_CALLS, HOLD_SECONDS, NO_LIMITS, Terms, WaitingRoom
from parola.store.base import AgentRow
from parola.store.memory import MemoryStore
from tests.tool_context import tool_context
from tests.virtual_time import run

SCRIPTED = {"default": ProviderSettings("scripted")}


class Caller:
    """``Transport`` to somebody whose every word the test says."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._said: asyncio.Queue[str | BinaryFrame | Disconnected] = asyncio.Queue()
        self.frames: list[dict[str, Any]] = []
        self.times: list[float] = []
        self.closed: tuple[int, str] | None = None
        self.call: asyncio.Task[None] | None = None

    async def receive(self) -> str | BinaryFrame | Disconnected:
        return await self._said.get()

    async def send(self, frame: str) -> None:
        self.frames.append(json.loads(frame))
        self.times.append(asyncio.get_running_loop().time())

    async def close(self, code: int, reason: str) -> None:
        self.closed = (code, reason)

    def drop(self) -> None: ...

    def says(self, text: str) -> None:
        self._said.put_nowait(json.dumps({"type": "user_message", "text": text}))

    async def hangs_up(self) -> None:
        self._said.put_nowait(Disconnected(1000))
        assert self.call is not None
        await self.call

    @property
    def heard(self) -> list[str]:
        """The kinds of all frames but pings; what the queue says, and what the agent says, in its place."""
        told = []
        for frame in self.frames:
            match frame["type"]:
                case "queue_status":
                    told.append(frame["queue_status_event"]["status"])
                case "agent_response":
                    told.append(frame["agent_response_event"]["agent_response"])
                case "ping" | "agent_chat_response_part" | "agent_response_complete" | "context_usage":
                    pass
                case kind:
                    told.append(kind)
        return told

    async def record(self) -> dict[str, Any]:
        conversation_id = self.frames[0]["conversation_initiation_metadata_event"]["conversation_id"]
        row = await self._server.store.conversations.get(conversation_id)
        assert row is not None
        return {"status": row.status, "reason": row.termination_reason, "seconds": _length(row), **row.document}


def _length(row: Any) -> float | None:
    return None if row.ended_at is None else row.ended_at - row.started_at


class Server:
    """Everything between the door and the store."""

    def __init__(
        self,
        *,
        most: int = 0,
        trouble: Callable[[float], str | None] = no_trouble,
        shares: LimitSettings = NO_LIMITS,
    ) -> None:
        settings = Settings(ephemeral=True, record_audio=False, llm=SCRIPTED, stt=SCRIPTED, tts=SCRIPTED)
        self.store, self.live, self.metrics = MemoryStore(), LiveSessions(), Metrics()
        self.room = WaitingRoom(self.live, self.metrics, most=most, trouble=trouble, limits=shares)
        registry = Registry(settings)
        tools = tool_context(settings, self.store)
        self._opening = Opening(settings, self.store, registry, self.live, tools, self.room, self.metrics)

    async def call(
        self,
        agent: str = "agent",
        *,
        limits: dict[str, Any] | None = None,
        wait: int = 0,
        voice: bool = False,
        address: str = "",
        key_id: str | None = None,
    ) -> Caller:
        """Somebody calls; returns when the server has nothing more to do for now."""
        document = {
            "conversation_config": {
                "agent": {"first_message": "Hello.", "prompt": {"llm": "scripted", "x_script": {"default": "Yes?"}}},
                "conversation": {"text_only": not voice},
            },
            "platform_settings": {
                "call_limits": limits or {},
                "queueing_config": {"enabled": wait > 0, "wait_timeout_seconds": wait},
            },
        }
        caller = Caller(self)
        row = AgentRow(agent, agent, document, 0.0, 0.0)
        caller.call = asyncio.create_task(self._hold(Admitted(row, address=address, key_id=key_id), caller))
        await asyncio.sleep(0.1)
        return caller

    async def _hold(self, admitted: Admitted, caller: Caller) -> None:
        client_data = ConversationInitiationClientData()
        try:
            session = await self._opening.open(admitted, client_data, (), caller)
        except ConversationRefused as refusal:
            await caller.close(refusal.close_code, refusal.reason)
            return
        await self._opening.hold(session)


def story(tell: Callable[[], Awaitable[None]]) -> None:
    run(tell())  # type: ignore[arg-type]


METADATA = "conversation_initiation_metadata"
ONE = {"agent_concurrency_limit": 1}


def test_who_is_over_the_limit_waits_and_begins_when_a_place_is_free():
    async def tell() -> None:
        server = Server()
        first = await server.call(limits=ONE, wait=60)
        second = await server.call(limits=ONE, wait=60)
        assert first.heard == [METADATA, "Hello."]
        assert second.heard == [METADATA, "waiting"]
        assert (server.live.count(), server.live.waiting) == (1, 1)
        await asyncio.sleep(10)
        await first.hangs_up()
        await asyncio.sleep(0.1)
        assert second.heard == [METADATA, "waiting", "admitted", "Hello."]
        second.says("Anybody there?")
        await asyncio.sleep(1)
        assert second.heard[-1] == "Yes?"
        await second.hangs_up()
        record = await second.record()
        assert (record["status"], record["reason"]) == ("done", "Client disconnected")
        assert record["metadata"]["queue_wait_secs"] == pytest.approx(10.1, abs=0.2)
        assert server.metrics.waiting_ended == {"admitted": 1}
        assert (server.live.count(), server.live.waiting) == (0, 0)

    story(tell)


def test_what_is_said_while_waiting_is_dropped():
    async def tell() -> None:
        server = Server()
        first = await server.call(limits=ONE, wait=60)
        second = await server.call(limits=ONE, wait=60)
        second.says("Hello? Hello?")
        await asyncio.sleep(1)
        await first.hangs_up()
        await asyncio.sleep(5)
        assert second.heard == [METADATA, "waiting", "admitted", "Hello."]

    story(tell)


def test_places_are_given_in_the_order_of_arrival():
    async def tell() -> None:
        server = Server()
        callers = [await server.call(limits=ONE, wait=600) for _ in range(5)]
        order = []
        for _ in callers:
            talking = [caller for caller in callers if "Hello." in caller.heard and caller.closed is None]
            order.append(callers.index(talking[-1]))
            await talking[-1].hangs_up()
            talking[-1].closed = (1000, "")
            await asyncio.sleep(0.1)
        assert order == [0, 1, 2, 3, 4]

    story(tell)


def test_nobody_waits_behind_a_caller_of_another_agent():
    async def tell() -> None:
        server = Server()
        await server.call("busy", limits=ONE, wait=600)
        await server.call("busy", limits=ONE, wait=600)
        other = await server.call("free", limits=ONE, wait=600)
        assert other.heard == [METADATA, "Hello."]

    story(tell)


def test_who_has_waited_long_enough_is_told_and_let_go():
    async def tell() -> None:
        server = Server()
        await server.call(limits=ONE, wait=30)
        second = await server.call(limits=ONE, wait=30)
        await asyncio.sleep(31)
        assert second.heard == [METADATA, "waiting", "timed_out"]
        assert second.closed is not None
        code, reason = second.closed
        assert code == 4300 and "within 30 s" in reason and len(reason.encode()) <= 123
        record = await second.record()
        assert record["status"] == "failed" and record["reason"] == reason
        assert record["metadata"]["error"] == {"code": 4300, "reason": reason}
        assert record["metadata"]["queue_wait_secs"] == pytest.approx(30)
        assert server.metrics.waiting_ended == {"timed_out": 1}
        assert (server.live.count(), server.live.waiting) == (1, 0)

    story(tell)


def test_who_hangs_up_while_waiting_leaves_the_line_and_a_record():
    async def tell() -> None:
        server = Server()
        first = await server.call(limits=ONE, wait=60)
        second = await server.call(limits=ONE, wait=60)
        third = await server.call(limits=ONE, wait=60)
        await second.hangs_up()
        record = await second.record()
        assert (record["status"], record["reason"]) == ("failed", "The caller hung up while it waited for a place.")
        assert 0 < record["metadata"]["queue_wait_secs"] < 1
        await first.hangs_up()
        await asyncio.sleep(0.1)
        assert third.heard == [METADATA, "waiting", "admitted", "Hello."]
        assert server.metrics.waiting_ended == {"hung_up": 1, "admitted": 1}

    story(tell)


def test_who_hangs_up_just_as_a_place_is_free_gives_it_back():
    async def tell() -> None:
        server = Server()
        first = await server.call(limits=ONE, wait=60)
        second = await server.call(limits=ONE, wait=60)
        third = await server.call(limits=ONE, wait=60)
        assert first.call is not None and second.call is not None
        second._said.put_nowait(Disconnected(1000))
        server.room._line[0].admit()  # at the same moment
        server.room._line.pop(0)
        server.live.expect(second.frames[0]["conversation_initiation_metadata_event"]["conversation_id"], "agent")
        await second.call
        assert server.live.count() == 1
        await first.hangs_up()
        await asyncio.sleep(0.1)
        assert third.heard[-1] == "Hello."

    story(tell)


def test_without_a_queue_a_full_agent_turns_callers_away_before_anything_is_sent():
    async def tell() -> None:
        server = Server()
        await server.call(limits=ONE)
        second = await server.call(limits=ONE)
        assert second.heard == []
        assert second.closed is not None and second.closed[0] == 3008
        assert "at most 1 conversations" in second.closed[1]
        assert server.live.count() == 1

    story(tell)


def test_a_full_server_holds_callers_for_a_moment_and_then_turns_them_away():
    async def tell() -> None:
        server = Server(most=2)
        await server.call("a")
        second = await server.call("b")
        third = await server.call("c")
        fourth = await server.call("d")
        assert third.heard == fourth.heard == [METADATA, "waiting"]
        await second.hangs_up()
        await asyncio.sleep(HOLD_SECONDS)
        assert third.heard[-2:] == ["admitted", "Hello."]
        assert fourth.heard == [METADATA, "waiting", "timed_out"]
        assert fourth.closed is not None and fourth.closed[0] == 3008 and "full" in fourth.closed[1]

    story(tell)


def test_a_busy_server_lets_new_voice_calls_wait_and_one_after_the_other_in():
    async def tell() -> None:
        trouble: list[str] = []
        server = Server(trouble=lambda now: trouble[0] if trouble else None)
        for _ in range(FEW_CALLS):
            assert (await server.call(voice=True)).heard[:1] == [METADATA]
        trouble.append("the event loop is 1.00 s late")
        held = [await server.call(voice=True, wait=60) for _ in range(3)]
        texts = await server.call()
        assert [caller.heard for caller in held] == [[METADATA, "waiting"]] * 3
        assert texts.heard == [METADATA, "Hello."]
        await asyncio.sleep(10)
        trouble.clear()
        await asyncio.sleep(5)
        entered = [caller.times[[f["type"] for f in caller.frames].index("queue_status", 2)] for caller in held]
        assert entered == sorted(entered) and entered[1] - entered[0] == pytest.approx(0.5, abs=0.05)
        assert entered[2] - entered[1] == pytest.approx(0.5, abs=0.05)

    story(tell)


def test_a_server_that_is_busy_with_few_calls_lets_them_in():
    async def tell() -> None:
        server = Server(trouble=lambda now: "the event loop is 1.00 s late")
        assert "waiting" not in (await server.call(voice=True)).heard

    story(tell)


def test_a_call_that_finds_the_server_busy_to_the_end_is_turned_away():
    async def tell() -> None:
        server = Server(trouble=lambda now: "work for stt begins 2.0 s late")
        for _ in range(FEW_CALLS):
            await server.call(voice=True)
        held = await server.call(voice=True)
        await asyncio.sleep(HOLD_SECONDS)
        assert held.heard == [METADATA, "waiting", "timed_out"]
        assert held.closed is not None and held.closed[0] == 3008 and "busy" in held.closed[1]

    story(tell)


def test_a_server_that_stops_tells_those_who_wait():
    async def tell() -> None:
        server = Server()
        await server.call(limits=ONE, wait=60)
        second = await server.call(limits=ONE, wait=60)
        await server.live.end_all("The server is stopping.")
        await asyncio.sleep(1)
        assert second.heard == [METADATA, "waiting"]
        assert second.closed == (1001, "The server is stopping.")
        record = await second.record()
        assert (record["status"], record["reason"]) == ("failed", "The server is stopping.")
        assert server.metrics.waiting_ended == {"stopped": 1}

    story(tell)


def test_the_conversations_of_a_day_are_counted_whoever_has_ended():
    async def tell() -> None:
        server = Server()
        for _ in range(2):
            caller = await server.call(limits={"daily_limit": 2})
            await caller.hangs_up()
        third = await server.call(limits={"daily_limit": 2}, wait=60)
        assert third.heard == []
        assert third.closed is not None and third.closed[0] == 3008 and "a day" in third.closed[1]

    story(tell)


def test_who_waited_in_vain_is_none_of_the_conversations_of_the_day():
    async def tell() -> None:
        server = Server()
        limits = {"daily_limit": 2, "agent_concurrency_limit": 1}
        first = await server.call(limits=limits, wait=10)
        await (await server.call(limits=limits, wait=10)).hangs_up()
        await first.hangs_up()
        assert (await server.call(limits=limits, wait=10)).heard == [METADATA, "Hello."]

    story(tell)


def test_there_is_an_end_to_the_line(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(waiting_room, "MOST_WAITING", 1)

    async def tell() -> None:
        server = Server()
        await server.call(limits=ONE, wait=60)
        assert (await server.call(limits=ONE, wait=60)).heard == [METADATA, "waiting"]
        third = await server.call(limits=ONE, wait=60)
        assert third.heard == []
        assert third.closed is not None and third.closed[0] == 3008 and "waiting already" in third.closed[1]

    story(tell)


@pytest.mark.parametrize(
    ("settings", "terms"),
    [
        ({}, Terms()),
        ({"call_limits": {"agent_concurrency_limit": -1, "daily_limit": 5}}, Terms(most_a_day=5)),
        ({"call_limits": {"agent_concurrency_limit": 3}}, Terms(most=3)),
        ({"queueing_config": {"enabled": True}}, Terms(wait_seconds=180)),
        ({"queueing_config": {"enabled": False, "wait_timeout_seconds": 60}}, Terms()),
        ({"queueing_config": {"enabled": True, "wait_timeout_seconds": 99999}}, Terms(wait_seconds=1800)),
    ],
)
def test_an_agent_says_its_terms(settings: dict[str, Any], terms: Terms):
    assert Terms.of({"platform_settings": settings}) == terms


# -- the shares of addresses, keys and agents -------------------------------------------------------------------------


def test_an_address_has_its_share_and_another_is_not_in_its_way():
    async def tell() -> None:
        server = Server(shares=replace(NO_LIMITS, conversations_per_address=2))
        first = await server.call(address="203.0.113.5")
        await server.call(address="203.0.113.5")
        third = await server.call(address="203.0.113.5")
        assert third.closed == (
            3008,
            "One address may hold 2 conversations at a time (limits.conversations_per_address).",
        )
        for address in ("203.0.113.6", "127.0.0.1", "127.0.0.1", "127.0.0.1"):
            assert (await server.call(address=address)).heard == [METADATA, "Hello."]
        waiting = await server.call(address="203.0.113.5", wait=60)
        assert waiting.heard == [METADATA, "waiting"]
        await first.hangs_up()
        await asyncio.sleep(0.1)
        assert waiting.heard == [METADATA, "waiting", "admitted", "Hello."]

    story(tell)


def test_a_key_has_its_share_wherever_its_callers_are():
    async def tell() -> None:
        server = Server(shares=replace(NO_LIMITS, conversations_per_key=1, starts_per_key=2))
        first = await server.call(key_id="key_1", address="203.0.113.5")
        second = await server.call(key_id="key_1", address="203.0.113.6")
        assert second.closed == (3008, "One API key may hold 1 conversations at a time (limits.conversations_per_key).")
        assert (await server.call(key_id="key_2")).heard == [METADATA, "Hello."]
        await first.hangs_up()
        again = await server.call(key_id="key_1")
        await again.hangs_up()
        third = await server.call(key_id="key_1")
        assert third.closed is not None
        assert third.closed[1].startswith("One API key (limits.starts_per_key) may begin 2 conversations a minute.")

    story(tell)


def test_who_begins_too_often_waits_until_it_is_time_where_there_is_a_queue():
    async def tell() -> None:
        server = Server()
        often = {"x_starts_per_minute": 6, "x_starts_burst": 2}
        for _ in range(2):
            assert (await server.call(limits=often)).heard == [METADATA, "Hello."]
        refused = await server.call(limits=often)
        assert refused.closed is not None
        assert refused.closed[0] == 3008
        assert refused.closed[1].endswith("may begin 6 conversations a minute. Try again in 10 s.")
        line = [await server.call(limits=often, wait=60) for _ in range(2)]
        assert [caller.heard for caller in line] == [[METADATA, "waiting"]] * 2
        await asyncio.sleep(11)
        assert [caller.heard[-1] for caller in line] == ["Hello.", "waiting"]
        late = await server.call(limits=often, wait=60)
        assert late.heard == [METADATA, "waiting"]
        await asyncio.sleep(10)
        assert [caller.heard[-1] for caller in (*line, late)] == ["Hello.", "Hello.", "waiting"]

    story(tell)
