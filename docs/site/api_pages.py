"""The reference of the REST API and of the sockets as Markdown, from what the application itself says of them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

Schema = dict[str, Any]
Pages = dict[str, str]
"""Markdown by file name."""

GROUPS = {
    "agents": "Agents",
    "agent versions": "Versions of agents",
    "lint": "Lint",
    "tools": "Tools",
    "mcp-servers": "MCP servers",
    "knowledge base": "Knowledge base",
    "environments": "Environments",
    "secrets": "Secrets",
    "auth-connections": "Auth connections",
    "pronunciation-dictionaries": "Pronunciation dictionaries",
    "voices": "Voices",
    "models": "Models",
    "llm": "Language models",
    "conversations": "Conversations",
    "live control": "Live control",
    "analytics": "Analytics",
    "webhooks": "Webhooks",
    "user": "User",
    "server": "Server",
}
"""The tags in the order of the navigation, and what their pages are called. A tag that is not here comes last."""

SHARED = "api/shapes.md"

ADDRESS = "http://127.0.0.1:8400"

CONTRACTS = "`/openapi.json` and `/asyncapi.json` of your server say the same for machines."


def page_of(tag: str) -> str:
    """The file of a tag."""
    return f"api/{re.sub(r'[^a-z0-9]+', '-', tag.lower())}.md"


def titles(document: Schema) -> dict[str, str]:
    """The title of each generated page of the REST API, by file, in order."""
    tags = {tag: None for _, _, operation in operations(document) for tag in operation.get("tags", ["server"])[:1]}
    known = [tag for tag in GROUPS if tag in tags]
    others = [tag for tag in tags if tag not in GROUPS]
    return {page_of(tag): GROUPS.get(tag, tag.capitalize()) for tag in (*known, *others)}


def operations(document: Schema) -> Iterator[tuple[str, str, Schema]]:
    """Path, method and description of everything that can be asked."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method.upper(), operation


