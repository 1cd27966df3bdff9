"""Everything that speaks OpenAI's HTTP dialect: Ollama, vLLM, llama.cpp, LocalAI, Speaches, hosted services.

What is not OpenAI's own behaviour but common among its imitators is accepted: tool calls written as bare JSON,
thinking aloud between ``<think>`` tags, WAV where raw audio was asked for, parameters that a server does not know.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from io import BytesIO
from typing import TYPE_CHECKING

import orjson

from parola.config import ProviderSettings
from parola.outbound.http import Connections, Endpoint, message_in
from parola.providers.base import (
    JSON,
    Capabilities,
    ModelEvent,
    ModelRequest,
    SpeechChunk,
    TextDelta,
    TokenUsage,
    ToolCallRequested,
    ToolDefinition,
    Transcript,
    TranscriptionSettings,
    Voice,
    VoiceSettings,
)

if TYPE_CHECKING:
    import aiohttp

DEFAULT_CONTEXT_TOKENS = 128_000
DRAIN_SECONDS = 0.05


# -- language model -------------------------------------------------------------------------------------------------


class OpenAIModel:
    """``LanguageModel`` over ``POST /chat/completions``, streamed.

    Its settings' options: ``context_tokens`` (default 128000) and ``extra_body``, an object merged into every request.
    """

    capabilities = Capabilities(tools=True)

    def __init__(
        self,
        settings: ProviderSettings,
        connections: Connections,
        *,
        name: str = "openai",
        headers: Mapping[str, str] | None = None,
        is_custom: bool = False,
    ) -> None:
        """``is_custom`` is an agent's own endpoint: it is told ``elevenlabs_extra_body`` and ``user_id`` as the hosted
        platform does. ``headers`` are sent with every request."""
        self.name = name
        self.context_tokens = int(settings.options.get("context_tokens", DEFAULT_CONTEXT_TOKENS))
        self._endpoint = Endpoint(settings, "/chat/completions", connections, name, headers)
        self._model = settings.model
        self._extra: Mapping[str, JSON] = settings.options.get("extra_body") or {}
        self._is_custom = is_custom
        self._refused: set[tuple[str, str]] = set()
        """Model and parameter: what this server has refused before is not sent again."""

    async def step(self, request: ModelRequest) -> AsyncIterator[ModelEvent]:
        """Text as it comes, then the tool calls, then the usage. Closing it closes the HTTP response."""
        body = self._body(request)
        while True:
            async with self._endpoint.post(
                orjson.dumps(_without(body, self._refused), default=dict),
                {"content-type": "application/json", "accept": "text/event-stream"},
            ) as response:
                if response.status == 200:
                    async with aclosing(self._events(response, request.tools)) as events:
                        async for event in events:
                            yield event
                    return
                text, error = await self._endpoint.refusal(response)
            if response.status not in (400, 422) or not self._learn(body, text):
                raise error

    async def aclose(self) -> None:
        """The connections belong to the process."""

    def _body(self, request: ModelRequest) -> dict[str, JSON]:
        body: dict[str, JSON] = {
            "model": request.model or self._model,
            "messages": list(request.messages),
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        if request.tools:
            body["tools"] = [
                {
                    "type": "function",
                    "function": {
                        "name": tool.name,
                        "description": tool.description,
                        "parameters": tool.parameters or {"type": "object", "properties": {}},
                    },
                }
                for tool in request.tools
            ]
        if request.temperature is not None:
            body["temperature"] = request.temperature
        if request.max_tokens > 0:
            body["max_tokens"] = request.max_tokens
        if request.reasoning_effort is not None:
            body["reasoning_effort"] = request.reasoning_effort
        if request.extra_body:
            body["elevenlabs_extra_body"] = request.extra_body
        if request.user_id and self._is_custom:
            body["user_id"] = request.user_id
        return body | dict(self._extra)

    def _learn(self, body: Mapping[str, JSON], refusal: str) -> bool:
        """Whether the server refused a parameter that it can do without; it will not be sent to it again."""
        model = str(body["model"])
        for parameter, signs in _DISPENSABLE.items():
            known = (model, parameter)
            if parameter in body and known not in self._refused and any(sign in refusal for sign in signs):
                self._refused.add(known)
                return True
        return False

    async def _events(
        self, response: aiohttp.ClientResponse, tools: Sequence[ToolDefinition]
    ) -> AsyncGenerator[ModelEvent, None]:
        gate = _Gate(frozenset(tool.name for tool in tools))
        calls = _Calls(self._endpoint)
        usage: Mapping[str, JSON] | None = None
        async with aclosing(_data(response)) as messages:
            async for message in messages:
                try:
                    chunk = orjson.loads(message)
                except orjson.JSONDecodeError:
                    raise self._endpoint.failed(f"streamed what is no JSON: {message[:80]!r}.") from None
                if not isinstance(chunk, Mapping):
                    raise self._endpoint.failed(f"streamed {message[:80]!r} where an object was expected.")
                if chunk.get("error"):
                    raise self._endpoint.failed(f"failed: {message_in(orjson.dumps(chunk).decode())}")
                usage = chunk.get("usage") or usage
                for choice in chunk.get("choices") or ():
                    # An answer that is not streamed has "message" instead.
                    delta = choice.get("delta") or choice.get("message") or {}
                    if (text := delta.get("content")) and (shown := gate.add(text)):
                        yield TextDelta(shown)
                    for part in delta.get("tool_calls") or ():
                        calls.add(part)
        text, bare = gate.close()
        if text:
            yield TextDelta(text)
        for call in [*calls.finished(), *bare]:
            yield call
        if usage:
            yield TokenUsage(int(usage.get("prompt_tokens") or 0), int(usage.get("completion_tokens") or 0))


_DISPENSABLE = {
    "stream_options": ("stream_options", "include_usage"),
    "max_tokens": ("max_completion_tokens",),
    "temperature": ("temperature",),
    "reasoning_effort": ("reasoning_effort", "reasoning effort"),
}
"""Parameters that some servers or models refuse, and the words of such a refusal. ``max_tokens`` is then sent under
its newer name, the others are left out."""


def _without(body: dict[str, JSON], refused: set[tuple[str, str]]) -> dict[str, JSON]:
    if not refused:
        return body
    body = dict(body)
    for model, parameter in refused:
        if model == body["model"] and parameter in body:
            value = body.pop(parameter)
            if parameter == "max_tokens":
                body["max_completion_tokens"] = value
    return body


async def _data(response: aiohttp.ClientResponse) -> AsyncGenerator[bytes, None]:
    """The payloads of a server-sent event stream, up to ``[DONE]``; of any other response, its body."""
    if not response.headers.get("content-type", "").startswith("text/event-stream"):
        body = await response.read()
        if not body.lstrip().startswith((b"data:", b":", b"event:")):
            yield body
            return
        chunks = _once(body)
    else:
        chunks = response.content.iter_any()
    rest = b""
    async for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            if line.startswith(b"data:"):
                payload = line[5:].strip()
                if payload == b"[DONE]":
                    await _drain(chunks)
                    return
                if payload:
                    yield payload
    if rest.startswith(b"data:") and (payload := rest[5:].strip()) not in (b"", b"[DONE]"):
        yield payload


async def _drain(stream: AsyncIterator[bytes]) -> None:
    """Read what follows the last event, which is the end of the response: only then is the connection free for the
    next request. A server that does not end it loses the connection."""
    try:
        async with asyncio.timeout(DRAIN_SECONDS):
            async for _ in stream:
                pass
    except TimeoutError:
        pass


async def _once(body: bytes) -> AsyncIterator[bytes]:
    yield body


@dataclass(slots=True)
class _Calls:
    """Tool calls put together from their pieces."""

    endpoint: Endpoint
    by_index: dict[int, dict[str, str]] = field(default_factory=dict)

    def add(self, part: Mapping[str, JSON]) -> None:
        function = part.get("function") or {}
        name, arguments = function.get("name") or "", function.get("arguments")
        index = part.get("index")
        if not isinstance(index, int):
            # Some servers send whole calls without numbering them.
            index = len(self.by_index) if name or not self.by_index else len(self.by_index) - 1
        call = self.by_index.setdefault(index, {"id": "", "name": "", "arguments": ""})
        call["id"] = call["id"] or str(part.get("id") or "")
        call["name"] = call["name"] or name
        call["arguments"] += arguments if isinstance(arguments, str) else orjson.dumps(arguments or {}).decode()

    def finished(self) -> Iterator[ToolCallRequested]:
        for _, call in sorted(self.by_index.items()):
            text = call["arguments"].strip() or "{}"
            try:
                arguments = orjson.loads(text)
                if isinstance(arguments, str):
                    arguments = orjson.loads(arguments or "{}")
            except orjson.JSONDecodeError:
                arguments = text
            if arguments is None:
                arguments = {}
            if not isinstance(arguments, Mapping) or not call["name"]:
                raise self.endpoint.failed(
                    f"called the tool {call['name']!r} with arguments that are no JSON object: {text[:80]!r}."
                )
            yield ToolCallRequested(call["name"], arguments, call["id"])


class _Gate:
    """What of a model's text is for the user: not what stands between ``<think>`` tags, and not a text that is, as a
    whole, a tool call in JSON, as small models write it. Anything else passes at once."""

    __slots__ = ("_held", "_state", "_tools")

    def __init__(self, tools: frozenset[str]) -> None:
        self._tools = tools
        self._held = ""
        self._state = "beginning"

    def add(self, text: str) -> str:
        """Take in more text; returns what can be shown now."""
        if self._state == "open":
            return text
        self._held += text
        if self._state == "thinking":
            _, end, rest = self._held.partition("</think>")
            if not end:
                return ""
            self._held, self._state = rest, "beginning"
        if self._state == "beginning":
            begun = self._held.lstrip()
            openings = ("<think>", *(("<tool_call>", "```", "{", "[") if self._tools else ()))
            if begun.startswith("<think>"):
                self._state = "thinking"
                return self.add("")
            if begun.startswith(openings):
                self._state = "holding"
            elif begun and not any(opening.startswith(begun) for opening in openings):
                self._state = "open"
                shown, self._held = begun, ""
                return shown
        return ""

    def close(self) -> tuple[str, list[ToolCallRequested]]:
        """The text is complete: what of it is still to be shown, and the calls it turned out to be."""
        if self._state == "thinking":
            return "", []
        calls = _bare_calls(self._held, self._tools) if self._state == "holding" else []
        return ("", calls) if calls else (self._held.strip(), [])


def _bare_calls(text: str, tools: frozenset[str]) -> list[ToolCallRequested]:
    """The calls of offered tools that a text consists of; none when there is anything else in it."""
    fence = re.fullmatch(r"\s*```(?:json|tool_call)?\s*(.*?)\s*```\s*", text, re.DOTALL)
    tagged = re.findall(r"<tool_call>\s*(.*?)\s*</tool_call>", text, re.DOTALL)
    if tagged and re.sub(r"<tool_call>.*?</tool_call>", "", text, flags=re.DOTALL).strip():
        return []
    calls: list[ToolCallRequested] = []
    for part in tagged or [fence[1] if fence else text]:
        try:
            found = orjson.loads(part)
        except orjson.JSONDecodeError:
            return []
        if isinstance(found, Mapping) and isinstance(found.get("tool_calls"), list):
            found = found["tool_calls"]
        for item in found if isinstance(found, list) else [found]:
            if not isinstance(item, Mapping):
                return []
            nested = item.get("function")
            function: Mapping[str, JSON] = nested if isinstance(nested, Mapping) else item
            name = function.get("name")
            arguments: JSON = next((function[key] for key in ("arguments", "parameters") if key in function), {})
            if isinstance(arguments, str):
                try:
                    arguments = orjson.loads(arguments or "{}")
                except orjson.JSONDecodeError:
                    return []
            if not isinstance(name, str) or name not in tools or not isinstance(arguments, Mapping):
                return []
            calls.append(ToolCallRequested(name, arguments))
    return calls


# -- speech to text -------------------------------------------------------------------------------------------------


class OpenAISpeechToText:
    """``SpeechToText`` over ``POST /audio/transcriptions``: a WAV file for each transcription."""

    capabilities = Capabilities()

    def __init__(self, settings: ProviderSettings, connections: Connections, *, name: str = "openai") -> None:
        self.name = name
        self.endpoint = Endpoint(settings, "/audio/transcriptions", connections, name)
        self.model = settings.model or "whisper-1"
        self._connections = connections

    def open(self, settings: TranscriptionSettings) -> OpenAITranscription:
        return OpenAITranscription(self, settings)

    async def warm_up(self) -> None:
        """Make the HTTP client. The service itself is not asked."""
        await self._connections.client()

    async def aclose(self) -> None:
        """The connections belong to the process."""


class OpenAITranscription:
    """One conversation's ear."""

    def __init__(self, provider: OpenAISpeechToText, settings: TranscriptionSettings) -> None:
        self._provider = provider
        self._settings = settings
        self._pcm = bytearray()

    def send(self, pcm: bytes) -> None:
        self._pcm += pcm

    async def transcribe(self) -> Transcript:
        if not self._pcm:
            return Transcript("")
        endpoint = self._provider.endpoint
        async with endpoint.post(self._form) as response:
            if response.status != 200:
                raise (await endpoint.refusal(response))[1]
            body = await response.read()
        try:
            text = orjson.loads(body)["text"]
        except (orjson.JSONDecodeError, KeyError, TypeError):
            raise endpoint.failed(f'answered {body[:80]!r} where {{"text": …}} was expected.') from None
        return Transcript(str(text or "").strip())

    def _form(self) -> aiohttp.FormData:
        import aiohttp

        form = aiohttp.FormData({"model": self._provider.model, "response_format": "json"})
        if self._settings.language:
            form.add_field("language", self._settings.language[:2])
        if self._settings.keywords:
            form.add_field("prompt", ", ".join(self._settings.keywords))
        wav = wav_header(len(self._pcm), self._settings.sample_rate) + self._pcm
        form.add_field("file", BytesIO(wav), filename="turn.wav", content_type="audio/wav")
        return form

    def reset(self) -> None:
        self._pcm.clear()

    async def aclose(self) -> None:
        self._pcm.clear()


