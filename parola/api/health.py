"""``/v1/x/limits``: every limit in force; and ``/health`` (``alive.py``) as the description of the API shows it."""

from __future__ import annotations

from fastapi import APIRouter

from parola.api import alive, conversation_files
from parola.api.credentials import LIFETIME_SECONDS
from parola.api.described import described
from parola.api.responses import Json
from parola.api.services import ServicesDep, needs_key, open_to_all
from parola.protocol.lossless import MAX_DEPTH
from parola.protocol.workspace import HealthResponse

router = APIRouter(tags=["server"])

MOST_BODY_BYTES = 4 * 1024 * 1024
MULTIPART_BYTES = 64 * 1024
"""What a form adds to the file in it."""

MOST_UPLOAD_BYTES = conversation_files.MOST_BYTES + MULTIPART_BYTES


_UP = open_to_all("It says that the server is up.")
router.get("/health", operation_id="health", dependencies=[_UP])(described(response=HealthResponse)(alive.health))


@router.get("/v1/x/limits", operation_id="x_limits_get", dependencies=[needs_key])
async def limits(services: ServicesDep) -> Json:
    """The sizes and times this server enforces."""
    from parola.api.conversation_socket import INIT_SECONDS
    from parola.conversation import webhook_tool
    from parola.conversation.ending import FAREWELL_SECONDS
    from parola.conversation.keep_alive import PING_SECONDS
    from parola.conversation.speaking import LLM_SECONDS
    from parola.session import session, waiting_room
    from parola.tools.response import MOST_READ_BYTES, MOST_SHOWN_BYTES

    return Json(
        {
            "request_body_bytes": MOST_BODY_BYTES,
            "json_depth": MAX_DEPTH,
            "conversation_file_bytes": conversation_files.MOST_BYTES,
            "page_size": {"default": 30, "minimum": 1, "maximum": 100},
            "signed_url_lifetime_secs": LIFETIME_SECONDS,
            "tool_response_timeout_secs": {
                "client": {"minimum": 1, "maximum": 120},
                "webhook": {"minimum": webhook_tool.SHORTEST_SECONDS, "maximum": webhook_tool.LONGEST_SECONDS},
                "default": webhook_tool.USUAL_SECONDS,
            },
            "webhook_tool_response_bytes": {"read": MOST_READ_BYTES, "shown_to_model": MOST_SHOWN_BYTES},
            "first_frame_secs": INIT_SECONDS,
            "ping_secs": PING_SECONDS,
            "llm_silence_secs": LLM_SECONDS,
            "input_silence_secs": session.INPUT_STALL_SECONDS,
            "unread_output_secs": session.UNREAD_SECONDS,
            "last_words_secs": FAREWELL_SECONDS,
            "conversations": {
                "maximum": services.settings.max_conversations or None,
                "held_when_busy": services.settings.hold_when_busy,
                "hold_secs": waiting_room.HOLD_SECONDS,
                "longest_wait_secs": waiting_room.LONGEST_WAIT_SECONDS,
                "waiting": waiting_room.MOST_WAITING,
            },
            "close_codes": {
                "too_many_conversations": waiting_room.TOO_MANY,
                "waited_too_long": waiting_room.TIMED_OUT,
            },
        }
    )
