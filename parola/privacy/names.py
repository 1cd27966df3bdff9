"""Names of people, as far as somebody says that they are names. There is no model of names here.

A name is learned where it is introduced ("my name is …", "ich heiße …", the answer to "who am I speaking to?"), where a
field is called after one (``user_name``, ``last_name``) and behind a title ("Mrs Byron"). What was learned is replaced
wherever it stands from then on, in whole or in part. A name that nobody introduces is not found.

Whoever is in doubt takes a word for a name: a word too many is missing in a record, one too few is in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

import orjson

MOST_NAMES = 100
"""Of one conversation."""

LONGEST_NAME = 100
"""Characters."""

LONGEST_ANSWER_WORDS, LONGEST_ANSWER = 6, 1000
"""Words, and characters, of what is said when somebody was asked for a name: more is a sentence."""

PIECE, MARGIN = 32_768, 2560
"""Characters of a long text that are looked through at a time, and what is looked at on both sides of them: more than
the longest detail. A search that finds nothing holds up all threads until it is through."""

MOST_FILLERS = 6
"""Between what introduces a name and the name: a text made of nothing else must not be read again from each of them."""

_CUES = re.compile(
    r"(?<!\w)(?:"
    r"(?:my|the|his|her)\s+(?:(?:full|first|last|given|family|middle|maiden|real|legal)\s+)?(?:name|surname)"
    r"(?:\s+is|['’]s)|name['’]s|i\s+am\s+called|i['’]m\s+called"
    r"|ich\s+hei(?:ß|ss)e|(?:mein|der)\s+(?:(?:voller|ganzer)\s+)?(?:vor|nach|familien|haus)?name\s+(?:ist|lautet)"
    r"|je\s+m['’]appelle|mon\s+(?:pr[ée])?nom(?:\s+de\s+famille)?\s+(?:est|c['’]est)"
    r"|me\s+llamo|mi\s+(?:nombre|apellido)(?:\s+completo)?\s+es"
    r"|mi\s+chiamo|il\s+mio\s+(?:nome|cognome)\s+[èe]['’]?"
    r"|me\s+chamo|chamo-me|(?:o\s+)?meu\s+(?:nome|apelido|sobrenome)(?:\s+completo)?\s+[ée]"
    r"|ik\s+heet|mijn\s+(?:voor|achter)?naam\s+is"
    r"|nazywam\s+si[ęe]|mam\s+na\s+imi[ęe]"
    r"|jag\s+heter|jeg\s+hed?der|jeg\s+heter|mi(?:tt|t)\s+na(?:mn|vn)\s+[äe]r"
    r"|jmenuj[iu]\s+se|m[ăa]\s+numesc|benim\s+ad[ıi]m|ad[ıi]m|меня\s+зовут|мене\s+звати"
    r"|name\s*:"
    r")(?!\w)[\s:,]*",
    re.IGNORECASE,
)
"""Words behind which a name comes, however it is written."""

_GREETING = (
    r"hi|hello|hey|yes|yeah|good\s+(?:morning|afternoon|evening)|hallo|guten\s+(?:tag|morgen|abend)|ja|grüezi|servus"
    r"|bonjour|bonsoir|salut|oui|hola|buen[oa]s\s+\w+|sí|ciao|buongiorno|olá|bom\s+dia|dzień\s+dobry|hej"
)
_HERE_IS = re.compile(
    rf"(?:^|[.!?,;:–-]\s*|(?<!\w)(?:{_GREETING})\s+)"
    r"(?P<cue>i['’]m|i\s+am|this\s+is|it['’]s|hier\s+(?:ist|spricht)|hier|ich\s+bin(?:\s+(?:der|die))?|je\s+suis|ici"
    r"|c['’]est|soy|le\s+habla|habla|sono|parla|sou\s+[oa]|aqui\s+é|ik\s+ben|dit\s+is|u\s+spreekt\s+met|met"
    r"|z\s+tej\s+strony|mówi|jestem)\s+",
    re.IGNORECASE,
)
"""Words behind which a name may come: it must look like one, and stand where one stands."""

_FOLLOWS_NAME = re.compile(
    r"\s*(?:$|[.!?;,]|(?:from|calling|speaking|here|with|at|and|aus|von|vom|und|am\s+apparat|de|du|et|y|e|della"
    r"|dalla|da|do|van|uit|z|i)(?!\w))",
    re.IGNORECASE,
)
_SPEAKING = re.compile(
    r"(?:speaking|calling|here|is\s+my\s+name|am\s+apparat|à\s+l['’]appareil|al\s+(?:habla|aparato|teléfono)"
    r"|all['’]apparecchio)(?!\w)",
    re.IGNORECASE,
)
"""Behind a name with which something begins: "Ada Byron speaking"."""

_TITLE = re.compile(
    r"(?<!\w)(?:Mr|Mrs|Ms|Miss|Mister|Dr|Prof|Herrn?|Frau|Fräulein|Mme|Madame|Monsieur|Mlle|Señora?|Sra?|Signora?"
    r"|Senhora?|Dona|Doña|Mevrouw|Meneer|Pani)\.?\s+"
)
_ASKS = re.compile(
    r"(?<!\w)(?:your\s+(?:\w+\s+){0,2}(?:name|surname)|who\s+am\s+i\s+(?:speaking|talking)|who['’]s\s+(?:calling|speaking)"
    r"|(?:ihr|dein)(?:e|en)?\s+(?:\w+\s+){0,2}\w{0,12}namen?|wie\s+hei(?:ß|ss)|mit\s+wem\s+spreche"
    r"|votre\s+(?:pr[ée])?nom|comment\s+(?:vous|tu)\s+|(?:su|tu)\s+(?:nombre|apellido)|c[óo]mo\s+(?:se|te)\s+llam"
    r"|con\s+qui[ée]n\s+hablo|(?:suo|tuo)\s+(?:nome|cognome)|come\s+(?:si|ti)\s+chiam|(?:seu|teu)\s+(?:nome|sobrenome)"
    r"|(?:uw|je)\s+(?:voor|achter)?naam|hoe\s+heet|(?:nazywa|imię|nazwisko)|(?:ditt|din)\s+namn|dit\s+navn|adınız)",
    re.IGNORECASE,
)
"""In what the agent said before: the user is asked for a name."""

_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_LETTERS = re.compile(r"(?<!\w)[^\W\d_](?:[ .-]{1,2}[^\W\d_](?!\w))+")
_SPELLED = re.compile(rf"[\s,;:.–-]{{1,3}}(?:(?:spelled|spelt|that['’]s|also)\s+)?(?P<letters>{_LETTERS.pattern})")
_AFTER_FILLER = re.compile(r"[ ,.]{1,3}")
_GAP = re.compile(r"(?: |(?<=\b[^\W\d_])\. ?)")

_FILLERS = frozenset(
    "uh um uhm er well so ah äh ähm also eh euh ehm yes yeah sure okay ok ja oui sí si it's its it is".split()
)
_PARTICLES = frozenset("van von der den de la le del della di da do dos du bin al el ten ter zu zum zur st".split())
_NOT_NAMES = frozenset(
    """a an and are as at back be but by can correct difficult different do easy for from good hard has have hello hi
    how i i'm if in is it i'd i've important just long later me my name need no not now of ok on or our please
    pronounced same sorry spelled spelt thank thanks that the there this to under unusual wanna want was we what when
    where who why will with wrong would yes you your
    aber als am an auf aus bei das dass den der die ein eine er es für habe haben hallo hier ich ihr im in ist ja kann
    mein meine mit möchte nein nicht nummer oder schwierig sie und von wegen wie wir zu
    avec bonjour c'est ce dans de des est et il je j'ai la le les mais merci non oui pas pour que qui suis un une
    voudrais
    con de el en es esto la las lo los no para pero por que quiero sí soy un una y yo
    che chi di e ho il in io la mi non per sono sì un una vorrei
    com do e em eu não o os para que sim um uma
    dat de een en het ik is met niet van voor wil
    i jest mam na nie się to w z że""".split()
)
_NO_PERSON = re.compile(
    r"(?:American|German|French|Italian|Dutch|Swiss|Austrian|Canadian|Indian|\w+(?:ese|ish)"
    r"|(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day|January|February|March|June|July|August|September|October|November"
    r"|December|Christmas|Easter)(?!\w)"
)
"""Written large, and no names of people."""

_CALLED = re.compile(
    r"(?:我叫|我的名字是|我的名字叫)([\u4e00-\u9fff·]{2,4})(?=[，。,.！!？?\s]|$)"
    r"|(?:^|[、。\s]|は)([\u30a0-\u30ff\u4e00-\u9fff]{2,8})(?:と申します|といいます|と言います)"
    r"|이름은\s*([가-힣]{2,4}?)(?:이에요|예요|입니다|이라고|라고)"
)
"""The same in scripts that do not part words."""

_TELLING_KEY = re.compile(
    r"(?:(?:^|[_-])(?:first|last|full|given|family|middle|sur|nick|maiden|user|customer|caller|client|patient|guest"
    r"|contact|person|member|holder)[_-]?names?$)|^(?:surname|vorname|nachname|kundenname|apellidos?|prenom|cognome)$",
    re.IGNORECASE,
)
_VARIABLE_KEY = re.compile(rf"^name$|{_TELLING_KEY.pattern}", re.IGNORECASE)


class KnownNames:
    """The names of one conversation. Kept in memory only: a list of names is what must not be stored."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self.names: tuple[str, ...] = ()
        """As they were first said, in order."""
        self._asked_by: int | None = None
        """The newest turn of the agent, if it asked for a name."""
        self._newest_agent_turn = -1
        self.add(names)

    def add(self, names: Iterable[str]) -> None:
        known = {name.casefold() for name in self.names}
        for name in names:
            clean = " ".join(name.split()).strip(" .,;:!?")
            is_name = any(character.isalpha() for character in clean) and 2 <= len(clean) <= LONGEST_NAME
            if is_name and clean.casefold() not in known and len(self.names) < MOST_NAMES:
                known.add(clean.casefold())
                self.names += (clean,)

    def began_with(self, client_data: Mapping[str, Any]) -> None:
        """A conversation's start data: variables that are called after a name, and those that introduce somebody."""
        variables = client_data.get("dynamic_variables")
        if isinstance(variables, Mapping):
            for key, value in variables.items():
                if isinstance(value, str):
                    self.add([value] if _VARIABLE_KEY.search(key) and _is_text(value) else introduced(value))

    def heard(self, turns: Mapping[int, Mapping[str, Any]]) -> None:
        """Turns by their number, as they were said."""
        for number, turn in sorted(turns.items()):
            message = turn.get("message")
            said = message if isinstance(message, str) else ""
            if turn.get("role") == "user":
                is_asked = self._asked_by is not None and number > self._asked_by
                self.add(introduced(said, is_asked=is_asked))
            elif said and number >= self._newest_agent_turn:
                self._newest_agent_turn = number
                self._asked_by = number if _ASKS.search(said) else None
            for call in turn.get("tool_calls") or ():
                self.add(_in_fields(call.get("params_as_json")))
            for result in turn.get("tool_results") or ():
                self.add(_in_fields(result.get("result_value")))