class Reference:
    """The pages of one OpenAPI document. ``scopes``: what a key must be allowed to do, by method and path; None is
    open to all."""

    def __init__(self, document: Schema, scopes: dict[tuple[str, str], str | None]) -> None:
        self._schemas: dict[str, Schema] = document["components"]["schemas"]
        self._scopes = scopes
        self._by_page: dict[str, list[tuple[str, str, Schema]]] = {}
        for path, method, operation in operations(document):
            self._by_page.setdefault(page_of(operation.get("tags", ["server"])[0]), []).append(
                (path, method, operation)
            )
        self._titles = titles(document)
        used = {page: self._used(entries) for page, entries in self._by_page.items()}
        self._home = {
            name: page if sum(name in names for names in used.values()) == 1 else SHARED
            for page, names in used.items()
            for name in names
        }

    def pages(self) -> Pages:
        """Each tag's page, the shapes that several of them use, and the table of all operations."""
        made = {page: self._page(page) for page in self._titles}
        shared = sorted(name for name, home in self._home.items() if home == SHARED)
        made[SHARED] = "\n".join(
            ["# Shapes", "", "What more than one part of the API reads or answers.", "", *self._shapes(shared, SHARED)]
        )
        made["api/index.md"] = self._index()
        return made

    def fields_of(self, name: str, title: str, introduction: str) -> str:
        """A page with every field of a shape by its whole path; of alternatives, those of the first object."""
        lines = [f"# {title}", "", introduction]
        for section, schema in self._schemas[name]["properties"].items():
            inner = _inner(schema, self._schemas)
            rows = list(_fields(inner, self._schemas, f"{section}.", 0))
            if not rows:
                continue
            lines += ["", f"## `{section}`", "", _text(inner.get("description", ""))]
            lines += ["", "| field | type | about |", "| --- | --- | --- |"]
            lines += [f"| `{path}` | {kind} | {told} |" for path, kind, told in rows]
        return "\n".join(lines) + "\n"

    def _index(self) -> str:
        lines = [
            "# REST API",
            "",
            "A request that needs a key has it in `xi-api-key`. Errors have the hosted platform's shape: "
            '`{"detail": {"status": …, "message": …}}`. What the hosted platform does not have lies below `/v1/x/`. '
            f"{CONTRACTS} What a key may be allowed to do: [Security](../security.md).",
        ]
        for page, title in self._titles.items():
            lines += [
                "",
                f"## [{title}]({page.removeprefix('api/')})",
                "",
                "| request | what it does |",
                "| --- | --- |",
            ]
            for path, method, operation in self._by_page[page]:
                target = f"{page.removeprefix('api/')}#{_anchor(operation)}"
                lines.append(f"| [`{method} {path}`]({target}) | {_cell(_first(operation))} |")
        return "\n".join(lines) + "\n"

    def _page(self, page: str) -> str:
        lines = [f"# {self._titles[page]}"]
        for path, method, operation in self._by_page[page]:
            lines += ["", *self._operation(page, path, method, operation)]
        own = sorted(name for name, home in self._home.items() if home == page)
        if own:
            lines += ["", "## Shapes", "", *self._shapes(own, page)]
        return "\n".join(lines) + "\n"

    def _operation(self, page: str, path: str, method: str, operation: Schema) -> Iterator[str]:
        yield f"## {_heading(operation, path)} {{: #{_anchor(operation)} }}"
        yield ""
        yield f"`{method} {path}`"
        yield ""
        yield _text(operation.get("description", ""))
        yield ""
        scope = self._scopes.get((method, path))
        yield {None: "Open to all: no key is needed.", "any": "Any key will do."}.get(
            scope, f"A key needs the scope `{scope}`."
        )
        parameters = [one for one in operation.get("parameters", []) if one["in"] != "header"]
        if parameters:
            yield from ("", "| parameter | in | type | about |", "| --- | --- | --- | --- |")
            for one in parameters:
                told = _cell(one.get("description") or one["schema"].get("description") or "")
                needed = "Required. " if one.get("required") and one["in"] != "path" else ""
                default = one["schema"].get("default")
                usual = "" if default is None else f" `{json.dumps(default)}` by default."
                yield f"| `{one['name']}` | {one['in']} | {self._type(one['schema'], page)} | {needed}{told}{usual} |"
        for kind, body in _contents(operation.get("requestBody", {})):
            optional = "" if operation["requestBody"].get("required") else ", which may be left out"
            yield from ("", f"**Body**, `{kind}`{optional}: {self._type(body, page)}")
        for code, response in operation["responses"].items():
            if _is_told(code):
                shapes = [f"`{kind}`: {self._type(body, page)}" for kind, body in _contents(response) if body]
                said = "; ".join(shapes) or ("nothing" if code == "204" else response.get("description", ""))
                yield from ("", f"**Answer** {code}: {said}")
        yield from ("", "```bash", *self._curl(path, method, operation, scope), "```")

    def _curl(self, path: str, method: str, operation: Schema, scope: str | None) -> Iterator[str]:
        needed = [one for one in operation.get("parameters", []) if one["in"] == "query" and one.get("required")]
        query = "&".join(f"{one['name']}={one['name'].upper()}" for one in needed)
        filled = re.sub(r"\{(\w+)(?::\w+)?\}", lambda found: found[1].upper(), path)
        address = f"{ADDRESS}{filled}" + (f"?{query}" if query else "")
        parts = ["curl" + ("" if method == "GET" else f" -X {method}") + f' "{address}"']
        if scope is not None:
            parts.append('-H "xi-api-key: $PAROLA_API_KEY"')
        for kind, body in _contents(operation.get("requestBody", {})):
            example = self._example(body, 0)
            if kind == "application/json":
                parts += ['-H "content-type: application/json"', f"-d '{json.dumps(example, ensure_ascii=False)}'"]
            else:
                shape = self._resolved(body)
                parts += [
                    f'-F "{name}={"@FILE" if "binary" in json.dumps(field) or "octet" in json.dumps(field) else "…"}"'
                    for name, field in shape.get("properties", {}).items()
                    if name in shape.get("required", [])
                ]
        for place, part in enumerate(parts):
            yield ("  " if place else "") + part + (" \\" if place < len(parts) - 1 else "")

    def _example(self, schema: Schema, depth: int) -> Any:
        """The smallest body: what is required, or the first field where nothing is."""
        schema = self._resolved(schema)
        for key in ("example", "const"):
            if key in schema:
                return schema[key]
        if "enum" in schema:
            return schema["enum"][0]
        for key in ("anyOf", "oneOf"):
            if key in schema:
                return self._example(next(one for one in schema[key] if one.get("type") != "null"), depth)
        match schema.get("type"):
            case "object" | None if schema.get("properties"):
                names = schema.get("required") or ([] if depth else list(schema["properties"])[:1])
                return {name: self._example(schema["properties"][name], depth + 1) for name in names}
            case "array":
                return [self._example(schema.get("items", {}), depth + 1)]
            case "integer" | "number":
                return schema.get("minimum", 1)
            case "boolean":
                return True
            case "string":
                return "…"
            case _:
                return {}

    # -- shapes -------------------------------------------------------------------------------------------------------

    def _shapes(self, names: Iterable[str], page: str) -> Iterator[str]:
        for name in names:
            schema = self._schemas[name]
            yield f"### {name} {{: #{name.lower()} }}"
            yield ""
            if schema.get("description"):
                yield from (_text(schema["description"]), "")
            fields = schema.get("properties", {})
            if not fields:
                yield from (self._type({key: schema[key] for key in schema if key != "$ref"}, page), "")
                continue
            yield from ("| field | type | about |", "| --- | --- | --- |")
            for field, value in fields.items():
                yield f"| `{field}` | {self._type(value, page)} | {_told(field, value, schema)} |"
            yield ""

    def _type(self, schema: Schema, page: str) -> str:
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            home = self._home.get(name, SHARED)
            target = "" if home == page else home.removeprefix("api/")
            return f"[{name}]({target}#{name.lower()})"
        for key in ("anyOf", "oneOf", "allOf"):
            if key in schema:
                return " or ".join(dict.fromkeys(self._type(one, page) for one in schema[key]))
        if "enum" in schema:
            return ", ".join(f"`{one}`" for one in schema["enum"])
        if "const" in schema:
            return f"`{schema['const']}`"
        if schema.get("type") == "array":
            return f"list of {self._type(schema.get('items', {}), page)}"
        if schema.get("type") == "object" and isinstance(schema.get("additionalProperties"), dict):
            inner = schema["additionalProperties"]
            return f"object of {self._type(inner, page)}" if inner else "object"
        limits = [f"{word} {schema[key]}" for key, word in _LIMITS if key in schema]
        kind = "file" if schema.get("format") == "binary" else schema.get("type") or "anything"
        return f"{kind} ({', '.join(limits)})" if limits else str(kind)

    def _resolved(self, schema: Schema) -> Schema:
        while "$ref" in schema:
            schema = self._schemas[schema["$ref"].rpartition("/")[2]]
        return schema

    def _used(self, entries: Iterable[tuple[str, str, Schema]]) -> set[str]:
        """Every schema that these operations speak of, and those that they refer to. Errors are the same for all."""
        found: set[str] = set()
        waiting: list[Any] = []
        for _, _, operation in entries:
            answers = [
                answer for code, answer in operation["responses"].items() if code.startswith("2") or code == "501"
            ]
            waiting += [operation.get("parameters"), operation.get("requestBody"), answers]
        while waiting:
            text = json.dumps(waiting.pop())
            for name in set(re.findall(r'"#/components/schemas/([^"]+)"', text)) - found:
                found.add(name)
                waiting.append(self._schemas[name])
        return found


