"""Sentences are cut early, never wrongly, and nothing is lost."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parola.session.sentences import LONGEST, SentenceSplitter


def cut(*texts: str, language: str = "", opens_early: bool = False) -> list[str]:
    splitter = SentenceSplitter(language, opens_early=opens_early)
    return [sentence for text in texts for sentence in splitter.add(text)] + splitter.flush()


def test_a_sentence_is_there_with_the_white_space_that_ends_it():
    splitter = SentenceSplitter()
    assert splitter.add("Hello there. ") == ["Hello there. "]
    assert splitter.add("How") == []
    assert splitter.flush() == ["How"]


def test_a_full_stop_at_the_end_of_what_is_there_may_be_a_decimal_point():
    splitter = SentenceSplitter()
    assert splitter.add("It costs 3.") == []
    assert splitter.add("50 euros. ") == ["It costs 3.50 euros. "]


@pytest.mark.parametrize(
    "text",
    [
        "Dr. Smith is in.",
        "Ask for J. Smith at the desk.",
        "Use apples, e.g. green ones.",
        "It is 3.14 exactly.",
        "Write to anna.berg@example.com today.",
        "1. Open the door",
    ],
)
def test_full_stops_inside_a_sentence_do_not_cut_it(text):
    assert cut(text + " ") == [text + " "] or cut(text) == [text]


def test_questions_exclamations_and_line_breaks_cut():
    assert cut("Really? Yes! Fine\nGood") == ["Really? ", "Yes! ", "Fine\n", "Good"]


def test_a_quotation_mark_belongs_to_the_sentence_it_closes():
    assert cut('He said "no." Then he left. ') == ['He said "no." ', "Then he left. "]


def test_text_without_a_full_stop_is_cut_before_it_gets_too_long():
    pieces = cut("word " * 300)
    assert all(len(piece) <= LONGEST for piece in pieces)


@pytest.mark.parametrize(
    ("language", "sentences"),
    [
        ("en", ["Well... maybe. ", "No. 5 is best. ", "No. ", "Never! ", "Come at 5 p.m. on Monday."]),
        ("en", ['"Really?" she asked. ', "Wait… ", "What?! ", "See https://a.b/c.html?x=1. ", "Mail a.b@c.de."]),
        ("en", ["The U.S. is big, i.e. large. ", "It costs $1,000.50 or so. ", "1. Open it. ", "Wow!!! ", "Fine."]),
        (
            "de",
            [
                "Am 3. Mai um 10.30 Uhr, z. B. im 2. Stock. ",
                "Ludwig XIV. kam d.h. war da. ",
                "Das war 1990. ",
                "Dr. A. B.",
            ],
        ),
        ("fr", ["M. Dupont habite av. Foch, art. 3. ", "Ça va ?! ", "Oui. "]),
        ("es", ["¡Hola! ", "¿Qué tal? ", "El Sr. López vive en la Avda. Sol núm. 5. ", "Bien."]),
        ("es", ["¡Hola!", "¿Qué tal?"]),
        ("it", ["Il sig. Rossi, ecc. viene alle 5. ", "Va bene?"]),
        ("pt", ["O Sr. Silva mora na av. Brasil, pág. 3. ", "Tudo bem?"]),
        ("nl", ["Dhr. Jansen komt a.u.b. om 5 uur, bijv. morgen. ", "Ja."]),
        ("pl", ["Dnia 3. maja na ul. Długiej, np. o piątej. ", "Tak?! ", "Nie."]),
        ("ja", ["「はい。」", "そうです。", "次は？", "3.5円です！"]),
        ("zh", ["你好！", "我是小明，很高兴。", "3.5元。"]),
        ("hi", ["यह अच्छा है। ", "क्या? ", "हाँ॥"]),
    ],
)
def test_each_language_has_its_own_full_stops(language, sentences):
    assert cut("".join(sentences), language=language) == sentences
    whole = cut(*"".join(sentences), language=language)
    assert "".join(whole) == "".join(sentences)
    # However the text comes, only the white space between two sentences may go with either.
    assert [one.strip() for one in cut("".join(sentences), language=language)] == [one.strip() for one in whole]


LONG = "Sure, I can help you with that today, but let me look at your account for a moment first. Is that fine?"


def test_the_first_piece_may_end_at_a_clause_so_that_speech_starts_sooner():
    splitter = SentenceSplitter("en", opens_early=True)
    assert splitter.add("Sure, I can help you with that today,") == []
    assert splitter.add(" but") == ["Sure, I can help you with that today, "]
    assert cut(LONG, language="en", opens_early=True) == [
        "Sure, I can help you with that today, ",
        "but let me look at your account for a moment first. ",
        "Is that fine?",
    ]
    assert cut(LONG, language="en") == [LONG.removesuffix("Is that fine?"), "Is that fine?"]


@pytest.mark.parametrize(
    "text",
    [
        "Thank you, sir. " + LONG,  # short as it is
        "The total of everything in your basket is exactly 1,000,000 dollars.",
        "You will find all of it in the manual at [chapter one, page two](https://a.b) of it.",
        "Wait for me a little while until I come back, please. And then we go on, as we said, with all of it.",
    ],
)
def test_a_first_piece_that_is_short_enough_stays_whole(text):
    assert cut(text, language="en", opens_early=True) == cut(text, language="en")


def test_a_script_without_spaces_opens_at_its_own_comma():
    text = "今日はとても良い天気ですから散歩に行きましょう、そして公園で昼ご飯を食べましょう。"
    assert cut(text, language="ja", opens_early=True) == [text[:24], text[24:]]
    assert max(map(len, cut("長い" * 500, language="ja"))) <= LONGEST


@given(
    st.lists(st.text(alphabet=st.sampled_from("aB1 .!?\n\"'…。,;–。「」।¿"), max_size=12)),
    st.sampled_from(["", "en", "de", "es", "ja", "pl"]),
    st.booleans(),
)
@settings(max_examples=300, deadline=None)
def test_whatever_comes_nothing_but_white_space_is_lost(texts, language, opens_early):
    assert "".join(cut(*texts, language=language, opens_early=opens_early)).strip() == "".join(texts).strip()


@given(st.text(alphabet=st.sampled_from('aB1 .!?\n"…'), max_size=30))
@settings(max_examples=300, deadline=None)
def test_sentences_are_the_same_however_the_text_comes(text):
    assert [one.strip() for one in cut(text)] == [one.strip() for one in cut(*text)]
