"""What follows a call is not lost: not when the model fails, not when the server dies, and never before live calls."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from parola.analysis.after_call import AT_A_TIME, MOST_AGAIN_WAITING, AfterCall
from parola.analysis.analysing import Analysing
from parola.config import Settings
from parola.errors import Conflict, ProviderError, StoreError, TooMany
from parola.providers.base import ModelEvent, ModelRequest
from parola.session.audio import AudioFormat
from parola.session.recording import Recorder
from parola.session.spool import seconds_in
from parola.store.base import AgentRow, ConversationChange, ConversationRow, spool_of, whole_seconds
from parola.store.memory import MemoryStore
from parola.store.outbox import DeliveryRow
from parola.store.pages import Document
from parola.tracing.spans import Span
from parola.tracing.tracer import Tracer
from tests.analysis.test_analysing import AGENT, GOOD, Models, Reader
from tests.tool_context import tool_context
from tests.virtual_time import run

TURNS: dict[int, Document] = {0: {"role": "user", "message": "A table for four", "time_in_call_secs": 7}}
ENDED = ConversationChange(
    status="done",
    ended_at=1041.0,
    termination_reason="end_call",
    document={"metadata": {"x_close": {"code": 1000, "reason": "", "by": "client", "status": "done"}}},
)


class SlowReader(Reader):
    """Thinks for a second, and counts who thinks at once."""

    def __init__(self, *answers: Any) -> None:
        super().__init__(*answers)
        self.thinking = self.most_thinking = 0

    async def step(self, request: ModelRequest) -> AsyncIterator[ModelEvent]:
        self.thinking += 1
        self.most_thinking = max(self.most_thinking, self.thinking)
        await asyncio.sleep(1.0)
        self.thinking -= 1
        async for event in super().step(request):
            yield event


class World:
    """A store with an agent, and who ends its conversations."""

    def __init__(self, reader: Any, *, agent: Document = AGENT, setting: str = "auto", traced: bool = False) -> None:
        self.store = MemoryStore()
        self.agent = agent
        self.is_busy = False
        settings = Settings(analysis=setting, otlp_endpoint="http://127.0.0.1:4318")
        analysing = Analysing(settings, tool_context(settings, self.store), Models(reader))
        self.spans: list[Span] = []
        tracer = Tracer(settings, None, now=lambda: 7.0) if traced else None  # type: ignore[arg-type]
        if tracer is not None:
            tracer.put = self.spans.append  # type: ignore[method-assign]
        self.after_call = AfterCall(self.store, lambda: analysing, lambda: self.is_busy, tracer)

    async def begin(self, conversation_id: str = "conv_1", document: Document | None = None) -> None:
        await self.store.agents.put(AgentRow("agent_1", "Front desk", self.agent, 0.0, 0.0))
        row = ConversationRow(conversation_id, "agent_1", "in-progress", 1000.0, document or {})
        await self.store.conversations.create(row)
        await self.store.conversations.write(conversation_id, ConversationChange(turns=TURNS))

    async def row(self, conversation_id: str = "conv_1") -> ConversationRow:
        row = await self.store.conversations.get(conversation_id)
        assert row is not None
        return row

    async def settled(self, conversation_id: str = "conv_1") -> ConversationRow:
        while self.after_call.waiting:
            await asyncio.sleep(0.1)
        return await self.row(conversation_id)

    async def deliveries(self, conversation_id: str = "conv_1") -> list[DeliveryRow]:
        return list(await self.store.outbox.of(conversation_id))


def test_a_conversation_that_nobody_wants_read_is_done_at_once_with_its_webhooks() -> None:
    async def story() -> None:
        world = World(Reader(), setting="off")
        await world.begin()
        await world.after_call.end("conv_1", ENDED)
        assert (await world.row()).status == "done" and world.after_call.waiting == 0
        (delivery,) = await world.deliveries()
        assert (delivery.status, delivery.reason) == ("skipped", "not_configured")

    run(story())


def test_a_conversation_is_processing_until_it_was_read_and_then_everything_is_there_at_once() -> None:
    async def story() -> None:
        world = World(SlowReader(GOOD))
        await world.begin()
        await world.after_call.end("conv_1", ENDED)
        assert (await world.row()).status == "processing" and not await world.deliveries()
        row = await world.settled()
        assert row.status == "done" and row.ended_at == 1041.0 and row.termination_reason == "end_call"
        assert row.document["analysis"]["call_successful"] == "success"
        assert row.document["metadata"]["charging"]["analysis"]["total"]["runs"] == 1
        assert len(await world.deliveries()) == 1

    run(story())


@pytest.mark.parametrize("trouble", [ProviderError("openai", "It is on fire."), RuntimeError("a bug")])
def test_an_analysis_that_fails_is_told_in_the_record_and_loses_no_webhook(trouble: Exception) -> None:
    async def story() -> None:
        world = World(Reader(trouble))
        await world.begin()
        await world.after_call.end("conv_1", ENDED)
        row = await world.settled()
        (warning,) = row.document["metadata"]["warnings"]
        assert row.status == "done" and warning.startswith("The analysis failed: ")
        assert ("on fire" in warning) == isinstance(trouble, ProviderError), "what a bug says is for the log"
        assert len(await world.deliveries()) == 1

    run(story())


def test_a_database_that_is_away_for_a_while_delays_the_end_and_loses_nothing() -> None:
    async def story() -> None:
        world = World(Reader(GOOD, GOOD))
        await world.begin()
        conclude, refusals = world.store.conversations.conclude, [StoreError("away")]

        async def away(*what: Any) -> None:
            if refusals:
                raise refusals.pop()
            await conclude(*what)

        world.store.conversations.conclude = away  # type: ignore[method-assign]
        await world.after_call.end("conv_1", ENDED)
        assert (await world.settled()).status == "done" and len(await world.deliveries()) == 1

    run(story())


def test_what_a_stopped_server_left_is_taken_up_by_the_next() -> None:
    async def story() -> None:
        world = World(SlowReader(GOOD, GOOD, GOOD))
        await world.begin("conv_ended")
        await world.begin("conv_cut")
        await world.after_call.end("conv_ended", ENDED)
        await asyncio.sleep(0.5)
        await world.after_call.aclose()
        assert (await world.row("conv_ended")).status == "processing"

        await world.after_call.take_up()
        assert (await world.row("conv_cut")).status == "processing", "it is read like any other"
        ended, cut = await world.settled("conv_ended"), await world.row("conv_cut")
        assert ended.status == "done" and ended.document["analysis"]["call_successful"] == "success"
        assert cut.status == "failed" and cut.document["analysis"]["call_successful"] == "success"
        assert cut.ended_at == 1007.0 and cut.document["metadata"]["error"]["code"] == 1011
        assert cut.document["metadata"]["x_close"]["by"] == "crash"
        assert len(await world.deliveries("conv_ended")) == len(await world.deliveries("conv_cut")) == 1
        await world.after_call.take_up()
        assert world.after_call.waiting == 0, "nothing is left"

    run(story())


def test_who_was_waiting_for_a_person_when_the_server_was_killed_waits_no_more() -> None:
    async def story() -> None:
        world = World(SlowReader(GOOD), setting="off")
        answered = {"time_in_call_secs": 2.0, "outcome": "answered", "operator": "Ann", "waited_secs": 1.0}
        pending = {"time_in_call_secs": 9.5, "reason": "The bill", "by": "crm", "outcome": None}
        commands = [{"type": "contextual_update", "by": "crm", "time_in_call_secs": 11.0}]
        metadata = {"x_waiting_for_human": [answered, pending], "x_commands": commands}
        await world.begin("conv_1", {"metadata": metadata})
        await world.after_call.take_up()
        cut = await world.settled()
        assert cut.ended_at == 1011.0, "the last thing that is known of it"
        over = {**pending, "outcome": "abandoned", "waited_secs": 1.5, "operator": None}
        assert cut.document["metadata"]["x_waiting_for_human"] == [answered, over]

    run(story())


def test_a_call_that_was_cut_is_as_long_as_the_recording_that_was_kept() -> None:
    async def story() -> None:
        world = World(SlowReader(GOOD))
        await world.begin("conv_cut")
        spool = spool_of(world.store.recording_path("conv_cut"))
        recorder = Recorder(spool, AudioFormat("pcm", 16000), started_at=0.0)
        recorder.user_spoke(bytes(2 * 16000), now=11.8)
        recorder.close()
        await world.after_call.take_up()
        row = await world.row("conv_cut")
        assert row.ended_at is not None and whole_seconds(row.started_at, row.ended_at) == 12 and row.has_audio
        assert row.ended_at - row.started_at == pytest.approx(seconds_in(spool)) == 11.8

    run(story())


def test_a_tool_that_a_killed_server_had_called_has_a_result_that_says_so() -> None:
    async def story() -> None:
        world = World(SlowReader(GOOD))
        await world.begin("conv_cut")
        calls = [
            {"type": "webhook", "request_id": name, "tool_name": name, "tool_has_been_called": True} for name in "ab"
        ]
        turn = {"role": "agent", "message": "One moment", "tool_calls": calls, "tool_results": [{"request_id": "a"}]}
        await world.store.conversations.write("conv_cut", ConversationChange(turns={7: turn}))
        await world.after_call.take_up()
        kept = (await world.store.conversations.numbered_turns("conv_cut"))[7]
        assert kept["message"] == "One moment" and kept["tool_results"][0] == {"request_id": "a"}
        lost = kept["tool_results"][1]
        assert (lost["request_id"], lost["is_error"], lost["error_type"]) == ("b", True, "not_answered")
        assert "server stopped" in lost["result_value"]

    run(story())


def test_few_are_read_at_a_time_and_none_while_calls_need_the_server() -> None:
    async def story() -> None:
        reader = SlowReader(*[GOOD] * 6)
        world = World(reader)
        world.is_busy = True
        for n in range(6):
            await world.begin(f"conv_{n}")
            await world.after_call.end(f"conv_{n}", ENDED)
        await asyncio.sleep(30)
        assert not reader.asked and world.after_call.waiting == 6
        world.is_busy = False
        assert (await world.settled("conv_5")).status == "done"
        assert reader.most_thinking == AT_A_TIME

    run(story())


def test_a_conversation_that_is_deleted_meanwhile_does_not_come_back() -> None:
    async def story() -> None:
        world = World(SlowReader(GOOD))
        await world.begin()
        await world.after_call.end("conv_1", ENDED)
        await asyncio.sleep(0.5)
        await world.store.conversations.delete("conv_1")
        while world.after_call.waiting:
            await asyncio.sleep(0.1)
        assert await world.store.conversations.get("conv_1") is None

    run(story())


def test_a_new_analysis_replaces_the_old_one_whole() -> None:
    async def story() -> None:
        world = World(Reader(GOOD, {**GOOD, "call_successful": "failure"}, ProviderError("openai", "It is on fire.")))
        await world.begin()
        with pytest.raises(Conflict, match="in-progress"):
            await world.after_call.run_again("conv_1")
        await world.after_call.end("conv_1", ENDED)
        await world.settled()
        world.agent = {"platform_settings": {"data_collection": {"guests": {"type": "integer"}}}}
        await world.store.agents.put(AgentRow("agent_1", "Front desk", world.agent, 0.0, 0.0))
        await world.after_call.run_again("conv_1")
        row = await world.row()
        assert list(row.document["analysis"]["data_collection_results"]) == ["guests"]
        assert row.document["analysis"]["evaluation_criteria_results"] == {}
        assert row.document["analysis"]["call_successful"] == "failure", "without criteria the model says it"
        assert row.document["metadata"]["charging"]["analysis"]["total"]["runs"] == 2
        with pytest.raises(ProviderError, match="on fire"):
            await world.after_call.run_again("conv_1")
        kept = (await world.row()).document
        assert kept["analysis"] == row.document["analysis"], "what was found out before stays"
        assert kept["metadata"]["charging"]["analysis"]["total"]["runs"] == 3
        assert len(await world.deliveries()) == 1, "nobody is told twice"

    run(story())


def test_few_conversations_are_read_again_at_a_time_and_each_once() -> None:
    async def story() -> None:
        most = AT_A_TIME + MOST_AGAIN_WAITING
        reader = SlowReader(*[GOOD] * (most + 3))
        world = World(reader)
        await world.begin()
        await world.store.conversations.write("conv_1", ENDED)
        row = await world.row()
        ids = [f"conv_{number}" for number in range(1, most + 2)]
        for other in ids[1:]:
            await world.store.conversations.create(replace(row, conversation_id=other, status="done"))
            await world.store.conversations.write(
                other, ConversationChange(turns={0: {"role": "user", "message": "Hi"}})
            )
        async with asyncio.TaskGroup() as group:
            for one in ids[:most]:
                group.create_task(world.after_call.run_again(one))
            await asyncio.sleep(1.5)
            assert len(reader.asked) == AT_A_TIME, "the first two have been read, after a second"
            group.create_task(world.after_call.run_again("conv_1"))
            group.create_task(world.after_call.run_again("conv_2"))
            await asyncio.sleep(0)
            with pytest.raises(Conflict, match="already"):
                await world.after_call.run_again("conv_5")
            with pytest.raises(TooMany) as refused:
                await world.after_call.run_again(ids[most])
            assert (refused.value.code, refused.value.status) == ("system_busy", 429)
        assert len(reader.asked) == most + 2
        await world.after_call.run_again(ids[most])

    run(story())


def test_every_agent_that_had_the_conversation_is_asked_what_it_wants_to_know() -> None:
    async def story() -> None:
        reader = SlowReader(
            {"transcript_summary": "A bill.", "call_summary_title": "", "call_successful": "success"},
            {"data_collection": {"bill": {"rationale": "", "value": "nine"}}},
        )
        world = World(reader, agent={})
        await world.begin()
        wants = {"data_collection": {"bill": {"type": "string"}}, "data_collection_scopes": {"bill": "agent"}}
        await world.store.agents.put(AgentRow("billing", "Billing", {"platform_settings": wants}, 0.0, 0.0))
        turn = {"role": "agent", "message": "Nine is paid.", "agent_metadata": {"agent_id": "billing"}}
        visited = [{"agent_id": "agent_1", "branch_id": None}, {"agent_id": "billing", "branch_id": None}]
        last = replace(ENDED, turns={1: turn}, document={**(ENDED.document or {}), "visited_agents": visited})
        await world.after_call.end("conv_1", last)
        analysis = (await world.settled()).document["analysis"]
        (scoped,) = analysis["scoped"]
        assert (scoped["scope"], scoped["source_agent_id"]) == ("agent", "billing")
        assert analysis["data_collection_results"]["bill"]["value"] == "nine"
        assert "Nine is paid." in reader.asked[1].messages[-1]["content"]

    run(story())


def test_every_analysis_is_a_span_and_so_is_a_conversation_whose_server_was_killed() -> None:
    async def story() -> None:
        world = World(Reader(GOOD, GOOD, RuntimeError("a bug")), traced=True)
        own = f"00-{'1' * 32}-{'2' * 16}-01"
        await world.begin(document={"metadata": {"x_traceparent": own}})
        await world.after_call.take_up()
        await world.settled()
        await world.after_call.run_again("conv_1")
        with pytest.raises(RuntimeError):
            await world.after_call.run_again("conv_1")
        call, *analyses = world.spans
        assert (call.name, call.trace_id, call.span_id, call.start, call.end) == (
            *("invoke_agent", "1" * 32, "2" * 16),
            *(1000.0, 1007.0),
        )
        assert call.error == call.attributes["error.type"] == "crash"
        assert [(one.name, one.parent_id, one.error) for one in analyses] == [
            *[("analysis", "2" * 16, None)] * 2,
            ("analysis", "2" * 16, "failed"),
        ]
        assert len({one.span_id for one in world.spans}) == 4
        assert analyses[0].attributes["gen_ai.usage.input_tokens"] == 1000

    run(story())


def test_a_conversation_whose_words_were_deleted_cannot_be_read_again() -> None:
    async def story() -> None:
        reader = Reader(GOOD)
        world = World(reader)
        await world.begin()
        await world.after_call.end("conv_1", ENDED)
        await world.settled()
        deleted = {"metadata": {"deletion_settings": {"deleted_transcript_at_time_unix_secs": 1050}}}
        await world.store.conversations.write("conv_1", ConversationChange(document=deleted))
        with pytest.raises(Conflict, match="was deleted"):
            await world.after_call.run_again("conv_1")
        assert len(reader.asked) == 1

    run(story())