_LIMITS = (
    ("minimum", "from"),
    ("maximum", "to"),
    ("exclusiveMinimum", "above"),
    ("exclusiveMaximum", "below"),
    ("minLength", "at least"),
    ("maxLength", "at most"),
)


def socket_page(document: Schema) -> str:
    """The messages of a conversation's socket, from the AsyncAPI document."""
    channel = document["channels"]["conversation"]
    lines = [
        "# The conversation's socket",
        "",
        f"`{channel['address']}`: {document['info']['description']} {CONTRACTS} Where the protocol leaves a choice: "
        "[Protocol decisions](../protocol.md). Sockets for those who watch or take over: "
        "[Live control](../live-control.md).",
        "",
        "| query | about |",
        "| --- | --- |",
    ]
    for name, schema in channel["bindings"]["ws"]["query"]["properties"].items():
        lines.append(f"| `{name}` | {_cell(schema.get('description', ''))} |")
    for side, title in (("client", "From the client"), ("server", "From the server")):
        lines += ["", f"## {title}"]
        for key, message in document["components"]["messages"].items():
            if key.startswith(f"{side}."):
                lines += ["", *_message(side, message, document["components"]["schemas"])]
    return "\n".join(lines) + "\n"


def _message(side: str, message: Schema, schemas: dict[str, Schema]) -> Iterator[str]:
    yield f"### `{message['name']}` {{: #{side}-{message['name'].replace('_', '-')} }}"
    yield from ("", _text(message["summary"]), "", "| field | type | about |", "| --- | --- | --- |")
    for path, kind, told in _fields(message["payload"], schemas, "", 0):
        yield f"| `{path}` | {kind} | {told} |"


