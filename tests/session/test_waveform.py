"""A waveform shows both sides where they were heard, whatever is left of the recording when it is asked for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from parola.session import waveform
from parola.session.audio import AudioFormat, ulaw_encode
from parola.session.mixing import mix_down
from parola.session.recording import Recorder
from parola.session.waveform import MOST_STRETCHES, Peaks, measured, peaks
from parola.store.base import peaks_of, spool_of, stereo_of, unlink_files_of
from tests.session.test_recording import RATE, said, tracks


def sound(seconds: float, peak: int, rate: int = RATE) -> np.ndarray:
    return (peak * np.sin(2 * np.pi * 220 * np.arange(round(seconds * rate)) / rate)).astype(np.int16)


def recorded(folder: Path, output: str = "pcm_24000") -> Path:
    """Four seconds: the user in the first, the agent from the second on, cut off in the middle of the fourth."""
    recording = folder / "call.mp3"
    format = AudioFormat.parse(output)
    recorder = Recorder(spool_of(recording), format, started_at=100.0)
    recorder.user_spoke(sound(1.0, 8000).tobytes(), now=101.0)
    samples = sound(1.5, 16000, format.sample_rate)
    wire = ulaw_encode(samples) if format.codec == "ulaw" else samples.tobytes()
    for _ in range(2):
        recorder.agent_spoke(said(wire), 1.5, now=101.0)
    recorder.agent_cut(103.5)
    recorder.user_spoke(sound(0.5, 4000).tobytes(), now=104.0)
    recorder.close()
    return recording


def drawn(found: Peaks | None, points: int) -> tuple[list[float], list[float]]:
    assert found is not None
    user, agent = found.drawn(points)
    return [round(one, 1) for one in user], [round(one, 1) for one in agent]


@pytest.mark.parametrize("output", ["pcm_24000", "ulaw_8000"])
def test_each_side_is_seen_where_it_was_heard_before_and_after_mixing(tmp_path: Path, output: str) -> None:
    recording = recorded(tmp_path, output)
    by_halves = [0.2, 0.2, 0, 0, 0, 0, 0, 0.1], [0, 0, 0.5, 0.5, 0.5, 0.5, 0.5, 0]
    found = peaks(recording)
    assert found is not None and found.seconds == pytest.approx(4.0)
    assert drawn(found, 8) == by_halves
    assert mix_down(recording) and peaks_of(recording).is_file() and not spool_of(recording).exists()
    assert drawn(peaks(recording), 8) == by_halves

    peaks_of(recording).unlink()
    from_mp3 = peaks(recording)
    assert from_mp3 is not None and from_mp3.seconds == pytest.approx(4.0, abs=0.2)
    assert (
        from_mp3.user[10:90].min() > 6000
        and from_mp3.agent[120:240].min() > 12000
        and from_mp3.agent[10:90].max() < 900
    )


def test_it_shows_the_peaks_that_the_mixed_tracks_have(tmp_path: Path) -> None:
    recording = recorded(tmp_path, "pcm_16000")
    both = tracks(spool_of(recording))
    found = measured(spool_of(recording))
    for side, track in zip((found.user, found.agent), both, strict=True):
        exact = [np.abs(part).max() for part in np.split(track[: len(side) * 160], len(side))]
        assert side.tolist() == [int(one) for one in exact]


def test_few_and_many_points_are_drawn_of_the_same_peaks(tmp_path: Path) -> None:
    found = peaks(recorded(tmp_path))
    assert drawn(found, 1) == ([0.2], [0.5])
    user, agent = drawn(found, 4000)
    assert (len(user), len(agent), max(user), max(agent)) == (4000, 4000, 0.2, 0.5)
    hours = Peaks(7200.0, np.zeros(MOST_STRETCHES, np.uint16), np.full(MOST_STRETCHES, 40000, np.uint16))
    assert drawn(hours, 3) == ([0.0] * 3, [1.0] * 3)


def test_a_recording_that_was_deleted_has_no_waveform_and_gets_none(tmp_path: Path) -> None:
    recording = recorded(tmp_path)
    assert peaks(recording) is not None
    assert mix_down(recording) and stereo_of(recording).is_file()
    unlink_files_of(recording, words=False)
    assert peaks(recording) is None and list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("before", [1e-8, 3e-8, 6e-8])
def test_a_piece_that_begins_a_moment_before_a_stretch_is_measured_like_any(tmp_path: Path, before: float) -> None:
    recording = tmp_path / "call.mp3"
    recorder = Recorder(spool_of(recording), AudioFormat.parse("pcm_16000"), started_at=0.0)
    recorder.agent_spoke(said(sound(0.1, 16000).tobytes()), 0.1, now=0.03 - before)
    recorder.close()
    found = peaks(recording)
    assert found is not None
    assert max(found.agent[3:]) > 15000 and max(found.agent[:3]) == 0


def test_who_measures_at_once_does_not_write_into_the_others_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording, found = recorded(tmp_path), Peaks(1.0, np.zeros(4, np.uint16), np.ones(4, np.uint16))
    write, is_first = Path.write_bytes, [True]

    def another_comes(path: Path, data: bytes) -> int:
        written = write(path, data)
        if is_first:
            is_first.clear()
            waveform._keep(recording, found)
            assert path.is_file(), "the other has kept its own"
        return written

    monkeypatch.setattr(Path, "write_bytes", another_comes)
    waveform._keep(recording, found)
    kept = peaks(recording)
    assert kept is not None and (kept.user.tolist(), kept.agent.tolist()) == ([0] * 4, [1] * 4)
    assert not list(tmp_path.glob("*.part"))
