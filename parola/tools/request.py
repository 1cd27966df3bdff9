"""The request of a webhook tool: from its ``api_schema``, the model's arguments and the dynamic variables to a method,
an address, headers and a body (reference: webhooks.md §6.1).

What cannot be put together raises ``CannotCall`` with a sentence that helps a model to ask better; nothing is sent.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote, urlencode

import orjson

from parola.conversation.webhook_tool import alternatives, parts_of, places, source_of
from parola.errors import ClientError
from parola.outbound import request_headers
from parola.outbound.locators import Locators, as_text

REDACTED = "<REDACTED>"
FORM = "application/x-www-form-urlencoded"
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")

_VARIABLE = re.compile(r"\{\{\s*([A-Za-z0-9_.\-]+)\s*\}\}")
_PLACEHOLDER = re.compile(r"(?<!\{)\{([A-Za-z0-9_.\-]+)\}(?!\})")
_BEFORE_PATH = re.compile(r"^[A-Za-z][A-Za-z0-9+.\-]*://[^/?#]*$")
_HOST = re.compile(r"^[A-Za-z0-9._\-]+(:\d+)?$")

_TELLING = re.compile(r"auth|token|secret|key|cookie|password|signature", re.IGNORECASE)
"""Headers of such names are not shown, even if their value is written in the config."""

_MISSING = object()


class CannotCall(ClientError):
    """The request cannot be made of what there is."""

    code = "invalid_arguments"


@dataclass(frozen=True, slots=True)
class WebhookRequest:
    """What is sent, and what may be shown of it."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None = None
    path_params: Mapping[str, str] = field(default_factory=dict)
    query_params: Mapping[str, str] = field(default_factory=dict)
    hidden: frozenset[str] = frozenset()
    """Headers, in lower case, whose values are secret."""

    def with_headers(self, headers: Mapping[str, str], *, hidden: bool = False) -> WebhookRequest:
        """With these headers instead of, or beside, those there are."""
        lower = {name.lower() for name in headers}
        kept = {name: value for name, value in self.headers.items() if name.lower() not in lower}
        return replace(self, headers=kept | dict(headers), hidden=(self.hidden | lower) if hidden else self.hidden)

    @property
    def secrets(self) -> tuple[str, ...]:
        """Values that must not be seen, should the answer repeat them."""
        values = (value for name, value in self.headers.items() if name.lower() in self.hidden)
        bare = (value.partition(" ")[2] or value for value in values)
        return tuple(value for value in bare if len(value) >= 6)

    @property
    def details(self) -> dict[str, Any]:
        """For the record: ``ToolCallDetails_Webhook``, without secret values."""
        return {
            "type": "webhook",
            "method": self.method,
            "url": without_credentials(self.url),
            "headers": {
                name: REDACTED if name.lower() in self.hidden or _TELLING.search(name) else value
                for name, value in self.headers.items()
            },
            "path_params": dict(self.path_params),
            "query_params": dict(self.query_params),
            "body": (self.body or b"").decode(errors="replace"),
        }


async def webhook_request(
    api_schema: Mapping[str, Any], arguments: Mapping[str, Any], variables: Mapping[str, Any], locators: Locators
) -> WebhookRequest:
    """Put the request together. Raises ``CannotCall``, ``ValueNotFound``."""
    method = str(api_schema.get("method") or "GET").upper()
    if method not in METHODS:
        raise CannotCall(f"method: expected {', '.join(METHODS)}, got {method}.")
    filling = _Filling(variables)
    given = _by_part(api_schema, arguments)
    parts = parts_of(api_schema)
    path = {name: as_text(value) for name, value in filling.properties(parts["path"], given["path"], "path").items()}
    query = {
        name: as_text(value) for name, value in filling.properties(parts["query"], given["query"], "query").items()
    }
    url = _with_query(_url(str(api_schema.get("url") or ""), path, variables), query)
    headers, hidden = await _headers(api_schema, variables, locators)
    body = None
    if "body" in parts and method in ("POST", "PUT", "PATCH"):
        content = filling.value(parts["body"], given["body"], "body")
        kind = str(api_schema.get("content_type") or "application/json")
        body = _encoded({} if content is _MISSING else content, kind)
        if "content-type" not in map(str.lower, headers):
            headers = {"Content-Type": kind} | headers
    return WebhookRequest(method, url, headers, body, path, query, hidden)


# -- values -----------------------------------------------------------------------------------------------------------


