"""Files a user shares in a conversation. The conversation's id is the capability: browsers have no key."""

from __future__ import annotations

import time
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, File, UploadFile
from starlette.formparsers import MultiPartParser
from starlette.responses import Response

from parola.api.conversation_record import LIVE
from parola.api.conversations import find_conversation
from parola.api.described import described
from parola.api.responses import Json, new_id
from parola.api.services import Services, ServicesDep, open_to_all
from parola.errors import Conflict, InvalidRequest, NotFound, TooMany, Unprocessable
from parola.privacy.policy import Policy
from parola.protocol import conversations as protocol
from parola.protocol.agents import ConversationalConfig, FileInputConfig
from parola.store.base import FileRow

router = APIRouter(prefix="/v1/convai/conversations/{conversation_id}/files", tags=["conversations"])

MOST_BYTES = 20 * 1024 * 1024
"""Of one file."""

MultiPartParser.spool_max_size = MOST_BYTES + 1
"""What arrives stays in memory until it is known whether it may be kept: by default more than a megabyte goes through a
temporary file, also where nothing that is shared may be written."""

ACCEPTED = ("image/", "text/", "application/pdf", "application/json")


@router.post(
    "", operation_id="conversations_files_create", dependencies=[open_to_all("The conversation id is the capability.")]
)
@described(response=protocol.FileResponse)
async def upload(conversation_id: str, file: Annotated[UploadFile, File()], services: ServicesDep) -> Json:
    """Share a file: an image, a PDF or text. Refer to its id in ``multimodal_message``."""
    conversation = await find_conversation(services, conversation_id)
    if conversation.status not in LIVE:
        raise Conflict(f"Files can be shared while a conversation runs; this one is {conversation.status}.")
    if Policy.read(conversation.document).zero_retention:
        raise InvalidRequest("This agent keeps nothing of what it is told (zero retention): it takes no files.")
    allowed = await _file_input(services, conversation.agent_id)
    if not allowed.enabled:
        raise InvalidRequest("This agent takes no files (conversation_config.conversation.file_input.enabled).")
    mime_type = (file.content_type or "").partition(";")[0].strip().lower()
    if not mime_type.startswith(ACCEPTED):
        raise Unprocessable(f'Expected an image, a PDF or text, got "{mime_type}".')
    content = await file.read()
    if len(content) > MOST_BYTES:
        raise Unprocessable(f"Expected at most {MOST_BYTES} bytes, got {len(content)}.")
    row = FileRow(new_id("file"), conversation_id, file.filename or "file", mime_type, len(content), time.time())
    async with services.sharing:
        if len(await services.store.files.of(conversation_id)) >= allowed.max_files_per_conversation:
            raise TooMany(f"At most {allowed.max_files_per_conversation} files can be shared in one conversation.")
        await services.store.files.put(row, content)
    return Json({"file_id": row.file_id})


@router.get(
    "/{file_id}",
    operation_id="conversations_files_get",
    response_class=Response,
    dependencies=[open_to_all("The conversation id is the capability.")],
)
async def download(conversation_id: str, file_id: str, services: ServicesDep) -> Response:
    """The file as it was shared."""
    file = await _find(services, conversation_id, file_id)
    content = await services.store.files.content(file_id)
    if content is None:
        raise _not_found(file_id)
    headers = {
        "content-disposition": f"attachment; filename*=utf-8''{quote(file.name)}",
        "x-content-type-options": "nosniff",
    }
    return Response(content, media_type=file.mime_type, headers=headers)


@router.delete(
    "/{file_id}",
    operation_id="conversations_files_delete",
    dependencies=[open_to_all("The conversation id is the capability.")],
)
@described(response=protocol.FileResponse)
async def delete(conversation_id: str, file_id: str, services: ServicesDep) -> Json:
    """Take a file back, unless a message has referred to it."""
    await _find(services, conversation_id, file_id)
    for turn in await services.store.conversations.turns(conversation_id):
        inputs = [turn.get("file_input"), *(turn.get("file_inputs") or ())]
        if any(isinstance(used, dict) and used.get("file_id") == file_id for used in inputs):
            raise Conflict(f"File {file_id} is part of the transcript.")
    await services.store.files.delete(file_id)
    return Json({"file_id": file_id})


async def _file_input(services: Services, agent_id: str) -> FileInputConfig:
    agent = await services.store.agents.get(agent_id)
    config = agent.document.get("conversation_config") if agent is not None else None
    return ConversationalConfig.model_validate(config or {}).conversation.file_input


async def _find(services: Services, conversation_id: str, file_id: str) -> FileRow:
    file = await services.store.files.get(file_id)
    if file is None or file.conversation_id != conversation_id:
        raise _not_found(file_id)
    return file


def _not_found(file_id: str) -> NotFound:
    return NotFound(f"Document with id {file_id} not found.")
