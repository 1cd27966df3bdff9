"""What words say about the end of a turn, and how all the evidence is weighed."""

import pytest

from parola.conversation.turn_taking import verdict
from parola.conversation.wording import Wording, asks_for_spelling, read


@pytest.mark.parametrize(
    ("text", "wording"),
    [
        ("", Wording.NONE),
        ("?!", Wording.NONE),
        ("I would like the soup.", Wording.PLAIN),
        ("I want to go to.", Wording.OPEN),
        ("So I was thinking that maybe, um", Wording.OPEN),
        ("My name is.", Wording.OPEN),
        ("And the other thing,", Wording.OPEN),
        ("Well...", Wording.OPEN),
        ("I know what it is.", Wording.PLAIN),
        ("Where are you from?", Wording.CLOSED),
        ("What is it for?", Wording.CLOSED),
        ("I cannot log in.", Wording.PLAIN),
        ("Thank you, goodbye.", Wording.CLOSED),
        ("My number is four one five.", Wording.SPELLING),
        ("It's 4 1 5", Wording.SPELLING),
        ("Four one five, five five five, one two one two.", Wording.PLAIN),
        ("A as in alpha, B as in bravo, C", Wording.PLAIN),
        ("It is G B R", Wording.SPELLING),
        ("anna dot", Wording.SPELLING),
        ("I need two.", Wording.PLAIN),
        ("There are twenty of us.", Wording.PLAIN),
        ("In 1987.", Wording.PLAIN),
    ],
)
def test_what_english_words_say(text: str, wording: Wording):
    assert read(text) is wording


@pytest.mark.parametrize(
    ("text", "wording"),
    [
        ("Four.", Wording.SPELLING),
        ("It's 415", Wording.SPELLING),
        ("0 1 7 1 5 5 5 1 2 3", Wording.PLAIN),
        ("anna dot smith at example", Wording.SPELLING),
        ("anna dot smith at example dot com", Wording.PLAIN),
        ("Sorry, I do not know.", Wording.PLAIN),
    ],
)
def test_after_a_question_for_a_number_digits_and_addresses_are_dictated(text: str, wording: Wording):
    assert asks_for_spelling("What is your phone number, or your e-mail address?")
    assert read(text, asked_for_spelling=True) is wording


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("de", "Ich möchte einen Termin mit der"),
        ("fr", "Je voudrais parler à"),
        ("es", "Quiero hablar con el"),
        ("it", "Vorrei parlare con il"),
        ("pt", "Quero falar com o"),
        ("nl", "Ik wil graag met de"),
    ],
)
def test_every_language_has_words_that_nobody_stops_at(language: str, text: str):
    assert read(text, language) is Wording.OPEN
    assert read(text, "xx") is Wording.PLAIN


@pytest.mark.parametrize(
    ("probability", "wording", "reason"),
    [
        (None, Wording.NONE, "silence"),
        (None, Wording.PLAIN, "silence"),
        (None, Wording.CLOSED, "finished"),
        (0.99, Wording.PLAIN, "finished"),
        (0.99, Wording.NONE, "finished"),
        (0.98, Wording.OPEN, "unfinished"),
        (0.98, Wording.SPELLING, "spelling"),
        (0.8, Wording.PLAIN, "unsure"),
        (0.05, Wording.PLAIN, "unfinished"),
        (0.05, Wording.CLOSED, "unsure"),
    ],
)
def test_sound_and_words_are_weighed_together(probability: float | None, wording: Wording, reason: str):
    assert verdict(probability, wording) == reason


def test_hindi_is_not_spelling():
    assert read("नहीं, मुझे रोटी चाहिए।", "hi") is Wording.PLAIN
