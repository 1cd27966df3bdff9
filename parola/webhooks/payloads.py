"""What webhooks say (reference: webhooks.md §2): from a delivery and its conversation's record to the message's bytes.

A message is made once and kept, so that every attempt sends the same; that with the recording is made from the
recording each time, and streamed: an hour of call is twenty megabytes.
"""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from parola.outbound.locators import Seal
from parola.protocol.lossless import dumps
from parola.store.base import ConversationRow, Store
from parola.store.outbox import DeliveryRow
from parola.store.pages import Document
from parola.webhooks.announcing import OTEL, TYPES, UNREDACTED, UNREDACTED_AUDIO
from parola.webhooks.unredacted import NOT_KEPT, opened

PIECE_BYTES = 3 * 64 * 1024
"""Of a recording, at a time: a multiple of three, so that pieces of base64 fit together."""

MakeRecord = Callable[[ConversationRow, Sequence[Document], float], Document]
"""A conversation's record from its row, its turns and the time."""

FindRecording = Callable[[str], Awaitable[Path | None]]
"""The MP3 of a conversation; None when there is none."""


class NothingToSend(Exception):
    """The message cannot be made any more; ``reason`` is the code that the delivery's row shows."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent: JSON, in one piece or around a recording that is read while it is sent."""

    head: bytes
    recording: Path | None = None
    tail: bytes = b""

    def parts(self) -> Iterator[bytes]:
        """All of it, in order. Reads a file: call it in a thread."""
        yield self.head
        if self.recording is not None:
            with self.recording.open("rb") as file:
                while piece := file.read(PIECE_BYTES):
                    yield b64encode(piece)
        yield self.tail

    async def stream(self) -> AsyncIterator[bytes]:
        """The same, a piece at a time; each is read in a thread."""
        parts = self.parts()
        while (part := await asyncio.to_thread(next, parts, None)) is not None:
            if part:
                yield part


class Payloads:
    """Makes messages; one for the process."""

    def __init__(self, store: Store, make_record: MakeRecord, find_recording: FindRecording, seal: Seal) -> None:
        self._store = store
        self._seal = seal
        self._make_record = make_record
        self._find_recording = find_recording

    async def message(self, row: DeliveryRow) -> Message:
        """What a delivery sends. Raises ``NothingToSend``."""
        body = await self._store.outbox.body(row.delivery_id)
        if body is not None:
            return Message(body)
        conversation = await self._store.conversations.get(row.conversation_id or "")
        if conversation is None:
            raise NothingToSend("conversation_deleted")
        if row.type == TYPES["audio"]:
            recording = await self._find_recording(conversation.conversation_id)
            if recording is None:
                raise NothingToSend("no_audio")
            return audio(row, recording)
        if row.type == UNREDACTED:
            return await self._unredacted(row, conversation)
        if row.type == UNREDACTED_AUDIO:  # somebody asked for one that was skipped
            raise NothingToSend(NOT_KEPT)
        body = envelope(row, await self._data(row, conversation))
        if not await self._store.outbox.keep_body(row.delivery_id, body):
            raise NothingToSend("conversation_deleted")  # while the message was made
        return Message(body)

    async def _unredacted(self, row: DeliveryRow, conversation: ConversationRow) -> Message:
        """Made from what is sealed in the delivery each time: it is kept nowhere else."""
        original = opened(row, conversation, self._seal)
        if original is None:
            raise NothingToSend(NOT_KEPT)
        body = envelope(row, self._told(row, self._make_record(*original, row.created_at)))
        if await self._store.outbox.get(row.delivery_id) is None:
            raise NothingToSend("conversation_deleted")  # while the message was made
        return Message(body)

    async def _data(self, row: DeliveryRow, conversation: ConversationRow) -> Document:
        if row.type == TYPES["call_initiation_failure"]:
            return failure(conversation)
        turns = await self._store.conversations.turns(conversation.conversation_id)
        record = self._make_record(conversation, turns, row.created_at)
        return self._told(row, record)

    def _told(self, row: DeliveryRow, record: Document) -> Document:
        if wire_type(row) == OTEL:
            return traces(record)
        if row.options.get("exclude_transcript"):
            record.pop("transcript", None)
        return record


def wire_type(row: DeliveryRow) -> str:
    """The ``type`` of a message. The reference names no other for what is unredacted than for what is not."""
    if row.type == UNREDACTED:
        return OTEL if row.options.get("opentelemetry") else TYPES["transcript"]
    return row.type


def envelope(row: DeliveryRow, data: Document) -> bytes:
    told: Document = {"type": wire_type(row), "event_timestamp": int(row.created_at), "data": data}
    return dumps(told | {"x_event": row.type} if row.type == UNREDACTED else told)


def audio(row: DeliveryRow, recording: Path) -> Message:
    """``post_call_audio``: exactly three fields, the last of them the MP3."""
    mark = "0"
    data = {"agent_id": row.agent_id, "conversation_id": row.conversation_id, "full_audio": mark}
    head, _, tail = envelope(row, data).rpartition(f'"{mark}"'.encode())
    return Message(head + b'"', recording, b'"' + tail)


def traces(record: Document) -> Document:
    """``post_call_transcription_otel``: the record as OpenTelemetry traces."""
    from parola.webhooks.opentelemetry import resource_spans

    return {
        "conversation_id": record["conversation_id"],
        "agent_id": record["agent_id"],
        "otlp_traces": {"resourceSpans": resource_spans(record, source="post_call_webhook")},
    }


BUSY = frozenset({3008, 4300})
"""Close codes that mean: no place, or over a limit."""


def failure(conversation: ConversationRow) -> Document:
    """``call_initiation_failure`` of a conversation that was refused. Its ``metadata`` is of the type ``web``, which is
    ours: the hosted platform sends this event for telephone calls only."""
    error: dict[str, Any] = (conversation.document.get("metadata") or {}).get("error") or {}
    return {
        "agent_id": conversation.agent_id,
        "conversation_id": conversation.conversation_id,
        "failure_reason": "busy" if error.get("code") in BUSY else "unknown",
        "metadata": {
            "type": "web",
            "body": {
                "close_code": error.get("code"),
                "error_reason": error.get("reason") or conversation.termination_reason,
                "source": conversation.source,
                "user_id": conversation.user_id,
            },
        },
    }
