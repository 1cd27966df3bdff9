"""Echo, other voices, soft voices and noise: what the ear makes of them, with the real models.

    python -m bench.noise [echo barge-in cost background soft steady]

Prints a table for each, as in docs/noise-and-echo.md. The ear is the server's own ``Listening`` on an event loop whose
clock jumps; the recordings are those of ``bench.listening``. Nothing is random that is not seeded.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from bench.listening.corpus import NoCorpus, load
from bench.listening.sounds import RATE, SPEECH_RMS, Samples, blocks, joined, louder, silence, sounding, street, white
from bench.listening.words import Errors, errors, total
from parola.config import default_models_dir
from parola.conversation.events import Event, SpeechStarted, SpeechStopped
from parola.providers.base import Capabilities, Transcript, TranscriptionSettings, VoiceSettings
from parola.providers.hibari import HibariTextToSpeech
from parola.providers.moonshine import MoonshineSpeechToText
from parola.providers.silero import SileroVoiceActivity
from parola.session.attention import Attention
from parola.session.audio import AudioFormat, resample, ulaw_decode, ulaw_encode
from parola.session.echo import EchoGuard
from parola.session.levels import Loudness
from parola.session.listening import Listening
from parola.session.voice_activity import SharedVoiceActivity
from tests.virtual_time import run

MESSAGE = RATE // 40
AHEAD_SECONDS = 1.0
"""How far ahead of playback the agent's audio is sent."""
PIECE_SECONDS = 0.2

AGENT_SAYS = (
    "Good afternoon, and thank you for calling the harbour office. I can help you with berths, permits and lost "
    "property. Our opening hours are Monday to Friday, from nine in the morning until half past five. I have found "
    "your booking. You are arriving on the fourteenth of June, and staying for three nights, in a double room with a "
    "view of the sea. To reset the device, hold the small button at the back for ten seconds, until the light turns "
    "blue. Then let go, and wait for a minute."
)


@dataclass(frozen=True, slots=True)
class Way:
    """How the agent's voice comes back."""

    decibels: float
    """Of the echo, below what was sent."""
    delay_seconds: float
    reverberation_seconds: float = 0.3
    is_telephone: bool = False
    arrives_late: bool = False
    """One message in ten comes 0.1 to 0.3 s late."""


WAYS = tuple(
    Way(level, delay, room, telephone, late)
    for level in (-6.0, -12.0, -20.0)
    for delay, room, telephone, late in (
        (0.02, 0.2, False, False),
        (0.12, 0.4, False, True),
        (0.25, 0.3, True, False),
        (0.40, 0.4, True, True),
    )
)


def returned(agent: Samples, way: Way, seed: int) -> Samples:
    """The agent's voice as the microphone hears it: a room whose echo dies away, and a few hard walls."""
    randoms = np.random.default_rng(seed)
    count = int(way.reverberation_seconds * RATE)
    response = randoms.standard_normal(count) * 10 ** (-3 * np.arange(count) / count) * 0.08
    response[0] += 1.0
    for place in randoms.integers(20, 400, 5):
        response[place] += randoms.uniform(-0.4, 0.4)
    size = len(agent) + count
    sound = np.fft.irfft(np.fft.rfft(agent, size) * np.fft.rfft(response, size), size)
    sound *= 10 ** (way.decibels / 20) * loudness(agent) / loudness(sound.astype(np.float32))
    return joined(silence(way.delay_seconds), sound.astype(np.float32))


def loudness(samples: Samples) -> float:
    loud = blocks(samples)
    return float(np.sqrt(np.mean(loud[loud > np.median(loud)] ** 2)))


# -- an ear -----------------------------------------------------------------------------------------------------------


class Keeping:
    """``SpeechToText`` and ``Transcription`` that keep the sound of every turn, to be transcribed afterwards."""

    name = "keeping"
    capabilities = Capabilities()

    def __init__(self) -> None:
        self.pcm = b""

    def open(self, settings: TranscriptionSettings) -> Keeping:
        return self

    def send(self, pcm: bytes) -> None:
        self.pcm += pcm

    async def transcribe(self) -> Transcript:
        return Transcript("")

    def reset(self) -> None: ...

    async def warm_up(self) -> None: ...

    async def aclose(self) -> None: ...


@dataclass(slots=True)
class Heard:
    starts: list[float] = field(default_factory=list)
    """When it was known that somebody speaks; seconds from the first sample, as all times here."""
    stops: list[float] = field(default_factory=list)
    ends: list[float] = field(default_factory=list)
    """When they had stopped, as it was told."""
    pcm: bytes = b""
    """What would be transcribed."""


