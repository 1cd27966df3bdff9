"""The official Python SDK as it is, on the telephone: text, tools, credentials, voice."""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Iterator
from typing import Any, Self

import pytest
from elevenlabs.client import ElevenLabs
from elevenlabs.conversational_ai.conversation import (
    AgentChatResponsePartType,
    AsyncConversation,
    ClientTools,
    Conversation,
    ConversationInitiationData,
    DisconnectionDetails,
    OnPremInitiationData,
)
from elevenlabs.core.api_error import ApiError

from tests.wire.frames import TIMEOUT
from tests.wire.servers import ALLOWING, END_CALL, ServerProcess, agent, client_tool, said
from tests.wire.tap import Call, Tap


class Caller:
    """A synchronous ``Conversation`` whose callbacks all write into one queue."""

    def __init__(self, tap: Tap, agent_id: str, *, api_key: str = "any", requires_auth: bool = False, **options: Any):
        self.heard: queue.Queue[tuple[str, Any]] = queue.Queue()
        self._tap = tap
        self._index = len(tap.calls)

        def tell(kind: str) -> Any:
            return lambda *values: self.heard.put((kind, values[0] if len(values) == 1 else values))

        self.conversation = Conversation(
            ElevenLabs(api_key=api_key, base_url=tap.url),
            agent_id,
            requires_auth=requires_auth,
            callback_agent_response=tell("response"),
            callback_agent_response_correction=tell("correction"),
            callback_agent_chat_response_part=tell("part"),
            callback_user_transcript=tell("transcript"),
            callback_latency_measurement=tell("latency"),
            callback_audio_alignment=tell("alignment"),
            callback_disconnect=tell("disconnect"),
            **options,
        )

    def __enter__(self) -> Self:
        self.conversation.start_session()
        return self

    def __exit__(self, *_: object) -> None:
        self.conversation.end_session()
        self.conversation.wait_for_session_end()

    @property
    def call(self) -> Call:
        return self._tap.call(self._index)

    def began(self) -> Call:
        """Wait until the server has begun the conversation and the SDK has answered its first ping.

        A conversation of a few milliseconds can be over before it does; the SDK then drops what it has not read.
        """
        call = self.call
        call.ponged()
        return call

    def hears(self, kind: str, timeout: float = TIMEOUT) -> Any:
        """What the next callback of a kind was told; the others before it are dropped."""
        deadline = time.monotonic() + timeout
        while True:
            heard, value = self.heard.get(timeout=max(0.0, deadline - time.monotonic()))
            if heard == kind:
                return value

    def asks(self, text: str) -> str:
        """Say something, return the answer."""
        self.conversation.send_user_message(text)
        return str(self.hears("response"))

    def hangs_up(self) -> str:
        """End the session, return the conversation's id."""
        self.conversation.end_session()
        conversation_id = self.conversation.wait_for_session_end()
        assert conversation_id is not None
        return conversation_id


def init_frame(call: Call) -> dict[str, Any]:
    return call.sent_of("conversation_initiation_client_data")[0]


# -- text -------------------------------------------------------------------------------------------------------------


@pytest.mark.client("python", "text")
def test_a_text_conversation_of_several_turns_is_told_and_stored_word_for_word(parola, tap):
    rules = [
        {"when": "hours", "say": "We open at nine. We close at five."},
        {"when": "thanks", "say": "You are welcome."},
    ]
    agent_id = parola.create_agent(agent(*rules, first_message="Hello, this is Parola."))
    with Caller(tap, agent_id, user_id="user-7") as caller:
        assert caller.hears("response") == "Hello, this is Parola."
        assert caller.asks("What are your hours?") == "We open at nine. We close at five."
        assert caller.asks("Thanks!") == "You are welcome."
        assert caller.asks("Grüße 🌍") == "I heard: Grüße 🌍"
        conversation_id = caller.hangs_up()
        assert caller.hears("disconnect") == DisconnectionDetails(reason="user")
    record = parola.ended_record(conversation_id)
    assert said(record) == [
        ("agent", "Hello, this is Parola."),
        ("user", "What are your hours?"),
        ("agent", "We open at nine. We close at five."),
        ("user", "Thanks!"),
        ("agent", "You are welcome."),
        ("user", "Grüße 🌍"),
        ("agent", "I heard: Grüße 🌍"),
    ]
    assert (record["status"], record["user_id"]) == ("done", "user-7")
    assert record["metadata"]["text_only"] is True
    assert record["metadata"]["conversation_initiation_source"] == "python_sdk"
    assert caller.call.of("audio") == []


