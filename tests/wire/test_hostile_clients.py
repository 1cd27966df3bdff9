"""Clients that break every rule: each gets a defined answer, and nobody else notices.

A bystander talks to the same server before and after every test.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import socket
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx2 as httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, ConnectionClosedError

from parola.api.credentials import Claims
from parola.providers.scripted_speech import encode_tones
from parola.session.thinking import MOST_CHARACTERS
from tests.wire.frames import RawClient
from tests.wire.servers import ALLOWING, ServerProcess, agent, client_tool, said

TEXT_ONLY = {"conversation_config_override": {"conversation": {"text_only": True}}}


@pytest.fixture(scope="module")
def listener(parola: ServerProcess) -> str:
    """The agent that everybody talks to."""
    return parola.create_agent(
        agent(
            {"when": "tool", "call": {"tool": "ask"}, "then": "Got it.", "otherwise": "No: {{result}}"},
            {"when": "quietly", "call": {"tool": "tell"}, "then": "Told."},
            tools=[client_tool("ask"), client_tool("tell", expects_response=False)],
        )
    )


@pytest.fixture(scope="module")
def keeping(tmp_path_factory: pytest.TempPathFactory, scripted_speech: list[str]) -> Iterator[ServerProcess]:
    """A server with a data folder, where everything takes its time."""
    with ServerProcess("--data", str(tmp_path_factory.mktemp("kept")), *scripted_speech) as server:
        yield server


@pytest.fixture(autouse=True)
async def bystander(parola: ServerProcess, listener: str) -> AsyncIterator[None]:
    """Somebody else's conversation on the same server."""
    async with RawClient(parola.socket_of(listener)) as other:
        await other.begin(**TEXT_ONLY)
        assert await other.answer("before") == "I heard: before"
        yield
        assert await other.answer("after") == "I heard: after"


async def refused(url: str, init: Any = None, **options: Any) -> tuple[int, str]:
    """Call, begin, and be turned away: the close. Nothing else may have come."""
    async with RawClient(url, **options) as client:
        if init is not None:
            await client.send(init)
        close = await client.closed()
        assert client.frames == [], client.frames
        return close


def nested(levels: int) -> str:
    return "[" * levels + "]" * levels


# -- frames that end the conversation ---------------------------------------------------------------------------------

BROKEN_FRAMES = {
    "text that is not JSON": ("hello", "not JSON"),
    "half an object": ('{"type":"user_message","text":"Hi"', "not JSON"),
    "nothing": ("", "not JSON"),
    "a list": ("[]", "Expected a JSON object, got a list"),
    "a string": ('"user_message"', "Expected a JSON object, got a string"),
    "a number": ("17", "Expected a JSON object, got a number"),
    "null": ("null", "Expected a JSON object, got null"),
    "not a number": ('{"type":"pong","event_id":NaN}', "not JSON"),
    "5,000 levels": ('{"type":"contextual_update","text":' + nested(5000) + "}", "not JSON"),
    "101 levels": ('{"type":"weather_report","depth":' + nested(100) + "}", "100 levels"),
    "a huge pong": ('{"type":"pong","event_id":' + "9" * 30 + "}", "event_id"),
    "feedback with a huge number": (
        '{"type":"feedback","event_id":99999999999999999999999,"score":"like"}',
        "event_id",
    ),
    "no type": ('{"text":"Hi"}', '"type"'),
    "a type that is a number": ('{"type":5}', '"type"'),
    "a message without its text": ('{"type":"contextual_update"}', "contextual_update"),
    "a text that is a list": ('{"type":"user_message","text":["Hi"]}', "user_message"),
    "a pong without its number": ('{"type":"pong","event_id":"soon"}', "pong"),
    "a tool result without its call": ('{"type":"client_tool_result","result":"x"}', "tool_call_id"),
    "a text without an end": ('{"type":"user_message","text":"' + "x" * 1_000_001 + '"}', "at most 1000000 characters"),
    "an unknown rating": ('{"type":"feedback","event_id":1,"score":"superb"}', "score"),
    "wrong base64": ('{"user_audio_chunk":"!!!!"}', "base64"),
    "base64 cut short": ('{"user_audio_chunk":"AAA"}', "base64"),
    "audio that is a number": ('{"user_audio_chunk":17}', "user_audio_chunk"),
    "a binary frame": (b"\x00\x01\x02", "binary frame of 3 bytes"),
}


