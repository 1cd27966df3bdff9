"""A recording holds both sides where they were heard, and not what was cut off."""

import io
import subprocess
import sys
import wave

import miniaudio
import numpy as np
import pytest

from parola.privacy.policy import Policy
from parola.protocol.server_messages import Audio, AudioAlignment
from parola.session import mixing
from parola.session.audio import AudioFormat, ulaw_encode
from parola.session.mixing import Mp3, interleaved, mix_down, sides, wav
from parola.session.recording import Recorder
from parola.session.silencing import SilencedRecorder
from parola.store.base import raw_of, spool_of, stereo_of, unlink_files_of

RATE = 16000
SECOND = np.full(RATE, 1000, np.int16).tobytes()


def said(audio: bytes = SECOND, event_id: int = 1, text: str = "") -> Audio:
    """A second of the agent's voice, in which the characters of the text are spoken evenly."""
    each = 1000 // max(1, len(text))
    alignment = AudioAlignment(
        chars=tuple(text),
        char_start_times_ms=tuple(each * place for place in range(len(text))),
        char_durations_ms=(each,) * len(text),
    )
    return Audio(audio_base_64=audio, event_id=event_id, alignment=alignment if text else None)


def tracks(spool):
    """The user and the agent, whole."""
    with spool.open("rb") as file:
        return [np.concatenate(side) for side in zip(*sides(file.fileno()), strict=True)]


def mixed(spool):
    user, agent = tracks(spool)
    return interleaved(user + agent)[:, 0]


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
        recorder.agent_spoke(said(), 1.0, now=102.0)
        recorder.agent_spoke(said(), 1.0, now=102.0)

    assert loud_seconds(mixed(recorded(tmp_path, play))) == [2.0, 4.0]


def test_what_an_interruption_cut_off_is_not_heard(tmp_path):
    def play(recorder):
        recorder.agent_spoke(said(), 1.0, now=100.0)
        recorder.agent_spoke(said(), 1.0, now=100.0)
        recorder.agent_cut(101.5)
        recorder.agent_spoke(said(), 1.0, now=103.0)

    assert loud_seconds(mixed(recorded(tmp_path, play))) == [0.0, 1.5, 3.0, 4.0]


def test_both_sides_may_speak_at_once(tmp_path):
    def play(recorder):
        recorder.user_spoke(SECOND, now=101.0)
        recorder.agent_spoke(said(), 1.0, now=100.5)

    samples = mixed(recorded(tmp_path, play))
    assert samples[int(0.25 * RATE)] == 1000 and samples[int(0.75 * RATE)] == 2000 and samples[int(1.25 * RATE)] == 1000


def test_a_spool_cut_short_by_a_crash_plays_up_to_there(tmp_path):
    path = recorded(tmp_path, lambda recorder: [recorder.agent_spoke(said(), 1.0, now=100.0) for _ in range(3)])
    path.write_bytes(path.read_bytes()[:-1000])
    assert loud_seconds(mixed(path)) == [0.0, 2.0]


def test_other_output_formats_are_brought_to_one_rate(tmp_path):
    chunk = ulaw_encode(np.full(8000, 1000, np.int16))
    path = recorded(tmp_path, lambda recorder: recorder.agent_spoke(said(chunk), 1.0, now=101.0), output="ulaw_8000")
    assert loud_seconds(mixed(path)) == [1.0, 2.0]


def tone(hertz: float, seconds: float = 0.5) -> bytes:
    return (8000 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * RATE)) / RATE)).astype(np.int16).tobytes()


def onsets(samples: np.ndarray) -> list[float]:
    """Seconds at which sound begins after silence."""
    loud = np.flatnonzero(np.abs(samples.astype(int)) > 2000)
    return [] if not len(loud) else [float(loud[i]) / RATE for i in (0, *(np.flatnonzero(np.diff(loud) > 1600) + 1))]


