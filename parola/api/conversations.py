"""``/v1/convai/conversations``: what was said, to read, to hear, to judge, to delete."""

from __future__ import annotations

import asyncio
import time
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from starlette.responses import FileResponse, Response

from parola.api.conversation_record import record, summary
from parola.api.described import described
from parola.api.errors import checked
from parola.api.paging import PageDep, SortDirection, page_body
from parola.api.responses import Json, RawBody
from parola.api.services import Services, ServicesDep, needs_key, open_to_all
from parola.errors import NotFound
from parola.protocol.conversations import ConversationResponse, ConversationsPage, FeedbackRequest
from parola.store.base import ConversationChange, ConversationQuery, ConversationRow, Document

router = APIRouter(prefix="/v1/convai/conversations", tags=["conversations"])


@router.get("", operation_id="conversations_list", dependencies=[needs_key])
@described(response=ConversationsPage)
async def list_conversations(
    services: ServicesDep,
    page: PageDep,
    agent_id: str | None = None,
    user_id: str | None = None,
    text_only: bool | None = None,
    call_start_before_unix: float | None = None,
    call_start_after_unix: float | None = None,
    call_duration_min_secs: float | None = None,
    call_duration_max_secs: float | None = None,
    rating_min: int | None = None,
    rating_max: int | None = None,
    conversation_initiation_source: str | None = None,
    exclude_statuses: Annotated[list[str] | None, Query()] = None,
    termination_reasons: Annotated[list[str] | None, Query()] = None,
    search: Annotated[str | None, Query(description="Words of the transcript.")] = None,
    summary_mode: Literal["exclude", "include"] = "exclude",
    sort_direction: SortDirection = "desc",
) -> Json:
    """List conversations, newest first. Filters this server does not know are ignored."""
    query = ConversationQuery(
        agent_id=agent_id,
        user_id=user_id,
        source=conversation_initiation_source,
        text_only=text_only,
        started_before=call_start_before_unix,
        started_after=call_start_after_unix,
        duration_min=call_duration_min_secs,
        duration_max=call_duration_max_secs,
        rating_min=rating_min,
        rating_max=rating_max,
        exclude_statuses=exclude_statuses or (),
        termination_reasons=termination_reasons or (),
        search=search,
        ascending=sort_direction == "asc",
    )
    found = await services.store.conversations.page(query, page_size=page.size, cursor=page.cursor)
    now, with_summary = time.time(), summary_mode == "include"
    items = (summary(row, now, with_transcript_summary=with_summary) for row in found.items)
    return Json(page_body("conversations", items, found))


@router.get(
    "/{conversation_id}",
    operation_id="conversations_get",
    dependencies=[needs_key],
)
@described(response=ConversationResponse)
async def get(conversation_id: str, services: ServicesDep, format: Literal["json", "opentelemetry"] = "json") -> Json:
    """One conversation with its transcript; while it runs, as far as it has come. As ``opentelemetry`` it has
    ``otlp_traces`` in place of the transcript."""
    row = await find_conversation(services, conversation_id)
    found = record(row, await services.store.conversations.turns(conversation_id), time.time())
    if format == "opentelemetry":
        from parola.webhooks.opentelemetry import resource_spans

        found |= {"transcript": [], "otlp_traces": {"resourceSpans": resource_spans(found, source="api")}}
    return Json(found)


@router.delete("/{conversation_id}", operation_id="conversations_delete", dependencies=[needs_key])
async def delete(conversation_id: str, services: ServicesDep) -> Json:
    """Delete a conversation with its transcript, files and recording; one that runs is ended first."""
    await find_conversation(services, conversation_id)
    if services.live.is_live(conversation_id):
        await services.live.end(conversation_id, "The conversation was deleted.")
    await services.store.conversations.delete(conversation_id)
    return Json({})


@router.get(
    "/{conversation_id}/audio",
    operation_id="conversations_audio_get",
    response_class=FileResponse,
    responses={200: {"content": {"audio/mpeg": {}}, "description": "Both sides, mixed."}},
    dependencies=[needs_key],
)
async def audio(conversation_id: str, services: ServicesDep) -> Response:
    """The recording. Ranges are served, so players can seek."""
    from parola.session.recording import mix_down

    await find_conversation(services, conversation_id)
    if services.live.is_live(conversation_id):
        raise NotFound(f"Conversation {conversation_id} is still going on; its audio is there when it has ended.")
    recording = services.store.recording_path(conversation_id)
    async with services.mixing:
        if not await asyncio.to_thread(mix_down, recording):
            raise NotFound(f"Conversation {conversation_id} has no audio.")
    return FileResponse(recording, media_type="audio/mpeg")


@router.post(
    "/{conversation_id}/feedback",
    operation_id="conversations_feedback_create",
    dependencies=[open_to_all("The conversation id is the capability.")],
)
@described(request=FeedbackRequest)
async def feedback(conversation_id: str, raw: RawBody, services: ServicesDep) -> Json:
    """What the user thought of it: a thumb, or stars and words. The last one counts. Needs no key."""
    body = checked(FeedbackRequest, raw)
    await find_conversation(services, conversation_id)
    change = ConversationChange(document={"metadata": {"feedback": judgement(body)}}, rating=body.rating)
    await services.store.conversations.write(conversation_id, change)
    return Json({})


# -- for this file and its neighbours -----------------------------------------------------------------------------


def judgement(said: FeedbackRequest) -> Document:
    """``metadata.feedback``, every key of it, so that it replaces what was said before."""
    thumb = said.feedback
    return {
        "type": "thumbs" if thumb is not None else "rating",
        "overall_score": thumb,
        "likes": int(thumb == "like"),
        "dislikes": int(thumb == "dislike"),
        "rating": said.rating,
        "comment": said.comment,
    }


async def find_conversation(services: Services, conversation_id: str) -> ConversationRow:
    """Raises ``NotFound``."""
    row = await services.store.conversations.get(conversation_id)
    if row is None:
        raise NotFound(f"Document with id {conversation_id} not found.")
    return row
