"""Cutting a stream of text into sentences, so that the first can be spoken while the rest is still being written.

A sentence ends at ``.``, ``!``, ``?`` or ``…`` followed by white space, at the marks of scripts that put none there
(``。``, ``।``), or at a line break; not after an abbreviation, an initial or a number: what these are depends on the
language. Where only the next character can tell ("Well… maybe", "No. 5"), it is waited for. The first piece of a reply
may end at a clause already. Nothing is lost: the pieces, joined, are the text.
"""

from __future__ import annotations

import re

_CLOSERS = "\"'”’»›)\\]*_"
_END = re.compile(rf"[.!?…؟]+[{_CLOSERS}]*(?=[\s¿¡])|[。！？｡।॥]+[」』”’）】]*|\n")
_CLAUSE = re.compile(r"[,;:—–](?=\s)|[，、；：]")

LONGEST = 400
"""A run of text this long is cut at the next white space: nobody should wait for a full stop that never comes."""

CLAUSE_WORDS = 8
CLAUSE_CHARACTERS = 60
CLAUSE_WIDE_CHARACTERS = 15
"""A first clause with so many words, so many characters, or so many of a script without spaces, is worth speaking."""

_ABBREVIATIONS = {
    "": "mr mrs ms dr prof sr jr st vs etc co corp inc ltd jan feb apr jun jul aug sep sept oct nov dec ca tel max min",
    "en": "messrs approx dept sgt capt lt col gen hon rev gov sen rep ave blvd rd tue wed thu fri mt est cf al",
    "de": "bzw usw evtl ggf inkl exkl sog vgl zzgl abzgl bspw allg mind tägl str hr fr frl dipl ing geb gest mio mrd "
    "std usf okt dez mär mo di mi do sa so jh jhd st z.b d.h u.a i.d.r o.ä v.a u.u",
    "fr": "m mm mme mmes mlle mlles me pr av bd env éd janv févr avr juil déc ex min hab cie",
    "es": "sra srta sres ud uds vd dra dña d da avda av pza ej admón aprox núm pág ene abr ago dic lic ing depto",
    "it": "sig sigg sig.ra sig.na dott avv ing arch prof.ssa dott.ssa rag geom ecc gen mag giu lug ott dic spett egr "
    "gent p.es",
    "pt": "sra srta dra exmo exma av eng profa aprox fev abr mai ago set out dez séc depto p.ex",
    "nl": "dhr mevr mw drs ir mr bijv enz evt incl excl resp mrt mei okt jl a.u.b d.w.z m.b.t t.a.v",
    "pl": "np itp itd tzn tj ul al pl os inż mgr hab im św godz min zł gr tys mln mld wg pan ob ok lek",
}
"""Words that a full stop follows inside a sentence, by language; the first are everybody's."""

_BEFORE_NUMBERS = {
    "": "no nos nr fig vol p pp ch sec",
    "de": "abs art ziff kap s bd",
    "fr": "art chap n",
    "es": "núm art cap pág",
    "it": "art cap pag num n",
    "pt": "núm art cap pág n",
    "nl": "art blz hfst",
    "pl": "art ust poz str rozdz",
}
"""Words that are abbreviations when a number follows, and may be words of their own when none does."""

_ORDINALS = frozenset({"de", "pl", "cs", "da", "nb", "no", "fi", "hu", "sk", "sl", "hr"})
"""Languages that write "3." for "third"."""

_ROMAN = re.compile(r"[IVXLC]{2,}")
_DOTTED = re.compile(r"(?:[^\W\d_]\.)+[^\W\d_]")
_WIDE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