def _by_part(api_schema: Mapping[str, Any], arguments: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    known = places(api_schema)
    given: dict[str, dict[str, Any]] = {"path": {}, "query": {}, "body": {}}
    for name, value in arguments.items():
        if (place := known.get(name)) is not None:
            given[place.part][place.name] = value
    return given


class _Filling:
    """Gives each value of a schema from its source."""

    def __init__(self, variables: Mapping[str, Any]) -> None:
        self._variables = variables

    def properties(self, schema: Mapping[str, Any], given: Mapping[str, Any], where: str) -> dict[str, Any]:
        """An object's values by name; what has none and need not have one is left out."""
        filled: dict[str, Any] = {}
        for name, leaf in (schema.get("properties") or {}).items():
            if not isinstance(leaf, Mapping):
                raise CannotCall(f"{where}.{name}: expected a schema, got {leaf!r}.")
            value = self.value(leaf, given.get(name, _MISSING), f"{where}.{name}")
            if value is not _MISSING:
                filled[name] = value
            elif name in (schema.get("required") or []) and not leaf.get("is_omitted"):
                raise CannotCall(f"{where}.{name} is required, and nothing gave it a value{_hint(leaf)}.")
        constraints = schema.get("required_constraints")
        if isinstance(constraints, Mapping):
            _check_constraints(constraints, filled, where)
        return filled

    def value(self, schema: Mapping[str, Any], given: Any, where: str) -> Any:
        """One value, or ``_MISSING``."""
        match source_of(schema):
            case "omitted":
                return _MISSING
            case "constant":
                return schema["constant_value"]
            case "variable":
                return self._variable(schema, str(schema["dynamic_variable"]), where)
            case "system":
                name = where.rpartition(".")[2]
                known = (f"system__{name}", name)
                found = next((one for one in known if one in self._variables), None)
                return _MISSING if found is None else self._variable(schema, found, where)
        if schema.get("type") == "object" or "properties" in schema:
            return self._object(schema, given, where)
        if schema.get("type") == "array" and isinstance(given, list) and isinstance(schema.get("items"), Mapping):
            items = [self.value(schema["items"], item, f"{where}[{index}]") for index, item in enumerate(given)]
            return [item for item in items if item is not _MISSING]
        if given is not _MISSING:
            self._check_allowed(schema, given, where)
        return given

    def _object(self, schema: Mapping[str, Any], given: Any, where: str) -> Any:
        if given is not _MISSING and not isinstance(given, Mapping):
            raise CannotCall(f"{where}: expected an object, got {_brief(given)}.")
        if not schema.get("properties"):
            return given
        arguments = given if isinstance(given, Mapping) else {}
        optional = given is _MISSING and all(
            source_of(leaf) in ("model", "omitted") for leaf in schema["properties"].values()
        )
        return _MISSING if optional else self.properties(schema, arguments, where)

    def _variable(self, schema: Mapping[str, Any], name: str, where: str) -> Any:
        if name.startswith("secret__"):
            raise CannotCall(f"{where}: {name} is a secret variable, and those are for headers only.")
        value = self._variables.get(name)
        return _MISSING if value is None else converted(value, schema, where)

    def _check_allowed(self, schema: Mapping[str, Any], given: Any, where: str) -> None:
        allowed = schema.get("allowed_values")
        name = allowed.get("dynamic_variable") if isinstance(allowed, Mapping) else None
        name = name or schema.get("allowed_values_dynamic_variable")
        if not name:
            return
        values = _listed(self._variables.get(str(name)))
        if as_text(given) not in values:
            told = ", ".join(values) or "nothing: the variable is empty"
            raise CannotCall(f"{where}: {_brief(given)} is not allowed. Allowed: {told}.")


def converted(value: Any, schema: Mapping[str, Any], where: str) -> Any:
    """A variable's value, often a text, as the type its schema asks for. Raises ``CannotCall``."""
    kinds = schema.get("type")
    kinds = [kinds] if isinstance(kinds, str) else list(kinds or [])
    if "properties" in schema and not kinds:
        kinds = ["object"]
    wanted = next((kind for kind in kinds if kind != "null"), "string")
    match wanted, value:
        case "string", _:
            return as_text(value)
        case "boolean", bool():
            return value
        case "boolean", _ if str(value).lower() in ("true", "false", "1", "0"):
            return str(value).lower() in ("true", "1")
        case (("integer" | "number"), int() | float()) if not isinstance(value, bool):
            return int(value) if wanted == "integer" and value == int(value) else value
        case (("integer" | "number"), str()):
            try:
                return int(value) if wanted == "integer" else float(value)
            except ValueError:
                pass
        case (("object" | "array"), _):
            try:
                found = orjson.loads(value) if isinstance(value, str) else value
            except orjson.JSONDecodeError:
                found = None
            if isinstance(found, Mapping if wanted == "object" else list):
                return found
    raise CannotCall(f"{where}: expected {wanted} in the variable, got {_brief(value)}.")


def _check_constraints(constraints: Mapping[str, Any], filled: Mapping[str, Any], where: str) -> None:
    any_of = alternatives(constraints.get("any_of"))
    if any_of and not any(all(name in filled for name in names) for names in any_of):
        told = "; ".join(" and ".join(names) for names in any_of)
        raise CannotCall(f"{where}: expected at least one of: {told}.")
    for names in alternatives(constraints.get("all_of")):
        if missing := [name for name in names if name not in filled]:
            raise CannotCall(f"{where}: expected {', '.join(missing)}.")


def _listed(value: Any) -> list[str]:
    """The allowed values: a list, a JSON list, or texts with commas between them."""
    if isinstance(value, str):
        try:
            found = orjson.loads(value)
        except orjson.JSONDecodeError:
            found = [part.strip() for part in value.split(",") if part.strip()]
        value = found
    if value is None:
        return []
    return [as_text(one) for one in value] if isinstance(value, list) else [as_text(value)]


def _hint(leaf: Mapping[str, Any]) -> str:
    name = leaf.get("dynamic_variable")
    return f": the variable {name} is not set" if name else ""


def _brief(value: Any) -> str:
    text = as_text(value)
    return repr(text if len(text) <= 80 else f"{text[:80]}…")


# -- address, headers, body -------------------------------------------------------------------------------------------


def _url(template: str, path: Mapping[str, str], variables: Mapping[str, Any]) -> str:
    def variable(match: re.Match[str]) -> str:
        name, before = match[1], match.string[: match.start()]
        if name.startswith("secret__") or variables.get(name) is None:
            reason = "is for headers only" if name.startswith("secret__") else "is not set"
            raise CannotCall(f"url: the variable {name} {reason}.")
        value = as_text(variables[name])
        if not before:
            return value
        if _BEFORE_PATH.match(before):
            # What a client says may name a host here; it must not end the host and begin something else.
            if not _HOST.match(value):
                raise CannotCall(f"url: the variable {name} stands in the host, and {_brief(value)} is none.")
            return value
        return quote(value, safe="")

    def parameter(match: re.Match[str]) -> str:
        name = match[1]
        if (value := path.get(name)) is None:
            raise CannotCall(f"url: nothing gave {{{name}}} a value.")
        if value in ("", ".", ".."):
            raise CannotCall(f"path.{name}: {value!r} would lead to another address.")
        return quote(value, safe="")

    # In one pass, so that a value that looks like a placeholder is none.
    both = re.compile(f"{_VARIABLE.pattern}|{_PLACEHOLDER.pattern}")

    def either(match: re.Match[str]) -> str:
        inner = _VARIABLE.fullmatch(match[0])
        if inner is None:
            return parameter(_PLACEHOLDER.match(match[0]) or match)
        return variable(match)

    return both.sub(either, template.strip())


def _with_query(url: str, query: Mapping[str, str]) -> str:
    if not query:
        return url
    address, hash_, fragment = url.partition("#")
    between = "" if address.endswith(("?", "&")) else "&" if "?" in address else "?"
    return f"{address}{between}{urlencode(query, quote_via=quote)}{hash_}{fragment}"


async def _headers(
    api_schema: Mapping[str, Any], variables: Mapping[str, Any], locators: Locators
) -> tuple[dict[str, str], frozenset[str]]:
    headers: dict[str, str] = {}
    hidden: set[str] = set()
    configured = api_schema.get("request_headers") or {}
    for name, located in request_headers.without(request_headers.CONNECTIONS, configured).items():
        value = await locators.value(located, variables)
        if problem := request_headers.problem_of({name: value}):
            raise CannotCall(problem)
        headers[name] = value
        if _is_secret(located):
            hidden.add(name.lower())
    return headers, frozenset(hidden)


def _is_secret(located: Any) -> bool:
    match located:
        case str():
            return any(name.startswith("secret__") for name in _VARIABLE.findall(located))
        case {"variable_name": str(name)}:
            return name.startswith("secret__")
        case Mapping():
            return True
        case _:
            return False


def _encoded(content: Any, kind: str) -> bytes:
    if kind.partition(";")[0].strip().lower() != FORM:
        return orjson.dumps(content, default=str)
    pairs: list[tuple[str, str]] = []
    for name, value in content.items() if isinstance(content, Mapping) else ():
        several = value if isinstance(value, list) else [value]
        pairs += [(name, as_text(one)) for one in several]
    return urlencode(pairs).encode()


def without_credentials(url: str) -> str:
    """A URL as it may be shown: a user and a password before the host are secret."""
    return re.sub(r"^([A-Za-z][A-Za-z0-9+.\-]*://)[^/?#]*@", rf"\1{REDACTED}@", url)
