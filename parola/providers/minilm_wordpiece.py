"""Cutting text into the pieces that a BERT model reads: lower case without accents, words, then the longest pieces of
each word that the vocabulary has.

The rules are those of ``BertTokenizer`` with ``do_lower_case``; the vocabulary is its ``vocab.txt``, one piece a line,
whose number is its id. What follows the first piece of a word is spelled ``##piece``.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from pathlib import Path

LONGEST_WORD = 100
"""Characters; a longer word is unknown as a whole."""

_IDEOGRAPHS = (
    (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x2A6DF), (0x2A700, 0x2EBEF), (0x2F800, 0x2FA1F),
)  # fmt: skip
"""Chinese characters: each is a word of its own."""

_ASCII_PUNCTUATION = frozenset("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")


class WordPiece:
    """``pieces`` of texts, as numbers in one vocabulary."""

    def __init__(self, vocabulary: Mapping[str, int]) -> None:
        """Raises ``KeyError`` when one of the marks ``[CLS]``, ``[SEP]`` and ``[UNK]`` is not in it."""
        self._vocabulary = vocabulary
        self._first, self._last = vocabulary["[CLS]"], vocabulary["[SEP]"]
        self._unknown = vocabulary["[UNK]"]
        self._known: dict[str, tuple[int, ...]] = {}
        """Words that have been cut already."""

    @classmethod
    def read(cls, path: Path) -> WordPiece:
        """From a ``vocab.txt``."""
        lines = path.read_text(encoding="utf-8").splitlines()
        return cls({piece: number for number, piece in enumerate(lines)})

    def ids(self, text: str, most: int) -> list[int]:
        """The pieces of a text between its two marks, at most ``most`` numbers; what is beyond is dropped."""
        ids = [self._first]
        for word in words(text):
            ids += self._pieces(word)
            if len(ids) >= most:
                break
        return [*ids[: most - 1], self._last]

    def _pieces(self, word: str) -> tuple[int, ...]:
        known = self._known.get(word)
        if known is None:
            if len(self._known) >= KNOWN_WORDS:
                self._known.clear()
            known = self._known[word] = self._cut(word)
        return known

    def _cut(self, word: str) -> tuple[int, ...]:
        if len(word) > LONGEST_WORD:
            return (self._unknown,)
        pieces: list[int] = []
        begin = 0
        while begin < len(word):
            prefix = "##" if begin else ""
            ends = range(len(word), begin, -1)
            end = next((end for end in ends if prefix + word[begin:end] in self._vocabulary), None)
            if end is None:
                return (self._unknown,)
            pieces.append(self._vocabulary[prefix + word[begin:end]])
            begin = end
        return tuple(pieces)


KNOWN_WORDS = 20_000
"""So many words are remembered with their pieces."""


def words(text: str) -> Iterator[str]:
    """Words and marks of punctuation in order, in lower case and without accents."""
    word: list[str] = []
    for character in unicodedata.normalize("NFD", text.lower()):
        kind = unicodedata.category(character)
        if kind == "Mn" or character in "\0\ufffd" or (kind[0] == "C" and character not in "\t\n\r"):
            continue
        if character.isspace():
            if word:
                yield "".join(word)
                word = []
        elif kind[0] == "P" or character in _ASCII_PUNCTUATION or _is_ideograph(character):
            if word:
                yield "".join(word)
                word = []
            yield character
        else:
            word.append(character)
    if word:
        yield "".join(word)


def _is_ideograph(character: str) -> bool:
    point = ord(character)
    return point >= 0x3400 and any(low <= point <= high for low, high in _IDEOGRAPHS)
