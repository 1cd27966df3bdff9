"""Answers become the analysis of a record (reference: rest-schemas.md §3, ``ConvAnalysis``): pure.

``scoped`` has a block for each agent and scope; the rest follows from the blocks. Where agents have a criterion or a
value of the same name, the flat fields show that of the agent that came first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from parola.analysis import questions
from parola.analysis.questions import Batch
from parola.analysis.visits import Part
from parola.store.pages import Document

LONGEST_SUMMARY, LONGEST_TITLE = 8000, 200
"""Characters; models were asked for a few sentences, and a few words."""

NOTHING_SAID = "Nothing was said in this conversation."

NOBODY_READ = "No language model is configured: nobody has read the conversation."

Answered = tuple[Batch, Mapping[str, Any], str]
"""What was asked, what came back, and why nothing did (empty: something did)."""


def blocks_of(part: Part, answered: Sequence[Answered], variables: Mapping[str, Any]) -> list[Document]:
    """``ScopedAnalysisResult`` for each scope that the part's agent asks something in."""
    judged: dict[str, Document] = {}
    values: dict[str, Document] = {}
    for batch, answer, why in answered:
        judged |= {v["criteria_id"]: v for v in questions.verdicts(batch, answer, why or questions.UNJUDGED)}
        values |= {v["data_collection_id"]: v for v in questions.collected(batch, answer, why or questions.UNCOLLECTED)}
    wanted = part.wanted
    values |= {item.item_id: questions.known(item, variables) for item in wanted.items if item.is_known}
    scopes = dict.fromkeys([*(one.scope for one in wanted.criteria), *(one.scope for one in wanted.items)])
    return [
        _block(
            {
                "scope": scope,
                "source_agent_id": part.visit.agent_id,
                "source_branch_id": part.visit.branch_id,
                "evaluation_criteria_results": {
                    one.criterion_id: judged[one.criterion_id] for one in wanted.criteria if one.scope == scope
                },
                "data_collection_results": {
                    one.item_id: values[one.item_id] for one in wanted.items if one.scope == scope
                },
            }
        )
        for scope in scopes
    ]


def analysis(blocks: Sequence[Document], said: Mapping[str, Any], nothing_said: str = "") -> Document:
    """``ConvAnalysis``. ``said``: the answer to the question for a summary; ``nothing_said``: what stands in its
    place."""
    results = _flat(blocks)
    if not results["evaluation_criteria_results"]:
        successful = said.get("call_successful")
        results["call_successful"] = successful if successful in questions.RESULTS else "unknown"
    return {
        **results,
        "transcript_summary": nothing_said or _text(said, "transcript_summary", LONGEST_SUMMARY),
        "call_summary_title": _text(said, "call_summary_title", LONGEST_TITLE) or None,
    }


def _text(said: Mapping[str, Any], name: str, most: int) -> str:
    return str(said.get(name) or "").strip()[:most]


def merged(old: Mapping[str, Any], new: Mapping[str, Any]) -> Document:
    """An analysis with some criteria judged anew; what follows from all of them follows again."""
    before = {_key(one): one for one in old.get("scoped") or ()}
    for block in new["scoped"]:
        known = before.get(_key(block))
        if known is not None:
            verdicts = {**known["evaluation_criteria_results"], **block["evaluation_criteria_results"]}
            block = _block({**known, "evaluation_criteria_results": verdicts})
        before[_key(block)] = block
    return {**new, **old, **_flat(list(before.values()))}


def _key(block: Mapping[str, Any]) -> tuple[Any, ...]:
    return block["scope"], block["source_agent_id"], block["source_branch_id"]


def _block(block: Document) -> Document:
    verdicts = list(block["evaluation_criteria_results"].values())
    return {**block, "successful": _successful(verdicts), "success_score": _score(verdicts)}


def _flat(blocks: Sequence[Document]) -> Document:
    judged: dict[str, Document] = {}
    values: dict[str, Document] = {}
    for block in blocks:
        for key, verdict in block["evaluation_criteria_results"].items():
            judged.setdefault(key, verdict)
        for key, value in block["data_collection_results"].items():
            values.setdefault(key, value)
    every = [one for block in blocks for one in block["evaluation_criteria_results"].values()]
    return {
        "evaluation_criteria_results": judged,
        "data_collection_results": values,
        "evaluation_criteria_results_list": list(judged.values()),
        "data_collection_results_list": list(values.values()),
        "call_successful": _successful(every),
        "call_success_score": _score(every),
        "scoped": list(blocks),
    }


def _successful(judged: Iterable[Document]) -> str:
    """One failure fails the call; it succeeded when every criterion was reached."""
    results = {one["result"] for one in judged}
    if "failure" in results:
        return "failure"
    return "success" if results == {"success"} else "unknown"


def _score(judged: Iterable[Document]) -> float | None:
    """The mean of what was judged, 0..1: a score as its share of the highest, a verdict as 1 or 0."""
    shares = []
    for one in judged:
        if one["score"] is not None:
            shares.append(one["score"] / one["max_score"])
        elif one["result"] != "unknown":
            shares.append(float(one["result"] == "success"))
    return round(sum(shares) / len(shares), 4) if shares else None
