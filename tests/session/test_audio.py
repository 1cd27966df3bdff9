"""The seven wire formats, µ-law, resampling and WAV files."""

import wave
from io import BytesIO
from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parola.errors import InvalidRequest
from parola.session.audio import (
    FORMATS,
    AudioFormat,
    Decoder,
    Encoder,
    Resampler,
    read_wav,
    resample,
    ulaw_decode,
    ulaw_encode,
    wav_bytes,
)

RATES = (8000, 16000, 22050, 24000, 44100, 48000)
PAIRS = [(a, b) for a, b in product(RATES, RATES) if a != b]


def tone(rate: int, seconds: float = 1.0, hertz: float = 1000, peak: float = 20000) -> np.ndarray:
    return np.rint(peak * np.sin(2 * np.pi * hertz * np.arange(int(rate * seconds)) / rate)).astype(np.int16)


def decibels(signal: np.ndarray, noise: np.ndarray) -> float:
    """How far ``noise`` lies below ``signal``; rounding alone is some 90 dB."""
    return 10 * np.log10((signal.astype(float) ** 2).mean() / ((noise.astype(float) ** 2).mean() + 1e-9))


def chunks_of(whole, sizes):
    """``whole`` cut at the running sum of ``sizes``, the rest last."""
    borders = [0, *(min(int(end), len(whole)) for end in np.cumsum(sizes)), len(whole)]
    return [whole[a:b] for a, b in pairwise(borders)]


# -- formats ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_is_known_by_its_wire_name(name):
    assert AudioFormat.parse(name).name == name


def test_a_second_of_audio_has_the_size_its_format_says():
    assert AudioFormat.parse("ulaw_8000").bytes_per_second == 8000
    assert AudioFormat.parse("pcm_44100").seconds(88200) == 1.0


@pytest.mark.parametrize("name", ["mp3_44100_128", "pcm_11025", "ulaw_16000", "pcm", ""])
def test_an_unknown_format_is_refused_with_the_list_of_known_ones(name):
    with pytest.raises(InvalidRequest, match=r"expected one of pcm_8000, .*, ulaw_8000"):
        AudioFormat.parse(name)


# -- µ-law --------------------------------------------------------------------------------------------------------


def ulaw_code(sample: int) -> int:
    """G.711 as a search through the eight segments, one sample at a time."""
    sample >>= 2
    sign = 0x7F if sample < 0 else 0xFF
    magnitude = min(abs(sample), 8158) + 33
    for segment, end in enumerate((0x3F, 0x7F, 0xFF, 0x1FF, 0x3FF, 0x7FF, 0xFFF, 0x1FFF)):
        if magnitude <= end:
            return sign ^ (segment << 4 | (magnitude >> (segment + 1)) & 0xF)
    raise AssertionError("beyond the last segment")


def ulaw_value(code: int) -> int:
    """The middle of the interval that a code stands for, in 16 bits."""
    code ^= 0xFF
    step = 8 << (code >> 4 & 7)
    magnitude = 33 * 4 * ((1 << (code >> 4 & 7)) - 1) + (code & 0xF) * step
    return -magnitude if code & 0x80 else magnitude


def test_ulaw_codes_are_those_of_g711_for_all_samples():
    samples = np.arange(-32768, 32768).astype(np.int16)
    assert ulaw_encode(samples) == bytes(ulaw_code(int(sample)) for sample in samples)


def test_ulaw_samples_are_those_of_g711_for_all_codes():
    assert ulaw_decode(bytes(range(256))).tolist() == [ulaw_value(code) for code in range(256)]


def test_every_ulaw_code_survives_a_round_trip_but_for_negative_zero():
    codes = bytes(code for code in range(256) if code != 0x7F)
    assert ulaw_encode(ulaw_decode(codes)) == codes


