"""Messages are found by their words and by what they are about; records are exported as they are."""

from __future__ import annotations

import json
from collections import OrderedDict
from typing import Any

import pytest
from starlette.testclient import TestClient

from parola.api import conversation_search
from parola.errors import ModelMissing
from parola.providers.scripted_embedding import ScriptedEmbedder
from tests.api.test_conversations import CONVERSATIONS, change, get, keep, services

SEARCH = f"{CONVERSATIONS}/messages/text-search"


def say(client: TestClient, conversation_id: str, started_at: float, *messages: str, **fields: Any) -> None:
    keep(client, conversation_id, started_at=started_at, **fields)
    turns = {index: {"role": "user", "message": message} for index, message in enumerate(messages)}
    change(client, conversation_id, turns=turns)


def found(client: TestClient, url: str) -> list[tuple[str, int]]:
    """All pages of a search."""
    results: list[tuple[str, int]] = []
    cursor = ""
    while True:
        page = client.get(f"{url}{cursor}").json()
        results += [(one["conversation_id"], one["transcript_index"]) for one in page["results"]]
        if not page["has_more"]:
            return results
        cursor = f"&cursor={page['next_cursor']}"


def test_messages_are_found_by_all_words_newest_conversation_first(client: TestClient) -> None:
    say(client, "c1", 1000.0, "The soup is cold", "Hot soup, please", "Nothing")
    say(client, "c2", 2000.0, "soup", "a cold day, no SOUP at all", agent_id="agent_2")
    say(client, "c3", 3000.0, "cold")
    assert found(client, f"{SEARCH}?text_query=soup") == [("c2", 0), ("c2", 1), ("c1", 0), ("c1", 1)]
    assert found(client, f"{SEARCH}?text_query=cold+Soup") == [("c2", 1), ("c1", 0)]
    assert found(client, f"{SEARCH}?text_query=soup&agent_id=agent_2") == [("c2", 0), ("c2", 1)]
    for size in (1, 2, 3):
        paged = found(client, f"{SEARCH}?text_query=soup&page_size={size}")
        assert paged == [("c2", 0), ("c2", 1), ("c1", 0), ("c1", 1)]


def test_a_message_says_where_the_words_are(client: TestClient) -> None:
    say(client, "c1", 1000.0, "Hot soup, please")
    (one,) = client.get(f"{SEARCH}?text_query=SOUP").json()["results"]
    assert one["chunk_highlights"] == [
        {"value": "Hot ", "is_hit": False},
        {"value": "soup", "is_hit": True},
        {"value": ", please", "is_hit": False},
    ]
    assert one["score"] == 1.0 and one["conversation_start_time_unix_secs"] == 1000
    assert client.get(f"{SEARCH}?text_query=soup&cursor=nonsense").status_code == 400
    assert client.get(SEARCH).status_code == 422


def test_what_is_about_the_same_is_found_without_the_word(client: TestClient) -> None:
    embedder = ScriptedEmbedder()
    services(client).registry.embedder = lambda _: type("Chosen", (), {"provider": embedder})  # type: ignore[method-assign]
    say(client, "c1", 1000.0, "the soup is cold", "I want to cancel my order")
    say(client, "c2", 2000.0, "cancel my order please")
    page = client.get(f"{CONVERSATIONS}/messages/smart-search?text_query=cancel+order&page_size=2").json()
    assert page["meta"]["x_ranked_by"] == "embedding" and page["meta"]["x_compared"] == 3
    assert {(one["conversation_id"], one["transcript_index"]) for one in page["results"]} == {("c1", 1), ("c2", 0)}
    assert [one["score"] for one in page["results"]] == sorted((one["score"] for one in page["results"]), reverse=True)


def test_records_are_exported_one_a_line_with_the_filters_of_the_list(client: TestClient) -> None:
    for number in range(5):
        say(client, f"c{number}", 1000.0 + number, f"message {number}", document={"tag_ids": ["even"][number % 2 :]})
    answer = client.get("/v1/x/conversations/export?tag_ids=even")
    assert answer.headers["content-type"] == "application/x-ndjson"
    records = [json.loads(line) for line in answer.text.splitlines()]
    assert [record["conversation_id"] for record in records] == ["c4", "c2", "c0"]
    assert records[1] == get(client, "c2")
    assert len(client.get("/v1/x/conversations/export").text.splitlines()) == 5


def test_a_smart_search_answers_in_time_and_gets_further_when_it_is_asked_again(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversation_search, "EMBEDDING_SECONDS", 0.0)
    monkeypatch.setattr(conversation_search, "EMBEDDED_AT_ONCE", 2)
    embedder = ScriptedEmbedder()
    services(client).registry.embedder = lambda _: type("Chosen", (), {"provider": embedder})  # type: ignore[method-assign]
    say(client, "c1", 1000.0, *(f"slow order {client.base_url} {number}" for number in range(5)))
    url = f"{CONVERSATIONS}/messages/smart-search?text_query=slow"
    monkeypatch.setattr(conversation_search, "_vectors", OrderedDict())
    assert [client.get(url).json()["meta"]["x_compared"] for _ in range(4)] == [2, 4, 5, 5]


def test_without_an_embedding_model_common_words_rank(client: TestClient) -> None:
    def none_installed(_: str) -> Any:
        raise ModelMissing("no model")

    services(client).registry.embedder = none_installed  # type: ignore[method-assign]
    say(client, "c1", 1000.0, "cancel my order", "cancel that", "hello")
    page = client.get(f"{CONVERSATIONS}/messages/smart-search?text_query=cancel+order").json()
    assert [(one["transcript_index"], one["score"]) for one in page["results"]] == [(0, 1.0), (1, 0.5)]
    assert page["meta"]["x_ranked_by"] == "words"