def test_chat_parts_stream_the_answer_between_a_start_and_a_stop(parola, tap):
    agent_id = parola.create_agent(agent({"when": "count", "say": "One two three four five."}))
    with Caller(tap, agent_id) as caller:
        caller.began()
        caller.conversation.send_user_message("Count, please")
        parts = [caller.hears("part")]
        while parts[-1][1] is not AgentChatResponsePartType.STOP:
            parts.append(caller.hears("part"))
    kinds = [kind for _, kind in parts]
    assert kinds[0] is AgentChatResponsePartType.START and kinds.count(AgentChatResponsePartType.DELTA) >= 2
    assert "".join(text for text, _ in parts) == "One two three four five."


def test_the_first_pings_have_no_latency_and_the_callback_survives_that(parola, tap):
    with Caller(tap, parola.create_agent(agent())) as caller:
        call = caller.began()
        assert call.next("ping")["ping_ms"] is None
        assert isinstance(call.next("ping", count=2)["ping_ms"], int)
        assert caller.asks("Still there?") == "I heard: Still there?"
    assert [pong["event_id"] for pong in call.sent_of("pong")][:2] == [1, 2]


def test_contextual_updates_are_kept_and_activity_disturbs_nobody(parola, tap):
    with Caller(tap, parola.create_agent(agent())) as caller:
        caller.began()
        caller.conversation.send_contextual_update("The user looks at the price list.")
        caller.conversation.register_user_activity()
        assert caller.asks("Hello") == "I heard: Hello"
        conversation_id = caller.hangs_up()
    record = parola.ended_record(conversation_id)
    assert "The user looks at the price list." in str(record["transcript"])
    assert [message for role, message in said(record) if role == "agent"] == ["I heard: Hello"]


def test_two_messages_in_a_row_are_both_kept_and_the_last_is_answered(parola, tap):
    agent_id = parola.create_agent(agent({"when": "slow", "say": "Too late.", "delay": 30}))
    with Caller(tap, agent_id) as caller:
        caller.began()
        caller.conversation.send_user_message("slow")
        assert caller.asks("quick") == "I heard: quick"
        conversation_id = caller.hangs_up()
    assert [m for role, m in said(parola.ended_record(conversation_id)) if role == "user"] == ["slow", "quick"]


# -- tools ------------------------------------------------------------------------------------------------------------

TOOL_AGENT = agent(
    *(
        {
            "when": name,
            "say": "One moment.",
            "call": {"tool": name, "arguments": {"city": "Bern"}},
            "then": "Got {{result}}",
            "otherwise": "Failed: {{result}}",
        }
        for name in ("plain", "later", "broken", "object", "list", "zero", "nothing", "missing", "quiet")
    ),
    {
        "when": "both",
        "call": [{"tool": "plain", "arguments": {"city": "Bern"}}, {"tool": "later", "arguments": {"city": "Rome"}}],
        "then": "Both are done.",
    },
    tools=[
        client_tool(name, city="string")
        for name in ("plain", "later", "broken", "object", "list", "zero", "nothing", "missing")
    ]
    + [client_tool("quiet", expects_response=False, city="string")],
)


def sunny(parameters: dict[str, Any]) -> str:
    return f"sunny in {parameters['city']}"


async def rainy(parameters: dict[str, Any]) -> str:
    await asyncio.sleep(0)
    return f"rainy in {parameters['city']}"


def breaks(_: dict[str, Any]) -> None:
    raise RuntimeError("the barometer fell off the wall")


