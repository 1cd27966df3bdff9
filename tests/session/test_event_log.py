"""The event log, commands that come in by one way, and an operator's line: by themselves, on a clock that jumps."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from parola.api.watching import HistoryComplete, follow, frame, passing
from parola.conversation.actions import Acknowledge, NoteOperator
from parola.conversation.commands import Commanded, OperatorSpoke, Say, SetVariables
from parola.conversation.events import Event
from parola.errors import Conflict, TooMany
from parola.metrics import Metrics
from parola.protocol.client_messages import ConversationInitiationClientData, EnclaveSetupConfig, Pong, UserMessage
from parola.protocol.server_messages import AgentResponse, Audio, Ping, VadScore
from parola.session.audio import AudioFormat
from parola.session.commands import BURST, Commands
from parola.session.event_log import LONGEST_EVENT, Dropped, Entry, EventLog
from parola.session.operator_ear import OperatorEar
from parola.session.operator_line import MOST_SECONDS, OperatorLine
from parola.session.pacing import Pacing
from tests import virtual_time


def numbers(entries: Sequence[Entry]) -> list[int]:
    return [entry.seq for entry in entries]


def noted(log: EventLog, count: int) -> EventLog:
    for n in range(count):
        log.add("internal", "test", {"type": "note", "n": n})
    return log


# -- the log ----------------------------------------------------------------------------------------------------------


def test_events_are_numbered_and_sound_is_not_among_them():
    log = EventLog()
    log.sent(AgentResponse(agent_response="Hi", event_id=1))
    log.received(UserMessage(text="Hello"))
    for unlogged in (Ping(event_id=1), VadScore(vad_score=0.5), Audio(audio_base_64=b"", event_id=1)):
        log.sent(unlogged)
    log.received(Pong(event_id=1))
    _, entries = log.after(0)
    assert [(e.seq, e.direction, e.by, e.event["type"]) for e in entries] == [
        (1, "to_client", "agent", "agent_response"),
        (2, "from_client", "client", "user_message"),
    ]
    assert frame(entries[0]).endswith('"x_direction":"to_client","x_by":"agent"}') and '"x_seq":1' in frame(entries[0])


def test_what_a_client_begins_with_is_logged_without_its_secrets():
    log = EventLog()
    log.started({"dynamic_variables": {"name": "Zoe", "secret__key": "t0p"}})
    assert log.after(0)[1][0].event["dynamic_variables"] == {"name": "Zoe", "secret__key": "<REDACTED>"}


def test_the_oldest_are_dropped_and_a_reader_is_told_which():
    log = noted(EventLog(most_events=10), 25)
    dropped, entries = log.after(3)
    assert dropped == Dropped(4, 15) and numbers(entries) == list(range(16, 26))
    assert dropped.event["x_events_dropped_event"] == {"count": 12, "first_seq": 4, "last_seq": 15}
    assert log.after(15) == (None, entries) and log.after(25) == (None, ())


def test_a_log_is_bounded_by_its_size_too():
    log = noted(EventLog(most_bytes=1000), 200)
    assert sum(len(entry.frame) for entry in log.after(0)[1]) <= 1000
    log.add("internal", "test", {"type": "long", "text": "x" * (LONGEST_EVENT + 1)})
    assert log.after(log.last_seq - 1)[1][0].event["type"] == "long"
    assert log.after(log.last_seq - 1)[1][0].event["x_too_long"] > LONGEST_EVENT


def test_pages_follow_each_other():
    log, seen, seq = noted(EventLog(most_events=100), 25), [], 0
    while entries := log.after(seq, 7)[1]:
        seen += numbers(entries)
        seq = entries[-1].seq
    assert seen == list(range(1, 26))


def test_a_log_comes_back_from_its_file(tmp_path: Path):
    log = noted(EventLog(most_events=10), 25)
    log.close("enough", 1000)
    (tmp_path / "events").write_bytes(log.lines())
    again = EventLog.read(tmp_path / "events")
    assert [e.document for e in again.after(0)[1]] == [e.document for e in log.after(0)[1]]
    assert again.is_closed and again.last_seq == 26 and again.after(0)[0] == log.after(0)[0]


def test_a_reader_follows_to_the_end_and_a_slow_one_loses_only_its_own():
    async def story() -> None:
        log = noted(EventLog(most_events=10), 3)
        metrics = Metrics()
        quick, slow = follow(log, metrics), follow(log, metrics)
        assert [await anext(quick) for _ in range(3)] == list(log.after(0)[1])
        assert isinstance(await anext(quick), HistoryComplete)
        first = await anext(slow)
        assert isinstance(first, Entry) and first.seq == 1
        waiting = asyncio.ensure_future(anext(quick))
        await asyncio.sleep(1)
        noted(log, 1)
        item = await waiting
        assert isinstance(item, Entry) and item.seq == 4
        noted(log, 40)
        rest = [item async for item in _until_dropped(slow)]
        assert rest[-1] == Dropped(4, 34) and metrics.events_missed == 31
        log.close("enough", 1000)
        last = [item async for item in slow][-1]
        assert isinstance(last, Entry) and last.event["type"] == "x_conversation_ended"

    async def _until_dropped(items: Any) -> Any:
        async for item in items:
            yield item
            if isinstance(item, Dropped):
                return

    virtual_time.run(story())


def test_a_watcher_gets_what_the_agent_lists():
    log = noted(EventLog(), 1)
    log.sent(AgentResponse(agent_response="Hi", event_id=1))
    _, entries = log.after(0)
    assert [passing(["agent_response"])(entry) for entry in entries] == [False, True]
    assert all(passing([])(entry) and passing(None)(entry) for entry in entries)


# -- commands ---------------------------------------------------------------------------------------------------------


class Office:
    """Commands whose conversation is the test."""

    def __init__(self) -> None:
        self.told: list[Event] = []
        self.noted: list[str] = []
        self.log = EventLog()
        self.commands = Commands(self.told.append, self.log, lambda kind, by, seq, **about: self.noted.append(kind))

    @property
    def last(self) -> Commanded:
        event = self.told[-1]
        assert isinstance(event, Commanded)
        return event

    def answers(self, action: Acknowledge) -> None:
        """A step of the conversation in which nothing else happens."""
        self.commands.note([action])
        self.commands.acknowledged(action)
        self.commands.answer(None)


def test_a_command_is_answered_when_the_conversation_has_taken_it():
    async def story() -> None:
        office = Office()
        giving = asyncio.ensure_future(office.commands.give(Say("Hi"), "Ann"))
        await asyncio.sleep(0)
        assert office.last.by == "Ann" and not giving.done()
        office.answers(Acknowledge(office.last.number, is_waiting=True))
        accepted = await giving
        assert accepted.event_id is None and office.noted == ["agent_message"]
        saying = asyncio.ensure_future(office.commands.said(accepted))
        await asyncio.sleep(1)
        office.answers(Acknowledge(office.last.number, event_id=7))
        assert await saying == 7

    virtual_time.run(story())


def test_a_refused_command_says_why_and_one_of_a_call_that_ends_too():
    async def story() -> None:
        office = Office()
        refused = asyncio.ensure_future(office.commands.give(Say("Hi"), "Ann"))
        left = asyncio.ensure_future(office.commands.give(Say("Ho"), "Ann"))
        await asyncio.sleep(0)
        office.answers(Acknowledge(1, code="taken_over", problem="Bob has it."))
        with pytest.raises(Conflict, match="Bob has it"):
            await refused
        office.commands.close()
        for giving in (left, office.commands.give(Say("Hu"), "Ann")):
            with pytest.raises(Conflict) as ended:
                await giving
            assert ended.value.code == "conversation_not_active"
        assert office.noted == []

    virtual_time.run(story())


def test_one_idempotency_key_is_one_command():
    async def story() -> None:
        office = Office()
        both = [asyncio.ensure_future(office.commands.give(Say("Hi"), "Ann", "k")) for _ in range(2)]
        await asyncio.sleep(0)
        assert len(office.told) == 1
        office.answers(Acknowledge(1, event_id=3))
        first, second = await asyncio.gather(*both)
        assert first == second
        with pytest.raises(Conflict, match="another body"):
            await office.commands.give(Say("Ho"), "Ann", "k")

    virtual_time.run(story())


def test_commands_have_a_rate_and_it_comes_back():
    async def story() -> None:
        office = Office()
        giving = [asyncio.ensure_future(office.commands.give(Say("Hi"), "Ann")) for _ in range(BURST)]
        await asyncio.sleep(0)
        with pytest.raises(TooMany, match="a second"):
            await office.commands.give(Say("Hi"), "Ann")
        await asyncio.sleep(1)
        giving.append(asyncio.ensure_future(office.commands.give(Say("Hi"), "Ann")))
        await asyncio.sleep(0)
        assert len(office.told) == BURST + 1
        office.commands.close()
        await asyncio.gather(*giving, return_exceptions=True)

    virtual_time.run(story())


def test_what_was_refused_may_be_tried_again_under_the_same_key():
    async def story() -> None:
        office = Office()
        for code, outcome in (("too_many_waiting", TooMany), ("takeover_is_off", Conflict), ("", None)):
            giving = asyncio.ensure_future(office.commands.give(Say("Hi", is_human=True), "Ann", "key"))
            await asyncio.sleep(0)
            told = office.told[-1]
            assert isinstance(told, Commanded)
            office.answers(Acknowledge(told.number, code=code, problem=code))
            if outcome is None:
                await giving
            else:
                with pytest.raises(outcome):
                    await giving
        assert len(office.told) == 3
        await office.commands.give(Say("Hi", is_human=True), "Ann", "key")
        assert len(office.told) == 3, "what held has its effect once"

    virtual_time.run(story())


def test_a_command_that_is_done_is_forgotten_however_long_the_call_lasts():
    async def story() -> None:
        office = Office()
        for number in range(1, 200):
            giving = asyncio.ensure_future(office.commands.give(SetVariables({"n": number}), "Ann"))
            await asyncio.sleep(0.1)
            office.answers(Acknowledge(number))
            await giving
        assert office.commands.open == 0

    virtual_time.run(story())


def test_a_second_beginning_is_not_logged_with_its_secrets():
    office_log = EventLog()
    office_log.received(ConversationInitiationClientData(dynamic_variables={"secret__a": "t0p"}))
    office_log.received(EnclaveSetupConfig(agent_config_dict={"key": "t0p"}))
    assert office_log.last_seq == 0


def test_the_same_key_from_somebody_else_is_not_the_same_command():
    async def story() -> None:
        office = Office()
        giving = asyncio.ensure_future(office.commands.give(Say("Hi"), "Ann", "k1"))
        await asyncio.sleep(0)
        with pytest.raises(Conflict, match="from somebody else"):
            await office.commands.give(Say("Hi"), "Bob", "k1")
        office.commands.close()
        await asyncio.gather(giving, return_exceptions=True)

    virtual_time.run(story())


def test_a_takeover_that_lapses_is_in_the_log_and_in_the_record():
    async def story() -> None:
        office = Office()
        for action in (NoteOperator("left", "Ann", 30.0), NoteOperator("lapsed", "Ann", 30.0)):
            office.commands.operator_noted(action)
        assert [(entry.by, entry.event) for entry in office.log.after(0)[1]] == [
            (
                "server",
                {"type": "x_operator_left", "x_operator_left_event": {"operator": "Ann", "grace_secs": 30.0}},
            ),
            (
                "server",
                {"type": "x_takeover_lapsed", "x_takeover_lapsed_event": {"operator": "Ann", "away_secs": 30.0}},
            ),
        ]
        assert office.noted == ["takeover_lapsed"]

    virtual_time.run(story())


def test_secrets_are_not_logged():
    async def story() -> None:
        office = Office()
        giving = asyncio.ensure_future(office.commands.give(SetVariables({"secret__a": "t0p", "b": 1}), "Ann"))
        await asyncio.sleep(0)
        assert office.log.after(0)[1][0].event["x_variables_event"] == {"values": {"secret__a": "<REDACTED>", "b": 1}}
        office.commands.close()
        await asyncio.gather(giving, return_exceptions=True)

    virtual_time.run(story())


# -- an operator's line -----------------------------------------------------------------------------------------------


def test_an_operators_voice_is_paced_converted_and_bounded():
    async def story() -> None:
        told: list[tuple[float, OperatorSpoke]] = []
        heard: list[tuple[str, bytes]] = []
        loop = asyncio.get_running_loop()
        line = OperatorLine(
            lambda event: told.append((loop.time(), event)),
            lambda whose, audio: heard.append((whose, audio)),
            AudioFormat.parse("pcm_48000"),
            AudioFormat.parse("ulaw_8000"),
            Pacing(),
            lambda: "Ann",
        )
        began = loop.time()
        line.speak(np.zeros(48000 * 30, "<i2").tobytes())
        assert line.dropped_seconds == pytest.approx(30 - MOST_SECONDS, abs=0.5)
        await asyncio.sleep(30)
        seconds = sum(event.seconds for _, event in told)
        assert seconds == pytest.approx(MOST_SECONDS, abs=0.5)
        ahead = [sum(e.seconds for _, e in told[: n + 1]) - (at - began) for n, (at, _) in enumerate(told)]
        assert max(ahead) <= 1.5, "never much more than a second ahead of playback"
        line.agent_spoke(told[-1][1].audio)
        line.agent_spoke(b"agent")
        line.user_spoke(b"user")
        assert heard == [("agent", b"agent"), ("user", b"user")], "the operator does not hear their own words"
        line.close()

    virtual_time.run(story())


def test_an_operator_who_floods_costs_the_recogniser_no_more_than_the_line_holds():
    async def story() -> None:
        heard = 0

        class Ear:
            def hear(self, audio: bytes) -> None:
                nonlocal heard
                heard += len(audio)

        pcm = AudioFormat.parse("pcm_16000")
        line = OperatorLine(
            lambda _: None, lambda *_: None, pcm, pcm, Pacing(), "Ann", lambda: cast(OperatorEar, Ear())
        )
        for _ in range(200):
            line.speak(bytes(32000))
        assert heard <= 32000 * (MOST_SECONDS + 1)
        assert line.dropped_seconds == pytest.approx(200 - MOST_SECONDS, abs=1)
        line._ear = None
        line.close()

    virtual_time.run(story())
