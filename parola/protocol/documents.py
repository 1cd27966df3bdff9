"""What models of stored documents have in common: they read and check, and leave the document as it came.

A document is stored and echoed exactly as it was pushed. A model made from it gives typed access and finds what cannot
work; it is never dumped back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, get_args

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema


class Reading(BaseModel):
    """Every field optional, unknown ones kept, null means the default (unless the field itself may be null)."""

    model_config = ConfigDict(extra="allow", frozen=True, defer_build=True)

    _not_null: ClassVar[frozenset[str]] = frozenset()

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        cls._not_null = frozenset(
            name
            for name, field in cls.model_fields.items()
            if field.annotation is not Any and type(None) not in get_args(field.annotation)
        )

    @model_validator(mode="before")
    @classmethod
    def _null_means_default(cls, value: Any) -> Any:
        if isinstance(value, dict) and None in value.values():
            return {k: v for k, v in value.items() if v is not None or k not in cls._not_null}
        return value


class Asked(BaseModel):
    """A request, checked strictly: null is null, and what is required must be there."""

    model_config = ConfigDict(extra="allow", defer_build=True)


class Answer(BaseModel):
    """A response, for its description; there may be more in it."""

    model_config = ConfigDict(extra="allow", defer_build=True)


@dataclass(frozen=True, slots=True)
class Between:
    """A number's documented range, both ends included; ``or_exactly`` is the value that means "off"."""

    low: float
    high: float
    or_exactly: float | None = None

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        described = handler(schema)
        limits: JsonSchemaValue = {"minimum": self.low, "maximum": self.high}
        if self.or_exactly is None:
            return {**described, **limits}
        return {**described, "anyOf": [limits, {"const": self.or_exactly}]}

    def _check(self, value: float) -> float:
        if self.low <= value <= self.high or value == self.or_exactly:
            return value
        allowed = f"{self.low:g} to {self.high:g}"
        if self.or_exactly is not None:
            allowed = f"{self.or_exactly:g} or {allowed}"
        raise PydanticCustomError("out_of_range", "Expected {allowed}, got {came}", {"allowed": allowed, "came": value})


@dataclass(frozen=True, slots=True)
class CheckedAs:
    """``Annotated[JsonObject, CheckedAs(Model)]``: checked and described as the model, kept as it came."""

    kind: Any

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_wrap_validator_function(
            _check_only, handler.generate_schema(self.kind), serialization=core_schema.simple_ser_schema("any")
        )


def _check_only(value: Any, check: Any) -> Any:
    check(value)
    return value


JsonObject = dict[str, Any]

ValueOrLocator = str | JsonObject
"""A literal, or an object with ``secret_id``, ``variable_name`` or ``env_var_label``."""
