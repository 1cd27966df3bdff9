"""Personal details that can be recognised by their form: patterns, with a checksum wherever the thing has one.

Only what a pattern finds reliably is here. Places, occupations, beliefs and illnesses have no form to go by: the kinds
in ``UNKNOWN`` are not found, and an agent that asks for them is told so in its records. Neither have names;
``names.py`` learns those of one conversation. Kinds are spelled as the hosted platform spells them; a kind stands for
all below it (``financial_id`` for
``financial_id.payment_card.payment_card_number``).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from parola.privacy.names import in_pieces, named

CARD = "financial_id.payment_card.payment_card_number"
CARD_EXPIRY = "financial_id.payment_card.payment_card_expiration_date"
CARD_CODE = "financial_id.payment_card.payment_card_cvv"
ACCOUNT = "financial_id.bank_account.bank_account_number"
ROUTING = "financial_id.bank_account.bank_routing_number"
BIC = "financial_id.bank_account.swift_bic_code"
GOVERNMENT = "unique_id.government_issued_id"
DEVICE = "unique_id.device_id"
VEHICLE = "unique_id.vehicle_id"
COORDINATE = "location.location_coordinate"

NAME = "name"

UNKNOWN = (
    "age",
    "religious_belief",
    "political_opinion",
    "sexual_orientation",
    "ethnicity_race",
    "marital_status",
    "occupation",
    "physical_attribute",
    "language",
    "username",
    "password",
    "organization",
    "financial_id.financial_id_other",
    "location.location_address",
    "location.location_city",
    "location.location_postal_code",
    "location.location_state",
    "location.location_country",
    "location.location_other",
    "date_interval",
    "unique_id.account_number",
    "unique_id.healthcare_number",
    "unique_id.unique_id_other",
    "medical",
)
"""Of the platform's kinds, those that nothing here recognises."""


@dataclass(frozen=True, slots=True)
class Found:
    """A detail in a text, from ``start`` to ``stop``."""

    start: int
    stop: int
    kind: str

    @property
    def placeholder(self) -> str:
        return f"[{self.kind.rpartition('.')[2].upper()}]"


@dataclass(frozen=True, slots=True)
class Detector:
    kind: str
    pattern: re.Pattern[str]
    is_one: Callable[[str], bool] = lambda _: True
    group: int | str = 0
    """What of the match is the detail; the rest is the context that gives it away."""


def find(text: str, kinds: Sequence[str] = (), names: tuple[str, ...] = ()) -> list[Found]:
    """The details in a text, in order, none over another; of two at one place, the longer. ``names`` are those that
    are known to be names of people. A second and a half for a million characters: long ones belong in a thread."""
    found = [
        Found(start + one.start, start + one.stop, one.kind)
        for start, piece, first, last in in_pieces(text)
        for one in _in_piece(piece, kinds, names)
        if first <= one.start < last
    ]
    found.sort(key=lambda one: (one.start, -one.stop))
    kept: list[Found] = []
    for one in found:
        if not kept or one.start >= kept[-1].stop:
            kept.append(one)
        elif one.stop > kept[-1].stop:
            kept[-1] = Found(kept[-1].start, one.stop, kept[-1].kind)
    return kept


def redacted(text: str, kinds: Sequence[str] = (), names: tuple[str, ...] = ()) -> str:
    """The text, with a placeholder in place of each detail: ``[EMAIL_ADDRESS]``."""
    return replaced(text, find(text, kinds, names))


def replaced(text: str, found: Sequence[Found]) -> str:
    """The text with placeholders in place of these details, which are in order."""
    parts: list[str] = []
    place = 0
    for one in found:
        parts += text[place : one.start], one.placeholder
        place = one.stop
    return "".join(parts) + text[place:]


def wanted(kind: str, kinds: Sequence[str]) -> bool:
    """Whether a kind, or one above it, is asked for; all are when none is named."""
    return not kinds or any(kind == asked or kind.startswith(f"{asked}.") for asked in kinds)


def wants_names(kinds: Sequence[str]) -> bool:
    """Whether names are asked for: all of them, who asks for given names only too."""
    return not kinds or any(kind == NAME or kind.startswith(f"{NAME}.") for kind in kinds)


def not_recognised(kinds: Sequence[str]) -> list[str]:
    """Of the kinds asked for, those of which nothing will be found."""
    known = {detector.kind for detector in DETECTORS}
    return [asked for asked in kinds if not wants_names((asked,)) and not any(wanted(one, (asked,)) for one in known)]


