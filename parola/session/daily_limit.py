"""How many conversations each agent has begun today, so that ``call_limits.daily_limit`` can hold."""

from __future__ import annotations

from parola.errors import ConversationRefused
from parola.metrics import Metrics
from parola.store.base import ConversationQuery, Conversations

DAY_SECONDS = 86400


class DailyLimit:
    """Counts in memory; the store is asked once a day for each agent, because the server may have been restarted."""

    def __init__(self, conversations: Conversations, metrics: Metrics) -> None:
        self._conversations = conversations
        self._metrics = metrics
        self._day = 0
        self._begun: dict[str, int] = {}

    async def check(self, agent_id: str, most: int, now: float) -> None:
        """Raises ``ConversationRefused`` when the agent has had its conversations of this day (UTC). ``now`` is the
        wall clock."""
        if int(now) // DAY_SECONDS != self._day:
            self._day, self._begun = int(now) // DAY_SECONDS, {}
        if agent_id not in self._begun:
            since = self._day * DAY_SECONDS
            query = ConversationQuery(agent_id=agent_id, started_after=since, exclude_statuses=("failed", "initiated"))
            count = await self._conversations.count(query)
            self._begun.setdefault(agent_id, count)
        if self._begun[agent_id] >= most:
            self._metrics.limited["daily"] += 1
            raise ConversationRefused(
                3008,
                "too_many_concurrent_requests",
                f"This agent holds at most {most} conversations a day (call_limits.daily_limit). "
                "The next day begins at 00:00 UTC.",
            )

    def began(self, agent_id: str) -> None:
        """One more has a place, or waits for one."""
        if agent_id in self._begun:
            self._begun[agent_id] += 1

    def gave_up(self, agent_id: str) -> None:
        """One that waited got none."""
        if self._begun.get(agent_id):
            self._begun[agent_id] -= 1
