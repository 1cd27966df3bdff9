"""The analysis of one conversation that has ended: criteria, data collection, summary, and what that took.

Results have the shapes of the record (reference: rest-schemas.md §3, ``ConvAnalysis``, ``AnalysisCharging``). What goes
wrong is part of the result: every criterion that could not be judged says why.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from parola.analysis import questions, results
from parola.analysis.asking import ANSWER_TOKENS, Unusable, ask
from parola.analysis.models import Analyst, Models, analysts, is_real, prompt_of
from parola.analysis.questions import Batch
from parola.analysis.results import NOBODY_READ, NOTHING_SAID
from parola.analysis.transcript_text import characters_per_token, documents_text, readable
from parola.analysis.visits import CONVERSATION, Part, Visit, parts
from parola.analysis.wanted import wanted_of
from parola.config import Settings
from parola.errors import NotFound, ParolaError
from parola.knowledge.folders import documents_in
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
"""Of what is asked; how many a transcript has depends on its language."""

PAUSES_SECONDS = (3.0, 15.0)
"""Before models that could not be reached are asked again."""

SHORTEST_TRANSCRIPT = 2000
"""Characters of the transcript that are shown whatever the model's context."""

DOCUMENTS_SHARE = 2
"""Documents that a criterion is judged by take at most this part (one in so many) of the room for the transcript."""

REDACTED = "<REDACTED>"

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


@dataclass(frozen=True, slots=True)
class OneCriterion:
    """Which criterion is judged anew; None: of whichever."""

    criterion_id: str
    scope: str | None = None
    agent_id: str | None = None
    branch_id: str | None = None

    def __str__(self) -> str:
        scope = f" of scope {self.scope}" if self.scope else ""
        whose = f" of agent {self.agent_id}" if self.agent_id else ""
        branch = f" (branch {self.branch_id})" if self.branch_id else ""
        return f"an evaluation criterion {self.criterion_id}{scope}{whose}{branch}"


