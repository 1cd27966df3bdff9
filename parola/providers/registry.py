"""Which provider an agent gets: hosted names in, the providers of this server out.

Agents name models and voices of the hosted platform; here other models do the work. The owner says which
(``[mapping.llm]`` and so on, ``[mapping.voices]``: exact names, then patterns such as
``gpt-*``); what is not said goes to the default provider, with a warning and never with a failure. Wherever the owner
names a target it is an entry (``[llm.NAME]``), an entry and its model (``NAME/model``), or a model of the default.

A provider is made when it is first asked for, once; nothing heavy is imported before. Third parties add providers by
an entry point in the group ``parola.providers``: its name is the provider's, its value a function of the kind
(``llm``, ``stt``, ``tts`` or ``embedding``) and its ``ProviderSettings``.
"""

from __future__ import annotations

import asyncio
import hashlib
import importlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from parola.config import ProviderSettings, Settings
from parola.errors import ModelMissing, ParolaError
from parola.logs import logger, reason
from parola.providers.catalogue import SMART_TURN
from parola.providers.fair_queue import FairQueue
from parola.providers.hosted_voices import HOSTED_VOICES
from parola.providers.making import BUILT_IN, check, make

if TYPE_CHECKING:
    from parola.outbound.http import Connections
    from parola.providers.base import (
        Embedder,
        LanguageModel,
        SpeechToText,
        TextToSpeech,
        TurnDetector,
        Voice,
        VoiceActivity,
    )

P = TypeVar("P")

log = logger(__name__)

DEFAULTS = {
    "llm": ProviderSettings("scripted"),
    "stt": ProviderSettings("embedded"),
    "tts": ProviderSettings("embedded"),
    "embedding": ProviderSettings("embedded"),
}
"""For settings that were not loaded from anywhere."""

SCRIPTED_NAMES = frozenset({"scripted", "x-script"})
"""What an agent's ``llm`` says to be scripted, whatever the default is."""

HOSTED = ("scribe*", "elevenlabs", "eleven_*", "e5_mistral_7b_instruct", "multilingual_e5_large_instruct")
"""Names of the hosted platform's own ears, voices and embedding models, which every agent carries unless it was told
otherwise: the default stands in for them, and that is no news."""


@dataclass(frozen=True, slots=True)
class Chosen(Generic[P]):
    """A provider, and what to ask it for."""

    provider: P
    model: str = ""
    voice: str = ""
    warning: str | None = None
    """What the owner should know about this choice."""
    is_scriptless: bool = False
    """It answers by a script, and the settings give it none: the agent has to bring one."""
    is_other_voice: bool = False
    """Nobody knows the voice that was asked for: this one stands in."""


@dataclass(frozen=True, slots=True)
class MappingRow:
    """One line of the report on what stands in for what."""

    kind: str
    """``llm``, ``stt``, ``tts``, ``embedding``, ``voices`` or ``vad``."""
    name: str
    """A hosted name, a pattern, or ``default``."""
    provider: str
    model: str = ""
    voice: str = ""
    warning: str | None = None


@dataclass(frozen=True, slots=True)
class _Target:
    """Where a name leads: an entry of the settings, and a model or voice of it."""

    entry: str
    detail: str = ""
    warning: str | None = None