def _in_piece(text: str, kinds: Sequence[str], names: tuple[str, ...]) -> Iterator[Found]:
    plain = plainly(text)
    yield from _by_form(plain, kinds)
    yield from _spoken(plain, kinds)
    if wants_names(kinds):
        yield from (Found(start, stop, NAME) for start, stop in named(text, names))


def plainly(text: str) -> str:
    """The text as patterns can read it, each character in its place: full-width letters, digits and signs, other
    scripts' digits and unusual spaces as those of ASCII."""
    if text.isascii():
        return text
    spelled = {ord(one): plain for one in set(text) if not one.isascii() and (plain := _plain(one)) != one}
    return text.translate(spelled) if spelled else text


@lru_cache(maxsize=4096)
def _plain(character: str) -> str:
    """Only what becomes one character of ASCII: a detail must be where it was found."""
    normal = unicodedata.normalize("NFKC", character)
    if len(normal) == 1 and (digit := unicodedata.decimal(normal, None)) is not None:
        return str(digit)
    return normal if len(normal) == 1 and normal.isascii() else character


def _by_form(text: str, kinds: Sequence[str]) -> Iterator[Found]:
    for detector in DETECTORS:
        if wanted(detector.kind, kinds):
            for match in detector.pattern.finditer(text):
                if place := _within(text, *match.span(detector.group), detector.is_one):
                    yield Found(*place, detector.kind)


def _within(text: str, start: int, stop: int, is_one: Callable[[str], bool]) -> tuple[int, int] | None:
    """Where in a match the detail is: a pattern may have taken a word or a number beside it too."""
    if is_one(text[start:stop]):
        return start, stop
    words = [(start + word.start(), start + word.end()) for word in re.finditer(r"[^ ]+", text[start:stop])]
    for length in range(len(words) - 1, 0, -1):
        for first in range(len(words) - length + 1):
            begin, end = words[first][0], words[first + length - 1][1]
            if is_one(text[begin:end]):
                return begin, end
    return None


# -- checksums --------------------------------------------------------------------------------------------------------


def digits(text: str) -> str:
    return "".join(character for character in text if character.isdigit())


def is_luhn(text: str) -> bool:
    numbers = [int(character) for character in digits(text)]
    total = sum(numbers[-1::-2]) + sum(sum(divmod(2 * number, 10)) for number in numbers[-2::-2])
    return len(set(numbers)) > 1 and total % 10 == 0


def is_card(text: str) -> bool:
    return 13 <= len(digits(text)) <= 19 and text[0] in "23456" and is_luhn(text)


def is_iban(text: str) -> bool:
    bare = re.sub(r"[ \-]", "", text).upper()
    if not re.fullmatch(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}", bare):
        return False
    return int("".join(str(int(character, 36)) for character in bare[4:] + bare[:4])) % 97 == 1


def is_routing(text: str) -> bool:
    a = [int(character) for character in text]
    return (3 * (a[0] + a[3] + a[6]) + 7 * (a[1] + a[4] + a[7]) + a[2] + a[5] + a[8]) % 10 == 0


def is_ssn(text: str) -> bool:
    parts = re.split(r"[- ]", text)
    if [len(part) for part in parts] != [3, 2, 4]:
        return False
    area, group, serial = parts
    return area not in ("000", "666") and area < "900" and group != "00" and serial != "0000"


def is_dni(text: str) -> bool:
    number = text[:-1].replace("-", "").upper().translate(str.maketrans("XYZ", "012"))
    return "TRWAGMYFPDXBNJZSQVHLCKE"[int(number) % 23] == text[-1].upper()


def is_nir(text: str) -> bool:
    bare = re.sub(r"\s", "", text).upper().replace("2A", "19").replace("2B", "18")
    if len(bare) != 15:
        return False
    return 97 - int(bare[:13]) % 97 == int(bare[13:])


def is_codice_fiscale(text: str) -> bool:
    odd = dict(zip("0123456789", (1, 0, 5, 7, 9, 13, 15, 17, 19, 21), strict=True))
    letters = (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23)
    odd |= dict(zip("ABCDEFGHIJKLMNOPQRSTUVWXYZ", letters, strict=True))
    bare = text.upper()
    even = (int(one) if one.isdigit() else ord(one) - ord("A") for one in bare[1:15:2])
    return chr(ord("A") + (sum(odd[one] for one in bare[0:15:2]) + sum(even)) % 26) == bare[15]


