"""One sentence in one voice, outside a call: so that a person can choose."""

from __future__ import annotations

import asyncio
from typing import Any

from parola.errors import ProviderError
from parola.providers.base import TextToSpeech, VoiceSettings
from parola.session.audio import wav_bytes

MOST_SECONDS = 30.0
"""To speak it."""

SENTENCES = {
    "en": "Hello! This is how I sound when I talk with you.",
    "de": "Guten Tag! So klinge ich, wenn ich mit Ihnen spreche.",
    "fr": "Bonjour ! Voici ma voix quand je vous parle.",
    "es": "¡Hola! Así sueno cuando hablo con usted.",
    "it": "Buongiorno! Questa è la mia voce quando parlo con lei.",
    "pt": "Olá! É assim que eu falo com você.",
    "nl": "Hallo! Zo klink ik als ik met u praat.",
    "pl": "Dzień dobry! Tak brzmię, kiedy z panią rozmawiam.",
    "sv": "Hej! Så här låter jag när jag pratar med dig.",
    "da": "Hej! Sådan lyder jeg, når jeg taler med dig.",
    "tr": "Merhaba! Sizinle konuşurken sesim böyle.",
    "ru": "Здравствуйте! Так звучит мой голос.",
    "ja": "こんにちは。私の声はこのように聞こえます。",
    "zh": "您好，这就是我和您说话时的声音。",
    "hi": "नमस्ते! मैं आपसे बात करते समय ऐसी सुनाई देती हूँ।",
}
"""What is said when nobody says what, by language."""


def sentence(language: str) -> str:
    """In that language, or in English where there is none."""
    return SENTENCES.get(language[:2].lower(), SENTENCES["en"])


async def preview(chosen: Any, language: str, text: str) -> bytes:
    """A whole WAV file of ``text``, spoken by what the registry has chosen. Raises what the provider raises, and
    ``ProviderError`` when it takes too long or says nothing."""
    provider: TextToSpeech = chosen.provider
    settings = VoiceSettings(voice=chosen.voice, model=chosen.model, language=language or "en")
    try:
        async with asyncio.timeout(MOST_SECONDS):
            chunks = [chunk async for chunk in provider.speak(text, settings)]
    except TimeoutError:
        raise ProviderError(provider.name, f"The voice took longer than {MOST_SECONDS:g} s.") from None
    if not chunks:
        raise ProviderError(provider.name, "There is nothing in that text to be spoken.")
    return wav_bytes(b"".join(chunk.pcm for chunk in chunks), chunks[0].sample_rate)