# -- resampling ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_a_tone_comes_out_clean_and_in_its_place(source, target):
    heard = resample(tone(source), source, target).astype(np.float64)
    expected = tone(target).astype(np.float64)
    middle = slice(target // 20, -target // 20)
    noise = heard[: len(expected)][middle] - expected[middle]
    assert decibels(expected[middle], noise) > 75


@pytest.mark.parametrize(("source", "target"), [(48000, 8000), (44100, 16000), (24000, 16000), (16000, 8000)])
def test_what_the_lower_rate_cannot_carry_is_removed(source, target):
    above = tone(source, hertz=target * 0.62)
    heard = resample(above, source, target)[target // 20 : -target // 20]
    assert np.abs(heard).max() < 20000 / 1000


@given(
    pair=st.sampled_from(PAIRS),
    sizes=st.lists(st.integers(0, 700), max_size=12),
    length=st.integers(0, 3000),
    kind=st.sampled_from([np.int16, np.float32]),
)
@settings(deadline=None)
def test_the_output_does_not_depend_on_the_chunks(pair, sizes, length, kind):
    samples = np.random.default_rng(length).integers(-32768, 32768, length).astype(kind)
    resampler = Resampler(*pair)
    parts = [resampler.process(chunk) for chunk in chunks_of(samples, sizes)]
    pieced = np.concatenate([*parts, resampler.flush(kind)])
    assert pieced.dtype == kind
    assert np.array_equal(pieced, resample(samples, *pair))


@given(pair=st.sampled_from(PAIRS), length=st.integers(0, 3000))
@settings(deadline=None)
def test_no_sample_is_lost_or_invented(pair, length):
    source, target = pair
    assert len(resample(np.zeros(length, np.int16), source, target)) == -(-length * target // source)


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_a_resampler_is_at_most_two_milliseconds_late(source, target):
    given_seconds = 0.1
    heard = Resampler(source, target).process(tone(source, given_seconds))
    assert given_seconds - len(heard) / target < 0.002


def test_a_flushed_resampler_begins_a_new_stream():
    resampler = Resampler(24000, 16000)
    first = np.concatenate([resampler.process(tone(24000)), resampler.flush()])
    second = np.concatenate([resampler.process(tone(24000)), resampler.flush()])
    assert np.array_equal(first, second)
    assert len(resampler.flush()) == 0


def test_full_scale_is_clipped_and_does_not_wrap():
    square = np.repeat(np.tile(np.array([32767, -32768], np.int16), 50), 40)
    heard = resample(square, 8000, 16000)
    assert (np.sign(heard[:4000].reshape(-1, 80)[:, 20:60]) == np.tile([[1], [-1]], (25, 1))).all()


def test_equal_rates_pass_the_very_same_samples():
    samples = tone(16000)
    assert Resampler(16000, 16000).process(samples) is samples


def test_a_rate_of_nothing_is_refused():
    with pytest.raises(ValueError, match="must be positive, got 0 and 16000"):
        Resampler(0, 16000)


# -- streams ------------------------------------------------------------------------------------------------------


@given(sizes=st.lists(st.integers(0, 9), max_size=60), name=st.sampled_from(FORMATS))
@settings(deadline=None)
def test_a_decoder_does_not_mind_where_the_chunks_are_cut(sizes, name):
    data = np.random.default_rng(len(sizes)).bytes(200)
    whole, pieced = Decoder(AudioFormat.parse(name)), Decoder(AudioFormat.parse(name))
    parts = [pieced.decode(chunk) for chunk in chunks_of(data, sizes)]
    assert np.array_equal(np.concatenate([*parts, pieced.flush()]), np.concatenate([whole.decode(data), whole.flush()]))


def test_half_a_sample_waits_for_its_other_half():
    decoder = Decoder(AudioFormat.parse("pcm_16000"))
    assert decoder.decode(b"\x01").tolist() == []
    assert decoder.decode(b"\x02\x03").tolist() == [0x0201]
    assert decoder.decode(b"\x04").tolist() == [0x0403]


@pytest.mark.parametrize("name", FORMATS)
def test_a_tone_survives_the_way_out_and_in_again(name):
    format = AudioFormat.parse(name)
    encoder, decoder = Encoder(24000, format), Decoder(format, 24000)
    wire = encoder.encode(tone(24000).tobytes()) + encoder.flush()
    assert len(wire) == format.bytes_per_second
    heard = np.concatenate([decoder.decode(wire), decoder.flush()]).astype(np.float64)
    noise = (heard - tone(24000))[2000:-2000]
    assert decibels(tone(24000), noise) > (35 if format.codec == "ulaw" else 75)


def test_a_voice_at_the_wire_rate_is_sent_as_it_is():
    pcm = tone(24000).tobytes()
    encoder = Encoder(24000, AudioFormat.parse("pcm_24000"))
    assert encoder.encode(pcm) is pcm
    assert encoder.flush() == b""


# -- WAV files ----------------------------------------------------------------------------------------------------


def test_a_wav_file_gives_back_what_was_written(tmp_path):
    pcm = tone(22050, 0.1).tobytes()
    path = tmp_path / "tone.wav"
    path.write_bytes(wav_bytes(pcm, 22050))
    assert read_wav(path) == read_wav(wav_bytes(pcm, 22050)) == (pcm, 22050)


def wav_of(frames: bytes, channels: int, width: int) -> bytes:
    file = BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(channels)
        writer.setsampwidth(width)
        writer.setframerate(8000)
        writer.writeframes(frames)
    return file.getvalue()


def test_the_channels_of_a_wav_file_are_averaged():
    stereo = np.array([[100, 300], [-50, 50]], np.int16)
    assert read_wav(wav_of(stereo.tobytes(), 2, 2)) == (np.array([200, 0], np.int16).tobytes(), 8000)


@pytest.mark.parametrize(
    ("width", "frames"),
    [(1, b"\x80\x81\x00"), (3, b"\xff\0\0\xff\0\x01\xff\0\x80"), (4, b"\xff\xff\0\0\xff\xff\0\x01\xff\xff\0\x80")],
)
def test_wav_samples_of_any_width_become_16_bits(width, frames):
    assert np.frombuffer(read_wav(wav_of(frames, 1, width))[0], np.int16).tolist() == [0, 256, -32768]


@pytest.mark.parametrize("data", [b"", b"ID3 something else", wav_bytes(b"\0\0", 8000)[:30]])
def test_something_else_than_wav_is_refused(data):
    with pytest.raises(InvalidRequest, match="Expected a WAV file"):
        read_wav(data)
