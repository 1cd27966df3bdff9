"""``/v1/models``: the names of the hosted platform's speech models, all of which are accepted here."""

from __future__ import annotations

from fastapi import APIRouter

from parola.api.described import described
from parola.api.responses import Json
from parola.api.services import needs_key
from parola.protocol.workspace import ModelResponse

router = APIRouter(tags=["models"], dependencies=[needs_key])

SPEECH_MODELS = {
    "eleven_flash_v2": "Flash v2",
    "eleven_flash_v2_5": "Flash v2.5",
    "eleven_turbo_v2": "Turbo v2",
    "eleven_turbo_v2_5": "Turbo v2.5",
    "eleven_multilingual_v2": "Multilingual v2",
    "eleven_v3_conversational": "v3 conversational",
}


@router.get("/v1/models", operation_id="models_list")
@described(response=list[ModelResponse])
async def list_models() -> Json:
    """Speech models; each is mapped to a provider of this server."""
    return Json(
        [
            {
                "model_id": model_id,
                "name": name,
                "description": "Mapped to a voice of this server.",
                "can_do_text_to_speech": True,
                "can_do_voice_conversion": False,
                "can_be_finetuned": False,
                "can_use_style": False,
                "can_use_speaker_boost": False,
                "serves_pro_voices": False,
                "token_cost_factor": 0,
                "requires_alpha_access": False,
                "languages": [{"language_id": "en", "name": "English"}],
            }
            for model_id, name in SPEECH_MODELS.items()
        ]
    )
