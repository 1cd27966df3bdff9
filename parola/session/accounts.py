"""What one conversation uses, and what that costs by the owner's price list (reference: rest-schemas.md §3,
``ConversationCharging``).

Every step that a model was asked for counts as initiated, answers that were thrown away included: speculation, models
that failed, replies that were cut. What became part of the transcript counts as irreversible. Prices are USD for a
million tokens; what has no price costs nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

from parola.providers.base import TokenUsage

Prices = Mapping[str, Mapping[str, float]]
"""By the name of a model, or a pattern: ``input``, ``input_cache_read``, ``output``."""

MILLION = 1_000_000


class Accounts:
    """Told what is used while it is used; asked at the end."""

    def __init__(self, prices: Prices | None = None) -> None:
        self._prices = prices or {}
        self._initiated: dict[str, list[TokenUsage]] = defaultdict(list)
        self._kept: dict[int, Mapping[str, Any]] = {}
        self._voice_seconds: dict[str, float] = defaultdict(float)
        self._characters = 0
        self._tts_model: str | None = None
        self._asr_model: str | None = None
        self._transcriptions = 0
        self._heard_seconds = 0.0

    # -- what is told -------------------------------------------------------------------------------------------------

    def model_was_asked(self, model: str, usage: TokenUsage) -> None:
        """A model has answered, as far as it got."""
        self._initiated[model].append(usage)

    def turn_was_kept(self, index: int, turn: Mapping[str, Any]) -> None:
        """A turn went into the record, or was corrected there."""
        if turn.get("llm_usage"):
            self._kept[index] = turn["llm_usage"]["model_usage"]

    def text_was_spoken(self, model: str, characters: int) -> None:
        self._tts_model = self._tts_model or model
        self._characters += characters

    def audio_was_made(self, voice: str, seconds: float) -> None:
        self._voice_seconds[voice] += seconds

    def speech_was_heard(self, model: str, seconds: float) -> None:
        self._asr_model = model
        self._heard_seconds += seconds

    def speech_was_transcribed(self) -> None:
        self._transcriptions += 1

    # -- what it comes to ---------------------------------------------------------------------------------------------

    def of_step(self, model: str, usage: TokenUsage) -> dict[str, Any]:
        """``LlmInputOutputTokensUsage`` of one answer."""
        prices = self._price_list(model)
        cached = min(usage.cached_tokens, usage.input_tokens)
        tokens = {"input": usage.input_tokens - cached, "output_total": usage.output_tokens}
        if cached:
            tokens["input_cache_read"] = cached
        found: dict[str, Any] = {
            name: {"tokens": count, "price": count * _price(prices, name) / MILLION} for name, count in tokens.items()
        }
        if usage.reasoning_tokens:
            found["x_reasoning"] = {"tokens": usage.reasoning_tokens}
        return found

    def charging(self) -> dict[str, Any]:
        """What the record's ``metadata.charging`` says of it."""
        initiated = {
            model: _total([self.of_step(model, usage) for usage in usages]) for model, usages in self._initiated.items()
        }
        kept: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
        for usage_by_model in self._kept.values():
            for model, usage in usage_by_model.items():
                kept[model].append(usage)
        charging: dict[str, Any] = {
            "llm_usage": {
                "irreversible_generation": {"model_usage": {model: _total(usages) for model, usages in kept.items()}},
                "initiated_generation": {"model_usage": initiated},
            },
            "llm_price": round(sum(_cost(usage) for usage in initiated.values()), 9),
        }
        if self._characters:
            charging["tts_usage"] = {
                "primary_tts_model": self._tts_model,
                "total_audio_output_seconds": round(sum(self._voice_seconds.values()), 3),
                "total_characters": self._characters,
                "per_voice_usage": [
                    {"voice_id": voice, "audio_output_seconds": round(seconds, 3)}
                    for voice, seconds in self._voice_seconds.items()
                ],
            }
        if self._transcriptions:
            charging["asr_usage"] = {
                "asr_model": self._asr_model,
                "total_transcription_calls": self._transcriptions,
                "total_audio_input_seconds": round(self._heard_seconds, 3),
            }
        return charging

    def _price_list(self, model: str) -> Mapping[str, float]:
        return price_list(self._prices, model)


def price_list(prices: Prices, model: str) -> Mapping[str, float]:
    """What a model costs; empty: it is not on the owner's list."""
    if model in prices:
        return prices[model]
    return next((listed for name, listed in prices.items() if fnmatchcase(model, name)), {})


def _price(prices: Mapping[str, float], category: str) -> float:
    match category:
        case "input_cache_read":
            return prices.get("input_cache_read", prices.get("input", 0.0))
        case "output_total":
            return prices.get("output", 0.0)
        case _:
            return prices.get(category, 0.0)


def _total(usages: list[Any]) -> dict[str, Any]:
    total: dict[str, Any] = {}
    for usage in usages:
        for name, amounts in usage.items():
            sums = total.setdefault(name, dict.fromkeys(amounts, 0))
            for key, amount in amounts.items():
                sums[key] = round(sums.get(key, 0) + amount, 9)
    return total


def _cost(usage: Mapping[str, Mapping[str, float]]) -> float:
    return sum(amounts.get("price", 0.0) for amounts in usage.values())
