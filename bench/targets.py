"""What Parola should reach, beside what others cost: constants, measured elsewhere."""

from __future__ import annotations

from dataclasses import dataclass

NOTE = (
    "pipecat, livekit-agents and the floor were measured in another run, on two cores of an AMD EPYC: figures of two"
    " runs on two machines say little digit by digit. The floor is a 195-line server with no product in it: what Python"
    " allows."
)


@dataclass(frozen=True, slots=True)
class Target:
    """One line of the table. ``limits`` bound the figures of the line, in order."""

    name: str
    pipecat: str
    livekit: str
    floor: str
    limits: tuple[float, ...]
    at_least: bool = False
    """The figure should be this high, not this low."""
    digits: int = 0

    @property
    def text(self) -> str:
        sign = "≥" if self.at_least else "≤"
        return f"{sign} {' / '.join(f'{limit:g}' for limit in self.limits)}"


CPU = Target("CPU a live voice conversation (slope), % of a core", "5.8", "3.0", "0.45", (0.7,), digits=2)
CAPACITY = Target(
    "conversations on one core: p95 of added latency within 1.2 × of one alone, no turn lost",
    *("5", "15", "100"),
    limits=(100,),
    at_least=True,
)
KNEE = Target("knee: p95 doubles, or turns are lost", "15", "20–30", "> 200", (200,), at_least=True)
MEMORY = Target("memory a live conversation (slope), MB", "15", "4.5", "0.15", (0.5,), digits=2)
KEPT = Target("memory kept per ended call, MB", "13", "3", "< 0.1", (0.05,), digits=3)
BARGE_IN = Target("barge-in to `interruption`, p50 / p95, ms", "453 / 622", "267 / 280", "256 / 256", (260, 280))
CONNECT = Target(
    "connect to first server message, 1 / 10 at once, ms", "326 / 1600", "210 / 900", "6 / 1", (10, 10), digits=1
)
TEXT = Target("typed message to first text beyond the LLM's own first token, ms", "–", "–", "~1", (5,), digits=1)
SENTENCE = Target("last LLM token of the first sentence to the TTS request, ms", "17", "14", "1", (2,), digits=1)
AUDIO = Target("TTS first byte to client, ms", "52", "1", "0", (2,), digits=1)
LAG = Target("event-loop lag with 100 conversations, p99, ms", "–", "–", "–", (20,), digits=1)
TOOL = Target("webhook tool call beyond the tool's own time, ms", "–", "–", "–", (5,), digits=1)
RETRIEVAL = Target("search among 10,000 chunks, embedding aside, p50 / p95, ms", "–", "–", "–", (20, 20), digits=1)
START = Target("cold start, s / idle memory, MB", "2.1 / 128", "4.1 / 141", "0.8 / 93", (1.0, 120), digits=1)
