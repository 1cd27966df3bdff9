"""The one door through which conversations reach the store: what may not be kept is left out here, whoever writes it.

``PrivateConversations`` stands before the store's own. It learns an agent's policy when a conversation begins, writes
it into the conversation's document, and applies it to every later change: those of the session, of the analysis, of
people who judge. The conversation itself is never touched: the model hears everything. The patterns are loaded for the
first agent that wants them.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from parola.config import Settings
from parola.endings import BY_CAUSE, outline_of
from parola.privacy.policy import KEY, Policy
from parola.store.base import (
    ConversationChange,
    ConversationQuery,
    ConversationRow,
    Conversations,
    Store,
    raw_of,
    unlink_files_of,
)
from parola.store.outbox import DeliveryRow
from parola.store.overview import Overview, OverviewQuery
from parola.store.pages import Document, Page

if TYPE_CHECKING:
    from parola.privacy.names import KnownNames

MOST_REMEMBERED = 10_000
"""Policies of conversations, so that a write need not ask for them."""

LONG = 10_000
"""Characters: what has more is gone through in a thread. These take about 15 ms."""

_START = ("conversation_initiation_client_data",)
"""Of a record, what is written when its conversation begins, and holds words."""

KEPT_OF_METADATA = (
    "accepted_time_unix_secs",
    "authorization_method",
    "charging",
    "conversation_initiation_source",
    "conversation_initiation_source_version",
    "deletion_settings",
    "features_usage",
    "main_language",
    "queue_wait_secs",
    "rag_usage",
    "text_only",
    "timezone",
    "x_connections",
)
"""With zero retention: when, how long, by which door, what it cost. No words."""


_T = TypeVar("_T")


class Witness(Protocol):
    """Whoever may hold what is said before details are taken out of it, for as long as a conversation lasts."""

    async def begins(self, conversation: ConversationRow, agent: Document | None) -> None: ...

    def changed(self, conversation_id: str, change: ConversationChange) -> None: ...

    def ends(self, conversation_id: str, deliveries: Sequence[DeliveryRow], now: float) -> Sequence[DeliveryRow]:
        """The deliveries that are stored with the end, as they shall be. Asked for again when storing has failed."""

    def forget(self, conversation_id: str) -> None:
        """What was said in it is in the deliveries, or nobody may be told."""


@dataclass(slots=True)
class _Line:
    """Changes of one conversation that wait for a long one."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    waiting: int = 0