def weather_tools(loop: asyncio.AbstractEventLoop | None = None) -> ClientTools:
    tools = ClientTools(loop)
    tools.register("plain", sunny)
    tools.register("later", rainy, is_async=True)
    tools.register("broken", breaks)
    tools.register("object", lambda _: {"degrees": 21, "wind": ["north", 3]})
    tools.register("list", lambda _: [1, "two", None])
    tools.register("zero", lambda _: 0)
    tools.register("nothing", lambda _: None)
    tools.register("quiet", sunny)
    return tools


TOOL_RESULTS = {
    "plain": ("sunny in Bern", False),
    "later": ("rainy in Bern", False),
    "broken": ("the barometer fell off the wall", True),
    "object": ('{"degrees":21,"wind":["north",3]}', False),
    "list": ('[1,"two",null]', False),
    "zero": ("Client tool: zero called successfully.", False),
    "nothing": ("Client tool: nothing called successfully.", False),
    "missing": ("Tool 'missing' is not registered", True),
}
"""What the record keeps of each tool: result, is it an error."""


def results_of(record: dict[str, Any]) -> dict[str, tuple[str, bool]]:
    """The tool results of a record by the tool's name."""
    found = [result for turn in record["transcript"] for result in turn.get("tool_results") or ()]
    return {result["tool_name"]: (result["result_value"], result["is_error"]) for result in found}


@pytest.fixture(scope="module")
def tool_agent(parola: ServerProcess) -> str:
    return parola.create_agent(TOOL_AGENT)


@pytest.mark.client("python", "tools")
def test_every_kind_of_tool_result_reaches_the_agent_and_the_record(parola, tap, tool_agent):
    with Caller(tap, tool_agent, client_tools=weather_tools()) as caller:
        caller.began()
        for name, (result, is_error) in TOOL_RESULTS.items():
            assert caller.asks(name) == "One moment."
            answer = caller.hears("response")
            assert answer.startswith("Failed: " if is_error else "Got "), (name, answer)
            if result[0] not in "[{":
                assert result in answer
        conversation_id = caller.hangs_up()
    assert results_of(parola.ended_record(conversation_id)) == TOOL_RESULTS
    calls = caller.call.of("client_tool_call")
    assert [call["expects_response"] for call in calls] == [True] * len(TOOL_RESULTS)
    assert all(call["parameters"] == {"city": "Bern"} for call in calls)


def test_a_tool_that_expects_no_response_is_called_and_nobody_waits(parola, tap, tool_agent):
    with Caller(tap, tool_agent, client_tools=weather_tools()) as caller:
        caller.began()
        assert caller.asks("quiet") == "One moment."
        assert caller.hears("response").startswith("Got ")
        assert caller.call.of("client_tool_call")[0]["expects_response"] is False
        assert caller.asks("hello") == "I heard: hello"  # the result that came all the same disturbed nobody


def test_two_tools_in_one_step_are_answered_together(parola, tap, tool_agent):
    with Caller(tap, tool_agent, client_tools=weather_tools()) as caller:
        caller.began()
        assert caller.asks("both") == "Both are done."
        conversation_id = caller.hangs_up()
    results = results_of(parola.ended_record(conversation_id))
    assert results == {"plain": ("sunny in Bern", False), "later": ("rainy in Rome", False)}
    ids = [call["tool_call_id"] for call in caller.call.of("client_tool_call")]
    assert len(set(ids)) == 2


def test_a_tool_that_never_answers_times_out_and_the_agent_says_so(parola, tap):
    document = agent(
        {"when": "wait", "call": {"tool": "stuck"}, "then": "Never said.", "otherwise": "It took too long."},
        tools=[client_tool("stuck", timeout=1)],
    )
    release = threading.Event()
    tools = ClientTools()
    tools.register("stuck", lambda _: release.wait(TIMEOUT))
    with Caller(tap, parola.create_agent(document), client_tools=tools) as caller:
        caller.began()
        assert caller.asks("wait") == "It took too long."
        release.set()
        assert caller.asks("hello") == "I heard: hello"  # the late result was ignored


# -- how a conversation begins ----------------------------------------------------------------------------------------