@pytest.mark.parametrize("output", ["pcm_16000", "pcm_24000", "ulaw_8000"])
def test_a_tone_of_each_side_is_found_at_its_place_in_the_file_that_is_served(tmp_path, output):
    recording = tmp_path / "call.mp3"
    recorder = Recorder(spool_of(recording), AudioFormat.parse(output), started_at=100.0)
    rate = AudioFormat.parse(output).sample_rate
    pcm = (8000 * np.sin(2 * np.pi * 440 * np.arange(rate // 2) / rate)).astype(np.int16)
    for at in (1.0, 4.0, 30.0):
        recorder.user_spoke(tone(440), now=100.0 + at + 0.5)
        wire = ulaw_encode(pcm) if output == "ulaw_8000" else pcm.tobytes()
        recorder.agent_spoke(said(wire), 0.5, now=100.0 + at + 1.5)
    recorder.close()
    assert mix_down(recording) and not spool_of(recording).exists()

    mono = miniaudio.decode_file(str(recording), nchannels=1, sample_rate=RATE)
    found = onsets(np.frombuffer(mono.samples, np.int16))
    assert found == pytest.approx([1.0, 2.5, 4.0, 5.5, 30.0, 31.5], abs=0.04)

    wav(stereo_of(recording), made := io.BytesIO())
    made.seek(0)
    with wave.open(made) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (2, 2, RATE)
        both = np.frombuffer(file.readframes(file.getnframes()), np.int16).reshape(-1, 2)
    assert onsets(both[:, 0]) == pytest.approx([1.0, 4.0, 30.0], abs=0.04)
    assert onsets(both[:, 1]) == pytest.approx([2.5, 5.5, 31.5], abs=0.04)


@pytest.mark.parametrize("when", [1, 2])
def test_a_recording_that_is_deleted_while_it_is_mixed_does_not_come_back(tmp_path, monkeypatch, when):
    recording = tmp_path / "call.mp3"
    recorder = Recorder(spool_of(recording), AudioFormat.parse("pcm_16000"), started_at=100.0)
    recorder.user_spoke(tone(440), now=102.0)
    recorder.close()
    kept, keep = [], Mp3.keep

    def noted(made):
        kept.append(made)
        if len(kept) == when:
            unlink_files_of(recording)
        keep(made)

    monkeypatch.setattr(Mp3, "keep", noted)
    assert not mix_down(recording) and list(tmp_path.iterdir()) == []


def test_of_a_call_that_was_killed_before_anything_was_written_there_is_an_empty_recording(tmp_path):
    recording = tmp_path / "call.mp3"
    spool_of(recording).touch()
    assert mix_down(recording)
    assert recording.stat().st_size > 0 and not spool_of(recording).exists()
    with (tmp_path / "call.wav").open("wb") as file:
        wav(recording, file)


@pytest.mark.parametrize("output", ["pcm_24000", "ulaw_8000", "pcm_16000"])
def test_a_recording_sounds_the_same_however_little_of_it_is_in_memory_at_a_time(tmp_path, monkeypatch, output):
    format = AudioFormat.parse(output)
    path = tmp_path / "call.spool"
    recorder = Recorder(path, format, started_at=100.0)
    noise = np.random.default_rng(7)
    for second in (0.4, 1.4, 2.4, 7.0, 8.0, 12.3):
        samples = (3000 * noise.standard_normal(format.sample_rate)).astype(np.int16)
        wire = ulaw_encode(samples) if format.codec == "ulaw" else samples.tobytes()
        recorder.agent_spoke(said(wire), 1.0, now=100.0 + second)
        if second == 8.0:
            recorder.agent_cut(108.6)
        recorder.user_spoke((3000 * noise.standard_normal(RATE)).astype(np.int16).tobytes(), now=101.0 + second)
    recorder.close()
    in_pieces = tracks(path)
    monkeypatch.setattr(mixing, "BLOCK_SECONDS", 1000)
    whole = tracks(path)
    for one, other in zip(in_pieces, whole, strict=True):
        assert len(one) == len(other) >= 13 * RATE and np.abs(one - other).max() < 1


LONG = """
import resource, sys, tracemalloc
from pathlib import Path
import numpy as np
from parola.protocol.server_messages import Audio
from parola.session.audio import AudioFormat
from parola.session.mixing import mix_down
from parola.session.recording import Recorder
from parola.session.silencing import silence
from parola.store.base import spool_of

recording, seconds = Path(sys.argv[1]), int(sys.argv[2])
output = AudioFormat.parse("pcm_24000")
recorder = Recorder(spool_of(recording), output, 0.0)
user, agent = bytes(2 * 16000), bytes(2 * 24000)
for second in range(seconds):
    recorder.user_spoke(user, now=second + 1.0)
    recorder.agent_spoke(Audio(audio_base_64=agent, event_id=1), 1.0, now=float(second))
recorder.close()
del recorder
tracemalloc.start()
silence(spool_of(recording), [(1.0, 2.0)], [(1.0, 2.0)], output)
if sys.argv[3:] != ["silence"]:
    mix_down(recording)
print(tracemalloc.get_traced_memory()[1], resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
"""


def test_a_long_recording_is_silenced_and_mixed_in_the_memory_of_a_short_one(tmp_path):
    def peak(seconds, *only):
        ran = subprocess.run(
            [sys.executable, "-c", LONG, tmp_path / "call.mp3", str(seconds), *only],
            check=True,
            capture_output=True,
            text=True,
        )
        return int(ran.stdout.split()[0])

    assert peak(3600, "silence") < 1_000_000
    assert peak(120) < 12_000_000


def test_a_name_is_silent_wherever_it_is_said_and_what_agents_want_that_joined_is_too(tmp_path):
    recording = tmp_path / "call.mp3"
    known = Policy(redacts=True, entities=("name", "email_address"), names=("Grace",))
    first = Policy(redacts=True, entities=("email_address",))
    recorder = SilencedRecorder(recording, AudioFormat.parse("pcm_16000"), 100.0, first, lambda: known)
    recorder.agent_spoke(said(event_id=1, text="now hello Ada bye"), 1.0, now=100.0)
    recorder.agent_spoke(said(event_id=2, text="Grace is here now"), 1.0, now=104.0)
    for second in range(6, 9):
        recorder.user_spoke(SECOND, now=101.0 + second)
    turns = [
        {"role": "agent", "message": "now hello Ada bye", "source_event_id": 1},
        {
            "role": "user",
            "message": "My name is Ada",
            "source_medium": "audio",
            "x_timeline": {"speech_started_secs": 7.0, "speech_stopped_secs": 8.0},
        },
        {"role": "agent", "message": "Grace is here now", "source_event_id": 2},
    ]
    for index, turn in enumerate(turns):
        recorder.turn(index, turn)
    recorder.close()
    user, agent = tracks(spool_of(recording))
    letter = RATE // 17
    assert not agent[10 * letter : 13 * letter].any() and agent[: 8 * letter].any() and agent[15 * letter : RATE].any()
    assert not agent[4 * RATE : 4 * RATE + 5 * letter].any() and agent[4 * RATE + 8 * letter : 5 * RATE].any()
    assert user[6 * RATE : round(6.4 * RATE)].any() and not user[round(6.6 * RATE) : round(8.4 * RATE)].any()


def test_what_must_not_be_heard_is_silent_before_the_recording_can_be_asked_for(tmp_path):
    recording = tmp_path / "call.mp3"
    policy = Policy(redacts=True, entities=("email_address",))
    recorder = SilencedRecorder(recording, AudioFormat.parse("pcm_16000"), 100.0, policy)
    text = "mail jo@ex.com now"
    recorder.agent_spoke(said(event_id=1, text=text), 1.0, now=100.0)
    recorder.agent_spoke(said(event_id=2), 1.0, now=102.0)
    recorder.agent_spoke(said(event_id=3, text="nothing here"), 1.0, now=104.0)
    for second in range(6, 12):
        recorder.user_spoke(SECOND, now=101.0 + second)
    recorder.turn(0, {"role": "agent", "message": text, "source_event_id": 1})
    recorder.turn(1, {"role": "agent", "message": "it is jo@ex.com", "source_event_id": 2})
    recorder.turn(2, {"role": "agent", "message": "nothing here", "source_event_id": 3})
    times = {"speech_started_secs": 8.5, "speech_stopped_secs": 9.5}
    recorder.turn(3, {"role": "user", "message": "my mail is jo@ex.com", "x_timeline": times})
    assert raw_of(recording).exists() and not spool_of(recording).exists()
    recorder.close()
    assert not raw_of(recording).exists()

    # "mail ", then silence with a margin, then " now"; the second, without alignment, is gone; the user's turn too.
    begin, end = text.index("jo") / 18 - 0.1, (text.index(" now")) / 18 + 0.1
    user, agent = tracks(spool_of(recording))
    assert loud_seconds(agent) == [0.0, round(begin, 1), round(end, 1), 1.0, 4.0, 5.0]
    assert loud_seconds(user) == [6.0, 8.0, 10.0, 12.0]


def test_of_a_recording_that_somebody_joined_who_may_not_be_recorded_nothing_remains(tmp_path):
    recorder = Recorder(tmp_path / "call.spool", AudioFormat.parse("pcm_16000"), started_at=100.0)
    recorder.user_spoke(SECOND, now=101.0)
    recorder.discard()
    assert list(tmp_path.iterdir()) == []
