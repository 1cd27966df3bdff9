"""What an agent wants to know of its conversations, by its document: criteria and values. Pure.

Whatever makes no sense in a document is left out, or read as the platform's default: a conversation is never lost to
the settings of its analysis.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

TYPES = ("string", "boolean", "integer", "number")

_SCHEMA_FIELDS = ("is_system_provided", "dynamic_variable", "constant_value")


@dataclass(frozen=True, slots=True)
class Criterion:
    """``PromptEvaluationCriteria``."""

    criterion_id: str
    name: str
    prompt: str
    llm: str = ""
    """Who judges it; empty: who judges the others."""
    most: int | None = None
    """``numeric_uniform``: the highest score; None: success or failure only."""
    score_instructions: str = ""
    scope: str = "conversation"
    uses_documents: bool = False
    """``use_knowledge_base``: it is judged by what the agent's documents say, too."""

    @property
    def scoring_mode(self) -> str:
        return "binary" if self.most is None else "numeric_uniform"


@dataclass(frozen=True, slots=True)
class Item:
    """``AnalysisProperty``: one value to be collected."""

    item_id: str
    type: str
    name: str
    description: str = ""
    enum: tuple[str, ...] = ()
    llm: str = ""
    variable: str = ""
    """The dynamic variable that has the value: the model is not asked."""
    constant: Any = ""
    scope: str = "conversation"
    json_schema: Mapping[str, Any] = field(default_factory=dict)
    """``LiteralSchema``, for the record."""

    @property
    def is_known(self) -> bool:
        return bool(self.variable) or self.constant not in ("", None)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an agent wants to know of its conversations."""

    criteria: tuple[Criterion, ...] = ()
    items: tuple[Item, ...] = ()
    language: str = ""
    """Of the summary; empty: the conversation's."""
    is_partial: bool = False
    """Nothing else is asked: no summary, no verdict on the whole."""
    is_judged_elsewhere: bool = False
    """Other criteria say whether the call was successful."""

    @property
    def is_asked_for(self) -> bool:
        """Something in particular, beside the summary."""
        return bool(self.criteria or self.items)

    def of(self, scope: str) -> Wanted:
        """Only what has this scope, and no summary."""
        criteria = tuple(one for one in self.criteria if one.scope == scope)
        items = tuple(one for one in self.items if one.scope == scope)
        return replace(self, criteria=criteria, items=items, is_partial=True)


def wanted_of(agent: Mapping[str, Any]) -> Wanted:
    """What an agent's document asks for; entries that say nothing are left out."""
    platform = _mapping(agent.get("platform_settings"))
    criteria = [_criterion(entry) for entry in _list(_mapping(platform.get("evaluation")).get("criteria"))]
    scopes = _mapping(platform.get("data_collection_scopes"))
    items = [
        _item(str(name), entry, _scope(scopes.get(name)))
        for name, entry in _mapping(platform.get("data_collection")).items()
        if isinstance(entry, Mapping) and not entry.get("is_omitted")
    ]
    found = tuple(one for one in criteria if one is not None)
    return Wanted(found, tuple(items), str(platform.get("summary_language") or ""))


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _scope(value: Any) -> str:
    return "agent" if value == "agent" else "conversation"


def _most(value: Any) -> int:
    """The highest score of a criterion: a whole number above 0, else the platform's 100."""
    is_score = isinstance(value, int | float) and not isinstance(value, bool) and 1 <= value < 1e9
    return int(value) if is_score else 100


def _criterion(entry: Any) -> Criterion | None:
    if not isinstance(entry, Mapping) or not entry.get("conversation_goal_prompt"):
        return None
    name = str(entry.get("name") or entry.get("id") or "criterion")
    is_numeric = entry.get("scoring_mode") == "numeric_uniform"
    return Criterion(
        criterion_id=str(entry.get("id") or name),
        name=name,
        prompt=str(entry["conversation_goal_prompt"]),
        llm=str(entry.get("llm") or ""),
        most=_most(entry.get("max_score")) if is_numeric else None,
        score_instructions=str(entry.get("score_instructions") or ""),
        scope=_scope(entry.get("scope")),
        uses_documents=entry.get("use_knowledge_base") is True,
    )


def _item(item_id: str, entry: Mapping[str, Any], scope: str) -> Item:
    kind = str(entry.get("type") or "string")
    enum = [str(value) for value in _list(entry.get("enum"))]
    description = str(entry.get("description") or "")
    json_schema = {
        "type": kind,
        "description": description,
        "enum": enum or None,
        "is_system_provided": False,
        "dynamic_variable": "",
        "constant_value": "",
    }
    json_schema |= {name: entry[name] for name in _SCHEMA_FIELDS if name in entry}
    return Item(
        item_id=item_id,
        type=kind if kind in TYPES else "string",
        name=str(entry.get("name") or item_id),
        description=description,
        enum=tuple(enum),
        llm=str(entry.get("llm") or ""),
        variable=str(entry.get("dynamic_variable") or ""),
        constant=entry.get("constant_value", ""),
        scope=scope,
        json_schema=json_schema,
    )