@pytest.mark.parametrize("name", BROKEN_FRAMES)
async def test_a_broken_frame_is_explained_and_ends_the_conversation(parola, listener, name):
    frame, explanation = BROKEN_FRAMES[name]
    async with RawClient(parola.socket_of(listener)) as client:
        metadata = await client.begin()
        await client.send(frame)
        error = await client.next("error")
        code, reason = await client.closed()
    assert code == error["code"] == 1008
    assert error["error_type"] in ("invalid_message", "missing_fields")
    assert explanation in error["message"] and explanation[:40] in reason
    record = parola.ended_record(metadata["conversation_id"])
    assert record["status"] == "failed" and explanation in record["metadata"]["termination_reason"]


@pytest.mark.parametrize("name", BROKEN_FRAMES)
async def test_a_broken_first_frame_is_refused_with_the_reason(parola, listener, name):
    frame, explanation = BROKEN_FRAMES[name]
    async with RawClient(parola.socket_of(listener)) as client:
        await client.send(frame)
        code, reason = await client.closed()
    assert code == 1008
    assert explanation[:40] in reason


async def test_a_frame_of_17_mib_closes_the_connection_as_too_big(parola, listener):
    async with RawClient(parola.socket_of(listener), compression=None) as client:
        metadata = await client.begin()
        with contextlib.suppress(ConnectionClosed):  # the server may hang up before it has been sent
            await client.send({"user_audio_chunk": "A" * (17 * 1024 * 1024)})
        code, _ = await client.closed()
    assert code == 1009
    record = parola.ended_record(metadata["conversation_id"])
    assert record["metadata"]["termination_reason"]


# -- frames that are let pass -----------------------------------------------------------------------------------------

HARMLESS_FRAMES = {
    "an unknown type": '{"type":"weather_report","text":"rain"}',
    "a second beginning": '{"type":"conversation_initiation_client_data","dynamic_variables":{"name":"Ann"}}',
    "a second handshake": '{"type":"enclave_setup_config","agent_config_dict":{}}',
    "the result of a call nobody made": '{"type":"client_tool_result","tool_call_id":"x","result":"y"}',
    "a pong to no ping": '{"type":"pong","event_id":999}',
    "feedback on nothing": '{"type":"feedback","event_id":99999,"score":"like"}',
    "an approval of nothing": '{"type":"mcp_tool_approval_result","tool_call_id":"x","is_approved":true}',
    "a message without words": '{"type":"user_message","text":null}',
    "a message of white space": '{"type":"user_message","text":"   "}',
    "a file that does not exist": '{"type":"multimodal_message","text":{"type":"user_message","text":""},"files":[]}',
    "activity": '{"type":"user_activity","more":[1,2,3]}',
    "audio in a text conversation": '{"user_audio_chunk":"AAAA"}',
    "no audio at all": '{"user_audio_chunk":""}',
    "a very deep thing of an unknown type": '{"type":"weather_report","depth":' + nested(90) + "}",
    "a huge number of an unknown type": '{"type":"weather_report","rain":' + "9" * 300 + "}",
}


@pytest.mark.parametrize("name", HARMLESS_FRAMES)
async def test_a_harmless_frame_changes_nothing(parola, listener, name):
    async with RawClient(parola.socket_of(listener)) as client:
        await client.begin(**TEXT_ONLY)
        await client.send(HARMLESS_FRAMES[name])
        assert await client.answer("Hello") == "I heard: Hello"
        assert len(client.of("agent_response")) == 1


