"""A recording holds both sides where they were heard, and not what was cut off."""

import numpy as np

from parola.session.audio import AudioFormat, ulaw_encode
from parola.session.recording import Recorder, mix, mixed

RATE = 16000
SECOND = np.full(RATE, 1000, np.int16).tobytes()


def recorded(tmp_path, play, output="pcm_16000"):
    path = tmp_path / "call.spool"
    recorder = Recorder(path, AudioFormat.parse(output), started_at=100.0)
    play(recorder)
    recorder.close()
    return path


def loud_seconds(samples: np.ndarray) -> list[float]:
    """Where sound begins and ends, in tenths of a second."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], (np.abs(samples) > 500).astype(np.int8), [0]])))
    return [round(edge / RATE, 1) for edge in edges]


def test_the_user_is_heard_where_the_user_spoke(tmp_path):
    def play(recorder):
        recorder.user_spoke(SECOND, now=101.0)
        recorder.user_spoke(SECOND, now=104.0)

    assert loud_seconds(mixed(recorded(tmp_path, play))) == [0.0, 1.0, 3.0, 4.0]


def test_chunks_that_come_a_little_late_leave_no_gaps(tmp_path):
    def play(recorder):
        for now in (101.0, 102.2, 103.1):
            recorder.user_spoke(SECOND, now=now)

    assert loud_seconds(mixed(recorded(tmp_path, play))) == [0.0, 3.0]


def test_audio_sent_ahead_plays_when_what_was_sent_before_has_been_played(tmp_path):
    def play(recorder):
        recorder.agent_spoke(SECOND, 1.0, now=102.0)
        recorder.agent_spoke(SECOND, 1.0, now=102.0)

    assert loud_seconds(mixed(recorded(tmp_path, play))) == [2.0, 4.0]


def test_what_an_interruption_cut_off_is_not_heard(tmp_path):
    def play(recorder):
        recorder.agent_spoke(SECOND, 1.0, now=100.0)
        recorder.agent_spoke(SECOND, 1.0, now=100.0)
        recorder.agent_cut(101.5)
        recorder.agent_spoke(SECOND, 1.0, now=103.0)

    assert loud_seconds(mixed(recorded(tmp_path, play))) == [0.0, 1.5, 3.0, 4.0]


def test_both_sides_may_speak_at_once(tmp_path):
    def play(recorder):
        recorder.user_spoke(SECOND, now=101.0)
        recorder.agent_spoke(SECOND, 1.0, now=100.5)

    samples = mixed(recorded(tmp_path, play))
    assert samples[int(0.25 * RATE)] == 1000 and samples[int(0.75 * RATE)] == 2000 and samples[int(1.25 * RATE)] == 1000


def test_a_spool_cut_short_by_a_crash_plays_up_to_there(tmp_path):
    path = recorded(tmp_path, lambda recorder: [recorder.agent_spoke(SECOND, 1.0, now=100.0) for _ in range(3)])
    path.write_bytes(path.read_bytes()[:-1000])
    assert loud_seconds(mixed(path)) == [0.0, 2.0]


def test_other_output_formats_are_brought_to_one_rate(tmp_path):
    chunk = ulaw_encode(np.full(8000, 1000, np.int16))
    path = recorded(tmp_path, lambda recorder: recorder.agent_spoke(chunk, 1.0, now=101.0), output="ulaw_8000")
    assert loud_seconds(mixed(path)) == [1.0, 2.0]


def test_the_mix_is_an_mp3_of_the_right_length(tmp_path):
    mp3 = mix(recorded(tmp_path, lambda recorder: [recorder.user_spoke(SECOND, now=101.0 + i) for i in range(5)]))
    assert mp3[0] == 0xFF and mp3[1] & 0xE0 == 0xE0
    assert abs(len(mp3) / (32000 / 8) - 5) < 0.5
