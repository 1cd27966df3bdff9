"""Pronunciation dictionaries as they travel: rules as JSON, and as a PLS file
(https://www.w3.org/TR/pronunciation-lexicon/)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal
from xml.sax.saxutils import escape, quoteattr

from pydantic import Field

from parola.protocol.documents import Answer, Asked, JsonObject

KIND = "pronunciation_dictionary"
"""What these documents are called in the store."""

PLS = "http://www.w3.org/2005/01/pronunciation-lexicon"

Written = Annotated[str, Field(min_length=1, max_length=1000)]


class AliasRule(Asked):
    """Says something else."""

    type: Literal["alias"]
    string_to_replace: Written
    alias: str
    case_sensitive: bool | None = None
    word_boundaries: bool | None = None


class PhonemeRule(Asked):
    """Says it like this; for voices that read phonemes."""

    type: Literal["phoneme"]
    string_to_replace: Written
    phoneme: Annotated[str, Field(min_length=1)]
    alphabet: str
    """``ipa`` or ``cmu-arpabet``."""
    case_sensitive: bool | None = None
    word_boundaries: bool | None = None


Rule = Annotated[AliasRule | PhonemeRule, Field(discriminator="type")]


class AddFromRulesRequest(Asked):
    """Body of ``POST /v1/pronunciation-dictionaries/add-from-rules``."""

    name: Annotated[str, Field(min_length=1)]
    rules: list[Rule]
    description: str | None = None
    workspace_access: str | None = None


class RulesRequest(Asked):
    """Rules to add, or to be the only ones."""

    rules: list[Rule]


class RemoveRulesRequest(Asked):
    """What the rules that go replace."""

    rule_strings: list[str]


class UpdateDictionaryRequest(Asked):
    name: Annotated[str, Field(min_length=1)] | None = None
    archived: bool | None = None


class AddDictionaryResponse(Answer):
    id: str
    name: str
    created_by: str
    creation_time_unix: int
    version_id: str
    version_rules_num: int
    description: str | None = None
    permission_on_resource: str | None = None


class DictionaryMetadata(Answer):
    id: str
    latest_version_id: str
    latest_version_rules_num: int
    name: str
    permission_on_resource: str | None = None
    created_by: str
    creation_time_unix: int
    archived_time_unix: int | None = None
    description: str | None = None


class DictionaryResponse(DictionaryMetadata):
    rules: list[Rule]


class DictionariesPage(Answer):
    pronunciation_dictionaries: list[DictionaryMetadata]
    next_cursor: str | None = None
    has_more: bool


class RulesResponse(Answer):
    id: str
    version_id: str
    version_rules_num: int


def rules_of(document: JsonObject, version_id: str | None = None) -> list[JsonObject]:
    """The rules of a stored dictionary: of the version, or of the latest when there is no such version any more."""
    versions: list[JsonObject] = document["versions"]
    found = next((version for version in versions if version["version_id"] == version_id), versions[-1])
    rules: list[JsonObject] = found["rules"]
    return rules


# -- PLS --------------------------------------------------------------------------------------------------------------


def read_pls(content: bytes) -> list[JsonObject]:
    """The rules of a PLS file. Raises ``ValueError`` with what is wrong with it."""
    from xml.etree import ElementTree

    if b"<!DOCTYPE" in content or b"<!ENTITY" in content:
        raise ValueError("it declares a document type, which a PLS file has no need of")
    try:
        root = ElementTree.fromstring(content)
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise ValueError(f"it is no XML ({error})") from None
    if _local(root.tag) != "lexicon":
        raise ValueError(f"its root is <{_local(root.tag)}>, expected <lexicon>")
    alphabet = root.get("alphabet") or "ipa"
    rules: list[JsonObject] = []
    for lexeme in root:
        if _local(lexeme.tag) != "lexeme":
            continue
        named = {name: [e for e in lexeme if _local(e.tag) == name] for name in ("grapheme", "alias", "phoneme")}
        said: JsonObject | None = None
        if named["alias"]:
            said = {"type": "alias", "alias": _text(named["alias"][0])}
        elif named["phoneme"]:
            phoneme = named["phoneme"][0]
            said = {"type": "phoneme", "phoneme": _text(phoneme), "alphabet": phoneme.get("alphabet") or alphabet}
        if said is not None:
            rules += [{"string_to_replace": word, **said} for e in named["grapheme"] if (word := _text(e))]
    return rules


def write_pls(rules: Iterable[JsonObject]) -> str:
    """The same as a file."""
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<lexicon version="1.0" xmlns="{PLS}" alphabet="ipa" xml:lang="en-US">',
    ]
    for rule in rules:
        if rule["type"] == "alias":
            said = f"<alias>{escape(rule['alias'])}</alias>"
        else:
            said = f"<phoneme alphabet={quoteattr(rule['alphabet'])}>{escape(rule['phoneme'])}</phoneme>"
        lines.append(f"  <lexeme><grapheme>{escape(rule['string_to_replace'])}</grapheme>{said}</lexeme>")
    return "\n".join([*lines, "</lexicon>", ""])


def _local(tag: Any) -> str:
    return str(tag).rpartition("}")[2]


def _text(element: Any) -> str:
    return "".join(element.itertext()).strip()