class Registry:
    """The providers of one process. Raises ``InvalidRequest`` at once when an entry of the settings makes no sense."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._entries = {
            kind: {"default": DEFAULTS[kind], **dict(entries)}
            for kind, entries in (
                *(("llm", settings.llm), ("stt", settings.stt), ("tts", settings.tts)),
                ("embedding", settings.embedding),
            )
        }
        for kind, entries in self._entries.items():
            for name, entry in entries.items():
                check(kind, name, entry)
        self._made: dict[tuple[str, ...], Any] = {}
        self.queues: dict[str, FairQueue] = {}
        """Where work for the embedded models waits: ``stt``, ``tts``."""
        self._connections: Connections | None = None
        self._activity: VoiceActivity | None = None
        self._activity_warning: str | None = None
        self._loading = asyncio.Lock()
        self._making = Lock()
        """Providers are made in a thread while the server gets ready, and wherever one is first asked for."""

    @property
    def connections(self) -> Connections:
        """The HTTP client of the process, for whoever needs one."""
        if self._connections is None:
            from parola.outbound.guard import Guard
            from parola.outbound.http import Connections

            self._connections = Connections(Guard.of(self._settings))
        return self._connections

    async def get_ready(self) -> None:
        """Make the default providers now, and the HTTP client if any entry will need it: what they import would be in
        the first call's way. Of the models only the voice detector is loaded, which is small; ``warm_up`` loads the
        others. What runs them is, because it takes a tenth of a second in which nobody else gets on."""
        detector = await asyncio.to_thread(self._make_defaults)
        await self.voice_activity()
        if detector is not None or "embedded" in {self._entries[kind]["default"].provider for kind in ("stt", "tts")}:
            await asyncio.to_thread(_load_runtime)
        if any(entry.base_url for entries in self._entries.values() for entry in entries.values()):
            await self.connections.client()

    def _make_defaults(self) -> TurnDetector | None:
        with suppress(ParolaError):  # said again, with its reason, to the call that needs it
            self.language_model("")
            self.speech_to_text("")
            self._text_to_speech("default")
            return self.turn_detector()
        return None

    # -- who thinks ---------------------------------------------------------------------------------------------------

    def language_model(
        self,
        llm: str,
        custom_llm: Mapping[str, Any] | None = None,
        api_key: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> Chosen[LanguageModel]:
        """The model for an agent's ``llm``. For ``custom-llm`` it is the agent's own endpoint, reached with
        ``api_key`` and ``headers``; its ``api_type`` is ``chat_completions`` or ``responses``."""
        if llm == "custom-llm" and custom_llm and custom_llm.get("url"):
            return self._custom_model(custom_llm, api_key, headers or {})
        target = self._target("llm", llm)
        if llm == "custom-llm" and target.warning:
            target = self._default("llm", "'custom-llm' has no custom_llm.url")
        entry = self._entries["llm"][target.entry]
        model = target.detail or entry.model
        if entry.provider == "openai" and not model:
            # The owner named a server and no model: the agent's own choice is passed on.
            return Chosen(self._language_model(target.entry), llm)
        scriptless = entry.provider == "scripted" and not entry.options.get("script")
        return Chosen(self._language_model(target.entry), model, warning=target.warning, is_scriptless=scriptless)

    def _custom_model(
        self, custom_llm: Mapping[str, Any], api_key: str, headers: Mapping[str, str]
    ) -> Chosen[LanguageModel]:
        """An agent's own endpoint. Its address is not the owner's: it is reached through the guard."""
        from parola.outbound.http import GuardedConnections
        from parola.providers.openai import OpenAIModel
        from parola.providers.openai_responses import OpenAIResponsesModel

        url, model = str(custom_llm["url"]), str(custom_llm.get("model_id") or "")
        kind, version = custom_llm.get("api_type") or "chat_completions", str(custom_llm.get("api_version") or "")
        key = ("custom", kind, version, url, api_key, *(f"{name}: {value}" for name, value in sorted(headers.items())))
        if key not in self._made:
            settings = ProviderSettings("openai", base_url=url, api_key=api_key)
            while sum(made[0] == "custom" for made in self._made) >= CUSTOM_MODELS:
                del self._made[next(made for made in self._made if made[0] == "custom")]
            guarded = GuardedConnections(self.connections)
            make = OpenAIResponsesModel if kind == "responses" else OpenAIModel
            self._made[key] = make(
                settings, guarded, name="custom-llm", headers=headers, is_custom=True, api_version=version
            )
        return Chosen(self._made[key], model)

    def _language_model(self, entry: str) -> LanguageModel:
        model: LanguageModel = self._provider("llm", entry)
        return model

    # -- who listens --------------------------------------------------------------------------------------------------

    def speech_to_text(self, provider_name: str) -> Chosen[SpeechToText]:
        """The ear for an agent's ``asr.provider``."""
        target = self._target("stt", provider_name)
        return Chosen(
            self._provider("stt", target.entry),
            target.detail or self._entries["stt"][target.entry].model,
            warning=target.warning,
        )

    # -- who speaks ---------------------------------------------------------------------------------------------------

    def text_to_speech(self, model_id: str, voice_id: str, language: str) -> Chosen[TextToSpeech]:
        """The voice for an agent's ``tts.model_id`` and ``tts.voice_id``, in its language if there is one."""
        warnings: list[str] = []
        target = self._target("tts", model_id)
        entry, model, voice = target.entry, target.detail, ""
        if target.warning:
            warnings.append(target.warning)
        mapped = _looked_up(self._settings.mapping.get("voices") or {}, voice_id)
        if mapped is not None:
            head, slash, tail = mapped.partition("/")
            if slash and head in self._entries["tts"]:
                entry, voice = head, tail
            else:
                voice = mapped
        elif (elsewhere := self._voice_elsewhere(entry, voice_id)) is not None:
            (entry, voice), model = elsewhere, ""
        if not _speaks(self._text_to_speech(entry), language):
            other = next((n for n in self._entries["tts"] if _speaks(self._text_to_speech(n), language)), None)
            if other is None:
                warnings.append(f"No voice here speaks '{language}'; using {self._title('tts', entry)}")
            else:
                entry, model, voice = other, "", ""
        provider = self._text_to_speech(entry)
        is_other = False
        if not voice:
            voice, warning = self._voice(entry, provider.voices, voice_id)
            if is_other := warning is not None:
                warnings.append(warning)
        model = model or self._entries["tts"][entry].model
        return Chosen(provider, model, voice, "; ".join(warnings) or None, is_other_voice=is_other)

    def _voice_elsewhere(self, entry: str, voice_id: str) -> tuple[str, str] | None:
        """The entry that has a voice of this id or name, and the voice's id, when ``entry`` has none."""
        if not voice_id or voice_id in HOSTED_VOICES or _known(self._text_to_speech(entry).voices, voice_id):
            return None
        others = ((name, _known(self._text_to_speech(name).voices, voice_id)) for name in self._entries["tts"])
        return next(((name, found) for name, found in others if found is not None), None)

    def _text_to_speech(self, entry: str) -> TextToSpeech:
        provider: TextToSpeech = self._provider("tts", entry)
        return provider

    def _voice(self, entry: str, voices: Sequence[Voice], voice_id: str) -> tuple[str, str | None]:
        """The local voice for a voice id that nobody mapped."""
        if (known := _known(voices, voice_id)) is not None:
            return known, None
        own = self._entries["tts"][entry].voice
        if voice_id in HOSTED_VOICES or not voice_id:
            stand_in = HOSTED_VOICES.get(voice_id, "")
            return own or _known(voices, stand_in) or (voices[0].voice_id if voices else ""), None
        if not voices:
            # A service that does not tell its voices may know this one.
            return voice_id, None
        digest = hashlib.sha256(voice_id.encode()).digest()
        picked = own or voices[int.from_bytes(digest[:4], "big") % len(voices)].voice_id
        return picked, f"Voice '{voice_id}' is not mapped; using {picked} ({self._title('tts', entry)})"

    # -- who finds what is about the same -----------------------------------------------------------------------------

    def embedder(self, model: str) -> Chosen[Embedder]:
        """Who makes the vectors for an agent's ``rag.embedding_model``. Vectors of two providers cannot be compared:
        what was indexed with another one has to be indexed anew."""
        target = self._target("embedding", model)
        return Chosen(self._provider("embedding", target.entry, target.detail), warning=target.warning)

    # -- who hears that there is speech -------------------------------------------------------------------------------

    async def voice_activity(self) -> VoiceActivity:
        """The detector for every call: Silero where it is installed, else loudness. With a scripted ear, whose
        speech is tones, always loudness; ``[stt.default] voice_activity`` (``silero`` or ``loudness``) decides over
        all that."""
        async with self._loading:
            if self._activity is None:
                self._activity = await self._new_activity()
            return self._activity

    async def _new_activity(self) -> VoiceActivity:
        from parola.providers.scripted_speech import ScriptedVoiceActivity

        default = self._entries["stt"]["default"]
        if (default.options.get("voice_activity") or default.provider) in ("loudness", "scripted"):
            return ScriptedVoiceActivity()
        try:
            return await asyncio.to_thread(_silero, self._settings.models)
        except ModelMissing as error:
            self._activity_warning = f"Speech is told from noise by its loudness alone. {error.message}"
            log.warning("voice_activity_missing", reason=reason(error))
            return ScriptedVoiceActivity()

    def turn_detector(self) -> TurnDetector | None:
        """Who judges whether a caller has finished; None where the owner has turned that off, where the model is not
        installed, and with a scripted ear, whose speech is tones."""
        if self._settings.turn_detector == "off" or self._entries["stt"]["default"].provider == "scripted":
            return None
        key = ("turn_detector",)
        if key not in self._made:
            if not (self._settings.models / SMART_TURN).is_file():
                return None
            from parola.providers.smart_turn import SmartTurnDetector

            with self._making:
                self._made.setdefault(key, SmartTurnDetector(self._settings.models))
        detector: TurnDetector = self._made[key]
        return detector

    # -- what there is ------------------------------------------------------------------------------------------------

    def voices(self) -> Sequence[Voice]:
        """Every local voice, for ``GET /v1/voices``; those of the default provider first."""
        found: dict[str, Voice] = {}
        for entry in self._entries["tts"]:
            for voice in self._text_to_speech(entry).voices:
                found.setdefault(voice.voice_id, voice)
        return tuple(found.values())

    def llms(self) -> Sequence[dict[str, Any]]:
        """What an agent's ``llm`` may sensibly be here, as ``LlmInfoModel`` (reference: rest.md)."""
        names = ["x-script", "custom-llm"]
        names += [name for name in self._entries["llm"] if name != "default"]
        names += [name for name in self._settings.mapping.get("llm") or {} if not _is_pattern(name)]
        default = self._entries["llm"]["default"]
        if default.provider != "scripted" and default.model:
            names.insert(0, default.model)
        return [self._llm_info(name) for name in dict.fromkeys(names)]

    def _llm_info(self, name: str) -> dict[str, Any]:
        target = self._target("llm", name)
        context = 128_000 if name == "custom-llm" else self._language_model(target.entry).context_tokens
        return {
            "llm": name,
            "is_checkpoint": False,
            "max_tokens_limit": context,
            "max_context_limit": context,
            "supports_image_input": name != "x-script",
            "supports_document_input": False,
            "supports_parallel_tool_calls": True,
            "available_reasoning_efforts": [],
            "available_service_tiers": ["standard"],
        }

    def mapping_report(self) -> list[MappingRow]:
        """What stands in for what: the defaults, then each line of the owner's mapping."""
        rows: list[MappingRow] = []
        for kind, entries in self._entries.items():
            default = entries["default"]
            rows.append(MappingRow(kind, "default", self._title(kind, "default"), default.model, default.voice))
        mapping = self._settings.mapping
        for kind in self._entries:
            for name in mapping.get(kind) or {}:
                target = self._target(kind, name)
                model = target.detail or self._entries[kind][target.entry].model
                title = self._title(kind, target.entry)
                rows.append(MappingRow(kind, name, title, model, warning=target.warning))
        for name in mapping.get("voices") or {}:
            chosen = self.text_to_speech("", name, "en")
            rows.append(MappingRow("voices", name, chosen.provider.name, chosen.model, chosen.voice, chosen.warning))
        if self._activity is not None:
            rows.append(MappingRow("vad", "default", self._activity.name, warning=self._activity_warning))
        return rows

    async def inventory(self) -> dict[str, Any]:
        """What there is, for ``GET /v1/x/models``."""
        from parola.providers import inventory

        models, report = self._settings.models, self.mapping_report()

        def mapping(kind: str) -> list[dict[str, Any]]:
            return [
                {
                    "asked": row.name,
                    "used": row.provider,
                    "model": row.model or None,
                    "voice": row.voice or None,
                    "warning": row.warning,
                }
                for row in report
                if row.kind == kind and row.name != "default"
            ]

        def known(kind: str) -> dict[str, Any]:
            text, example = inventory.HOW_TO_ADD[kind]
            return {
                "installed": inventory.installed(kind, models),
                "how_to_add": {"text": text, "example": example},
            }

        found: dict[str, Any] = {}
        kinds = list(self._entries)
        asked = (inventory.providers(kind, self._entries[kind], models, self.connections) for kind in kinds)
        for kind, providers in zip(kinds, await asyncio.gather(*asked), strict=True):
            title = {"default": self._title(kind, "default"), "providers": providers, "mapping": mapping(kind)}
            found[inventory.TITLES[kind]] = title | known(kind)
        found[inventory.TITLES["tts"]] |= {"voices": len(self.voices()), "voice_mapping": mapping("voices")}
        activity, detector = await self.voice_activity(), self.turn_detector()
        found[inventory.TITLES["vad"]] = {"used": activity.name, "note": self._activity_warning} | known("vad")
        note = None if detector is not None else self._why_no_turn_detector()
        found[inventory.TITLES["turn"]] = {"used": detector and detector.name, "note": note} | known("turn")
        return found

    def _why_no_turn_detector(self) -> str:
        if self._settings.turn_detector == "off":
            return "It is turned off: silence alone decides."
        if self._entries["stt"]["default"].provider == "scripted":
            return "Scripted speech is tones, of which it knows nothing: silence alone decides."
        return "Its model is not installed: silence alone decides. Run `parola models install`."

    # -- life ---------------------------------------------------------------------------------------------------------

    async def warm_up(
        self, *, voice: bool = True, told: Callable[[str, float], None] = lambda what, seconds: None
    ) -> list[str]:
        """Load what the defaults need, so that the first call need not wait; returns what could not be loaded.

        ``told`` hears what has been loaded, and the seconds that it took."""
        troubles: list[str] = []
        if any(entry.provider == "openai" for entries in self._entries.values() for entry in entries.values()):
            await self.connections.client()
        if not voice:
            return troubles
        begun = time.perf_counter()
        await self.voice_activity()
        if self._activity_warning:
            troubles.append(self._activity_warning)
        else:
            told("voice activity", time.perf_counter() - begun)
        for what, provider in (
            ("speech to text", self.speech_to_text("").provider),
            ("text to speech", self._text_to_speech("default")),
            ("turn detector", self.turn_detector()),
        ):
            if provider is None:
                continue
            begun = time.perf_counter()
            try:
                await provider.warm_up()
            except ParolaError as error:
                troubles.append(error.message)
            else:
                told(what, time.perf_counter() - begun)
        return troubles

    async def aclose(self) -> None:
        """Close every provider, then the connections."""
        made, self._made = list(self._made.values()), {}
        for provider in made:
            await provider.aclose()
        if self._connections is not None:
            await self._connections.aclose()

    # -- from a name to a provider ------------------------------------------------------------------------------------

    def _target(self, kind: str, name: str) -> _Target:
        """Where a name leads. Never a failure: what leads nowhere leads to the default, with a warning."""
        entries = self._entries[kind]
        if not name:
            return _Target("default")
        if (named := self._named(kind, name)) is not None:
            return named
        mapped = _looked_up(self._settings.mapping.get(kind) or {}, name)
        if mapped is not None:
            if (named := self._named(kind, mapped)) is not None:
                return named
            if entries["default"].provider not in ("scripted", "embedded"):
                return _Target("default", mapped)
            known = ", ".join(entries)
            return self._default(kind, f"'{name}' is mapped to '{mapped}', which is no entry of [{kind}] ({known})")
        default = entries["default"]
        if name == default.model or (default.provider == "openai" and not default.model):
            return _Target("default")
        if kind != "llm" and any(fnmatchcase(name, pattern) for pattern in HOSTED):
            return _Target("default")
        return self._default(kind, f"'{name}' is not mapped")

    def _named(self, kind: str, name: str) -> _Target | None:
        """The entry that a name is, or begins with; None when it is none."""
        entries = self._entries[kind]
        if name in entries:
            return _Target(name)
        head, slash, tail = name.partition("/")
        if slash and head in entries:
            return _Target(head, tail)
        provider = "scripted" if name in SCRIPTED_NAMES else name
        if provider not in BUILT_IN[kind]:
            return None
        for entry, settings in entries.items():
            if settings.provider == provider:
                return _Target(entry)
        if provider == "openai":
            return None  # nobody said where it is
        entries[provider] = ProviderSettings(provider)
        return _Target(provider)

    def _default(self, kind: str, why: str) -> _Target:
        return _Target("default", warning=f"{kind.upper()} {why}; using default ({self._title(kind, 'default')})")

    def _title(self, kind: str, entry: str) -> str:
        settings = self._entries[kind][entry]
        return f"{settings.provider}: {settings.model}" if settings.model else settings.provider

    def _provider(self, kind: str, entry: str, model: str = "") -> Any:
        """``model``: another than the entry's, for those that are made for one."""
        key = (kind, entry, model) if model else (kind, entry)
        if key not in self._made:
            settings = self._entries[kind][entry]
            with self._making:
                if key not in self._made:
                    self._made[key] = make(
                        kind,
                        entry,
                        replace(settings, model=model) if model else settings,
                        models=self._settings.models,
                        connections=lambda: self.connections,
                        queue=self._queue,
                    )
        return self._made[key]

    def _queue(self, kind: str, entry: str, settings: ProviderSettings) -> FairQueue:
        """For an embedded model: its own threads, as many as ``workers`` says."""
        name = kind if entry in ("default", settings.provider) else f"{kind}.{entry}"
        queue = FairQueue(name, int(settings.options.get("workers", 0)) or None)
        self.queues[name] = queue
        return queue


