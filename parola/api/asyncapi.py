"""``/asyncapi.json``: the realtime protocol as an AsyncAPI 3.0 document, made from the messages themselves."""

from __future__ import annotations

from functools import cache
from typing import Any

from fastapi import APIRouter, Request

from parola import __version__
from parola.api.address import SOCKET_PATH, socket_url
from parola.api.responses import Json
from parola.api.services import ServicesDep, open_to_all
from parola.protocol.client_messages import CLIENT_MESSAGES
from parola.protocol.messages import ClientMessage, ServerMessage
from parola.protocol.server_messages import SERVER_MESSAGES

router = APIRouter(tags=["server"])


@router.get("/asyncapi.json", include_in_schema=False, dependencies=[open_to_all("It describes the protocol.")])
async def asyncapi(request: Request, services: ServicesDep) -> Json:
    """The document, with this server's address."""
    scheme, _, host = socket_url(request, services.settings).partition("://")
    host, _, prefix = host.partition("/")
    server: dict[str, Any] = {"host": host, "protocol": scheme}
    if prefix:
        server["pathname"] = f"/{prefix}"
    return Json({**document(), "servers": {"this": server}})


@cache
def document() -> dict[str, Any]:
    """Everything but the server."""
    schemas: dict[str, Any] = {}
    heard = {f"client.{message.event_type}": _message(message, schemas) for message in CLIENT_MESSAGES}
    said = {f"server.{message.event_type}": _message(message, schemas) for message in SERVER_MESSAGES}
    messages = {**heard, **said}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Parola conversations",
            "version": __version__,
            "description": "JSON text frames over one WebSocket per conversation.",
        },
        "defaultContentType": "application/json",
        "channels": {
            "conversation": {
                "address": SOCKET_PATH,
                "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
                "bindings": {"ws": {"method": "GET", "query": _QUERY}},
            }
        },
        "operations": {
            "hear": _operation("receive", heard),
            "say": _operation("send", said),
        },
        "components": {"messages": messages, "schemas": schemas},
    }


_BEGINNING = {
    "agent_id": "The agent to talk to.",
    "conversation_signature": "What a signed URL has: lets its holder in to a private agent.",
    "token": "The same as conversation_signature, as some clients name it.",
    "source": "The client's own name, kept in the record.",
    "version": "The client's own version, kept beside it.",
    "environment": "Whose values the environment variables have: production unless it is said.",
    "branch_id": "A branch of the agent. Each has its main one only: another is noted in the record as a warning.",
}
_RESUMING = {
    "x_resume": "1: the client can come back when its connection breaks; its metadata has x_resume_token.",
    "conversation_id": "Beside resume_token: the conversation to go on with, in place of agent_id.",
    "resume_token": "The x_resume_token of the last connection. Good for one connection.",
    "last_event_id": "Beside it: text with a higher event_id is sent again.",
}
_QUERY = {
    "type": "object",
    "properties": {name: {"type": "string", "description": text} for name, text in {**_BEGINNING, **_RESUMING}.items()},
}


def _operation(action: str, messages: dict[str, Any]) -> dict[str, Any]:
    return {
        "action": action,
        "channel": {"$ref": "#/channels/conversation"},
        "messages": [{"$ref": f"#/channels/conversation/messages/{name}"} for name in messages],
    }


def _message(message: type[ClientMessage] | type[ServerMessage], schemas: dict[str, Any]) -> dict[str, Any]:
    """A message; the definitions its schema refers to go to ``schemas``, where every message finds them."""
    schema = message.wire_schema()
    for name, definition in schema.pop("$defs", {}).items():
        schemas[name] = _relocated(definition)
    summary = (message.__doc__ or "").partition("\n")[0]
    return {"name": message.event_type, "summary": summary, "payload": _relocated(schema)}


def _relocated(schema: Any) -> Any:
    if isinstance(schema, dict):
        return {
            key: value.replace("#/$defs/", "#/components/schemas/")
            if key == "$ref" and isinstance(value, str)
            else _relocated(value)
            for key, value in schema.items()
        }
    if isinstance(schema, list):
        return [_relocated(item) for item in schema]
    return schema