class Ears:
    """Hears recordings, one at a time, with a detector that is loaded once."""

    def __init__(self) -> None:
        self.detector = SileroVoiceActivity(default_models_dir())
        self.detector.load()

    def hear(
        self, microphone: Samples, attention: Attention, agent: Samples | None = None, way: Way | None = None
    ) -> Heard:
        return run(self._hear(microphone, attention, agent, way or Way(0, 0)))

    async def _hear(self, microphone: Samples, attention: Attention, agent: Samples | None, way: Way) -> Heard:
        loop = asyncio.get_running_loop()
        zero, heard, keeping = loop.time(), Heard(), Keeping()

        def tell(event: Event) -> None:
            match event:
                case SpeechStarted():
                    heard.starts.append(loop.time() - zero)
                case SpeechStopped():
                    heard.stops.append(loop.time() - zero)
                    heard.ends.append(event.at - zero)

        listening = Listening(
            keeping, TranscriptionSettings(), SharedVoiceActivity(self.detector), tell, attention=attention
        )
        speaking = loop.create_task(_speak(agent, attention, way)) if agent is not None else None
        randoms, late_until = np.random.default_rng(7), 0.0
        samples = on_the_line(microphone, way)
        for first in range(0, len(samples), MESSAGE):
            due = zero + (first + MESSAGE) / RATE
            if way.arrives_late and randoms.random() < 0.1:
                late_until = max(late_until, due + randoms.uniform(0.1, 0.3))
            await asyncio.sleep(max(0.0, max(due, late_until) - loop.time()))
            listening.feed(samples[first : first + MESSAGE])
        await asyncio.sleep(0.1)
        if speaking is not None:
            speaking.cancel()
        await listening.aclose()
        heard.pcm = keeping.pcm
        return heard


def on_the_line(microphone: Samples, way: Way) -> NDArray[np.int16]:
    hiss = np.random.default_rng(5).standard_normal(len(microphone)).astype(np.float32) * np.float32(0.0002)
    samples: NDArray[np.int16] = np.rint(np.clip(microphone + hiss, -0.999, 0.999) * 32767).astype(np.int16)
    if not way.is_telephone:
        return samples
    heard: NDArray[np.int16] = resample(ulaw_decode(ulaw_encode(resample(samples, RATE, 8000))), 8000, RATE)
    return heard


def output_format(way: Way) -> AudioFormat:
    return AudioFormat.parse("ulaw_8000" if way.is_telephone else "pcm_16000")


async def _speak(agent: Samples, attention: Attention, way: Way) -> None:
    loop = asyncio.get_running_loop()
    zero, format = loop.time(), output_format(way)
    pcm = np.rint(np.clip(agent, -0.999, 0.999) * 32767).astype(np.int16)
    wire = ulaw_encode(resample(pcm, RATE, 8000)) if way.is_telephone else pcm.tobytes()
    piece = int(PIECE_SECONDS * format.bytes_per_second)
    for first in range(0, len(wire), piece):
        await asyncio.sleep(max(0.0, zero + format.seconds(first) - AHEAD_SECONDS - loop.time()))
        attention.agent_spoke(wire[first : first + piece], loop.time())


def guarded(way: Way) -> Attention:
    return Attention(EchoGuard(output_format(way)))


def agent_voices() -> dict[str, Samples]:
    """What the agent says, in several voices."""

    async def speak() -> dict[str, Samples]:
        tts = HibariTextToSpeech()
        voices = {}
        for voice in tts.voices:
            parts = [
                np.frombuffer(chunk.pcm, np.int16)
                async for chunk in tts.speak(AGENT_SAYS, VoiceSettings(voice=voice.voice_id))
            ]
            pcm = resample(np.concatenate(parts), 24000, RATE)
            voices[voice.voice_id] = pcm.astype(np.float32) / np.float32(32768)
        await tts.aclose()
        return voices

    return asyncio.run(speak())


def words_of(sounds: Iterable[bytes]) -> list[str]:
    async def transcribe() -> list[str]:
        stt = MoonshineSpeechToText(default_models_dir())
        texts = []
        for pcm in sounds:
            stream = stt.open(TranscriptionSettings())
            stream.send(pcm)
            texts.append((await stream.transcribe()).text if pcm else "")
            await stream.aclose()
        await stt.aclose()
        return texts

    return asyncio.run(transcribe())


# -- tables -----------------------------------------------------------------------------------------------------------