class PrivateConversations:
    """``Conversations`` that keep only what may be kept."""

    def __init__(self, store: Store, settings: Settings, witness: Callable[[], Witness] | None = None) -> None:
        """``witness`` is asked for when the first conversation begins that is to be redacted."""
        self._store = store
        self._settings = settings
        self._inner: Conversations = store.conversations
        self._policies: OrderedDict[str, Policy] = OrderedDict()
        self._asked: dict[str, asyncio.Task[Policy]] = {}
        """Policies that are being read from the store."""
        self._names: dict[str, KnownNames] = {}
        self._lines: dict[str, _Line] = {}
        self._ask_witness = witness
        self._witness: Witness | None = None

    async def create(self, conversation: ConversationRow, deliveries: Sequence[DeliveryRow] = ()) -> None:
        reserved_under = self._policies.get(conversation.conversation_id)
        agent = await self._store.agents.get(conversation.agent_id)
        policy = Policy.of({} if agent is None else agent.document, self._settings)
        wish = Policy.read(conversation.document)
        policy = policy.also(wish)
        if agent is None and wish.retention_days >= 0:
            policy = policy.kept_as_long_as(wish)  # the client brought the agent along
        is_long = policy.redacts and _is_long(conversation)
        policy = await self._learned(conversation.conversation_id, policy, conversation, is_long=is_long)
        begun = await _in_thread_if(is_long, _begun, conversation, policy)
        await self._inner.create(begun, deliveries)
        if policy.redacts and not policy.zero_retention and self._ask_witness is not None:
            self._witness = self._witness or self._ask_witness()
            await self._witness.begins(conversation, None if agent is None else agent.document)
        self._remember(conversation.conversation_id, policy)
        due_at = policy.deletes_at(conversation.started_at)
        if due_at is not None:
            await self._store.retention.plan([conversation.conversation_id], due_at)
        elif reserved_under is not None and reserved_under.retention_days >= 0:
            await self._store.retention.keep([conversation.conversation_id])

    async def write(self, conversation_id: str, change: ConversationChange) -> None:
        policy = self._policies.get(conversation_id)
        if policy is None or not policy.keeps_all or change.document is not None:
            change = await self._allowed(conversation_id, change)
        await self._inner.write(conversation_id, change)

    async def conclude(
        self, conversation_id: str, change: ConversationChange, deliveries: Sequence[DeliveryRow]
    ) -> None:
        change = await self._allowed(conversation_id, change)
        policy = self._policies.get(conversation_id)
        if policy is not None and policy.redacts and self._ask_witness is not None:
            self._witness = self._witness or self._ask_witness()
            deliveries = self._witness.ends(conversation_id, deliveries, time.time())
        await self._inner.conclude(conversation_id, change, deliveries)
        if self._witness is not None:
            self._witness.forget(conversation_id)

    async def _allowed(self, conversation_id: str, change: ConversationChange) -> ConversationChange:
        """What may be kept of a change. A long one is gone through in a thread, and those that come after it wait for
        it, so that they are stored in the order in which they came."""
        policy = self._policies.get(conversation_id)
        is_long = (policy is None or policy.redacts) and _is_long(change)
        if not is_long and conversation_id not in self._lines:
            return await self._kept(conversation_id, change, is_long=False)
        line = self._lines.setdefault(conversation_id, _Line())
        line.waiting += 1
        try:
            async with line.lock:
                return await self._kept(conversation_id, change, is_long=is_long)
        finally:
            line.waiting -= 1
            if not line.waiting:
                del self._lines[conversation_id]

    async def _kept(self, conversation_id: str, change: ConversationChange, *, is_long: bool) -> ConversationChange:
        policy = self._policies.get(conversation_id)
        if policy is None:
            policy = await self._asked_for(conversation_id)
        else:
            self._policies.move_to_end(conversation_id)  # the names in it are nowhere else
        if change.document is not None and "visited_agents" in change.document:
            policy = await self._joined(conversation_id, policy, change.document["visited_agents"])
            if not policy.keeps_all:
                change = replace(change, document={**change.document, KEY: policy.written()})
        if policy.zero_retention:
            if self._witness is not None:
                self._witness.forget(conversation_id)
            if change.ended_at is not None:
                # Another agent may have brought the rule when a recording had begun.
                await asyncio.to_thread(unlink_files_of, self._store.recording_path(conversation_id))
            return _without_words(change)
        if policy.keeps_all:
            return change
        if self._witness is not None:
            self._witness.changed(conversation_id, change)
        policy = await self._learned(conversation_id, policy, change, is_long=is_long)
        if policy.names and change.ended_at is not None:
            change = await self._with_what_was_said_before(conversation_id, policy, change)
        if policy.redacts and change.ended_at is not None:
            # A recording that was finished has been silenced and renamed; one that a killed server left has not.
            raw = raw_of(self._store.recording_path(conversation_id))
            if await asyncio.to_thread(raw.is_file):
                await asyncio.to_thread(raw.unlink, missing_ok=True)
                change = replace(change, has_audio=False)
        return await _in_thread_if(is_long, _redacted, change, policy)

    async def _asked_for(self, conversation_id: str) -> Policy:
        """The policy of a conversation that is not remembered. It is read once for all changes that wait for it, so
        that they are stored in the order in which they came."""
        asking = self._asked.get(conversation_id)
        if asking is None:
            asking = self._asked[conversation_id] = asyncio.ensure_future(self._read_policy(conversation_id))
            asking.add_done_callback(lambda _: self._asked.pop(conversation_id, None))
        return await asyncio.shield(asking)

    async def _read_policy(self, conversation_id: str) -> Policy:
        row = await self._inner.get(conversation_id)
        if row is not None and (due_at := _still_due(row.document)) is not None:
            # The server that began it may have been killed before it had put it on the plan.
            await self._store.retention.plan([conversation_id], due_at)
        policy = Policy() if row is None else Policy.read(row.document)
        self._remember(conversation_id, policy)
        return policy

    async def _with_what_was_said_before(
        self, conversation_id: str, policy: Policy, change: ConversationChange
    ) -> ConversationChange:
        """The last change, with the turns and the start data in which a name stands that became known later."""
        from parola.privacy import redaction

        stored = await self._inner.numbered_turns(conversation_id)
        row = await self._inner.get(conversation_id)
        start = {} if row is None else {key: row.document[key] for key in _START if key in row.document}

        def clean() -> tuple[dict[int, Document], Document]:
            cleaned = {number: redaction.turn(turn, policy) for number, turn in stored.items()}
            return cleaned, redaction.fragment(start, policy)

        cleaned, clean_start = await asyncio.to_thread(clean)  # of a long call it takes a second, and others talk
        turns = {number: turn for number, turn in cleaned.items() if turn != stored[number]} | dict(change.turns)
        document = change.document if clean_start == start else {**clean_start, **(change.document or {})}
        return replace(change, turns=turns, document=document)

    async def _joined(self, conversation_id: str, policy: Policy, visited: Any) -> Policy:
        """The policy of all agents who took part."""
        for ref in visited if isinstance(visited, list) else ():
            agent = await self._store.agents.get(str(ref.get("agent_id")))
            if agent is not None:
                policy = policy.also(Policy.of(agent.document, self._settings))
        self._remember(conversation_id, policy)
        return policy

    async def _learned(
        self, conversation_id: str, policy: Policy, told: ConversationRow | ConversationChange, *, is_long: bool
    ) -> Policy:
        """The policy with the names that become known by what is to be stored."""
        if not policy.redacts:
            return policy
        from parola.privacy.entities import wants_names
        from parola.privacy.names import KnownNames

        if not wants_names(policy.entities):
            return policy
        known = self._names.setdefault(conversation_id, KnownNames())
        await _in_thread_if(is_long, _learn, known, told)
        if known.names == policy.names:
            return policy
        policy = replace(policy, names=known.names)
        self._remember(conversation_id, policy)
        return policy

    def known(self, conversation_id: str) -> Policy | None:
        """The policy of a conversation that is held, or was lately, with the names that are known in it."""
        return self._policies.get(conversation_id)

    def _remember(self, conversation_id: str, policy: Policy) -> None:
        self._policies[conversation_id] = policy
        self._policies.move_to_end(conversation_id)
        while len(self._policies) > MOST_REMEMBERED:
            forgotten, _ = self._policies.popitem(last=False)
            self._names.pop(forgotten, None)

    def policy_of(self, conversation_id: str) -> Policy | None:
        """What may be kept of a conversation; None: it is not remembered."""
        return self._policies.get(conversation_id)

    # -- as the store has it ------------------------------------------------------------------------------------------

    async def claim(self, conversation_id: str) -> bool:
        return await self._inner.claim(conversation_id)

    async def get(self, conversation_id: str) -> ConversationRow | None:
        return await self._inner.get(conversation_id)

    async def turns(self, conversation_id: str) -> Sequence[Document]:
        return await self._inner.turns(conversation_id)

    async def numbered_turns(self, conversation_id: str) -> Mapping[int, Document]:
        return await self._inner.numbered_turns(conversation_id)

    async def delete(self, conversation_id: str) -> bool:
        self._policies.pop(conversation_id, None)
        self._names.pop(conversation_id, None)
        if self._witness is not None:
            self._witness.forget(conversation_id)
        return await self._inner.delete(conversation_id)

    async def page(
        self, query: ConversationQuery, *, page_size: int, cursor: str | None = None
    ) -> Page[ConversationRow]:
        return await self._inner.page(query, page_size=page_size, cursor=cursor)

    async def count(self, query: ConversationQuery) -> int:
        return await self._inner.count(query)

    async def overview(self, query: OverviewQuery) -> Overview:
        return await self._inner.overview(query)

    async def unfinished(self) -> Sequence[ConversationRow]:
        return await self._inner.unfinished()

    def __getattr__(self, name: str) -> Any:
        """Whatever else the store's conversations can do: reading, and what has no words in it."""
        return getattr(self._inner, name)