@pytest.mark.parametrize("text", ["a\u0000b", "\u202e right to left", "🏳️‍🌈" * 100, "x" * 1_000_000], ids=repr)
async def test_any_text_is_answered_and_kept(parola, listener, text):
    async with RawClient(parola.socket_of(listener)) as client:
        metadata = await client.begin(**TEXT_ONLY)
        assert await client.answer(text) == f"I heard: {text.strip()}"[:MOST_CHARACTERS]
    assert said(parola.ended_record(metadata["conversation_id"]))[0] == ("user", text)


@pytest.mark.parametrize(
    "result",
    [
        "9" * 400,
        "-" + "9" * 25,
        '{"a":' * 300 + "1" + "}" * 300,
        nested(1000),
        "1e400",
        '"' + "x" * 200_000 + '"',
        "null",
    ],
    ids=lambda text: text[:12],
)
async def test_a_monstrous_tool_result_is_either_used_or_refused_with_a_reason(parola, listener, result):
    async with RawClient(parola.socket_of(listener)) as client:
        metadata = await client.begin(**TEXT_ONLY)
        await client.say("tool")
        call = await client.next("client_tool_call")
        frame = f'{{"type":"client_tool_result","tool_call_id":"{call["tool_call_id"]}","result":{result}}}'
        await client.send(frame)
        await _answered_or_refused(client)
    assert parola.ended_record(metadata["conversation_id"])["metadata"]["termination_reason"]


async def _answered_or_refused(client: RawClient) -> None:
    """The server either goes on or says 1008; it never fails itself."""
    answer = asyncio.ensure_future(client.next("agent_response"))
    closed = asyncio.ensure_future(client.closed())
    await asyncio.wait({answer, closed}, return_when=asyncio.FIRST_COMPLETED)
    if answer.done() and answer.exception() is None:
        closed.cancel()
    else:
        answer.cancel()
        assert (await closed)[0] == 1008
    await asyncio.gather(answer, closed, return_exceptions=True)


async def test_a_tool_result_that_comes_twice_counts_once(parola, listener):
    async with RawClient(parola.socket_of(listener)) as client:
        await client.begin(**TEXT_ONLY)
        await client.say("tool")
        call = await client.next("client_tool_call")
        for result in ("first", "second"):
            await client.send({"type": "client_tool_result", "tool_call_id": call["tool_call_id"], "result": result})
        assert (await client.next("agent_response"))["agent_response"] == "Got it."
        assert await client.answer("Hello") == "I heard: Hello"
        assert len(client.of("agent_tool_response")) == 1


# -- how a conversation may begin -------------------------------------------------------------------------------------


async def test_a_client_that_begins_with_a_message_is_answered(parola, listener):
    async with RawClient(parola.socket_of(listener)) as client:
        assert await client.answer("Hello") == "I heard: Hello"


async def test_a_client_that_begins_with_audio_is_heard(parola, listener):
    async with RawClient(parola.socket_of(listener)) as client:
        await client.send({"user_audio_chunk": base64.b64encode(bytes(800)).decode()})
        metadata = await client.next("conversation_initiation_metadata", timeout=2)
        assert metadata["user_input_audio_format"] == "pcm_16000"


async def test_a_client_that_says_nothing_is_served_after_three_seconds(parola):
    agent_id = parola.create_agent(agent(first_message="Hello?"))
    started_at = time.monotonic()
    async with RawClient(parola.socket_of(agent_id)) as client:
        await client.next("conversation_initiation_metadata")
        assert 2.5 < time.monotonic() - started_at < 6
        assert (await client.next("agent_response"))["agent_response"] == "Hello?"


async def test_audio_in_odd_pieces_is_joined(parola, listener):
    samples, _ = encode_tones("good morning", 0.03, 16000)
    pcm = samples.tobytes() + bytes(32000)
    async with RawClient(parola.socket_of(listener)) as client:
        await client.begin()
        for start in range(0, len(pcm), 777):
            await client.send({"user_audio_chunk": base64.b64encode(pcm[start : start + 777]).decode()})
        assert (await client.next("user_transcript"))["user_transcript"] == "good morning"


