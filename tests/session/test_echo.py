"""The agent's own voice comes back, and is not taken for the caller's: on recorded speech, window by window."""

from pathlib import Path

import numpy as np
import pytest

from parola.session.audio import AudioFormat, read_wav, resample, ulaw_decode, ulaw_encode
from parola.session.echo import ArrivalClock, EchoGuard

ROOT = Path(__file__).parents[2]
RATE = 16000
WINDOW = 512
START = 1000.0


def recorded(name: str) -> np.ndarray:
    pcm, rate = read_wav(ROOT / name)
    return resample(np.frombuffer(pcm, np.int16), rate, RATE).astype(np.float64)


AGENT = np.concatenate([recorded("examples/question.wav")] * 3)
CALLER = recorded("tests/audio/amiable.wav")


def room(sound: np.ndarray, decibels: float, delay: float, seed: int = 1) -> np.ndarray:
    """``sound`` off the walls: it dies away in 0.3 s."""
    count = int(0.3 * RATE)
    randoms = np.random.default_rng(seed)
    response = randoms.standard_normal(count) * 10 ** (-3 * np.arange(count) / count) * 0.08
    response[0] += 1.0
    size = len(sound) + count
    back = np.fft.irfft(np.fft.rfft(sound, size) * np.fft.rfft(response, size), size)
    back *= 10 ** (decibels / 20) * sound.std() / back.std()
    return np.concatenate([np.zeros(int(delay * RATE)), back])


def heard(*sounds: np.ndarray, telephone: bool = False) -> np.ndarray:
    """What the microphone sends, all at once, with a little hiss."""
    total = np.random.default_rng(5).standard_normal(max(map(len, sounds))) * 10
    for sound in sounds:
        total[: len(sound)] += sound
    samples = np.clip(np.rint(total), -32768, 32767).astype(np.int16)
    return resample(ulaw_decode(ulaw_encode(resample(samples, RATE, 8000))), 8000, RATE) if telephone else samples


def verdicts(
    microphone: np.ndarray, *, format: str = "pcm_16000", cut_at: float | None = None, plays: np.ndarray = AGENT
) -> tuple[list[float], EchoGuard]:
    """When somebody spoke: the ends of loud windows that are not the agent's, in seconds. The agent's voice is sent in
    pieces of 0.2 s, one second ahead."""
    guard = EchoGuard(AudioFormat.parse(format))
    rate = guard._format.sample_rate
    pcm = resample(plays.astype(np.int16), RATE, rate)
    wire = ulaw_encode(pcm) if format.startswith("ulaw") else pcm.tobytes()
    piece = int(0.2 * guard._format.bytes_per_second) // 2 * 2
    sent, own, was_cut = 0, [], False
    for end in range(WINDOW, len(microphone) + 1, WINDOW):
        now = end / RATE
        if cut_at is not None and now >= cut_at and not was_cut:
            guard.cut(START + now)
            was_cut = True
        while sent < len(wire) and guard._format.seconds(sent) < now + 1.0 and not was_cut:
            guard.played(wire[sent : sent + piece], START + max(0.0, guard._format.seconds(sent) - 1.0))
            sent += piece
        if not guard.is_awake(START + now):
            continue
        window = microphone[end - WINDOW : end]
        guard.heard(window, end, START + now)
        if np.abs(window.astype(int)).max() > 300 and guard.own_words(1, START + now):
            own.append(now)
    return own, guard


@pytest.mark.parametrize("decibels", [-6, -12, -20])
@pytest.mark.parametrize("delay", [0.02, 0.15, 0.4])
def test_an_echo_is_nobodys_speech(decibels: float, delay: float):
    own, _ = verdicts(heard(room(AGENT, decibels, delay)))
    assert own == []


def test_an_echo_by_telephone_is_nobodys_speech():
    assert verdicts(heard(room(AGENT, -12, 0.3), telephone=True), format="ulaw_8000")[0] == []


