"""What is said of a sentence that was written for eyes, and where in it each spoken character comes from.

Markdown, tags and emoji are not read aloud; a link is its text, an address is short; spaces are single. Nothing is
moved: the origins ascend, so that what was heard can be told in the words that were written.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

LONGEST_PATH = 24
"""A path no longer than this, and free of numbers, is read with its address."""

_SPOKEN_MARKS = {
    "en": ("dot", "slash", "at"),
    "de": ("Punkt", "Schrägstrich", "ät"),
    "fr": ("point", "barre oblique", "arobase"),
    "es": ("punto", "barra", "arroba"),
    "it": ("punto", "barra", "chiocciola"),
    "pt": ("ponto", "barra", "arroba"),
    "nl": ("punt", "schuine streep", "apenstaartje"),
    "pl": ("kropka", "ukośnik", "małpa"),
    "ja": ("ドット", "スラッシュ", "アットマーク"),
    "zh": ("点", "斜杠", "艾特"),
    "hi": ("डॉट", "स्लैश", "ऐट"),
}
"""How ``.``, ``/`` and ``@`` of an address are read."""


@dataclass(frozen=True, slots=True)
class SpokenText:
    """Text as it is spoken."""

    text: str
    origins: tuple[int, ...]
    """For each character of ``text``, where in the written text it comes from; ascending. What a character stands for
    in full ("example dot com") comes from the beginning of what it stands for."""

    def rewritten(self, pattern: re.Pattern[str], rewrite: Rewrite) -> SpokenText:
        """The same with every match replaced; the parts that ``rewrite`` keeps keep their origins."""
        if not pattern.search(self.text):
            return self
        text: list[str] = []
        origins: list[int] = []
        end = 0
        for match in pattern.finditer(self.text):
            text.append(self.text[end : match.start()])
            origins += self.origins[end : match.start()]
            end = match.end()
            at = match.start()
            for part in rewrite(match):
                if isinstance(part, int):
                    start, stop = match.span(part)
                    text.append(self.text[start:stop])
                    origins += self.origins[start:stop]
                    at = max(at, stop)
                elif part:
                    text.append(part)
                    origins += [self.origins[min(at, match.end() - 1)]] * len(part)
        text.append(self.text[end:])
        origins += self.origins[end:]
        return SpokenText("".join(text), tuple(origins))


Rewrite = Callable[[re.Match[str]], Sequence[int | str]]
"""What becomes of a match: numbers of groups that stay, and texts that are put in."""


def spoken_text(written: str, language: str = "en") -> SpokenText:
    """``written`` as it is read aloud; empty when nothing of it is."""
    spoken = SpokenText(written, tuple(range(len(written))))
    if _MAY_BE_MARKUP.search(written):
        for pattern, rewrite in _REWRITES:
            spoken = spoken.rewritten(pattern, rewrite)
    marks = _SPOKEN_MARKS.get(language[:2].lower(), _SPOKEN_MARKS["en"])
    spoken = spoken.rewritten(_URL, lambda match: [_read_url(match[0], marks)])
    spoken = spoken.rewritten(_EMAIL, lambda match: [_read_email(match[0], marks)])
    spoken = spoken.rewritten(_DOMAIN, lambda match: [_read_url(match[0], marks)])
    spoken = _without_symbols(spoken)
    for pattern, rewrite in _SPACES:
        spoken = spoken.rewritten(pattern, rewrite)
    return spoken


# -- addresses --------------------------------------------------------------------------------------------------------

_URL = re.compile(r"(?:https?://|www\.)[^\s<>\"“”]*[^\s<>\"“”.,;:!?…)\]}'’»*_]", re.IGNORECASE)
_DOMAIN = re.compile(
    r"(?<![\w@.-])(?:[a-zA-Z0-9-]+\.)+"
    r"(?:com|org|net|io|dev|ai|app|info|edu|gov|eu|uk|de|fr|es|nl|pl|pt|br|ch|jp|cn)(?![\w@.-]*[\w@])(?:/[\w/-]*\w)?"
)
"""Without "https://": only those that are no ordinary words."""
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")


def _read_url(url: str, marks: tuple[str, str, str]) -> str:
    """The host, without "www", and the path if it is short: nobody remembers the rest."""
    dot, slash, _ = marks
    try:
        parts = urlsplit(url if "//" in url[:8] else f"//{url}")
        host = (parts.hostname or "").removeprefix("www.")
    except ValueError:
        return url
    path = [piece for piece in parts.path.split("/") if piece]
    if len("/".join(path)) > LONGEST_PATH or any(not re.fullmatch(r"[^\W\d_-]+(?:-[^\W\d_-]+)?", p) for p in path):
        path = []
    return f" {slash} ".join([host.replace(".", f" {dot} "), *(piece.replace("-", " ") for piece in path)])


def _read_email(address: str, marks: tuple[str, str, str]) -> str:
    dot, _, at = marks
    return address.replace(".", f" {dot} ").replace("@", f" {at} ")


# -- markup -----------------------------------------------------------------------------------------------------------


_GAP = "\ue000"
"""In the place of what is not read: no word runs into the next, and no space is left before a full stop."""


def _nothing(_: re.Match[str]) -> Sequence[int | str]:
    return ()


def _gap(_: re.Match[str]) -> Sequence[int | str]:
    return (_GAP,)


def _space(_: re.Match[str]) -> Sequence[int | str]:
    return (" ",)


def _first_group(_: re.Match[str]) -> Sequence[int | str]:
    return (1,)


def _entity(match: re.Match[str]) -> Sequence[int | str]:
    return (html.unescape(match[0]),)


_INLINE_TAGS = r"(?:a|abbr|b|big|code|em|emphasis|i|kbd|mark|phoneme|prosody|s|say-as|small|span|strong|sub|u)"

_MAY_BE_MARKUP = re.compile(r"[<>&`*_#|\[\]\\~=+•‣◦]|^\s*[-–]", re.MULTILINE)
"""Most sentences have none."""

_REWRITES: list[tuple[re.Pattern[str], Rewrite]] = [
    (re.compile(r"<!--.*?(?:-->|$)", re.DOTALL), _gap),
    (re.compile(r"<(?:mailto:)?((?:https?://|www\.)[^\s<>]+|[^\s<>@]+@[^\s<>@]+)>", re.IGNORECASE), _first_group),
    (re.compile(rf"</?{_INLINE_TAGS}(?:\s[^<>]*=[^<>]*)?\s*/?>", re.IGNORECASE), _nothing),
    (re.compile(r"</?[A-Za-z][\w:.-]*(?:\s[^<>]*=[^<>]*)?\s*/?>"), _gap),
    (re.compile(r"<(?:break|speak|audio|voice|prosody|phoneme)\b[^<>]*$", re.IGNORECASE), _nothing),  # cut off
    (re.compile(r"&(?:[a-zA-Z]{2,8}|#\d{1,7}|#x[0-9a-fA-F]{1,6});"), _entity),
    (re.compile(r"^[ \t]*(?:```|~~~)[^\n`]*$", re.MULTILINE), _nothing),  # the fences of code
    (re.compile(r"^[ \t]*(?:(?:-[ \t]*){3,}|={3,}|(?:\*[ \t]*){3,}|(?:_[ \t]*){3,})$", re.MULTILINE), _nothing),
    (re.compile(r"^[ \t]*\|?[ \t]*:?-{2,}:?[ \t]*(?:\|[ \t]*:?-{2,}:?[ \t]*)*\|?[ \t]*$", re.MULTILINE), _nothing),
    (re.compile(r"^[ \t]*\|[ \t]*", re.MULTILINE), _nothing),  # a table's row: "| one | two |"
    (re.compile(r"[ \t]*\|[ \t]*$", re.MULTILINE), _nothing),
    (re.compile(r"(?<=\S)[ \t]*\|(?=[ \t]+\S)"), lambda _: (",",)),
    (re.compile(r"^[ \t]*(?:>[ \t]?)+", re.MULTILINE), _nothing),  # quotations
    (re.compile(r"^[ \t]*#{1,6}[ \t]+", re.MULTILINE), _nothing),  # headings
    (re.compile(r"[ \t]+#+[ \t]*$", re.MULTILINE), _nothing),
    (re.compile(r"^[ \t]*[-*+•‣◦–][ \t]+(?:\[[ xX]\][ \t]+)?", re.MULTILINE), _nothing),  # bullets
    (re.compile(r"\[\^[^\]\s]+\]:?"), _nothing),  # footnotes
    (re.compile(r"!?\[([^\]\n]*)\]\((?:[^()\s]|\([^()\s]*\))*(?:\s+[\"'][^\"'\n]*[\"'])?\)"), _first_group),
    (re.compile(r"!?\[([^\]\n]+)\]\[[^\]\n]*\]"), _first_group),
    (re.compile(r"\A([^\[\]\n]*)\]\([^()\s]*\)"), _first_group),  # of a link that was begun before
    (re.compile(r"\\([\\`*_{}\[\]()#+\-.!~|>])"), _first_group),
    (re.compile(r"`+"), _nothing),
    (re.compile(r"~~+"), _nothing),
    (re.compile(r"\*\*+"), _nothing),
    (re.compile(r"(?<!\d)(?<!\d\s)\*(?=\S)|(?<=\S)\*(?!\s?\d)"), _nothing),  # but not 2 * 3
    (re.compile(r"(?<!\w)_+(?=\w)|(?<=[^\W_])_+(?!\w)|(?<=[.!?,;:])_+(?!\w)"), _nothing),  # but not snake_case
]

# -- symbols and spaces -----------------------------------------------------------------------------------------------

_READABLE_SYMBOLS = frozenset("°©®™№℃℉")
_JOINERS = "\u200c\u200d"
"""They shape letters of some scripts, and glue emoji together."""

_SPACES: list[tuple[re.Pattern[str], Rewrite]] = [
    (re.compile(rf"[\s{_JOINERS}]*{_GAP}[\s{_JOINERS}{_GAP}]*(?=[,.;:!?…)\]]|$)"), _nothing),
    (re.compile(rf"[\s{_JOINERS}]*{_GAP}[\s{_JOINERS}{_GAP}]*"), _space),
    (re.compile(r"\A\s+|\s+\Z"), _nothing),
    (re.compile(r"\s{2,}|[^\S ]"), _space),
]


def _without_symbols(spoken: SpokenText) -> SpokenText:
    """Emoji and the like become gaps; what has no width goes."""
    if spoken.text.isascii():
        return spoken
    kept = [(_replacement(character), origin) for character, origin in zip(spoken.text, spoken.origins, strict=True)]
    return SpokenText("".join(text for text, _ in kept), tuple(origin for text, origin in kept if text))


def _replacement(character: str) -> str:
    if character <= "~" or character in _READABLE_SYMBOLS or character in _JOINERS:
        return character
    if character in "\ufe0e\ufe0f\u20e3" or "\U0001f3fb" <= character <= "\U0001f3ff":
        return ""  # they only dress the character before them
    match unicodedata.category(character):
        case "So" | "Co" | "Cn" | "Cs":
            return _GAP
        case "Cf":
            return ""
        case _:
            return character