class SentenceSplitter:
    """Feed it text; it gives back what can be spoken."""

    __slots__ = ("_abbreviations", "_before_numbers", "_has_ordinals", "_opens_early", "_text")

    def __init__(self, language: str = "", *, opens_early: bool = False) -> None:
        """``opens_early``: the first piece may end at a comma, once enough has come before it to be worth speaking."""
        code = language[:2].lower()
        self._abbreviations = _words(_ABBREVIATIONS, code)
        self._before_numbers = _words(_BEFORE_NUMBERS, code)
        self._has_ordinals = code in _ORDINALS
        self._opens_early = opens_early
        self._text = ""

    @property
    def pending(self) -> str:
        """What has come and is no sentence yet."""
        return self._text

    def add(self, text: str) -> list[str]:
        """The sentences that are complete now, white space included."""
        self._text += text
        sentences: list[str] = []
        start = 0
        for match in _END.finditer(self._text):
            end = match.end()
            while end < len(self._text) and self._text[end].isspace():
                end += 1
            if match[0] != "\n":
                following = self._text[end : end + 1]
                is_end = self._ends(self._text[start : match.start()], match[0], following)
                if is_end is None:
                    break  # the next character will tell
                if not is_end:
                    continue
            if end <= start or not self._text[start:end].strip():
                continue
            sentences.append(self._text[start:end])
            start = end
        rest = self._text[start:]
        while len(rest) > LONGEST and (cut := _cut_near(rest, LONGEST)):
            sentences.append(rest[:cut])
            rest = rest[cut:]
        self._text = rest
        return self._opened(sentences)

    def flush(self) -> list[str]:
        """What is left when no more text will come."""
        rest, self._text = self._text, ""
        self._opens_early = False
        return [rest] if rest.strip() else []

    def _opened(self, sentences: list[str]) -> list[str]:
        """The pieces with the first one cut at a clause, if that is wanted and worth it."""
        if not self._opens_early:
            return sentences
        if sentences:
            self._opens_early = False
            cut = _first_clause(sentences[0])
            return [sentences[0][:cut], sentences[0][cut:], *sentences[1:]] if cut else sentences
        cut = _first_clause(self._text)
        if not cut:
            return []
        self._opens_early = False
        clause, self._text = self._text[:cut], self._text[cut:]
        return [clause]

    def _ends(self, before: str, mark: str, following: str) -> bool | None:
        """Whether a mark after ``before`` ends the sentence; None while nobody can know."""
        stops = mark.rstrip("\"'”’»›)]*_」』）】")
        if stops and stops[-1] in "。！？｡":
            # 「はい。」そうです。 The quotation mark that was opened may still close.
            is_quoted = mark == stops and any(before.count(a) > before.count(b) for a, b in ("「」", "『』", "“”"))
            return None if is_quoted and not following else True
        if mark != stops or "…" in stops or stops.count(".") > 1:
            # “No!” he said. Well… maybe.
            return not following.islower() if following else None
        if stops != ".":
            return True
        words = before.split()
        if not words:
            return False
        written = words[-1].lstrip("(\"'“‘„«¿¡[*_")
        word = written.lower()
        if word in self._abbreviations or _DOTTED.fullmatch(word):
            return False
        if word in self._before_numbers:
            return not following.isdigit() if following else None
        if len(word) == 1 and word.isalpha():
            return word == "i"  # an initial, as in "J. Smith"
        if word.isdigit():
            is_ordinal = self._has_ordinals and len(word) <= 2
            return not is_ordinal and len(words) > 1  # "1." begins a list
        return not (self._has_ordinals and _ROMAN.fullmatch(written))


def _words(by_language: dict[str, str], code: str) -> frozenset[str]:
    return frozenset(f"{by_language['']} {by_language.get(code, '')}".split())


def _first_clause(text: str) -> int:
    """Where the first clause that is worth speaking ends, white space included; 0 when there is none."""
    for match in _CLAUSE.finditer(text):
        head = text[: match.end()]
        if not _is_worth_it(head):
            continue
        if head.count("[") > head.count("]") or head.count("<") > head.count(">") or head.lstrip().startswith("|"):
            continue  # inside a link, a tag or a table
        cut = match.end()
        while cut < len(text) and text[cut].isspace():
            cut += 1
        if cut == len(text) or (_is_a_sentence(text[cut:]) and len(text[cut:].split()) < 3):
            continue  # nothing more has come, or hardly anything will
        return cut
    return 0


def _is_worth_it(clause: str) -> bool:
    if len(_WIDE.findall(clause)) >= CLAUSE_WIDE_CHARACTERS:
        return True
    return len(clause.split()) >= CLAUSE_WORDS or len(clause.strip()) >= CLAUSE_CHARACTERS


def _is_a_sentence(text: str) -> bool:
    return text != text.rstrip() and text.rstrip().endswith((".", "!", "?", "…"))


def _cut_near(text: str, limit: int) -> int:
    """Where to cut what is too long: behind a comma, between words, or in a script without spaces anywhere."""
    cut = max(text.rfind(mark, 0, limit) for mark in (", ", "; "))
    if cut > limit // 2:
        return cut + 2
    if len(_WIDE.findall(text, 0, limit)) > limit // 2:
        cut = max(text.rfind(mark, 0, limit) for mark in "，、；")
        return cut + 1 if cut > limit // 2 else limit
    return text.rfind(" ", 0, limit) + 1
