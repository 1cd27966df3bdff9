"""What is summed up over many conversations is the same in every store."""

from dataclasses import replace

from parola.store.base import ConversationChange, ConversationQuery, ConversationRow, Store
from parola.store.overview import MOST_LATENCIES, DayCount, EndingCount, Overview, OverviewQuery

DAY = 86_400.0
ROW = ConversationRow("c1", "a", "in-progress", 10 * DAY + 60, {"metadata": {"warnings": ["No such voice"]}})


def answered(seconds: float) -> dict[str, object]:
    return {"role": "agent", "message": "Yes", "x_timeline": {"latency_secs": {"llm": seconds, "total": seconds}}}


async def ends(store: Store, row: ConversationRow, reason: str, *, seconds: float = 30.0, status: str = "done") -> None:
    await store.conversations.create(row)
    change = ConversationChange(status=status, ended_at=row.started_at + seconds, termination_reason=reason)
    await store.conversations.write(row.conversation_id, change)


async def test_days_and_endings_are_counted_where_the_asker_lives(store: Store):
    await ends(store, ROW, "end_call tool was called: she had all she wanted", seconds=90.0)
    await ends(store, replace(ROW, conversation_id="c2"), "end_call tool was called: he was in a hurry")
    late = 11 * DAY - 1800
    await ends(store, replace(ROW, conversation_id="c3", started_at=late, agent_id="b"), "Broken", status="failed")
    await store.conversations.create(replace(ROW, conversation_id="live", started_at=12 * DAY))
    await store.conversations.create(replace(ROW, conversation_id="reserved", status="initiated"))
    await ends(store, replace(ROW, conversation_id="old", started_at=5 * DAY), "Long ago")

    found = await store.conversations.overview(OverviewQuery(10 * DAY))
    assert found.days == [DayCount(10, 3, 150.0, 1), DayCount(12, 1, 0.0, 0)]
    assert found.endings == [EndingCount("done", "end_call tool was called", 2), EndingCount("failed", "Broken", 1)]
    assert [one.conversation_id for one in found.newest] == ["live", "c3", "c2", "c1"]

    further_east = await store.conversations.overview(OverviewQuery(10 * DAY, offset_seconds=3600, agent_id="b"))
    assert further_east.days == [DayCount(11, 1, 30.0, 1)]
    bounded = await store.conversations.overview(OverviewQuery(10 * DAY, newest=1, most_endings=1))
    assert [one.conversation_id for one in bounded.newest] == ["live"] and len(bounded.endings) == 1
    past = await store.conversations.overview(OverviewQuery(10 * DAY, until=12 * DAY, newest=0))
    assert [one.day for one in past.days] == [10] and len(past.endings) == 2 and past.newest == []
    today = await store.conversations.overview(OverviewQuery(10 * DAY, counted_since=12 * DAY))
    assert [one.day for one in today.days] == [12] and today.endings == [] and len(today.newest) == 4
    assert await store.conversations.overview(OverviewQuery(99 * DAY)) == Overview([], [], [])


async def test_latencies_and_warnings_follow_what_is_written_and_what_is_erased(store: Store):
    await store.conversations.create(ROW)
    turns = {1: answered(0.5), 2: {"role": "user", "message": "Hm"}, 3: answered(0.7)}
    await store.conversations.write("c1", ConversationChange(turns=turns))
    more = {"metadata": {"warnings": ["No such voice", "Nobody here understands 'xx'"]}}
    await store.conversations.write("c1", ConversationChange(turns={1: answered(0.9)}, document=more))

    (facts,) = (await store.conversations.overview(OverviewQuery(0.0))).newest
    assert sorted(one["total"] for one in facts.latencies) == [0.7, 0.9]
    assert list(facts.warnings) == ["No such voice", "Nobody here understands 'xx'"]

    await store.conversations.write("c1", ConversationChange(turns={n: answered(0.1) for n in range(10, 200)}))
    (facts,) = (await store.conversations.overview(OverviewQuery(0.0))).newest
    assert len(facts.latencies) == MOST_LATENCIES

    await store.retention.erase("c1", {"metadata": {}}, words=True, audio=False)
    (facts,) = (await store.conversations.overview(OverviewQuery(0.0))).newest
    assert (list(facts.latencies), list(facts.warnings)) == ([], [])


async def test_conversations_are_found_by_what_their_analysis_says(store: Store):
    await store.conversations.create(ROW)
    await store.conversations.create(replace(ROW, conversation_id="c2", started_at=ROW.started_at + 1))
    await store.conversations.write("c2", ConversationChange(document={"analysis": {"call_successful": "failure"}}))
    for verdict, ids in (("failure", ["c2"]), ("unknown", ["c1"]), ("success", [])):
        page = await store.conversations.page(ConversationQuery(call_successful=verdict), page_size=5)
        assert [row.conversation_id for row in page.items] == ids
