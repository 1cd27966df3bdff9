"""OpenAI-compatible services: what they are asked, what is made of their answers, and what is said of their failures.

The service is a few lines of sockets (``Service``), so that a test can write any bytes at any moment and see when the
other side hangs up.
"""

import asyncio
import io
import socket
import wave
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass

import numpy as np
import orjson
import pytest

from parola.config import ProviderSettings
from parola.errors import ProviderError
from parola.outbound.http import Connections
from parola.providers.base import (
    ModelBegan,
    ModelRequest,
    ReasoningDelta,
    TextDelta,
    TokenUsage,
    ToolCallRequested,
    ToolDefinition,
    TranscriptionSettings,
    VoiceSettings,
)
from parola.providers.openai import OpenAIModel
from parola.providers.openai_speech import OpenAISpeechToText, OpenAITextToSpeech

PATIENCE = 10
"""Seconds after which a test that hangs is a failure."""

WEATHER = ToolDefinition("get_weather", "Tells the weather.", {"type": "object", "properties": {"city": {}}})
HELLO = ModelRequest([{"role": "user", "content": "Hello"}], model="m")


@dataclass
class Asked:
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self):
        return orjson.loads(self.body)


class Service:
    """An HTTP server that gives the answers of a test, one for each request, and keeps what it was asked.

    An answer is bytes, or a coroutine function of the connection's writer and reader."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked: list[Asked] = []
        self.connected = 0
        self.left = asyncio.Event()
        """Set when a client has hung up."""
        self.base_url = ""

    async def serve(self, reader, writer):
        self.connected += 1
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                first, *lines = head.decode().split("\r\n")
                headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines if line)}
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                self.asked.append(Asked(first.split()[1], headers, body))
                answer = self.answers.pop(0)
                if isinstance(answer, bytes):
                    writer.write(answer)
                    await writer.drain()
                else:
                    await answer(writer, reader)
        except (asyncio.IncompleteReadError, ConnectionError):
            self.left.set()
        finally:
            writer.close()


@asynccontextmanager
async def serving(*answers):
    """A service, and the settings and connections that reach it."""
    service = Service(*answers)
    server = await asyncio.start_server(service.serve, "127.0.0.1", 0)
    service.base_url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    connections = Connections()
    try:
        async with asyncio.timeout(PATIENCE):
            yield service, connections
    finally:
        await connections.aclose()
        server.close()


def response(body, status="200 OK", kind="application/json"):
    body = body if isinstance(body, bytes) else orjson.dumps(body)
    head = f"HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


def sse(*events, done=True):
    """A stream of events as a whole."""
    lines = [event if isinstance(event, bytes) else b"data: " + orjson.dumps(event) + b"\n\n" for event in events]
    return response(b"".join(lines) + (b"data: [DONE]\n\n" if done else b""), kind="text/event-stream")


def delta(text=None, **more):
    return {"choices": [{"index": 0, "delta": {"content": text, **more}}]}


def tool_delta(index=None, **function):
    call_id = function.pop("id", None)
    return delta(tool_calls=[{"index": index, "id": call_id, "type": "function", "function": function}])


def model(service, connections, *, name="openai", headers=None, is_custom=False, api_version="", **settings):
    made = ProviderSettings("openai", base_url=service.base_url, **settings)
    return OpenAIModel(made, connections, name=name, headers=headers, is_custom=is_custom, api_version=api_version)


async def take(stream):
    return [event async for event in stream]


def told(events):
    """Without what is for those who wait, and for those who watch it think."""
    return [event for event in events if not isinstance(event, ModelBegan | ReasoningDelta)]


async def answer_to(request, *answers, **settings):
    """The events of one step, and what the service was asked."""
    async with serving(*answers) as (service, connections):
        return told(await take(model(service, connections, **settings).step(request))), service.asked


async def text_of(request, *answers):
    events, _ = await answer_to(request, *answers)
    return "".join(event.text for event in events if isinstance(event, TextDelta))


def with_tools(**more):
    return ModelRequest([{"role": "user", "content": "Hello"}], (WEATHER,), "m", **more)


# -- what is asked --------------------------------------------------------------------------------------------------


async def test_the_request_is_that_of_chat_completions():
    request = with_tools(temperature=0.5, max_tokens=50, reasoning_effort="low", extra_body={"a": 1}, user_id="u")
    _, [asked] = await answer_to(request, sse(delta("x")), api_key="key", headers={"X-Own": "1"}, is_custom=True)
    assert asked.path == "/v1/chat/completions"
    assert asked.headers["authorization"] == "Bearer key"
    assert asked.headers["x-own"] == "1"
    assert asked.json == {
        "model": "m",
        "messages": [{"role": "user", "content": "Hello"}],
        "stream": True,
        "stream_options": {"include_usage": True},
        "tools": [
            {
                "type": "function",
                "function": {
                    "name": "get_weather",
                    "description": "Tells the weather.",
                    "parameters": {"type": "object", "properties": {"city": {}}},
                },
            }
        ],
        "temperature": 0.5,
        "max_tokens": 50,
        "reasoning_effort": "low",
        "elevenlabs_extra_body": {"a": 1},
        "user_id": "u",
    }


async def test_what_is_not_set_is_not_sent_and_only_a_custom_llm_learns_the_user():
    request = ModelRequest([{"role": "tool", "tool_call_id": "c", "content": "x"}], user_id="u")
    _, [asked] = await answer_to(request, sse(delta("x")), model="own", options={"extra_body": {"top_k": 3}})
    assert asked.json == {
        "model": "own",
        "messages": [{"role": "tool", "tool_call_id": "c", "content": "x"}],
        "stream": True,
        "stream_options": {"include_usage": True},
        "top_k": 3,
    }
    assert "authorization" not in asked.headers


async def test_steps_share_a_connection():
    async with serving(*[sse(delta("x"))] * 3) as (service, connections):
        for _ in range(3):
            await take(model(service, connections).step(HELLO))
        assert service.connected == 1


async def test_a_stream_that_is_not_ended_after_its_last_event_is_left():
    async def hold(writer, reader):
        writer.write(sse(delta("x")).replace(b"content-length: ", b"content-length: 9"))
        await reader.readexactly(1)

    async with serving(hold) as (service, connections):
        assert await take(model(service, connections).step(HELLO)) == [TextDelta("x")]
        await service.left.wait()


async def test_a_connection_that_the_server_gave_up_is_opened_anew():
    async def hang_up(writer, reader):
        writer.close()

    assert await text_of(HELLO, hang_up, sse(delta("x"))) == "x"


# -- text -----------------------------------------------------------------------------------------------------------


async def test_text_is_told_as_it_comes_and_the_usage_at_the_end():
    events, _ = await answer_to(
        HELLO,
        sse(
            b": a comment\n\n",
            delta(""),
            delta("Hel"),
            delta("lo"),
            {"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 2}},
        ),
    )
    assert events == [TextDelta("Hel"), TextDelta("lo"), TokenUsage(7, 2)]


async def test_events_may_be_cut_anywhere():
    whole = sse(delta("Grü"), delta("ße"))
    head, _, body = whole.partition(b"\r\n\r\n")

    async def trickle(writer, reader):
        writer.write(head + b"\r\n\r\n")
        for position in range(len(body)):
            writer.write(body[position : position + 1])
            await writer.drain()

    assert await text_of(HELLO, trickle) == "Grüße"


async def test_lines_may_end_as_they_like_and_the_last_may_not_end_at_all():
    lines = b"data:" + orjson.dumps(delta("a")) + b"\r\n\r\n" + b"data:  " + orjson.dumps(delta("b"))
    assert await text_of(HELLO, response(lines, kind="text/event-stream; charset=utf-8")) == "ab"


async def test_an_answer_that_is_not_streamed_is_an_answer():
    whole = {"choices": [{"message": {"role": "assistant", "content": "All at once."}}]}
    assert await text_of(HELLO, response(whole)) == "All at once."
    assert await text_of(HELLO, response(b"data: " + orjson.dumps(delta("x")) + b"\n\n", kind="text/plain")) == "x"


@pytest.mark.parametrize("pieces", [["<think>Hm. {</think>\n\nYes."], ["<th", "ink>H", "m</thi", "nk>", "\n", "Yes."]])
async def test_thoughts_are_not_spoken(pieces):
    assert await text_of(HELLO, sse(*(delta(piece) for piece in pieces))) == "Yes."


async def test_text_that_only_looks_like_a_beginning_is_told():
    assert await text_of(with_tools(), sse(delta("<"), delta("3 you"))) == "<3 you"
    assert await text_of(HELLO, sse(delta("{x}"))) == "{x}"


async def test_reasoning_beside_the_text_is_left_out():
    assert await text_of(HELLO, sse(delta(reasoning_content="Hm."), delta("Yes."))) == "Yes."


# -- tool calls -----------------------------------------------------------------------------------------------------


async def test_tool_calls_are_put_together_from_their_pieces():
    events, _ = await answer_to(
        with_tools(),
        sse(
            delta("One moment."),
            tool_delta(0, id="a", name="get_weather", arguments=""),
            tool_delta(0, arguments='{"city": "R'),
            tool_delta(1, id="b", name="get_weather", arguments='{"city": "Bonn"}'),
            tool_delta(0, arguments='ome"}'),
        ),
    )
    assert events == [
        TextDelta("One moment."),
        ToolCallRequested("get_weather", {"city": "Rome"}, "a"),
        ToolCallRequested("get_weather", {"city": "Bonn"}, "b"),
    ]


@pytest.mark.parametrize("arguments", ["", "null", '"{}"', {}, None])
async def test_a_call_without_arguments_has_none(arguments):
    events, _ = await answer_to(with_tools(), sse(tool_delta(0, name="get_weather", arguments=arguments)))
    assert events == [ToolCallRequested("get_weather", {})]


async def test_calls_that_are_not_numbered_are_told_apart_by_their_names():
    events, _ = await answer_to(
        with_tools(),
        sse(
            tool_delta(name="get_weather", arguments={"city": "Rome"}),
            tool_delta(name="get_weather", arguments='{"city": '),
            tool_delta(arguments='"Bonn"}'),
        ),
    )
    assert [event.arguments["city"] for event in events] == ["Rome", "Bonn"]


@pytest.mark.parametrize("arguments", ['{"city": "Ro', "[1]", "3"])
async def test_arguments_that_are_no_object_are_handed_on_as_they_were_written(arguments):
    events, _ = await answer_to(with_tools(), sse(tool_delta(0, name="get_weather", arguments=arguments)))
    assert events == [ToolCallRequested("get_weather", {}, unreadable=arguments)]


async def test_a_call_without_a_name_is_an_error():
    with pytest.raises(ProviderError, match="called a tool without naming it"):
        await answer_to(with_tools(), sse(tool_delta(0, arguments="{}")))


@pytest.mark.parametrize(
    "text",
    [
        '{"name": "get_weather", "arguments": {"city": "Rome"}}',
        ' [{"name": "get_weather", "parameters": {"city": "Rome"}}]',
        '```json\n{"name": "get_weather", "arguments": "{\\"city\\": \\"Rome\\"}"}\n```',
        '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Rome"}}\n</tool_call>',
        '{"type": "function", "function": {"name": "get_weather", "arguments": {"city": "Rome"}}}',
        '{"tool_calls": [{"function": {"name": "get_weather", "arguments": {"city": "Rome"}}}]}',
        '<think>Weather.</think>{"name": "get_weather", "arguments": {"city": "Rome"}}',
    ],
)
async def test_a_text_that_is_a_call_of_an_offered_tool_is_a_call(text):
    events, _ = await answer_to(with_tools(), sse(*(delta(char) for char in text)))
    assert events == [ToolCallRequested("get_weather", {"city": "Rome"})]


@pytest.mark.parametrize(
    "text",
    [
        '{"name": "other_tool", "arguments": {}}',
        '{"name": "get_weather", "arguments": {"city": "Rome"}} or so',
        '{"temperature": 3}',
        "[1, 2]",
        "```python\nprint()\n```",
        '<tool_call>{"name": "get_weather"}</tool_call> I hope',
    ],
)
async def test_a_text_that_is_anything_else_is_a_text(text):
    assert await text_of(with_tools(), sse(*(delta(char) for char in text))) == text


async def test_a_call_written_as_text_is_a_text_when_no_tools_are_offered():
    text = '{"name": "get_weather", "arguments": {}}'
    assert await text_of(HELLO, sse(delta(text))) == text


# -- failures -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"error": {"message": "No such model.", "code": 404}}, "No such model."),
        ({"error": "No such model."}, "No such model."),
        ({"detail": [{"msg": "No such model.", "loc": []}]}, "No such model."),
        (b"<html><h1>No such\n model.</h1>", "No such model."),
        (b"", "no reason given"),
    ],
)
async def test_a_refusal_says_who_refused_and_why(body, message):
    with pytest.raises(ProviderError) as caught:
        await answer_to(HELLO, response(body, "404 Not Found"), name="mine")
    assert caught.value.provider == "mine"
    assert f"/v1/chat/completions answered 404: {message}" in caught.value.message


@pytest.mark.parametrize("error", [{"error": {"message": "It broke."}}, {"error": "It broke."}])
async def test_an_error_inside_the_stream_comes_after_the_text_before_it(error):
    async with serving(sse(delta("Well"), error)) as (service, connections):
        stream = model(service, connections).step(HELLO)
        assert await anext(stream) == TextDelta("Well")
        with pytest.raises(ProviderError, match="failed: It broke"):
            await anext(stream)


async def test_nonsense_in_the_stream_is_an_error():
    with pytest.raises(ProviderError, match=r"no JSON: b'\{oops'"):
        await answer_to(HELLO, sse(b"data: {oops\n\n"))
    with pytest.raises(ProviderError, match="an object was expected"):
        await answer_to(HELLO, sse(b"data: 3\n\n"))


async def test_a_server_that_is_not_there_is_named():
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    connections = Connections()
    absent = OpenAIModel(ProviderSettings("openai", base_url=f"http://127.0.0.1:{port}/v1/"), connections)
    with pytest.raises(ProviderError, match=rf"http://127.0.0.1:{port}/v1/chat/completions cannot be reached"):
        await take(absent.step(HELLO))
    await connections.aclose()


async def test_a_server_that_says_nothing_is_given_up():
    async def silent(writer, reader):
        await reader.read()

    with pytest.raises(ProviderError, match=r"sent nothing for 0.05 s"):
        await answer_to(HELLO, silent, timeout_seconds=0.05)


async def test_a_stream_that_breaks_off_is_an_error():
    async def break_off(writer, reader):
        writer.write(sse(delta("Hel"), done=False)[:-1].replace(b"content-length: ", b"content-length: 9"))
        writer.close()

    with pytest.raises(ProviderError, match="broke off"):
        await answer_to(HELLO, break_off)


@pytest.mark.parametrize(
    ("refusal", "request_", "parameter"),
    [
        ("Unknown parameter: stream_options", HELLO, "stream_options"),
        ("'temperature' does not support 0", with_tools(temperature=0), "temperature"),
        ("reasoning_effort: extra inputs are not permitted", with_tools(reasoning_effort="low"), "reasoning_effort"),
        ("Use 'max_completion_tokens' instead", with_tools(max_tokens=9), "max_tokens"),
        ("response_format.type: json_schema is unknown", with_tools(response_schema={}), "response_format"),
    ],
)
async def test_a_parameter_that_a_server_refuses_is_not_sent_again(refusal, request_, parameter):
    no = response({"error": {"message": refusal}}, "400 Bad Request")
    async with serving(no, sse(delta("a")), sse(delta("b"))) as (service, connections):
        asking = model(service, connections)
        assert await take(asking.step(request_)) == [TextDelta("a")]
        assert await take(asking.step(request_)) == [TextDelta("b")]
        assert [parameter in asked.json for asked in service.asked] == [True, False, False]
        renamed = parameter == "max_tokens"
        assert [asked.json.get("max_completion_tokens") for asked in service.asked[1:]] == [9 if renamed else None] * 2


async def test_a_server_that_keeps_refusing_is_not_asked_for_ever():
    no = response({"error": "stream_options"}, "400 Bad Request")
    with pytest.raises(ProviderError, match="answered 400: stream_options"):
        await answer_to(HELLO, no, no)


async def test_closing_the_stream_hangs_up():
    async with serving(endless) as (service, connections):
        async with aclosing(model(service, connections).step(HELLO)) as stream:
            assert await anext(stream) == TextDelta("tick")
            assert not service.left.is_set()
        await service.left.wait()


async def test_cancelling_the_reader_hangs_up():
    async with serving(endless) as (service, connections):
        got = asyncio.Event()

        async def read():
            async with aclosing(model(service, connections).step(HELLO)) as stream:
                async for _ in stream:
                    got.set()

        task = asyncio.create_task(read())
        await got.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await service.left.wait()


async def endless(writer, reader):
    """One word, then nothing until the client has gone."""
    writer.write(sse(delta("tick"), done=False).replace(b"content-length: ", b"content-length: 9"))
    await writer.drain()
    await reader.readexactly(1)


# -- speech to text -------------------------------------------------------------------------------------------------


async def transcribe(pcm, *answers, **settings):
    async with serving(*answers) as (service, connections):
        made = ProviderSettings("openai", base_url=service.base_url, model="tiny", api_key="key")
        ear = OpenAISpeechToText(made, connections).open(TranscriptionSettings(**settings))
        for position in range(0, len(pcm), 640):
            ear.send(pcm[position : position + 640])
        found = await ear.transcribe()
        ear.reset()
        assert (await ear.transcribe()).text == ""
        await ear.aclose()
        return found.text, service.asked


async def test_a_turn_is_sent_as_one_wav_file():
    pcm = bytes(range(200)) * 32
    text, [asked] = await transcribe(
        pcm, response({"text": " Hello there. "}), language="de-CH", keywords=("Parola", "Hibari")
    )
    assert text == "Hello there."
    assert asked.path == "/v1/audio/transcriptions"
    assert asked.headers["authorization"] == "Bearer key"
    parts = asked.body.split(b"--" + asked.headers["content-type"].partition("boundary=")[2].encode())
    fields = {
        part.split(b'name="')[1].split(b'"')[0].decode(): part.split(b"\r\n\r\n", 1)[1][:-2] for part in parts[1:-1]
    }
    with wave.open(io.BytesIO(fields.pop("file"))) as wav:
        assert (wav.getnchannels(), wav.getsampwidth(), wav.getframerate()) == (1, 2, 16000)
        assert wav.readframes(wav.getnframes()) == pcm
    assert fields == {"model": b"tiny", "response_format": b"json", "language": b"de", "prompt": b"Parola, Hibari"}


async def test_a_failed_transcription_says_why():
    with pytest.raises(ProviderError, match="answered 500: Too loud"):
        await transcribe(b"\1\0", response({"error": "Too loud"}, "500 No"))
    with pytest.raises(ProviderError, match="was expected"):
        await transcribe(b"\1\0", response([]))


async def test_nothing_heard_is_not_sent():
    assert await transcribe(b"") == ("", [])


# -- text to speech -------------------------------------------------------------------------------------------------


def sound(seconds, rate=24000):
    return (8000 * np.sin(np.arange(int(seconds * rate)) / 9)).astype(np.int16).tobytes()


def chunked(*parts, kind="audio/pcm", then=None):
    async def answer(writer, reader):
        writer.write(f"HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ntransfer-encoding: chunked\r\n\r\n".encode())
        for part in parts:
            writer.write(f"{len(part):x}\r\n".encode() + part + b"\r\n")
            await writer.drain()
        if then is not None:
            await then(writer, reader)
        writer.write(b"0\r\n\r\n")

    return answer


async def speak(text, *answers, voice=None, **settings):
    async with serving(*answers) as (service, connections):
        made = ProviderSettings("openai", base_url=service.base_url, **settings)
        mouth = OpenAITextToSpeech(made, connections)
        await mouth.warm_up()
        chunks = await take(mouth.speak(text, voice or VoiceSettings()))
        return b"".join(chunk.pcm for chunk in chunks), {chunk.sample_rate for chunk in chunks}, service.asked


async def test_speech_is_asked_for_as_raw_pcm():
    pcm, rates, [asked] = await speak(
        "Hello.", chunked(sound(0.1)), model="kokoro", voice=VoiceSettings(voice="heart", speed=1.1)
    )
    assert asked.path == "/v1/audio/speech"
    assert asked.json == {
        "model": "kokoro",
        "input": "Hello.",
        "voice": "heart",
        "response_format": "pcm",
        "speed": 1.1,
    }
    assert sound(0.1).startswith(pcm)
    assert rates == {24000}


async def test_whole_samples_arrive_however_the_bytes_are_cut():
    audio = sound(0.2)
    cuts = [audio[:1], audio[1:2], audio[2:7], audio[7:1000], audio[1000:1001], audio[1001:]]
    pcm, _, _ = await speak("Hello.", chunked(*cuts))
    assert np.array_equal(np.frombuffer(pcm, np.int16), np.frombuffer(audio, np.int16)[: len(pcm) // 2])
    assert len(audio) - len(pcm) < 20


async def test_the_first_bytes_are_handed_on_before_the_last_have_been_made():
    async def hold(writer, reader):
        await reader.readexactly(1)

    async with serving(chunked(sound(0.1), then=hold)) as (service, connections):
        mouth = OpenAITextToSpeech(ProviderSettings("openai", base_url=service.base_url), connections)
        async with aclosing(mouth.speak("Hello.", VoiceSettings())) as stream:
            assert (await anext(stream)).pcm
        await service.left.wait()


async def test_silence_at_either_end_is_dropped_and_a_pause_is_kept():
    silence = bytes(2 * 24000)
    pcm, _, _ = await speak("Hi.", chunked(silence, silence + sound(0.1), silence, sound(0.1) + silence, silence))
    assert len(pcm) / 48000 == pytest.approx(0.1 + 1 + 0.1 + 0.02 + 0.06, abs=0.002)


async def test_only_silence_is_nothing():
    assert (await speak("Hi.", chunked(bytes(4800))))[0] == b""
    assert (await speak("Hi.", response(b"", kind="audio/pcm")))[0] == b""


async def test_a_wav_file_is_taken_apart():
    file = io.BytesIO()
    with wave.open(file, "wb") as wav:
        wav.setparams((1, 2, 16000, 0, "NONE", ""))
        wav.writeframes(sound(0.1, 16000))
    content = file.getvalue()
    pcm, rates, _ = await speak("Hi.", chunked(content[:3], content[3:30], content[30:], kind="audio/wav"))
    assert rates == {16000}
    assert sound(0.1, 16000).startswith(pcm)
    assert len(pcm) > 3000


async def test_other_formats_and_refusals_are_errors():
    with pytest.raises(ProviderError, match="answered audio/mpeg, where raw pcm"):
        await speak("Hi.", response(b"ID3", kind="audio/mpeg"))
    with pytest.raises(ProviderError, match="answered 400: No such voice"):
        await speak("Hi.", response({"error": {"message": "No such voice"}}, "400 Bad"))


@pytest.mark.parametrize("text", ["", "…", "😀"])
async def test_nothing_to_say_is_not_sent(text):
    assert await speak(text) == (b"", set(), [])


async def test_the_voices_are_those_that_the_owner_names():
    settings = ProviderSettings("openai", base_url="http://x", voice="a", options={"voices": ["b", "a"]})
    assert [voice.voice_id for voice in OpenAITextToSpeech(settings, Connections()).voices] == ["a", "b"]
    _, _, [asked] = await speak("Hi.", chunked(sound(0.1)), options={"voices": ["b"]})
    assert asked.json["voice"] == "b"
