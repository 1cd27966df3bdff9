"""Performing a reply: model → sentences → voice → paced audio, as one coroutine that is started and cancelled whole.

Facts come out in order: text, tool calls, ``ModelFinished``; beside them, sentence by sentence, audio in the client's
format; ``ReplyFinished`` last, unless something failed. Audio stays ahead of playback by what ``pacing.py`` says and no
more, so that little is in flight when the user cuts in; the next sentence is made meanwhile, and only the next, so that
memory is bounded.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import TypeVar

from parola.conversation.actions import StartReply
from parola.conversation.events import (
    Event,
    MetadataReturned,
    ModelFinished,
    ModelThinks,
    ReplyAudio,
    ReplyFailed,
    ReplyFinished,
    ReplyText,
    SentenceStarted,
    ToolCalled,
)
from parola.errors import ParolaError
from parola.logs import logger
from parola.providers.base import (
    Alignment,
    Answered,
    LanguageModel,
    ModelBegan,
    ModelEvent,
    ReasoningDelta,
    ResponseMetadata,
    SpeechChunk,
    TextDelta,
    TextToSpeech,
    TokenUsage,
    ToolCallRequested,
    VoiceSettings,
)
from parola.session.accounts import Accounts
from parola.session.audio import AudioFormat, Encoder
from parola.session.pacing import Pacing
from parola.session.pronunciation import Rule, pronounced
from parola.session.retrieving import Retriever
from parola.session.sentences import SentenceSplitter
from parola.session.source_tags import SourceTags
from parola.session.spoken_text import spoken_text
from parola.session.thinking import ThinkingFailed
from parola.session.voice_tags import VoiceTags

log = logger(__name__)

PIECE_SECONDS = 0.2
"""Longest piece of audio in one frame."""

CHARACTERS_PER_TOKEN = 4
"""For models that do not report their usage."""


@dataclass(frozen=True, slots=True)
class Brain:
    """Who thinks in this conversation."""

    model: LanguageModel
    name: str
    """The model name to ask the provider for."""
    error_type: str = "llm_error"
    warning: str | None = None
    """What the owner should know about the choice of this model."""


@dataclass(frozen=True, slots=True)
class Speaker:
    """One voice of whoever has it."""

    tts: TextToSpeech
    voice: VoiceSettings


@dataclass(frozen=True, slots=True)
class Mouth:
    """Who speaks in this conversation, and in which format the client listens."""

    tts: TextToSpeech
    voice: VoiceSettings
    format: AudioFormat
    others: Mapping[str, Speaker] = field(default_factory=dict)
    """The agent's further voices, by the labels the model writes."""
    pronunciation: Sequence[Rule] = ()
    pacing: Pacing = field(default_factory=Pacing)

    def speaker(self, label: str | None) -> Speaker:
        """Whose voice a label means; the agent's own when it means none."""
        return self.others.get(label or "") or Speaker(self.tts, self.voice)


@dataclass(frozen=True, slots=True)
class Sentence:
    """What is written in one go, for one voice."""

    text: str
    voice_label: str | None = None


async def perform(
    action: StartReply,
    brain: Brain,
    mouth: Mouth | None,
    tell: Callable[[Event], None],
    retriever: Retriever | None = None,
    accounts: Accounts | None = None,
) -> None:
    """Make one reply and tell what comes of it. Without a mouth it is only written. Failures are told, not raised."""
    number = action.reply
    stage = brain.error_type
    try:
        if mouth is None:
            await _write(action, brain, tell, None, retriever)
        else:
            script = _Script(mouth)
            speaking = asyncio.create_task(_speak(action, mouth, script.sentences, tell, accounts))
            try:
                await _write(action, brain, tell, script, retriever)
                stage = "tts_cascade_error"
                await speaking
            finally:
                if not speaking.done():
                    speaking.cancel()
                    await asyncio.gather(speaking, return_exceptions=True)
    except ThinkingFailed as error:
        tell(ReplyFailed(number, error.error_type, error.message))
    except ParolaError as error:
        tell(ReplyFailed(number, stage, error.message))
    except Exception as error:
        log.exception("reply_failed", reply=number)
        tell(ReplyFailed(number, stage, f"{type(error).__name__}: {error}"))
    else:
        tell(ReplyFinished(number))