def in_pieces(text: str) -> Iterator[tuple[int, str, int, int]]:
    """A text in pieces: where each begins, the piece with its margins, and which part of it is its own, from and until;
    a short text is one."""
    if len(text) <= PIECE + MARGIN:
        yield 0, text, 0, len(text)
        return
    for own in range(0, len(text), PIECE):
        start = max(0, own - MARGIN)
        piece = text[start : own + PIECE + MARGIN]
        yield start, piece, own - start, min(own - start + PIECE, len(piece))


def introduced(text: str, *, is_asked: bool = False) -> Iterator[str]:
    """The names with which somebody introduces a person in a text. ``is_asked``: it answers the question for one."""
    for _, piece, first, last in in_pieces(text):
        yield from _introduced_in(piece, first, last)
    for name in _names_at(text, len(text) - len(text.lstrip()), is_sure=False):
        if _SPEAKING.match(text[: LONGEST_NAME * 2].partition(name)[2].lstrip(" ")):
            yield name
    if is_asked and len(text) <= LONGEST_ANSWER and len(_WORD.findall(text)) <= LONGEST_ANSWER_WORDS:
        yield from _names_at(text, 0, is_sure=True)


def _introduced_in(text: str, first: int, last: int) -> Iterator[str]:
    """The same of what stands in a part of a text."""
    for cue in _CUES.finditer(text):
        if first <= cue.start() < last:
            yield from _names_at(text, cue.end(), is_sure=True)
    for cue in _HERE_IS.finditer(text):
        if not first <= cue.start() < last:
            continue
        for name in _names_at(text, cue.end(), is_sure=False):
            has_more_words = " " in name
            behind = text[cue.end() : cue.end() + LONGEST_NAME * 2].partition(name)[2]
            if _NO_PERSON.match(name):
                continue
            # In German whatever one may be is written large.
            must_have_two = cue["cue"].lower() == "ich bin"
            is_name = bool(_FOLLOWS_NAME.match(behind))
            if (is_name and has_more_words) if must_have_two else (is_name or has_more_words):
                yield name
    for called in _CALLED.finditer(text):
        if first <= called.start() < last:
            yield next(filter(None, called.groups()))


