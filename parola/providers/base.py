"""Who listens, thinks and speaks: five Protocols and the plain values that cross them.

A provider is made once per process and shared by every conversation; what belongs to one conversation is in the
objects it hands out. Differences between vendors are ``Capabilities``, never ``isinstance``; one value means one
thing whichever provider made it, and the adapter does the bending. Anything that goes wrong is raised as
``ProviderError`` (or ``ModelMissing``); cancelling the awaiting task, or closing an iterator, stops the work.

``pcm`` is always 16-bit little-endian mono bytes and travels with its ``sample_rate`` in Hz. Times are seconds.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Float32 = NDArray[np.float32]

JSON = Any


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a provider can do; the caller adapts, so a provider never pretends."""

    languages: tuple[str, ...] = ()
    """Two-letter codes it understands or speaks; empty: any."""
    partials: bool = False
    """Speech to text: ``partial`` is cheap enough to call while the user speaks."""
    alignment: bool = False
    """Text to speech: chunks carry character timings measured by the model."""
    phonemes: bool = False
    """Text to speech: it follows ``VoiceSettings.phonemes``."""
    tools: bool = False
    """Language model: it can call tools."""
    offline: bool = False
    """Nothing leaves this process."""


# -- speech to text -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TranscriptionSettings:
    language: str = "en"
    keywords: tuple[str, ...] = ()
    sample_rate: int = 16000
    """Of the pcm that will be sent; always 16000 today."""


@dataclass(frozen=True, slots=True)
class Transcript:
    text: str
    """Empty when nothing was said, or when the provider does not trust what it heard."""
    confidence: float | None = None
    """0..1, None when the provider does not say."""


class Transcription(Protocol):
    """One conversation's ear. It holds the audio of the user's current turn, which grows until ``reset``."""

    def send(self, pcm: bytes) -> None:
        """Add speech to the turn. Cheap: it only keeps the audio, or queues it for the vendor's socket."""

    async def transcribe(self) -> Transcript:
        """The words of the whole turn so far, as good as it gets. May be called again after more ``send``."""

    def reset(self) -> None:
        """The turn is over: forget its audio."""

    async def aclose(self) -> None: ...


class SpeechToText(Protocol):
    name: str
    capabilities: Capabilities

    def open(self, settings: TranscriptionSettings) -> Transcription: ...

    async def warm_up(self) -> None:
        """Load what is loaded lazily; raises ``ModelMissing`` when it cannot."""

    async def aclose(self) -> None: ...


# -- language model -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ToolDefinition:
    name: str
    description: str
    parameters: Mapping[str, JSON]
    """A JSON Schema object."""


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """One step: what has been said and done so far, in; text and tool calls, out. No tool loop inside."""

    messages: Sequence[Mapping[str, JSON]]
    """OpenAI chat shape: system, user, assistant (with ``tool_calls``) and tool messages. The vocabulary of the
    field, so that most adapters pass it on as it is."""
    tools: Sequence[ToolDefinition] = ()
    model: str = ""
    """The name in the agent's config, for example ``gpt-4o``; the registry has chosen the provider already."""
    temperature: float | None = None
    max_tokens: int = -1
    """At most this many; 0 or less: no limit."""
    reasoning_effort: str | None = None
    """``none``, ``minimal``, ``low``, ``medium``, ``high``, ``xhigh`` or ``max``; None: the model's own."""
    thinking_budget: int | None = None
    """Tokens it may think; 0: it should not. None: the model's own."""
    wants_reasoning: bool = False
    """Somebody will read its thoughts, or a summary of them."""
    service_tier: str | None = None
    """``standard`` or ``fast``; None: the service's own."""
    parallel_tool_calls: bool | None = None
    """Whether it may call several tools in a step; None: the model's own."""
    extra_body: Mapping[str, JSON] = field(default_factory=dict)
    """Sent as ``elevenlabs_extra_body`` to a custom LLM."""
    user_id: str | None = None
    response_schema: Mapping[str, JSON] | None = None
    """The answer has to be a JSON object of this JSON Schema. Where a service cannot be held to that it answers all the
    same: the messages have to say it too."""
    script: Mapping[str, JSON] | None = None
    """The agent's ``prompt.x_script``: rules for the scripted provider; others ignore it."""


@dataclass(frozen=True, slots=True)
class TextDelta:
    text: str


@dataclass(frozen=True, slots=True)
class ToolCallRequested:
    name: str
    arguments: Mapping[str, JSON]
    call_id: str = ""
    """The vendor's id, may be empty: the conversation issues its own."""
    unreadable: str = ""
    """What the model wrote where the arguments should stand, when it is no JSON object: ``arguments`` is empty then,
    and the model is told."""


@dataclass(frozen=True, slots=True)
class ModelBegan:
    """The first token has come. Nothing need be said yet: a tool call is being written, or thoughts."""


@dataclass(frozen=True, slots=True)
class ReasoningDelta:
    """Some more of what the model thinks, or of a summary of it: never spoken."""

    text: str


@dataclass(frozen=True, slots=True)
class ResponseMetadata:
    """What an endpoint of the owner's says beside its answer, for the client."""

    metadata: Mapping[str, JSON]


