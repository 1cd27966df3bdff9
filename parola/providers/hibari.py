"""Text to speech with hibari (English, 24 kHz), inside this process: six voices out of one small model.

The package ``hibari-tts`` brings the network, the reading of words and numbers, and the signal processing. Around it
this module does what a conversation needs: text written for eyes is cleaned (markdown, tags, emoji); each sentence is
made and handed over by itself; the silence around it is trimmed; every voice comes out equally loud; and each
character of the text is given the time at which it is spoken, measured by the network and not guessed.

How a voice is made: the network gives a spectral envelope and a pitch curve. Scaling the pitch and stretching the
envelope along frequency (as a longer or shorter throat would) gives another speaker at no cost.
"""

from __future__ import annotations

import asyncio
import difflib
import json
import re
import threading
import unicodedata
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar, TypeVarTuple
from weakref import WeakSet

import numpy as np
from numpy.typing import NDArray

from parola.errors import ModelMissing, ProviderError
from parola.providers.base import Alignment, Capabilities, SpeechChunk, Voice, VoiceSettings
from parola.providers.catalogue import HIBARI
from parola.providers.fair_queue import FairQueue

Float32 = NDArray[np.float32]
Times = NDArray[np.float64]
_Result = TypeVar("_Result")
_Arguments = TypeVarTuple("_Arguments")

SAMPLE_RATE = 24000

LATER_SECONDS = 1.0
"""So long a reply's later sentences may wait for first sentences of others: about what the one before takes to be
played."""

_LEAD_SECONDS = 0.02
_TAIL_SECONDS = 0.04
_PAUSE_SECONDS = 0.12
"""A breath after each sentence, so that the next does not tread on its heels."""
_LOUDNESS = 0.1
"""RMS of the spoken parts, of full scale: -20 dB, where telephone speech usually lies."""
_LIMIT = 0.7
_UNIT_SECONDS = 0.025
_MAX_CHARACTERS = 300
_MAX_SPEED, _MIN_SPEED = 2.0, 0.5


@dataclass(frozen=True, slots=True)
class _Timbre:
    """What makes a voice: factors for pitch, for the formants, and for the liveliness of the melody."""

    pitch: float = 1.0
    formant: float = 1.0
    melody: float = 1.0


_TIMBRES = {
    "heart": _Timbre(),
    "alto": _Timbre(0.86, 0.95),
    "male": _Timbre(0.60, 0.86, 0.9),
    "deep": _Timbre(0.50, 0.82, 0.85),
    "bright": _Timbre(1.14, 1.05),
    "young": _Timbre(1.30, 1.12),
}


def _voice(voice_id: str, description: str, gender: str, age: str) -> Voice:
    labels = {"gender": gender, "age": age, "accent": "american", "use_case": "conversational"}
    return Voice(voice_id, voice_id.capitalize(), description, "en", MappingProxyType(labels))


VOICES = (
    _voice("heart", "Warm and clear American woman; the voice that the model was trained on.", "female", "middle_aged"),
    _voice("alto", "Calm American woman, a little lower and darker than Heart.", "female", "middle_aged"),
    _voice("male", "Even, friendly American man.", "male", "middle_aged"),
    _voice("deep", "Slow-moving, deep American man.", "male", "old"),
    _voice("bright", "Lively American woman with a light, high voice.", "female", "young"),
    _voice("young", "Very light, high and youthful American voice.", "neutral", "young"),
)
"""The six voices; the first is the default."""


