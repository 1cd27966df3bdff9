"""What every frame of the realtime protocol has in common: how it is named, checked, sent and described.

A message class is flat: its fields are those of the payload object. On the wire most payloads travel under a key of
their own, beside ``type``::

    Interruption(event_id=3)  ->  {"type": "interruption", "interruption_event": {"event_id": 3}}

``event_type`` and ``payload_key`` say how; ``payload_key = ""`` means the fields lie beside ``type``.
"""

from __future__ import annotations

from typing import Any, ClassVar

import orjson
from pydantic import BaseModel, ConfigDict

LONGEST_REASON = 123
"""Bytes of UTF-8 that fit a close frame beside its code (RFC 6455, section 5.5)."""


def close_reason(message: str) -> str:
    """As much of a message as fits a close frame."""
    encoded = message.encode()
    if len(encoded) <= LONGEST_REASON:
        return message
    return encoded[: LONGEST_REASON - 3].decode(errors="ignore") + "..."


class WireModel(BaseModel):
    """A shape on the wire. Unknown fields are kept: clients are newer than we are."""

    model_config = ConfigDict(extra="allow", frozen=True, defer_build=True)


class ServerMessage(WireModel):
    """What the server says. Fields that are None are left out, unless ``nullable`` names them."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    event_type: ClassVar[str]
    payload_key: ClassVar[str]
    nullable: ClassVar[frozenset[str]] = frozenset()

    def payload(self) -> dict[str, Any]:
        """The payload object. An optional field that is None is omitted: clients test for the key."""
        fields = self.model_dump(mode="json")
        return {k: v for k, v in fields.items() if v is not None or k in self.nullable}

    def wire(self) -> dict[str, Any]:
        """The whole frame as a JSON object."""
        if not self.payload_key:
            return {"type": self.event_type, **self.payload()}
        return {"type": self.event_type, self.payload_key: self.payload()}

    def encode(self) -> str:
        """The frame as sent."""
        return orjson.dumps(self.wire()).decode()

    @classmethod
    def wire_schema(cls) -> dict[str, Any]:
        """JSON Schema of the frame, for ``/asyncapi.json`` and for the check of everything that is sent."""
        payload = cls.model_json_schema(mode="serialization")
        for name, field in payload.get("properties", {}).items():
            if name not in cls.nullable:
                _drop_null(field)
        payload["required"] = [
            name for name, field in cls.model_fields.items() if field.is_required() or name in cls.nullable
        ]
        return _frame(cls.event_type, cls.payload_key, payload)


class ClientMessage(WireModel):
    """What the client says. Parsed leniently: unknown fields are kept, optional ones may be null or absent."""

    event_type: ClassVar[str]

    @classmethod
    def wire_schema(cls) -> dict[str, Any]:
        """JSON Schema of the frame."""
        return _frame(cls.event_type, "", cls.model_json_schema(mode="validation"))


def _frame(event_type: str, payload_key: str, payload: dict[str, Any]) -> dict[str, Any]:
    defs = payload.pop("$defs", None)
    tag = {"const": event_type, "type": "string"}
    if payload_key:
        schema: dict[str, Any] = {
            "type": "object",
            "properties": {"type": tag, payload_key: payload},
            "required": ["type", payload_key],
            "additionalProperties": False,
        }
    else:
        schema = {
            **payload,
            "properties": {"type": tag, **payload.get("properties", {})},
            "required": ["type", *payload.get("required", [])],
        }
    schema["title"] = event_type
    if defs:
        schema["$defs"] = defs
    return schema


def _drop_null(field: dict[str, Any]) -> None:
    """Turn "this or null" into "this": the field is left out rather than sent as null."""
    if field.get("default", ...) is None:
        del field["default"]
    options = field.get("anyOf")
    if not options:
        return
    kept = [option for option in options if option.get("type") != "null"]
    if len(kept) == 1:
        del field["anyOf"]
        field.update(kept[0])
    else:
        field["anyOf"] = kept
