"""Which texts hold the words of a question: what meaning alone is bad at, such as names and part numbers."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]

SATURATION = 1.2
"""How soon more of the same word makes no difference (``k1`` of BM25)."""
LENGTH_SHARE = 0.75
"""How much a long text's words count less (``b`` of BM25)."""
CODE_WEIGHT = 2.0
"""What has a digit in it is worth this many words."""

_TERM = re.compile(r"\w+(?:[-./_]\w+)*")
_PART = re.compile(r"[-./_]")

COMMON = frozenset(
    "a about after all also am an and any are as at be been but by can could did do does for from get give had has "
    "have he her his how i if in into is it its just like me more my no not of on one or our out please she so some "
    "tell than thank thanks that the their them then there these they this to up us was we were what when where "
    "which who why will with would yes you your".split()
)
"""English words that no question is about."""


def terms(text: str) -> Counter[str]:
    """The words of a text in lower case, and how often each is there; of what is joined by a hyphen, a dot, a slash or
    an underline also the parts."""
    found = Counter(_TERM.findall(text.casefold()))
    for term in [term for term in found if not term.isalnum()]:
        for part in _PART.split(term):
            if part and part != term:
                found[part] += found[term]
    for term in COMMON & found.keys():
        del found[term]
    return found


class Keywords:
    """BM25 over texts that do not change."""

    def __init__(self, texts: Sequence[str]) -> None:
        """Reads every text once: some three seconds for ten thousand of 200 words. Call it in a thread."""
        rows: dict[str, list[int]] = {}
        counts: dict[str, list[int]] = {}
        lengths = np.empty(len(texts), np.float32)
        for row, text in enumerate(texts):
            counted = terms(text)
            lengths[row] = counted.total()
            for term, count in counted.items():
                rows.setdefault(term, []).append(row)
                counts.setdefault(term, []).append(count)
        self._size = len(texts)
        mean = max(1.0, float(lengths.sum()) / max(1, len(texts)))
        self._norms: Float32 = SATURATION * (1 - LENGTH_SHARE + LENGTH_SHARE * lengths / np.float32(mean))
        self._found = {
            term: (np.array(where, np.int32), np.array(counts.pop(term), np.float32)) for term, where in rows.items()
        }

    def shares(self, question: str) -> Float32:
        """float32 [texts]: how much of what the question names each text holds, 0 to 1. Words that no text has do not
        count, those that few have count most."""
        scores = np.zeros(self._size, np.float32)
        total = 0.0
        for term in terms(question):
            found = self._found.get(term)
            if found is None:
                continue
            rows, counts = found
            weight = math.log(1 + (self._size - len(rows) + 0.5) / (len(rows) + 0.5))
            weight *= CODE_WEIGHT if any(character.isdigit() for character in term) else 1.0
            total += weight
            # Once in a text of middle length counts in full; more often counts no more, and in a long text less.
            there = counts * np.float32(1 + SATURATION) / (counts + self._norms[rows])
            scores[rows] += np.float32(weight) * np.minimum(there, np.float32(1))
        if total:
            scores /= np.float32(total)
        return scores
