"""``/v1/x/conversations/{id}/waveform``: how loud both sides of a recording are over time, to draw it."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query

from parola.api.conversations import find_conversation
from parola.api.described import described
from parola.api.responses import Json
from parola.api.services import ServicesDep, needs
from parola.errors import NotFound
from parola.protocol.conversations import WaveformResponse

router = APIRouter(prefix="/v1/x/conversations/{conversation_id}/waveform", tags=["conversations"])


@router.get("", operation_id="x_conversations_waveform_get", dependencies=[needs("conversations:read")])
@described(response=WaveformResponse)
async def waveform(
    conversation_id: str,
    services: ServicesDep,
    points: Annotated[int, Query(ge=1, le=10_000, description="Of each side, evenly over the recording.")] = 2000,
) -> Json:
    """The highest peak of user and agent (0 to 1) in each of so many stretches of the recording, when it has ended.
    Measured once, one recording at a time; 429 while too many wait."""
    from parola.session.waveform import kept_peaks, peaks

    conversation = await find_conversation(services, conversation_id)
    if services.live.is_live(conversation_id):
        raise NotFound(f"Conversation {conversation_id} is still going on; its audio is there when it has ended.")
    found = None
    if conversation.has_audio:
        recording = services.store.recording_path(conversation_id)
        found = await asyncio.to_thread(kept_peaks, recording)
        if found is None:
            found = await services.drawing.do(conversation_id, lambda: asyncio.to_thread(peaks, recording))
    if found is None:
        raise NotFound(f"Conversation {conversation_id} has no audio.")
    user, agent = await asyncio.to_thread(found.drawn, points)
    return Json({"duration_secs": round(found.seconds, 3), "user": user, "agent": agent})
