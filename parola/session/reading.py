"""What a client sends: audio goes to the ear, forty times a second and by the shortest way; all else is an event."""

from __future__ import annotations

import asyncio
from binascii import Error as Base64Error
from binascii import a2b_base64
from collections.abc import Callable

from parola.conversation.events import Event, InvalidMessageReceived
from parola.protocol.client_messages import (
    ConversationInitiationClientData,
    EnclaveSetupConfig,
    InvalidMessage,
    MultimodalMessage,
    UserAudioChunk,
    read,
)
from parola.session.event_log import EventLog
from parola.session.transport import BinaryFrame, Disconnected, Transport

_AUDIO_PREFIX = '{"user_audio_chunk"'


class Reader:
    """One conversation's, whatever connection it goes over."""

    def __init__(
        self,
        tell: Callable[[Event], None],
        events: EventLog,
        hear: Callable[[bytes], None],
        share: Callable[[MultimodalMessage], None],
    ) -> None:
        """``hear`` gets audio, ``share`` messages with files."""
        self._loop = asyncio.get_running_loop()
        self._tell = tell
        self._events = events
        self._hear = hear
        self._share = share
        self.heard_at = self._loop.time()
        """When something came last."""

    async def run(self, transport: Transport, first_frames: tuple[str, ...] = ()) -> Disconnected:
        """Read until the client is gone."""
        self.heard_at = self._loop.time()
        for first in first_frames:
            self._take_frame(first)
        while True:
            frame = await transport.receive()
            self.heard_at = self._loop.time()
            match frame:
                case str():
                    self._take_frame(frame)
                case Disconnected():
                    return frame
                case BinaryFrame():
                    message = f"Expected a text frame with a JSON object, got a binary frame of {frame.size} bytes."
                    self._tell(InvalidMessageReceived("invalid_message", message))

    def _take_frame(self, frame: str) -> None:
        if frame.startswith(_AUDIO_PREFIX):
            start = frame.find('"', 20) + 1
            end = frame.find('"', start)
            if frame[end + 1 :].strip() == "}":
                try:
                    audio = a2b_base64(frame[start:end], strict_mode=True)
                except (Base64Error, ValueError):
                    pass  # told below, precisely
                else:
                    self._hear(audio)
                    return
        try:
            message = read(frame)
        except InvalidMessage as error:
            self._tell(InvalidMessageReceived(error.error_type, error.message))
            return
        if message is not None:
            self._events.received(message)
        match message:
            case UserAudioChunk():
                self._take_audio(message)
            case MultimodalMessage():
                self._share(message)
            case None | ConversationInitiationClientData() | EnclaveSetupConfig():
                pass  # of a kind we do not know, or a second beginning
            case _:
                self._tell(message)  # type: ignore[arg-type]

    def _take_audio(self, message: UserAudioChunk) -> None:
        try:
            audio = a2b_base64(message.user_audio_chunk, strict_mode=True)
        except (Base64Error, ValueError) as error:
            text = f"user_audio_chunk: expected base64 audio, got text that is not base64 ({error})."
            self._tell(InvalidMessageReceived("invalid_message", text))
            return
        self._hear(audio)