class Bench:
    def __init__(self) -> None:
        self.ears = Ears()
        self.voices = agent_voices()
        self.people = [clip for clip in load().values() if clip.is_human]

    def echo(self) -> Iterator[str]:
        """The agent speaks, nobody else does."""
        yield "| echo | seconds | utterances, unguarded | utterances, guarded | words taken for the caller's |"
        yield "| --- | --- | --- | --- | --- |"
        for level in (-6.0, -12.0, -20.0):
            seconds, without, with_, sounds = 0.0, 0, 0, []
            ways = [way for way in WAYS if way.decibels == level]
            for number, way in enumerate(ways):
                for other, voice in enumerate(list(self.voices)[number % 2 :: 2]):
                    agent = self.voices[voice]
                    microphone = returned(agent, way, other)
                    seconds += len(agent) / RATE
                    if other == 0:
                        without += len(self.ears.hear(microphone, Attention(), agent, way).starts) * 3
                    heard = self.ears.hear(microphone, guarded(way), agent, way)
                    with_ += len(heard.starts)
                    sounds.append(heard.pcm)
            words = sum(len(text.split()) for text in words_of(sounds))
            yield f"| {level:.0f} dB | {seconds:.0f} | about {without} | {with_} | {words} |"

    def barge_in(self) -> Iterator[str]:
        """Somebody speaks over the echo; compared with the same voice where there is none."""
        yield "| caller, against the echo | calls | noticed | added delay p50, ms | p90 |"
        yield "| --- | --- | --- | --- | --- |"
        for relative in (0.0, 3.0, 6.0, 12.0):
            yield self._barge_in(f"{relative:+.0f} dB", relative)
        yield self._barge_in("no echo at all", None)
        yield self._barge_in("no echo at all, 0.4 s into the first reply", None, at=0.4)

    def _barge_in(self, name: str, relative: float | None, at: float | None = None) -> str:
        randoms = np.random.default_rng(3)
        people = [clip for clip in self.people if 0.4 < clip.seconds < 6.0]
        calls, delays = 0, []
        for number in range(48):
            way = WAYS[number % len(WAYS)]
            agent = self.voices[list(self.voices)[number % len(self.voices)]][: 14 * RATE]
            begin = randoms.uniform(3, 8) if at is None else at
            voice = people[number * 7 % len(people)].samples
            echo = returned(agent, way, number)[: len(agent)]
            if relative is None:
                echo = np.zeros(len(agent), np.float32)
            else:
                voice = louder(voice, relative + 20 * np.log10(loudness(echo) / loudness(voice)))
            track = joined(silence(begin), voice, silence(14))[: len(agent)]
            alone = self.ears.hear(track, Attention(), None, way).starts
            if not alone:
                continue
            calls += 1
            starts = self.ears.hear(track + echo, guarded(way), agent, way).starts
            starts = [start for start in starts if begin < start < begin + len(voice) / RATE + 0.4]
            if starts:
                delays.append((starts[0] - alone[0]) * 1000)
        middle, late = np.percentile(delays, [50, 90])
        return f"| {name} | {calls} | {len(delays)} | {middle:.0f} | {late:.0f} |"

    def cost(self) -> Iterator[str]:
        """Computing time of ``Attention`` itself, by thread time."""
        yield "| while the agent speaks | per window | of a core |"
        yield "| --- | --- | --- |"
        way = Way(-12.0, 0.12)
        agent = self.voices["heart"]
        for name, microphone in (
            ("nothing comes back", np.zeros(len(agent), np.float32)),
            ("it comes back all the time", returned(agent, way, 1)),
        ):
            attention = Logging(EchoGuard(output_format(way)))
            heard = self.ears.hear(microphone, attention, agent, way)
            assert not heard.starts
            each = attention.seconds(lambda: EchoGuard(output_format(way))) / (len(microphone) / 512)
            yield f"| {name} | {each * 1e6:.0f} µs | {each / 0.032 * 100:.2f} % |"

    def background(self) -> Iterator[str]:
        """The caller says something, then a television speaks for half a minute, then the caller says a sentence."""
        yield "| television | its utterances, listened to | its utterances, ignored | the caller's sentences noticed |"
        yield "| --- | --- | --- | --- |"
        callers = [clip for clip in self.people if "allison" in clip.name and clip.seconds > 1.5][:4]
        others = [clip for clip in self.people if "allison" not in clip.name and clip.seconds > 1.0]
        box = joined(*(part for clip in others for part in (clip.samples, silence(0.4))))[: 30 * RATE]
        for level in (-12.0, -15.0, -20.0):
            false, noticed = [0, 0], 0
            for number, clip in enumerate(callers):
                before = joined(silence(0.5), callers[number - 1].samples, silence(1.0))
                television = louder(np.roll(box, number * RATE * 2), level)
                sound = joined(before, television, silence(0.5), clip.samples, silence(1.5))
                begin = len(before) / RATE
                for ignores in (False, True):
                    starts = self.ears.hear(sound, Attention(ignores_background=ignores)).starts
                    false[ignores] += sum(begin < start < begin + 30 for start in starts)
                noticed += any(start > begin + 30.4 for start in starts)
            yield f"| {level:.0f} dB | {false[0]} | {false[1]} | {noticed} of {len(callers)} |"

    def soft(self) -> Iterator[str]:
        """Callers who are hard to hear; the line hisses at -74 dB."""
        yield "| speech at | utterances missed | words wrong | without gain |"
        yield "| --- | --- | --- | --- |"
        clips = [clip for clip in self.people if clip.seconds > 1.0][::4][:24]
        for level in (-22.0, -30.0, -40.0, -46.0):
            missed, sounds, plain = 0, [], []
            for clip in clips:
                voice = louder(clip.samples, level - 20 * np.log10(SPEECH_RMS))
                sound = joined(silence(0.6), voice, silence(0.8))
                heard = self.ears.hear(sound, Attention())
                attention = Attention()
                attention.loudness = Unchanged()
                missed += not heard.starts
                sounds.append(heard.pcm)
                plain.append(self.ears.hear(sound, attention).pcm)
            rates = [
                _rate(total(errors(clip.words, text) for clip, text in zip(clips, words_of(each), strict=True)))
                for each in (sounds, plain)
            ]
            yield f"| {level:.0f} dB | {missed} of {len(clips)} | {rates[0]} | {rates[1]} |"

    def steady(self) -> Iterator[str]:
        """Noise that does not stop."""
        yield "| noise | windows the detector saw | utterances a minute | end told late p50, ms | p90 | never |"
        yield "| --- | --- | --- | --- | --- | --- |"
        clips = [clip for clip in self.people if clip.seconds > 1.0][::4][:24]
        for name, make in (("white", white), ("street", street)):
            for level in (None, -20.0, -10.0, -5.0):
                noise = louder(make(60.0), level) if level is not None else silence(60.0)
                counting = Counting()
                alone = self.ears.hear(noise, counting)
                late, never = [], 0
                for clip in clips:
                    sound = joined(silence(2.0), clip.samples, silence(2.5))
                    heard = self.ears.hear(sound + noise[: len(sound)], Attention())
                    end = 2.0 + sounding(clip.samples)[1]
                    if heard.stops and len(heard.stops) == len(heard.starts):
                        late.append((heard.stops[-1] - end) * 1000)
                    else:
                        never += 1
                middle, most = np.percentile(late, [50, 90])
                said = f"{name}, {level:.0f} dB" if level is not None else f"{name}: none"
                seen = f"{counting.asked / counting.taken * 100:.0f} %"
                yield f"| {said} | {seen} | {len(alone.starts)} | {middle:.0f} | {most:.0f} | {never} |"


