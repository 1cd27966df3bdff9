"""What the benchmark makes of what it saw. Nothing here is timed."""

import base64

import pytest

from bench.analysis import Event, barge_in_figures, text_figures, tool_figures, voice_figures
from bench.caller import Turn
from bench.fakes import ref_in
from bench.figures import buckets, percentile_of_buckets
from bench.frames import TEXT, FrameReader, audio_frames, frame
from bench.report import capacity, first_knee, markdown, slope, table

CHAIN = [
    Event(12.3, "stt_asked", 7),
    Event(12.45, "stt_answered", 7),
    Event(12.55, "llm_asked", 7),
    Event(12.75, "llm_first_token", 7),
    Event(12.83, "llm_first_sentence", 7),
    Event(12.832, "tts_asked", 7),
    Event(12.932, "tts_first_byte", 7),
]


def spoken(**seen: float) -> Turn:
    turn = Turn(started_at=10.0, heard_id=3, ended_at=12.0, ref=7)
    for name, value in seen.items():
        setattr(turn, name, value)
    return turn


def voice(n: int, p95: float, *, cpu: float = 0.0, lost: int = 0) -> dict[str, object]:
    return {
        "what": "voice",
        "n": n,
        "turns": 10,
        "answered": 10 - lost,
        "connected": n,
        "dropped": 0,
        "added_p95_ms": p95,
        "cpu_percent": cpu,
    }


def test_added_latency_is_the_wait_without_the_models_own_time():
    figures = voice_figures([spoken(audio_at=12.933)], CHAIN)
    assert figures["answered"] == 1
    assert figures["added_p50_ms"] == 483.0  # 933 ms, of which the models take 450
    assert figures["speech_to_stt_p50_ms"] == 300.0
    assert figures["stt_to_llm_p50_ms"] == 100.0
    assert figures["sentence_to_tts_p50_ms"] == 2.0
    assert figures["tts_to_client_p50_ms"] == 1.0


def test_a_tool_call_costs_what_is_neither_the_tools_nor_the_models():
    log = [
        Event(5.0, "llm_tool_called", 3),
        Event(5.002, "tool_asked", 3),
        Event(5.102, "tool_answered", 3),
        Event(5.103, "llm_asked_again", 3),
        Event(6.0, "llm_tool_called", 4),
    ]
    figures = tool_figures([spoken(), spoken()], log)
    assert (figures["turns"], figures["answered"], figures["tool_added_p50_ms"]) == (2, 1, 3.0)


def test_audio_that_the_models_cannot_have_made_yet_answers_an_earlier_turn():
    assert voice_figures([spoken(audio_at=12.2)], CHAIN)["answered"] == 0


def test_audio_for_words_said_before_this_turn_is_no_answer_to_it():
    assert voice_figures([spoken(audio_at=12.933, started_at=12.31)], CHAIN)["answered"] == 0


def test_a_turn_without_audio_is_lost():
    assert voice_figures([spoken()], CHAIN)["answered"] == 0


def test_a_typed_turn_is_timed_beyond_the_models_first_token():
    log = [Event(10.001, "llm_asked", 5), Event(10.201, "llm_first_token", 5)]
    figures = text_figures([Turn(10.0, 0, ended_at=10.0, ref=5, text_at=10.204)], log)
    assert figures["text_added_p50_ms"] == 4.0


def test_only_speech_over_the_agents_voice_is_a_barge_in():
    quiet, cut = spoken(), spoken(cuts_reply=True, interrupted_at=10.25, old_audio_at=10.2)
    figures = barge_in_figures([quiet, cut], [Event(10.25, "tts_cancelled", 6)])
    assert (figures["turns"], figures["barge_ins"], figures["interrupted"]) == (2, 1, 1)
    assert figures["interruption_p50_ms"] == 250.0
    assert figures["tts_cancelled"] == 1


def test_cost_capacity_and_knee_come_from_runs_of_different_size():
    runs = [voice(1, 500, cpu=3.0), voice(10, 550, cpu=7.5), voice(50, 700, cpu=40), voice(100, 1000, cpu=70)]
    assert slope(runs[:2], "cpu_percent") == 0.5
    assert capacity(runs) == 10
    assert first_knee(runs) == 100
    assert first_knee([voice(1, 500), voice(10, 500, lost=1)]) == 10


def test_what_was_not_measured_is_not_claimed():
    lines = table([])
    assert {line.verdict for line in lines} == {"not measured"}
    assert {line.verdict for line in table([voice(1, 500), voice(10, 500)])} <= {"not measured", "reached"}
    assert "not measured" in markdown([voice(1, 500) | {"added_p50_ms": 480.0}])


@pytest.mark.parametrize("size", [5, 300, 70000])
def test_frames_are_read_however_they_are_cut(size: int):
    reader = FrameReader()
    assert reader.read_upgrade(b"HTTP/1.1 101 Switching") is None
    assert reader.read_upgrade(b" Protocols\r\n\r\n") == "HTTP/1.1 101 Switching Protocols"
    payload = b"x" * size
    from_server = _unmasked(frame(payload))
    read = [message for at in range(0, len(from_server), 700) for message in reader.read(from_server[at : at + 700])]
    assert read == [(TEXT, payload)]


def test_the_last_audio_frame_is_filled_up():
    frames = audio_frames(b"\1\0" * 5, 8)
    assert len(frames) == 2 and len(frames[0]) == len(frames[1])
    assert base64.b64encode(b"\1\0" + bytes(6)) in frames[1]


def test_the_last_reference_counts():
    assert ref_in("ref1 and Ref 22") == 22
    assert ref_in("nothing") == -1


def _unmasked(client_frame: bytes) -> bytes:
    """As a server sends it: no mask bit, no mask."""
    length = client_frame[1] & 127
    start = 2 + {126: 2, 127: 8}.get(length, 0)
    return bytes((client_frame[0], length)) + client_frame[2:start] + client_frame[start + 4 :]


def test_a_percentile_out_of_a_histogram_is_of_what_came_in_between():
    before = buckets('x_bucket{le="0.01"} 5.0\nx_bucket{le="0.02"} 5.0\nx_bucket{le="+Inf"} 5.0\nx_count 5.0\n', "x")
    after = buckets('x_bucket{le="0.01"} 95.0\nx_bucket{le="0.02"} 104.0\nx_bucket{le="+Inf"} 105.0\n', "x")
    assert percentile_of_buckets(before, after, 45) == 0.005
    assert percentile_of_buckets(before, after, 99) == 0.02
    assert percentile_of_buckets(before, after, 100) == 0.02  # at least
    assert percentile_of_buckets(after, after, 99) is None
