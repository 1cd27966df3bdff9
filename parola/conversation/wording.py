"""What the words of a user turn say about whether it is over: one piece of evidence beside the sound of the voice.

A sentence that ends in "to the" goes on however it sounds; "four one five" is a number that is being dictated; "thank
you, goodbye" is complete. Everything else says little. The lists hold what people really end an unfinished phrase
with; prepositions that also end sentences ("log in", "where are you from?") are not among them.
"""

from __future__ import annotations

import re
from enum import StrEnum

from parola.conversation.backchannels import LETTER

_TOKEN = re.compile(rf"{LETTER}+(?:['’.@+-]{LETTER}+)*")


class Wording(StrEnum):
    NONE = "none"
    """No words, or none that are known yet."""
    PLAIN = "plain"
    OPEN = "open"
    """It breaks off where nobody stops."""
    CLOSED = "closed"
    """It sounds like all there is to say: a question, a goodbye."""
    SPELLING = "spelling"
    """Letters, digits or an address are being dictated."""


OPEN_ENDINGS: dict[str, frozenset[str]] = {
    "en": frozenset(
        "a an the my your his her our their its these those and or but because cause if when while than as i we he "
        "she they i'm i'd i'll we're we'd it's there's to of for with by from into about between very must am want "
        "need um uh uhm er erm hmm maybe which whose what's that's let's don't didn't won't".split()
    ),
    "de": frozenset(
        "der die das den dem des ein eine einen einem einer mein meine meinen dein deine sein seine ihr ihre unser "
        "und oder aber weil wenn dass als wie ich wir zu für mit von bei nach um im beim zum zur sehr äh ähm hm "
        "möchte würde".split()
    ),
    "fr": frozenset(
        "le les l un une des du de mon ma mes ton ta tes son sa ses notre votre leur et ou mais parce que quand je tu "
        "il elle nous pour avec à au aux en dans sur chez euh heu très".split()
    ),
    "es": frozenset(
        "el la los las un una unos unas mi mis tu tus su sus y o pero porque que cuando yo de del para con a al en "
        "por eh em muy".split()
    ),
    "it": frozenset(
        "il lo i gli le un uno una mio mia tuo tua suo sua e o ma perché che se quando io di del della per con a al "
        "alla in da ehm molto".split()
    ),
    "pt": frozenset(
        "o a os as um uma meu minha seu sua e ou mas porque que se quando eu de do da para com em no na muito".split()
    ),
    "nl": frozenset(
        "de het een mijn jouw zijn haar onze en of maar omdat als dat ik wij voor met van naar te om eh heel".split()
    ),
}
"""The last word of a phrase that goes on."""

_FILLERS = frozenset("um uh uhm er erm ah eh hmm hm äh ähm euh heu em ehm".split())
"""Whoever says one of these goes on, whatever mark was put behind it."""

_CLOSED_ENDINGS: dict[str, tuple[str, ...]] = {
    "en": (
        "thank you", "thanks", "goodbye", "good bye", "bye", "bye bye", "that's all", "that's it", "that is all",
        "never mind", "no thanks", "no thank you", "that's everything", "stop",
    ),
    "de": ("danke", "danke schön", "tschüss", "auf wiederhören", "das ist alles", "das war's", "stopp"),
    "fr": ("merci", "au revoir", "c'est tout", "stop"),
    "es": ("gracias", "adiós", "eso es todo", "hasta luego", "para"),
    "it": ("grazie", "arrivederci", "è tutto", "ciao", "basta"),
    "pt": ("obrigado", "obrigada", "tchau", "é tudo", "até logo"),
    "nl": ("dank je", "dank u", "bedankt", "dag", "dat is alles", "stop"),
}  # fmt: skip