def _fields(schema: Schema, schemas: dict[str, Schema], prefix: str, depth: int) -> Iterator[tuple[str, str, str]]:
    """Each field with its path: what lies in an object comes after it."""
    for name, field in schema.get("properties", {}).items():
        inner = _inner(field, schemas)
        kind = "object" if inner.get("properties") else _plain(field)
        yield f"{prefix}{name}", kind, _told(name, field, schema)
        if depth < 6:
            yield from _fields(inner, schemas, f"{prefix}{name}.", depth + 1)


def _told(name: str, field: Schema, schema: Schema) -> str:
    """What the last column of a table says of a field."""
    needed = "Required. " if name in schema.get("required", []) else ""
    default = field.get("default")
    is_told = default not in (None, "", [], {})
    usual = f"`{_short(json.dumps(default, ensure_ascii=False))}` by default." if is_told else ""
    return f"{needed}{_cell(field.get('description', ''))} {usual}".strip()


def _inner(field: Schema, schemas: dict[str, Schema]) -> Schema:
    if "$ref" in field:
        return schemas[field["$ref"].rpartition("/")[2]]
    for key in ("anyOf", "oneOf"):
        for one in field.get(key, []):
            found = _inner(one, schemas)
            if found.get("properties"):
                return found
    return field


def _plain(field: Schema) -> str:
    if "const" in field:
        return f"`{field['const']}`"
    if "enum" in field:
        return ", ".join(f"`{one}`" for one in field["enum"])
    if "anyOf" in field:
        return " or ".join(dict.fromkeys(_plain(one) for one in field["anyOf"]))
    if field.get("type") == "array":
        return f"list of {_plain(field.get('items', {}))}"
    if "$ref" in field:
        return "object"
    return str(field.get("type") or "anything")


def _is_told(code: str) -> bool:
    """Refusals look the same everywhere and are told once."""
    return code.startswith("2") or code == "501"


def _heading(operation: Schema, path: str) -> str:
    """What it does, in the words of its description if they are few."""
    first = _first(operation).rstrip(".")
    summary = str(operation.get("summary") or path)
    return first if 0 < len(first) <= 64 and "`" not in first else summary.capitalize()


def _anchor(operation: Schema) -> str:
    return str(operation["operationId"]).replace("_", "-")


def _contents(body: Schema) -> Iterator[tuple[str, Schema]]:
    for kind, content in body.get("content", {}).items():
        yield kind, content.get("schema", {})


def _first(operation: Schema) -> str:
    """The first sentence of a description, or the summary."""
    told = " ".join(_text(operation.get("description", "")).split())
    return re.split(r"(?<=[.!?;:]) ", told, maxsplit=1)[0].rstrip(";:") if told else str(operation.get("summary", ""))


def _text(said: str) -> str:
    """Docstrings have names in double backquotes; in Markdown one is enough."""
    return said.replace("``", "`").strip()


def _cell(said: str) -> str:
    return " ".join(_text(said).split()).replace("|", "\\|")


def _short(said: str) -> str:
    return (said if len(said) <= 60 else said[:57] + "…").replace("|", "\\|")
