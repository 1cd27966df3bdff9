"""A reply is performed: words told, sentences spoken in their voices, audio just ahead of its playback."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

from parola.conversation.actions import StartReply
from parola.conversation.events import Event, ReplyAudio, ReplyFailed, ReplyFinished, ReplyText, SentenceStarted
from parola.errors import ProviderError
from parola.providers.base import (
    Alignment,
    Capabilities,
    ModelEvent,
    ModelRequest,
    SpeechChunk,
    TextDelta,
    Voice,
    VoiceSettings,
)
from parola.session.audio import AudioFormat
from parola.session.pacing import FIRST_SECONDS
from parola.session.pronunciation import Rule
from parola.session.replying import PIECE_SECONDS, Brain, Mouth, Speaker, perform
from tests.virtual_time import run

RATE = 16000


class Writer:
    """A model that writes a word every so often."""

    name = "writer"
    capabilities = Capabilities()
    context_tokens = 1000

    def __init__(self, text: str, seconds_per_word: float = 0.0) -> None:
        self.words = text.split(" ")
        self.seconds_per_word = seconds_per_word

    async def step(self, request: ModelRequest) -> AsyncIterator[ModelEvent]:
        for index, word in enumerate(self.words):
            await asyncio.sleep(self.seconds_per_word)
            yield TextDelta(word if index == 0 else f" {word}")

    async def aclose(self) -> None: ...


@dataclass
class Reader:
    """A voice that takes its time for every sentence, and says ten characters a second."""

    delay: float = 0.0
    phonemes: bool = False
    fails_at: str = "\0"
    name: str = "reader"
    voices: Sequence[Voice] = ()
    asked: list[tuple[float, str, VoiceSettings]] = field(default_factory=list)
    closed: int = 0

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(alignment=True, phonemes=self.phonemes)

    async def speak(self, text: str, voice: VoiceSettings) -> AsyncIterator[SpeechChunk]:
        self.asked.append((asyncio.get_running_loop().time(), text, voice))
        try:
            await asyncio.sleep(self.delay)
            if self.fails_at in text:
                raise ProviderError(self.name, "no voice")
            starts = tuple(0.1 * index for index in range(len(text)))
            pcm = bytes(2 * round(0.1 * len(text) * RATE))
            yield SpeechChunk(pcm, RATE, Alignment(tuple(text), starts, (0.1,) * len(text)))
        finally:
            self.closed += 1

    async def warm_up(self) -> None: ...

    async def aclose(self) -> None: ...

    @property
    def texts(self) -> list[str]:
        return [text for _, text, _ in self.asked]


@dataclass
class Told:
    events: list[tuple[float, Event]] = field(default_factory=list)

    def tell(self, event: Event) -> None:
        self.events.append((asyncio.get_running_loop().time(), event))

    def of(self, kind: type[Event]) -> list[Event]:
        return [event for _, event in self.events if isinstance(event, kind)]

    @property
    def audio(self) -> list[tuple[float, float]]:
        """(when it was sent, seconds) of each piece."""
        return [(at, event.seconds) for at, event in self.events if isinstance(event, ReplyAudio)]

    def silences(self) -> list[float]:
        """How long the client had nothing to play, between its first piece and its last."""
        ends, gaps = self.audio[0][0], []
        for at, seconds in self.audio:
            if at > ends + 1e-6:
                gaps.append(round(at - ends, 3))
            ends = max(ends, at) + seconds
        return gaps

    def leads(self) -> list[float]:
        """How far ahead of playback each piece was when it was sent."""
        ends, leads = 0.0, []
        for at, seconds in self.audio:
            leads.append(max(0.0, ends - at))
            ends = max(ends, at) + seconds
        return leads


def mouth(tts: Reader, **more: object) -> Mouth:
    return Mouth(tts, VoiceSettings(), AudioFormat.parse("pcm_16000"), **more)


def performed(text: str, own: Mouth, seconds_per_word: float = 0.0) -> Told:
    told = Told()
    brain = Brain(Writer(text, seconds_per_word), "writer")
    run(perform(StartReply(1, ModelRequest([])), brain, own, told.tell))
    return told


THREE = "This is the first of the sentences. This is the second of the sentences. This is the third of them all."


def test_the_client_never_waits_for_the_next_sentence():
    slow = Reader(delay=3.0)  # each sentence plays for 3.5 seconds
    told = performed(THREE, mouth(slow))
    assert len(slow.asked) == 3 and told.silences() == []
    assert isinstance(told.events[-1][1], ReplyFinished)


def test_only_the_next_sentence_is_made_ahead():
    quick = Reader()
    performed(THREE, mouth(quick))
    began = [at for at, _, _ in quick.asked]
    assert began[:2] == [0.0, 0.0]
    assert began[2] > 3.5 - FIRST_SECONDS - PIECE_SECONDS  # when the second's turn has come


def test_audio_keeps_ahead_by_what_the_line_needs_and_no_more():
    own = mouth(Reader())
    assert max(performed(THREE, own).leads()) <= FIRST_SECONDS + 1e-6
    for _ in range(10):
        own.pacing.round_trip(0.9)
    leads = performed(THREE, own).leads()
    assert FIRST_SECONDS < max(leads) <= own.pacing.ahead_seconds + 1e-6


def test_a_long_first_sentence_is_heard_before_it_has_been_written():
    text = "Sure, I can help you with that today, " + "but let me first look at your account for one moment. " * 2
    told = performed(text, mouth(Reader()), seconds_per_word=0.1)
    first_word, last_word = told.events[0][0], told.events[-1][0]
    assert told.audio[0][0] - first_word < 1.0 < last_word - first_word
    assert "".join(event.text for event in told.of(SentenceStarted)) == text


def test_markup_is_shown_and_not_spoken():
    voice = Reader()
    told = performed("It is **not** [here](https://a.b). Bye 🎉", mouth(voice))
    assert voice.texts == ["It is not here.", "Bye"]
    first, second = told.of(SentenceStarted)
    assert isinstance(first, SentenceStarted) and isinstance(second, SentenceStarted)
    assert first.text == "It is **not** [here](https://a.b). " and second.text == "Bye 🎉"
    assert "".join(first.text[origin] for origin in first.spoken_from) == "It is not here."
    pieces = [event.alignment for event in told.of(ReplyAudio) if isinstance(event, ReplyAudio) and event.alignment]
    assert "".join(char for piece in pieces for char in piece.chars) == "".join(voice.texts)


def test_a_sentence_of_nothing_but_emoji_is_told_and_not_spoken():
    voice = Reader()
    told = performed("Hi.\n🎉🎉\nBye.", mouth(voice))
    assert voice.texts == ["Hi.", "Bye."]
    assert [event.text for event in told.of(SentenceStarted)] == ["Hi.\n", "🎉🎉\n", "Bye."]


def test_each_voice_speaks_its_own_words():
    own, joe = Reader(), Reader()
    told = performed(
        "He said: <Joe>Ahoy! Come  here</Joe> and left.",
        mouth(own, others={"Joe": Speaker(joe, VoiceSettings("pirate"))}),
    )
    assert own.texts == ["He said:", "and left."] and joe.texts == ["Ahoy!", "Come here"]
    assert joe.asked[0][2].voice == "pirate"
    texts = [event for event in told.of(ReplyText) if isinstance(event, ReplyText)]
    assert "".join(event.text for event in texts) == "He said: Ahoy! Come  here and left."
    assert "".join(event.text for event in texts if event.voice_label == "Joe") == "Ahoy! Come  here"
    assert "".join(event.text for event in told.of(SentenceStarted)) == "He said: Ahoy! Come  here and left."


def test_words_are_said_as_the_dictionary_wants():
    rules = (Rule("UN", alias="United Nations"), Rule("tomato", ipa="təˈmɑːtoʊ"))
    plain, reading = Reader(), Reader(phonemes=True)
    for voice in (plain, reading):
        performed("The UN tomato.", mouth(voice, pronunciation=rules))
        assert voice.texts == ["The United Nations tomato."]
    assert plain.asked[0][2].phonemes == {} and reading.asked[0][2].phonemes == {"tomato": "təˈmɑːtoʊ"}


def test_what_was_made_before_a_failure_is_still_heard():
    told = performed(THREE, mouth(Reader(fails_at="second")))
    assert sum(seconds for _, seconds in told.audio) > 3.4
    last = told.events[-1][1]
    assert isinstance(last, ReplyFailed) and last.error_type == "tts_cascade_error"


def test_a_reply_that_is_stopped_leaves_no_voice_at_work():
    voice, told = Reader(delay=5.0), Told()

    async def story() -> None:
        task = asyncio.create_task(
            perform(StartReply(1, ModelRequest([])), Brain(Writer(THREE), "writer"), mouth(voice), told.tell)
        )
        await asyncio.sleep(6)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert len(asyncio.all_tasks()) == 1

    run(story())
    assert voice.closed == len(voice.asked) == 2
