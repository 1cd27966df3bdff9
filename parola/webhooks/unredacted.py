"""What was said before personal details were taken out of it, for the endpoints that are to be told (reference:
webhooks.md §1, ``unredacted_transcript``).

While such a conversation is held its words as they were said are in memory, and nowhere else. When it ends they are
sealed into its delivery, in the transaction that ends it, and taken out of that again as soon as they have arrived or
are given up. What a killed server had in memory is lost: the delivery says ``original_not_kept``.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from parola.outbound.locators import Seal
from parola.protocol.lossless import dumps, loads, merged
from parola.store.base import ConversationChange, ConversationRow, Store
from parola.store.outbox import DeliveryRow
from parola.store.pages import Document
from parola.webhooks.announcing import UNREDACTED, settings_of, skipped, subscriptions

MOST_HELD = 2000
"""Conversations; of more, the oldest are forgotten."""

ORIGINAL = "original"
"""Among the options of a delivery: what was said, sealed."""

NOT_KEPT = "original_not_kept"


@dataclass(slots=True)
class _Said:
    document: Document
    termination_reason: str
    turns: dict[int, Document] = field(default_factory=dict)


class Originals:
    """Holds what was said in the conversations that run, as far as somebody is to be told; one for the process."""

    def __init__(self, store: Store, seal: Seal) -> None:
        self._store = store
        self._seal = seal
        self._held: OrderedDict[str, _Said] = OrderedDict()

    async def begins(self, conversation: ConversationRow, agent: Document | None) -> None:
        """A conversation is stored whose words will be redacted; ``conversation`` is as it was before."""
        subscribed = subscriptions(await settings_of(self._store), agent)
        if any(UNREDACTED in one.events for one in subscribed):
            self._held[conversation.conversation_id] = _Said(conversation.document, conversation.termination_reason)
            while len(self._held) > MOST_HELD:
                self._held.popitem(last=False)

    def changed(self, conversation_id: str, change: ConversationChange) -> None:
        """The same of a change."""
        said = self._held.get(conversation_id)
        if said is not None:
            said.turns.update({number: dict(turn) for number, turn in change.turns.items()})
            said.document = merged(said.document, change.document or {})
            said.termination_reason = change.termination_reason or said.termination_reason

    def ends(self, conversation_id: str, deliveries: Sequence[DeliveryRow], now: float) -> list[DeliveryRow]:
        """The deliveries of a conversation that ends, with what was said in those that are to tell it. It is held until
        it is forgotten: storing them may fail, and is tried again."""
        said = self._held.get(conversation_id)
        return [self._with(row, said, now) if row.type == UNREDACTED else row for row in deliveries]

    def forget(self, conversation_id: str) -> None:
        """Nobody may be told."""
        self._held.pop(conversation_id, None)

    def _with(self, row: DeliveryRow, said: _Said | None, now: float) -> DeliveryRow:
        if row.status != "waiting":
            return row
        if said is None:
            return skipped(row, NOT_KEPT, now)
        turns = [turn for _, turn in sorted(said.turns.items())]
        told = {"document": said.document, "termination_reason": said.termination_reason, "turns": turns}
        sealed = b64encode(self._seal.seal(dumps(told).decode())).decode()
        return replace(row, options={**row.options, ORIGINAL: sealed})


def opened(
    row: DeliveryRow, conversation: ConversationRow, seal: Seal
) -> tuple[ConversationRow, Sequence[Document]] | None:
    """A conversation and its turns as they were before they were redacted; None: the delivery has them no more."""
    if ORIGINAL not in row.options:
        return None
    told: Mapping[str, Any] = loads(seal.open(b64decode(row.options[ORIGINAL])).encode())
    document = merged(conversation.document, told["document"])
    return replace(conversation, document=document, termination_reason=told["termination_reason"]), told["turns"]


def without_original(row: DeliveryRow) -> DeliveryRow:
    """A delivery that is over."""
    return replace(row, options={key: value for key, value in row.options.items() if key != ORIGINAL})