def keep_private(store: Store, settings: Settings, witness: Callable[[], Witness] | None = None) -> None:
    """Put the door in, once the store is open."""
    if not isinstance(store.conversations, PrivateConversations):
        store.conversations = PrivateConversations(store, settings, witness)


def _still_due(document: Mapping[str, Any]) -> float | None:
    """When a conversation is to be deleted of which nothing was yet; None: never."""
    settings = (document.get("metadata") or {}).get("deletion_settings") or {}
    is_deleted = any(value is not None for key, value in settings.items() if key.startswith("deleted_"))
    due_at: float | None = settings.get("deletion_time_unix_secs")
    return None if is_deleted else due_at


def known_policy(store: Store, conversation_id: str) -> Policy | None:
    """What the door knows of a conversation; None when there is none, or it was long ago."""
    door = store.conversations
    return door.known(conversation_id) if isinstance(door, PrivateConversations) else None


def _is_long(told: ConversationRow | ConversationChange) -> bool:
    turns = told.turns if isinstance(told, ConversationChange) else {}
    return _length(told.document) + sum(map(_length, turns.values())) + len(told.termination_reason or "") > LONG


def _length(value: Any) -> int:
    """How many characters there are to look through."""
    match value:
        case str():
            return len(value)
        case Mapping():
            return sum(len(key) + _length(one) for key, one in value.items())
        case list() | tuple():
            return sum(map(_length, value))
    return 0


async def _in_thread_if(is_long: bool, does: Callable[..., _T], *args: Any) -> _T:
    return await asyncio.to_thread(does, *args) if is_long else does(*args)


