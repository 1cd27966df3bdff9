"""What every store promises."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from parola.errors import InvalidRequest, NotFound
from parola.store.base import (
    NO_RATING,
    AgentCalls,
    AgentRow,
    ApiKeyRow,
    ConversationChange,
    ConversationQuery,
    ConversationRow,
    DocumentRow,
    FileRow,
    SecretRow,
    Store,
    ToolRow,
    whole_seconds,
)

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=2**63, max_value=2**90)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(max_size=8), children, max_size=4),
    max_leaves=20,
)
DOCUMENTS = st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=8), JSON, max_size=5)

same_store = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def agent(agent_id: str, name: str = "Agent", at: float = 1.0, **document: Any) -> AgentRow:
    return AgentRow(agent_id, name, document, at, at)


def conversation(conversation_id: str, at: float = 1.0, **fields: Any) -> ConversationRow:
    return ConversationRow(
        **{
            "conversation_id": conversation_id,
            "agent_id": "agent_1",
            "status": "in-progress",
            "started_at": at,
            "document": {},
            **fields,
        }
    )


def turn(role: str, message: str | None, **fields: Any) -> dict[str, Any]:
    return {"role": role, "message": message, "time_in_call_secs": 0, **fields}


@given(document=DOCUMENTS)
@same_store
async def test_a_document_comes_back_as_it_went_in(store: Store, document: dict[str, Any]) -> None:
    await store.agents.put(AgentRow("agent_1", "A", document, 1.5, 2.5))
    got = await store.agents.get("agent_1")
    assert got == AgentRow("agent_1", "A", document, 1.5, 2.5)
    assert repr(got.document) == repr(document)  # True is not 1, and 1 is not 1.0


@given(document=DOCUMENTS)
@same_store
async def test_a_turn_comes_back_as_it_went_in(store: Store, document: dict[str, Any]) -> None:
    await store.conversations.create(conversation("conv_1"))
    await store.conversations.write("conv_1", ConversationChange(turns={0: document}))
    assert await store.conversations.turns("conv_1") == [document]


async def test_a_document_four_hundred_levels_deep_comes_back(store: Store) -> None:
    deep: dict[str, Any] = {}
    for _ in range(400):
        deep = {"deeper": deep}
    await store.agents.put(agent("agent_1", **deep))
    got = await store.agents.get("agent_1")
    assert got is not None and got.document == deep


async def test_changing_what_was_read_changes_nothing_that_is_kept(store: Store) -> None:
    await store.agents.put(agent("agent_1", tags=["a"]))
    got = await store.agents.get("agent_1")
    assert got is not None
    got.document["tags"].append("b")
    assert await store.agents.get("agent_1") == agent("agent_1", tags=["a"])


async def test_put_replaces_and_delete_says_whether_there_was_one(store: Store) -> None:
    await store.agents.put(agent("agent_1", "before"))
    await store.agents.put(agent("agent_1", "after"))
    got = await store.agents.get("agent_1")
    assert got is not None and got.name == "after"
    assert await store.agents.delete("agent_1") is True
    assert await store.agents.delete("agent_1") is False
    assert await store.agents.get("agent_1") is None


async def test_pages_follow_each_other_while_items_come_and_go(store: Store) -> None:
    for n in range(10):
        await store.agents.put(agent(f"agent_{n}", at=float(n)))
    first = await store.agents.page(page_size=4)
    assert [a.agent_id for a in first.items] == ["agent_9", "agent_8", "agent_7", "agent_6"]
    await store.agents.put(agent("agent_new", at=99.0))
    await store.agents.delete("agent_6")
    second = await store.agents.page(page_size=4, cursor=first.next_cursor)
    third = await store.agents.page(page_size=4, cursor=second.next_cursor)
    assert [a.agent_id for a in second.items] == ["agent_5", "agent_4", "agent_3", "agent_2"]
    assert [a.agent_id for a in third.items] == ["agent_1", "agent_0"]
    assert third.next_cursor is None


async def test_agents_are_told_their_calls_and_sorted_by_them(store: Store) -> None:
    began = {"agent_0": (50.0,), "agent_1": (5.0, 50.0, 60.0), "agent_2": (5.0,), "agent_3": ()}
    for agent_id, times in began.items():
        await store.agents.put(agent(agent_id))
        for at in times:
            await store.conversations.create(ConversationRow(f"{agent_id}-{at}", agent_id, "done", at, {}))
    await store.conversations.create(ConversationRow("reserved", "agent_3", "initiated", 70.0, {}))

    assert await store.agents.calls([*began, "agent_none"], 10.0) == {
        "agent_0": AgentCalls(50.0, 1),
        "agent_1": AgentCalls(60.0, 2),
        "agent_2": AgentCalls(5.0, 0),
        "agent_3": AgentCalls(None, 0),
    }
    for ascending, order in ((False, (1, 0, 3, 2)), (True, (2, 3, 0, 1))):
        seen: list[str] = []
        page = await store.agents.page(page_size=1, sort_by="calls", calls_since=10.0, ascending=ascending)
        seen += [one.agent_id for one in page.items]
        while page.next_cursor:
            page = await store.agents.page(
                page_size=1, cursor=page.next_cursor, sort_by="calls", calls_since=10.0, ascending=ascending
            )
            seen += [one.agent_id for one in page.items]
        assert seen == [f"agent_{n}" for n in order]


async def test_items_of_the_same_moment_are_each_on_one_page(store: Store) -> None:
    for n in range(7):
        await store.tools.put(ToolRow(f"tool_{n}", "T", {}, 5.0, 5.0))
    seen: list[str] = []
    cursor: str | None = None
    while True:
        page = await store.tools.page(page_size=2, cursor=cursor, ascending=True)
        seen += [tool.tool_id for tool in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert seen == [f"tool_{n}" for n in range(7)]


async def test_agents_are_sorted_by_name_whatever_their_case(store: Store) -> None:
    for n, name in enumerate(["beta", "Alpha", "Älpha", "gamma"]):
        await store.agents.put(agent(f"agent_{n}", name))
    page = await store.agents.page(page_size=3, sort_by="name", ascending=True)
    rest = await store.agents.page(page_size=3, sort_by="name", ascending=True, cursor=page.next_cursor)
    assert [a.name for a in [*page.items, *rest.items]] == ["Alpha", "beta", "gamma", "Älpha"]


@pytest.mark.parametrize("cursor", ["nonsense", "", "!!", "WyJhIiwgMV0", "bnVsbA"])
async def test_a_cursor_that_is_not_ours_is_refused(store: Store, cursor: str) -> None:
    with pytest.raises(InvalidRequest, match="cursor"):
        await store.agents.page(page_size=1, cursor=cursor)


async def test_agents_are_found_by_name_tag_and_archive(store: Store) -> None:
    await store.agents.put(agent("agent_1", "Front Desk", tags=["a", "b"]))
    await store.agents.put(agent("agent_2", "100% Back_office", tags=["b"], platform_settings={"archived": True}))
    pages = store.agents.page

    async def ids(**filters: Any) -> set[str]:
        return {a.agent_id for a in (await pages(page_size=9, **filters)).items}

    assert await ids(search="front") == {"agent_1"}
    assert await ids(search="%") == {"agent_2"}
    assert await ids(search="k_o") == {"agent_2"}
    assert await ids(tags=["a", "c"]) == {"agent_1"}
    assert await ids(tags=["b"]) == {"agent_1", "agent_2"}
    assert await ids(archived=False) == {"agent_1"}
    assert await ids(archived=True) == {"agent_2"}


async def test_tools_come_in_the_order_asked_for(store: Store) -> None:
    for n, kind in enumerate(["client", "webhook", "client"]):
        await store.tools.put(ToolRow(f"tool_{n}", "T", {"tool_config": {"type": kind}}, 1.0, 1.0))
    many = await store.tools.get_many(["tool_2", "unknown", "tool_0"])
    assert [tool.tool_id for tool in many] == ["tool_2", "tool_0"]
    webhooks = await store.tools.page(page_size=9, types=["webhook"])
    assert [tool.tool_id for tool in webhooks.items] == ["tool_1"]


async def test_documents_of_each_kind_are_a_list_of_their_own(store: Store) -> None:
    def row(kind: str, n: int, name: str, *, is_archived: bool = False) -> DocumentRow:
        return DocumentRow(f"{kind}_{n}", kind, name, {"n": n, "unknown": [None]}, float(n), float(n), is_archived)

    kept = [row("pear", 1, "b"), row("pear", 2, "A"), row("pear", 3, "c", is_archived=True), row("plum", 4, "b")]
    for one in kept:
        await store.documents.put(one)
    assert await store.documents.get("pear", "pear_1") == kept[0]
    assert await store.documents.get("plum", "pear_1") is None

    async def ids(**options: Any) -> list[str]:
        return [one.document_id for one in (await store.documents.page("pear", page_size=9, **options)).items]

    assert await ids() == ["pear_3", "pear_2", "pear_1"]
    assert await ids(archived=False) == ["pear_2", "pear_1"]
    assert await ids(sort_by="name", ascending=True) == ["pear_2", "pear_1", "pear_3"]
    assert await ids(search="B") == ["pear_1"]
    assert await store.documents.delete("plum", "pear_1") is False
    assert await store.documents.delete("pear", "pear_1") is True
    assert await store.documents.get("pear", "pear_1") is None


async def test_secrets_and_keys_are_kept(store: Store) -> None:
    secret = SecretRow("sec_1", "Token", b"\x00sealed\xff", 1.0)
    await store.secrets.put(secret)
    assert await store.secrets.get("sec_1") == secret
    assert (await store.secrets.page(page_size=9, search="tok")).items == [secret]
    assert await store.secrets.delete("sec_1") is True
    assert await store.secrets.get("sec_1") is None

    key = ApiKeyRow("key_1", "CI", "pk_12345678", "hash", 1.0)
    await store.api_keys.put(key)
    assert list(await store.api_keys.find("pk_12345678")) == [key]
    assert list(await store.api_keys.find("pk_other")) == []
    assert list(await store.api_keys.all()) == [key]
    assert await store.api_keys.delete("key_1") is True
    assert list(await store.api_keys.all()) == []


async def test_a_change_adds_turns_counts_messages_and_merges_the_document(store: Store) -> None:
    await store.conversations.create(conversation("conv_1", document={"metadata": {"a": 1, "kept": {"x": 1}}}))
    await store.conversations.write(
        "conv_1", ConversationChange(turns={0: turn("agent", "Hello"), 1: turn("user", "Hi")})
    )
    await store.conversations.write(
        "conv_1",
        ConversationChange(
            turns={1: turn("user", "Hi there"), 2: turn("agent", None, tool_calls=[{}])},
            document={"metadata": {"a": [2], "b": None}},
        ),
    )
    await store.conversations.write(
        "conv_1",
        ConversationChange(status="done", ended_at=9.0, termination_reason="Bye", has_audio=True, rating=4),
    )
    numbered = await store.conversations.numbered_turns("conv_1")
    assert list(numbered) == [0, 1, 2] and list(numbered.values()) == list(await store.conversations.turns("conv_1"))
    row = await store.conversations.get("conv_1")
    assert row == conversation(
        "conv_1",
        status="done",
        ended_at=9.0,
        termination_reason="Bye",
        has_audio=True,
        rating=4,
        user_messages=1,
        agent_messages=1,
        document={"metadata": {"a": [2], "b": None, "kept": {"x": 1}}},
    )
    assert [t["message"] for t in await store.conversations.turns("conv_1")] == ["Hello", "Hi there", None]


async def test_only_what_was_said_or_typed_counts_as_a_message(store: Store) -> None:
    await store.conversations.create(conversation("conv_1"))
    turns = {
        0: turn("agent", "Hello"),
        1: turn("user", "page 3", contextual_update_info={"context_id": "", "is_superseded": False}),
        2: turn("user", "...", platform_event="user_turn_timeout"),
        3: turn("agent", None, tool_calls=[{}]),
    }
    await store.conversations.write("conv_1", ConversationChange(turns=turns))
    row = await store.conversations.get("conv_1")
    assert row is not None and (row.user_messages, row.agent_messages) == (0, 1)


async def test_the_last_rating_counts_also_when_it_is_none(store: Store) -> None:
    await store.conversations.create(conversation("conv_1", rating=4))
    await store.conversations.write("conv_1", ConversationChange(rating=2))
    await store.conversations.write("conv_1", ConversationChange(status="done"))
    row = await store.conversations.get("conv_1")
    assert row is not None and row.rating == 2, "what a change does not say stays"
    await store.conversations.write("conv_1", ConversationChange(rating=NO_RATING))
    row = await store.conversations.get("conv_1")
    assert row is not None and row.rating is None
    assert (await store.conversations.page(ConversationQuery(rating_max=2), page_size=9)).items == []
    await asyncio.gather(  # in one commit, the last one wins
        store.conversations.write("conv_1", ConversationChange(rating=5)),
        store.conversations.write("conv_1", ConversationChange(rating=NO_RATING)),
    )
    row = await store.conversations.get("conv_1")
    assert row is not None and row.rating is None


async def test_conversations_are_found_by_the_length_that_is_shown(store: Store) -> None:
    """In whole seconds, also of those that still run; what is only reserved lasts none."""
    lengths = {"a": 0.2, "b": 0.5, "c": 1.6, "d": 2.4, "e": 2.5, "f": 61.0}
    for name, length in lengths.items():
        await store.conversations.create(conversation(name, 100.0, status="done", ended_at=100.0 + length))
    await store.conversations.create(conversation("runs", 100.0))
    await store.conversations.create(conversation("waits", 100.0, status="initiated"))
    now = 101.5  # the one that runs is shown with 2 seconds
    shown = {name: whole_seconds(100.0, 100.0 + length) for name, length in lengths.items()}
    assert shown == {"a": 0, "b": 1, "c": 2, "d": 2, "e": 3, "f": 61}
    shown |= {"runs": 2, "waits": 0}

    async def found(**bounds: float) -> set[str]:
        page = await store.conversations.page(ConversationQuery(now=now, **bounds), page_size=20)
        return {row.conversation_id for row in page.items}

    for bound in (-1, 0, 0.5, 1, 1.5, 2, 3, 61, 62):
        assert await found(duration_min=bound) == {name for name, seconds in shown.items() if seconds >= bound}, bound
        assert await found(duration_max=bound) == {name for name, seconds in shown.items() if seconds <= bound}, bound
    assert await found(duration_min=2, duration_max=2) == {"c", "d", "runs"}


async def test_a_change_of_an_unknown_conversation_is_refused(store: Store) -> None:
    with pytest.raises(NotFound, match="conv_unknown"):
        await store.conversations.write("conv_unknown", ConversationChange(status="done"))


async def test_changes_that_wait_together_fail_alone(store: Store) -> None:
    await store.conversations.create(conversation("conv_1"))
    await store.conversations.create(conversation("conv_2"))
    results = await asyncio.gather(
        store.conversations.write("conv_1", ConversationChange(turns={0: turn("user", "one")})),
        store.conversations.write("conv_unknown", ConversationChange(turns={0: turn("user", "lost")})),
        store.conversations.write("conv_1", ConversationChange(turns={1: {"not json": object()}})),
        store.conversations.write("conv_2", ConversationChange(turns={0: turn("user", "two")})),
        store.conversations.write("conv_1", ConversationChange(turns={1: turn("agent", "three")})),
        return_exceptions=True,
    )
    assert [type(result) for result in results] == [type(None), NotFound, TypeError, type(None), type(None)]
    assert [t["message"] for t in await store.conversations.turns("conv_1")] == ["one", "three"]
    assert [t["message"] for t in await store.conversations.turns("conv_2")] == ["two"]


async def test_changes_of_one_conversation_are_applied_in_order(store: Store) -> None:
    await store.conversations.create(conversation("conv_1"))
    await asyncio.gather(
        *(
            store.conversations.write(
                "conv_1",
                ConversationChange(turns={n % 3: turn("user", str(n))}, document={"last": n, "d": {str(n): n}}),
            )
            for n in range(50)
        )
    )
    row = await store.conversations.get("conv_1")
    assert row is not None and row.document == {"last": 49, "d": {str(n): n for n in range(50)}}
    assert [t["message"] for t in await store.conversations.turns("conv_1")] == ["48", "49", "47"]


async def test_one_reserved_conversation_is_claimed_once(store: Store) -> None:
    await store.conversations.create(conversation("conv_1", status="initiated"))
    claims = await asyncio.gather(*(store.conversations.claim("conv_1") for _ in range(5)))
    assert sorted(claims) == [False, False, False, False, True]
    assert await store.conversations.claim("conv_unknown") is False


async def test_create_replaces_what_was_reserved(store: Store) -> None:
    await store.conversations.create(conversation("conv_1", status="initiated"))
    await store.conversations.create(conversation("conv_1", user_id="user_1", at=3.0))
    assert await store.conversations.get("conv_1") == conversation("conv_1", user_id="user_1", at=3.0)


async def test_unfinished_conversations_are_those_that_had_begun(store: Store) -> None:
    for status in ("initiated", "in-progress", "processing", "done", "failed"):
        await store.conversations.create(conversation(f"conv_{status}", status=status))
    unfinished = {row.conversation_id for row in await store.conversations.unfinished()}
    assert unfinished == {"conv_in-progress", "conv_processing"}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (ConversationQuery(), "cba"),
        (ConversationQuery(ascending=True), "abc"),
        (ConversationQuery(agent_id="agent_2"), "c"),
        (ConversationQuery(user_id="u"), "b"),
        (ConversationQuery(source="widget"), "a"),
        (ConversationQuery(text_only=True), "c"),
        (ConversationQuery(started_before=2.0), "a"),
        (ConversationQuery(started_after=2.0), "c"),
        (ConversationQuery(duration_min=10), "b"),
        (ConversationQuery(duration_max=9), "a"),
        (ConversationQuery(rating_min=3), "b"),
        (ConversationQuery(rating_max=3), "a"),
        (ConversationQuery(exclude_statuses=["done"]), "c"),
        (ConversationQuery(termination_reasons=["x", "y"]), "ba"),
        (ConversationQuery(search="SOUP please"), "b"),
        (ConversationQuery(search="soup"), "ba"),
        (ConversationQuery(search="100%"), ""),
    ],
)
async def test_conversations_are_found_by(store: Store, query: ConversationQuery, found: str) -> None:
    rows = [
        conversation("a", 1.0, status="done", ended_at=6.0, source="widget", rating=2, termination_reason="x"),
        conversation("b", 2.0, status="done", ended_at=12.0, user_id="u", rating=5, termination_reason="y"),
        conversation("c", 3.0, agent_id="agent_2", text_only=True),
    ]
    for row in rows:
        await store.conversations.create(row)
    await store.conversations.write("a", ConversationChange(turns={0: turn("user", "Soup of the day?")}))
    await store.conversations.write(
        "b", ConversationChange(turns={0: turn("user", "A soup."), 1: turn("user", "Please!")})
    )
    page = await store.conversations.page(query, page_size=10)
    assert [row.conversation_id for row in page.items] == list(found)


async def test_a_deleted_conversation_leaves_nothing(store: Store) -> None:
    await store.conversations.create(conversation("conv_1"))
    await store.conversations.write("conv_1", ConversationChange(turns={0: turn("user", "Hi")}))
    await store.files.put(FileRow("file_1", "conv_1", "a.txt", "text/plain", 2, 1.0), b"hi")
    recording = store.recording_path("conv_1")
    recording.write_bytes(b"mp3")
    assert await store.conversations.delete("conv_1") is True
    assert await store.conversations.get("conv_1") is None
    assert await store.conversations.turns("conv_1") == []
    assert await store.files.get("file_1") is None
    assert await store.files.content("file_1") is None
    assert not recording.exists()
    assert await store.conversations.delete("conv_1") is False


async def test_files_belong_to_a_conversation(store: Store) -> None:
    await store.conversations.create(conversation("conv_1"))
    file = FileRow("file_1", "conv_1", "café.txt", "text/plain", 3, 1.0)
    content = bytes(range(256))
    await store.files.put(file, content)
    assert await store.files.get("file_1") == file
    assert await store.files.content("file_1") == content
    assert list(await store.files.of("conv_1")) == [file]
    with pytest.raises(NotFound):
        await store.files.put(FileRow("file_2", "conv_2", "b", "text/plain", 1, 1.0), b"x")
    assert await store.files.content("file_2") is None
    assert await store.files.delete("file_1") is True
    assert await store.files.delete("file_1") is False
    assert await store.files.content("file_1") is None


@pytest.mark.parametrize("conversation_id", ["../secret", "a/b", "", ".", "x" * 129, "a\x00"])
async def test_a_recording_cannot_leave_its_folder(store: Store, conversation_id: str) -> None:
    with pytest.raises(InvalidRequest):
        store.recording_path(conversation_id)