_DIGIT_WORDS = frozenset(
    "zero oh one two three four five six seven eight nine double triple ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred "
    "null eins zwei zwo drei vier fünf sechs sieben acht neun "
    "zéro un deux trois quatre cinq sept huit neuf cero uno dos tres cuatro cinco seis siete ocho nueve".split()
)
_SPELLING_SIGNS = frozenset("at dot dash hyphen underscore slash plus punkt minus point arroba punto arobase".split())
_ADDRESS_SIGNS = frozenset("dot underscore hyphen arroba arobase".split())
"""Nobody ends a sentence with these."""
_ALPHABET = frozenset(
    "alpha alfa bravo charlie delta echo foxtrot golf hotel india juliet kilo lima mike november oscar papa quebec "
    "romeo sierra tango uniform victor whiskey xray yankee zulu".split()
)
_ADDRESS_ENDINGS = frozenset("com net org edu gov de uk fr es it nl io eu ch at".split())

FULL_NUMBER = 9
"""So many digits are a whole telephone number, or more: nothing need follow."""

FEW_DIGITS = 3
"""So many single digits or letters in a row are being dictated, even when nobody asked for them."""

_ASKS = re.compile(
    r"\b(e-?mail|address|number|code|spell|zip|postcode|post code|phone|account|reference|pin|password|iban|card|"
    r"digits?|letters?|licen[cs]e plate|serial|adresse|nummer|buchstabier\w*|numéro|épel\w*|número|deletre\w*)\b",
    re.IGNORECASE,
)


def asks_for_spelling(agent_text: str) -> bool:
    """The agent has just asked for something that is dictated: a number, a code, an address."""
    return bool(_ASKS.search(agent_text))


def read(text: str, language: str = "en", *, asked_for_spelling: bool = False) -> Wording:
    """What the words so far say. ``language`` is a two-letter code; of one without a list only spelling is known."""
    text = text.strip()
    tokens = [token.lower().replace("’", "'") for token in _TOKEN.findall(text)]
    if not tokens:
        return Wording.NONE
    language = language[:2].lower()
    if _is_spelling(tokens, asked_for_spelling):
        return Wording.SPELLING
    if tokens[-1] in _FILLERS or text.endswith(("...", "…", ",", "-", "–", "—")):
        return Wording.OPEN
    if text.endswith(("?", "？", "؟")):
        return Wording.CLOSED
    if tokens[-1] in OPEN_ENDINGS.get(language, ()) or _is_introduction(tokens, language):
        return Wording.OPEN
    if any(" ".join(tokens).endswith(ending) for ending in _CLOSED_ENDINGS.get(language, ())):
        return Wording.CLOSED
    return Wording.PLAIN


def _is_introduction(tokens: list[str], language: str) -> bool:
    """ "My name is", "the number is": what it is comes next."""
    return (
        language == "en"
        and tokens[-1] == "is"
        and len(tokens) > 1
        and not {"what", "who", "where", "how", "it", "this", "that"} & set(tokens)
    )


def _is_spelling(tokens: list[str], asked: bool) -> bool:
    """The tail of the turn is a run of letters, digits and signs that may go on."""
    run = 0
    symbols = 0
    signs: list[str] = []
    for token in reversed(tokens):
        size = _symbols_in(token)
        if size == 0 and token not in _SPELLING_SIGNS:
            break
        run += 1
        symbols += size
        if token in _SPELLING_SIGNS:
            signs.append(token)
    if tokens[-1] in _SPELLING_SIGNS and (asked or run > 1 or tokens[-1] in _ADDRESS_SIGNS):
        return True
    if run == 0:
        # "anna dot smith at example": a word, but an address in the making.
        return "at" in tokens[-4:-1] and asked and tokens[-1] not in _ADDRESS_ENDINGS
    if tokens[-1] in _ADDRESS_ENDINGS and "dot" in tokens[-3:]:
        return False
    if symbols >= FULL_NUMBER:
        return False
    return symbols >= (1 if asked else FEW_DIGITS) and (asked or run >= FEW_DIGITS or bool(signs))


def _symbols_in(token: str) -> int:
    """How many letters or digits a token spells; 0 for an ordinary word."""
    bare = token.replace("-", "").replace(".", "")
    if bare.isdigit():
        return len(bare)
    if len(bare) == 1 and bare not in ("a", "i"):
        return 1
    if bare in _DIGIT_WORDS or bare in _ALPHABET:
        return 1
    if "-" in token and all(len(part) == 1 for part in token.split("-")):
        return len(bare)
    return 0