def wav_header(size: int, sample_rate: int) -> bytes:
    """The 44 bytes that make ``size`` bytes of pcm a WAV file."""
    return b"".join(
        (
            *(b"RIFF", (36 + size).to_bytes(4, "little"), b"WAVEfmt ", (16).to_bytes(4, "little")),
            *((1).to_bytes(2, "little"), (1).to_bytes(2, "little"), sample_rate.to_bytes(4, "little")),
            *((2 * sample_rate).to_bytes(4, "little"), (2).to_bytes(2, "little"), (16).to_bytes(2, "little")),
            *(b"data", size.to_bytes(4, "little")),
        )
    )


# -- text to speech -------------------------------------------------------------------------------------------------


class OpenAITextToSpeech:
    """``TextToSpeech`` over ``POST /audio/speech``, raw audio handed on as it arrives.

    Its settings' options: ``voices``, a list of names, and ``sample_rate`` (default 24000) of the service's pcm.
    """

    capabilities = Capabilities()

    def __init__(self, settings: ProviderSettings, connections: Connections, *, name: str = "openai") -> None:
        self.name = name
        named = [str(voice) for voice in settings.options.get("voices") or ()]
        known = list(dict.fromkeys([*([settings.voice] if settings.voice else []), *named]))
        self.voices: Sequence[Voice] = tuple(Voice(voice, voice, f"A voice of {name}.") for voice in known)
        self._endpoint = Endpoint(settings, "/audio/speech", connections, name)
        self._connections = connections
        self._model = settings.model or "tts-1"
        self._voice = settings.voice or (known[0] if known else "alloy")
        self._sample_rate = int(settings.options.get("sample_rate", 24000))

    async def speak(self, text: str, voice: VoiceSettings) -> AsyncIterator[SpeechChunk]:
        """One request for the text. Silence before and after it is dropped, whole samples only are handed on."""
        if not any(char.isalnum() for char in text):
            return
        body: dict[str, JSON] = {
            "model": voice.model or self._model,
            "input": text,
            "voice": voice.voice or self._voice,
            "response_format": "pcm",
        }
        if voice.speed != 1.0:
            body["speed"] = voice.speed
        async with self._endpoint.post(orjson.dumps(body), {"content-type": "application/json"}) as response:
            if response.status != 200:
                raise (await self._endpoint.refusal(response))[1]
            kind = response.headers.get("content-type", "").partition(";")[0]
            if kind in ("audio/mpeg", "audio/mp3", "audio/ogg", "audio/flac", "audio/aac", "application/json"):
                raise self._endpoint.failed(f"answered {kind}, where raw pcm was asked for.")
            reader = _PcmReader(self._sample_rate)
            async for chunk in response.content.iter_any():
                if pcm := reader.add(chunk):
                    yield SpeechChunk(pcm, reader.sample_rate)
            if pcm := reader.close():
                yield SpeechChunk(pcm, reader.sample_rate)

    async def warm_up(self) -> None:
        """Make the HTTP client. The service itself is not asked."""
        await self._connections.client()

    async def aclose(self) -> None:
        """The connections belong to the process."""


