"""The embedded models, heard and read: hibari speaks, Moonshine listens, Silero says who is speaking."""

import asyncio
import re
import sys
import threading
from itertools import pairwise

import numpy as np
import pytest

from parola.errors import ModelMissing, ProviderError
from parola.providers import hibari, moonshine
from parola.providers.base import SpeechChunk, Transcript, TranscriptionSettings, VoiceSettings
from parola.providers.hibari import VOICES, HibariTextToSpeech, clean_text
from parola.providers.moonshine import MoonshineSpeechToText
from parola.providers.silero import SileroVoiceActivity
from parola.session.audio import AudioFormat, Decoder, Encoder, resample
from parola.session.spoken_text import spoken_text

SENTENCES = (
    "Hello there, I can help you book an appointment today.",
    "The weather is fine, and the train leaves in the morning.",
    "Please tell me your name and the reason for your call.",
    "I would like to change the address on my account.",
    "Thank you very much, we will send you a letter next week.",
)


@pytest.fixture(scope="session")
def tts(models_dir):
    return HibariTextToSpeech()


@pytest.fixture(scope="session")
def stt(models_dir):
    return MoonshineSpeechToText(models_dir)


@pytest.fixture(scope="session")
def vad(models_dir):
    return SileroVoiceActivity(models_dir)


def spoken(tts, text, voice="heart", speed=1.0) -> list[SpeechChunk]:
    async def collect():
        return [chunk async for chunk in tts.speak(text, VoiceSettings(voice=voice, speed=speed))]

    return asyncio.run(collect())


def samples_of(chunks) -> np.ndarray:
    return np.concatenate([np.frombuffer(chunk.pcm, np.int16) for chunk in chunks])


def at_16k(chunks) -> np.ndarray:
    return resample(samples_of(chunks), 24000, 16000)


def seconds_of(chunk: SpeechChunk) -> float:
    return len(chunk.pcm) / 2 / chunk.sample_rate


def heard(stt, samples: np.ndarray) -> Transcript:
    ear = stt.open(TranscriptionSettings())
    ear.send(samples.tobytes())
    return asyncio.run(ear.transcribe())


def words(text: str) -> list[str]:
    return re.findall(r"[a-z']+", text.lower())


def word_errors(said: str, understood: str) -> int:
    """Insertions, deletions and substitutions."""
    left, right = words(said), words(understood)
    row = list(range(len(right) + 1))
    for i, word in enumerate(left, 1):
        previous, row = row, [i]
        for j, other in enumerate(right, 1):
            row.append(min(previous[j] + 1, row[-1] + 1, previous[j - 1] + (word != other)))
    return row[-1]


# -- the voice ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("voice", [voice.voice_id for voice in VOICES])
def test_every_voice_is_understood(tts, stt, voice):
    errors = sum(word_errors(text, heard(stt, at_16k(spoken(tts, text, voice))).text) for text in SENTENCES)
    assert errors <= 0.08 * sum(len(words(text)) for text in SENTENCES)


def test_a_voice_is_understood_on_the_telephone(tts, stt):
    telephone = AudioFormat.parse("ulaw_8000")
    errors = 0
    for text in SENTENCES:
        encoder, decoder = Encoder(24000, telephone), Decoder(telephone)
        line = encoder.encode(samples_of(spoken(tts, text)).tobytes()) + encoder.flush()
        errors += word_errors(text, heard(stt, decoder.decode(line)).text)
    assert errors <= 0.08 * sum(len(words(text)) for text in SENTENCES)


