"""What a process counts about itself while it works; ``api/metrics.py`` shows it to Prometheus.

Counting costs a list lookup and an addition, so it may stand anywhere. Nothing here knows what is counted, or how it
is shown.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

LAG_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.015, 0.02, 0.03, 0.05, 0.1, 0.2, 0.5, 1.0)
LATENCY_SECONDS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0)
WORK_SECONDS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.0, 5.0)
WAIT_SECONDS = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0)
BATCH_SIZES = (1, 2, 4, 8, 16, 32, 64, 128)
STEP_SECONDS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.8, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0)
WRITE_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0)

STEPS = ("end_of_turn", "retrieval", "llm", "sentence", "tts", "send")
"""What an answer waits for, as the record's ``x_timeline`` has it."""

SERVICES = (
    "convai_asr_trailing_service_latency",
    "convai_llm_service_ttfb",
    "convai_llm_service_ttf_sentence",
    "convai_tts_service_ttfb",
)
"""What is measured of models, by the record's names (``conversation_turn_metrics``)."""

TOOL_TYPES = frozenset({"client", "webhook", "system", "mcp", "workflow"})

CODES = frozenset({1000, 1001, 1002, 1005, 1006, 1008, 1011, 1012, 3000, 3008, 4300})
"""Close codes that are counted by themselves. A client may close with any, and each would be a series for ever."""


class Histogram:
    """How often a value fell into each bucket; ``bounds`` are the buckets' upper ends, ascending."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = tuple(bounds)
        self.counts = [0] * (len(self.bounds) + 1)
        """Each bucket by itself; the last holds what is above all bounds."""
        self.total = 0.0

    def observe(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    @property
    def count(self) -> int:
        return sum(self.counts)


def _latencies() -> Histogram:
    return Histogram(LATENCY_SECONDS)


@dataclass(slots=True)
class Metrics:
    """What one server has seen since it started."""

    loop_lag: Histogram = field(default_factory=lambda: Histogram(LAG_SECONDS))
    """By how much the event loop was late for a timer."""
    vad_batch: Histogram = field(default_factory=lambda: Histogram(BATCH_SIZES))
    """Windows of different calls that shared one run of the voice activity detector."""
    turn_verdicts: Callable[[], Mapping[str, int]] = dict
    """What came of asking the turn detector; set by whoever has one."""
    turn_latency: Histogram = field(default_factory=_latencies)
    """From the user's last sound to the first audio of the answer, for answers that were heard."""
    turns_answered: int = 0
    """Turns of the user, spoken or typed, that the agent has begun to answer."""
    interruptions: int = 0
    waited: Histogram = field(default_factory=lambda: Histogram(WAIT_SECONDS))
    """How long those waited who had to wait for a place, whatever came of it."""
    waiting_ended: Counter[str] = field(default_factory=Counter)
    """What came of it: ``admitted``, ``timed_out``, ``hung_up``, ``refused``, ``stopped``."""
    started: Counter[str] = field(default_factory=Counter)
    """Conversations that have begun, by medium (``voice`` or ``text``)."""
    ended: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """Conversations that have ended, by status (``done`` or ``failed``), close code and reason."""
    turn_steps: dict[str, Histogram] = field(default_factory=lambda: {step: Histogram(STEP_SECONDS) for step in STEPS})
    """What each step added to ``turn_latency``."""
    services: dict[str, Histogram] = field(default_factory=lambda: {name: Histogram(STEP_SECONDS) for name in SERVICES})
    """What models took, by the record's names; whether anybody waited for it or not."""
    tools: dict[str, Histogram] = field(
        default_factory=lambda: {kind: Histogram(STEP_SECONDS) for kind in (*sorted(TOOL_TYPES), "other")}
    )
    """How long calls of tools took, by type."""
    tool_calls: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By type and outcome: ``ok`` or ``error``."""
    limited: Counter[str] = field(default_factory=Counter)
    """Who was refused because of a limit: ``agent``, ``daily``, ``share``, ``server``, ``load`` (conversations),
    ``requests`` (REST)."""
    human_waited: Histogram = field(default_factory=lambda: Histogram(WAIT_SECONDS))
    """How long conversations waited for a person, whatever came of it."""
    human_waits: Counter[str] = field(default_factory=Counter)
    """What came of it: ``answered``, ``timed_out``, ``withdrawn``, ``abandoned``."""
    connections: Counter[str] = field(default_factory=Counter)
    """Of clients that may come back: ``lost``, ``resumed``, ``stayed_away``, and attempts that were ``refused``."""
    events_missed: int = 0
    """Events that watchers of conversations were too slow for."""
    webhooks_delivered: Counter[str] = field(default_factory=Counter)
    """By the message's type."""
    webhooks_failed: Counter[str] = field(default_factory=Counter)
    """Webhooks that were given up, by reason; of ``http_…`` there are ``http_3xx``, ``4xx``, ``5xx`` and ``other``."""
    webhook_attempts_failed: Counter[str] = field(default_factory=Counter)
    """Attempts that came to nothing, whatever became of the webhook, by the same."""
    webhooks_waiting: int = 0
    """For their next attempt, when somebody last counted."""

    def conversation_ended(self, status: str, code: int, reason: str) -> None:
        """``reason`` is one of few words (``Close.cause``, or the error type of a refusal)."""
        self.ended[(status, str(code) if code in CODES else "other", reason)] += 1

    def tool_answered(self, kind: str, seconds: float, *, is_error: bool) -> None:
        kind = kind if kind in TOOL_TYPES else "other"
        self.tools[kind].observe(seconds)
        self.tool_calls[(kind, "error" if is_error else "ok")] += 1
