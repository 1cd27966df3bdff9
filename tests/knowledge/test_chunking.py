"""How documents are cut."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from parola.knowledge.chunking import OVERLAP_TOKENS, TOKENS, chunked, token_count


def test_a_short_text_is_one_piece() -> None:
    assert chunked("We open at nine.\n\nWe close at five.") == ["We open at nine.\n\nWe close at five."]


def test_a_piece_stands_under_its_headings() -> None:
    text = "# House\n\nWelcome.\n\n## Hours\nNine to five.\n## Food\n\n### Soup\n\nOnion.\n\n# Cellar\n\nWine."
    assert chunked(text) == [
        "House\n\nWelcome.",
        "House > Hours\n\nNine to five.",
        "House > Food > Soup\n\nOnion.",
        "Cellar\n\nWine.",
    ]


def test_a_heading_that_says_it_all_is_kept() -> None:
    assert chunked("# Closed on Mondays\n\n# Open on Sundays") == ["Closed on Mondays", "Open on Sundays"]


def test_a_long_text_is_cut_between_sentences_and_overlaps() -> None:
    sentences = [f"Sentence number {n} says something about soup." for n in range(100)]
    pieces = chunked(" ".join(sentences))
    assert len(pieces) > 3
    for piece, following in pairwise(pieces):
        assert piece.endswith(".")
        first = following.split(".")[0] + "."
        assert first in piece
    assert all(any(sentence in piece for piece in pieces) for sentence in sentences)


def test_scripts_without_spaces_are_cut_too() -> None:
    pieces = chunked("今日は玉ねぎのスープがあります。" * 100)
    assert len(pieces) > 5
    assert all(piece.endswith("。") for piece in pieces)


def test_data_that_is_no_text_is_cut() -> None:
    assert max(map(len, chunked("Q" * 100_000))) < 2000
    assert chunked("") == chunked("\n\n---\n\n") == []


PARTS = ("# A\n", "## B\n", "word ", "Ends here. ", "\n\n", "- item\n", "長い文。", "x" * 300)


@given(
    st.lists(
        st.sampled_from(["# A\n", "## B\n", "word ", "Ends here. ", "\n\n", "- item\n", "長い文。", "x" * 300]),
        max_size=400,
    )
)
def test_pieces_are_bounded_and_lose_no_words(parts: list[str]) -> None:
    text = "".join(parts)
    pieces = chunked(text)
    for piece in pieces:
        assert token_count(piece) <= TOKENS + OVERLAP_TOKENS + 100
        assert piece == piece.strip()
    kept = " ".join(pieces)
    for word in ("word", "Ends here.", "item", "長い文。"):
        assert (word in text) <= (word in kept)
