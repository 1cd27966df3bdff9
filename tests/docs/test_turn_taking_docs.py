"""docs/turn-taking.md says what the code does: the silences, the verdicts, every setting, the example."""

import json
import re
from pathlib import Path
from typing import Any, get_args

import pytest

from parola.conversation.backchannels import DEFAULT_TERMS
from parola.conversation.events import (
    ModelFinished,
    ReplyAudio,
    ReplyFinished,
    ReplyText,
    SentenceStarted,
    SpeechStarted,
    SpeechStopped,
    TranscriptUpdated,
    TurnEndPredicted,
)
from parola.conversation.timeline import MOST_VERDICTS
from parola.conversation.turn_taking import PATIENCE, PROBABLY_NOT_OVER, PROBABLY_OVER, Reason, verdict
from parola.conversation.wording import Wording, read
from parola.protocol.agents import TurnConfig
from tests.docs.snippets import block
from tests.story import Story

PAGE = (Path(__file__).parents[2] / "docs" / "turn-taking.md").read_text(encoding="utf-8")
REASONS = get_args(Reason)


def cells(line: str) -> list[str]:
    return [cell.strip(" `") for cell in line.strip("|").split("|")]


def table(*header: str) -> tuple[list[str], list[list[str]]]:
    """The header and the rows of the table whose header begins like this."""
    for part in PAGE.split("\n\n"):
        lines = [line for line in part.splitlines() if line.startswith("|")]
        if lines and cells(lines[0])[: len(header)] == list(header):
            return cells(lines[0]), [cells(line) for line in lines[2:]]
    raise AssertionError(f"no table {header}")


def names(cell: str) -> list[str]:
    return [name.strip("` ") for name in cell.split(",")]


def test_the_silences_are_those_of_the_code():
    header, rows = table("what is known", "verdict")
    told = {row[1]: dict(zip(header[2:], map(float, row[2:]), strict=True)) for row in rows}
    assert told == {reason: {name: getattr(PATIENCE[name], reason) for name in PATIENCE} for reason in REASONS}


@pytest.mark.parametrize(
    ("words", "wordings"),
    [
        ("complete", [Wording.CLOSED]),
        ("nothing special", [Wording.PLAIN, Wording.NONE]),
        ("they break off", [Wording.OPEN]),
        ("digits", [Wording.SPELLING]),
    ],
)
def test_the_verdicts_are_those_of_the_code(words: str, wordings: list[Wording]):
    header, rows = table("words")
    assert header[2:] == [f"{PROBABLY_OVER} and more", "in between", f"{PROBABLY_NOT_OVER} and less"]
    told = next(row[1:] for row in rows if row[0].startswith(words))
    heard = [None, PROBABLY_OVER, (PROBABLY_OVER + PROBABLY_NOT_OVER) / 2, PROBABLY_NOT_OVER]
    for wording in wordings:
        assert told == [verdict(probability, wording) for probability in heard]


@pytest.mark.parametrize(
    ("words", "wording"),
    [("I would like the", Wording.OPEN), ("well, um", Wording.OPEN), ("that's all", Wording.CLOSED)],
)
def test_the_words_in_the_table_are_read_so(words: str, wording: Wording):
    assert words in PAGE and read(words) is wording


def test_every_setting_is_explained_with_its_default():
    told = {name: row[1] for row in table("setting", "default")[1] for name in names(row[0])}
    defaults: dict[str, Any] = TurnConfig().model_dump()
    assert set(defaults) <= set(told)
    for name, default in defaults.items():
        if told[name] and isinstance(default, str | int | float):
            assert told[name] == (default if isinstance(default, str) else json.dumps(default)), name


def test_the_languages_of_the_usual_terms_are_named():
    (listed,) = re.findall(r"\((en, [^)]*)\)", PAGE)
    assert listed.split(", ") == list(DEFAULT_TERMS)


def test_the_example_is_what_a_conversation_records():
    example = block("turn-taking.md", "json")
    story = Story(speculates=True).connects().wait(2)
    story.tell(SpeechStarted(story.now)).wait(1.5).tell(SpeechStopped(story.now - 0.2))
    story.wait(0.06).tell(TurnEndPredicted(0.98)).wait(0.02).tell(TranscriptUpdated("What are your opening hours?"))
    story.wait(0.3).tell(ReplyText(1, "We open at nine."), ModelFinished(1))
    story.wait(0.04).tell(SentenceStarted(1, "We open at nine."))
    story.wait(0.08).tell(ReplyAudio(1, b"\0\0", 1.0), ReplyFinished(1))
    user, agent = (turn["x_timeline"] for turn in story.record)
    assert json.loads(example) == {"user": user, "agent": agent}


def test_every_field_of_the_timeline_is_explained():
    example = block("turn-taking.md", "json")
    told = {name for row in table("field")[1] for name in names(row[0])}
    for turn in json.loads(example).values():
        assert set(turn) <= told
    assert "interrupted_secs" in told and MOST_VERDICTS == 20
