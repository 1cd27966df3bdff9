"""The table of phases, and the picture of it."""

import pytest

from parola.conversation import phases
from parola.conversation.phases import TRANSITIONS, Phase, diagram, entered


def test_the_picture_in_the_docstring_is_the_table():
    shown = [line.strip() for line in phases.__doc__.splitlines() if "──▶" in line]
    assert shown == diagram().splitlines()


def test_every_phase_is_in_the_table_and_explained():
    assert set(TRANSITIONS) == set(Phase)
    explained = [
        line.split()[0] for line in phases.__doc__.splitlines() if line.startswith("    ") and "──▶" not in line
    ]
    assert explained == [phase.value for phase in Phase]


def test_every_phase_can_end_but_the_last():
    assert all(Phase.ENDED in to for phase, to in TRANSITIONS.items() if phase is not Phase.ENDED)
    assert TRANSITIONS[Phase.ENDED] == ()


def test_an_illegal_transition_is_a_bug_and_says_so():
    assert entered(Phase.SPEAKING, Phase.SPEAKING) is Phase.SPEAKING
    with pytest.raises(AssertionError, match="a conversation that is ending cannot become thinking"):
        entered(Phase.THINKING, Phase.ENDING)