def test_the_voices_are_six_different_ones_and_equally_loud(tts):
    made = {voice.voice_id: samples_of(spoken(tts, SENTENCES[0], voice.voice_id)) / 32768 for voice in VOICES}
    assert len({samples.tobytes() for samples in made.values()}) == 6
    for samples in made.values():
        frames = samples[: len(samples) // 480 * 480].reshape(-1, 480)
        power = (frames**2).mean(axis=1)
        assert 0.09 < np.sqrt(power[power > 0.01 * power.max()].mean()) < 0.11
        assert np.abs(samples).max() < 1


def test_an_unknown_voice_is_the_default_voice(tts):
    assert (
        spoken(tts, "Good morning.", "nobody")
        == spoken(tts, "Good morning.", "heart")
        == spoken(tts, "Good morning.", "")
    )


def test_speed_makes_it_shorter_and_is_kept_within_reason(tts):
    slow, normal, fast, absurd = (
        sum(map(seconds_of, spoken(tts, SENTENCES[0], speed=speed))) for speed in (0.8, 1.0, 1.2, 99)
    )
    assert slow > normal > fast > absurd > 0.5


def test_silence_around_a_sentence_is_trimmed_to_a_breath_after_it(tts):
    (chunk,) = spoken(tts, SENTENCES[0])
    loud = np.flatnonzero(np.abs(samples_of([chunk])) > 0.02 * np.abs(samples_of([chunk])).max())
    assert loud[0] / 24000 < 0.05
    assert 0.1 < seconds_of(chunk) - loud[-1] / 24000 < 0.22


TEXTS = (
    "Hello there, I can help you.",
    "It costs $3.50 for 12 items; don't worry — Dr. Smith's e-mail is a@b.com (ok)!",
    "Call 555-1234 at 7:30 pm on 3/4/2024.",
    "  # Title\n\n**Bold** and *soft* [link](http://x.y) 😀 done.\n- one\n- two  ",
    'Hi <break time="1s"/> there.',
    "One. 😀 Two! … Three?",
    "He said: “It’s 50% off & more” (really).",
    "naïve café № 5 — Привет, friend 日本",
    "and " * 120,
)


@pytest.mark.parametrize("text", TEXTS)
def test_the_aligned_characters_are_the_text_and_their_times_run_forward(tts, text):
    chunks = spoken(tts, text)
    assert "".join(character for chunk in chunks for character in chunk.alignment.chars) == text
    for chunk in chunks:
        starts, durations = chunk.alignment.starts, chunk.alignment.durations
        assert len(starts) == len(durations) == len(chunk.alignment.chars)
        assert starts[0] >= 0
        assert min(durations) >= 0
        assert all(a <= b for a, b in pairwise(starts))
        assert starts[-1] + durations[-1] <= seconds_of(chunk) + 0.0001


@pytest.mark.parametrize(
    ("text", "last_words"),
    [
        ("My brother lives in a small house near the river.", ("brother", "lives", "small", "house", "river")),
        ("I would like to book a table for dinner on Friday evening.", ("would", "like", "table", "dinner", "Friday")),
    ],
)
def test_cut_behind_a_word_the_audio_ends_with_that_word(tts, stt, text, last_words):
    (chunk,) = spoken(tts, text)
    for word in last_words:
        last = text.index(word) + len(word) - 1
        end = chunk.alignment.starts[last] + chunk.alignment.durations[last]
        front = np.concatenate([samples_of([chunk])[: int(end * 24000)], np.zeros(4800, np.int16)])
        assert words(heard(stt, resample(front, 24000, 16000)).text) == words(text[: last + 1])


def test_a_pause_is_where_its_mark_is_aligned(tts):
    text = "Hello there; this is fine; goodbye."
    (chunk,) = spoken(tts, text)
    alignment = chunk.alignment
    for place in (place for place, character in enumerate(text) if character == ";"):
        begin, end = alignment.starts[place], alignment.starts[place + 1]
        pause = samples_of([chunk])[int(begin * 24000) : int(end * 24000)]
        assert np.abs(pause).max() < 0.05 * np.abs(samples_of([chunk])).max()


def test_marks_tags_and_emoji_are_not_read_aloud(tts):
    plain = spoken(tts, "This is bold and that is a link.")
    assert [c.pcm for c in spoken(tts, "This is **bold** and <b>that</b> is a [link](http://x.y) 😀.")] == [
        c.pcm for c in spoken(tts, "This is bold and that is a link .")
    ]
    assert [c.pcm for c in spoken(tts, "# This is `bold` and _that_ is a link.")] == [c.pcm for c in plain]


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("2 * 3 is 6, 2*3 too", "2 * 3 is 6, 2*3 too"),
        ("**3** *apples*", "3 apples"),
        ("snake_case and _this_", "snake_case and this"),
        ("x < 5 and y > 7", "x < 5 and y > 7"),
        ('<speak>Hi<break time="1s"/></speak>', " Hi  "),
        ("> quoted\n* item\n---\n", "quoted\nitem\n\n"),
        ("👍 ok ❤️ 👨‍👩‍👧", "  ok      "),
        ("![alt](a.png)", "alt"),
    ],
)
def test_cleaning_keeps_what_can_be_read(text, clean):
    kept, places = clean_text(text)
    assert kept == clean
    assert all(kept[i] in (text[place], " ") for i, place in enumerate(places))
    assert all(a < b for a, b in pairwise(places))


@pytest.mark.parametrize("text", ["", "   ", "😀", "—", "...", "***", '<break time="1s"/>', "日本", "Привет"])
def test_nothing_speakable_gives_no_audio(tts, text):
    assert spoken(tts, text) == []


def test_what_was_written_for_eyes_is_understood_by_ear(tts, stt):
    written = "**Bold** 1,234 items at 5 p.m. — see [this](https://a.b/c) or https://x.y 🎉"
    said = heard(stt, at_16k(spoken(tts, spoken_text(written).text))).text
    assert "1234 items at 5 p.m." in said.replace(",", "") and "x.y" in said.lower()
    assert "a.b" not in said.lower() and "asterisk" not in said