class HibariTextToSpeech:
    """``TextToSpeech``. Loads its model (8 MB, and a dictionary) at ``warm_up`` or at the first sentence."""

    name = "hibari"
    capabilities = Capabilities(languages=("en",), alignment=True, phonemes=True, offline=True)
    voices: Sequence[Voice] = VOICES

    def __init__(self, queue: FairQueue | None = None) -> None:
        self._queue = queue or FairQueue("hibari")
        self._begun: WeakSet[asyncio.Task[object]] = WeakSet()
        """Tasks that have asked for their first sentence. A reply is spoken by one task."""
        self._loading = threading.Lock()
        self._model: _Model | None = None

    async def speak(self, text: str, voice: VoiceSettings) -> AsyncIterator[SpeechChunk]:
        """One chunk for each sentence, as soon as it is made. The characters of the chunks' alignments, one after
        the other, are exactly ``text``; what is not spoken (markdown, tags, emoji) has its place and no duration.

        An unknown voice is the default voice; ``speed`` is kept within 0.5 to 2. The same text and settings give the
        same bytes. Raises ``ModelMissing`` when the package is absent, ``ProviderError`` when synthesis fails.
        """
        timbre = _TIMBRES.get(voice.voice, _TIMBRES["heart"])
        speed = min(max(voice.speed, _MIN_SPEED), _MAX_SPEED)
        first, rest = await self._in_thread(self._begin, text, timbre, speed, voice.phonemes)
        if first is not None:
            yield first
        for sentence in rest:
            yield await self._in_thread(self._say, sentence, timbre, speed)

    async def warm_up(self) -> None:
        """Load the model and the dictionary, and speak a word once; raises ``ModelMissing``."""
        async for _ in self.speak("Hello, warming up zyxt.", VoiceSettings()):
            pass

    async def aclose(self) -> None:
        """Sentences that have not begun are cancelled; one that has is left to finish in its thread."""
        self._queue.close()

    async def _in_thread(self, work: Callable[[*_Arguments], _Result], *arguments: *_Arguments) -> _Result:
        reply = asyncio.current_task()
        due_in_seconds = LATER_SECONDS if reply in self._begun else 0.0
        if reply is not None:
            self._begun.add(reply)
        try:
            return await self._queue.run(reply, work, *arguments, due_in_seconds=due_in_seconds)
        except ModelMissing:
            raise
        except Exception as error:
            raise ProviderError(self.name, f"hibari could not speak: {type(error).__name__}: {error}") from error

    def _begin(
        self, text: str, timbre: _Timbre, speed: float, phonemes: Mapping[str, str]
    ) -> tuple[SpeechChunk | None, list[_Sentence]]:
        # Reading and the first sentence are one piece of work, so that it waits in the queue only once.
        sentences = _read(text, self._load(), phonemes) if any(character.isalnum() for character in text) else []
        if not sentences:
            return None, []
        return self._say(sentences[0], timbre, speed), sentences[1:]

    def _say(self, sentence: _Sentence, timbre: _Timbre, speed: float) -> SpeechChunk:
        return _say(sentence, timbre, speed, self._load())

    def _load(self) -> _Model:
        with self._loading:
            if self._model is None:
                self._model = _Model()
            return self._model


# -- the model ----------------------------------------------------------------------------------------------------


def _field(number: int, content: bytes) -> bytes:
    """One length-delimited protobuf field."""
    size, rest = b"", len(content)
    while rest > 127:
        size += bytes([rest & 127 | 128])
        rest >>= 7
    return bytes([number << 3 | 2]) + size + bytes([rest]) + content


# The graph computes how long each phoneme lasts, but does not give it out. Protobuf merges messages that are written
# one after the other, so these bytes behind the file's declare one more output: ModelProto.graph (7), its output (12),
# named (1), with type (2) tensor (1) of element type (1) float.
_DURATIONS = "/Clip_output_0"
_ALSO_DURATIONS = _field(7, _field(12, _field(1, _DURATIONS.encode()) + _field(2, _field(1, b"\x08\x01"))))


