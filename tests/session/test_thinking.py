"""Models that fail, dawdle, babble or never stop: who is asked then, what is said, what the owner is told."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from parola.config import load
from parola.conversation.actions import StartReply
from parola.conversation.events import ModelFinished, ReplyFailed, ReplyFinished, ReplyText
from parola.errors import InvalidRequest, ProviderError
from parola.providers.base import (
    Answered,
    Capabilities,
    ModelBegan,
    ModelEvent,
    ModelRequest,
    ReasoningDelta,
    TextDelta,
    TokenUsage,
    ToolCallRequested,
)
from parola.session.accounts import Accounts
from parola.session.replying import Brain, perform
from parola.session.thinking import GO_ON, MOST_CHARACTERS, MOST_SECONDS, REST_SECONDS, Cascade, Mind, ThinkingFailed
from tests.virtual_time import run

HELLO = ModelRequest([{"role": "user", "content": "Hello"}])
Step = ModelEvent | float | Exception


class Scripted:
    """A model that does what it is told, step by step: events, pauses in seconds, failures. Its last answer is its
    answer for ever."""

    capabilities = Capabilities(tools=True)
    context_tokens = 1000

    def __init__(self, name: str, *answers: list[Step]) -> None:
        self.name = name
        self.answers = list(answers)
        self.asked: list[ModelRequest] = []

    async def step(self, request: ModelRequest) -> AsyncIterator[ModelEvent]:
        self.asked.append(request)
        for step in self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]:
            if isinstance(step, float):
                await asyncio.sleep(step)
            elif isinstance(step, Exception):
                raise step
            else:
                yield step

    async def aclose(self) -> None: ...


def says(*words: str) -> list[Step]:
    return [TextDelta(word) for word in words]


def fails(text: str = "broke", **more: Any) -> ProviderError:
    return ProviderError("vendor", text, **more)


def cascade(*models: Scripted, seconds: float = 4.0, accounts: Accounts | None = None) -> Cascade:
    minds = [Mind(model, f"{model.name}-1", model.name, "custom_llm_error") for model in models]
    return Cascade(minds, seconds, accounts)


async def answer(asked: Cascade, request: ModelRequest = HELLO) -> tuple[str, Answered]:
    events = [event async for event in asked.step(request)]
    *others, last = events
    assert isinstance(last, Answered)
    return "".join(event.text for event in others if isinstance(event, TextDelta)), last


# -- who answers ------------------------------------------------------------------------------------------------------


def test_the_agents_own_model_answers_and_no_other_is_asked():
    own, spare = Scripted("own", says("Hi.")), Scripted("spare", says("Ho."))
    text, told = run(answer(cascade(own, spare)))
    assert (text, told.model, told.llm_override, told.warnings) == ("Hi.", "own-1", "", ())
    assert spare.asked == []


def test_the_next_model_answers_for_one_that_fails_and_the_owner_is_told():
    own, spare = Scripted("own", [fails("is on strike")]), Scripted("spare", says("Hi."))
    text, told = run(answer(cascade(own, spare)))
    assert (text, told.model, told.llm_override) == ("Hi.", "spare-1", "spare")
    assert "is on strike" in told.warnings[0] and "spare-1 answered in place of own-1." in told.warnings[0]


def test_a_bug_in_a_provider_is_a_failure_like_another():
    text, told = run(answer(cascade(Scripted("own", [KeyError("choices")]), Scripted("spare", says("Hi.")))))
    assert text == "Hi." and "KeyError" in told.warnings[0]


def test_a_model_without_a_token_in_time_is_given_up():
    async def story() -> tuple[float, str]:
        own, spare = Scripted("own", [5.0, *says("Late.")]), Scripted("spare", says("Hi."))
        text, told = await answer(cascade(own, spare, seconds=2.0))
        assert "said nothing for 2 s" in told.warnings[0]
        return asyncio.get_running_loop().time(), text

    began = run(_now())
    at, text = run(story())
    assert (round(at - began, 3), text) == (2.0, "Hi.")


async def _now() -> float:
    return asyncio.get_running_loop().time()


@pytest.mark.parametrize("token", [ModelBegan(), ReasoningDelta("Hm."), TextDelta("Well")])
def test_a_thought_or_a_call_being_written_is_a_token(token: ModelEvent):
    own, spare = Scripted("own", [1.0, token, 30.0, *says(" now.")]), Scripted("spare", says("Hi."))
    text, told = run(answer(cascade(own, spare, seconds=2.0)))
    assert text.endswith("now.") and told.model == "own-1"


def test_the_last_model_is_waited_for_since_there_is_no_other():
    assert run(answer(cascade(Scripted("own", [15.0, *says("Late.")]), seconds=2.0)))[0] == "Late."


def test_a_model_that_failed_is_asked_last_for_a_minute():
    async def story() -> list[str]:
        own, spare = Scripted("own", [fails()], says("I am back.")), Scripted("spare", says("Hi."))
        both = cascade(own, spare)
        answered = [(await answer(both))[1].model, (await answer(both))[1].model]
        await asyncio.sleep(REST_SECONDS)
        return [*answered, (await answer(both))[1].model]

    assert run(story()) == ["spare-1", "spare-1", "own-1"]


def test_when_all_fail_the_error_is_the_cascades_and_names_every_reason():
    both = cascade(Scripted("own", [fails("one")]), Scripted("spare", [fails("two")]))
    with pytest.raises(ThinkingFailed) as failed:
        run(answer(both))
    assert failed.value.error_type == "cascade_brain_error"
    assert failed.value.message == "one two"


def test_a_single_model_that_fails_keeps_its_own_kind_of_error():
    with pytest.raises(ThinkingFailed) as failed:
        run(answer(cascade(Scripted("own", [fails("one")]))))
    assert (failed.value.error_type, failed.value.message) == ("custom_llm_error", "one")


# -- a break in the middle --------------------------------------------------------------------------------------------


def test_the_next_model_goes_on_where_the_first_broke_off():
    own = Scripted("own", [*says("Your order ", "left"), fails()])
    spare = Scripted("spare", says("on Friday."))
    text, _ = run(answer(cascade(own, spare)))
    assert text == "Your order left on Friday."
    *_, said, order = spare.asked[0].messages
    assert (said["content"], order["content"]) == ("Your order left", GO_ON)


def test_what_was_said_is_not_said_again_by_a_model_that_begins_anew():
    own = Scripted("own", [*says("Your order left"), fails()])
    spare = Scripted("spare", says("Your or", "der le", "ft on", " Friday."))
    assert run(answer(cascade(own, spare)))[0] == "Your order left on Friday."


def test_a_failure_behind_complete_calls_changes_nothing():
    own = Scripted("own", [ToolCallRequested("book", {}), fails("late")])
    spare = Scripted("spare", says("Hi."))
    _, told = run(answer(cascade(own, spare)))
    assert spare.asked == [] and "late" in told.warnings[0]


# -- busy -------------------------------------------------------------------------------------------------------------


def test_a_busy_model_is_asked_once_more_when_it_says_when():
    own = Scripted("own", [fails("busy", retry_after_seconds=1.0)], says("Hi."))
    text, told = run(answer(cascade(own)))
    assert (text, told.warnings, len(own.asked)) == ("Hi.", (), 2)


@pytest.mark.parametrize("wait", [30.0, None])
def test_a_busy_model_that_needs_too_long_is_not_waited_for(wait: float | None):
    own, spare = Scripted("own", [fails("busy", retry_after_seconds=wait)]), Scripted("spare", says("Hi."))
    text, _ = run(answer(cascade(own, spare)))
    assert text == "Hi." and len(own.asked) == 1


def test_a_model_that_stays_busy_is_asked_twice_and_no_more():
    own, spare = Scripted("own", [fails("busy", retry_after_seconds=0.5)]), Scripted("spare", says("Hi."))
    run(answer(cascade(own, spare)))
    assert len(own.asked) == 2


# -- no end -----------------------------------------------------------------------------------------------------------


def test_an_answer_of_many_characters_is_cut():
    words = says(*(f"word {number}, " for number in range(60_000)))
    text, told = run(answer(cascade(Scripted("own", words))))
    assert len(text) == MOST_CHARACTERS and "more than 200000 characters" in told.warnings[0]


def test_one_token_of_a_megabyte_is_cut_too():
    text, told = run(answer(cascade(Scripted("own", says("".join(chr(97 + n * n % 26) for n in range(10**6)))))))
    assert len(text) == MOST_CHARACTERS and told.warnings


def test_a_model_that_writes_for_two_minutes_is_cut():
    slow: list[Step] = [step for number in range(200) for step in (TextDelta(f"Well, {number}. "), 1.0)]
    began = run(_now())

    async def story() -> tuple[str, Answered, float]:
        return *await answer(cascade(Scripted("own", slow))), await _now()

    text, told, at = run(story())
    assert "after 120 s" in told.warnings[0] and text.startswith("Well, 0.") and at - began == MOST_SECONDS


def test_a_model_in_a_loop_is_cut():
    text, told = run(answer(cascade(Scripted("own", says(*["I am sorry, I did not get that. "] * 1000)))))
    assert len(text) < 2000 and "again and again" in told.warnings[0]


def test_a_list_is_no_loop():
    words = says(*(f"Number {number} is {number * number}. " for number in range(300)))
    assert run(answer(cascade(Scripted("own", words))))[1].warnings == ()


# -- what a reply tells -----------------------------------------------------------------------------------------------


def told_by(*models: Scripted, accounts: Accounts | None = None) -> list[object]:
    told: list[object] = []
    brain = Brain(cascade(*models, accounts=accounts), "own-1", "custom_llm_error")
    run(perform(StartReply(1, HELLO), brain, None, told.append))
    return told


def test_a_reply_says_who_made_it_and_what_it_took():
    prices = {"spare-*": {"input": 2.0, "output": 10.0}}
    spare = Scripted("spare", [*says("Hi."), TokenUsage(100, 20, cached_tokens=40, reasoning_tokens=5)])
    text, finished, last = told_by(Scripted("own", [fails()]), spare, accounts=Accounts(prices))
    assert (text, last) == (ReplyText(1, "Hi."), ReplyFinished(1))
    assert isinstance(finished, ModelFinished)
    assert (finished.model, finished.llm_override, finished.context_limit) == ("spare-1", "spare", 1000)
    assert (finished.input_tokens, finished.output_tokens) == (100, 20)
    assert finished.usage == {
        "input": {"tokens": 60, "price": pytest.approx(0.00012)},
        "input_cache_read": {"tokens": 40, "price": pytest.approx(0.00008)},
        "output_total": {"tokens": 20, "price": pytest.approx(0.0002)},
        "x_reasoning": {"tokens": 5},
    }
    assert len(finished.warnings) == 1


def test_a_reply_that_nobody_could_make_fails_as_a_cascade():
    assert told_by(Scripted("own", [fails("one")]), Scripted("spare", [fails("two")])) == [
        ReplyFailed(1, "cascade_brain_error", "one two")
    ]


# -- accounts ---------------------------------------------------------------------------------------------------------


def test_what_was_thrown_away_was_initiated_only():
    accounts = Accounts({"own-1": {"input": 1.0, "output": 1.0}})
    own = Scripted("own", [*says("Hi."), TokenUsage(10, 1)])

    async def story() -> None:
        asked = cascade(own, accounts=accounts)
        await answer(asked)
        async for _ in (cut := asked.step(HELLO)):
            await cut.aclose()  # type: ignore[attr-defined]

    run(story())
    accounts.turn_was_kept(1, {"llm_usage": {"model_usage": {"own-1": accounts.of_step("own-1", TokenUsage(10, 1))}}})
    usage = accounts.charging()["llm_usage"]
    assert usage["irreversible_generation"]["model_usage"]["own-1"]["input"]["tokens"] == 10
    initiated = usage["initiated_generation"]["model_usage"]["own-1"]
    assert initiated["input"]["tokens"] == 11, "the prompt of the second, at four characters a token"
    assert accounts.charging()["llm_price"] == pytest.approx(12 / 1_000_000)


def test_a_turn_that_is_corrected_is_not_counted_twice():
    accounts = Accounts()
    for tokens in (5, 10):
        accounts.turn_was_kept(3, {"llm_usage": {"model_usage": {"m": {"input": {"tokens": tokens, "price": 0.0}}}}})
    kept = accounts.charging()["llm_usage"]["irreversible_generation"]["model_usage"]
    assert kept == {"m": {"input": {"tokens": 10, "price": 0.0}}}


# -- the owner's prices -----------------------------------------------------------------------------------------------


def test_a_price_may_be_for_a_pattern_and_cached_tokens_cost_as_others_unless_they_have_a_price():
    accounts = Accounts({"qwen*": {"input": 1.0}})
    step = accounts.of_step("qwen3:8b", TokenUsage(10, 5, cached_tokens=4))
    assert [step[kind]["price"] * 1e6 for kind in ("input", "input_cache_read", "output_total")] == [6, 4, 0]


@pytest.mark.parametrize("entry", ["prompt = 1.0", 'input = "1"', "input = -1", "output = true"])
def test_a_price_list_that_makes_no_sense_is_refused(entry: str, tmp_path: Path):
    file = tmp_path / "parola.toml"
    file.write_text(f"[prices.m]\n{entry}\n")
    with pytest.raises(InvalidRequest, match=r"prices\.m"):
        load(environ={}, file=file)
