"""What every outbox promises."""

from __future__ import annotations

from dataclasses import replace

import pytest

from parola.errors import NotFound
from parola.store.base import ConversationChange, ConversationRow, Store
from parola.store.outbox import DeliveryQuery, DeliveryRow

CONVERSATION = ConversationRow("conv_1", "agent_1", "processing", 1.0, {})


def delivery(number: int, endpoint: str = "wh_1", due_at: float | None = 10.0, **fields: object) -> DeliveryRow:
    row = DeliveryRow(
        delivery_id=f"whd_{number}",
        event_id=f"evt_{number}",
        type="post_call_transcription",
        endpoint=endpoint,
        status="waiting",
        conversation_id="conv_1",
        agent_id="agent_1",
        created_at=float(number),
        due_at=due_at,
    )
    return replace(row, **fields)  # type: ignore[arg-type]


async def test_a_conversation_ends_together_with_its_deliveries_or_not_at_all(store: Store) -> None:
    await store.conversations.create(CONVERSATION)
    await store.conversations.conclude("conv_1", ConversationChange(status="done"), [delivery(1), delivery(2)])
    ended = await store.conversations.get("conv_1")
    assert ended is not None and ended.status == "done"
    assert await store.outbox.of("conv_1") == [delivery(1), delivery(2)]
    assert store.outbox.news.is_set()

    with pytest.raises(NotFound):
        await store.conversations.conclude(
            "conv_2", ConversationChange(status="done"), [delivery(3, conversation_id="conv_2")]
        )
    assert await store.outbox.get("whd_3") is None

    await store.conversations.create(
        replace(CONVERSATION, conversation_id="conv_3", status="failed"), [delivery(4, conversation_id="conv_3")]
    )
    assert await store.outbox.get("whd_4") == delivery(4, conversation_id="conv_3")


async def test_what_is_due_is_claimed_once_until_it_is_put_back(store: Store) -> None:
    await store.conversations.create(CONVERSATION)
    rows = [delivery(n, due_at=due) for n, due in enumerate((12.0, 10.0, 11.0, 50.0))]
    await store.outbox.put([*rows, delivery(9, "wh_2"), delivery(10, status="skipped", due_at=None)])
    assert [await store.outbox.next_due(now) for now in (1.0, 10.0, 50.0)] == [10.0, 11.0, None]
    assert await store.outbox.due_endpoints(20.0) == {"wh_1": 3, "wh_2": 1}

    first = await store.outbox.claim("wh_1", 20.0, 60.0, most=2)
    assert [row.delivery_id for row in first] == ["whd_1", "whd_2"]
    rest = await store.outbox.claim("wh_1", 20.0, 60.0, most=5)
    assert [row.delivery_id for row in rest] == ["whd_0"]
    assert await store.outbox.next_due(55.0) == 60.0  # when the claims run out
    assert await store.outbox.due_endpoints(20.0) == {"wh_2": 1}
    assert await store.outbox.due_endpoints(70.0) == {"wh_1": 4, "wh_2": 1}

    attempts = ({"at": 20.5, "status_code": 503, "reason": "http_503"},)
    await store.outbox.put([replace(first[0], due_at=30.0, reason="http_503", attempts=attempts)])
    again = await store.outbox.claim("wh_1", 30.0, 90.0, most=5)
    assert [(row.delivery_id, tuple(row.attempts)) for row in again] == [("whd_1", attempts)]

    await store.outbox.release()
    assert await store.outbox.due_endpoints(30.0) == {"wh_1": 3, "wh_2": 1}


async def test_what_waits_for_a_later_attempt_can_be_brought_forward(store: Store) -> None:
    await store.conversations.create(CONVERSATION)
    later = [delivery(1, due_at=500.0), delivery(2, due_at=5.0), delivery(3, "wh_2", due_at=500.0)]
    await store.outbox.put([*later, delivery(4, status="dead", due_at=None)])
    await store.outbox.claim("wh_1", 10.0, 60.0, most=1)
    await store.outbox.bring_forward("wh_1", 20.0)
    assert [row.delivery_id for row in await store.outbox.claim("wh_1", 20.0, 60.0, most=9)] == ["whd_1"]
    assert await store.outbox.next_due(60.0) == 500.0


async def test_a_message_is_kept_with_its_delivery_and_goes_with_its_conversation(store: Store) -> None:
    await store.conversations.create(CONVERSATION)
    await store.outbox.put([delivery(1)])
    assert await store.outbox.body("whd_1") is None
    await store.outbox.keep_body("whd_1", b'{"a": 1}')
    await store.outbox.put([delivery(1, status="delivered", due_at=None, ended_at=11.0)])
    assert await store.outbox.body("whd_1") == b'{"a": 1}'
    await store.outbox.put([delivery(2, conversation_id=None)], b"{}")
    assert await store.outbox.counts() == {"delivered": 1, "waiting": 1}

    assert await store.conversations.delete("conv_1")
    assert await store.outbox.get("whd_1") is None
    await store.outbox.put([delivery(1)])  # an attempt that ends after the conversation was deleted
    assert await store.outbox.get("whd_1") is None
    assert (await store.outbox.page(DeliveryQuery(), page_size=5)).items == [delivery(2, conversation_id=None)]


async def test_deliveries_are_listed_newest_first_by_what_is_asked_for(store: Store) -> None:
    await store.conversations.create(CONVERSATION)
    await store.outbox.put(
        [
            delivery(1),
            delivery(2, "wh_2", type="post_call_audio"),
            delivery(3, status="dead", reason="http_404"),
            delivery(4, sealed_endpoint=b"\x00", options={"exclude_transcript": True}),
        ]
    )
    found = await store.outbox.page(DeliveryQuery(endpoint="wh_1"), page_size=2)
    assert [row.delivery_id for row in found.items] == ["whd_4", "whd_3"]
    assert found.items[0].sealed_endpoint == b"\x00"
    assert found.items[0].options == {"exclude_transcript": True}
    rest = await store.outbox.page(DeliveryQuery(endpoint="wh_1"), page_size=2, cursor=found.next_cursor)
    assert [row.delivery_id for row in rest.items] == ["whd_1"] and rest.next_cursor is None
    dead = await store.outbox.page(DeliveryQuery(statuses=["dead"]), page_size=5)
    assert [row.reason for row in dead.items] == ["http_404"]
    audio = await store.outbox.page(DeliveryQuery(types=["post_call_audio"]), page_size=5)
    assert [row.delivery_id for row in audio.items] == ["whd_2"]


async def test_an_attempt_that_ends_when_its_delivery_is_gone_leaves_nothing(store: Store) -> None:
    await store.conversations.create(replace(CONVERSATION, status="done"))
    await store.outbox.put([delivery(1)])
    (claimed,) = await store.outbox.claim("wh_1", 20.0, 60.0, most=1)
    assert await store.outbox.update(replace(claimed, due_at=30.0))
    assert await store.outbox.due_endpoints(30.0) == {"wh_1": 1}, "nobody's again"

    await store.retention.erase("conv_1", {"metadata": {}}, words=True, audio=True)
    assert not await store.outbox.update(replace(claimed, status="delivered", attempts=({"answer": "canary"},)))
    assert not await store.outbox.keep_body("whd_1", b"canary")
    assert await store.outbox.get("whd_1") is None and await store.outbox.body("whd_1") is None
