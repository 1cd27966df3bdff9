"""Reading and writing text for the scripted language model: messages, tool results, numbers, sentences."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import orjson

from parola.providers.base import JSON

SILENCE = "..."
"""The user's message when the user said nothing."""

LONGEST_MESSAGE = 4000
"""So many characters of a message are looked at."""


@dataclass(frozen=True, slots=True)
class Turn:
    """Where the conversation stands: the user's last message and the rounds of tools since."""

    user: str
    rounds: tuple[tuple[Mapping[str, JSON], ...], ...]
    """The tool messages of each round."""

    @property
    def is_silent(self) -> bool:
        return is_silence(self.user)

    @property
    def last_result(self) -> JSON:
        return result_of(self.rounds[-1][-1]) if self.rounds else None


def is_silence(text: str) -> bool:
    return text.strip() in ("", SILENCE)


def turn_of(messages: Sequence[Mapping[str, JSON]]) -> Turn:
    """Where the messages end."""
    position = max((i for i, message in enumerate(messages) if message.get("role") == "user"), default=-1)
    user = text_of(messages[position]) if position >= 0 else ""
    rounds: list[list[Mapping[str, JSON]]] = [[]]
    for message in messages[position + 1 :]:
        if message.get("role") == "assistant":
            rounds.append([])
        elif message.get("role") == "tool":
            rounds[-1].append(message)
    return Turn(user, tuple(tuple(round_) for round_ in rounds if round_))


FAILED = "Error: "
"""How the content of a tool message begins when the tool has failed."""


def is_failure(message: Mapping[str, JSON]) -> bool:
    """Whether a tool message tells of a failure: it says so, or its content is an object that does."""
    if text_of(message).startswith(FAILED):
        return True
    result = result_of(message)
    if not isinstance(result, Mapping):
        return False
    failed = result.get("error") or result.get("is_error")
    return bool(failed) or result.get("success") is False or result.get("ok") is False


def result_of(message: Mapping[str, JSON]) -> JSON:
    """What a tool answered, or why it failed; JSON is taken apart."""
    text = text_of(message).removeprefix(FAILED)
    if text[:1] in ("{", "["):
        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError:
            pass
    return text


def text_of(message: Mapping[str, JSON]) -> str:
    """The text of a chat message, whose content may be a list of parts."""
    content = message.get("content")
    if isinstance(content, str):
        return content
    if isinstance(content, Sequence):
        return "\n".join(str(part["text"]) for part in content if isinstance(part, Mapping) and part.get("text"))
    return ""


_WAY = re.compile(r"notify_condition_\d+_met")
"""The functions of a workflow's edges."""


def reading_of(messages: Sequence[Mapping[str, JSON]], results: Sequence[Mapping[str, JSON]]) -> str:
    """A sentence for each result of a round."""
    names = {
        str(call.get("id")): str(call.get("function", {}).get("name", "tool"))
        for message in messages
        for call in message.get("tool_calls") or ()
    }
    sentences = []
    for result in results:
        name = names.get(str(result.get("tool_call_id")), "tool")
        if _WAY.fullmatch(name):
            continue  # the workflow has moved on, which is nothing to speak of
        name = name.replace("_", " ").capitalize()
        value = result_of(result)
        if is_failure(result):
            if isinstance(value, Mapping):
                value = value.get("error") or value.get("message") or value
            sentences.append(f"{name} did not work: {sentence(readable(value) or 'no reason given')}")
        else:
            sentences.append(f"{name}: {sentence(readable(value) or 'done')}")
    return " ".join(sentences)


def sentence(text: str) -> str:
    text = text.strip()
    return text if text[-1:] in (".", "!", "?", "…") else f"{text}."


def quoted(text: str, limit: int = 80) -> str:
    text = " ".join(text.split())
    return f'"{text if len(text) <= limit else text[:limit].rsplit(" ", 1)[0] + " …"}"'


def plain_quotes(text: str) -> str:
    return text.translate({0x2018: "'", 0x2019: "'", 0x201C: '"', 0x201D: '"'})


def trimmed(text: str | None) -> str | None:
    return None if text is None else text.strip(" \t\n.,;:!?…")


@lru_cache(maxsize=1024)
def normalised(text: str) -> str:
    """Lower-case words with one space between them: ``What's up, Doc?`` is ``whats up doc``."""
    text = unicodedata.normalize("NFKC", plain_quotes(text)).casefold().replace("'", "")
    return " ".join(re.findall(r"\w+", text))


_UNITS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen"
).split()
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
_NUMBERS = {word: value for value, word in enumerate(_UNITS)} | {
    word: 20 + 10 * index for index, word in enumerate(_TENS)
}


def number_in(text: str) -> int | float | None:
    """The first number in a text, in digits or in words up to a few thousand; None when there is none."""
    numbers = numbers_in(text)
    return numbers[0] if numbers else None


def numbers_in(text: str) -> list[int | float]:
    """Every number in a text, in digits (``1,200``, ``2.5``) or in English words (``twenty-four``)."""
    found: list[int | float] = []
    running: int | None = None
    previous = ""
    for token in re.findall(r"\d+(?:,\d{3})+|\d+(?:\.\d+)?|[a-z]+", text.casefold()):
        if token[0].isdigit():
            token = token.replace(",", "")
            found.append(float(token) if "." in token else int(token))
            running = None
        elif token in _NUMBERS:
            value = _NUMBERS[token]
            joins = running is not None and (previous in ("hundred", "thousand", "and") or previous in _TENS)
            if running is not None and joins and not (previous in _TENS and value > 9):
                running += value
                found[-1] = running
            else:
                running = value
                found.append(value)
        elif token in ("hundred", "thousand") and running is not None:
            running *= 100 if token == "hundred" else 1000
            found[-1] = running
        elif token != "and" or previous not in ("hundred", "thousand"):
            running = None
        previous = token
    return found


def readable(value: JSON) -> str:
    """A value as it reads in a sentence: ``{"celsius": 21, "sky": "clear"}`` is "celsius 21, sky clear"."""
    match value:
        case None:
            return ""
        case str():
            return value
        case bool():
            return "yes" if value else "no"
        case Mapping():
            return ", ".join(f"{str(key).replace('_', ' ')} {readable(item)}" for key, item in value.items())
        case list() | tuple():
            return ", ".join(readable(item) for item in value)
        case _:
            return str(value)
