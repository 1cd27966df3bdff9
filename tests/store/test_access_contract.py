"""API keys with their rights, and the audit log: the same on every store."""

from __future__ import annotations

from parola.store.audit import AuditQuery, AuditRow
from parola.store.base import ApiKeyRow, Store


async def test_a_key_keeps_its_scopes_and_its_end(store: Store) -> None:
    everything = ApiKeyRow("key_1", "old", "pk_aaaaaaaa", "hash", 1.0)
    little = ApiKeyRow(
        "key_2", "new", "pk_bbbbbbbb", "hash", 2.0, None, ("agents:read", "inject"), 99.5, "member_1", "key_3"
    )
    nothing = ApiKeyRow("key_3", "none", "pk_cccccccc", "hash", 3.0, scopes=())
    for key in (everything, little, nothing):
        await store.api_keys.put(key)
    assert list(await store.api_keys.all()) == [everything, little, nothing]
    await store.api_keys.used("key_2", 50.0)
    await store.api_keys.used("key_gone", 50.0)
    (found,) = await store.api_keys.find("pk_bbbbbbbb")
    assert (found.last_used_at, found.expires_at, found.scopes) == (50.0, 99.5, ("agents:read", "inject"))


async def test_the_audit_log_is_searched_by_what_happened_and_forgets_only_what_is_old(store: Store) -> None:
    rows = [
        AuditRow(
            f"audit_{n}",
            float(n),
            "agents_update" if n % 2 else "agents_delete",
            f"agent_{n // 4}",
            "key_1" if n < 4 else None,
            "done",
            {"address": "10.0.0.1", "status": 200},
        )
        for n in range(8)
    ]
    for row in rows:
        await store.audit.append(row)

    async def found(query: AuditQuery) -> list[float]:
        page = await store.audit.page(query, page_size=100)
        return [row.at for row in page.items]

    first = await store.audit.page(AuditQuery(), page_size=3)
    second = await store.audit.page(AuditQuery(), page_size=100, cursor=first.next_cursor)
    assert [*first.items, *second.items] == rows[::-1]
    assert await found(AuditQuery(action="agents_update")) == [7, 5, 3, 1]
    assert await found(AuditQuery(resource="agent_1", action="agents_delete")) == [6, 4]
    assert await found(AuditQuery(key_id="key_1", after=1.0)) == [3, 2]
    assert await found(AuditQuery(result="refused")) == []
    assert await found(AuditQuery(before=2.0)) == [1, 0]

    assert await store.audit.forget(5.0) == 5
    assert await found(AuditQuery()) == [7, 6, 5]
