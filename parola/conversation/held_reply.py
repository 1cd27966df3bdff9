"""A reply that is made before it may be said.

The model is asked on a probable end of the user's turn (``speculative_turn``), or is slow and somebody else has the
word meanwhile (a soft timeout's filler). Until the reply is let go, its facts wait here in their order: nothing of it
is sent, stored, or acted on, no tool runs. Then they are taken as if they came now; or it is stopped, and was never
there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from parola.conversation.events import (
    KnowledgeRetrieved,
    MetadataReturned,
    ModelFinished,
    ModelThinks,
    ReplyEvent,
    ReplyFailed,
    ReplyFinished,
)
from parola.conversation.timeline import AgentTimeline
from parola.providers.base import ModelRequest


@dataclass(slots=True)
class HeldReply:
    number: int
    times: AgentTimeline
    request: ModelRequest | None = None
    """What the model was asked, when that may turn out not to be what it would be asked in the end."""
    facts: list[tuple[ReplyEvent, float]] = field(default_factory=list)
    """With the time at which each came."""
    wrote_at: float = -math.inf
    """When it was last known to be written, though nothing of it is told."""

    @property
    def awaited_from(self) -> float:
        """Since when nothing has been known of it."""
        return max(self.times.asked_at, self.wrote_at)

    def take(self, event: ReplyEvent, now: float) -> None:
        self.facts.append((event, now))

    @property
    def is_running(self) -> bool:
        """Somebody is still making it: stopping it means something."""
        return not any(isinstance(event, ReplyFinished | ReplyFailed) for event, _ in self.facts)

    @property
    def has_failed(self) -> bool:
        return any(isinstance(event, ReplyFailed) for event, _ in self.facts)

    @property
    def has_begun(self) -> bool:
        """There is something to say, or to do."""
        silent = KnowledgeRetrieved | ModelThinks | MetadataReturned | ModelFinished
        return any(not isinstance(event, silent) for event, _ in self.facts)

    def answers(self, request: ModelRequest) -> bool:
        """It was asked with the same conversation. The clock in a system prompt may have moved on."""
        if self.request is None or self.has_failed:
            return False
        asked, wanted = list(self.request.messages), list(request.messages)
        if not asked or not wanted or asked[0].get("role") != wanted[0].get("role"):
            return False
        start = 1 if asked[0].get("role") == "system" else 0
        return asked[start:] == wanted[start:]