class _Model:
    """The session, the dictionary and the phonemes' numbers. May be used from several threads."""

    def __init__(self) -> None:
        try:
            import hibari
            import onnxruntime
            from hibari import dsp
            from hibari.g2p import G2P
            from hibari.g2p.normalize import normalize
        except ImportError as error:
            raise ModelMissing(
                f"The embedded voice needs the packages hibari-tts and onnxruntime ({error}): run "
                "`pip install 'parola[speech]'`."
            ) from error
        package = Path(hibari.__file__).parent
        file = package / HIBARI
        if not file.is_file():
            raise ModelMissing(f"The installed package hibari-tts has no {HIBARI}: run `parola models install`.")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = False
        options.log_severity_level = 3
        model = file.read_bytes() + _ALSO_DURATIONS
        self._session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        self._outputs = ["lh", "theta", "ln", "lr", "phi", "f0", _DURATIONS]
        self._numbers: dict[str, int] = json.loads((package / "assets" / "vocab.json").read_text("utf-8"))
        self._synthesise = dsp.synth
        self._reader = G2P()
        self._normalise = normalize
        self._sentences = hibari.Hibari.split_sentences

    def sentences(self, text: str) -> list[str]:
        """``text`` cut at sentence ends; stripped of the white space between."""
        sentences: list[str] = self._sentences(text)
        return sentences

    def tokens(self, sentence: str, phonemes: Mapping[str, str]) -> tuple[str, list[_Token]]:
        """(the sentence with numbers, dates and abbreviations written out, how each piece of it is read).
        ``phonemes`` is how some words are said, in IPA."""
        written: str = self._normalise(sentence)
        marked = written
        if phonemes:
            words = "|".join(rf"(?<!\w){re.escape(word)}(?!\w)" for word in sorted(phonemes, key=len, reverse=True))
            marked = re.sub(words, lambda word: f"[{word[0]}](/{_own_phonemes(phonemes[word[0]])}/)", written)
        pieces = self._reader.phonemize_tokens(self._reader.tokenize(marked))
        tokens = []
        for piece in pieces:
            tokens.append(_Token(piece.text, piece.phonemes or ""))
            if piece.whitespace:
                tokens.append(_Token(piece.whitespace, " "))
        return written, tokens

    def numbers(self, phonemes: str) -> list[int]:
        """What the network calls them; unknown ones are left out."""
        return [self._numbers[phoneme] for phoneme in phonemes if phoneme in self._numbers]

    def run(self, numbers: Sequence[int], timbre: _Timbre, speed: float) -> tuple[Float32, Times]:
        """(audio in about -1..1, how many seconds each number lasts). ``numbers`` begins and ends with 0."""
        inputs = {"ids": np.array([numbers], np.int64), "speed": np.array([speed], np.float32)}
        results = self._session.run(self._outputs, inputs)
        harmonic, theta, noise, rest, phi, pitch = (result[0] for result in results[:6])
        if timbre.formant != 1.0:
            harmonic, noise, rest = (_stretch(part, timbre.formant) for part in (harmonic, noise, rest))
        pitch = _bend(pitch, timbre)
        audio = self._synthesise(harmonic, theta, noise, rest, phi, pitch, np.random.default_rng(0))
        return audio, results[6].reshape(-1).astype(np.float64) * _UNIT_SECONDS


_OWN_PHONEMES = dict(
    pair.split("=")
    for pair in (
        "t͡ʃ=ʧ tʃ=ʧ d͡ʒ=ʤ dʒ=ʤ eɪ=A aɪ=I aʊ=W oʊ=O əʊ=O ɔɪ=Y ɚ=əɹ ɝ=ɜɹ r=ɹ g=ɡ ɾ=T ɫ=l ɒ=ɑ ʉ=u ʍ=w '=ˈ ,=ˌ ː= .= -= ͡="
    ).split()
)
"""IPA as dictionaries write it, and what the network was taught instead."""
_IPA = re.compile("|".join(map(re.escape, sorted(_OWN_PHONEMES, key=len, reverse=True))))
_STRESSED_ONSET = re.compile(r"([ˈˌ])([^ˈˌ aɐæAəɚɛeɜiɪIoOɔYuʊWʌᵊᵻɨQøœyɑɒɤɯ]+)")


def _own_phonemes(ipa: str) -> str:
    """IPA in the network's alphabet, best effort: the mark of a stress stands before the vowel, not the syllable."""
    return _STRESSED_ONSET.sub(r"\2\1", _IPA.sub(lambda sound: _OWN_PHONEMES[sound[0]], ipa))


def _stretch(spectrum: Float32, factor: float) -> Float32:
    """``spectrum`` float32 [bins, frames] with each formant at ``factor`` times its frequency."""
    last = len(spectrum) - 1
    source = np.clip(np.arange(last + 1) / factor, 0, last)
    below = source.astype(np.int64)
    weight = (source - below).astype(np.float32)[:, None]
    stretched: Float32 = spectrum[below] * (1 - weight) + spectrum[np.minimum(below + 1, last)] * weight
    return stretched


def _bend(pitch: Float32, timbre: _Timbre) -> Float32:
    """The pitch curve (Hz for each frame, unvoiced below 40) of another voice: moved, and flattened about its mean."""
    voiced = pitch > 40
    if timbre == _Timbre() or not voiced.any():
        return pitch
    mean = float(np.exp(np.log(pitch[voiced]).mean()))
    bent = np.where(voiced, mean * timbre.pitch * (np.maximum(pitch, 1) / mean) ** timbre.melody, pitch)
    return bent.astype(np.float32)


# -- from text to what is read ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Token:
    """A piece of a written-out sentence (a word, a mark or a space) and its phonemes."""

    text: str
    phonemes: str


@dataclass(frozen=True, slots=True)
class _Sentence:
    """What one run of the network says."""

    original: str
    """The stretch of the caller's text that it covers, unspoken characters included."""
    places: Sequence[int]
    """For each character of ``clean``, where it stands in ``original``; ascending."""
    clean: str
    written: str
    """``clean`` with numbers, dates and abbreviations in words."""
    tokens: Sequence[_Token]
    """The pieces of ``written``."""