def test_a_word_is_said_by_its_phonemes_and_stays_in_the_alignment(tts, stt):
    async def said(text: str, **phonemes: str) -> list[SpeechChunk]:
        return [chunk async for chunk in tts.speak(text, VoiceSettings(phonemes=phonemes))]

    text = "Please ask for Siobhan, at the desk."
    as_read, as_told = asyncio.run(said(text)), asyncio.run(said(text, Siobhan="ˈdʒɛnɪfɚ"))
    assert "Jennifer" in heard(stt, at_16k(as_told)).text and "Jennifer" not in heard(stt, at_16k(as_read)).text
    assert "".join(char for chunk in as_told for char in chunk.alignment.chars) == text


@pytest.mark.parametrize(
    ("ipa", "own"),
    [("təˈmɑːtoʊ", "təmˈɑtO"), ("ˈstrɔːŋ", "stɹˈɔŋ"), ("ˌɪntəˈnæʃ.ənəl", "ˌɪntənˈæʃənəl"), ("t͡ʃiːz", "ʧiz")],
)
def test_ipa_is_written_as_the_voice_was_taught(ipa, own):
    assert hibari._own_phonemes(ipa) == own


def test_each_sentence_is_a_chunk_of_its_own(tts):
    chunks = spoken(tts, "One is here. Two is there! Three?")
    assert ["".join(chunk.alignment.chars) for chunk in chunks] == ["One is here. ", "Two is there! ", "Three?"]


def test_closing_the_iterator_leaves_the_rest_unmade(tts, monkeypatch):
    made = []
    say = hibari._say
    monkeypatch.setattr(hibari, "_say", lambda sentence, *rest: made.append(sentence.clean) or say(sentence, *rest))

    async def first_only():
        speech = tts.speak("One is here. Two is there. Three is far.", VoiceSettings())
        await anext(speech)
        await speech.aclose()

    asyncio.run(first_only())
    assert made == ["One is here."]


def test_a_failing_voice_is_a_provider_error(tts, monkeypatch):
    def fail(*_):
        raise RuntimeError("no more memory")

    monkeypatch.setattr(hibari, "_say", fail)
    with pytest.raises(ProviderError, match="hibari could not speak: RuntimeError: no more memory"):
        spoken(tts, "Hello.")


def test_a_missing_voice_package_is_named_with_the_command_that_installs_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "hibari", None)
    with pytest.raises(ModelMissing, match=r"pip install 'parola\[speech\]'"):
        asyncio.run(HibariTextToSpeech().warm_up())


# -- the ear ------------------------------------------------------------------------------------------------------


def noise(kind: str) -> np.ndarray:
    random = np.random.default_rng(0)
    seconds = np.arange(32000) / 16000
    made = {
        "silence": np.zeros(32000),
        "hiss": random.normal(0, 3000, 32000),
        "faint hiss": random.normal(0, 30, 32000),
        "hum": 3000 * np.sin(2 * np.pi * 50 * seconds),
        "rumble": np.cumsum(random.normal(0, 100, 32000)),
    }
    return made[kind].clip(-32768, 32767).astype(np.int16)


@pytest.mark.parametrize("kind", ["silence", "hiss", "faint hiss", "hum", "rumble"])
def test_what_is_not_speech_has_no_words(stt, kind):
    assert heard(stt, noise(kind)) == Transcript("")