@dataclass(frozen=True, slots=True)
class TokenUsage:
    input_tokens: int
    """All of the prompt, cached or not."""
    output_tokens: int
    """All that was written, thoughts included."""
    cached_tokens: int = 0
    """Of the input: read from the service's cache."""
    reasoning_tokens: int = 0
    """Of the output: thoughts."""


@dataclass(frozen=True, slots=True)
class Answered:
    """Who answered, and what it took: told last by what stands for several models, in place of ``TokenUsage``."""

    model: str
    llm_override: str
    """The agents' name of the model, when it is not the one that was asked first."""
    usage: TokenUsage
    priced: Mapping[str, JSON]
    """The usage as ``LlmInputOutputTokensUsage``."""
    context_tokens: int
    warnings: tuple[str, ...] = ()
    """What the owner should know."""


ModelEvent = ModelBegan | TextDelta | ReasoningDelta | ToolCallRequested | ResponseMetadata | TokenUsage | Answered


class LanguageModel(Protocol):
    name: str
    capabilities: Capabilities
    context_tokens: int
    """The size of the model's context window, for ``context_usage``."""

    def step(self, request: ModelRequest) -> AsyncIterator[ModelEvent]:
        """Stream one step; ``ModelBegan`` may be left out where text comes at once. Closing the iterator (``aclose``)
        cancels the vendor's work."""

    async def aclose(self) -> None: ...


# -- text to speech -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class VoiceSettings:
    voice: str = ""
    """The provider's own voice name; the registry has mapped hosted voice ids already. Empty: its default."""
    model: str = ""
    language: str = "en"
    speed: float = 1.0
    stability: float | None = None
    similarity_boost: float | None = None
    phonemes: Mapping[str, str] = field(default_factory=dict)
    """How some words of the text are said: as they are written in it, to IPA."""


@dataclass(frozen=True, slots=True)
class Alignment:
    """When each character is spoken, in seconds from the first sample of the chunk it came with."""

    chars: tuple[str, ...]
    starts: tuple[float, ...]
    durations: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class SpeechChunk:
    pcm: bytes
    sample_rate: int
    alignment: Alignment | None = None


@dataclass(frozen=True, slots=True)
class Voice:
    """One entry of ``GET /v1/voices``."""

    voice_id: str
    name: str
    description: str = ""
    language: str = "en"
    labels: Mapping[str, str] = field(default_factory=dict)


class TextToSpeech(Protocol):
    name: str
    capabilities: Capabilities
    voices: Sequence[Voice]

    def speak(self, text: str, voice: VoiceSettings) -> AsyncIterator[SpeechChunk]:
        """Speak one sentence (or a few). Audio comes as it is made, leading and trailing silence trimmed.
        Text with nothing to say (an emoji, a lone dash) gives no chunk. Closing the iterator cancels."""

    async def warm_up(self) -> None: ...

    async def aclose(self) -> None: ...


# -- voice activity -----------------------------------------------------------------------------------------------


class VoiceActivity(Protocol):
    """A frame in, a probability out: synchronous, and batched, because windows of different calls share one run."""

    name: str
    sample_rate: int
    window: int
    """Samples in one frame: 512 (32 ms at 16 kHz) for Silero."""

    def new_state(self) -> Any:
        """What one call's detector remembers between frames."""

    def probabilities(self, windows: Sequence[Float32], states: Sequence[Any]) -> Sequence[float]:
        """Speech probability of each window (float32 in -1..1); ``states[i]`` is updated in place."""


# -- turn detection -----------------------------------------------------------------------------------------------


class TurnDetector(Protocol):
    """Whether the user has finished, by the sound of it. One prediction at a time: the caller queues them."""

    name: str
    capabilities: Capabilities
    sample_rate: int
    seconds: float
    """How much audio it looks at; what comes before is ignored, and there may be less."""

    async def predict(self, pcm: bytes) -> float:
        """The probability (0..1) that the user's turn is over, judged at a pause of about 0.2 s. ``pcm`` is the turn so
        far, its pauses and that last one included, at ``sample_rate``. Runs off the event loop, and loads what is not
        loaded yet."""

    async def warm_up(self) -> None:
        """Load what is loaded lazily; raises ``ModelMissing`` when it cannot."""

    async def aclose(self) -> None: ...


# -- embeddings -----------------------------------------------------------------------------------------------------


class Embedder(Protocol):
    """Texts in, vectors out: close vectors mean texts about the same."""

    name: str
    dimensions: int
    """0: not known before the first answer."""
    distance_scale: float
    """Cosine distance times this is ``vector_distance``, in which 0.6 means: hardly about the same."""

    async def embed(self, texts: Sequence[str], *, is_query: bool = False) -> Float32:
        """One row a text, shape ``[len(texts), dimensions]``, each of length 1, so that a dot product is the cosine.
        ``is_query``: the texts are questions, which some models embed differently from what answers them. Runs off
        the event loop. Raises ``ProviderError`` or ``ModelMissing``."""

    async def warm_up(self) -> None:
        """Load what is loaded lazily; raises ``ModelMissing`` when it cannot."""

    async def aclose(self) -> None: ...
