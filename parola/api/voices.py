"""``/v1/voices``: the voices of the providers on this server, and how they sound."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote

from fastapi import APIRouter, Query, Request, Response

from parola.api.address import base_url
from parola.api.described import described
from parola.api.responses import Json
from parola.api.services import Services, ServicesDep, needs_key
from parola.errors import NotFound
from parola.protocol.documents import JsonObject
from parola.protocol.workspace import VoiceResponse, VoicesPage, VoicesResponse

if TYPE_CHECKING:
    from parola.providers.base import Voice

router = APIRouter(tags=["voices"], dependencies=[needs_key])

MOST_PREVIEWED = 200
"""Characters."""


@router.get("/v1/voices", operation_id="voices_get_all")
@described(response=VoicesResponse)
async def list_voices(request: Request, services: ServicesDep) -> Json:
    """All voices."""
    root = base_url(request, services.settings)
    return Json({"voices": [_response(voice, root) for voice in services.registry.voices()]})


@router.get("/v1/voices/{voice_id}", operation_id="voices_get")
@described(response=VoiceResponse)
async def get(voice_id: str, request: Request, services: ServicesDep) -> Json:
    """One voice."""
    return Json(_response(_find(services, voice_id), base_url(request, services.settings)))


@router.get(
    "/v1/x/voices/{voice_id}/preview",
    operation_id="x_voices_preview",
    response_class=Response,
    responses={200: {"content": {"audio/wav": {}}, "description": "A WAV file."}},
)
async def preview(
    voice_id: str,
    services: ServicesDep,
    text: Annotated[
        str | None, Query(min_length=1, max_length=MOST_PREVIEWED, description="A greeting in the voice's language.")
    ] = None,
    model_id: Annotated[str, Query(max_length=200, description="As an agent would name it.")] = "",
) -> Response:
    """How a voice sounds: `text`, or a greeting in its language, spoken now. One sentence at a time; 429 while too many
    wait."""
    from parola.session.preview import preview, sentence

    voice = _find(services, voice_id)
    chosen = services.registry.text_to_speech(model_id, voice_id, voice.language)
    said = text or sentence(voice.language)
    what = (voice_id, model_id, said)
    wav = await services.previewing.do(what, lambda: preview(chosen, voice.language, said))
    return Response(wav, media_type="audio/wav", headers={"cache-control": "private, max-age=3600"})


@router.get("/v2/voices", operation_id="voices_search")
@described(response=VoicesPage)
async def search(
    request: Request,
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
    shown, root = rest[:page_size], base_url(request, services.settings)
    return Json(
        {
            "voices": [_response(voice, root) for voice in shown],
            "has_more": has_more,
            "total_count": len(matching),
            "next_page_token": shown[-1].voice_id if has_more else None,
        }
    )


def _find(services: Services, voice_id: str) -> Voice:
    voice = next((voice for voice in services.registry.voices() if voice.voice_id == voice_id), None)
    if voice is None:
        raise NotFound(f"A voice with voice_id {voice_id} does not exist.", code="voice_not_found")
    return voice


def _sorted(services: Services) -> list[Voice]:
    return sorted(services.registry.voices(), key=lambda voice: voice.voice_id)


def _text(voice: Voice) -> str:
    return " ".join((voice.name, voice.description, *voice.labels.values())).casefold()


def _response(voice: Voice, root: str) -> JsonObject:
    return {
        "voice_id": voice.voice_id,
        "name": voice.name,
        "samples": [],
        "category": "premade",
        "labels": {"language": voice.language, **voice.labels},
        "description": voice.description or None,
        "preview_url": f"{root}/v1/x/voices/{quote(voice.voice_id, safe='')}/preview",
        "available_for_tiers": [],
        "settings": None,
        "high_quality_base_model_ids": [],
        "is_owner": True,
    }
