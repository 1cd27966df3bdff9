"""``/v1/convai/conversations/{id}/audio``: the recording, to hear and to keep."""

from __future__ import annotations

import asyncio
import contextlib
import re
import secrets
from pathlib import Path
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from starlette.background import BackgroundTask
from starlette.datastructures import Headers
from starlette.responses import FileResponse, Response
from starlette.types import Message, Receive, Scope, Send

from parola.api.conversations import find_conversation
from parola.api.errors import detail
from parola.api.responses import Json
from parola.api.services import Services, ServicesDep, needs_key
from parola.errors import NotFound
from parola.store.base import stereo_of

router = APIRouter(prefix="/v1/convai/conversations/{conversation_id}/audio", tags=["conversations"])

Channels = Annotated[Literal["1", "2"], Query(description="1: both sides mixed; 2: the user left, the agent right.")]
Format = Annotated[Literal["mp3", "wav"], Query(description="`wav` has 16 bits at 16 kHz.")]


_RANGES = re.compile(r"bytes=\s*(?:[0-9]+-[0-9]*|-[0-9]+)(?:\s*,\s*(?:[0-9]+-[0-9]*|-[0-9]+))*\s*", re.IGNORECASE)


class Recorded(FileResponse):
    """A file, or the parts of it that are asked for. What is no range of bytes is as if it had not been sent (RFC 9110,
    14.2); of a range that lies behind the end the answer is an error like others."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = Headers(scope=scope).get("range")
        if asked is not None and not _is_range(asked):
            scope = {**scope, "headers": [(name, value) for name, value in scope["headers"] if name != b"range"]}
        is_refused = False

        async def told(message: Message) -> None:
            nonlocal is_refused
            if message["type"] == "http.response.start" and message["status"] == 416:
                is_refused = True
                size = Headers(raw=message["headers"])["content-range"].rpartition("/")[2]
                problem = f'Range: expected a part of the {size} bytes that there are, got "{str(asked)[:80]}".'
                headers = {"content-range": f"bytes */{size}"}
                await Json(detail("range_not_satisfiable", problem), 416, headers)(scope, receive, send)
            elif not is_refused:
                await send(message)

        await super().__call__(scope, receive, told)


def _is_range(asked: str) -> bool:
    pairs = (one.strip().split("-") for one in asked.partition("=")[2].split(","))
    return bool(_RANGES.fullmatch(asked)) and all(
        not first or not last or int(first) <= int(last) for first, last in pairs
    )


@router.head("", include_in_schema=False, dependencies=[needs_key])
@router.get(
    "",
    operation_id="conversations_audio_get",
    response_class=FileResponse,
    responses={
        200: {"content": {"audio/mpeg": {}, "audio/wav": {}}, "description": "The recording."},
        206: {"content": {"audio/mpeg": {}, "audio/wav": {}}, "description": "The part that `Range` asks for."},
        416: {"description": "The recording has no such part."},
    },
    dependencies=[needs_key],
)
async def audio(
    conversation_id: str, services: ServicesDep, x_channels: Channels = "1", x_format: Format = "mp3"
) -> Response:
    """The recording. Ranges are served, so players can seek."""
    conversation = await find_conversation(services, conversation_id)
    if services.live.is_live(conversation_id):
        raise NotFound(f"Conversation {conversation_id} is still going on; its audio is there when it has ended.")
    if not conversation.has_audio:
        raise NotFound(f"Conversation {conversation_id} has no audio.")
    recording = await _mixed(services, conversation_id, is_stereo=x_channels == "2")
    if x_format == "mp3":
        return Recorded(recording, media_type="audio/mpeg")
    return await _as_wav(recording)


async def _mixed(services: Services, conversation_id: str, *, is_stereo: bool) -> Path:
    """The MP3 that is asked for; mixed in a thread, one at a time, when it is asked for first."""
    from parola.session.mixing import mix_down

    recording = services.store.recording_path(conversation_id)
    async with services.mixing:
        is_there = await asyncio.to_thread(mix_down, recording)
    asked = stereo_of(recording) if is_stereo else recording
    if not is_there or not await asyncio.to_thread(asked.is_file):
        raise NotFound(f"Conversation {conversation_id} has no such audio.")
    return asked


async def _as_wav(recording: Path) -> Response:
    """A file that is there until it was sent; named so that it goes with the conversation, should that be deleted."""
    from parola.session.mixing import wav

    aside = recording.with_suffix(f".{secrets.token_hex(6)}.wav")

    def make() -> None:
        with aside.open("wb") as file:
            wav(recording, file)

    def forget() -> None:
        with contextlib.suppress(OSError):
            aside.unlink(missing_ok=True)

    try:
        await asyncio.to_thread(make)
    except Exception:
        await asyncio.to_thread(forget)
        raise
    return Recorded(aside, media_type="audio/wav", background=BackgroundTask(forget))