class _Script:
    """What is to be spoken, as it is written: stretches of words in, sentences out."""

    def __init__(self, mouth: Mouth) -> None:
        self.sentences: asyncio.Queue[Sentence | None] = asyncio.Queue()
        """Complete ones, in order; None behind the last."""
        self.labels = tuple(mouth.others)
        self._mouth = mouth
        self._label: str | None = None
        self._splitter = self._new_splitter()
        self._has_begun = False

    def add(self, label: str | None, words: str) -> None:
        if label != self._label:
            # A sentence does not go on in another voice; white space between the two goes with the later.
            words = self._end_stretch() + words
            self._label = label
            self._splitter = self._new_splitter(opens_early=not self._has_begun)
        self._put(self._splitter.add(words))

    def close(self) -> None:
        self._end_stretch()
        self.sentences.put_nowait(None)

    def _new_splitter(self, *, opens_early: bool = True) -> SentenceSplitter:
        return SentenceSplitter(self._mouth.speaker(self._label).voice.language, opens_early=opens_early)

    def _end_stretch(self) -> str:
        rest = self._splitter.pending
        self._put(self._splitter.flush())
        return "" if rest.strip() else rest

    def _put(self, texts: list[str]) -> None:
        for text in texts:
            self._has_begun = True
            self.sentences.put_nowait(Sentence(text, self._label))