def _read(text: str, model: _Model, phonemes: Mapping[str, str]) -> list[_Sentence]:
    """Everything in ``text`` that can be spoken. The sentences' originals, joined, are ``text``."""
    clean, places = clean_text(text)
    found: list[tuple[int, int, str, list[_Token]]] = []
    end = 0
    for sentence in (part for whole in model.sentences(clean) for part in _shortened(whole)):
        start = clean.index(sentence, end)
        end = start + len(sentence)
        written, tokens = model.tokens(sentence, phonemes)
        if any(character.isalpha() for token in tokens for character in token.phonemes):
            found.append((start, end, written, tokens))
    sentences = []
    for index, (start, end, written, tokens) in enumerate(found):
        # What stands between two sentences goes to the earlier, what stands before the first to the first.
        first = places[start] if index else 0
        last = places[found[index + 1][0]] if index + 1 < len(found) else len(text)
        own = [place - first for place in places[start:end]]
        sentences.append(_Sentence(text[first:last], own, clean[start:end], written, tokens))
    return sentences


def _shortened(sentence: str) -> Iterable[str]:
    """A run-on sentence in pieces that the network was trained for, cut behind punctuation or else between words."""
    while len(sentence) > _MAX_CHARACTERS:
        head = sentence[:_MAX_CHARACTERS]
        cuts = [m.end() for m in re.finditer(r"[,;:—…]\s", head)] or [m.end() for m in re.finditer(r"\s", head)]
        cut = cuts[-1] if cuts else _MAX_CHARACTERS
        yield sentence[:cut].rstrip()
        sentence = sentence[cut:].lstrip()
    if sentence:
        yield sentence


_TAG = re.compile(r"""</?[A-Za-z][\w:.-]*(?:\s+[\w:.-]+\s*=\s*(?:"[^"]*"|'[^']*'))*\s*/?>""")
_MARKS = re.compile(
    r"""
    !?\[(?=[^\]\n]*\]\([^)\s]*\)) | (?<=\])\([^)\s]*\) | \](?=\([^)\s]*\))   # [text](address): only the text
    | ^[ \t]*(?:\#{1,6}|>|[-*+•])[ \t]+                              # headings, quotations, bullets
    | ^[ \t]*(?:-{3,}|={3,}|\*{3,}|_{3,})[ \t]*$                     # rules
    | `+ | ~~+ | \*\*+ | (?<!\d)(?<!\d\s)\* | \*(?!\s?\d)            # code, deletion, emphasis, but not 2 * 3
    | (?<!\w)_+(?=\w) | (?<=\w)_+(?!\w)                              # emphasis, but not snake_case
    """,
    re.VERBOSE | re.MULTILINE,
)


def clean_text(text: str) -> tuple[str, list[int]]:
    """(what can be read aloud, where each of its characters stands in ``text``).

    Markdown marks go; tags, emoji and letters of other scripts (which the English reader would turn into noise)
    become one space. Nothing is moved and nothing is added.
    """
    gone = [False] * len(text)
    space = [False] * len(text)
    for match in _TAG.finditer(text):
        gone[match.start() : match.end()] = [True] * len(match.group())
        space[match.start()] = True
    for match in _MARKS.finditer(text):
        gone[match.start() : match.end()] = [True] * len(match.group())
    for place, character in enumerate(text):
        if character > "\u024f" and not _is_readable(character):
            gone[place] = True
            space[place] = unicodedata.category(character) not in {"Cf", "Mn", "Me"}
    kept = [(" " if gone[i] else text[i], i) for i in range(len(text)) if not gone[i] or space[i]]
    return "".join(character for character, _ in kept), [place for _, place in kept]


def _is_readable(character: str) -> bool:
    """Whether the reader makes sense of a character beyond Latin Extended-B: Latin letters, punctuation, currency."""
    category = unicodedata.category(character)
    if category[0] in "LM":
        return unicodedata.name(character, "").startswith("LATIN")
    return category[0] in "PZ" or category in {"Sc", "Nd"} or character in "™−≈≤≥×"


# -- from what is read to audio -----------------------------------------------------------------------------------


