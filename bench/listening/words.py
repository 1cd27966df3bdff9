"""What was said against what was heard: spellings made alike, then the word error rate."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_SMALL = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
).split()
_TENS = "zero ten twenty thirty forty fifty sixty seventy eighty ninety".split()

_LONG = {
    "i'm": "i am", "you're": "you are", "we're": "we are", "they're": "they are", "it's": "it is", "he's": "he is",
    "that's": "that is", "there's": "there is", "what's": "what is", "let's": "let us", "don't": "do not",
    "doesn't": "does not", "didn't": "did not", "isn't": "is not", "wasn't": "was not", "can't": "cannot",
    "won't": "will not", "wouldn't": "would not", "couldn't": "could not", "i'd": "i would", "you'd": "you would",
    "i'll": "i will", "we'll": "we will", "i've": "i have", "you've": "you have", "we've": "we have",
    "mr": "mister", "mrs": "missus", "dr": "doctor", "okay": "ok", "goodby": "goodbye", "metres": "meters",
}  # fmt: skip
_TOGETHER = {"good bye": "goodbye", "good by": "goodbye", "voice mail": "voicemail", "key words": "keywords"}
_TOGETHER |= {"mail box": "mailbox", "can not": "cannot", "re entered": "reentered", "pass word": "password"}

_TOKEN = re.compile(r"\d+(?:\.\d+)?|[a-z]+(?:'[a-z]+)?")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}\b)")
_OCLOCK = re.compile(r"(\d):(\d\d)")


def normalised(text: str) -> list[str]:
    """Lower case, no punctuation, numbers in words (three digits and more one by one), contractions written out."""
    text = text.lower().replace("’", "'").replace("%", " percent ").replace("@", " at ").replace("#", " pound ")
    text = _OCLOCK.sub(r"\1 \2", _THOUSANDS.sub("", text)).replace("-", " ").replace("*", " star ")
    found: list[str] = []
    for token in _TOKEN.findall(re.sub(r"(?<=[a-z])\.(?=[a-z])", " ", text)):
        found += _spoken(token) if token[0].isdigit() else _LONG.get(token, token).split()
    joined = " ".join(found)
    for apart, together in _TOGETHER.items():
        joined = re.sub(rf"\b{apart}\b", together, joined)
    return joined.split()


def _spoken(digits: str) -> list[str]:
    whole, point, rest = digits.partition(".")
    if point and rest:
        return [*_spoken(whole), "point", *(_SMALL[int(digit)] for digit in rest)]
    if len(whole) > 2 or (len(whole) == 2 and whole[0] == "0"):
        return [_SMALL[int(digit)] for digit in whole]
    number = int(whole)
    if number < 20:
        return [_SMALL[number]]
    return [_TENS[number // 10], *([_SMALL[number % 10]] if number % 10 else [])]


@dataclass(frozen=True, slots=True)
class Errors:
    """Words that were wrong, among so many that were said."""

    wrong: int
    said: int

    @property
    def rate(self) -> float | None:
        return self.wrong / self.said if self.said else None


def errors(said: str, heard: str) -> Errors:
    reference = normalised(said)
    return Errors(distance(reference, normalised(heard)), len(reference))


def total(counted: Iterable[Errors]) -> Errors:
    listed = list(counted)
    return Errors(sum(one.wrong for one in listed), sum(one.said for one in listed))


def distance(left: Sequence[str], right: Sequence[str]) -> int:
    """Words put in, left out or exchanged, at the fewest."""
    row = list(range(len(right) + 1))
    for index, word in enumerate(left, 1):
        previous, row[0] = row[0], index
        for column, other in enumerate(right, 1):
            previous, row[column] = row[column], min(row[column] + 1, row[column - 1] + 1, previous + (word != other))
    return row[-1]