_QUIET = 160
"""Samples no louder than this are silence (-46 dB)."""
_LEAD_SECONDS = 0.02
_TAIL_SECONDS = 0.06


class _PcmReader:
    """Bytes in, speech out: a WAV header is read and taken off, half samples wait for the other half, silence at
    either end is dropped but for a breath."""

    def __init__(self, sample_rate: int) -> None:
        self.sample_rate = sample_rate
        self._rest = b""
        self._has_begun = False
        self._has_spoken = False
        self._quiet = b""
        """Silence that may turn out to be the end."""

    def add(self, chunk: bytes) -> bytes:
        """Take in what arrived; returns what can be played, maybe nothing yet."""
        chunk = self._rest + chunk
        self._rest = b""
        if not self._has_begun:
            if len(chunk) < 4 or (chunk.startswith(b"RIFF") and (start := self._header(chunk)) < 0):
                self._rest = chunk
                return b""
            self._has_begun = True
            chunk = chunk[start:] if chunk.startswith(b"RIFF") else chunk
        if len(chunk) % 2:
            chunk, self._rest = chunk[:-1], chunk[-1:]
        return self._trimmed(chunk)

    def close(self) -> bytes:
        """No more will come: a breath of the silence at the end."""
        return self._quiet[: 2 * int(_TAIL_SECONDS * self.sample_rate)] if self._has_spoken else b""

    def _header(self, chunk: bytes) -> int:
        """Where the samples of a WAV file begin; below 0: further on."""
        position = 12
        while position + 8 <= len(chunk):
            size = int.from_bytes(chunk[position + 4 : position + 8], "little")
            kind = chunk[position : position + 4]
            if kind == b"data":
                return position + 8
            if kind == b"fmt " and position + 16 <= len(chunk):
                self.sample_rate = int.from_bytes(chunk[position + 12 : position + 16], "little")
            position += 8 + size + size % 2
        return -1

    def _trimmed(self, pcm: bytes) -> bytes:
        import numpy as np

        pcm = self._quiet + pcm
        loud = np.flatnonzero(np.abs(np.frombuffer(pcm, np.int16).astype(np.int32)) > _QUIET)
        if not len(loud):
            keep = len(pcm) if self._has_spoken else 2 * int(_LEAD_SECONDS * self.sample_rate)
            self._quiet = pcm[-keep:]
            return b""
        begin = 0 if self._has_spoken else max(0, 2 * (int(loud[0]) - int(_LEAD_SECONDS * self.sample_rate)))
        end = 2 * (int(loud[-1]) + 1)
        self._has_spoken = True
        self._quiet = pcm[end:]
        return pcm[begin:end]
