"""What the model sees of a webhook tool: one flat object of what it has to fill in, wherever in the request that goes.

Each value of a request has one source: the model, a dynamic variable, a constant, the system, or none (reference:
rest-schemas.md §1, LiteralSchema). Only the model's are shown. ``parola/tools/request.py`` puts them where they belong.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from parola.providers.base import ToolDefinition

Part = Literal["path", "query", "body"]
Source = Literal["model", "variable", "constant", "system", "omitted"]

SHORTEST_SECONDS, LONGEST_SECONDS, USUAL_SECONDS = 5.0, 300.0, 20.0


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the request an argument belongs."""

    part: Part
    name: str


def source_of(schema: Mapping[str, Any]) -> Source:
    """Where a value comes from; the order is that of how definite the config is."""
    if schema.get("is_omitted"):
        return "omitted"
    if schema.get("dynamic_variable"):
        return "variable"
    if schema.get("constant_value") not in (None, ""):
        return "constant"
    if schema.get("is_system_provided"):
        return "system"
    return "model"


def parts_of(api_schema: Mapping[str, Any]) -> dict[Part, Mapping[str, Any]]:
    """The schema of each part of the request as an object with ``properties`` and ``required``."""
    path = _mapping(api_schema.get("path_params_schema"))
    query = _mapping(api_schema.get("query_params_schema"))
    body = api_schema.get("request_body_schema")
    parts: dict[Part, Mapping[str, Any]] = {
        "path": {"properties": path, "required": list(path)},
        "query": {"properties": _mapping(query.get("properties")), "required": query.get("required") or []},
    }
    if isinstance(body, Mapping):
        parts["body"] = body
    return parts


def places(api_schema: Mapping[str, Any]) -> dict[str, Place]:
    """The model's arguments by the name it knows them by. A name that more than one part of the request has is
    preceded by its part: ``path_id``, ``body_id``."""
    wanted = [
        Place(part, name)
        for part, schema in parts_of(api_schema).items()
        if source_of(schema) == "model"
        for name, leaf in _mapping(schema.get("properties")).items()
        if isinstance(leaf, Mapping) and shown(leaf) is not None
    ]
    names = [place.name for place in wanted]
    found: dict[str, Place] = {}
    for place in wanted:
        name = place.name if names.count(place.name) == 1 else f"{place.part}_{place.name}"
        while name in found or (name != place.name and name in names):
            name += "_"
        found[name] = place
    return found


def definition(name: str, description: str, api_schema: Mapping[str, Any]) -> ToolDefinition:
    """The tool as it is offered to the model."""
    parts = parts_of(api_schema)
    properties: dict[str, Any] = {}
    required: list[str] = []
    for argument, place in places(api_schema).items():
        properties[argument] = shown(parts[place.part]["properties"][place.name])
        if place.name in (parts[place.part].get("required") or []):
            required.append(argument)
    parameters: dict[str, Any] = {"type": "object", "properties": properties}
    if required:
        parameters["required"] = required
    rules = " ".join(filter(None, (description, constraints_told(parts.get("body") or {}))))
    return ToolDefinition(name, rules, parameters)


def shown(schema: Mapping[str, Any]) -> dict[str, Any] | None:
    """A value as JSON Schema, with what the model fills in and nothing else; None when that is nothing."""
    if source_of(schema) != "model":
        return None
    kept = {key: schema[key] for key in ("type", "description", "enum") if schema.get(key)}
    if schema.get("type") == "object" or "properties" in schema:
        inner = {
            name: leaf
            for name, value in _mapping(schema.get("properties")).items()
            if isinstance(value, Mapping) and (leaf := shown(value)) is not None
        }
        if not inner and schema.get("properties"):
            return None
        told = " ".join(filter(None, (str(schema.get("description") or ""), constraints_told(schema))))
        kept |= {"type": "object", "properties": inner} | ({"description": told} if told else {})
        if required := [name for name in schema.get("required") or [] if name in inner]:
            kept["required"] = required
    elif schema.get("type") == "array":
        items = schema.get("items")
        kept["items"] = (shown(items) if isinstance(items, Mapping) else None) or {}
    return kept


def constraints_told(schema: Mapping[str, Any]) -> str:
    """``required_constraints`` as a sentence: not every model's API takes ``anyOf``."""
    constraints = _mapping(schema.get("required_constraints"))
    sentences = []
    if any_of := alternatives(constraints.get("any_of")):
        sentences.append("Give at least one of: " + "; ".join(" and ".join(names) for names in any_of) + ".")
    if all_of := alternatives(constraints.get("all_of")):
        sentences.append("Give " + ", ".join(name for names in all_of for name in names) + ".")
    return " ".join(sentences)


def alternatives(constraints: Any) -> list[list[str]]:
    """The names of each ``RequiredConstraint``."""
    listed = constraints if isinstance(constraints, list) else []
    named = [one.get("required") or [] for one in listed if isinstance(one, Mapping)]
    return [[str(name) for name in names] for names in named if names]


def timeout_seconds(entry: Mapping[str, Any], warnings: list[str]) -> float:
    """``response_timeout_secs``, brought into its range."""
    asked = entry.get("response_timeout_secs")
    if isinstance(asked, bool) or not isinstance(asked, int | float):
        return USUAL_SECONDS
    seconds = min(max(float(asked), SHORTEST_SECONDS), LONGEST_SECONDS)
    if seconds != asked:
        warnings.append(
            f"Tool {entry.get('name')}: response_timeout_secs is {asked:g}, expected {SHORTEST_SECONDS:g} to "
            f"{LONGEST_SECONDS:g}; it is given {seconds:g} s."
        )
    return seconds


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
