"""What a server has to think, listen and speak with, and how fast that is."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from parola.protocol.documents import Answer, Asked


class HowToAdd(Answer):
    text: str
    example: str = Field(description="A part of parola.toml.")


class InstalledModel(Answer):
    """A model that can run in the server's own process."""

    name: str
    package: str
    version: str | None
    size_bytes: int
    licence: str = Field(description="SPDX identifier of the weights' licence.")
    is_installed: bool


class ConfiguredProvider(Answer):
    name: str = Field(description="The entry of the settings.")
    kind: str = Field(description="embedded, openai, scripted, or that of a package.")
    model: str | None
    voice: str | None
    base_url: str | None = Field(description="Without user, password and query.")
    is_default: bool
    is_available: bool | None = Field(description="null: nobody knows before it is used.")
    note: str | None


class Mapped(Answer):
    asked: str = Field(description="A name as agents have it, or a pattern.")
    used: str
    model: str | None
    voice: str | None
    warning: str | None


class ModelsOfAKind(Answer):
    default: str = Field(description="What answers for every name that is not mapped.")
    providers: list[ConfiguredProvider]
    mapping: list[Mapped]
    installed: list[InstalledModel]
    how_to_add: HowToAdd


class VoicesOfServer(ModelsOfAKind):
    voices: int = Field(description="How many there are; GET /v1/voices lists them.")
    voice_mapping: list[Mapped]


class Detector(Answer):
    used: str | None = Field(description="null: none.")
    note: str | None
    installed: list[InstalledModel]
    how_to_add: HowToAdd


class ServerModels(Answer):
    language_models: ModelsOfAKind
    speech_to_text: ModelsOfAKind
    text_to_speech: VoicesOfServer
    embeddings: ModelsOfAKind
    voice_activity: Detector
    turn_detector: Detector


class MeasureRequest(Asked):
    """Body of ``POST /v1/x/models/measure``."""

    kind: Literal["speech_to_text", "text_to_speech", "language_model", "embeddings"]
    model: str = Field(default="", max_length=200, description="As an agent would name it; empty: the default.")


class Measured(Answer):
    """The median of some runs after one that does not count. Which figures there are depends on the kind."""

    kind: str
    asked: str | None
    provider: str
    model: str | None
    warning: str | None = Field(description="Why it is not what was asked for.")
    runs: int
    what: str
    seconds: float
    real_time_factor: float | None = Field(default=None, description="Seconds of work for a second of sound.")
    audio_seconds: float | None = None
    heard: str | None = None
    first_byte_seconds: float | None = None
    first_token_seconds: float | None = None
    output_tokens: int | None = None
    tokens_per_second: float | None = None
    texts_per_second: float | None = None
    dimensions: int | None = None