class Analysing:
    """Reads conversations with the models of this server; one for the process."""

    def __init__(self, settings: Settings, tools: ToolContext, models: Models) -> None:
        self._settings = settings
        self._tools = tools
        self._models = models

    def is_wanted(self, visits: Sequence[Visit]) -> bool:
        """Whether a conversation of these agents is analysed by itself (the setting ``analysis``)."""
        return self._settings.analysis != "off" and any(
            self._wants(visit.agent) for visit in visits if visit.agent is not None
        )

    def _wants(self, agent: Mapping[str, Any]) -> bool:
        try:
            scripted = (prompt_of(agent).get("x_script") or {}).get("analysis")
            return bool(scripted) or wanted_of(agent).is_asked_for or is_real(agent, self._models)
        except ParolaError as error:
            log.warning("analysis_not_possible", reason=reason(error))
            return False

    async def analyse(self, row: ConversationRow, turns: Sequence[Document], visits: Sequence[Visit]) -> Outcome:
        """``visits``: the agents that had the conversation, the first one first. Never raises for what a model does:
        ``Outcome.error`` says what went wrong."""
        return await self._analyse(row, parts(visits, turns), is_patient=True)

    async def judge(
        self, row: ConversationRow, turns: Sequence[Document], visits: Sequence[Visit], one: OneCriterion
    ) -> Outcome:
        """One criterion anew, the rest of the analysis as it was. Raises ``NotFound`` when no agent of the
        conversation has it."""
        asked = _asked(parts(visits, turns), one)
        if not asked:
            have = [f"{v.agent_id}: {c.criterion_id}" for v in visits for c in v.wanted.criteria]
            raise NotFound(f"No agent of the conversation has {one}; they have: {', '.join(have) or 'none'}.")
        outcome = await self._analyse(row, asked)
        return replace(outcome, analysis=results.merged(row.document.get("analysis") or {}, outcome.analysis))

    async def _analyse(self, row: ConversationRow, asked: Sequence[Part], *, is_patient: bool = False) -> Outcome:
        usages: Usages = defaultdict(list)
        jobs = [(part, batch) for part in asked for batch in questions.batches(part.wanted)]
        answers: list[Mapping[str, Any]] = [{} for _ in jobs]
        errors: dict[int, str] = {}
        pauses = PAUSES_SECONDS if is_patient else ()
        try:
            async with asyncio.timeout(ANALYSIS_SECONDS):
                for position, (part, batch) in enumerate(jobs):
                    if not any(turn.get("message") or turn.get("tool_calls") for turn in part.turns):
                        errors[position] = NOTHING_SAID
                        continue
                    try:
                        answers[position] = await self._ask(row, part, batch, usages, pauses)
                    except ParolaError as error:
                        errors[position] = error.message
                        pauses = ()  # whoever is away for one question is not waited for with each
        except TimeoutError:
            late = f"The analysis took longer than {ANALYSIS_SECONDS:g} s."
            errors |= {n: late for n, answer in enumerate(answers) if not answer and n not in errors}
        answered = [(part, batch, answers[n], errors.get(n, "")) for n, (part, batch) in enumerate(jobs)]
        variables = _variables(row)
        blocks = []
        for part in asked:
            of_part = [(batch, answer, why) for whose, batch, answer, why in answered if whose is part]
            blocks += results.blocks_of(part, of_part, variables)
        first = answers[0] if answers else {}
        analysis = results.analysis(blocks, first, NOTHING_SAID if errors.get(0) == NOTHING_SAID else "")
        failures = sorted(set(errors.values()) - {NOTHING_SAID})
        if failures:
            analysis["x_error"] = "; ".join(failures)
        elif first and self._nobody_read(asked[0].visit.agent or {}):
            analysis["x_error"] = NOBODY_READ
        return Outcome(analysis, self._charging(row, usages), "; ".join(failures))

    def _nobody_read(self, agent: Mapping[str, Any]) -> bool:
        """Whether the answers are those of a script that says nothing about the call."""
        script = prompt_of(agent).get("x_script") or {}
        return not script.get("analysis") and not is_real(agent, self._models)

    async def _ask(
        self, row: ConversationRow, part: Part, batch: Batch, usages: Usages, pauses: Sequence[float]
    ) -> Mapping[str, Any]:
        """What the first model that can answer says; when none could be reached, they are asked again after each of
        the pauses. Raises ``ParolaError`` with what each of them said."""
        agent, settings = part.visit.agent or {}, self._settings
        locators = self._tools.locators(str(row.document.get("environment") or "production"))
        order = await analysts(agent, batch.llm, self._models, locators, _variables(row), settings.backup_llms)
        texts = await self._documents(agent) if batch.uses_documents else ()
        density = characters_per_token(part.turns)
        for pause in (*pauses, None):
            troubles: dict[str, None] = {}
            is_worth_it = False
            for analyst in order:
                room = _room(analyst, batch, density)
                documents = documents_text(texts, room // DOCUMENTS_SHARE)
                transcript = readable(part.turns, max(SHORTEST_TRANSCRIPT, room - len(documents)))
                messages = questions.messages(
                    batch, transcript, part.wanted.language, documents, is_portion=part.is_portion
                )
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
                    troubles[f"{analyst.name or analyst.model.name}: {error.message}"] = None
                    is_worth_it |= not isinstance(error, Unusable)
            if pause is None or not is_worth_it:
                raise ParolaError(" ".join(troubles))
            await asyncio.sleep(pause)
        raise AssertionError("the last round answers or raises")

    async def _documents(self, agent: Mapping[str, Any]) -> Sequence[str]:
        """The texts of the agent's documents, those in its folders too."""
        entries = prompt_of(agent).get("knowledge_base") or ()
        ids = [str(entry["id"]) for entry in entries if isinstance(entry, Mapping) and entry.get("id")]
        knowledge = self._tools.store.knowledge
        rows = await documents_in(knowledge, ids) if ids else ()
        texts = await knowledge.texts([row.document_id for row in rows]) if rows else {}
        return [texts[row.document_id] for row in rows if row.document_id in texts]

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


def _asked(all_of: Sequence[Part], one: OneCriterion) -> list[Part]:
    """The parts with only this criterion. Of the whole conversation it is judged for one agent, the first that has it,
    unless another one is named; of their own parts, for every agent that has it."""
    found: list[Part] = []
    for part in all_of:
        if one.agent_id not in (None, part.visit.agent_id) or one.branch_id not in (None, part.visit.branch_id):
            continue
        criteria = tuple(
            c for c in part.wanted.criteria if c.criterion_id == one.criterion_id and one.scope in (None, c.scope)
        )
        if criteria:
            found.append(replace(part, wanted=replace(part.wanted, criteria=criteria, items=(), is_partial=True)))
    of_all = [part for part in found if part.wanted.criteria[0].scope == CONVERSATION]
    return [part for part in found if part not in of_all[1:]]


def _room(analyst: Analyst, batch: Batch, characters_per_token: float) -> int:
    """Characters of transcript that fit beside the question and the answer."""
    asked = sum(len(message["content"]) for message in questions.messages(batch, "", ""))
    tokens = analyst.model.context_tokens - min(ANSWER_TOKENS, analyst.model.context_tokens // 4)
    # Twice: when the answer has to be corrected, it is sent back.
    tokens -= ANSWER_TOKENS // 2 + asked // CHARACTERS_PER_TOKEN
    return max(SHORTEST_TRANSCRIPT, int(tokens * characters_per_token))


def _variables(row: ConversationRow) -> dict[str, Any]:
    """The conversation's dynamic variables, as far as the record keeps them."""
    data = row.document.get("conversation_initiation_client_data") or {}
    return {name: value for name, value in (data.get("dynamic_variables") or {}).items() if value != REDACTED}