def is_tax_id(text: str) -> bool:
    """The German one: mod 11, 10, and among its first ten digits exactly one occurs more than once."""
    bare = digits(text)
    if len(bare) != 11 or bare[0] == "0" or len({*bare[:10]}) not in (8, 9):
        return False
    product = 10
    for character in bare[:10]:
        product = 2 * ((int(character) + product) % 10 or 10) % 11
    return (11 - product) % 10 == int(bare[10])


def is_vin(text: str) -> bool:
    if text.isdigit() or text.isalpha():
        return False
    values = dict(zip("ABCDEFGHJKLMNPRSTUVWXYZ", (*range(1, 9), *range(1, 6), 7, 9, *range(2, 10)), strict=True))
    weights = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
    total = sum(
        weight * (int(character) if character.isdigit() else values[character])
        for character, weight in zip(text.upper(), weights, strict=True)
    )
    return "0123456789X"[total % 11] == text[8].upper()


def is_ipv4(text: str) -> bool:
    return all(int(part) <= 255 for part in text.split("."))


def is_ipv6(text: str) -> bool:
    from ipaddress import AddressValueError, IPv6Address

    try:
        IPv6Address(text)
    except AddressValueError:
        return False
    return True


def is_phone(text: str) -> bool:
    return 7 <= len(digits(text)) <= 15


def is_coordinate(text: str) -> bool:
    parts = [float(part) for part in re.split(r"[,;\s]+", text) if part]
    return len(parts) == 2 and abs(parts[0]) <= 90 and abs(parts[1]) <= 180


# -- patterns ---------------------------------------------------------------------------------------------------------


def _pattern(text: str, flags: int = re.IGNORECASE) -> re.Pattern[str]:
    return re.compile(text, flags)


_DATE = r"(?:\d{4}-\d{1,2}-\d{1,2}|\d{1,2}[./-]\d{1,2}[./-](?:19|20)?\d{2})"
_MONTHS = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
_LONG_DATE = (
    rf"(?:(?:{_MONTHS})[a-z]* \d{{1,2}}(?:st|nd|rd|th)?,? (?:19|20)\d\d"
    rf"|\d{{1,2}}(?:st|nd|rd|th)? (?:of )?(?:{_MONTHS})[a-z]*,? (?:19|20)\d\d)"
)

