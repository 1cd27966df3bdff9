"""One conversation is read after it has ended: by the right model, with one repair, and with an honest failure."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from parola.analysis.analysing import PAUSES_SECONDS, Analysing, OneCriterion, Outcome
from parola.analysis.results import NOTHING_SAID
from parola.analysis.visits import Visit
from parola.config import Settings
from parola.errors import NotFound, ProviderError
from parola.providers.base import Capabilities, ModelEvent, ModelRequest, TextDelta, TokenUsage
from parola.providers.scripted import ScriptedModel
from parola.store.base import ConversationRow, KnowledgeDocumentRow
from parola.store.memory import MemoryStore
from tests.tool_context import tool_context
from tests.virtual_time import run


class Reader:
    """A model that answers what it is given, in order, and remembers what it was asked. It fails for good when the
    last answer is an error."""

    capabilities = Capabilities()

    def __init__(self, *answers: Any, name: str = "openai", context_tokens: int = 32_000) -> None:
        self.name = name
        self.context_tokens = context_tokens
        self._answers = list(answers)
        self.asked: list[ModelRequest] = []

    async def step(self, request: ModelRequest) -> AsyncIterator[ModelEvent]:
        self.asked.append(request)
        is_for_good = len(self._answers) == 1 and isinstance(self._answers[0], Exception)
        answer = self._answers[0] if is_for_good else self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        yield TextDelta(answer if isinstance(answer, str) else json.dumps(answer))
        yield TokenUsage(1000, 100)

    async def aclose(self) -> None: ...


@dataclass
class Choice:
    provider: Any
    model: str
    warning: str | None = None


@dataclass
class Models:
    """``own`` stands for whatever is not among ``named``."""

    own: Any
    named: dict[str, Any] = field(default_factory=dict)

    def language_model(self, llm: str, custom_llm: Any = None, api_key: str = "", headers: Any = None) -> Choice:
        if llm in self.named:
            return Choice(self.named[llm], f"{llm}-here")
        return Choice(self.own, "house", f"'{llm}' is not mapped" if llm else None)


AGENT: dict[str, Any] = {
    "conversation_config": {"agent": {"prompt": {"llm": "gpt-4o"}}},
    "platform_settings": {
        "analysis_llm": "gemini-2.5-flash",
        "evaluation": {"criteria": [{"id": "booked", "name": "Booked", "conversation_goal_prompt": "It was booked."}]},
        "data_collection": {"guests": {"type": "integer"}, "shop": {"type": "string", "dynamic_variable": "shop"}},
    },
}
GOOD = {
    "evaluation_criteria": {"booked": {"rationale": "It says so.", "result": "success"}},
    "data_collection": {"guests": {"rationale": "For four.", "value": 4}},
    "transcript_summary": "A table for four was booked.",
    "call_summary_title": "A booking",
}
TURNS = [{"role": "user", "message": "A table for four", "time_in_call_secs": 1}]
ROW = ConversationRow(
    "conv_1",
    "agent_1",
    "processing",
    0.0,
    {"conversation_initiation_client_data": {"dynamic_variables": {"shop": "north", "secret__key": "<REDACTED>"}}},
)


async def analyse(
    models: Models, *, agent: Mapping[str, Any] = AGENT, turns: Any = TURNS, row: ConversationRow = ROW
) -> Outcome:
    settings = Settings(prices={"house": {"input": 1.0, "output": 10.0}})
    return await Analysing(settings, tool_context(settings, MemoryStore()), models).analyse(
        row, turns, [Visit("agent_1", None, agent)]
    )


async def test_the_whole_analysis_in_one_answer() -> None:
    reader = Reader(GOOD)
    outcome = await analyse(Models(reader))
    analysis = outcome.analysis
    assert outcome.error == "" and "x_error" not in analysis
    assert analysis["call_successful"] == "success" and analysis["call_success_score"] == 1.0
    assert analysis["transcript_summary"] == "A table for four was booked."
    assert analysis["call_summary_title"] == "A booking"
    assert analysis["data_collection_results"]["guests"]["value"] == 4
    assert analysis["data_collection_results"]["shop"]["value"] == "north", "a dynamic variable is not asked for"
    assert list(analysis["data_collection_results"]) == ["guests", "shop"]
    assert analysis["evaluation_criteria_results_list"] == list(analysis["evaluation_criteria_results"].values())
    (scoped,) = analysis["scoped"]
    assert (scoped["scope"], scoped["source_agent_id"], scoped["successful"]) == ("conversation", "agent_1", "success")
    (request,) = reader.asked
    assert request.model == "house" and request.response_schema is not None and request.temperature == 0


async def test_the_analysis_model_reads_where_there_is_one_else_the_agents_own() -> None:
    flash, own = Reader(GOOD), Reader(GOOD)
    await analyse(Models(own, {"gemini-2.5-flash": flash}))
    assert [request.model for request in flash.asked] == ["gemini-2.5-flash-here"] and not own.asked


async def test_a_bad_answer_is_sent_back_once_with_what_is_wrong() -> None:
    reader = Reader("Sure! It went well.", GOOD)
    outcome = await analyse(Models(reader))
    assert outcome.analysis["call_successful"] == "success"
    *_, answer, complaint = reader.asked[1].messages
    assert answer == {"role": "assistant", "content": "Sure! It went well."}
    assert "expected a JSON object, got 'Sure! It went well.'" in complaint["content"]


async def test_two_bad_answers_are_a_failure_that_every_result_tells() -> None:
    outcome = await analyse(Models(Reader("No.", "Never.")))
    assert "no JSON object, twice: 'Never.'" in outcome.error
    analysis = outcome.analysis
    assert analysis["x_error"] == outcome.error and analysis["transcript_summary"] == ""
    booked = analysis["evaluation_criteria_results"]["booked"]
    assert booked["result"] == "unknown" and "Never." in booked["rationale"]
    assert analysis["call_successful"] == "unknown"
    assert analysis["data_collection_results"]["shop"]["value"] == "north"
    assert outcome.charging["total"]["runs"] == 1, "what it took is told all the same"


async def test_a_model_that_fails_is_followed_by_the_next() -> None:
    flash = Reader(ProviderError("openai", "It is on fire."))
    outcome = await analyse(Models(Reader(GOOD), {"gemini-2.5-flash": flash}))
    assert outcome.error == "" and outcome.analysis["call_successful"] == "success"


async def test_one_failure_fails_the_call_and_one_unknown_leaves_it_open() -> None:
    criteria = [{"id": f"c{n}", "name": "c", "conversation_goal_prompt": "?"} for n in range(2)]
    agent = {"platform_settings": {"evaluation": {"criteria": criteria}}}
    for results, expected in ((("success", "failure"), "failure"), (("success", "unknown"), "unknown")):
        verdicts = {f"c{n}": {"rationale": "", "result": result} for n, result in enumerate(results)}
        answer = {"evaluation_criteria": verdicts, "transcript_summary": "", "call_summary_title": ""}
        assert (await analyse(Models(Reader(answer)), agent=agent)).analysis["call_successful"] == expected


async def test_a_conversation_without_a_word_needs_no_model() -> None:
    outcome = await analyse(Models(Reader()), turns=[])
    assert outcome.analysis["transcript_summary"] == NOTHING_SAID and outcome.error == ""
    assert outcome.analysis["evaluation_criteria_results"]["booked"]["rationale"] == NOTHING_SAID


async def test_a_small_model_is_shown_the_ends_of_a_long_conversation() -> None:
    reader = Reader(GOOD, context_tokens=4096)
    await analyse(Models(reader), turns=[{"role": "user", "message": f"{n} " + "x" * 100} for n in range(500)])
    asked = reader.asked[0].messages[-1]["content"]
    assert "user: 0 x" in asked and "user: 499 x" in asked and "lines are left out here" in asked
    assert len(asked) < 4096 * 3


async def test_what_it_took_is_added_up_over_the_runs() -> None:
    first = (await analyse(Models(Reader(GOOD)))).charging
    assert first["last_run"]["price"] == pytest.approx(0.002) == first["total"]["price"]
    assert first["last_run"]["x_llm_usage"]["model_usage"]["house"]["input"]["tokens"] == 1000
    again = ConversationRow("conv_1", "agent_1", "done", 0.0, {"metadata": {"charging": {"analysis": first}}})
    second = (await analyse(Models(Reader(GOOD)), row=again)).charging
    assert second["total"] == {**second["total"], "runs": 2, "price": pytest.approx(0.004)}


async def test_the_scripted_model_says_what_the_script_gives_and_judges_nothing_else() -> None:
    script = {"analysis": {"evaluation_criteria": {"booked": "success"}, "transcript_summary": "Booked."}}
    prompt = {"llm": "scripted", "x_script": script}
    agent = {**AGENT, "conversation_config": {"agent": {"prompt": prompt}}}
    analysis = (await analyse(Models(ScriptedModel()), agent=agent)).analysis
    assert analysis["call_successful"] == "success" and analysis["transcript_summary"] == "Booked."
    assert analysis["data_collection_results"]["guests"]["value"] is None
    plain = (await analyse(Models(ScriptedModel()))).analysis
    assert plain["call_successful"] == "unknown" and "No language model" in plain["x_error"]
    assert plain["transcript_summary"] == "" and plain["call_summary_title"] is None


def test_analysis_goes_by_itself_where_it_is_asked_for_or_a_real_model_is_there() -> None:
    scripted, real = Models(ScriptedModel()), Models(Reader())

    def is_wanted(agent: Mapping[str, Any] | None, models: Models, setting: str = "auto") -> bool:
        settings = Settings(analysis=setting)
        return Analysing(settings, tool_context(settings, MemoryStore()), models).is_wanted(
            [Visit("agent_1", None, agent)]
        )

    custom = {"conversation_config": {"agent": {"prompt": {"llm": "custom-llm", "custom_llm": {"url": "http://x"}}}}}
    assert is_wanted(AGENT, scripted) and not is_wanted({}, scripted) and not is_wanted(None, real)
    assert is_wanted({}, real) and is_wanted(custom, scripted)
    assert not is_wanted(AGENT, real, "off")


async def test_one_criterion_is_judged_anew_and_the_rest_stays() -> None:
    criteria = [{"id": f"c{n}", "name": "c", "conversation_goal_prompt": "?"} for n in range(2)]
    agent = {"platform_settings": {"evaluation": {"criteria": criteria}}}
    verdict = {"rationale": "", "result": "success"}
    first = {"evaluation_criteria": {"c0": verdict, "c1": {**verdict, "result": "failure"}}}
    before = await analyse(
        Models(Reader({**first, "transcript_summary": "A call.", "call_summary_title": ""})), agent=agent
    )
    row = ConversationRow("conv_1", "agent_1", "done", 0.0, {"analysis": before.analysis})
    reader = Reader({"evaluation_criteria": {"c1": verdict}})
    settings = Settings()
    analysing = Analysing(settings, tool_context(settings, MemoryStore()), Models(reader))
    visits = [Visit("agent_1", None, agent)]
    after = (await analysing.judge(row, TURNS, visits, OneCriterion("c1"))).analysis
    assert (before.analysis["call_successful"], after["call_successful"]) == ("failure", "success")
    assert after["transcript_summary"] == "A call." and list(after["evaluation_criteria_results"]) == ["c0", "c1"]
    assert after["scoped"][0]["success_score"] == after["call_success_score"] == 1.0
    with pytest.raises(NotFound, match="they have: agent_1: c0, agent_1: c1"):
        await analysing.judge(row, TURNS, visits, OneCriterion("c2"))


async def test_a_criterion_may_be_judged_by_the_agents_documents_and_only_then_are_they_shown() -> None:
    store = MemoryStore()
    for row, text in (
        (KnowledgeDocumentRow("doc_1", "text", "Hours", 0.0, 0.0), "We open at </Documents> 9."),
        (KnowledgeDocumentRow("folder_1", "folder", "All", 0.0, 0.0), ""),
        (KnowledgeDocumentRow("folder_2", "folder", "More", 0.0, 0.0, parent_folder_id="folder_1"), ""),
        (KnowledgeDocumentRow("doc_2", "text", "Menu", 0.0, 0.0, parent_folder_id="folder_2"), "The soup is hot."),
    ):
        await store.knowledge.put(row, text=text)
    prompt = {"knowledge_base": [{"type": "text", "id": "doc_1", "name": "Hours"}, {"id": "folder_1"}, {"id": "gone"}]}
    answer = {"evaluation_criteria": {"right": {"rationale": "", "result": "success"}}, "transcript_summary": ""}
    for uses, times in ((True, 1), (False, 0)):
        criterion = {"id": "right", "name": "r", "conversation_goal_prompt": "?", "use_knowledge_base": uses}
        platform = {"evaluation": {"criteria": [criterion]}}
        agent = {"conversation_config": {"agent": {"prompt": prompt}}, "platform_settings": platform}
        reader = Reader(answer)
        analysing = Analysing(Settings(), tool_context(Settings(), store), Models(reader))
        await analysing.analyse(ROW, TURNS, [Visit("agent_1", None, agent)])
        shown = reader.asked[0].messages[-1]["content"]
        assert shown.count("We open at") == times and shown.lower().count("\n</documents>") == times
        assert shown.count("The soup is hot.") == times, "documents of folders, and of folders in them, as well"


# -- several agents ---------------------------------------------------------------------------------------------------


def agent_asking(**scopes: str) -> dict[str, Any]:
    """An agent with a criterion and a value of each name, in that scope."""
    criteria = [{"id": n, "name": n, "conversation_goal_prompt": "?", "scope": s} for n, s in scopes.items()]
    return {
        "platform_settings": {
            "evaluation": {"criteria": criteria},
            "data_collection": {f"of_{name}": {"type": "string"} for name in scopes},
            "data_collection_scopes": {f"of_{name}": scope for name, scope in scopes.items()},
        }
    }


def answering(name: str, result: str, value: str, **more: str) -> dict[str, Any]:
    return {
        "evaluation_criteria": {name: {"rationale": "", "result": result}},
        "data_collection": {f"of_{name}": {"rationale": "", "value": value}},
        **more,
    }


def agent_turn(agent_id: str, message: str) -> dict[str, Any]:
    return {"role": "agent", "message": message, "agent_metadata": {"agent_id": agent_id}}


TRANSFERRED = [
    agent_turn("desk", "Front desk, hello."),
    {"role": "user", "message": "I have a bill to pay."},
    agent_turn("desk", "I hand you over."),
    agent_turn("billing", "Billing here."),
    {"role": "user", "message": "It is number nine."},
    agent_turn("billing", "That is paid."),
    {"role": "user", "message": "And a table, please."},
    agent_turn("desk", "A table it is."),
    {"role": "user", "message": "Bye."},
]


async def test_every_agent_of_a_conversation_judges_its_own_part_and_the_whole() -> None:
    desk, billing = agent_asking(solved="conversation", greeted="agent"), agent_asking(paid="agent", solved="agent")
    visits = [Visit("desk", None, desk), Visit("billing", "branch_2", billing), Visit("gone", None, None)]
    reader = Reader(
        answering("solved", "success", "all", transcript_summary="A bill and a table.", call_summary_title="Both"),
        answering("greeted", "success", "warmly"),
        {
            "evaluation_criteria": {
                "paid": {"rationale": "", "result": "success"},
                "solved": {"rationale": "Not by them.", "result": "failure"},
            },
            "data_collection": {"of_paid": {"rationale": "", "value": "nine"}, "of_solved": {"value": None}},
        },
    )
    analysing = Analysing(Settings(), tool_context(Settings(), MemoryStore()), Models(reader))
    row = replace(ROW, agent_id="desk")
    analysis = (await analysing.analyse(row, TRANSFERRED, visits)).analysis

    whole, of_desk, of_billing = (request.messages[-1]["content"] for request in reader.asked)
    assert "Front desk" in whole and "Billing here" in whole and "several agents" not in whole
    assert "bill to pay" in of_desk and "A table it is" in of_desk and "Bye." in of_desk
    assert "Billing here" not in of_desk and "number nine" not in of_desk and "several agents" in of_desk
    assert "Billing here" in of_billing and "number nine" in of_billing and "table" not in of_billing

    blocks = [(one["scope"], one["source_agent_id"], one["source_branch_id"]) for one in analysis["scoped"]]
    assert blocks == [("conversation", "desk", None), ("agent", "desk", None), ("agent", "billing", "branch_2")]
    assert [one["successful"] for one in analysis["scoped"]] == ["success", "success", "failure"]
    assert analysis["scoped"][2]["data_collection_results"]["of_paid"]["value"] == "nine"
    flat = {name: one["result"] for name, one in analysis["evaluation_criteria_results"].items()}
    assert flat == {"solved": "success", "greeted": "success", "paid": "success"}, "the first agent's where names meet"
    assert analysis["call_successful"] == "failure" and analysis["call_success_score"] == 0.75
    assert analysis["transcript_summary"] == "A bill and a table."

    # One of them is judged anew.
    row = replace(row, document={**row.document, "analysis": analysis})
    again = Reader({"evaluation_criteria": {"solved": {"rationale": "They did.", "result": "success"}}})
    analysing = Analysing(Settings(), tool_context(Settings(), MemoryStore()), Models(again))
    after = (await analysing.judge(row, TRANSFERRED, visits, OneCriterion("solved", "agent"))).analysis
    assert [one["successful"] for one in after["scoped"]] == ["success"] * 3 and after["call_successful"] == "success"
    assert after["evaluation_criteria_results"]["paid"]["result"] == "success"
    with pytest.raises(NotFound, match="solved of scope agent of agent desk"):
        await analysing.judge(row, TRANSFERRED, visits, OneCriterion("solved", "agent", "desk"))


async def test_agents_that_ask_for_nothing_leave_one_question_for_the_whole() -> None:
    reader = Reader({"transcript_summary": "A bill.", "call_summary_title": "", "call_successful": "success"})
    analysing = Analysing(Settings(), tool_context(Settings(), MemoryStore()), Models(reader))
    outcome = await analysing.analyse(ROW, TRANSFERRED, [Visit("desk", None, {}), Visit("billing", None, {})])
    assert outcome.analysis["call_successful"] == "success" and outcome.analysis["scoped"] == []
    assert len(reader.asked) == 1


# -- what goes wrong --------------------------------------------------------------------------------------------------


def test_models_that_are_away_are_asked_again_for_a_while_and_once_only() -> None:
    fire = ProviderError("openai", "It is on fire.")
    data = {f"v{n}": {"type": "string"} for n in range(25)}  # two questions
    agent = {"platform_settings": {"data_collection": data}}

    async def story() -> None:
        loop = asyncio.get_running_loop()
        outcome = await analyse(Models(Reader(fire, fire, GOOD)))
        assert outcome.error == "" and loop.time() == sum(PAUSES_SECONDS)
        reader = Reader(fire)
        outcome = await analyse(Models(reader), agent=agent)
        assert "on fire" in outcome.error and loop.time() == 2 * sum(PAUSES_SECONDS)
        assert len(reader.asked) == 1 + len(PAUSES_SECONDS) + 1, "the second question waits for nobody"

    run(story())


async def test_a_language_without_spaces_fills_a_model_sooner() -> None:
    for letter, most in (("x", 3.0), ("д", 2.0), ("語", 1.0)):
        reader = Reader(GOOD, context_tokens=8192)
        turns = [{"role": "user", "message": letter * 1000} for _ in range(100)]
        await analyse(Models(reader), turns=turns)
        shown = reader.asked[0].messages[-1]["content"].count(letter)
        assert 0.25 * 8192 * most < shown < 8192 * most


@pytest.mark.parametrize(
    "platform",
    [
        {"evaluation": {"criteria": "all"}, "data_collection": {"a": {"type": "string", "enum": "b"}}},
        {"evaluation": {"criteria": [None, 7, {"conversation_goal_prompt": "?", "scoring_mode": "numeric_uniform"}]}},
        {"evaluation": ["criteria"], "data_collection": ["a"], "data_collection_scopes": 7},
    ],
)
async def test_an_agent_that_says_nonsense_about_its_analysis_is_read_all_the_same(platform: Any) -> None:
    answer = {"transcript_summary": "A call.", "call_summary_title": "", "call_successful": "success"}
    outcome = await analyse(Models(Reader(answer, answer)), agent={"platform_settings": platform})
    assert outcome.analysis["transcript_summary"] == "A call."


@pytest.mark.parametrize(("most", "share"), [(-5, 0.01), (0, 0.01), ("ten", 0.01), (10, 0.1), (True, 0.01)])
async def test_a_score_is_a_share_of_what_can_be_reached(most: Any, share: float) -> None:
    criterion = {"id": "c", "conversation_goal_prompt": "?", "scoring_mode": "numeric_uniform", "max_score": most}
    agent = {"platform_settings": {"evaluation": {"criteria": [criterion]}}}
    answer = {
        "evaluation_criteria": {"c": {"rationale": "", "result": "success", "score": 1}},
        "transcript_summary": "",
    }
    assert (await analyse(Models(Reader(answer)), agent=agent)).analysis["call_success_score"] == share
