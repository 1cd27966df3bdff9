"""Which conversations are asked for: every filter of the list (reference: rest.md §3.6).

What is a column is asked of the database; the rest is looked at in the record itself (``matches``), its turns only
where a filter is about them. A list goes on looking until its page is full, or until it has looked at
``MOST_LOOKED_AT`` conversations: then a page may be short, or empty, and there is a next one all the same.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from fastapi import Depends, Query

from parola.api.paging import MOST_SECONDS, MOST_WHOLE, SortDirection
from parola.errors import InvalidRequest
from parola.store.base import ConversationQuery, ConversationRow, Conversations, cursor_after
from parola.store.pages import Document

MOST_LOOKED_AT = 2000
"""Conversations in one request."""

BATCH = 100

Seconds = Annotated[float, Query(ge=-MOST_SECONDS, le=MOST_SECONDS)]
Rating = Annotated[int, Query(ge=-MOST_WHOLE, le=MOST_WHOLE)]
Many = Annotated[list[str] | None, Query()]
OPERATORS = ("eq", "neq", "gt", "gte", "lt", "lte", "in")


@dataclass(frozen=True, slots=True)
class Filters:
    """What is asked for, by where it is found out."""

    query: ConversationQuery
    of_record: tuple[Callable[[ConversationRow], bool], ...] = ()
    of_turns: tuple[Callable[[Sequence[Document]], bool], ...] = ()
    data_ids: Sequence[str] = ()
    """Results of data collection that the summaries are to show."""
    criteria_ids: Sequence[str] = ()
    """Results of evaluation criteria that they are to show."""

    @property
    def is_plain(self) -> bool:
        """The database answers all of it."""
        return not self.of_record and not self.of_turns


def asked(
    agent_id: str | None = None,
    user_id: str | None = None,
    branch_id: str | None = None,
    version_id: str | None = None,
    text_only: bool | None = None,
    call_successful: Literal["success", "failure", "unknown"] | None = None,
    call_start_before_unix: Seconds | None = None,
    call_start_after_unix: Seconds | None = None,
    call_duration_min_secs: Seconds | None = None,
    call_duration_max_secs: Seconds | None = None,
    rating_min: Rating | None = None,
    rating_max: Rating | None = None,
    has_feedback_comment: bool | None = None,
    conversation_initiation_source: str | None = None,
    conversation_product_type: str | None = None,
    parent_conversation_id: str | None = None,
    workflow_node_entered_id: str | None = None,
    visited_agent_ids: Many = None,
    visited_agent_branch_ids: Many = None,
    triggered_procedure_ids: Many = None,
    evaluation_params: Annotated[list[str] | None, Query(description="`criteria_id:result`; all must hold.")] = None,
    data_collection_params: Annotated[
        list[str] | None, Query(description="`name:op:value`, op one of eq, neq, gt, gte, lt, lte, in (a|b).")
    ] = None,
    data_collection_filter: str | None = None,
    dynamic_variable_params: Annotated[list[str] | None, Query(description="As `data_collection_params`.")] = None,
    dynamic_variable_filter: str | None = None,
    data_collection_ids: Many = None,
    evaluation_criteria_ids: Many = None,
    tool_names: Many = None,
    tool_names_successful: Many = None,
    tool_names_errored: Many = None,
    tool_ids: Many = None,
    tool_ids_successful: Many = None,
    tool_ids_errored: Many = None,
    include_invalid_tool_calls: bool = False,
    main_languages: Many = None,
    phone_number_ids: Many = None,
    whatsapp_phone_number_ids: Many = None,
    topic_ids: Many = None,
    tag_ids: Many = None,
    exclude_statuses: Many = None,
    termination_reasons: Many = None,
    guardrail_types: Many = None,
    custom_guardrail_names: Many = None,
    search: Annotated[str | None, Query(description="Words of the transcript.")] = None,
    sort_direction: SortDirection = "desc",
) -> Filters:
    """Every filter must hold; of a list of values, any. Filters this server does not know are ignored."""
    query = ConversationQuery(
        agent_id=agent_id,
        user_id=user_id,
        source=conversation_initiation_source,
        text_only=text_only,
        call_successful=call_successful,
        started_before=call_start_before_unix,
        started_after=call_start_after_unix,
        duration_min=call_duration_min_secs,
        duration_max=call_duration_max_secs,
        now=time.time(),
        rating_min=rating_min,
        rating_max=rating_max,
        exclude_statuses=exclude_statuses or (),
        termination_reasons=termination_reasons or (),
        search=search,
        ascending=sort_direction == "asc",
    )
    record: list[Callable[[ConversationRow], bool]] = []
    turns: list[Callable[[Sequence[Document]], bool]] = []

    def among(wanted: Sequence[str] | str | bool | None, *path: str) -> None:
        """The value at this place of the document, or one of its values, is wanted."""
        if wanted is not None and wanted != []:
            values = set(wanted) if isinstance(wanted, list) else {wanted}
            record.append(lambda row: not values.isdisjoint(_all(row.document, *path)))

    among(branch_id, "branch_id")
    among(version_id, "version_id")
    among(parent_conversation_id, "metadata", "parent_conversation_id")
    among(main_languages, "metadata", "main_language")
    among(phone_number_ids, "metadata", "phone_call", "phone_number_id")
    among(whatsapp_phone_number_ids, "metadata", "whatsapp", "whatsapp_phone_number_id")
    among(topic_ids, "topic_ids")
    among(tag_ids, "tag_ids")
    among(triggered_procedure_ids, "triggered_procedure_ids")
    if has_feedback_comment is not None:
        record.append(lambda row: bool(_at(row.document, "metadata", "feedback", "comment")) is has_feedback_comment)
    if conversation_product_type is not None:
        record.append(lambda row: conversation_product_type in ("agents", "agent"))
    if visited_agent_ids:
        record.append(lambda row: any(one.get("agent_id") in visited_agent_ids for one in _visited(row)))
    if visited_agent_branch_ids:
        record.append(lambda row: any(one.get("branch_id") in visited_agent_branch_ids for one in _visited(row)))
    for param in evaluation_params or ():
        record.append(_criterion(param))
    for param in (*(data_collection_params or ()), *((data_collection_filter,) if data_collection_filter else ())):
        record.append(_compared("data_collection_params", param, ("analysis", "data_collection_results"), "value"))
    place = ("conversation_initiation_client_data", "dynamic_variables")
    for param in (*(dynamic_variable_params or ()), *((dynamic_variable_filter,) if dynamic_variable_filter else ())):
        record.append(_compared("dynamic_variable_params", param, place))

    for names, key, wanted in (
        (tool_names, "tool_name", None),
        (tool_names_successful, "tool_name", False),
        (tool_names_errored, "tool_name", True),
        (tool_ids, "tool_id", None),
        (tool_ids_successful, "tool_id", False),
        (tool_ids_errored, "tool_id", True),
    ):
        if names:
            turns.append(_used(set(names), key, wanted, with_invalid=include_invalid_tool_calls))
    if workflow_node_entered_id is not None:
        turns.append(
            lambda all_of: any(
                _at(turn, "agent_metadata", "workflow_node_id") == workflow_node_entered_id for turn in all_of
            )
        )
    for kinds, key in ((guardrail_types, "guardrail_type"), (custom_guardrail_names, "guardrail_name")):
        if kinds:
            turns.append(_guarded(set(kinds), key))
    return Filters(query, tuple(record), tuple(turns), data_collection_ids or (), evaluation_criteria_ids or ())


FiltersDep = Annotated[Filters, Depends(asked)]


async def matching(
    conversations: Conversations, filters: Filters, *, page_size: int, cursor: str | None
) -> tuple[list[ConversationRow], str | None]:
    """At most ``page_size`` conversations behind the cursor, and the cursor behind them; None: there are no more."""
    if filters.is_plain:
        page = await conversations.page(filters.query, page_size=page_size, cursor=cursor)
        return list(page.items), page.next_cursor
    found: list[ConversationRow] = []
    looked_at = 0
    while True:
        page = await conversations.page(filters.query, page_size=BATCH, cursor=cursor)
        for place, row in enumerate(page.items):
            looked_at += 1
            if await matches(conversations, filters, row):
                found.append(row)
            is_last = place == len(page.items) - 1 and page.next_cursor is None
            if not is_last and (len(found) == page_size or looked_at >= MOST_LOOKED_AT):
                return found, cursor_after(row)
        cursor = page.next_cursor
        if cursor is None:
            return found, None


async def all_matching(conversations: Conversations, filters: Filters) -> AsyncIterator[ConversationRow]:
    """Every conversation that is asked for, one after another."""
    cursor: str | None = None
    while True:
        rows, cursor = await matching(conversations, filters, page_size=BATCH, cursor=cursor)
        for row in rows:
            yield row
        if cursor is None:
            return


async def matches(conversations: Conversations, filters: Filters, row: ConversationRow) -> bool:
    """Whether the filters that the database does not know hold."""
    if not all(holds(row) for holds in filters.of_record):
        return False
    if not filters.of_turns:
        return True
    turns = await conversations.turns(row.conversation_id)
    return all(holds(turns) for holds in filters.of_turns)


def chosen_results(row: ConversationRow, filters: Filters) -> Document:
    """What ``data_collection_ids`` and ``evaluation_criteria_ids`` add to a summary."""
    shown: Document = {}
    for ids, name in (
        (filters.data_ids, "data_collection_results"),
        (filters.criteria_ids, "evaluation_criteria_results"),
    ):
        if ids:
            results = _at(row.document, "analysis", name) or {}
            shown[name] = {one: results.get(one) for one in ids}
    return shown


# -- single filters ---------------------------------------------------------------------------------------------------


def _criterion(param: str) -> Callable[[ConversationRow], bool]:
    name, colon, result = param.rpartition(":")
    if not colon or result not in ("success", "failure", "unknown"):
        raise InvalidRequest(
            f'evaluation_params: expected criteria_id:result, with success, failure or unknown, got "{param}".'
        )
    return lambda row: _at(row.document, "analysis", "evaluation_criteria_results", name, "result") == result


def _compared(
    parameter: str, param: str, place: tuple[str, ...], field: str | None = None
) -> Callable[[ConversationRow], bool]:
    name, _, rest = param.partition(":")
    operator, colon, value = rest.partition(":")
    if not name or operator not in OPERATORS or not colon:
        raise InvalidRequest(
            f'{parameter}: expected name:op:value with an op of {", ".join(OPERATORS)}, got "{param}".'
        )

    def holds(row: ConversationRow) -> bool:
        path = (*place, name) if field is None else (*place, name, field)
        return _holds(_at(row.document, *path), operator, value)

    return holds


def _holds(actual: Any, operator: str, value: str) -> bool:
    """An empty value means: not set."""
    if operator == "in":
        return any(_holds(actual, "eq", one) for one in value.split("|"))
    if operator in ("eq", "neq"):
        if value == "":
            is_same = actual in (None, "")
        elif isinstance(actual, bool):
            is_same = str(actual).lower() == value.lower()
        else:
            is_same = actual is not None and (str(actual) == value or _is_number(actual, value))
        return is_same is (operator == "eq")
    left, right = _number(actual), _number(value)
    if left is None or right is None:
        if actual is None or isinstance(actual, bool | int | float):
            return False
        return _ordered(str(actual), operator, value)
    return _ordered(left, operator, right)


def _ordered(left: Any, operator: str, right: Any) -> bool:
    match operator:
        case "gt":
            return bool(left > right)
        case "gte":
            return bool(left >= right)
        case "lt":
            return bool(left < right)
    return bool(left <= right)


def _is_number(actual: Any, value: str) -> bool:
    left = _number(actual)
    return left is not None and left == _number(value)


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or value is None:
        return None
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _used(
    names: set[str], key: str, is_error: bool | None, *, with_invalid: bool
) -> Callable[[Sequence[Document]], bool]:
    """A tool was called; with ``is_error`` False or True, and it went well, or did not."""

    def holds(turns: Sequence[Document]) -> bool:
        calls = [call for turn in turns for call in turn.get("tool_calls") or ()]
        named = {call.get("request_id"): call.get(key) for call in calls}
        if is_error is not None:
            results = (result for turn in turns for result in turn.get("tool_results") or ())
            calls = [result for result in results if result.get("is_error") is is_error]
        return any(
            named.get(call.get("request_id"), call.get(key)) in names
            for call in calls
            if with_invalid or call.get("tool_has_been_called") is not False
        )

    return holds


def _guarded(names: set[str], key: str) -> Callable[[Sequence[Document]], bool]:
    return lambda turns: any(one.get(key) in names for turn in turns for one in turn.get("triggered_guardrails") or ())


def _visited(row: ConversationRow) -> Sequence[Mapping[str, Any]]:
    visited = row.document.get("visited_agents")
    return (
        visited
        if isinstance(visited, list)
        else [{"agent_id": row.agent_id, "branch_id": _at(row.document, "branch_id")}]
    )


def _at(document: Mapping[str, Any], *path: str) -> Any:
    value: Any = document
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _all(document: Mapping[str, Any], *path: str) -> set[Any]:
    value = _at(document, *path)
    return set(value) if isinstance(value, list) else set() if value is None else {value}
