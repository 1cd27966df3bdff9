"""What is redacted in the record reaches the endpoint that asked for it as it was said, and is kept for nobody else."""

from __future__ import annotations

import asyncio
import json
from base64 import b85decode, b85encode
from dataclasses import replace
from typing import Any

import pytest

from parola.config import Settings
from parola.errors import StoreError
from parola.privacy.keeping import keep_private
from parola.store.base import AgentRow, ConversationChange, ConversationRow
from parola.store.outbox import DeliveryRow
from parola.webhooks.announcing import WEBHOOK, announcements
from parola.webhooks.delivery import replayed
from parola.webhooks.sending import Answer
from parola.webhooks.unredacted import Originals
from tests.webhooks.test_delivery import DOWN, PlainVault, Request, World, told_as_story

MAIL = "jo@example.com"


class Sealing(PlainVault):
    def seal(self, value: str) -> bytes:
        return b85encode(value.encode())

    def open(self, sealed: bytes) -> str:
        return b85decode(sealed).decode()


async def begins(world: World, *, redacts: bool = True, **webhooks: Any) -> None:
    """A conversation in which an address is said; ``end`` ends it."""
    world.postman._payloads._seal = Sealing()
    world.postman._payloads._make_record = lambda row, turns, now: {
        "conversation_id": row.conversation_id,
        "transcript": list(turns),
        "reason": row.termination_reason,
        "told": row.document,
    }
    keep_private(world.store, Settings(), lambda: Originals(world.store, Sealing()))
    await world.has_webhook("wh_1")
    events = ["transcript", "unredacted_transcript", "unredacted_audio"]
    await world.has_settings(post_call_webhook_id="wh_1", events=events, **webhooks)
    privacy = {"conversation_history_redaction": {"enabled": redacts}}
    await world.store.agents.put(AgentRow("agent_1", "A", {"platform_settings": {"privacy": privacy}}, 1.0, 1.0))
    document = {"conversation_initiation_client_data": {"dynamic_variables": {"mail": MAIL}}}
    row = ConversationRow("conv_1", "agent_1", "in-progress", world.now(), document)
    await world.store.conversations.create(row)
    turns = {0: {"role": "user", "message": f"I am {MAIL}"}}
    await world.store.conversations.write("conv_1", ConversationChange(turns=turns))


async def end(world: World) -> None:
    change = ConversationChange(
        status="done", ended_at=world.now(), termination_reason=f"x: {MAIL}", document={"analysis": {"score": 1}}
    )
    row = await world.store.conversations.get("conv_1")
    assert row is not None
    due = await announcements(world.store, replace(row, status="done"), world.now())
    await world.store.conversations.conclude("conv_1", change, due)


async def only(world: World) -> DeliveryRow:
    return await world.only("conv_1", "unredacted_transcript")


def test_the_original_is_told_and_kept_no_longer_than_that() -> None:
    async def story(world: World) -> None:
        await begins(world)
        await end(world)
        await asyncio.sleep(10)
        waiting = await only(world)
        assert waiting.status == "waiting" and MAIL not in repr(waiting) and "original" in waiting.options
        stored = [repr(await world.store.conversations.turns("conv_1")), repr(await world.store.outbox.of("conv_1"))]
        assert MAIL not in "".join(stored) and await world.store.outbox.body(waiting.delivery_id) is None
        await asyncio.sleep(200)
        arrived = await only(world)
        assert arrived.status == "delivered" and "original" not in arrived.options and MAIL not in repr(arrived)
        assert (await world.told("conv_1"))["unredacted_audio"] == ("skipped", "original_not_kept")
        for row in (arrived, await world.only("conv_1", "unredacted_audio")):
            await world.store.outbox.update(replayed(row, world.now()))
        await asyncio.sleep(10)
        told = await world.told("conv_1")
        assert told["unredacted_transcript"] == told["unredacted_audio"] == ("dead", "original_not_kept")

    def echoing(request: Request) -> Answer:
        return Answer(200 if request.at > 20 else 503, "ok" if request.at > 20 else "http_503", request.body.decode())

    world = told_as_story(story, answers=echoing)
    told = [json.loads(request.body) for request in world.requests]
    originals = [one for one in told if one.get("x_event") == "unredacted_transcript"]
    assert len(originals) == 2 and originals[0] == originals[1], "each attempt is the same"
    assert originals[0]["type"] == "post_call_transcription"
    assert originals[0]["data"]["transcript"] == [{"role": "user", "message": f"I am {MAIL}"}]
    assert originals[0]["data"]["reason"] == f"x: {MAIL}" and originals[0]["data"]["told"]["analysis"] == {"score": 1}
    assert originals[0]["data"]["told"]["conversation_initiation_client_data"]["dynamic_variables"] == {"mail": MAIL}
    assert all(MAIL not in json.dumps(one) for one in told if "x_event" not in one)
    assert {request.headers["X-Webhook-Type"] for request in world.requests} == {"post_call_transcription"}


