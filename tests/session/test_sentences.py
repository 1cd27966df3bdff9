"""Sentences are cut early, never wrongly, and nothing is lost."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parola.session.sentences import LONGEST, SentenceSplitter


def cut(*texts: str) -> list[str]:
    splitter = SentenceSplitter()
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


@given(st.lists(st.text(alphabet=st.sampled_from("aB1 .!?\n\"'…。,"), max_size=12)))
@settings(max_examples=300, deadline=None)
def test_whatever_comes_nothing_but_white_space_is_lost(texts):
    assert "".join(cut(*texts)).strip() == "".join(texts).strip()