def _learn(known: KnownNames, told: ConversationRow | ConversationChange) -> None:
    """The names in what is to be stored."""
    from parola.privacy.names import introduced

    document = told.document or {}
    if isinstance(client_data := document.get("conversation_initiation_client_data"), Mapping):
        known.began_with(client_data)
    if isinstance(told, ConversationChange):
        known.heard(told.turns)
    feedback = (document.get("metadata") or {}).get("feedback")
    if isinstance(feedback, Mapping) and isinstance(comment := feedback.get("comment"), str):
        known.add(introduced(comment))


def _begun(row: ConversationRow, policy: Policy) -> ConversationRow:
    document = dict(row.document)
    metadata = dict(document.get("metadata") or {})
    due_at = policy.deletes_at(row.started_at)
    if due_at is not None:
        metadata["deletion_settings"] = {
            "deletion_time_unix_secs": int(due_at),
            "deleted_logs_at_time_unix_secs": None,
            "deleted_audio_at_time_unix_secs": None,
            "deleted_transcript_at_time_unix_secs": None,
            "delete_transcript_and_pii": policy.deletes_transcript,
            "delete_audio": policy.deletes_audio,
        }
    document["metadata"] = metadata
    document.pop(KEY, None)
    if policy.keeps_all:
        return replace(row, document=document)
    document[KEY] = policy.written()
    if policy.zero_retention:
        metadata["features_usage"] = {**(metadata.get("features_usage") or {}), "pii_zrm_agent": True}
        kept = {key: document[key] for key in ("branch_id", "version_id", "environment", KEY) if key in document}
        kept["metadata"] = metadata_without_words(metadata)
        reason = outline_of(row.termination_reason, document, row.status)
        return replace(row, document=kept, user_id=None, termination_reason=reason)
    from parola.privacy import redaction

    if warnings := _not_recognised(policy):
        metadata["warnings"] = [*(metadata.get("warnings") or ()), *warnings]
    return replace(row, document=redaction.fragment(document, policy))


def _not_recognised(policy: Policy) -> list[str]:
    """What a record warns of that is to be redacted of kinds that nothing recognises."""
    from parola.privacy.entities import not_recognised

    missing = not_recognised(policy.entities)
    return [f"Redaction here does not recognise: {', '.join(missing)}"] if missing else []


def metadata_without_words(metadata: Mapping[str, Any]) -> Document:
    """What a record may say of a conversation without a word of it."""
    kept = {key: metadata[key] for key in KEPT_OF_METADATA if key in metadata}
    if isinstance(error := metadata.get("error"), Mapping):
        kept["error"] = {"code": error.get("code")}
    if isinstance(close := metadata.get("x_close"), Mapping):
        # The reason may be a model's or a provider's own words.
        kept["x_close"] = {**{key: close.get(key) for key in ("code", "by", "status")}, "reason": ""}
        kept["x_close"] |= {flag: True for flag in ("refused", "client_away") if close.get(flag) is True}
        if (cause := close.get("cause")) in BY_CAUSE:
            kept["x_close"]["cause"] = cause
    feedback = metadata.get("feedback")
    if isinstance(feedback, Mapping):
        kept["feedback"] = {**feedback, "comment": None}
    return kept


def _without_words(change: ConversationChange) -> ConversationChange:
    document = change.document
    if document is not None:
        kept: Document = {key: document[key] for key in ("visited_agents", KEY, "tag_ids") if key in document}
        if isinstance(metadata := document.get("metadata"), Mapping):
            kept["metadata"] = metadata_without_words(metadata)
            if "features_usage" in metadata:
                kept["metadata"]["features_usage"] = {**metadata["features_usage"], "pii_zrm_agent": True}
        document = kept or None
    return replace(
        change,
        turns={},
        document=document,
        has_audio=None if change.has_audio is None else False,
        termination_reason=change.termination_reason
        and outline_of(change.termination_reason, change.document, change.status),
    )


def _redacted(change: ConversationChange, policy: Policy) -> ConversationChange:
    from parola.privacy import redaction

    document = None if change.document is None else redaction.fragment(change.document, policy)
    metadata = (document or {}).get("metadata")
    if isinstance(metadata, Mapping) and isinstance(warnings := metadata.get("warnings"), list):
        # The session writes the whole list of its own, and would take away the one of the beginning.
        ours = [warning for warning in _not_recognised(policy) if warning not in warnings]
        document = {**(document or {}), "metadata": {**metadata, "warnings": [*ours, *warnings]}}
    return replace(
        change,
        turns={index: redaction.turn(turn, policy) for index, turn in change.turns.items()},
        document=document,
        termination_reason=change.termination_reason and redaction.text(change.termination_reason, policy),
    )
