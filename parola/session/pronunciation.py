"""Pronunciation dictionaries at work: aliases take the place of words, phonemes are handed to voices that read them.

The rules of all dictionaries of an agent are tried in order, the first that fits a place wins, and what it put there is
not looked at again. A word is matched as it is written and whole, unless its rule says otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from parola.session.spoken_text import SpokenText


@dataclass(frozen=True, slots=True)
class Rule:
    written: str
    alias: str | None = None
    """What is said instead."""
    ipa: str | None = None
    """How it is said, when there is no alias."""
    is_case_sensitive: bool = True
    is_word: bool = True
    """It is not part of a longer word."""

    @property
    def pattern(self) -> str:
        body = re.escape(self.written)
        if not self.is_case_sensitive:
            body = f"(?i:{body})"
        if self.is_word and self.written[0].isalnum():
            body = r"(?<!\w)" + body
        if self.is_word and self.written[-1].isalnum():
            body += r"(?!\w)"
        return body


def rules(documents: Iterable[Iterable[Mapping[str, Any]]]) -> tuple[Rule, ...]:
    """The rules of dictionaries (protocol/pronunciation.py), those of the first first."""
    return tuple(rule for document in documents for raw in document if (rule := _rule(raw)))


def _rule(raw: Mapping[str, Any]) -> Rule | None:
    written = str(raw.get("string_to_replace") or "").strip()
    alias, phoneme = raw.get("alias"), raw.get("phoneme")
    if not written or (alias is None and not phoneme):
        return None
    ipa = None
    if alias is None:
        is_arpabet = "arpabet" in str(raw.get("alphabet") or "").lower()
        ipa = ipa_of_arpabet(str(phoneme)) if is_arpabet else str(phoneme).strip("/[] ")
    return Rule(
        written,
        None if alias is None else str(alias),
        ipa,
        raw.get("case_sensitive") is not False,
        raw.get("word_boundaries") is not False,
    )


def pronounced(spoken: SpokenText, rules: Sequence[Rule], *, with_phonemes: bool) -> tuple[SpokenText, dict[str, str]]:
    """The text with aliases in it, and how some of its words are said, in IPA: for voices that can read that."""
    if not rules:
        return spoken, {}
    folded = spoken.text.casefold()
    fitting = [
        rule
        for rule in rules
        if rule.written.casefold() in folded and (rule.alias is not None or (rule.ipa and with_phonemes))
    ]
    if not fitting:
        return spoken, {}
    phonemes: dict[str, str] = {}

    def said(match: re.Match[str]) -> Sequence[int | str]:
        rule = fitting[(match.lastindex or 1) - 1]
        if rule.alias is not None:
            return (rule.alias,)
        phonemes[match[0]] = rule.ipa or ""
        return (match.lastindex or 1,)

    pattern = re.compile("|".join(f"({rule.pattern})" for rule in fitting))
    return spoken.rewritten(pattern, said), phonemes


# -- alphabets --------------------------------------------------------------------------------------------------------

_ARPABET = dict(
    pair.split("=")
    for pair in (
        "AA=ɑ AE=æ AH=ʌ AO=ɔ AW=aʊ AX=ə AXR=ɚ AY=aɪ EH=ɛ ER=ɝ EY=eɪ IH=ɪ IX=ɨ IY=i OW=oʊ OY=ɔɪ UH=ʊ UW=u UX=ʉ "
        "B=b CH=tʃ D=d DH=ð DX=ɾ EL=əl EM=əm EN=ən F=f G=ɡ HH=h H=h JH=dʒ K=k L=l M=m N=n NG=ŋ P=p Q=ʔ R=ɹ S=s "
        "SH=ʃ T=t TH=θ V=v W=w WH=ʍ Y=j Z=z ZH=ʒ"
    ).split()
)
_STRESS = {"0": "", "1": "ˈ", "2": "ˌ"}


def ipa_of_arpabet(phonemes: str) -> str:
    """CMU's "M AE1 D IH0 S AH0 N" in IPA; the mark of a stress stands before its vowel. Unknown ones are left out."""
    ipa = ""
    for phoneme in phonemes.upper().split():
        sound = _ARPABET.get(phoneme.rstrip("012"), "")
        if sound == "ʌ" and phoneme.endswith("0"):
            sound = "ə"
        ipa += _STRESS.get(phoneme[-1], "") + sound
    return ipa
