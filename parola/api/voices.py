"""``/v1/voices``: the voices of the providers on this server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Query

from parola.api.described import described
from parola.api.responses import Json
from parola.api.services import Services, ServicesDep, needs_key
from parola.errors import NotFound
from parola.protocol.documents import JsonObject
from parola.protocol.workspace import VoiceResponse, VoicesPage, VoicesResponse

if TYPE_CHECKING:
    from parola.providers.base import Voice

router = APIRouter(tags=["voices"], dependencies=[needs_key])


@router.get("/v1/voices", operation_id="voices_get_all")
@described(response=VoicesResponse)
async def list_voices(services: ServicesDep) -> Json:
    """All voices."""
    return Json({"voices": [_response(voice) for voice in services.registry.voices()]})


@router.get("/v1/voices/{voice_id}", operation_id="voices_get")
@described(response=VoiceResponse)
async def get(voice_id: str, services: ServicesDep) -> Json:
    """One voice."""
    voice = next((voice for voice in services.registry.voices() if voice.voice_id == voice_id), None)
    if voice is None:
        raise NotFound(f"A voice with voice_id {voice_id} does not exist.", code="voice_not_found")
    return Json(_response(voice))


@router.get("/v2/voices", operation_id="voices_search")
@described(response=VoicesPage)
async def search(
    services: ServicesDep,
    page_size: Annotated[int, Query(ge=1, le=100)] = 10,
    search: Annotated[str | None, Query(description="Part of the name, description or a label.")] = None,
    next_page_token: str | None = None,
    voice_ids: Annotated[list[str] | None, Query()] = None,
) -> Json:
    """Voices page by page."""
    matching = [
        voice
        for voice in _sorted(services)
        if (not search or search.casefold() in _text(voice)) and (not voice_ids or voice.voice_id in voice_ids)
    ]
    rest = [voice for voice in matching if not next_page_token or voice.voice_id > next_page_token]
    has_more = len(rest) > page_size
    shown = rest[:page_size]
    return Json(
        {
            "voices": [_response(voice) for voice in shown],
            "has_more": has_more,
            "total_count": len(matching),
            "next_page_token": shown[-1].voice_id if has_more else None,
        }
    )


def _sorted(services: Services) -> list[Voice]:
    return sorted(services.registry.voices(), key=lambda voice: voice.voice_id)


def _text(voice: Voice) -> str:
    return " ".join((voice.name, voice.description, *voice.labels.values())).casefold()


def _response(voice: Voice) -> JsonObject:
    return {
        "voice_id": voice.voice_id,
        "name": voice.name,
        "samples": [],
        "category": "premade",
        "labels": {"language": voice.language, **voice.labels},
        "description": voice.description or None,
        "preview_url": None,
        "available_for_tiers": [],
        "settings": None,
        "high_quality_base_model_ids": [],
        "is_owner": True,
    }