CUSTOM_MODELS = 256
"""Custom endpoints are kept ready, so many at a time."""


def _silero(models: Path) -> VoiceActivity:
    """Imported and loaded, which takes a moment. Raises ``ModelMissing``."""
    from parola.providers.silero import SileroVoiceActivity

    silero = SileroVoiceActivity(models)
    silero.load()
    return silero


def _looked_up(mapping: Mapping[str, str], name: str) -> str | None:
    """What a table maps a name to: exactly, else by the first pattern that fits, ``*`` last."""
    if name in mapping:
        return mapping[name]
    return next((mapping[pattern] for pattern in _patterns(mapping) if fnmatchcase(name, pattern)), None)


def _patterns(mapping: Mapping[str, str]) -> Iterator[str]:
    yield from (name for name in mapping if _is_pattern(name) and name != "*")
    if "*" in mapping:
        yield "*"


def _known(voices: Sequence[Voice], voice_id: str) -> str | None:
    """The id of the voice that has this id, or else this name, whatever its case."""
    named = {name.casefold(): voice.voice_id for voice in voices for name in (voice.name, voice.voice_id)}
    return named.get(voice_id.casefold())


def _is_pattern(name: str) -> bool:
    return any(char in name for char in "*?[")


def _speaks(provider: TextToSpeech, language: str) -> bool:
    languages = provider.capabilities.languages
    return not languages or not language or language[:2].lower() in languages


def _load_runtime() -> None:
    with suppress(ImportError):  # said again, with what to do, by the model that needs it
        importlib.import_module("onnxruntime")
