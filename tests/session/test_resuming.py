"""Tokens, and what of a conversation's text a client gets that comes back."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from parola.conversation.phases import Phase
from parola.errors import ConversationRefused
from parola.protocol.server_messages import AgentResponse, Audio, ConversationInitiationMetadata, Ping
from parola.session.connection import UNREAD_SECONDS, WATCH_SECONDS, Connection
from parola.session.event_log import EventLog
from parola.session.outbox import Outbox
from parola.session.reading import Reader
from parola.session.resuming import Resumption
from parola.session.transport import Disconnected
from tests.virtual_time import run

METADATA = ConversationInitiationMetadata(
    conversation_id="conv_1", agent_output_audio_format="pcm_16000", user_input_audio_format="pcm_16000"
)


class Wire:
    """A connection; what a stuck one is given never leaves."""

    def __init__(self, *, is_stuck: bool = False) -> None:
        self.frames: list[dict[str, Any]] = []
        self.is_closed = False
        self.is_dropped = False
        self.is_stuck = is_stuck

    async def receive(self) -> Disconnected:
        return Disconnected(1006)

    async def send(self, frame: str) -> None:
        if self.is_stuck:
            await asyncio.Event().wait()
        self.frames.append(json.loads(frame))

    async def close(self, code: int, reason: str) -> None:
        self.is_closed = True

    def drop(self) -> None:
        self.is_dropped = True

    @property
    def told(self) -> list[Any]:
        return [frame.get("agent_response_event", {}).get("agent_response", frame["type"]) for frame in self.frames]


def said(text: str, event_id: int) -> AgentResponse:
    return AgentResponse(agent_response=text, event_id=event_id)


async def sending(outbox: Outbox) -> asyncio.Task[None]:
    task = asyncio.create_task(outbox.run(lambda error: pytest.fail(str(error))))
    await asyncio.sleep(1)
    return task


def test_a_client_that_is_back_gets_what_it_missed_once_and_in_order_and_no_sound():
    async def story() -> None:
        first, second = Wire(), Wire()
        outbox = Outbox(first, Resumption(30))
        for message in (METADATA, said("one", 1), said("two", 2), Audio(audio_base_64=b"\0\0", event_id=2)):
            outbox.put(message)
        task = await sending(outbox)
        outbox.detach()
        for late in (said("three", 3), Audio(audio_base_64=b"\0\0", event_id=3), Ping(event_id=9)):
            outbox.put(late)
        await asyncio.sleep(1)
        await outbox.drained()
        outbox.attach(second, METADATA, 1)
        outbox.put(said("four", 4))
        await asyncio.sleep(1)
        assert first.told == ["conversation_initiation_metadata", "one", "two", "audio"]
        assert second.told == ["conversation_initiation_metadata", "two", "three", "four"]
        outbox.detach()
        third = Wire()
        outbox.attach(third, METADATA, None)
        await asyncio.sleep(1)
        assert third.told == ["conversation_initiation_metadata"], "who does not say gets what it never was sent"
        task.cancel()

    run(story())


def test_a_connection_that_never_reads_again_holds_nothing_up():
    async def story() -> None:
        stuck, other = Wire(is_stuck=True), Wire()
        outbox = Outbox(stuck, Resumption(30))
        outbox.put(said("one", 1))
        outbox.put(said("two", 2))
        task = await sending(outbox)
        assert outbox.writing_since is not None
        outbox.detach()
        outbox.attach(other, METADATA, 0)
        await asyncio.sleep(1)
        assert other.told == ["conversation_initiation_metadata", "one", "two"]
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert task.cancelled(), "the end of the conversation is another matter"

    run(story())


def test_a_token_is_good_for_one_connection():
    resumption = Resumption(30)
    tokens = [str(resumption.greeting(METADATA).x_resume_token)]
    with pytest.raises(ConversationRefused, match="not the one"):
        resumption.take("guess")
    resumption.take(tokens[0])
    tokens.append(str(resumption.greeting(METADATA).x_resume_token))
    assert tokens[0] != tokens[1]
    with pytest.raises(ConversationRefused, match="has been used"):
        resumption.take(tokens[0])
    resumption.take(tokens[1])
    assert METADATA.x_resume_token is None


class OpenWire(Wire):
    """One over which nothing comes."""

    async def receive(self) -> Disconnected:
        await asyncio.Event().wait()
        raise AssertionError

    @property
    def token(self) -> str:
        return str(self.frames[0]["conversation_initiation_metadata_event"]["x_resume_token"])


def test_a_connection_that_is_not_read_is_cut_and_the_client_may_come_back_over_another() -> None:
    async def story() -> None:
        first, second, third = OpenWire(), OpenWire(), OpenWire()
        resumption = Resumption(300)
        outbox = Outbox(first, resumption)
        reader = Reader(lambda event: None, EventLog(), lambda audio: None, lambda message: None)
        connection = Connection(
            first, outbox, reader, resumption, lambda event: None, text_only=True, greeting=METADATA
        )
        async with asyncio.TaskGroup() as group:
            sending = group.create_task(outbox.run(lambda error: pytest.fail(str(error))))
            watching = group.create_task(connection.watch())
            outbox.put(METADATA)
            connection.open(group, ())
            await asyncio.sleep(1)
            by_second = group.create_task(connection.go_on(Phase.LISTENING, second, first.token, None))
            await asyncio.sleep(1)
            second.is_stuck = True
            outbox.put(said("Hello?", 1))
            await asyncio.sleep(UNREAD_SECONDS + 2 * WATCH_SECONDS)
            assert connection.is_gone and by_second.done() and second.is_dropped

            by_third = group.create_task(connection.go_on(Phase.LISTENING, third, second.token, None))
            await asyncio.sleep(1)
            assert not by_third.done() and not third.is_dropped
            assert third.told[-1] == "Hello?"
            connection.let_go()
            await by_third
            for task in (sending, watching, *connection.stop_reading()):
                task.cancel()

    run(story())