def named(text: str, names: tuple[str, ...]) -> Iterator[tuple[int, int]]:
    """Where in a text names stand: those that are known, whole or in part, and those behind a title."""
    for title in _TITLE.finditer(text):
        for name in _names_at(text, title.end(), is_sure=False):
            start = text.index(name, title.end())
            yield start, start + len(name)
    if names:
        whole, parts, parts_lower = _patterns(names)
        for match in whole.finditer(text):
            yield match.span()
        for pattern in (parts, *([parts_lower] if text == text.lower() else [])):
            if pattern is not None:
                for match in pattern.finditer(text):
                    yield match.span()


def _names_at(text: str, at: int, *, is_sure: bool) -> Iterator[str]:
    """The name that begins there, if one does, and how it is spelled, if that follows."""
    words: list[re.Match[str]] = []
    place, fillers = at, 0
    while (word := _WORD.match(text, place)) is not None:
        if words or word[0].lower() not in _FILLERS:
            words.append(word)
        elif (fillers := fillers + 1) > MOST_FILLERS:
            return
        place = word.end()
        gap = _GAP.match(text, place) if words else _AFTER_FILLER.match(text, place)
        if gap is None or len(words) > 6:
            break
        place = gap.end()
    if not words:
        return
    if letters := _LETTERS.match(text, words[0].start()):
        yield letters[0]
        return
    kept: list[re.Match[str]] = []
    is_written_large = next((word[0][0].isupper() for word in words if word[0] not in _PARTICLES), False)
    for word in words:
        plain = word[0].lower()
        if word[0] not in _PARTICLES and (plain in _NOT_NAMES or word[0][:1].isupper() != is_written_large):
            break
        kept.append(word)
    while kept and kept[-1][0] in _PARTICLES:
        kept.pop()
    if not kept or len(kept) > 5 or not (is_written_large or is_sure):
        return
    if not is_written_large:
        kept = kept[:2]  # whoever writes nothing large does not say where a name ends
    yield text[kept[0].start() : kept[-1].end()]
    if spelled := _SPELLED.match(text, kept[-1].end()):
        yield spelled["letters"]