@pytest.mark.parametrize("format", ["pcm_22050", "pcm_24000", "pcm_44100", "pcm_48000", "pcm_8000"])
def test_the_client_may_play_any_format(format: str):
    assert verdicts(heard(room(AGENT, -12, 0.2)), format=format)[0] == []


@pytest.mark.parametrize("decibels", [-6, -20])
def test_a_person_is_heard_over_the_echo(decibels: float):
    echo = room(AGENT, decibels, 0.15)
    caller = CALLER * (echo.std() / CALLER.std()) * 2
    begin = 3.0
    own, _ = verdicts(heard(echo, np.concatenate([np.zeros(int(begin * RATE)), caller])))
    assert len(own) > 25
    assert all(begin < at < begin + len(caller) / RATE + 0.1 for at in own)


def test_a_person_is_heard_at_once_where_there_is_no_echo():
    begin = 3.0
    own, _ = verdicts(heard(np.concatenate([np.zeros(int(begin * RATE)), CALLER, np.zeros(RATE)])))
    loud = np.abs(CALLER[: len(CALLER) // WINDOW * WINDOW].reshape(-1, WINDOW)).max(axis=1) > 2000
    assert own[0] - begin - np.flatnonzero(loud)[0] * WINDOW / RATE < 0.05
    assert len(own) >= loud.sum()


def test_an_echo_that_moves_is_found_again():
    """The client's buffer runs dry between two sentences, and is fuller by a quarter of a second from then on."""
    pause = np.zeros(RATE // 2)
    before, after = np.concatenate([AGENT, pause]), AGENT
    echo = np.concatenate([room(before, -12, 0.1)[: len(before) + 1600], room(after, -12, 0.25)])
    own, guard = verdicts(heard(echo), plays=np.concatenate([before, after]))
    assert all(later - at > 2.5 * WINDOW / RATE for at, later in zip(own, own[2:], strict=False))  # no utterance
    assert guard._delay == pytest.approx(0.35 / 0.016, abs=2)


def test_the_tail_after_an_interruption_is_the_agents_too():
    """The client plays on until it is told, and its last words are still on their way back."""
    cut = 3.0
    played = np.where(np.arange(len(AGENT)) < (cut + 0.1) * RATE, AGENT, 0.0)
    own, guard = verdicts(heard(room(played, -12, 0.3)), cut_at=cut)
    assert own == []
    assert not guard.is_awake(START + cut + 2)


def test_what_is_said_after_an_interruption_is_known_as_well():
    """The agent goes on at once: a false alarm. The new words begin when they were sent, not after the old ones."""
    guard = EchoGuard(AudioFormat.parse("pcm_16000"))
    second = bytes(range(256)) * 125
    guard.played(second, START)
    guard.played(second, START)
    guard.cut(START + 0.5)
    assert not guard.is_awake(START + 2)
    guard.played(second, START + 0.6)
    assert [(starts, len(audio)) for starts, audio in guard._playing] == [
        (START, pytest.approx(0.6 * 32000, abs=4)),
        (START + 0.6, 32000),
    ]
    assert guard.is_awake(START + 2.6)
    assert not guard.is_awake(START + 2.8)


def test_when_nothing_plays_everything_is_the_callers():
    guard = EchoGuard(AudioFormat.parse("pcm_16000"))
    assert not guard.is_awake(START)
    assert guard.own_words(3, START) == 3


def test_late_arrivals_do_not_move_the_clock():
    clock = ArrivalClock()
    for number in range(1, 200):
        late = 0.25 if number % 7 == 0 else 0.0
        clock.arrived(number * 400, START + number * 0.025 + late)
    assert clock.at(200 * 400) == pytest.approx(START + 5.0)


def test_a_microphone_that_was_muted_moves_the_clock():
    clock = ArrivalClock()
    for number in range(1, 100):
        clock.arrived(number * 400, START + number * 0.025)
    for number in range(100, 110):
        clock.arrived(number * 400, START + 60 + number * 0.025)
    assert clock.at(110 * 400) == pytest.approx(START + 60 + 110 * 0.025)
