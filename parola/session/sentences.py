"""Cutting a stream of text into sentences, so that the first can be spoken while the rest is still being written.

A sentence ends at ``.``, ``!``, ``?`` or ``…`` (and their wide forms) followed by white space, or at a line break; not
after an abbreviation, an initial or a number in a list. Nothing is lost: the pieces, joined, are the text.
"""

from __future__ import annotations

import re

_END = re.compile(r"""[.!?…]+["'”’)\]]*(?=\s)|[。！？]|\n""")

_ABBREVIATIONS = frozenset(
    "mr mrs ms dr prof sr jr st nr vs etc approx dept inc ltd co corp sgt capt lt hon "
    "jan feb apr jun jul aug sep sept oct nov dec tue wed thu fri e.g i.e a.m p.m z.b d.h bzw".split()
)

LONGEST = 400
"""A run of text this long is cut at the next white space: nobody should wait for a full stop that never comes."""


class SentenceSplitter:
    """Feed it text; it gives back what can be spoken."""

    __slots__ = ("_text",)

    def __init__(self) -> None:
        self._text = ""

    def add(self, text: str) -> list[str]:
        """The sentences that are complete now, white space included."""
        self._text += text
        sentences: list[str] = []
        start = 0
        for match in _END.finditer(self._text):
            end = match.end()
            if match[0] != "\n" and not _ends_sentence(self._text, start, match.start(), match[0]):
                continue
            while end < len(self._text) and self._text[end].isspace():
                end += 1
            if end <= start or not self._text[start:end].strip():
                continue
            sentences.append(self._text[start:end])
            start = end
        rest = self._text[start:]
        while len(rest) > LONGEST and (cut := _white_space_near(rest, LONGEST)):
            sentences.append(rest[:cut])
            rest = rest[cut:]
        self._text = rest
        return sentences

    def flush(self) -> list[str]:
        """What is left when no more text will come."""
        rest, self._text = self._text, ""
        return [rest] if rest.strip() else []


def _ends_sentence(text: str, start: int, stop: int, mark: str) -> bool:
    if not mark.startswith(".") or len(mark.rstrip("\"'”’)]")) > 1:
        return True
    before = text[start:stop].split()
    if not before:
        return False
    word = before[-1].lstrip("(\"'“‘").lower()
    if word in _ABBREVIATIONS:
        return False
    if len(word) == 1 and word.isalpha():
        return word == "i"  # an initial, as in "J. Smith"
    return not (word.isdigit() and len(before) == 1)  # "1." begins a list


def _white_space_near(text: str, limit: int) -> int:
    cut = max(text.rfind(", ", 0, limit), text.rfind("; ", 0, limit))
    if cut > limit // 2:
        return cut + 2
    cut = text.rfind(" ", 0, limit)
    return cut + 1
