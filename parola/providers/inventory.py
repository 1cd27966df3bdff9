"""What thinks, listens, speaks and searches on this server, as a document for its owner: no key is in it."""

from __future__ import annotations

import asyncio
import importlib.metadata
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from parola.config import ProviderSettings
from parola.outbound.addresses import joined, shown
from parola.outbound.http import Connections
from parola.providers.catalogue import MODELS, ModelFile

PROBE_SECONDS = 3.0

TITLES = {
    "llm": "language_models",
    "stt": "speech_to_text",
    "tts": "text_to_speech",
    "embedding": "embeddings",
    "vad": "voice_activity",
    "turn": "turn_detector",
}
"""Kinds of models, and what they are called in the document."""

_PURPOSES = {
    "stt": "speech to text",
    "tts": "text to speech",
    "embedding": "embeddings",
    "vad": "voice activity",
    "turn": "turn detection",
}

_DISTRIBUTIONS = {"hibari": "hibari-tts"}
"""Packages that are imported by another name than they are installed by."""

HOW_TO_ADD = {
    "llm": (
        "Any server that speaks the OpenAI API: Ollama, vLLM, llama.cpp, or a service. [llm.default] answers for "
        "every name that is not mapped; an entry of another name is reached by that name, or as NAME/MODEL.",
        '[llm.default]\nbase_url = "http://127.0.0.1:11434/v1"\nmodel = "qwen3:8b"\n\n'
        '[mapping.llm]\n"gpt-*" = "default"\n',
    ),
    "stt": (
        "Run `parola models install` for the embedded model (English), or name a server with OpenAI's "
        "/audio/transcriptions.",
        '[stt.default]\nprovider = "openai"\nbase_url = "http://127.0.0.1:8000/v1"\nmodel = "whisper-large-v3"\n',
    ),
    "tts": (
        "The embedded voices (English) come with `pip install 'parola[speech]'`; others with a server that has "
        "OpenAI's /audio/speech. A voice's id may be mapped.",
        '[tts.default]\nprovider = "openai"\nbase_url = "http://127.0.0.1:8880/v1"\nmodel = "kokoro"\n'
        'voice = "af_heart"\n\n[mapping.voices]\n"21m00Tcm4TlvDq8ikWAM" = "af_heart"\n',
    ),
    "embedding": (
        "Run `parola models install` for the embedded model (English), or name a server with OpenAI's /embeddings. "
        "Documents are indexed anew for another model.",
        '[embedding.default]\nprovider = "openai"\nbase_url = "http://127.0.0.1:11434/v1"\nmodel = "bge-m3"\n',
    ),
    "vad": (
        "`parola models install` brings the detector; `loudness` needs no model.",
        '[stt.default]\nvoice_activity = "silero"\n',
    ),
    "turn": ("`parola models install` brings the model; `off` leaves it to silence.", 'turn_detector = "auto"\n'),
}
"""By kind: how others are added, as a sentence, and as a part of ``parola.toml``."""


async def providers(
    kind: str, entries: Mapping[str, ProviderSettings], models: Path, connections: Connections
) -> list[dict[str, Any]]:
    """The entries of one kind; services are asked whether they answer, at once and for ``PROBE_SECONDS`` at most."""
    states = await asyncio.gather(*(_state(kind, entry, models, connections) for entry in entries.values()))
    return [
        {
            "name": name,
            "kind": entry.provider,
            "model": entry.model or None,
            "voice": entry.voice or None,
            "base_url": shown(entry.base_url) or None,
            "is_default": name == "default",
            "is_available": is_available,
            "note": note,
        }
        for (name, entry), (is_available, note) in zip(entries.items(), states, strict=True)
    ]


def installed(kind: str, models: Path) -> list[dict[str, Any]]:
    """The models that can run in this process, whether they are here or not; their files are not read."""
    found: dict[tuple[str, str], list[ModelFile]] = {}
    for model in _files(kind):
        box = model.wheel.requirement if model.wheel else model.package
        found.setdefault((box, _name(model)), []).append(model)
    return [
        {
            "name": name,
            "package": _DISTRIBUTIONS.get(package := box.partition("==")[0], package),
            "version": box.partition("==")[2] or _version(package),
            "size_bytes": sum(model.size for model in files),
            "licence": files[0].licence,
            "is_installed": all(_is_here(model, models) for model in files),
        }
        for (box, name), files in found.items()
    ]


async def _state(
    kind: str, entry: ProviderSettings, models: Path, connections: Connections
) -> tuple[bool | None, str | None]:
    """Whether it could be used now (None: nobody knows before it is), and what there is to say about it."""
    match entry.provider:
        case "scripted":
            return True, "It follows a script and needs no model: for tests and demonstrations."
        case "embedded":
            missing = [model.name for model in _files(kind) if not _is_here(model, models)]
            if missing:
                return False, f"Not installed: {', '.join(missing)}. Run `parola models install`."
            return True, "It runs in this process: nothing leaves the machine."
        case "openai":
            return await _probe(entry, connections)
    return None, "It is of another package, which says nothing before it is used."


async def _probe(entry: ProviderSettings, connections: Connections) -> tuple[bool, str | None]:
    """Ask a service for its models: the cheapest sign of life."""
    import aiohttp

    headers = {"authorization": f"Bearer {entry.api_key}"} if entry.api_key else {}
    url, timeout = joined(entry.base_url, "/models"), aiohttp.ClientTimeout(total=PROBE_SECONDS)
    try:
        client = await connections.client()
        async with client.get(url, headers=headers, timeout=timeout) as response:
            status = response.status
    except TimeoutError:
        return False, f"It did not answer within {PROBE_SECONDS:g} s."
    except (aiohttp.ClientError, OSError, ValueError) as error:
        return False, f"It cannot be reached ({type(error).__name__}). Is it running?"
    if status in (401, 403):
        return False, f"It refuses the key ({status})."
    if status >= 500:
        return False, f"It answers {status}."
    return True, None


def _files(kind: str) -> Sequence[ModelFile]:
    purpose = _PURPOSES.get(kind)
    return [model for model in MODELS if purpose is not None and model.purpose.startswith(purpose)]


def _is_here(model: ModelFile, models: Path) -> bool:
    if model.package:
        return _version(model.package) is not None
    path = models / model.name
    return path.is_file() and path.stat().st_size == model.size


def _name(model: ModelFile) -> str:
    if model.package:
        return model.package
    path = Path(model.name)
    return path.stem if len(path.parts) == 1 else path.parts[0]


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(_DISTRIBUTIONS.get(package, package))
    except importlib.metadata.PackageNotFoundError:
        return None
