"""The analysis of one conversation that has ended: criteria, data collection, summary, and what that took.

Results have the shapes of the record (reference: rest-schemas.md §3, ``ConvAnalysis``, ``AnalysisCharging``). What goes
wrong is part of the result: every criterion that could not be judged says why.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from parola.analysis import questions
from parola.analysis.asking import ANSWER_TOKENS, ask
from parola.analysis.models import Analyst, Models, analysts, is_real, prompt_of
from parola.analysis.questions import Batch, Wanted
from parola.analysis.transcript_text import documents_text, readable
from parola.config import Settings
from parola.errors import NotFound, ParolaError
from parola.logs import logger, reason
from parola.providers.base import TokenUsage
from parola.session.accounts import Accounts
from parola.store.base import ConversationRow
from parola.store.pages import Document
from parola.tools.context import ToolContext

log = logger(__name__)

ANALYSIS_SECONDS = 180.0
"""How long the analysis of one conversation may take."""

CHARACTERS_PER_TOKEN = 3
"""What of a model's context is filled with a transcript is counted with care: languages differ."""

SHORTEST_TRANSCRIPT = 2000
"""Characters of the transcript that are shown whatever the model's context."""

DOCUMENTS_SHARE = 2
"""Documents that a criterion is judged by take at most this part (one in so many) of the room for the transcript."""

REDACTED = "<REDACTED>"
NOTHING_SAID = "Nothing was said in this conversation."