def test_dynamic_variables_fill_the_first_message_and_a_missing_one_is_named(parola, tap):
    agent_id = parola.create_agent(agent(first_message="Hello {{name}}, you have {{count}} parcels."))
    config = ConversationInitiationData(dynamic_variables={"name": "Ann", "count": 2})
    with Caller(tap, agent_id, config=config) as caller:
        assert caller.hears("response") == "Hello Ann, you have 2 parcels."
    with Caller(tap, agent_id, config=ConversationInitiationData(dynamic_variables={"name": "Ann"})) as caller:
        details = caller.hears("disconnect")
    assert (details.reason, details.close_code) == ("error", 1008)
    assert "count" in details.close_reason and "name" not in details.close_reason.replace("dynamic", "")


def test_an_allowed_override_applies(parola, tap):
    agent_id = parola.create_agent(agent(first_message="Hello.", platform=ALLOWING))
    override = {"agent": {"first_message": "Hi Ann.", "prompt": {"prompt": "Be brief."}}}
    config = ConversationInitiationData(conversation_config_override=override)
    with Caller(tap, agent_id, config=config) as caller:
        assert caller.hears("response") == "Hi Ann."
    assert init_frame(caller.call)["conversation_config_override"] == {**override, "text_only": True}


def test_a_forbidden_override_ends_the_session_with_the_reason_and_a_record(parola, tap, caplog):
    agent_id = parola.create_agent(agent(first_message="Hello."))
    config = ConversationInitiationData(conversation_config_override={"agent": {"prompt": {"prompt": "Be rude."}}})
    with Caller(tap, agent_id, config=config) as caller:
        details = caller.hears("disconnect")
    reason = "Override for field 'prompt' is not allowed by config."
    assert (details.reason, details.close_code, details.close_reason) == ("error", 1008, reason)
    assert reason in caplog.text  # the SDK logs it
    listed = parola.http.get("/v1/convai/conversations", params={"agent_id": agent_id}).json()["conversations"]
    assert [item["status"] for item in listed] == ["failed"]
    assert "prompt" in listed[0]["termination_reason"]


def test_an_unknown_agent_is_refused_with_the_reason(parola, tap):
    with Caller(tap, "agent_nobody") as caller:
        details = caller.hears("disconnect")
    assert details.close_code == 1008
    assert details.close_reason == "The AI agent you are trying to reach does not exist."


# -- how a conversation ends ------------------------------------------------------------------------------------------


def test_when_the_agent_ends_the_call_the_goodbye_comes_first(parola, tap):
    rule = {"when": "bye", "say": "Goodbye, Ann.", "call": {"tool": "end_call", "arguments": {"reason": "All said"}}}
    agent_id = parola.create_agent(agent(rule, tools=[END_CALL]))
    with Caller(tap, agent_id) as caller:
        caller.began()
        assert caller.asks("bye") == "Goodbye, Ann."
        details = caller.hears("disconnect")
        conversation_id = caller.conversation.wait_for_session_end()
    assert (details.reason, details.close_code) == ("agent", 1000)
    kinds = [frame["type"] for frame in caller.call.checker.frames]
    assert kinds.index("agent_response") < kinds.index("agent_tool_response")
    record = parola.ended_record(conversation_id)
    assert record["status"] == "done" and "All said" in record["metadata"]["termination_reason"]


def test_the_last_words_of_end_call_itself_are_said(parola, tap):
    call = {"tool": "end_call", "arguments": {"reason": "done", "message": "Take care!"}}
    agent_id = parola.create_agent(agent({"when": "bye", "call": call}, tools=[END_CALL]))
    with Caller(tap, agent_id) as caller:
        caller.began()
        assert caller.asks("bye") == "Take care!"
        assert caller.hears("disconnect").reason == "agent"


def test_a_server_that_stops_says_so(scripted_speech, tapped):
    with ServerProcess("--ephemeral", *scripted_speech) as server:
        agent_id = server.create_agent(agent(first_message="Hello."))
        with Caller(tapped(server), agent_id) as caller:
            assert caller.hears("response") == "Hello."
            server.stop()
            details = caller.hears("disconnect")
    assert details.close_code == 1001 and details.close_reason


