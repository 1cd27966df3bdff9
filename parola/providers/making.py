"""Making a provider from its entry in the settings. Each vendor's module is imported when the first of its providers is
made."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from parola.config import ProviderSettings
from parola.errors import InvalidRequest
from parola.outbound.addresses import shown
from parola.providers.fair_queue import FairQueue

if TYPE_CHECKING:
    from parola.outbound.http import Connections

P = TypeVar("P")

GROUP = "parola.providers"
BUILT_IN = {"llm": ("scripted", "openai"), "stt": ("scripted", "openai", "embedded"), "tts": ()}
BUILT_IN["tts"] = BUILT_IN["embedding"] = BUILT_IN["stt"]


def make(
    kind: str,
    entry: str,
    settings: ProviderSettings,
    *,
    models: Path,
    connections: Callable[[], Connections],
    queue: Callable[[str, str, ProviderSettings], FairQueue],
) -> Any:
    """The provider of ``[kind.entry]``. ``queue`` gives the one in which work for an embedded model waits. Raises
    ``InvalidRequest`` for options it does not know."""
    name = settings.provider if entry == "default" else entry
    match kind, settings.provider:
        case "llm", "scripted":
            from parola.providers.scripted import ScriptedModel, load_script

            script = settings.options.get("script")
            return ScriptedModel(load_script(Path(str(script)).expanduser()) if script else None)
        case "stt", "scripted":
            from parola.providers.scripted_speech import ScriptedSpeechToText

            return _with_options(ScriptedSpeechToText, kind, entry, settings)
        case "tts", "scripted":
            from parola.providers.scripted_speech import ScriptedTextToSpeech

            return _with_options(ScriptedTextToSpeech, kind, entry, settings)
        case "llm", "openai":
            from parola.providers.openai import OpenAIModel
            from parola.providers.openai_responses import OpenAIResponsesModel

            if settings.options.get("api") == "responses":
                return OpenAIResponsesModel(settings, connections(), name=name)
            return OpenAIModel(settings, connections(), name=name)
        case "stt", "openai":
            from parola.providers.openai_speech import OpenAISpeechToText

            return OpenAISpeechToText(settings, connections(), name=name)
        case "tts", "openai":
            from parola.providers.openai_speech import OpenAITextToSpeech

            return OpenAITextToSpeech(settings, connections(), name=name)
        case "stt", "embedded":
            from parola.providers.moonshine import MoonshineSpeechToText

            return MoonshineSpeechToText(models, queue(kind, entry, settings))
        case "tts", "embedded":
            from parola.providers.hibari import HibariTextToSpeech

            return HibariTextToSpeech(queue(kind, entry, settings))
        case "embedding", "scripted":
            from parola.providers.scripted_embedding import ScriptedEmbedder

            return _with_options(ScriptedEmbedder, kind, entry, settings)
        case "embedding", "openai":
            from parola.providers.openai_embedding import OpenAIEmbedder

            return OpenAIEmbedder(settings, connections(), name=name)
        case "embedding", "embedded":
            from parola.providers.minilm import MiniLMEmbedder

            return MiniLMEmbedder(models, queue(kind, entry, settings))
        case _:
            return _factory(settings.provider)(kind, settings)


def check(kind: str, name: str, entry: ProviderSettings) -> None:
    """Raises ``InvalidRequest`` for an entry that makes no sense."""
    where = f"[{kind}.{name}]"
    if entry.provider not in BUILT_IN[kind] and entry.provider not in _third_parties():
        known = ", ".join([*BUILT_IN[kind], *_third_parties()])
        raise InvalidRequest(f'{where}: provider "{entry.provider}" is unknown. Known: {known}.')
    if entry.provider == "openai" and not entry.base_url.startswith(("http://", "https://")):
        raise InvalidRequest(
            f'{where}: expected base_url = "http://…", the address of an OpenAI-compatible server up to and including '
            f'"/v1"; got "{shown(entry.base_url)}".'
        )


def _third_parties() -> Mapping[str, Any]:
    from importlib.metadata import entry_points

    return {point.name: point for point in entry_points(group=GROUP)}


def _factory(provider: str) -> Callable[[str, ProviderSettings], Any]:
    factory: Callable[[str, ProviderSettings], Any] = _third_parties()[provider].load()
    return factory


def _with_options(make: Callable[..., P], kind: str, entry: str, settings: ProviderSettings) -> P:
    """Call a constructor with the entry's options as keyword arguments."""
    known = list(inspect.signature(make).parameters)
    options = {name: value for name, value in settings.options.items() if name != "voice_activity"}
    for name in options:
        if name not in known:
            raise InvalidRequest(f'[{kind}.{entry}]: option "{name}" is unknown. Known: {", ".join(known)}.')
    return make(**options)
