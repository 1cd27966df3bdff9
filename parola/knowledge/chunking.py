"""Cuts a document into the pieces that are found and shown to the model one by one.

A piece is a few sentences of one section, under the headings it stands under, and begins with the last words of the one
before it: what belongs together is then found by either.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

TOKENS: Final = 200
"""Of one piece, about; without its headings."""

OVERLAP_TOKENS: Final = 40

LONGEST_WORD: Final = 200
"""Characters; what is longer (encoded data, mostly) is cut."""

LONGEST_HEADINGS: Final = 300
"""Characters of all headings above a piece."""

_HEADING = re.compile(r"(#{1,6})\s+(.+)")
_PARAGRAPHS = re.compile(r"\n\s*\n")
_BREAK = re.compile(r"(?<=[.!?…])[ \t]+|(?<=[。！？])(?=\S)|\n")
_TOKEN = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|\w+|[^\w\s]")


def token_count(text: str) -> int:
    """How many tokens a model makes of this, about: a word is one or two, a letter of a script without spaces one."""
    return sum(1 + (match.end() - match.start()) // 8 for match in _TOKEN.finditer(text))


@dataclass(frozen=True, slots=True)
class _Sentence:
    text: str
    before: str
    """What joins it to the one before: nothing, a space, the end of a line or of a paragraph."""
    tokens: int


def chunked(text: str) -> list[str]:
    """The pieces of a text in Markdown, in order. A text without words has none."""
    pieces: list[str] = []
    headings: dict[int, str] = {}
    waiting: list[_Sentence] = []
    level_unsaid = 0
    """Of a heading that nothing has been said under yet."""

    def finish() -> None:
        nonlocal level_unsaid
        if waiting:
            pieces.extend(_filled(_above(headings), waiting))
            waiting.clear()
            level_unsaid = 0

    for paragraph in _PARAGRAPHS.split(text):
        for part, heading in _parts(paragraph.strip()):
            if heading is not None:
                finish()
                level, title = heading
                if level_unsaid >= level:
                    pieces.append(_above(headings))
                headings = {above: said for above, said in headings.items() if above < level} | {level: title}
                level_unsaid = level
            else:
                waiting.extend(_sentences(part))
    finish()
    if level_unsaid:
        pieces.append(_above(headings))
    return [piece for piece in pieces if any(character.isalnum() for character in piece)]


def _parts(paragraph: str) -> Iterator[tuple[str, tuple[int, str] | None]]:
    """A paragraph's headings (level and title), and the text between them."""
    lines: list[str] = []
    for line in paragraph.split("\n"):
        heading = _HEADING.fullmatch(line.strip())
        if heading is None:
            lines.append(line)
            continue
        if lines:
            yield "\n".join(lines), None
            lines = []
        yield "", (len(heading[1]), heading[2].strip())
    if lines:
        yield "\n".join(lines), None


def _above(headings: dict[int, str]) -> str:
    return " > ".join(said for _, said in sorted(headings.items()))[:LONGEST_HEADINGS]


def _sentences(text: str) -> Iterator[_Sentence]:
    """Sentences and lines, none of more than ``TOKENS``."""
    before, start = "\n\n", 0
    for end, following, next_before in _spans(text):
        for said in _cut(text[start:end].strip()):
            yield _Sentence(said, before, token_count(said))
            before = " "
        before, start = next_before, following


def _spans(text: str) -> Iterator[tuple[int, int, str]]:
    """Where a sentence ends, where the next begins, and what is between."""
    for match in _BREAK.finditer(text):
        yield match.start(), match.end(), "\n" if match[0] == "\n" else " " if match[0] else ""
    yield len(text), len(text), ""


def _cut(sentence: str) -> Iterator[str]:
    if token_count(sentence) <= TOKENS:
        if sentence:
            yield sentence
        return
    words: list[str] = []
    tokens = 0
    for word in sentence.split():
        for start in range(0, len(word), LONGEST_WORD):
            part = word[start : start + LONGEST_WORD]
            cost = token_count(part)
            if words and tokens + cost > TOKENS:
                yield " ".join(words)
                words, tokens = [], 0
            words.append(part)
            tokens += cost
    if words:
        yield " ".join(words)


def _filled(above: str, sentences: list[_Sentence]) -> Iterator[str]:
    """Pieces of one section."""
    held: list[_Sentence] = []
    for sentence in sentences:
        if held and sum(one.tokens for one in held) + sentence.tokens > TOKENS:
            yield _joined(above, held)
            held = _tail(held, TOKENS - sentence.tokens)
        held.append(sentence)
    yield _joined(above, held)


def _tail(held: list[_Sentence], room: int) -> list[_Sentence]:
    """The last sentences that are said again, as far as they fit."""
    left = min(OVERLAP_TOKENS, room)
    kept: list[_Sentence] = []
    for sentence in reversed(held):
        left -= sentence.tokens
        if left < 0:
            break
        kept.insert(0, sentence)
    return kept


def _joined(above: str, held: list[_Sentence]) -> str:
    said = "".join(one.before + one.text for one in held).strip()
    return f"{above}\n\n{said}" if above else said
