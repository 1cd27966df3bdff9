"""A name is learned where somebody says that it is one, in several languages; other words are left alone."""

from __future__ import annotations

import pytest

from parola.privacy.entities import redacted
from parola.privacy.names import KnownNames, introduced

INTRODUCED = [
    ("my name is Ada Lovelace, and I need help", ["Ada Lovelace"]),
    ("My name is ada.", ["ada"]),
    ("my name is jo miller i need a table", ["jo miller"]),
    ("my last name is S M I T H", ["S M I T H"]),
    ("My name is Smith, S-M-I-T-H", ["Smith", "S-M-I-T-H"]),
    ("Hi, this is Ada from Acme", ["Ada"]),
    ("I'm Ada Byron", ["Ada Byron"]),
    ("Ada Byron speaking", ["Ada Byron"]),
    ("Name: O'Brien", ["O'Brien"]),
    ("Mein Name ist Jürgen von der Lippe.", ["Jürgen von der Lippe"]),
    ("ich heiße sabine müller", ["sabine müller"]),
    ("Guten Tag, hier ist Sabine Müller.", ["Sabine Müller"]),
    ("Bonjour, je m'appelle Jean-Luc Picard", ["Jean-Luc Picard"]),
    ("me llamo José García", ["José García"]),
    ("mi chiamo Maria Rossi e vorrei", ["Maria Rossi"]),
    ("o meu nome é João Silva", ["João Silva"]),
    ("Met Jan de Vries", ["Jan de Vries"]),
    ("nazywam się Jan Kowalski", ["Jan Kowalski"]),
    ("jag heter Åsa", ["Åsa"]),
    ("jeg hedder Søren", ["Søren"]),
    ("jeg heter Kari", ["Kari"]),
    ("jmenuji se Petr Novák", ["Petr Novák"]),
    ("mă numesc Ion Popescu", ["Ion Popescu"]),
    ("benim adım Mehmet", ["Mehmet"]),
    ("меня зовут Анна", ["Анна"]),
    ("我叫王小明，你好", ["王小明"]),
    ("私は山田太郎と申します", ["山田太郎"]),
    ("제 이름은 김민수입니다", ["김민수"]),
]
NOBODY = [
    "my name is not important",
    "the name of the product is Widget",
    "I'm American",
    "i'm hungry",
    "This is a problem",
    "It's Friday and I'm fine, thanks",
    "Ich bin Kunde",
    "Ich bin Arzt und brauche Hilfe",
    "Je suis malade",
    "Call me back, please",
    "I will be there in May",
]


@pytest.mark.parametrize(("text", "expected"), INTRODUCED, ids=[text for text, _ in INTRODUCED])
def test_who_introduces_somebody_says_the_name(text: str, expected: list[str]) -> None:
    assert list(dict.fromkeys(introduced(text))) == expected


@pytest.mark.parametrize("text", NOBODY)
def test_nobody_is_introduced(text: str) -> None:
    assert list(introduced(text)) == []


@pytest.mark.parametrize(
    ("question", "answer", "expected"),
    [
        ("Who am I speaking to?", "Ada Lovelace.", ("Ada Lovelace",)),
        ("May I have your full name?", "uh, it's ada lovelace", ("ada lovelace",)),
        ("Wie heißen Sie?", "Sabine Müller", ("Sabine Müller",)),
        ("¿Cómo se llama?", "José", ("José",)),
        ("What's your name?", "I don't want to say", ()),
        ("What's your name?", "Why do you need it", ()),
        ("How can I help?", "Two pizzas", ()),
    ],
)
def test_the_answer_to_the_question_for_a_name_is_one(question: str, answer: str, expected: tuple[str, ...]) -> None:
    known = KnownNames()
    known.heard({0: {"role": "agent", "message": question}})
    known.heard({1: {"role": "user", "message": answer}})
    assert known.names == expected


def test_a_known_name_is_found_whole_and_in_part_and_as_it_is_spelled() -> None:
    names = ("Ada Lovelace", "S M I T H", "jo miller", "Will Byron", "王小明")

    def kept(text: str) -> str:
        return redacted(text, ("name",), names)

    assert kept("Thank you, Ada; ada lovelace; Lovelace's; ADA") == "Thank you, [NAME]; [NAME]; [NAME]'s; [NAME]"
    assert kept("it is s-m-i-t-h") == "it is [NAME]"
    assert kept("call jo miller or Miller") == "call [NAME] or [NAME]"
    assert kept("will ada come") == "will [NAME] come", "where nothing is written large, a small one may be a name"
    assert kept("I will ask Will") == "I will ask [NAME]"
    assert kept("你好王小明") == "你好[NAME]"
    assert kept("Canada, a miller's daughter") == "Canada, a miller's daughter"
    assert redacted("Frau Müller, Mr. van Dyck and Dr. Strange", ("name",)) == "Frau [NAME], Mr. [NAME] and Dr. [NAME]"
    assert redacted("Frau Müller", ("email_address",), names) == "Frau Müller"