def test_less_than_a_quarter_second_has_no_words(stt, tts):
    assert heard(stt, at_16k(spoken(tts, "You."))[: 16000 // 4 - 1]) == Transcript("")


def test_clear_speech_is_trusted(stt, tts):
    transcript = heard(stt, at_16k(spoken(tts, SENTENCES[0])))
    assert word_errors(SENTENCES[0], transcript.text) == 0
    assert 0.7 < transcript.confidence <= 1


def test_a_turn_grows_until_it_is_reset(stt, tts):
    first, second = (at_16k(spoken(tts, text)) for text in ("Yes please.", "I will take the soup."))

    async def talk():
        ear = stt.open(TranscriptionSettings())
        ear.send(first.tobytes())
        early = await ear.transcribe()
        ear.send(np.zeros(3200, np.int16).tobytes())
        ear.send(second.tobytes())
        whole = await ear.transcribe()
        ear.reset()
        return early.text, whole.text, (await ear.transcribe()).text

    early, whole, after = asyncio.run(talk())
    assert words(early) == ["yes", "please"]
    assert words(whole) == ["yes", "please", "i", "will", "take", "the", "soup"]
    assert after == ""


def counting(stt, monkeypatch) -> list[float]:
    """The seconds of each run of the model from now on."""
    runs: list[float] = []
    hear = stt._load().hear
    monkeypatch.setattr(stt._load(), "hear", lambda audio, stop: runs.append(len(audio) / 16000) or hear(audio, stop))
    return runs


def test_a_long_turn_is_cut_in_pauses_and_no_segment_is_paid_twice(stt, tts, monkeypatch):
    text = " ".join(SENTENCES * 3)
    pause = np.zeros(3200, np.int16)
    audio = np.concatenate([part for chunk in spoken(tts, text) for part in (at_16k([chunk]), pause)])
    runs = counting(stt, monkeypatch)

    async def talk():
        ear = stt.open(TranscriptionSettings())
        for start in range(0, len(audio), 16000 * 6):
            ear.send(audio[start : start + 16000 * 6].tobytes())
            transcript = await ear.transcribe()
        done = len(runs)
        assert await ear.transcribe() == transcript
        assert len(runs) == done
        return transcript

    assert word_errors(text, asyncio.run(talk()).text) <= 0.05 * len(words(text))
    assert max(runs) <= 15
    growing = -(-len(audio) // (16000 * 6))
    assert len(runs) <= growing + len(audio) // (16000 * 10)


def test_two_questions_at_the_same_time_share_one_answer(stt, tts, monkeypatch):
    runs = counting(stt, monkeypatch)
    audio = at_16k(spoken(tts, SENTENCES[0])).tobytes()

    async def talk():
        ear = stt.open(TranscriptionSettings())
        ear.send(audio)
        return await asyncio.gather(ear.transcribe(), ear.transcribe())

    first, second = asyncio.run(talk())
    assert first == second
    assert len(runs) == 1


def test_a_turn_that_was_reset_meanwhile_keeps_nothing_of_the_old_one(stt, tts):
    audio = at_16k(spoken(tts, SENTENCES[0])).tobytes()

    async def talk():
        ear = stt.open(TranscriptionSettings())
        ear.send(audio)
        old = asyncio.create_task(ear.transcribe())
        await asyncio.sleep(0)
        ear.reset()
        ear.send(audio)
        return (await old).text, (await ear.transcribe()).text

    old, new = asyncio.run(talk())
    assert words(old) == words(new) == words(SENTENCES[0])


def test_a_cancelled_run_stops_at_the_next_token(stt, tts):
    stop = threading.Event()
    stop.set()
    audio = at_16k(spoken(tts, SENTENCES[0])).astype(np.float32) / 32768
    assert stt._load().hear(audio, stop) == moonshine._NOTHING


def test_a_failing_ear_is_a_provider_error(stt, monkeypatch):
    def fail(*_):
        raise RuntimeError("no more memory")

    monkeypatch.setattr(stt._load(), "hear", fail)
    with pytest.raises(ProviderError, match=r"could not transcribe 2\.0 s of audio: RuntimeError: no more memory"):
        heard(stt, noise("hiss"))


def test_an_ear_without_models_says_how_to_get_them(tmp_path):
    with pytest.raises(ModelMissing, match="run `parola models install`"):
        asyncio.run(MoonshineSpeechToText(tmp_path).warm_up())


# -- voice activity -----------------------------------------------------------------------------------------------


def windows_of(samples: np.ndarray) -> np.ndarray:
    return (samples[: len(samples) // 512 * 512] / np.float32(32768)).astype(np.float32).reshape(-1, 512)


def test_speech_is_told_from_silence_and_noise(vad, tts):
    def mean(samples):
        state = vad.new_state()
        return np.mean([vad.probabilities([window], [state])[0] for window in windows_of(samples)])

    assert mean(at_16k(spoken(tts, SENTENCES[0]))) > 0.8
    assert mean(noise("silence")) < 0.1
    assert mean(noise("hum")) < 0.1


def test_calls_in_one_batch_hear_what_they_would_hear_alone(vad, tts):
    calls = [windows_of(at_16k(spoken(tts, text)))[:40] for text in SENTENCES]
    alone = []
    for call in calls:
        state = vad.new_state()
        alone.append([vad.probabilities([window], [state])[0] for window in call])
    states = [vad.new_state() for _ in calls]
    together = [vad.probabilities(windows, states) for windows in zip(*calls, strict=True)]
    assert np.allclose(alone, np.transpose(together), atol=1e-4)


def test_no_windows_have_no_probabilities(vad):
    assert vad.probabilities([], []) == []


def test_a_detector_without_its_model_says_how_to_get_it(tmp_path):
    with pytest.raises(ModelMissing, match="run `parola models install`"):
        SileroVoiceActivity(tmp_path).load()