@pytest.mark.parametrize(
    "override",
    [
        {"text_only": True},
        {"conversation": {"text_only": True}},
        {"conversation": {"text_only": True}, "text_only": True},
    ],
)
async def test_text_only_is_understood_in_every_spelling(parola, override):
    agent_id = parola.create_agent(agent(first_message="Hello."))
    async with RawClient(parola.socket_of(agent_id)) as client:
        metadata = await client.begin(conversation_config_override=override)
        assert (await client.next("agent_response"))["agent_response"] == "Hello."
        assert await client.answer("Hi") == "I heard: Hi"
        assert not client.of("audio") and not client.of("asr_initiation_metadata")
    assert parola.ended_record(metadata["conversation_id"])["metadata"]["text_only"] is True


WRONG_BEGINNINGS: dict[str, dict[str, Any]] = {
    "an override that is text": {"conversation_config_override": "polite"},
    "an override that is a list": {"conversation_config_override": [1]},
    "a section that is text": {"conversation_config_override": {"agent": "polite"}},
    "a prompt that is text": {"conversation_config_override": {"agent": {"prompt": "polite"}}},
    "a language that is an object": {"conversation_config_override": {"agent": {"language": {"en": 1}}}},
    "a language that is a list": {"conversation_config_override": {"agent": {"language": ["en"]}}},
    "a voice that is a number": {"conversation_config_override": {"tts": {"voice_id": 5}}},
    "text_only that is an object": {"conversation_config_override": {"text_only": {"really": True}}},
    "client events that are a number": {"conversation_config_override": {"conversation": {"client_events": 5}}},
    "variables that are a list": {"dynamic_variables": ["name"]},
    "a variable of the system": {"dynamic_variables": {"system__time": "now"}},
    "a user that is a number": {"user_id": 5},
    "a source that is text": {"source_info": "me"},
    "a mock that is text": {"tool_mock_config": "all"},
    "a forbidden extra body": {"custom_llm_extra_body": {"temperature": 2}},
}


@pytest.mark.parametrize("name", WRONG_BEGINNINGS)
async def test_a_beginning_of_the_wrong_kind_is_refused_with_the_reason(parola, name):
    agent_id = parola.create_agent(agent(platform=ALLOWING))
    init = {"type": "conversation_initiation_client_data", **WRONG_BEGINNINGS[name]}
    code, reason = await refused(parola.socket_of(agent_id), init)
    assert code == 1008 and "Internal" not in reason


@pytest.mark.parametrize(
    "value", [nested(300), nested(1000), "9" * 400, '{"a":' * 500 + "1" + "}" * 500], ids=lambda v: v[:9]
)
@pytest.mark.parametrize(
    "where", ["dynamic_variables", "custom_llm_extra_body", "conversation_config_override", "later"]
)
async def test_a_monstrous_value_in_the_beginning_is_either_kept_or_refused(parola, where, value):
    platform = {"overrides": {"custom_llm_extra_body": True}}
    agent_id = parola.create_agent(agent(first_message="Hello.", platform=platform))
    init = f'{{"type":"conversation_initiation_client_data","{where}":{{"thing":{value}}}}}'
    async with RawClient(parola.socket_of(agent_id)) as client:
        await client.send(init)
        await _answered_or_refused(client)


async def test_every_missing_variable_is_named(parola):
    agent_id = parola.create_agent(agent(first_message="Hello {{name}} from {{town}}."))
    init = {"type": "conversation_initiation_client_data", "dynamic_variables": {"name": "Ann"}}
    code, reason = await refused(parola.socket_of(agent_id), init)
    assert code == 1008 and "'town'" in reason and "'name'" not in reason


# -- the door ---------------------------------------------------------------------------------------------------------


async def test_without_an_agent_there_is_no_conversation(parola):
    code, reason = await refused(parola.ws)
    assert code == 1008 and "agent_id" in reason


async def test_an_unknown_agent_is_named_as_such(parola):
    close = await refused(f"{parola.ws}?agent_id=agent_nobody")
    assert close == (1008, "The AI agent you are trying to reach does not exist.")


