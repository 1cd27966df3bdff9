"""Calls that were held once, held again: what changes is a diff to read and approve (``approve.py`` says how)."""

from __future__ import annotations

from pathlib import Path

import pytest

from parola.conversation.actions import Close
from parola.session.tape import read
from tests.conversation.approve import approved, performed, tapes
from tests.story import Checks


@pytest.mark.parametrize("path", tapes(), ids=lambda path: path.stem)
def test_a_taped_call_goes_as_it_was_approved(path: Path):
    assert performed(read(path)) == approved(path).read_text("utf-8"), (
        "The call goes differently now. If that is meant: python -m tests.conversation.approve, and read the diff."
    )


@pytest.mark.parametrize("path", tapes(), ids=lambda path: path.stem)
def test_a_taped_call_keeps_every_promise(path: Path):
    checks, actions = Checks(), []
    for _, step in read(path).play():
        checks.messages(step)
        actions += step
    assert isinstance(actions[-1], Close)