async def _write(
    action: StartReply,
    brain: Brain,
    tell: Callable[[Event], None],
    script: _Script | None,
    retriever: Retriever | None,
) -> None:
    """Tell the words as they come, and hand on every sentence that is complete."""
    number, request = action.reply, action.request
    tags = VoiceTags(script.labels if script is not None else ())

    def say(stretches: list[tuple[str | None, str]]) -> None:
        for label, words in stretches:
            tell(ReplyText(number, words, label))
            if script is not None:
                script.add(label, words)

    if request is None:
        say([*tags.add(action.verbatim), *tags.flush()])
        tell(ModelFinished(number))
        if script is not None:
            script.close()
        return
    if action.retrieves and retriever is not None:
        request = await retriever.informed(request, number, tell)
    sources = SourceTags(retriever.source_ids) if retriever is not None and retriever.source_ids else None
    usage: TokenUsage | None = None
    answered: Answered | None = None
    written = 0
    has_written = False
    stream: AsyncIterator[ModelEvent] = brain.model.step(replace(request, model=brain.name))
    async with aclosing(stream) as events:  # type: ignore[type-var]
        async for event in events:
            match event:
                case TextDelta(text=text):
                    written += len(text)
                    if sources is not None:
                        text = sources.add(text)
                    has_written |= bool(text.strip())
                    say(tags.add(text))
                case ToolCallRequested():
                    if script is not None and not has_written and event.name in action.announcements:
                        has_written = True
                        say([(None, action.announcements[event.name])])
                    tell(ToolCalled(number, event.name, event.arguments, event.unreadable))
                case ModelBegan():
                    tell(ModelThinks(number))
                case ReasoningDelta(text=text):
                    tell(ModelThinks(number, text))
                case ResponseMetadata():
                    tell(MetadataReturned(number, event.metadata))
                case TokenUsage():
                    usage = event
                case Answered():
                    answered, usage = event, event.usage
    if sources is not None:
        say(tags.add(sources.flush()))
    say(tags.flush())
    if usage is None:
        read = sum(len(str(message.get("content") or "")) for message in request.messages)
        usage = TokenUsage(read // CHARACTERS_PER_TOKEN, written // CHARACTERS_PER_TOKEN)
    tell(
        ModelFinished(
            number,
            model=answered.model if answered is not None else brain.name or request.model,
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            context_limit=answered.context_tokens if answered is not None else brain.model.context_tokens,
            usage=answered.priced if answered is not None else {},
            llm_override=answered.llm_override if answered is not None else "",
            warnings=answered.warnings if answered is not None else (),
            used_document_ids=sources.document_ids if sources is not None else (),
        )
    )
    if script is not None:
        script.close()


@dataclass(slots=True)
class _Line:
    """A sentence on its way to being heard."""

    text: str
    spoken_from: tuple[int, ...] = ()
    chunks: asyncio.Queue[SpeechChunk | Exception | None] = field(default_factory=asyncio.Queue)
    """Its audio as it is made; None behind the last."""
    _behind: SpeechChunk | Exception | None = None
    _has_behind: bool = False

    async def take(self) -> SpeechChunk | Exception | None:
        """The next chunk, with what is ready behind it up to ``PIECE_SECONDS``: every message has its price."""
        if self._has_behind:
            self._has_behind = False
            first = self._behind
        else:
            first = await self.chunks.get()
        if not isinstance(first, SpeechChunk) or first.alignment is not None or self.chunks.empty():
            return first
        most = int(first.sample_rate * PIECE_SECONDS) * 2
        parts, size = [first.pcm], len(first.pcm)
        while not self.chunks.empty():
            chunk = self.chunks.get_nowait()
            fits = isinstance(chunk, SpeechChunk) and chunk.alignment is None and chunk.sample_rate == first.sample_rate
            if not isinstance(chunk, SpeechChunk) or not fits or size + len(chunk.pcm) > most:
                self._behind, self._has_behind = chunk, True
                break
            parts.append(chunk.pcm)
            size += len(chunk.pcm)
        return first if len(parts) == 1 else SpeechChunk(b"".join(parts), first.sample_rate)


async def _speak(
    action: StartReply,
    mouth: Mouth,
    sentences: asyncio.Queue[Sentence | None],
    tell: Callable[[Event], None],
    accounts: Accounts | None,
) -> None:
    """Have every sentence spoken, in order, no faster than the client needs it."""
    lines: asyncio.Queue[_Line | Exception | None] = asyncio.Queue(maxsize=1)
    making = asyncio.create_task(_make(mouth, sentences, lines, accounts or Accounts()))
    loop = asyncio.get_running_loop()
    number = action.reply
    playback_ends_at = action.playback_from
    encoder: Encoder | None = None
    encoder_rate = 0
    try:
        while (line := _unless_failed(await lines.get())) is not None:
            tell(SentenceStarted(number, line.text, line.spoken_from))
            while (chunk := _unless_failed(await line.take())) is not None:
                if encoder is None or encoder_rate != chunk.sample_rate:
                    encoder, encoder_rate = Encoder(chunk.sample_rate, mouth.format), chunk.sample_rate
                for pcm, alignment in pieces(chunk):
                    wire = encoder.encode(pcm)
                    if not wire:
                        continue
                    ahead, most = playback_ends_at - loop.time(), mouth.pacing.ahead_seconds
                    if ahead > most:
                        await asyncio.sleep(ahead - most)
                    seconds = mouth.format.seconds(len(wire))
                    playback_ends_at = max(playback_ends_at, loop.time()) + seconds
                    tell(ReplyAudio(number, wire, seconds, alignment))
    finally:
        making.cancel()
        await asyncio.gather(making, return_exceptions=True)


T = TypeVar("T")


def _unless_failed(value: T | Exception) -> T:
    if isinstance(value, Exception):
        raise value
    return value


async def _make(
    mouth: Mouth,
    sentences: asyncio.Queue[Sentence | None],
    lines: asyncio.Queue[_Line | Exception | None],
    accounts: Accounts,
) -> None:
    """Make the audio of one sentence after the other. There is room for one line beside the one that is being sent:
    a sentence is begun while the one before it still plays, and none before that."""
    line: _Line | None = None
    try:
        while (sentence := await sentences.get()) is not None:
            line = None
            speaker = mouth.speaker(sentence.voice_label)
            spoken = spoken_text(sentence.text, speaker.voice.language)
            spoken, phonemes = pronounced(spoken, mouth.pronunciation, with_phonemes=speaker.tts.capabilities.phonemes)
            line = _Line(sentence.text, spoken.origins)
            await lines.put(line)
            if any(character.isalnum() for character in spoken.text):
                voice = replace(speaker.voice, phonemes=phonemes) if phonemes else speaker.voice
                accounts.text_was_spoken(voice.model or speaker.tts.name, len(spoken.text))
                chunks: AsyncIterator[SpeechChunk] = speaker.tts.speak(spoken.text, voice)
                async with aclosing(chunks) as audio:  # type: ignore[type-var]
                    async for chunk in audio:
                        accounts.audio_was_made(voice.voice or speaker.tts.name, len(chunk.pcm) / 2 / chunk.sample_rate)
                        line.chunks.put_nowait(chunk)
            line.chunks.put_nowait(None)
        await lines.put(None)
    except Exception as error:
        if line is None:
            await lines.put(error)
        else:
            line.chunks.put_nowait(error)


def pieces(chunk: SpeechChunk) -> list[tuple[bytes, Alignment | None]]:
    """Cut a chunk so that no piece is longer than ``PIECE_SECONDS``, each with its part of the alignment.

    Every character goes to the piece in which it begins, timed from that piece's first sample.
    """
    step = int(chunk.sample_rate * PIECE_SECONDS) * 2
    if len(chunk.pcm) <= step:
        return [(chunk.pcm, chunk.alignment)]
    cut: list[tuple[bytes, Alignment | None]] = []
    alignment = chunk.alignment
    position = 0
    for offset in range(0, len(chunk.pcm), step):
        pcm = chunk.pcm[offset : offset + step]
        if alignment is None:
            cut.append((pcm, None))
            continue
        begin = offset / 2 / chunk.sample_rate
        end = begin + len(pcm) / 2 / chunk.sample_rate
        is_last = offset + step >= len(chunk.pcm)
        stop = position
        while stop < len(alignment.chars) and (is_last or alignment.starts[stop] < end):
            stop += 1
        part = slice(position, stop)
        position = stop
        starts = tuple(max(0.0, start - begin) for start in alignment.starts[part])
        piece = Alignment(alignment.chars[part], starts, alignment.durations[part])
        cut.append((pcm, piece if piece.chars else None))
    return cut
