"""The model names the documents it relied on; nobody hears it."""

import pytest

from parola.session.source_tags import SourceTags

KNOWN = {"doc_1", "doc_2"}


def told(*pieces: str) -> tuple[str, tuple[str, ...]]:
    tags = SourceTags(KNOWN)
    said = "".join([*(tags.add(piece) for piece in pieces), tags.flush()])
    return said, tags.document_ids


def test_what_is_named_is_not_said():
    assert told("It is red. <sources>doc_2, doc_1</sources>") == ("It is red. ", ("doc_2", "doc_1"))


def test_a_tag_may_come_letter_by_letter():
    assert told(*"Red.<sources>doc_1</sources> Yes.") == ("Red. Yes.", ("doc_1",))


@pytest.mark.parametrize("text", ["1 < 2 and <b>bold</b>", "<sour", "a <", "<sources"])
def test_what_only_looks_like_it_is_said(text):
    assert told(*text) == (text, ())


def test_documents_that_it_was_not_shown_do_not_count():
    assert told("<sources>doc_9 doc_1 doc_1</sources>") == ("", ("doc_1",))


def test_a_tag_that_is_not_closed_is_not_said_either():
    assert told("Red. <sources>doc_1") == ("Red. ", ("doc_1",))
