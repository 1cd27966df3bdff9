"""Agents and their versions in an SQL database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, delete, exists, func, insert, select

from parola.protocol.lossless import dumps, loads
from parola.store.base import AgentCalls, AgentRow
from parola.store.documents import is_archived, tags
from parola.store.pages import Page
from parola.store.sql_resources import Resource
from parola.store.tables import agent_tags, agent_versions, agents, conversations
from parola.store.versions import MOST_VERSIONS, AgentVersionRow, new_version_id

_OF_VERSION = [column for column in agent_versions.c if column.name != "document"]


class SqlAgents(Resource):
    table = agents

    async def put(self, agent: AgentRow, description: str | None = None) -> str:
        document = dumps(agent.document)
        values = {
            "agent_id": agent.agent_id,
            "name": agent.name,
            "name_key": agent.name.casefold(),
            "archived": is_archived(agent.document),
            "document": document,
            "created_at": agent.created_at,
            "updated_at": agent.updated_at,
        }
        tagged = [{"agent_id": agent.agent_id, "tag": tag} for tag in tags(agent.document)]

        new_id = new_version_id()

        def work(connection: Connection) -> str:
            is_it = agents.c.agent_id == agent.agent_id
            old = connection.execute(
                select(agents.c.version_id, agents.c.name, agents.c.document).where(is_it)
            ).one_or_none()
            is_new = old is None or description is not None or (old[1], bytes(old[2])) != (agent.name, document)
            version_id: str = new_id if old is None or is_new else old[0]
            self._replace(connection, values | {"version_id": version_id})
            if is_new:
                parent_id = None if old is None else old[0]
                _commit(connection, agent, document, version_id, parent_id, description or "")
            connection.execute(delete(agent_tags).where(agent_tags.c.agent_id == agent.agent_id))
            if tagged:
                connection.execute(insert(agent_tags), tagged)
            return version_id

        return await self._writer.run(work)

    async def get(self, agent_id: str) -> AgentRow | None:
        row = await self._one(agent_id)
        return None if row is None else _agent(row)

    async def delete(self, agent_id: str) -> bool:
        return await self._delete(agent_id)

    async def at(self, agent_id: str, version_id: str) -> AgentRow | None:
        rows = await self._readers.rows(
            select(agent_versions, agents.c.created_at)
            .join(agents, agents.c.agent_id == agent_versions.c.agent_id)
            .where(agent_versions.c.version_id == version_id, agent_versions.c.agent_id == agent_id)
        )
        for row in rows:
            times = (row["created_at"], row["committed_at"])
            return AgentRow(agent_id, row["name"], loads(row["document"]), *times, version_id)
        return None

    async def version(self, agent_id: str, version_id: str) -> AgentVersionRow | None:
        versions = agent_versions.c
        rows = await self._readers.rows(
            select(*_OF_VERSION).where(versions.version_id == version_id, versions.agent_id == agent_id)
        )
        return AgentVersionRow(**rows[0]) if rows else None

    async def versions(self, agent_id: str, *, page_size: int, cursor: str | None = None) -> Page[AgentVersionRow]:
        return await self._readers.page(
            select(*_OF_VERSION).where(agent_versions.c.agent_id == agent_id),
            sort=agent_versions.c.number,
            key=agent_versions.c.version_id,
            ascending=False,
            page_size=page_size,
            cursor=cursor,
            make=lambda row: AgentVersionRow(**row),
        )

    async def page(
        self,
        *,
        page_size: int,
        cursor: str | None = None,
        search: str | None = None,
        tags: Sequence[str] = (),
        archived: bool | None = None,
        sort_by: str = "created_at",
        ascending: bool = False,
        calls_since: float = 0.0,
    ) -> Page[AgentRow]:
        statement = self._matching(search)
        sort = self._sorted_by(sort_by)
        if sort_by == "calls":
            sort = _calls(func.count(), calls_since).scalar_subquery().label("calls")
            statement = statement.add_columns(sort)
        if archived is not None:
            statement = statement.where(agents.c.archived == archived)
        if tags:
            statement = statement.where(
                exists().where(agent_tags.c.agent_id == agents.c.agent_id, agent_tags.c.tag.in_(tags))
            )
        return await self._readers.page(
            statement,
            sort=sort,
            key=agents.c.agent_id,
            ascending=ascending,
            page_size=page_size,
            cursor=cursor,
            make=_agent,
        )

    async def calls(self, agent_ids: Sequence[str], since: float) -> Mapping[str, AgentCalls]:
        began = conversations.c.started_at
        newest = _calls(began, 0.0).order_by(began.desc()).limit(1).scalar_subquery().label("newest_at")
        lately = _calls(func.count(), since).scalar_subquery().label("lately")
        found = await self._readers.rows(
            select(agents.c.agent_id, newest, lately).where(agents.c.agent_id.in_(agent_ids))
        )
        return {row["agent_id"]: AgentCalls(row["newest_at"], row["lately"]) for row in found}


def _calls(what: Any, since: float) -> Select[Any]:
    """Of an agent's calls after ``since``; an index has all that is read."""
    c = conversations.c
    return (
        select(what)
        .select_from(conversations)
        .where(c.agent_id == agents.c.agent_id, c.started_at > since, c.status != "initiated")
        .correlate(agents)
    )


def _agent(row: RowMapping) -> AgentRow:
    return AgentRow(
        row["agent_id"],
        row["name"],
        loads(row["document"]),
        row["created_at"],
        row["updated_at"],
        row["version_id"] or "",
    )


def _commit(
    connection: Connection,
    agent: AgentRow,
    document: bytes,
    version_id: str,
    parent_id: str | None,
    description: str,
) -> None:
    """One more version, and none that is too old."""
    mine = agent_versions.c.agent_id == agent.agent_id
    last: int | None = connection.execute(select(func.max(agent_versions.c.number)).where(mine)).scalar()
    number = (last or 0) + 1
    connection.execute(
        insert(agent_versions).values(
            version_id=version_id,
            agent_id=agent.agent_id,
            number=number,
            name=agent.name,
            description=description,
            parent_id=parent_id,
            committed_at=agent.updated_at,
            document=document,
        )
    )
    connection.execute(delete(agent_versions).where(mine, agent_versions.c.number <= number - MOST_VERSIONS))
