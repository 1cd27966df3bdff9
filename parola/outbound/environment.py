"""Environment variables: values that differ between environments, found by their label.

A variable has a value in ``production`` and may have others; an environment without one has production's (reference:
rest.md §3.4).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from parola.store.base import DocumentRow, Store
from parola.store.pages import Document

KIND = "environment_variable"
"""Of their documents: ``{"type": …, "label": …, "values": {environment: value}}``."""

DEFAULT = "production"

_NAMED = re.compile(r"\bsystem__env_([A-Za-z0-9_]+)")


def row_id(label: str) -> str:
    """The id of the document that has this label: there is one at most."""
    return f"envvar_{label}"


def value_in(document: Document, environment: str) -> Any:
    """A text, ``{"secret_id": …}`` or ``{"auth_connection_id": …}``, by the variable's type."""
    values: Mapping[str, Any] = document.get("values") or {}
    return values.get(environment, values.get(DEFAULT))


async def variable(store: Store, label: str) -> DocumentRow | None:
    return await store.documents.get(KIND, row_id(label))


def labels_in(*documents: Any) -> set[str]:
    """Labels that texts of these documents name as ``system__env_<label>``."""
    found: set[str] = set()
    waiting: list[Any] = list(documents)
    while waiting:
        value = waiting.pop()
        match value:
            case str():
                if "system__env_" in value:
                    found.update(_NAMED.findall(value))
            case Mapping():
                waiting.extend(value.values())
            case list() | tuple():
                waiting.extend(value)
    return found


async def texts(store: Store, labels: Iterable[str], environment: str) -> dict[str, str]:
    """What these labels mean in an environment, as far as they are plain texts: secrets and connections are not for
    prompts."""
    found: dict[str, str] = {}
    for label in labels:
        row = await variable(store, label)
        if row is not None and isinstance(value := value_in(row.document, environment), str):
            found[label] = value
    return found
