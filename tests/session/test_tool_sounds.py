"""Sounds for the time a tool takes."""

import asyncio
from typing import get_args

import numpy as np
import pytest

from parola.conversation.events import SoundMade
from parola.conversation.tool_rules import Sound
from parola.session.audio import AudioFormat
from parola.session.tool_sounds import AHEAD_SECONDS, LOOP_SECONDS, RATE, ToolSounds, loop_of
from tests.virtual_time import run


@pytest.mark.parametrize("sound", get_args(Sound))
def test_every_sound_is_quiet_and_goes_on_without_a_click(sound):
    wave = np.frombuffer(loop_of(sound), "<i2").astype(float) / 32767
    assert len(wave) == RATE * LOOP_SECONDS
    assert 0.05 < np.abs(wave).max() < 0.07
    jump = abs(wave[0] - wave[-1])
    assert jump <= np.abs(np.diff(wave)).max()


def test_no_two_sounds_are_the_same():
    assert len({loop_of(sound) for sound in get_args(Sound)}) == len(get_args(Sound))


def test_it_is_told_in_pieces_as_time_goes_on_and_stops_at_once():
    told: list[SoundMade] = []

    async def play() -> tuple[float, int]:
        sounds = ToolSounds(told.append)
        sounds.start("typing", AudioFormat("ulaw", 8000))
        await asyncio.sleep(LOOP_SECONDS + 2)
        seconds = sum(piece.seconds for piece in told)
        sounds.stop()
        count = len(told)
        await asyncio.sleep(5)
        assert len(told) == count
        return seconds, count

    seconds, count = run(play())
    assert LOOP_SECONDS + 2 < seconds <= LOOP_SECONDS + 2 + AHEAD_SECONDS + 0.2
    assert count >= 50 and all(len(piece.audio) == round(8000 * piece.seconds) for piece in told)
