"""Deleting what may not be kept any longer: a job in the background, a few conversations at a time.

What is due stands in the store's plan (``Retention``); the record says beforehand what will be deleted and when, and
afterwards when it was (``metadata.deletion_settings``).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any

from parola.config import Settings
from parola.errors import ParolaError
from parola.logs import logger, reason
from parola.privacy.keeping import metadata_without_words
from parola.privacy.policy import KEY, Policy
from parola.store.base import AgentRow, ConversationChange, ConversationQuery, ConversationRow, Store
from parola.store.pages import Document

log = logger(__name__)

EVERY_SECONDS = 60.0
"""How often it is looked for what is due."""

BATCH = 50
"""Conversations between two looks at the plan: calls that run meanwhile get their turn."""

NEVER: Document = {
    "deletion_time_unix_secs": None,
    "deleted_logs_at_time_unix_secs": None,
    "deleted_audio_at_time_unix_secs": None,
    "deleted_transcript_at_time_unix_secs": None,
    "delete_transcript_and_pii": False,
    "delete_audio": False,
}
"""``deletion_settings`` of a conversation that is kept for ever."""


class Reaper:
    """Deletes what is due while it runs."""

    def __init__(self, store: Store, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._clock = clock
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="reaper")

    async def aclose(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def sweep(self) -> int:
        """Delete everything that is due; returns of how many conversations. One that cannot be deleted, of which a file
        cannot be removed for example, stays due and keeps up no other."""
        swept = 0
        failed: set[str] = set()
        while True:
            due = await self._store.retention.due(self._clock(), BATCH + len(failed))
            due = [one for one in due if one not in failed]
            if not due:
                break
            for conversation_id in due:
                try:
                    await self._delete(conversation_id)
                    swept += 1
                except (ParolaError, OSError) as error:
                    failed.add(conversation_id)
                    log.error("conversation_not_deleted", conversation_id=conversation_id, error=reason(error))
        if swept:
            log.info("retention_deleted", conversations=swept)
        return swept

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(EVERY_SECONDS)
            try:
                await self.sweep()
            except (ParolaError, OSError) as error:
                log.error("retention_failed", error=reason(error))

    async def _delete(self, conversation_id: str) -> None:
        row = await self._store.conversations.get(conversation_id)
        if row is None:
            await self._store.retention.keep([conversation_id])
            return
        settings = deletion_settings(row)
        words, audio = settings["delete_transcript_and_pii"] is True, settings["delete_audio"] is True
        document = remainder(row, int(self._clock()), words=words, audio=audio)
        await self._store.retention.erase(conversation_id, document, words=words, audio=audio)


def deletion_settings(row: ConversationRow) -> Document:
    """What a record says of its deletion, every key of it."""
    told = (row.document.get("metadata") or {}).get("deletion_settings") or {}
    return {**NEVER, **told}


def remainder(row: ConversationRow, now: int, *, words: bool, audio: bool) -> Document:
    """The document of a conversation from which its words, or its audio, were deleted at ``now``."""
    settings = deletion_settings(row)
    document = dict(row.document)
    metadata: Mapping[str, Any] = document.get("metadata") or {}
    if words:
        kept = (
            "has_user_audio",
            "has_response_audio",
            "branch_id",
            "version_id",
            "environment",
            "visited_agents",
            "tag_ids",
            KEY,
        )
        document = {key: document[key] for key in kept if key in document}
        metadata = metadata_without_words(metadata)
        at = settings["deleted_transcript_at_time_unix_secs"] or now
        settings |= {"deleted_transcript_at_time_unix_secs": at, "deleted_logs_at_time_unix_secs": at}
    if audio:
        document = document | {"has_user_audio": False, "has_response_audio": False}
        settings["deleted_audio_at_time_unix_secs"] = settings["deleted_audio_at_time_unix_secs"] or now
    return document | {"metadata": {**metadata, "deletion_settings": settings}}


async def apply_to_existing(store: Store, settings: Settings, agent: AgentRow) -> int:
    """Give the conversations that an agent has had the retention of those it will have; returns how many. What was
    deleted stays deleted."""
    policy = Policy.of(agent.document, settings)
    changed, cursor = 0, None
    while True:
        page = await store.conversations.page(ConversationQuery(agent_id=agent.agent_id), page_size=100, cursor=cursor)
        await asyncio.gather(*(_apply(store, policy, row) for row in page.items))
        changed += len(page.items)
        cursor = page.next_cursor
        if cursor is None:
            return changed


async def _apply(store: Store, policy: Policy, row: ConversationRow) -> None:
    due_at = policy.deletes_at(row.started_at)
    told = {
        "deletion_time_unix_secs": None if due_at is None else int(due_at),
        "delete_transcript_and_pii": policy.deletes_transcript,
        "delete_audio": policy.deletes_audio,
    }
    change = ConversationChange(document={"metadata": {"deletion_settings": {**deletion_settings(row), **told}}})
    await store.conversations.write(row.conversation_id, change)
    if due_at is None:
        await store.retention.keep([row.conversation_id])
    else:
        await store.retention.plan([row.conversation_id], due_at)
