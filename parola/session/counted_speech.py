"""A ``SpeechToText`` that tells a conversation's ``Accounts`` how much was transcribed."""

from __future__ import annotations

from parola.providers.base import SpeechToText, Transcript, Transcription, TranscriptionSettings
from parola.session.accounts import Accounts


class CountedSpeechToText:
    """Everything is as ``stt`` does it; ``model`` is the name it is accounted under."""

    def __init__(self, stt: SpeechToText, model: str, accounts: Accounts) -> None:
        self.name = stt.name
        self.capabilities = stt.capabilities
        self._stt = stt
        self._model = model or stt.name
        self._accounts = accounts

    def open(self, settings: TranscriptionSettings) -> Transcription:
        return _Counted(self._stt.open(settings), self._model, settings.sample_rate, self._accounts)

    async def warm_up(self) -> None:
        await self._stt.warm_up()

    async def aclose(self) -> None:
        """The provider belongs to the process."""


class _Counted:
    def __init__(self, stream: Transcription, model: str, sample_rate: int, accounts: Accounts) -> None:
        self._stream = stream
        self._model = model
        self._sample_rate = sample_rate
        self._accounts = accounts

    def send(self, pcm: bytes) -> None:
        self._accounts.speech_was_heard(self._model, len(pcm) / 2 / self._sample_rate)
        self._stream.send(pcm)

    async def transcribe(self) -> Transcript:
        self._accounts.speech_was_transcribed()
        return await self._stream.transcribe()

    def reset(self) -> None:
        self._stream.reset()

    async def aclose(self) -> None:
        await self._stream.aclose()
