"""What every store promises of the versions of an agent."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given

from parola.store.base import AgentRow, Store
from parola.store.versions import MOST_VERSIONS
from tests.store.test_contract import DOCUMENTS, same_store


async def test_each_change_is_a_version_that_nothing_changes_any_more(store: Store) -> None:
    first = await store.agents.put(AgentRow("agent_1", "Desk", {"tags": ["a"]}, 1.0, 1.0))
    second = await store.agents.put(AgentRow("agent_1", "Desk", {"tags": ["b"]}, 1.0, 2.0), "Other tags")
    third = await store.agents.put(AgentRow("agent_1", "Bar", {"tags": ["b"]}, 1.0, 3.0))
    assert len({first, second, third}) == 3
    agent = await store.agents.get("agent_1")
    assert agent is not None and agent.version_id == third
    listed = await store.agents.page(page_size=5)
    assert [one.version_id for one in listed.items] == [third]

    old = await store.agents.at("agent_1", first)
    assert old == AgentRow("agent_1", "Desk", {"tags": ["a"]}, 1.0, 1.0) and old.version_id == first
    newest = (await store.agents.versions("agent_1", page_size=2)).items
    assert [(one.number, one.name, one.description, one.committed_at, one.parent_id) for one in newest] == [
        (3, "Bar", "", 3.0, second),
        (2, "Desk", "Other tags", 2.0, first),
    ]
    assert await store.agents.version("agent_1", second) == newest[1]


async def test_what_changes_nothing_is_a_version_only_with_a_description(store: Store) -> None:
    agent = AgentRow("agent_1", "Desk", {}, 1.0, 1.0)
    first = await store.agents.put(agent)
    assert await store.agents.put(replace(agent, updated_at=2.0)) == first
    assert await store.agents.put(agent, "As agreed on Monday") != first
    assert len((await store.agents.versions("agent_1", page_size=9)).items) == 2


async def test_versions_belong_to_one_agent_and_go_with_it(store: Store) -> None:
    mine = await store.agents.put(AgentRow("agent_1", "Mine", {}, 1.0, 1.0))
    await store.agents.put(AgentRow("agent_2", "Yours", {}, 1.0, 1.0))
    assert await store.agents.at("agent_2", mine) is None
    assert await store.agents.version("agent_2", mine) is None
    await store.agents.delete("agent_1")
    assert await store.agents.at("agent_1", mine) is None
    assert await store.agents.version("agent_1", mine) is None
    assert (await store.agents.versions("agent_1", page_size=9)).items == []
    assert len((await store.agents.versions("agent_2", page_size=9)).items) == 1


async def test_the_newest_two_hundred_are_kept(store: Store) -> None:
    for n in range(MOST_VERSIONS + 2):
        await store.agents.put(AgentRow("agent_1", f"Name {n}", {}, 1.0, float(n)))
    numbers: list[int] = []
    cursor = None
    while True:
        page = await store.agents.versions("agent_1", page_size=90, cursor=cursor)
        numbers += [one.number for one in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert numbers == list(range(MOST_VERSIONS + 2, 2, -1))


@given(document=DOCUMENTS)
@same_store
async def test_a_version_comes_back_as_it_went_in(store: Store, document: dict[str, object]) -> None:
    version_id = await store.agents.put(AgentRow("agent_1", "A", document, 1.0, 1.0), "")
    await store.agents.put(AgentRow("agent_1", "B", {}, 1.0, 2.0))
    old = await store.agents.at("agent_1", version_id)
    assert old is not None and repr(old.document) == repr(document)
