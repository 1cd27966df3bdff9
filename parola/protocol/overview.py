"""What a dashboard's front page shows, as REST spells it."""

from __future__ import annotations

from parola.protocol.documents import Answer


class OverviewDay(Answer):
    date: str
    """``2026-11-20``, by ``utc_offset_minutes``."""
    calls: int
    minutes: float
    """Of the calls that have ended."""
    failed: int


class OverviewStep(Answer):
    p50_secs: float
    p95_secs: float


class OverviewLatency(Answer):
    """From the user's last sound to the first of the answer."""

    conversations: int
    """Of so many, the newest of these days, the answers were looked at."""
    turns: int
    p50_secs: float | None
    p90_secs: float | None
    p95_secs: float | None
    p99_secs: float | None
    steps: dict[str, OverviewStep]
    """``end_of_turn``, ``retrieval``, ``llm``, ``sentence``, ``tts``, ``send``: what each added."""


class OverviewEnding(Answer):
    status: str
    termination_reason: str
    count: int


class OverviewWarning(Answer):
    message: str
    count: int
    """Conversations, among the newest that were looked at."""
    last_conversation_id: str


class OverviewWebhooks(Answer):
    """Of the workspace; a filter by agent means nothing here."""

    endpoints: int
    disabled: int
    waiting: int
    delivered: int
    failed: int
    oldest_waiting_secs: float | None


class OverviewResponse(Answer):
    generated_at_unix_secs: int
    live: int
    waiting_for_human: int
    days: list[OverviewDay]
    latency: OverviewLatency
    endings: list[OverviewEnding]
    warnings: list[OverviewWarning]
    webhooks: OverviewWebhooks