def _in_fields(told: Any) -> Iterator[str]:
    """Values of fields that are called after a name, in the JSON that tools are given and give."""
    if isinstance(told, str):
        if told[:1] not in ("{", "["):
            return
        try:
            told = orjson.loads(told)
        except orjson.JSONDecodeError:
            return
    if isinstance(told, dict):
        for key, value in told.items():
            if _is_text(value) and _TELLING_KEY.search(key):
                yield value
            else:
                yield from _in_fields(value) if isinstance(value, dict | list) else ()
    elif isinstance(told, list):
        for one in told:
            yield from _in_fields(one) if isinstance(one, dict | list) else ()


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and 2 <= len(value) <= LONGEST_NAME


@lru_cache(maxsize=256)
def _patterns(names: tuple[str, ...]) -> tuple[re.Pattern[str], re.Pattern[str] | None, re.Pattern[str] | None]:
    """For names as wholes, however they are written; for their parts, written large; for those in a text in which
    nothing is."""
    wholes, parts = [], set()
    for name in sorted(names, key=len, reverse=True):
        pieces = [re.escape(piece) for piece in re.split(r"[\s.-]+", name) if piece]
        has_spaces = bool(re.search(r"[A-Za-zÀ-ɏͰ-ӿ]", name))  # scripts that part words
        edges = (r"(?<!\w)", r"(?!\w)") if has_spaces else ("", "")
        if len(pieces) > 1 or not has_spaces:
            wholes.append(edges[0] + r"[\s.,-]{1,2}".join(pieces) + edges[1])
        words = [piece for piece in re.split(r"[\s.-]+", name) if len(piece) > 2 or len(pieces) == 1]
        parts |= {word for word in words if word.lower() not in _PARTICLES}
    large = {form for part in parts for form in (part, part.capitalize(), part.upper()) if form[:1].isupper()}
    small = {part.lower() for part in parts if part.lower() not in _NOT_NAMES}
    return re.compile("|".join(wholes) or r"(?!)", re.IGNORECASE), _any_of(large), _any_of(small)


def _any_of(words: set[str]) -> re.Pattern[str] | None:
    listed = "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
    return re.compile(rf"(?<!\w)(?:{listed})(?!\w)") if words else None
