"""``/v1/x/limits``: every limit in force; and ``/health`` (``alive.py``) as the description of the API shows it."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from parola.api import alive, conversation_files
from parola.api.described import described
from parola.api.services import open_to_all
from parola.protocol.workspace import HealthResponse

router = APIRouter(tags=["server"])

MOST_BODY_BYTES = 4 * 1024 * 1024
MULTIPART_BYTES = 64 * 1024
"""What a form adds to the file in it."""

MOST_UPLOAD_BYTES = conversation_files.MOST_BYTES + MULTIPART_BYTES


_UP = open_to_all("It says that the server is up.")
_UNFIT: dict[int | str, dict[str, Any]] = {
    503: {
        "description": "The server is about to stop, or a part of it could not be loaded: it takes no conversations.",
        "model": HealthResponse,
    }
}
router.get("/health", operation_id="health", dependencies=[_UP], responses=_UNFIT)(
    described(response=HealthResponse)(alive.health)
)