def test_what_a_killed_server_knew_is_lost_and_what_is_given_up_is_forgotten() -> None:
    async def killed(world: World) -> None:
        await begins(world)
        keep_private_again(world)
        await end(world)
        assert (await world.told("conv_1"))["unredacted_transcript"] == ("skipped", "original_not_kept")

    async def given_up(world: World) -> None:
        await begins(world)
        await end(world)
        await asyncio.sleep(80 * 3600)
        gone = await only(world)
        assert (gone.status, gone.reason) == ("dead", "connection_failed") and "original" not in gone.options

    told_as_story(killed)
    told_as_story(given_up, answers=lambda _: DOWN)


def test_an_original_waits_for_a_disabled_endpoint_as_long_as_attempts_are_made_and_no_longer() -> None:
    async def story(world: World) -> None:
        await begins(world)
        await end(world)
        await world.has_webhook("wh_1", is_disabled=True)
        await asyncio.sleep(71 * 3600)
        waiting = await only(world)
        assert waiting.status == "waiting" and "original" in waiting.options
        await asyncio.sleep(2 * 3600)
        gone = await only(world)
        assert (gone.status, gone.reason) == ("dead", "original_not_kept") and "original" not in gone.options
        assert (await world.only("conv_1")).status == "waiting", "the rest goes on waiting"

    told_as_story(story, answers=lambda _: DOWN)


def test_an_original_goes_with_its_endpoint() -> None:
    async def story(world: World) -> None:
        await begins(world)
        await end(world)
        await asyncio.sleep(700)
        assert "original" in (await only(world)).options
        await world.store.documents.delete(WEBHOOK, "wh_1")
        await world.postman.forget("wh_1")
        gone = await only(world)
        assert (gone.status, gone.reason) == ("dead", "unknown_webhook") and "original" not in gone.options

    told_as_story(story, answers=lambda _: DOWN)


def test_an_attempt_that_runs_while_its_endpoint_is_deleted_brings_no_original_back() -> None:
    async def story(world: World) -> None:
        await begins(world)
        await end(world)
        await asyncio.sleep(1)
        assert "original" in (await only(world)).options
        await world.store.documents.delete(WEBHOOK, "wh_1")
        await world.postman.forget("wh_1")
        await asyncio.sleep(10)
        gone = await only(world)
        assert (gone.status, gone.reason) == ("dead", "unknown_webhook") and "original" not in gone.options
        assert len(gone.attempts) == 1, "the one that ran is in the log"

    async def slow(_: Request) -> Answer:
        await asyncio.sleep(5)
        return DOWN

    told_as_story(story, answers=slow)


def test_what_could_not_be_stored_at_once_is_told_when_it_can() -> None:
    async def story(world: World) -> None:
        await begins(world)
        inner = world.store.conversations._inner  # type: ignore[attr-defined]
        conclude = inner.conclude

        async def is_away(*_: Any) -> None:
            inner.conclude = conclude
            raise StoreError("The database is away.")

        inner.conclude = is_away
        with pytest.raises(StoreError):
            await end(world)
        await end(world)
        await asyncio.sleep(10)
        assert (await world.told("conv_1"))["unredacted_transcript"] == ("delivered", "ok")

    world = told_as_story(story)
    assert any(MAIL in request.body.decode() for request in world.requests)


def keep_private_again(world: World) -> None:
    """As a server that starts finds the store."""
    world.store.conversations = world.store.conversations._inner  # type: ignore[attr-defined]
    keep_private(world.store, Settings(), lambda: Originals(world.store, Sealing()))


def test_where_nothing_is_redacted_there_is_no_other_original() -> None:
    async def story(world: World) -> None:
        await begins(world, redacts=False)
        await end(world)
        told = await world.told("conv_1")
        assert told["unredacted_transcript"] == told["unredacted_audio"] == ("skipped", "not_redacted")

    told_as_story(story)