@pytest.mark.parametrize(
    "query", ["agent_id=%00", "agent_id=%F0%9F%8C%8D", "agent_id=" + "x" * 3000, "agent_id=a&agent_id=b", "agent_id"]
)
async def test_a_strange_agent_id_is_refused_with_a_reason(parola, query):
    code, reason = await refused(f"{parola.ws}?{query}")
    assert code == 1008 and reason


@pytest.mark.parametrize("signature", ["", "x", "a.b.c", "é", "%00", "A" * 3000])
@pytest.mark.parametrize("parameter", ["conversation_signature", "token"])
async def test_a_bad_signature_opens_nothing(parola, parameter, signature):
    agent_id = parola.create_agent(agent(platform={"auth": {"enable_auth": True}}))
    code, reason = await refused(f"{parola.socket_of(agent_id)}&{parameter}={signature}")
    assert code == 3000 and reason.startswith("Could not authorize the conversation")


async def test_a_signed_url_of_another_agent_opens_nothing(parola):
    mine, other = (parola.create_agent(agent(platform={"auth": {"enable_auth": True}})) for _ in range(2))
    signed = parola.http.get("/v1/convai/conversation/get-signed-url", params={"agent_id": mine}).json()["signed_url"]
    code, _ = await refused(signed.replace(f"agent_id={mine}", f"agent_id={other}"))
    assert code == 3000


async def test_a_single_use_url_opens_one_conversation(parola):
    agent_id = parola.create_agent(agent(first_message="Come in.", platform={"auth": {"enable_auth": True}}))
    query = {"agent_id": agent_id, "include_conversation_id": True}
    signed = parola.http.get("/v1/convai/conversation/get-signed-url", params=query).json()["signed_url"]
    async with RawClient(signed) as client:
        metadata = await client.begin(**TEXT_ONLY)
        assert metadata["conversation_id"] in signed
    code, reason = await refused(signed)
    assert code == 3000 and "used" in reason
    assert parola.ended_record(metadata["conversation_id"])["status"] == "done"


async def test_an_ordinary_signed_url_opens_many(parola):
    agent_id = parola.create_agent(agent(first_message="Come in.", platform={"auth": {"enable_auth": True}}))
    signed = parola.http.get("/v1/convai/conversation/get-signed-url", params={"agent_id": agent_id}).json()[
        "signed_url"
    ]
    for _ in range(2):
        async with RawClient(signed) as client:
            await client.begin(**TEXT_ONLY)


async def test_an_expired_url_opens_nothing(start_server):
    server = start_server()
    services = server.app.state.services
    agents = asyncio.run_coroutine_threadsafe(services.store.agents.page(page_size=1), server.loop)
    agent_id = (await asyncio.wrap_future(agents)).items[0].agent_id
    token = services.credentials.sign(Claims(agent_id=agent_id, expires_at=time.time() - 1))
    code, reason = await refused(
        f"{server.socket_url}/v1/convai/conversation?agent_id={agent_id}&conversation_signature={token}"
    )
    assert code == 3000 and "expired" in reason


@pytest.mark.parametrize(
    ("origin", "code"),
    [
        ("https://app.example", None),
        ("https://APP.example", None),
        ("http://localhost:3000", None),
        (None, None),
        ("https://evil.example", 3000),
        ("https://sub.app.example", 3000),
        ("https://app.example:8443", 3000),
        ("http://localhost", 3000),
        ("null", 3000),
    ],
)
async def test_only_listed_origins_may_call(parola, origin, code):
    platform = {"auth": {"allowlist": [{"hostname": "app.example"}, {"hostname": "localhost:3000"}]}}
    agent_id = parola.create_agent(agent(first_message="Hello.", platform=platform))
    options = {} if origin is None else {"origin": origin}
    if code is not None:
        assert (await refused(parola.socket_of(agent_id), **options))[0] == code
        return
    async with RawClient(parola.socket_of(agent_id), **options) as client:
        await client.begin(**TEXT_ONLY)


