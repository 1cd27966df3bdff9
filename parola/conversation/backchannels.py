"""Words that show the user is listening, and do not ask for the floor: "mhm", "right", "I see".

An agent's ``interruption_ignore_terms`` are exact, case-insensitive phrases (reference: rest-schemas.md, ``turn``);
``merge_with_default_ignore_terms`` adds the lists below.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

LETTER = r"(?:[^\W_]|[\u0300-\u036f\u064b-\u065f\u0900-\u0963\u0970-\u0de5\u0e31\u0e34-\u0e3a\u0e47-\u0e4e])"
"""A letter or digit, or the sign of a vowel or tone that is written around one."""

_WORD = re.compile(rf"{LETTER}+(?:['’-]{LETTER}+)*")
_UNSPACED = re.compile(r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]")
"""Thai, Japanese and Chinese have no spaces between words."""

UNSPACED_LETTERS = 2
"""A word there has about so many letters."""

_HUM = re.compile(r"(?:m+h*a*|[aeu]+h+[aeu]*|h+[aeum]*)(?:[ '’-]?(?:m+h*a*|[aeu]*h+[aeu]*|h*m+))*")
"""What is said with the mouth closed, or with breath alone. Recognisers know words and write "Mm-hmm" as "Mama" and
"Uh-huh" as "Eh-ha"."""

_NO_HUMS = frozenset({"ma", "he", "ham", "hum", "hue", "hem"})

DEFAULT_TERMS: dict[str, tuple[str, ...]] = {
    "en": (
        "mhm", "mm-hmm", "mm hmm", "mmhmm", "mm", "mmm", "hmm", "hm", "uh-huh", "uh huh", "aha", "ah", "oh", "yeah",
        "yep", "yes", "right", "okay", "ok", "i see", "sure", "got it", "alright", "all right", "cool", "great",
        "good", "nice", "wow", "really", "true", "exactly", "of course", "makes sense", "um", "uh", "huh",
    ),
    "de": ("mhm", "hm", "hmm", "aha", "ja", "genau", "okay", "ok", "gut", "klar", "ach so", "stimmt", "richtig",
           "alles klar", "verstehe", "super", "äh", "ähm"),
    "fr": ("mhm", "hm", "hmm", "oui", "ouais", "d'accord", "ok", "okay", "je vois", "bien", "très bien", "ah",
           "ah bon", "voilà", "c'est ça", "euh"),
    "es": ("mhm", "hm", "ajá", "sí", "claro", "vale", "ok", "okay", "ya", "bueno", "bien", "entiendo", "exacto", "eh"),
    "it": ("mhm", "hm", "sì", "certo", "ok", "okay", "va bene", "capisco", "esatto", "giusto", "bene", "eh"),
    "pt": ("mhm", "hm", "sim", "certo", "ok", "okay", "tá", "claro", "entendi", "isso", "bom", "é"),
    "nl": ("mhm", "hm", "ja", "oké", "ok", "okay", "precies", "goed", "juist", "klopt", "duidelijk", "eh"),
    "pl": ("mhm", "hm", "tak", "no", "dobrze", "okej", "ok", "rozumiem", "jasne", "właśnie"),
    "hi": ("हाँ", "हां", "जी", "अच्छा", "ठीक है", "ओके", "हम्म"),
    "ja": ("はい", "うん", "ええ", "そう", "そうですね", "なるほど"),
}  # fmt: skip


def words(text: str) -> tuple[str, ...]:
    """The words of a text as they are compared: lower case, without punctuation."""
    return tuple(word.lower().replace("’", "'") for word in _WORD.findall(text))


def count_words(text: str) -> int:
    """About how many words a text has; where there are no spaces between them, by its length."""
    return sum(max(1, len(_UNSPACED.findall(word)) // UNSPACED_LETTERS) for word in words(text))


def is_hum(text: str) -> bool:
    """The text is the sound of somebody listening, however it was written; as a question ("Huh?") it is none."""
    heard = " ".join(words(text))
    return "?" not in text and heard not in _NO_HUMS and _HUM.fullmatch(heard) is not None


def default_terms(languages: Iterable[str]) -> tuple[str, ...]:
    """The usual terms of these languages (two-letter codes); of an unknown one, none."""
    found = [term for language in languages for term in DEFAULT_TERMS.get(language[:2].lower(), ())]
    return tuple(dict.fromkeys(found))


@dataclass(frozen=True, slots=True)
class IgnoreTerms:
    """Phrases that do not interrupt."""

    terms: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(_phrases(self.terms))

    def covers(self, text: str) -> bool:
        """The text is one of the phrases, or several of them in a row: "yeah, right"."""
        phrases, rest = _phrases(self.terms), words(text)
        longest = max(map(len, phrases), default=0)
        if not rest:
            return False
        while rest:
            for length in range(min(longest, len(rest)), 0, -1):
                if rest[:length] in phrases:
                    rest = rest[length:]
                    break
            else:
                return False
        return True


@lru_cache(maxsize=256)
def _phrases(terms: tuple[str, ...]) -> frozenset[tuple[str, ...]]:
    return frozenset(phrase for term in terms if (phrase := words(term)))
