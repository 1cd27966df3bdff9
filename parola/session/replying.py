"""Performing a reply: model → sentences → voice → paced audio, as one coroutine that is started and cancelled whole.

Facts come out in order: text, tool calls, ``ModelFinished``; beside them, sentence by sentence, audio in the client's
format; ``ReplyFinished`` last, unless something failed. Audio stays ``AHEAD_SECONDS`` ahead of playback and no more, so
that little is in flight when the user cuts in, and memory is bounded.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass, replace

from parola.conversation.actions import StartReply
from parola.conversation.events import (
    Event,
    ModelFinished,
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
    LanguageModel,
    ModelEvent,
    SpeechChunk,
    TextDelta,
    TextToSpeech,
    TokenUsage,
    ToolCallRequested,
    VoiceSettings,
)
from parola.session.audio import AudioFormat, Encoder
from parola.session.sentences import SentenceSplitter

log = logger(__name__)

AHEAD_SECONDS = 2.0
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
class Mouth:
    """Who speaks in this conversation, and in which format the client listens."""

    tts: TextToSpeech
    voice: VoiceSettings
    format: AudioFormat


async def perform(action: StartReply, brain: Brain, mouth: Mouth | None, tell: Callable[[Event], None]) -> None:
    """Make one reply and tell what comes of it. Without a mouth it is only written. Failures are told, not raised."""
    number = action.reply
    stage = brain.error_type
    try:
        if mouth is None:
            await _write(action, brain, tell, None)
        else:
            sentences: asyncio.Queue[str | None] = asyncio.Queue()
            speaking = asyncio.create_task(_speak(action, mouth, sentences, tell))
            try:
                await _write(action, brain, tell, sentences)
                stage = "tts_cascade_error"
                await speaking
            finally:
                if not speaking.done():
                    speaking.cancel()
                    await asyncio.gather(speaking, return_exceptions=True)
    except ParolaError as error:
        tell(ReplyFailed(number, stage, error.message))
    except Exception as error:
        log.exception("reply_failed", reply=number)
        tell(ReplyFailed(number, stage, f"{type(error).__name__}: {error}"))
    else:
        tell(ReplyFinished(number))


async def _write(
    action: StartReply, brain: Brain, tell: Callable[[Event], None], sentences: asyncio.Queue[str | None] | None
) -> None:
    """Tell the words as they come, and hand on every sentence that is complete."""
    number, request = action.reply, action.request
    splitter = SentenceSplitter()
    if request is None:
        tell(ReplyText(number, action.verbatim))
        tell(ModelFinished(number))
        if sentences is not None:
            for sentence in [*splitter.add(action.verbatim), *splitter.flush()]:
                sentences.put_nowait(sentence)
            sentences.put_nowait(None)
        return
    usage: TokenUsage | None = None
    written = 0
    stream: AsyncIterator[ModelEvent] = brain.model.step(replace(request, model=brain.name))
    async with aclosing(stream) as events:  # type: ignore[type-var]
        async for event in events:
            match event:
                case TextDelta(text=text):
                    written += len(text)
                    tell(ReplyText(number, text))
                    if sentences is not None:
                        for sentence in splitter.add(text):
                            sentences.put_nowait(sentence)
                case ToolCallRequested():
                    tell(ToolCalled(number, event.name, event.arguments))
                case TokenUsage():
                    usage = event
    if usage is None:
        read = sum(len(str(message.get("content") or "")) for message in request.messages)
        usage = TokenUsage(read // CHARACTERS_PER_TOKEN, written // CHARACTERS_PER_TOKEN)
    tell(
        ModelFinished(
            number,
            model=brain.name or request.model,
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            context_limit=brain.model.context_tokens,
        )
    )
    if sentences is not None:
        for sentence in splitter.flush():
            sentences.put_nowait(sentence)
        sentences.put_nowait(None)


async def _speak(
    action: StartReply, mouth: Mouth, sentences: asyncio.Queue[str | None], tell: Callable[[Event], None]
) -> None:
    """Have every sentence spoken, in order, no faster than the client needs it."""
    loop = asyncio.get_running_loop()
    number = action.reply
    playback_ends_at = action.playback_from
    encoder: Encoder | None = None
    encoder_rate = 0
    while (sentence := await sentences.get()) is not None:
        tell(SentenceStarted(number, sentence))
        spoken = sentence.strip()
        if not spoken:
            continue
        chunks: AsyncIterator[SpeechChunk] = mouth.tts.speak(spoken, mouth.voice)
        async with aclosing(chunks) as audio:  # type: ignore[type-var]
            async for chunk in audio:
                if encoder is None or encoder_rate != chunk.sample_rate:
                    encoder, encoder_rate = Encoder(chunk.sample_rate, mouth.format), chunk.sample_rate
                for pcm, alignment in pieces(chunk):
                    wire = encoder.encode(pcm)
                    if not wire:
                        continue
                    ahead = playback_ends_at - loop.time()
                    if ahead > AHEAD_SECONDS:
                        await asyncio.sleep(ahead - AHEAD_SECONDS)
                    seconds = mouth.format.seconds(len(wire))
                    playback_ends_at = max(playback_ends_at, loop.time()) + seconds
                    tell(ReplyAudio(number, wire, seconds, alignment))


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