DETECTORS = (
    Detector("email_address", _pattern(r"[\w.+%-]{1,64}@(?:[\w-]{1,63}\.){1,8}[a-z]{2,24}\b")),
    Detector("url", _pattern(r"\b(?:https?://|www\.)[^\s<>\"']{2,2000}")),
    # With dots only in the groups that cards have: a number with many decimals has a right checksum now and then.
    Detector(
        CARD,
        _pattern(r"(?<![\w.])\d(?:(?:[ -]?\d){12,18}|\d{3}\.(?:\d{4}\.\d{4}\.\d{4}|\d{6}\.\d{5})(?!\.\d))(?![\w])"),
        is_card,
    ),
    Detector(CARD_EXPIRY, _pattern(r"\bexp\w*\W{1,3}(?:\w+\W){0,3}((?:0[1-9]|1[0-2]) ?/ ?(?:20)?\d\d)\b"), group=1),
    Detector(
        CARD_CODE, _pattern(r"\b(?:cvv2?|cvc2?|security code)\b\W{1,3}(?:(?:is|code)\W{1,2})?(\d{3,4})\b"), group=1
    ),
    Detector(ACCOUNT, _pattern(r"\b[a-z]{2}\d{2}[a-z0-9 -]{11,40}"), is_iban),
    Detector(ROUTING, _pattern(r"\brouting\b\D{0,20}(\d{9})\b"), is_routing, group=1),
    Detector(
        BIC,
        _pattern(r"\b(?:bic|swift)\b\W{0,3}(?:(?:code|is)\W+){0,2}([a-z]{6}[a-z0-9]{2}(?:[a-z0-9]{3})?)\b"),
        group=1,
    ),
    Detector(GOVERNMENT, _pattern(r"(?<![\d-])\d{3}[- ]\d{2}[- ]\d{4}(?![\d-])"), is_ssn),
    Detector(GOVERNMENT, _pattern(r"\b[a-ceghj-prstw-z][a-ceghj-nprstw-z] ?\d\d ?\d\d ?\d\d ?[a-d]\b")),
    Detector(GOVERNMENT, _pattern(r"\b(?:\d{8}|[xyz]-?\d{7})-?[a-hj-np-tv-z]\b"), is_dni),
    Detector(
        GOVERNMENT, _pattern(r"\b[12] ?\d\d ?(?:0[1-9]|1[0-2]|[2-9]\d) ?(?:\d\d|2[ab]) ?\d{3} ?\d{3} ?\d\d\b"), is_nir
    ),
    Detector(GOVERNMENT, _pattern(r"\b[a-z]{6}\d\d[a-ehlmprst]\d\d[a-z]\d{3}[a-z]\b"), is_codice_fiscale),
    Detector(GOVERNMENT, _pattern(r"(?<![\w.+-])\d{2} ?\d{3} ?\d{3} ?\d{3}(?![\w])"), is_tax_id),
    Detector(DEVICE, _pattern(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w]|\.\d)"), is_ipv4),
    Detector(DEVICE, _pattern(r"(?<![\w:])(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{0,4}(?![\w:])"), is_ipv6),
    Detector(DEVICE, _pattern(r"\b(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}\b")),
    Detector(DEVICE, _pattern(r"\bimei\b\D{0,20}(\d{15})\b"), is_luhn, group=1),
    Detector(VEHICLE, _pattern(r"\b[a-hj-npr-z0-9]{17}\b"), is_vin),
    # Without a space, 12.345,67.890 may be two large numbers.
    Detector(
        COORDINATE,
        _pattern(r"(?<![\w.])-?\d{1,2}\.(?:\d{3,}[,;]?\s+-?\d{1,3}\.\d{3,}|\d{4,}[,;]-?\d{1,3}\.\d{4,})(?![\w])"),
        is_coordinate,
    ),
    Detector(
        "dob", _pattern(rf"\b(?:born|birth\w*|dob)\b\W{{1,3}}(?:\w+\W+){{0,3}}({_DATE}|{_LONG_DATE})(?!\d)"), group=1
    ),
    Detector("date", _pattern(rf"(?<![\w./-])(?:{_DATE}|{_LONG_DATE})(?![\w/-])")),
    Detector("contact_number", _pattern(r"(?<![\w.])(?:\+|00)[1-9](?:[ ().\-/]{0,2}\d){6,14}(?!\w)"), is_phone),
    Detector("contact_number", _pattern(r"(?<![\w.,:/-])\(?0\d{1,4}\)?(?:[ /.\-]{0,2}\d){5,10}(?![\w])"), is_phone),
    Detector(
        "contact_number",
        _pattern(r"(?<![\w.-])(?:1[-. ])?(?:\([2-9]\d\d\) ?|[2-9]\d\d[-. ]?)[2-9]\d\d[-. ]?\d{4}(?![\w-])"),
    ),
)


# -- spelled out ------------------------------------------------------------------------------------------------------

_DIGIT_WORDS = {
    word: str(number)
    for number, word in enumerate(("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"))
} | {"oh": "0"}
_DIGIT = rf"(?:{'|'.join(_DIGIT_WORDS)}|\d)"
_DIGIT_RUN = _pattern(rf"\b(?:plus )?{_DIGIT}(?:[ ,.-]{{1,2}}{_DIGIT}){{6,18}}\b")
_SPOKEN_EMAIL = _pattern(
    r"\b[a-z0-9]+(?: (?:dot|underscore|dash|minus|hyphen) [a-z0-9]+){0,4} at [a-z0-9]+(?: (?:dot|dash) [a-z0-9]+){0,3}"
    r" dot (?:com|org|net|edu|gov|info|io|co(?: dot [a-z]{2})?|eu|uk|de|fr|es|it|nl|pl|ch|at|us|ca|au)\b"
)


def _spoken(text: str, kinds: Sequence[str]) -> Iterator[Found]:
    """What a caller spells in English, as speech recognition writes it: "four one one one …", "jo at example dot
    com"."""
    for match in _DIGIT_RUN.finditer(text):
        number = "".join(_DIGIT_WORDS.get(word.lower(), word) for word in re.findall(r"[a-z]+|\d", match[0], re.I))
        number = number.removeprefix("plus")
        kind = CARD if is_card(number) else "contact_number" if len(number) <= 15 else ""
        if kind and wanted(kind, kinds):
            yield Found(match.start(), match.end(), kind)
    if wanted("email_address", kinds):
        for match in _SPOKEN_EMAIL.finditer(text):
            yield Found(match.start(), match.end(), "email_address")