Usages = dict[str, list[TokenUsage]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an analysis."""

    analysis: Document
    """``ConvAnalysis``."""
    charging: Document
    """``AnalysisCharging``; its total counts earlier runs too."""
    error: str = ""
    """Why it is not complete; empty: it is."""


class Analysing:
    """Reads conversations with the models of this server; one for the process."""

    def __init__(self, settings: Settings, tools: ToolContext, models: Models) -> None:
        self._settings = settings
        self._tools = tools
        self._models = models

    def is_wanted(self, agent: Mapping[str, Any] | None) -> bool:
        """Whether conversations of this agent are analysed by themselves (the setting ``analysis``)."""
        if self._settings.analysis == "off" or agent is None:
            return False
        try:
            scripted = (prompt_of(agent).get("x_script") or {}).get("analysis")
            return bool(scripted) or questions.wanted_of(agent).is_asked_for or is_real(agent, self._models)
        except ParolaError as error:
            log.warning("analysis_not_possible", reason=reason(error))
            return False

    async def analyse(self, row: ConversationRow, turns: Sequence[Document], agent: Mapping[str, Any]) -> Outcome:
        """Never raises for what a model does: ``Outcome.error`` says what went wrong."""
        return await self._analyse(row, turns, agent, questions.wanted_of(agent))

    async def judge(
        self, row: ConversationRow, turns: Sequence[Document], agent: Mapping[str, Any], criterion_id: str
    ) -> Outcome:
        """One criterion anew, the rest of the analysis as it was. Raises ``NotFound`` when the agent has none of this
        id."""
        wanted = questions.wanted_of(agent)
        criteria = tuple(one for one in wanted.criteria if one.criterion_id == criterion_id)
        if not criteria:
            known = ", ".join(one.criterion_id for one in wanted.criteria) or "none"
            raise NotFound(f"The agent has no evaluation criterion {criterion_id}; it has: {known}.")
        asked = replace(wanted, criteria=criteria, items=(), is_partial=True)
        outcome = await self._analyse(row, turns, agent, asked)
        return replace(outcome, analysis=_with(row.document.get("analysis") or {}, outcome.analysis))

    async def _analyse(
        self, row: ConversationRow, turns: Sequence[Document], agent: Mapping[str, Any], wanted: Wanted
    ) -> Outcome:
        batches = questions.batches(wanted)
        usages: Usages = defaultdict(list)
        answers: list[Mapping[str, Any]] = [{} for _ in batches]
        errors: dict[int, str] = {}
        if any(turn.get("message") or turn.get("tool_calls") for turn in turns):
            try:
                async with asyncio.timeout(ANALYSIS_SECONDS):
                    for position, batch in enumerate(batches):
                        try:
                            answers[position] = await self._ask(row, turns, agent, wanted, batch, usages)
                        except ParolaError as error:
                            errors[position] = error.message
            except TimeoutError:
                late = f"The analysis took longer than {ANALYSIS_SECONDS:g} s."
                errors |= {n: late for n, answer in enumerate(answers) if not answer and n not in errors}
        else:
            errors = dict.fromkeys(range(len(batches)), NOTHING_SAID)
        variables = _variables(row)
        analysis = _analysis(row, wanted, list(zip(batches, answers, strict=True)), errors, variables)
        failures = sorted(set(errors.values()) - {NOTHING_SAID})
        if failures:
            analysis["x_error"] = "; ".join(failures)
        return Outcome(analysis, self._charging(row, usages), "; ".join(failures))

    async def _ask(
        self,
        row: ConversationRow,
        turns: Sequence[Document],
        agent: Mapping[str, Any],
        wanted: Wanted,
        batch: Batch,
        usages: Usages,
    ) -> Mapping[str, Any]:
        """What the first model that can answer says. Raises ``ParolaError`` with what each of them said."""
        locators = self._tools.locators(str(row.document.get("environment") or "production"))
        order = await analysts(agent, batch.llm, self._models, locators, _variables(row), self._settings.backup_llms)
        troubles: list[str] = []
        texts = await self._documents(agent) if batch.uses_documents else ()
        for analyst in order:
            room = _room(analyst, batch)
            documents = documents_text(texts, room // DOCUMENTS_SHARE)
            transcript = readable(turns, max(SHORTEST_TRANSCRIPT, room - len(documents)))
            messages = questions.messages(batch, transcript, wanted.language, documents)
            try:
                return await ask(
                    analyst,
                    messages,
                    questions.schema(batch),
                    lambda read: questions.problems(batch, read),
                    lambda model, usage: usages[model].append(usage),
                    prompt_of(agent).get("x_script"),
                )
            except ParolaError as error:
                log.warning("analysis_model_failed", conversation_id=row.conversation_id, error=reason(error))
                troubles.append(f"{analyst.name or analyst.model.name}: {error.message}")
        raise ParolaError(" ".join(dict.fromkeys(troubles)))

    async def _documents(self, agent: Mapping[str, Any]) -> Sequence[str]:
        """The texts of the agent's documents, those in folders left out."""
        entries = prompt_of(agent).get("knowledge_base") or ()
        ids = [str(entry["id"]) for entry in entries if isinstance(entry, Mapping) and entry.get("id")]
        texts = await self._tools.store.knowledge.texts(ids) if ids else {}
        return [texts[one] for one in ids if one in texts]

    def _charging(self, row: ConversationRow, usages: Usages) -> Document:
        accounts = Accounts(self._settings.prices)
        for model, spent in usages.items():
            for usage in spent:
                accounts.model_was_asked(model, usage)
        charging = accounts.charging()
        price = float(charging["llm_price"])
        earlier = ((row.document.get("metadata") or {}).get("charging") or {}).get("analysis") or {}
        total: Mapping[str, Any] = earlier.get("total") or {}
        total_price = round(float(total.get("price") or 0) + price, 9)
        return {
            "total": {
                "price": total_price,
                "charge": 0,
                "runs": int(total.get("runs") or 0) + 1,
                "price_per_feature": {"analysis": total_price},
                "charge_per_feature": {"analysis": 0},
            },
            "last_run": {
                "price": price,
                "charge": 0,
                "price_per_feature": {"analysis": price},
                "charge_per_feature": {"analysis": 0},
                "x_llm_usage": charging["llm_usage"]["initiated_generation"],
            },
        }


def _room(analyst: Analyst, batch: Batch) -> int:
    """Characters of transcript that fit beside the question and the answer."""
    asked = sum(len(message["content"]) for message in questions.messages(batch, "", ""))
    tokens = analyst.model.context_tokens - min(ANSWER_TOKENS, analyst.model.context_tokens // 4)
    # Twice: when the answer has to be corrected, it is sent back.
    return max(SHORTEST_TRANSCRIPT, (tokens - ANSWER_TOKENS // 2) * CHARACTERS_PER_TOKEN - asked)


def _variables(row: ConversationRow) -> dict[str, Any]:
    """The conversation's dynamic variables, as far as the record keeps them."""
    data = row.document.get("conversation_initiation_client_data") or {}
    return {name: value for name, value in (data.get("dynamic_variables") or {}).items() if value != REDACTED}


def _analysis(
    row: ConversationRow,
    wanted: Wanted,
    answered: Iterable[tuple[Batch, Mapping[str, Any]]],
    errors: Mapping[int, str],
    variables: Mapping[str, Any],
) -> Document:
    judged: dict[str, Document] = {}
    values: dict[str, Document] = {}
    first: Mapping[str, Any] = {}
    for position, (batch, answer) in enumerate(answered):
        first = answer if position == 0 else first
        why = errors.get(position, "")
        judged |= {v["criteria_id"]: v for v in questions.verdicts(batch, answer, why or questions.UNJUDGED)}
        values |= {v["data_collection_id"]: v for v in questions.collected(batch, answer, why or questions.UNCOLLECTED)}
    for item in wanted.items:
        if item.is_known:
            values[item.item_id] = questions.known(item, variables)
    judged = {one.criterion_id: judged[one.criterion_id] for one in wanted.criteria}
    values = {one.item_id: values[one.item_id] for one in wanted.items}
    said = first.get("call_successful")
    successful = _successful(judged.values()) if judged else said if said in questions.RESULTS else "unknown"
    nothing_said = errors.get(0) == NOTHING_SAID
    summary = NOTHING_SAID if nothing_said else str(first.get("transcript_summary") or "").strip()
    return {
        "evaluation_criteria_results": judged,
        "data_collection_results": values,
        "evaluation_criteria_results_list": list(judged.values()),
        "data_collection_results_list": list(values.values()),
        "call_successful": successful,
        "call_success_score": _score(judged.values()),
        "transcript_summary": summary,
        "call_summary_title": str(first.get("call_summary_title") or "").strip() or None,
        "scoped": _scoped(row, wanted, judged, values),
    }


def _with(old: Document, new: Document) -> Document:
    """An analysis with some criteria judged anew; what follows from all of them follows again."""
    judged = {**(old.get("evaluation_criteria_results") or {}), **new["evaluation_criteria_results"]}
    scoped = {one["scope"]: one for one in old.get("scoped") or ()}
    for one in new["scoped"]:
        before = scoped.get(one["scope"], one)
        verdicts = {**before["evaluation_criteria_results"], **one["evaluation_criteria_results"]}
        scoped[one["scope"]] = before | {
            "evaluation_criteria_results": verdicts,
            "successful": _successful(verdicts.values()),
            "success_score": _score(verdicts.values()),
        }
    return {
        **new,
        **old,
        "evaluation_criteria_results": judged,
        "evaluation_criteria_results_list": list(judged.values()),
        "call_successful": _successful(judged.values()),
        "call_success_score": _score(judged.values()),
        "scoped": list(scoped.values()),
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


def _scoped(
    row: ConversationRow, wanted: Wanted, judged: Mapping[str, Document], values: Mapping[str, Document]
) -> list[Document]:
    """``ScopedAnalysisResult`` for each scope that something was asked for in."""
    scopes = dict.fromkeys([*(one.scope for one in wanted.criteria), *(one.scope for one in wanted.items)])
    found: list[Document] = []
    for scope in scopes:
        verdicts = {c.criterion_id: judged[c.criterion_id] for c in wanted.criteria if c.scope == scope}
        found.append(
            {
                "scope": scope,
                "source_agent_id": row.agent_id,
                "source_branch_id": row.document.get("branch_id"),
                "evaluation_criteria_results": verdicts,
                "data_collection_results": {i.item_id: values[i.item_id] for i in wanted.items if i.scope == scope},
                "successful": _successful(verdicts.values()) if verdicts else "unknown",
                "success_score": _score(verdicts.values()),
            }
        )
    return found