# -- credentials ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def guarded(scripted_speech: list[str]) -> Iterator[tuple[ServerProcess, str]]:
    """A server that has an API key, and the key."""
    with ServerProcess("--ephemeral", *scripted_speech) as server:
        key = server.http.post("/v1/x/api-keys", json={"name": "wire"}).json()["api_key"]
        server.http.headers["xi-api-key"] = key
        yield server, key


@pytest.mark.client("python", "signed")
def test_a_private_agent_opens_with_a_signed_url_that_the_key_obtains(guarded, tapped):
    server, key = guarded
    agent_id = server.create_agent(agent(first_message="Come in.", platform={"auth": {"enable_auth": True}}))
    with Caller(tapped(server), agent_id, api_key=key, requires_auth=True) as caller:
        assert caller.hears("response") == "Come in."
        conversation_id = caller.hangs_up()
    assert "conversation_signature=" in caller.call.path or "token=" in caller.call.path
    assert server.ended_record(conversation_id)["metadata"]["authorization_method"] == "signed_url"


def test_a_private_agent_is_closed_to_those_without_a_signed_url(guarded, tapped):
    server, _ = guarded
    agent_id = server.create_agent(agent(platform={"auth": {"enable_auth": True}}))
    with Caller(tapped(server), agent_id) as caller:
        details = caller.hears("disconnect")
    assert (details.reason, details.close_code) == ("error", 3000)
    assert details.close_reason.startswith("Could not authorize the conversation")


def test_a_wrong_key_obtains_no_signed_url(guarded, tapped):
    server, _ = guarded
    agent_id = server.create_agent(agent(platform={"auth": {"enable_auth": True}}))
    caller = Caller(tapped(server), agent_id, api_key="wrong", requires_auth=True)
    with pytest.raises(ApiError) as refused:
        caller.conversation.start_session()
    caller.conversation.client_tools.stop()
    assert refused.value.status_code == 401


# -- the self-hosted handshake ----------------------------------------------------------------------------------------


def on_prem(tap: Tap, **setup: Any) -> OnPremInitiationData:
    url = f"{tap.url.replace('http', 'ws')}/v1/convai/conversation"
    return OnPremInitiationData(on_prem_conversation_url=url, **setup)


def test_a_client_may_bring_its_own_agent_and_tools_when_the_server_allows_it(scripted_speech, tapped):
    rule = {"when": "weather", "call": {"tool": "plain", "arguments": {"city": "Bern"}}, "then": "Got {{result}}"}
    document = agent(rule, first_message="I came along.")
    document["conversation_config"]["agent"]["prompt"]["tool_ids"] = ["tool_1"]
    tools = [{"id": "tool_1", "tool_config": client_tool("plain", city="string")}]
    with ServerProcess("--ephemeral", "--enclave", *scripted_speech) as server:
        tap = tapped(server)
        config = on_prem(
            tap, agent_config_dict=document, tools_config_list=tools, prompt_knowledge_base=["Bern rains."]
        )
        with Caller(tap, "ignored", on_prem_config=config, client_tools=weather_tools()) as caller:
            assert caller.hears("response") == "I came along."
            assert caller.asks("weather") == "Got sunny in Bern"
            conversation_id = caller.hangs_up()
        assert server.ended_record(conversation_id)["status"] == "done"


def test_a_server_that_does_not_allow_it_names_the_flag(parola, tap):
    with Caller(tap, "ignored", on_prem_config=on_prem(tap, agent_config_dict=agent())) as caller:
        details = caller.hears("disconnect")
    assert details.close_code == 1008
    assert details.close_reason


# -- the asynchronous client ------------------------------------------------------------------------------------------


