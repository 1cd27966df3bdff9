"""``/v1/convai/conversations``: what was said, to read, to hear, to judge, to delete."""

from __future__ import annotations

import time
from typing import Annotated, Literal

from fastapi import APIRouter, Query

from parola.api.conversation_filters import FiltersDep, chosen_results, matching
from parola.api.conversation_record import record, summary
from parola.api.described import described
from parola.api.errors import checked
from parola.api.paging import PageDep, page_body
from parola.api.responses import Json, RawBody
from parola.api.services import Services, ServicesDep, needs_key, open_to_all
from parola.errors import NotFound
from parola.protocol.conversations import ConversationResponse, ConversationsPage, FeedbackRequest
from parola.store.base import NO_RATING, ConversationChange, ConversationRow
from parola.store.pages import Document, Page

router = APIRouter(prefix="/v1/convai/conversations", tags=["conversations"])


@router.get("", operation_id="conversations_list", dependencies=[needs_key])
@described(response=ConversationsPage)
async def list_conversations(
    services: ServicesDep,
    page: PageDep,
    filters: FiltersDep,
    summary_mode: Annotated[
        Literal["exclude", "include"], Query(description="`include` fills `transcript_summary`.")
    ] = "exclude",
) -> Json:
    """List conversations, newest first. A page may be short where filters match few; `has_more` says whether it goes
    on. Filters this server does not know are ignored."""
    found, cursor = await matching(services.store.conversations, filters, page_size=page.size, cursor=page.cursor)
    now, with_summary = time.time(), summary_mode == "include"
    items = (summary(row, now, with_transcript_summary=with_summary) | chosen_results(row, filters) for row in found)
    return Json(page_body("conversations", items, Page(found, cursor)))


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
    change = ConversationChange(document={"metadata": {"feedback": judgement(body)}}, rating=body.rating or NO_RATING)
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
