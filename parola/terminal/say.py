"""``parola say``: a sentence in a voice of this machine, as a WAV file. What ``parola call`` wants to be given."""

from __future__ import annotations

import asyncio
from pathlib import Path

from rich.markup import escape

from parola.config import Settings
from parola.errors import InvalidRequest
from parola.providers.base import VoiceSettings
from parola.providers.registry import Registry
from parola.session.audio import wav_bytes
from parola.terminal import printing

TAIL_SECONDS = 0.3
"""Silence at the end: speech that breaks off with the file is hard to understand."""


async def say(settings: Settings, text: str, out: Path, voice: str) -> float:
    """Write ``text`` to ``out``, 16 bits mono at the voice's own rate. Returns its seconds. Raises ``ModelMissing``,
    and ``InvalidRequest`` where there is nothing to say, no place for it, or no such voice."""
    if not out.parent.is_dir():
        raise InvalidRequest(f"{out} cannot be written: there is no folder {out.parent}.")
    registry = Registry(settings)
    try:
        chosen = registry.text_to_speech("", voice, "en")
        if chosen.is_other_voice:
            known = ", ".join(f"{one.voice_id} ({one.name})" for one in registry.voices())
            raise InvalidRequest(f'There is no voice "{voice}" here. There are: {known}.')
        if chosen.warning:
            printing.err.print(f"[yellow]{escape(chosen.warning)}[/]")
        chunks = [chunk async for chunk in chosen.provider.speak(text, VoiceSettings(chosen.voice, chosen.model))]
    finally:
        await registry.aclose()
    if not chunks:
        raise InvalidRequest(f'Expected words to say, got "{text}".')
    rate = chunks[0].sample_rate
    pcm = b"".join(chunk.pcm for chunk in chunks) + bytes(2 * int(TAIL_SECONDS * rate))
    try:
        await asyncio.to_thread(out.write_bytes, wav_bytes(pcm, rate))
    except OSError as error:
        raise InvalidRequest(f"{out} cannot be written: {error.strerror or error}.") from None
    return len(pcm) / 2 / rate
