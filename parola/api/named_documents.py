"""Which documents of the knowledge base an agent names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from parola.protocol.agents import ConversationalConfig
from parola.store.pages import Document

LISTS = ("knowledge_base", "additional_knowledge_base")


def locators(value: Any) -> Iterator[list[Any]]:
    """Every list of knowledge base locators of an agent's document, the workflow's included."""
    if isinstance(value, dict):
        for key, inside in value.items():
            if key in LISTS and isinstance(inside, list):
                yield inside
            else:
                yield from locators(inside)
    elif isinstance(value, list):
        for inside in value:
            yield from locators(inside)


def named_in(document: Document) -> list[str]:
    """The ids of documents and folders an agent names, each once."""
    ids = (one.get("id") for named in locators(document) for one in named if isinstance(one, dict))
    return list(dict.fromkeys(one for one in ids if isinstance(one, str)))


def searched_by(document: Document) -> tuple[list[str], str]:
    """The ids of documents and folders that an agent searches (none, unless ``prompt.rag`` is enabled), and its
    embedding model."""
    rag = ConversationalConfig.model_validate(document.get("conversation_config") or {}).agent.prompt.rag
    if not rag.enabled:
        return [], rag.embedding_model
    ids = (
        one.get("id")
        for named in locators(document)
        for one in named
        if isinstance(one, dict) and one.get("usage_mode") != "prompt"
    )
    return list(dict.fromkeys(one for one in ids if isinstance(one, str))), rag.embedding_model
