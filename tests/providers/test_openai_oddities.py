"""What models of OpenAI's dialect do that no specification mentions: each ends in words, or in an error that says
what came."""

import asyncio

import orjson
import pytest

from parola.errors import ProviderError
from parola.providers.base import (
    ModelBegan,
    ModelRequest,
    ReasoningDelta,
    ResponseMetadata,
    TextDelta,
    TokenUsage,
    ToolCallRequested,
)
from parola.session.thinking import MOST_CHARACTERS, Cascade, Mind
from tests.providers.test_openai import (
    HELLO,
    answer_to,
    delta,
    model,
    response,
    serving,
    sse,
    take,
    text_of,
    tool_delta,
    with_tools,
)


async def events_of(request, *answers, **settings):
    async with serving(*answers) as (service, connections):
        return await take(model(service, connections, **settings).step(request))


def busy(seconds):
    body = b'{"error": {"message": "too many requests"}}'
    head = f"HTTP/1.1 429 Too Many Requests\r\nretry-after: {seconds}\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


# -- thoughts ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
async def test_thoughts_beside_the_text_are_told_as_thoughts(field):
    events = await events_of(HELLO, sse(delta(**{field: "They greet "}), delta(**{field: "me."}), delta("Hi.")))
    assert events == [ModelBegan(), ReasoningDelta("They greet "), ReasoningDelta("me."), TextDelta("Hi.")]


async def test_thoughts_between_tags_are_told_as_thoughts():
    pieces = ["<th", "ink>They ", "greet me.</th", "ink>\n\n", "Hi."]
    events = await events_of(HELLO, sse(*map(delta, pieces)))
    assert "".join(event.text for event in events if isinstance(event, ReasoningDelta)) == "They greet me."
    assert "".join(event.text for event in events if isinstance(event, TextDelta)) == "Hi."


async def test_a_call_being_written_is_a_beginning():
    events = await events_of(with_tools(), sse(tool_delta(0, id="c", name="get_weather", arguments="{}")))
    assert events == [ModelBegan(), ToolCallRequested("get_weather", {}, "c")]


async def test_cached_and_reasoning_tokens_are_told():
    usage = {
        "prompt_tokens": 100,
        "completion_tokens": 20,
        "prompt_tokens_details": {"cached_tokens": 64},
        "completion_tokens_details": {"reasoning_tokens": 12},
    }
    *_, last = await events_of(HELLO, sse(delta("Hi."), {"choices": [], "usage": usage}))
    assert last == TokenUsage(100, 20, cached_tokens=64, reasoning_tokens=12)


async def test_metadata_of_an_own_endpoint_is_handed_on_and_nobody_elses():
    answer = sse({**delta("Hi."), "metadata": {"intent": "greet"}}, {"choices": [], "metadata": {"score": 1}})
    told = await events_of(HELLO, answer, is_custom=True)
    assert told[-1] == ResponseMetadata({"intent": "greet", "score": 1})
    assert await events_of(HELLO, answer) == [TextDelta("Hi.")]


# -- what is asked ----------------------------------------------------------------------------------------------------


async def test_what_an_agent_says_of_thinking_is_sent_in_the_words_of_the_common_servers():
    request = with_tools(thinking_budget=0, service_tier="fast", parallel_tool_calls=False)
    _, [asked] = await answer_to(request, sse(delta("x")))
    assert asked.json["thinking_budget"] == 0
    assert asked.json["chat_template_kwargs"] == {"enable_thinking": False, "thinking_budget": 0}
    assert asked.json["service_tier"] == "priority"
    assert asked.json["parallel_tool_calls"] is False


async def test_a_server_that_does_not_know_them_is_asked_without():
    refusal = response({"error": {"message": "Unknown parameter: 'thinking_budget'."}}, "400 Bad Request")
    second = response({"error": {"message": "Unrecognized argument: chat_template_kwargs"}}, "400 Bad Request")
    request = ModelRequest(HELLO.messages, model="m", thinking_budget=50)
    events, asked = await answer_to(request, refusal, second, sse(delta("Hi.")))
    assert events == [TextDelta("Hi.")]
    assert not {"thinking_budget", "chat_template_kwargs"} & set(asked[2].json)


