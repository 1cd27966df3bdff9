"""The list of conversations that run, and its stream: what a dashboard shows of them while they do."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx2 as httpx

from tests.wire.servers import ServerProcess, agent
from tests.wire.tap import Tap
from tests.wire.test_live_control import TEXT, Desk
from tests.wire.test_python_sdk import Caller

LIVE = "/v1/x/conversations/live"
Tapped = Callable[[ServerProcess], Tap]


@contextmanager
def watching(parola: ServerProcess, agent_id: str) -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """A dashboard: reads the stream, whole list by whole list."""
    client = httpx.Client(base_url=parola.url, timeout=20, trust_env=False)
    headers = {"accept": "text/event-stream"}
    with client, client.stream("GET", LIVE, params={"agent_id": agent_id}, headers=headers) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        lines = answer.iter_lines()

        def next_list() -> list[dict[str, Any]]:
            for line in lines:
                if line.startswith("data: "):
                    found: list[dict[str, Any]] = json.loads(line.removeprefix("data: "))["conversations"]
                    return found
            raise AssertionError("the stream is over")

        yield next_list


def listed(parola: ServerProcess, agent_id: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = parola.http.get(LIVE, params={"agent_id": agent_id}).json()["conversations"]
    return found


def test_the_list_follows_what_happens(parola: ServerProcess, tapped: Tapped) -> None:
    agent_id = parola.create_agent(agent(first_message="Welcome.", config=TEXT))
    with watching(parola, agent_id) as next_list:
        assert next_list() == []
        with Caller(tapped(parola), agent_id, user_id="user-7") as caller:
            assert caller.hears("response") == "Welcome."
            assert caller.asks("Is it open?") == "I heard: Is it open?"
            (one,) = listed(parola, agent_id)
            assert abs(one.pop("started_at_unix_secs") - time.time()) < 60
            conversation_id = one.pop("conversation_id")
            assert one == {
                "agent_id": agent_id,
                "agent_name": "Wire",
                "is_voice": False,
                "user_id": "user-7",
                "status": "listening",
                "turns": 3,
                "last_message": {"role": "agent", "text": "I heard: Is it open?"},
                "taken_over_by": None,
                "operators": 0,
                "latency_secs": None,
            }
            with Desk(parola, conversation_id).attaches("operator", "&operator=Ann"):
                assert Desk(parola, conversation_id).does("takeover", operator="Ann").status_code == 202
                while not (found := next_list()) or found[0]["status"] != "taken_over":
                    pass
                assert (found[0]["taken_over_by"], found[0]["operators"]) == ("Ann", 1)
            while next_list()[0]["operators"]:
                pass
        while next_list():
            pass
    assert listed(parola, agent_id) == []


def test_words_that_are_not_to_be_kept_are_not_shown(parola: ServerProcess, tapped: Tapped) -> None:
    privacy: dict[str, Any]
    for privacy, user_id in (
        ({"zero_retention_mode": True}, None),
        ({"conversation_history_redaction": {"enabled": True}}, "user-7"),
    ):
        made = agent(first_message="Welcome.", config=TEXT, platform={"privacy": privacy})
        agent_id = parola.create_agent(made)
        with Caller(tapped(parola), agent_id, user_id="user-7") as caller:
            assert caller.hears("response") == "Welcome."
            (one,) = listed(parola, agent_id)
            assert (one["last_message"], one["user_id"], one["turns"]) == (None, user_id, 1)