def _say(sentence: _Sentence, timbre: _Timbre, speed: float, model: _Model) -> SpeechChunk:
    numbers = [0]
    first_numbers = []  # for each token, the index of its first number
    for token in sentence.tokens:
        first_numbers.append(len(numbers))
        numbers += model.numbers(token.phonemes)
    first_numbers.append(len(numbers))
    audio, seconds = model.run([*numbers, 0], timbre, speed)
    starts = np.concatenate(([0.0], np.cumsum(seconds)))[first_numbers]

    begin, end = _spoken(audio)
    audio = _levelled(audio[begin:end])
    times = np.clip(starts - begin / SAMPLE_RATE, 0, len(audio) / SAMPLE_RATE)
    pcm = np.rint(audio * 32767).astype("<i2").tobytes() + bytes(2 * int(_PAUSE_SECONDS * SAMPLE_RATE))
    return SpeechChunk(pcm, SAMPLE_RATE, _alignment(sentence, times))


def _spoken(audio: Float32) -> tuple[int, int]:
    """The samples between which there is speech, with 20 ms before it and 40 ms after."""
    step = SAMPLE_RATE // 200
    loud = np.abs(audio[: len(audio) // step * step]).reshape(-1, step).max(axis=1, initial=0)
    above = np.flatnonzero(loud > 0.01 * loud.max(initial=0))
    if not len(above):
        return 0, len(audio)
    begin = int(above[0]) * step - int(_LEAD_SECONDS * SAMPLE_RATE)
    end = (int(above[-1]) + 1) * step + int(_TAIL_SECONDS * SAMPLE_RATE)
    return max(begin, 0), min(end, len(audio))


def _levelled(audio: Float32) -> Float32:
    """``audio`` with its spoken parts at one loudness; peaks above 0.7 are bent, so that nothing reaches 1."""
    step = SAMPLE_RATE // 50
    power = np.square(audio[: max(len(audio) // step, 1) * step]).reshape(-1, min(step, len(audio))).mean(axis=1)
    spoken = power[power > 0.01 * power.max()]
    if not len(spoken):
        return audio
    louder = audio * np.float32(_LOUDNESS / np.sqrt(spoken.mean()))
    beyond = np.maximum(np.abs(louder) - _LIMIT, 0)
    room = 1 - _LIMIT
    levelled: Float32 = np.sign(louder) * (np.minimum(np.abs(louder), _LIMIT) + room * np.tanh(beyond / room))
    return levelled


def _alignment(sentence: _Sentence, times: Times) -> Alignment:
    """Times of all characters of the original. ``times`` is when each token starts, and when the last one ends.

    A token shares its time equally among its characters; a word that was written out ("$3.50") shares the time of
    what it became.
    """
    token_ends = np.cumsum([0, *(len(token.text) for token in sentence.tokens)])
    from_clean, to_written = _anchors(sentence.clean, sentence.written)
    borders = np.interp(np.arange(len(sentence.clean) + 1), from_clean, to_written)
    at = np.interp(borders, token_ends, times)

    starts: list[float] = []
    durations: list[float] = []
    now = float(at[0])
    spoken = 0
    for place in range(len(sentence.original)):
        if spoken < len(sentence.places) and sentence.places[spoken] == place:
            following = float(at[spoken + 1])
            starts.append(round(now, 4))
            durations.append(round(following, 4) - starts[-1])
            now = following
            spoken += 1
        else:
            starts.append(round(now, 4))
            durations.append(0.0)
    return Alignment(tuple(sentence.original), tuple(starts), tuple(durations))


_WORD = re.compile(r"\S+")


def _anchors(clean: str, written: str) -> tuple[list[int], list[int]]:
    """Positions in ``clean`` and the positions in ``written`` that correspond to them, both ascending: the borders of
    the words that are in both, and of the runs of words that were rewritten."""
    if clean == written:
        return [0, len(clean)], [0, len(written)]
    left = [(match.start(), match.end()) for match in _WORD.finditer(clean)]
    right = [(match.start(), match.end()) for match in _WORD.finditer(written)]
    matcher = difflib.SequenceMatcher(None, [clean[a:b] for a, b in left], [written[a:b] for a, b in right], False)
    pairs = [(0, 0)]
    for kind, left_from, left_to, right_from, right_to in matcher.get_opcodes():
        if kind == "equal":
            for a, b in zip(left[left_from:left_to], right[right_from:right_to], strict=True):
                pairs += [(a[0], b[0]), (a[1], b[1])]
        elif kind == "replace":
            pairs += [(left[left_from][0], right[right_from][0]), (left[left_to - 1][1], right[right_to - 1][1])]
    pairs.append((len(clean), len(written)))
    unique = dict(pairs)
    return list(unique), list(unique.values())
