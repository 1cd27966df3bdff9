"""From the callers' notes and the fakes' log to figures. Pure: no clock, no process.

Added latency is what the user waits beyond the fixed delays of the models::

    user's last sample -> VAD -> STT (150 ms) -> end of turn -> LLM (200 ms) -> sentence -> TTS (100 ms) -> audio

It holds the silence that ends a turn, and the time in which the first sentence is written, for any server.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from bench.caller import Turn
from bench.fakes import LLM_SECONDS, STT_SECONDS, TTS_SECONDS
from bench.figures import median, milliseconds, percentile

VOICE_FIXED_SECONDS = STT_SECONDS + LLM_SECONDS + TTS_SECONDS

TOO_SOON_SECONDS = 0.05
"""Audio sooner than the fakes can have made it, by more than this, answers something else."""


class Event(NamedTuple):
    """One line of the fakes' log."""

    at: float
    kind: str
    ref: int


Chain = dict[str, float]
"""The first time of each kind of event of one turn."""


def chains(log: Iterable[Event]) -> dict[int, Chain]:
    """The log by turn."""
    by_ref: dict[int, Chain] = {}
    for event in log:
        by_ref.setdefault(event.ref, {}).setdefault(event.kind, event.at)
    return by_ref


def answered(turn: Turn, by_ref: dict[int, Chain]) -> bool:
    """Audio came, and it is the answer to this turn and no other."""
    if turn.audio_at is None or turn.ended_at is None:
        return False
    if turn.audio_at - turn.ended_at < VOICE_FIXED_SECONDS - TOO_SOON_SECONDS:
        return False
    return by_ref.get(turn.ref, {}).get("stt_asked", 0.0) > turn.started_at


def _spread(name: str, seconds: list[float]) -> dict[str, float | None]:
    return {
        f"{name}_p50_ms": milliseconds(median(seconds)),
        f"{name}_p95_ms": milliseconds(percentile(seconds, 95)),
    }


def _between(chosen: Iterable[Chain], earlier: str, later: str) -> list[float]:
    return [chain[later] - chain[earlier] for chain in chosen if earlier in chain and later in chain]


def _stages(turns: list[Turn], by_ref: dict[int, Chain]) -> dict[str, float | None]:
    """Where the time went, stage by stage, at any load."""
    pairs = [(turn, by_ref.get(turn.ref, {})) for turn in turns]
    own = [chain for _, chain in pairs]

    def since_turn(kind: str) -> list[float]:
        return [chain[kind] - turn.ended_at for turn, chain in pairs if kind in chain and turn.ended_at is not None]

    to_client = [
        turn.audio_at - chain["tts_first_byte"]
        for turn, chain in pairs
        if "tts_first_byte" in chain and turn.audio_at is not None
    ]
    stages = {
        "speech_to_stt": since_turn("stt_asked"),
        "stt_to_llm": _between(own, "stt_answered", "llm_asked"),
        "speech_to_llm": since_turn("llm_asked"),
        "sentence_written": _between(own, "llm_first_token", "llm_first_sentence"),
        "sentence_to_tts": _between(own, "llm_first_sentence", "tts_asked"),
        "tts_to_client": to_client,
    }
    return {key: value for name, values in stages.items() for key, value in _spread(name, values).items()}


def voice_figures(turns: list[Turn], log: list[Event]) -> dict[str, Any]:
    """Spoken turns: how many were answered, and what was added to the models' own time."""
    by_ref = chains(log)
    over = [turn for turn in turns if turn.ended_at is not None]
    good = [turn for turn in over if answered(turn, by_ref)]
    added = [_wait(turn) - VOICE_FIXED_SECONDS for turn in good]
    asked = sum("stt_asked" in chain for chain in by_ref.values())
    return {
        "turns": len(over),
        "answered": len(good),
        "stt_requests": asked,
        **_spread("added", added),
        "added_max_ms": milliseconds(max(added, default=None)),
        **_stages(good, by_ref),
    }


def _wait(turn: Turn) -> float:
    assert turn.audio_at is not None and turn.ended_at is not None
    return turn.audio_at - turn.ended_at


def barge_in_figures(turns: list[Turn], log: list[Event]) -> dict[str, Any]:
    """From the first sample of speech over the agent's voice to the ``interruption``, and to the last old audio."""
    cuts = [turn for turn in turns if turn.cuts_reply]
    to_event = [turn.interrupted_at - turn.started_at for turn in cuts if turn.interrupted_at is not None]
    to_last = [turn.old_audio_at - turn.started_at for turn in cuts if turn.old_audio_at is not None]
    count: Callable[[str], int] = lambda kind: sum(event.kind == kind for event in log)  # noqa: E731
    return {
        "turns": len(turns),
        "barge_ins": len(cuts),
        "interrupted": len(to_event),
        **_spread("interruption", to_event),
        **_spread("last_old_audio", to_last),
        "stale_frames": sum(turn.stale_frames for turn in cuts),
        "llm_cancelled": count("llm_cancelled"),
        "tts_cancelled": count("tts_cancelled"),
    }


def text_figures(turns: list[Turn], log: list[Event]) -> dict[str, Any]:
    """Typed turns: to the first text, beyond the time the model itself took to its first token."""
    by_ref = chains(log)
    added, to_llm = [], []
    for turn in turns:
        chain = by_ref.get(turn.ref, {})
        if turn.text_at is None or turn.ended_at is None or "llm_first_token" not in chain:
            continue
        to_llm.append(chain["llm_asked"] - turn.ended_at)
        added.append(turn.text_at - turn.ended_at - (chain["llm_first_token"] - chain["llm_asked"]))
    return {"turns": len(turns), "answered": len(added), **_spread("text_added", added), **_spread("to_llm", to_llm)}


def tool_figures(turns: list[Turn], log: list[Event]) -> dict[str, Any]:
    """Typed turns that call a webhook tool: what the call takes beyond the tool's own time, from the model's wish to
    the model being asked again."""
    before, after = [], []
    for chain in chains(log).values():
        if {"llm_tool_called", "tool_asked", "tool_answered", "llm_asked_again"} <= chain.keys():
            before.append(chain["tool_asked"] - chain["llm_tool_called"])
            after.append(chain["llm_asked_again"] - chain["tool_answered"])
    both = [one + other for one, other in zip(before, after, strict=True)]
    spreads = _spread("tool_added", both) | _spread("to_tool", before) | _spread("from_tool", after)
    return {"turns": len(turns), "answered": len(both), **spreads}


def embedded_figures(turns: list[Turn]) -> dict[str, Any]:
    """Spoken turns with embedded models: the whole wait, from the user's last sound to the agent's first."""
    over = [turn for turn in turns if turn.ended_at is not None]
    waits = [_wait(turn) for turn in over if turn.audio_at is not None]
    return {"turns": len(over), "answered": len(waits), **_spread("wait", waits)}