async def test_the_concurrency_limit_turns_away_the_next_and_frees_its_place(parola):
    agent_id = parola.create_agent(agent(platform={"call_limits": {"agent_concurrency_limit": 1}}))
    url = parola.socket_of(agent_id)
    async with RawClient(url) as first:
        metadata = await first.begin(**TEXT_ONLY)
        code, reason = await refused(url, {"type": "conversation_initiation_client_data"})
        assert code == 3008 and "1" in reason
        assert await first.answer("Still me") == "I heard: Still me"
    parola.ended_record(metadata["conversation_id"])
    async with RawClient(url) as next_one:
        await next_one.begin(**TEXT_ONLY)


async def test_the_concurrency_limit_holds_when_all_come_at_once(keeping):
    agent_id = keeping.create_agent(agent(platform={"call_limits": {"agent_concurrency_limit": 2}}))
    async with contextlib.AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(RawClient(keeping.socket_of(agent_id))) for _ in range(12)]
        await asyncio.gather(*(client.send({"type": "conversation_initiation_client_data"}) for client in clients))
        turned_away = [asyncio.ensure_future(client.closed()) for client in clients]
        await asyncio.wait(turned_away, timeout=1)
        assert [task.result()[0] for task in turned_away if task.done()] == [3008] * 10
        for task in turned_away:
            task.cancel()


async def test_a_reserved_conversation_ends_when_the_client_hangs_up_before_it_begins(parola):
    query = {"agent_id": parola.create_agent(agent()), "include_conversation_id": True}
    signed = parola.http.get("/v1/convai/conversation/get-signed-url", params=query).json()["signed_url"]
    async with connect(signed):
        pass
    record = parola.ended_record(signed.partition("conversation_id=")[2].partition("&")[0])
    assert record["status"] == "failed"
    assert record["metadata"]["termination_reason"] == "The client left before the conversation began"


async def test_half_an_emoji_is_let_pass(parola, listener):
    """JavaScript cuts texts between the halves of a pair, and sends what is left as an escape."""
    async with RawClient(parola.socket_of(listener)) as client:
        await client.begin(**TEXT_ONLY)
        await client.send('{"type":"user_message","text":"cut \\ud83d, whole \\ud83d\\ude00, a path \\\\ud83d"}')
        answer = await client.next("agent_response")
        assert answer["agent_response"] == "I heard: cut \ufffd, whole \U0001f600, a path \\ud83d"


async def test_files_sent_all_at_once_are_counted(keeping):
    config = {"conversation": {"file_input": {"enabled": True, "max_files_per_conversation": 3}}}
    async with RawClient(keeping.socket_of(keeping.create_agent(agent(config=config)))) as client:
        metadata = await client.begin(**TEXT_ONLY)
        url = f"{keeping.url}/v1/convai/conversations/{metadata['conversation_id']}/files"
        async with httpx.AsyncClient(trust_env=False) as http:
            sent = (http.post(url, files={"file": ("a.txt", b"a", "text/plain")}) for _ in range(12))
            codes = [answer.status_code for answer in await asyncio.gather(*sent)]
    assert sorted(codes) == [200] * 3 + [429] * 9


async def test_an_agent_brought_along_that_is_none_is_refused_with_what_is_wrong(scripted_speech):
    documents = [
        {"conversation_config": {}, "platform_settings": "x"},
        {"conversation_config": {"agent": "x"}},
        {"conversation_config": {"language_presets": [1]}},
        {"conversation_config": {"agent": {"prompt": "x"}}},
    ]
    with ServerProcess("--ephemeral", "--enclave", *scripted_speech) as server:
        for document in documents:
            begin = {"agent_config_dict": document, "prompt_knowledge_base": ["Open at nine."]}
            async with RawClient(server.ws) as client:
                await client.send({"type": "enclave_setup_config", **begin})
                code, reason = await client.closed()
            assert code == 1008 and reason.startswith("agent_config_dict."), reason


# -- clients that behave like no client -------------------------------------------------------------------------------


