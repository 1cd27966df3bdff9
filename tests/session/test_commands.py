"""Who is told that a command holds finds it in the record, whatever becomes of the server; and that is bounded."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from parola.conversation.commands import AddContext, BeginTakeover, Command, EndCall, EndTakeover, ShowTyping
from parola.conversation.setup import Setup
from parola.errors import Conflict
from parola.protocol.server_messages import ClientEventFilter
from parola.session.noted_commands import MOST_NAMED, NotedCommands
from parola.session.session import Session
from parola.session.transport import Disconnected
from parola.store.base import ConversationChange, Conversations
from tests.virtual_time import run


class Slow:
    """A store that takes ten seconds for each write, or fails."""

    def __init__(self, *, fails: bool = False) -> None:
        self.fails = fails
        self.stored: dict[str, Any] = {}
        self.turns: list[str] = []

    async def write(self, conversation_id: str, change: ConversationChange) -> None:
        await asyncio.sleep(10)
        if self.fails:
            raise OSError("the disk is full")
        self.turns += [str(turn["message"]) for turn in change.turns.values()]
        self.stored.update((change.document or {}).get("metadata") or {})


class Line:
    """A client that stays, and what it gets: with the kinds of commands that were stored by then."""

    is_closed = False

    def __init__(self, store: Slow) -> None:
        self.store = store
        self.got: list[tuple[str, list[str]]] = []

    async def receive(self) -> Disconnected:
        await asyncio.Event().wait()
        raise AssertionError

    async def send(self, frame: str) -> None:
        kind = frame.partition('"type":"')[2].partition('"')[0]
        self.got.append((kind, [one["type"] for one in self.store.stored.get("x_commands") or ()]))

    async def close(self, code: int, reason: str) -> None:
        self.is_closed = True

    def drop(self) -> None:
        pass


def commanded(store: Slow, *commands: Command) -> tuple[Session, Line, list[tuple[float, list[str]]]]:
    """A conversation in which these are commanded; after how many seconds each was answered, with what was stored by
    then."""
    answers: list[tuple[float, list[str]]] = []

    async def tell() -> tuple[Session, Line]:
        line = Line(store)
        setup = Setup(
            conversation_id="conv_1",
            agent_id="agent_1",
            text_only=True,
            events=ClientEventFilter(None, text_only=True),
        )
        session = Session(
            setup, cast(Any, line), cast(Conversations, store), cast(Any, None), fetch_files=cast(Any, None)
        )
        running = asyncio.create_task(session.run())
        await asyncio.sleep(60)
        for command in commands:
            began_at = asyncio.get_running_loop().time()
            await session.commands.give(command, "crm")
            kinds = [one["type"] for one in store.stored.get("x_commands") or ()]
            answers.append((asyncio.get_running_loop().time() - began_at, kinds))
        session.end("done")
        await running
        return session, line

    return *run(tell()), answers


def test_a_command_is_answered_when_the_record_has_it_and_the_client_is_told_no_sooner() -> None:
    _, line, answers = commanded(Slow(), BeginTakeover("Ann"), ShowTyping(True), EndTakeover("Ann"))
    takeover, _, handback = answers
    assert takeover == (10, ["takeover_begin"])
    assert handback == (10, ["takeover_begin", "takeover_end"])
    told = dict(line.got)
    assert told["external_agent_connected"] == ["takeover_begin"]
    assert told["external_agent_disconnected"] == ["takeover_begin", "takeover_end"]


def test_what_ends_the_call_is_answered_when_it_is_stored() -> None:
    store = Slow()
    _, _, answers = commanded(store, AddContext("VIP"), EndCall("closing time", is_immediate=True))
    assert answers == [(10, ["contextual_update"]), (10, ["contextual_update", "end"])]
    assert store.turns == ["VIP"], "with its turn"


def test_what_could_not_be_stored_was_not_accepted() -> None:
    with pytest.raises(Conflict) as refused:
        commanded(Slow(fails=True), BeginTakeover("Ann"))
    assert refused.value.code == "conversation_not_active"


def test_the_record_names_the_person_and_the_call_of_a_tool() -> None:
    store = Slow()
    commanded(store, BeginTakeover("Ann"), EndTakeover("Bob", is_forced=True), EndCall())
    named = [(one["type"], one["by"], one.get("operator")) for one in store.stored["x_commands"]]
    assert named == [("takeover_begin", "crm", "Ann"), ("takeover_end", "crm", "Bob"), ("end", "crm", None)]
    assert store.stored["x_commands"][1]["forced_from"] == "Ann"


def test_a_thousand_notes_push_no_deed_out_of_the_record() -> None:
    noted = NotedCommands()
    noted.add({"type": "takeover_begin", "by": "Ann"})
    for number in range(MOST_NAMED + 7):
        noted.add({"type": "contextual_update", "by": "crm", "seq": number})
    noted.add({"type": "end", "by": "Bob"})
    told = noted.metadata()
    assert (told["x_commands"][0]["type"], told["x_commands"][-1]["type"]) == ("takeover_begin", "end")
    assert len(told["x_commands"]) == MOST_NAMED + 2 and told["x_commands_left_out"] == {"contextual_update": 7}
    for _ in range(MOST_NAMED):
        noted.add({"type": "takeover_begin", "by": "Eve"})
    told = noted.metadata()
    assert len(told["x_commands"]) == 2 * MOST_NAMED, "deeds are bounded too: the last ones are kept"
    assert told["x_commands_left_out"] == {"contextual_update": 7, "takeover_begin": 1, "end": 1}
