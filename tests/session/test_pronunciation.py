"""A dictionary's rules: whole words as they are written, the first that fits, and origins kept."""

import pytest

from parola.session.pronunciation import ipa_of_arpabet, pronounced, rules
from parola.session.spoken_text import spoken_text


def said(text: str, *raw: dict[str, object], with_phonemes: bool = True) -> tuple[str, dict[str, str]]:
    spoken, phonemes = pronounced(spoken_text(text), rules([raw]), with_phonemes=with_phonemes)
    assert list(spoken.origins) == sorted(spoken.origins) and len(spoken.origins) == len(spoken.text)
    return spoken.text, phonemes


def alias(written: str, spoken: str, **options: bool) -> dict[str, object]:
    return {"type": "alias", "string_to_replace": written, "alias": spoken, **options}


def phoneme(written: str, sounds: str, alphabet: str = "ipa") -> dict[str, object]:
    return {"type": "phoneme", "string_to_replace": written, "phoneme": sounds, "alphabet": alphabet}


UN = alias("UN", "United Nations")


@pytest.mark.parametrize(
    ("rule", "text", "spoken"),
    [
        (UN, "The UN, not the **UN**.", "The United Nations, not the United Nations."),
        (UN, "UNO, un and FUN stay", "UNO, un and FUN stay"),
        (alias("un", "U N", case_sensitive=False), "The UN", "The U N"),
        (alias("un", "one", word_boundaries=False), "fun", "fone"),
        (alias("C++", "C plus plus"), "Learn C++.", "Learn C plus plus."),
        (alias("New York", "Big Apple"), "New  York", "Big Apple"),
        (alias("um", ""), "Well um yes", "Well  yes"),
        (alias("", "x"), "nothing", "nothing"),
    ],
)
def test_an_alias_takes_the_place_of_a_word(rule, text, spoken):
    assert said(text, rule) == (spoken, {})


def test_the_first_rule_that_fits_wins_and_is_not_looked_at_again():
    assert said("a b", alias("a", "b"), alias("b", "c"), alias("a", "d"))[0] == "b c"


def test_an_alias_comes_from_the_word_it_stands_for():
    spoken, _ = pronounced(spoken_text("The UN now"), rules([[UN]]), with_phonemes=False)
    assert spoken.origins[4:18] == (4,) * 14 and spoken.origins[18] == 6


def test_phonemes_are_for_voices_that_read_them():
    rule = phoneme("tomato", "/təˈmɑːtoʊ/")
    assert said("A tomato", rule) == ("A tomato", {"tomato": "təˈmɑːtoʊ"})
    assert said("A tomato", rule, with_phonemes=False) == ("A tomato", {})
    assert said("A tomato", rule, alias("tomato", "red one"), with_phonemes=False) == ("A red one", {})


def test_arpabet_is_read_as_ipa():
    assert ipa_of_arpabet("M AE1 D IH0 S AH0 N") == "mˈædɪsən"
    assert said("Madison", phoneme("Madison", "M AE1 D IH0 S AH0 N", "cmu-arpabet"))[1] == {"Madison": "mˈædɪsən"}