async def test_a_client_that_never_pongs_is_served_all_the_same(parola, listener):
    async with RawClient(parola.socket_of(listener), pongs=False) as client:
        await client.begin(**TEXT_ONLY)
        await client.next("ping", lambda ping: ping["event_id"] == 2)
        assert await client.answer("Hello") == "I heard: Hello"
        assert all(ping["ping_ms"] is None for ping in client.of("ping"))


async def test_a_connection_that_is_cut_ends_the_conversation(parola, listener):
    client = RawClient(parola.socket_of(listener))
    async with client:
        metadata = await client.begin(**TEXT_ONLY)
        assert await client.answer("Hello") == "I heard: Hello"
        client.socket.transport.abort()
    record = parola.ended_record(metadata["conversation_id"])
    assert record["status"] == "done"
    assert record["metadata"]["termination_reason"].startswith("Client disconnected")
    assert said(record) == [("user", "Hello"), ("agent", "I heard: Hello")]


async def test_a_connection_cut_in_the_middle_of_an_answer_keeps_what_was_said(parola):
    agent_id = parola.create_agent(agent({"when": "story", "say": "One two three four five six.", "rate": 5}))
    async with RawClient(parola.socket_of(agent_id)) as client:
        metadata = await client.begin(**TEXT_ONLY)
        await client.say("story")
        await client.next("agent_chat_response_part", lambda part: part["type"] == "delta")
        client.socket.transport.abort()
    record = parola.ended_record(metadata["conversation_id"])
    assert said(record)[0] == ("user", "story")
    assert said(record)[1][1].startswith("One")


async def test_a_client_that_connects_and_leaves_at_once_leaves_nothing_behind(parola, listener):
    for _ in range(20):
        async with RawClient(parola.socket_of(listener)) as client:
            client.socket.transport.abort()
    assert "not_started" not in parola.log and "session_failed" not in parola.log


async def test_a_client_that_stops_reading_is_given_up_after_a_while(parola):
    agent_id = parola.create_agent(agent())
    with socket.socket() as plain:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        plain.setblocking(False)
        await asyncio.get_running_loop().sock_connect(plain, ("127.0.0.1", parola.port))
        # Nobody ever calls `recv`: after one frame the library stops reading from the network.
        deaf = await connect(parola.socket_of(agent_id), sock=plain, ping_interval=None, max_queue=1)
        await deaf.send(json.dumps({"type": "conversation_initiation_client_data", **TEXT_ONLY}))
        for number in range(60):  # each is answered before the next: more is to be read than any buffer holds
            await deaf.send(json.dumps({"type": "user_message", "text": "x" * 190_000}))
            listed = await asyncio.to_thread(parola.listed, agent_id, messages=2 * (number + 1))
        record = await asyncio.to_thread(parola.ended_record, listed["conversation_id"], 45)
        with pytest.raises(ConnectionClosedError):  # what was on its way is read, and then there is no line any more
            async with asyncio.timeout(20):
                while True:
                    await deaf.recv()
    assert record["metadata"]["termination_reason"] == "Client disconnected: it stopped reading"


async def test_a_flood_of_messages_is_answered_in_the_end(parola, listener):
    async with RawClient(parola.socket_of(listener)) as client:
        metadata = await client.begin(**TEXT_ONLY)
        for number in range(500):
            await client.say(f"message {number}")
        await client.next("agent_response", lambda said: said["agent_response"] == "I heard: message 499")
    users = [message for role, message in said(parola.ended_record(metadata["conversation_id"])) if role == "user"]
    assert users == [f"message {number}" for number in range(500)]


async def test_a_flood_of_audio_is_swallowed(parola, listener):
    chunk = json.dumps({"user_audio_chunk": base64.b64encode(bytes(8000)).decode()})
    async with RawClient(parola.socket_of(listener)) as client:
        await client.begin()
        for _ in range(1000):
            await client.send(chunk)
        assert await client.answer("Hello") == "I heard: Hello"


async def test_nothing_that_was_done_here_made_the_server_fail(parola):
    for line in parola.log.splitlines():
        assert not any(bad in line for bad in ("session_failed", "not_started", "Traceback", "exception=")), line