class AsyncCaller:
    """An ``AsyncConversation`` whose callbacks all write into one queue."""

    def __init__(self, tap: Tap, agent_id: str, *, requires_auth: bool = False, api_key: str = "any", **options: Any):
        self.heard: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()
        self._tap = tap
        self._index = len(tap.calls)

        def tell(kind: str) -> Any:
            async def told(*values: Any) -> None:
                self.heard.put_nowait((kind, values[0] if len(values) == 1 else values))

            return told

        self.conversation = AsyncConversation(
            ElevenLabs(api_key=api_key, base_url=tap.url),
            agent_id,
            requires_auth=requires_auth,
            callback_agent_response=tell("response"),
            callback_agent_response_correction=tell("correction"),
            callback_agent_chat_response_part=tell("part"),
            callback_user_transcript=tell("transcript"),
            callback_latency_measurement=tell("latency"),
            callback_audio_alignment=tell("alignment"),
            callback_disconnect=tell("disconnect"),
            **options,
        )

    async def __aenter__(self) -> Self:
        await self.conversation.start_session()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.conversation.end_session()
        await asyncio.gather(self.conversation.wait_for_session_end(), return_exceptions=True)

    @property
    def call(self) -> Call:
        return self._tap.call(self._index)

    async def began(self) -> Call:
        call = await asyncio.to_thread(self._tap.call, self._index)
        await asyncio.to_thread(call.ponged)
        return call

    async def hears(self, kind: str) -> Any:
        async with asyncio.timeout(TIMEOUT):
            while True:
                heard, value = await self.heard.get()
                if heard == kind:
                    return value

    async def asks(self, text: str) -> str:
        await self.conversation.send_user_message(text)
        return str(await self.hears("response"))


async def test_the_asynchronous_client_converses_in_text(parola, tap):
    agent_id = parola.create_agent(agent({"when": "hours", "say": "At nine."}, first_message="Hello."))
    async with AsyncCaller(tap, agent_id) as caller:
        assert await caller.hears("response") == "Hello."
        await caller.conversation.send_contextual_update("The user is in Bern.")
        await caller.conversation.register_user_activity()
        assert await caller.asks("What hours?") == "At nine."
        assert await caller.asks("And then?") == "I heard: And then?"
        await caller.conversation.end_session()
        conversation_id = await caller.conversation.wait_for_session_end()
        assert await caller.hears("disconnect") == DisconnectionDetails(reason="user")
    record = parola.ended_record(conversation_id)
    assert record["status"] == "done" and len(record["transcript"]) >= 5


async def test_the_asynchronous_client_runs_tools_on_its_own_loop(parola, tap, tool_agent):
    tools = weather_tools(asyncio.get_running_loop())
    async with AsyncCaller(tap, tool_agent, client_tools=tools) as caller:
        await caller.began()
        for name, (_, is_error) in TOOL_RESULTS.items():
            assert await caller.asks(name) == "One moment."
            assert (await caller.hears("response")).startswith("Failed: " if is_error else "Got ")


async def test_the_asynchronous_client_is_told_when_the_agent_hangs_up(parola, tap):
    rule = {"when": "bye", "say": "Goodbye.", "call": {"tool": "end_call", "arguments": {"reason": "done"}}}
    async with AsyncCaller(tap, parola.create_agent(agent(rule, tools=[END_CALL]))) as caller:
        await caller.began()
        assert await caller.asks("bye") == "Goodbye."
        details = await caller.hears("disconnect")
        assert (details.reason, details.close_code) == ("agent", 1000)


async def test_the_asynchronous_client_opens_a_private_agent_with_a_signed_url(guarded, tapped):
    server, key = guarded
    agent_id = server.create_agent(agent(first_message="Come in.", platform={"auth": {"enable_auth": True}}))
    async with AsyncCaller(tapped(server), agent_id, api_key=key, requires_auth=True) as caller:
        assert await caller.hears("response") == "Come in."


async def test_the_asynchronous_client_is_told_why_it_was_refused(parola, tap):
    config = ConversationInitiationData(conversation_config_override={"tts": {"voice_id": "somebody"}})
    async with AsyncCaller(tap, parola.create_agent(agent()), config=config) as caller:
        details = await caller.hears("disconnect")
        assert (details.reason, details.close_code) == ("error", 1008)
        assert details.close_reason == "Override for field 'voice_id' is not allowed by config."
