"""The tags of an agent's voices say who speaks, and are neither shown nor spoken."""

from hypothesis import given
from hypothesis import strategies as st

from parola.session.voice_tags import Stretch, VoiceTags

LABELS = ("Joe", "Old Anna")


def heard(*texts: str, labels: tuple[str, ...] = LABELS) -> list[Stretch]:
    """The stretches, those of one voice joined."""
    tags = VoiceTags(labels)
    joined: list[Stretch] = []
    for label, words in [stretch for text in texts for stretch in tags.add(text)] + tags.flush():
        if joined and joined[-1][0] == label:
            joined[-1] = (label, joined[-1][1] + words)
        else:
            joined.append((label, words))
    return joined


def test_each_stretch_has_its_voice():
    assert heard("He said: <Joe>Ahoy!</Joe> And she: <old  anna>Hm.</Old Anna> End.") == [
        (None, "He said: "),
        ("Joe", "Ahoy!"),
        (None, " And she: "),
        ("Old Anna", "Hm."),
        (None, " End."),
    ]


def test_a_tag_that_comes_in_pieces_is_held_back_until_it_is_one():
    tags = VoiceTags(LABELS)
    assert tags.add("Hi <") == [(None, "Hi ")]
    assert tags.add("Jo") == []
    assert tags.add("e>Ahoy") == [("Joe", "Ahoy")]
    assert tags.add(" < five </") == [("Joe", " < five ")]
    assert tags.add("Joe> or") == [(None, " or")]
    assert tags.add(" <Jo") == [(None, " ")]
    assert tags.flush() == [(None, "<Jo")]


def test_a_voice_that_opens_before_the_last_has_closed_takes_over():
    assert heard("<Joe>One <Old Anna>two</Old Anna> three") == [("Joe", "One "), ("Old Anna", "two"), (None, " three")]


def test_other_tags_are_not_ours():
    assert heard("<Bob>Hi</Bob> <break time='1s'/>") == [(None, "<Bob>Hi</Bob> <break time='1s'/>")]
    assert heard("<Joe>Hi</Joe>", labels=()) == [(None, "<Joe>Hi</Joe>")]


@given(st.lists(st.sampled_from(["<Joe>", "</Joe>", "<Old Anna>", "</Old Anna>", "a ", "<b>", "< ", "<J"])), st.data())
def test_however_it_comes_it_is_the_same(parts, data):
    text = "".join(parts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert heard(*pieces) == heard(text)