async def test_a_version_goes_behind_the_path():
    async with serving(sse(delta("Hi."))) as (service, connections):
        service.base_url += "?tenant=7"
        await take(model(service, connections, api_version="2024-10-21").step(HELLO))
        assert service.asked[0].path == "/v1/chat/completions?tenant=7&api-version=2024-10-21"


# -- garbage ----------------------------------------------------------------------------------------------------------


async def test_half_of_a_character_is_no_reason_to_fail():
    whole = orjson.dumps(delta("Grüß")).replace("ü".encode(), b"\xc3")
    half = b'{"choices": [{"index": 0, "delta": {"content": "\\ud83d"}}]}'
    text = await text_of(HELLO, sse(b"data: " + whole + b"\n\n", b"data: " + half + b"\n\n", delta(" Gott")))
    assert text == "Gr\ufffdß\ufffd Gott"


async def test_a_character_that_is_cut_between_packets_is_whole():
    async def trickle(writer, reader):
        for byte in sse(delta("Grüß Gott 👋")):
            writer.write(bytes([byte]))
            await writer.drain()

    assert await text_of(HELLO, trickle) == "Grüß Gott 👋"


@pytest.mark.parametrize("message", [b"data: \xff\xfe\x00\n\n", b"data: [1, 2]\n\n", b"data: oops\n\n"])
async def test_garbage_is_an_error_that_shows_it(message):
    with pytest.raises(ProviderError, match="streamed"):
        await text_of(HELLO, sse(message))


async def test_a_stream_that_ends_before_it_began_is_an_error():
    with pytest.raises(ProviderError, match="before it had begun"):
        await text_of(HELLO, sse(done=False))


async def test_a_stream_that_ends_early_is_what_was_said():
    assert await text_of(HELLO, sse(delta("Your order"), done=False)) == "Your order"


async def test_twenty_calls_at_once_are_twenty_calls():
    calls = [tool_delta(number, id=f"c{number}", name="get_weather", arguments="{}") for number in range(20)]
    events, _ = await answer_to(with_tools(), sse(*calls))
    assert [event.call_id for event in events] == [f"c{number}" for number in range(20)]


async def test_an_error_in_the_stream_may_be_a_bare_text():
    with pytest.raises(ProviderError, match="out of memory"):
        await text_of(HELLO, sse(delta("Well"), {"error": "out of memory"}))


# -- over a real connection, as a conversation asks -------------------------------------------------------------------


async def answered(*answers, seconds=4.0):
    """What a conversation with one model is told, and how often the service was asked."""
    async with serving(*answers) as (service, connections):
        asked = Cascade([Mind(model(service, connections), "m")], seconds)
        *events, last = await take(asked.step(HELLO))
        return "".join(event.text for event in events if isinstance(event, TextDelta)), last, len(service.asked)


async def test_a_busy_service_that_says_when_is_asked_again():
    text, told, times = await answered(busy(0), sse(delta("Hi.")))
    assert (text, told.warnings, times) == ("Hi.", (), 2)


async def test_a_busy_service_that_says_tomorrow_is_not_waited_for():
    with pytest.raises(Exception, match="429: too many requests"):
        await answered(busy(86400), sse(delta("Hi.")))


async def test_a_token_of_a_megabyte_is_cut_and_the_connection_closed():
    huge = "".join(f"{number} " for number in range(200_000))
    text, told, _ = await answered(sse(delta(huge), delta(" and more")))
    assert len(text) == MOST_CHARACTERS and "its answer was cut" in told.warnings[0]


async def test_a_model_that_never_stops_is_cut_and_hung_up_on():
    async def babble(writer, reader):
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n")
        number = 0
        while True:
            number += 1
            writer.write(b"data: " + orjson.dumps(delta(f"And {number} more. ")) + b"\n\n")
            await writer.drain()
            await asyncio.sleep(0)

    text, told, _ = await answered(babble)
    assert len(text) == MOST_CHARACTERS and told.warnings


async def test_the_same_line_for_ever_is_cut():
    text, told, _ = await answered(sse(*[delta("I did not get that.\n")] * 500))
    assert len(text) < 2000 and "again and again" in told.warnings[0]