def _rate(counted: Errors) -> str:
    return f"{100 * (counted.rate or 0):.1f} %"


class Unchanged(Loudness):
    """Leaves soft voices soft."""

    __slots__ = ()

    def scaled(self, window: NDArray[np.int16]) -> Samples:
        return window.astype(np.float32) / np.float32(32768)

    def applied(self, pcm: bytes) -> bytes:
        return pcm


class Logging(Attention):
    """Remembers what it was told and asked, so that it can be timed without anything else."""

    def __init__(self, guard: EchoGuard) -> None:
        super().__init__(guard)
        self.calls: list[tuple[str, tuple[object, ...]]] = []

    def agent_spoke(self, audio: bytes, now: float) -> None:
        self.calls.append(("agent_spoke", (audio, now)))
        super().agent_spoke(audio, now)

    def arrived(self, samples: int, now: float) -> None:
        self.calls.append(("arrived", (samples, now)))
        super().arrived(samples, now)

    def take(self, window: NDArray[np.int16], end: int) -> None:
        self.calls.append(("take", (window, end)))
        super().take(window, end)

    def own_words(self, windows: int) -> int:
        self.calls.append(("own_words", (windows,)))
        return super().own_words(windows)

    def seconds(self, guard: Callable[[], EchoGuard]) -> float:
        """How long it takes to hear all that again: the best of five times."""
        times = []
        for _ in range(5):
            attention = Attention(guard())
            begin = time.thread_time()
            for name, arguments in self.calls:
                getattr(attention, name)(*arguments)
            times.append(time.thread_time() - begin)
        return min(times)


class Counting(Attention):
    """Counts the windows that are loud enough to be looked at."""

    def __init__(self) -> None:
        super().__init__()
        self.taken = self.asked = 0

    def is_quiet(self) -> bool:
        quiet = super().is_quiet()
        self.taken += 1
        self.asked += not quiet
        return quiet


def main(wanted: list[str]) -> None:
    try:
        bench = Bench()
    except NoCorpus as problem:
        sys.exit(str(problem))
    for name, table in (
        ("echo", bench.echo),
        ("barge-in", bench.barge_in),
        ("cost", bench.cost),
        ("background", bench.background),
        ("soft", bench.soft),
        ("steady", bench.steady),
    ):
        if not wanted or name in wanted:
            print(f"\n**{name.capitalize()}.** {table.__doc__}\n")
            for line in table():
                print(line, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
