"""Documents over the wire: the official SDK uploads and indexes them, the model gets what a question is about."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from elevenlabs.client import ElevenLabs
from elevenlabs.conversational_ai.conversation import ConversationInitiationData
from pytest_httpserver import HTTPServer

from tests.wire.servers import ServerProcess
from tests.wire.tap import Tap
from tests.wire.test_custom_llm import Brain, thinking
from tests.wire.test_python_sdk import Caller

MODEL = "e5_mistral_7b_instruct"

SUBJECTS = {
    "wine": "The red wine of the house comes from a small village in Umbria and is poured from the barrel.",
    "parking": "The parking garage behind the house costs five euros a day, and is closed at midnight.",
    "dogs": "Dogs are welcome on the ground floor, where a bowl of water waits beside every table.",
    "E-4711": "When the coffee machine shows error E-4711, its filter is blocked and has to be rinsed.",
}

HOUSE = "\n\n".join(f"# {name}\n\n{text} " + f"More about {name} is told by the staff. " * 40
                    for name, text in SUBJECTS.items())  # fmt: skip
"""Each subject long enough for chunks of its own."""


@pytest.fixture(scope="module")
def searching(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server whose embeddings are scripted."""
    file = tmp_path_factory.mktemp("rag") / "words.toml"
    file.write_text('[embedding.default]\nprovider = "scripted"\ndimensions = 1024\n', encoding="utf-8")
    with ServerProcess("--ephemeral", "--config", str(file)) as server:
        yield server


@pytest.fixture
def brain(httpserver: HTTPServer) -> Brain:
    return Brain(httpserver)


def sdk(server: ServerProcess) -> ElevenLabs:
    return ElevenLabs(api_key="any", base_url=server.url)


def uploaded(server: ServerProcess, text: str = HOUSE, *, is_indexed: bool = True) -> str:
    """The id of a new document, once it can be searched."""
    base = sdk(server).conversational_ai.knowledge_base
    document_id = base.documents.create_from_text(text=text, name="House").id
    deadline = time.monotonic() + 20
    while is_indexed:
        index = base.document.compute_rag_index(document_id, model=MODEL)
        if index.status == "succeeded":
            break
        assert time.monotonic() < deadline and index.status in ("created", "processing"), index
        time.sleep(0.02)
    return document_id


def knowing(brain: Brain, document_id: str, *, usage_mode: str = "auto", **more: Any) -> dict[str, Any]:
    """An agent of ``brain`` that knows the document."""
    locator = {"type": "text", "id": document_id, "name": "House", "usage_mode": usage_mode}
    rag = {"enabled": True, "embedding_model": MODEL, "max_vector_distance": 0.95, "max_retrieved_rag_chunks_count": 1}
    document = thinking(brain, prompt="Help.", knowledge_base=[locator], rag={**rag, **more.pop("rag", {})})
    document["conversation_config"]["conversation"] |= more
    return document


def talked(server: ServerProcess, tap: Tap, agent: dict[str, Any], *questions: str) -> tuple[list[str], dict[str, Any]]:
    """The answers, and the record."""
    with Caller(tap, server.create_agent(agent)) as caller:
        caller.began()
        answers = [caller.asks(question) for question in questions]
        conversation_id = caller.hangs_up()
    return answers, server.ended_record(conversation_id)


@pytest.mark.parametrize(
    ("question", "subject"), [("Where does the red wine of the house come from?", "wine"), ("E-4711?", "E-4711")]
)
def test_the_model_gets_the_chunk_that_a_question_is_about(
    searching: ServerProcess, tapped: Any, brain: Brain, question: str, subject: str
) -> None:
    brain.says("I see.")
    agent = knowing(brain, uploaded(searching))
    answers, record = talked(searching, tapped(searching), agent, question)
    system, passage, user = brain.asked[0]["messages"]
    assert answers == ["I see."] and user == {"role": "user", "content": question}
    assert system["content"] == "Help."
    assert passage["role"] == "system" and SUBJECTS[subject] in passage["content"]

    turn = record["transcript"][-1]
    assert turn["message"] == "I see." and SUBJECTS[subject] not in str(record["transcript"])
    info = turn["rag_retrieval_info"]
    assert info["retrieval_query"] == question and info["embedding_model"] == MODEL
    assert [chunk["chunk_id"] for chunk in info["chunks"]] == info["used_chunk_ids"] and len(info["chunks"]) == 1
    assert record["metadata"]["rag_usage"] == {"usage_count": 1, "embedding_model": MODEL}
    assert not any("EMBEDDING" in warning for warning in record["metadata"]["warnings"]), "every agent names it"

    chunk = sdk(searching).conversational_ai.knowledge_base.documents.chunk.get(
        info["chunks"][0]["document_id"], info["used_chunk_ids"][0], embedding_model=MODEL
    )
    assert SUBJECTS[subject] in chunk.content
    stored = sdk(searching).conversational_ai.conversations.get(record["conversation_id"])
    assert stored.transcript[-1].rag_retrieval_info is not None


def indexes_of(server: ServerProcess, document_id: str) -> list[dict[str, Any]]:
    """Once there is one, and it is made."""
    deadline = time.monotonic() + 20
    while True:
        found = server.http.get(f"/v1/convai/knowledge-base/{document_id}/rag-index").json()["indexes"]
        if found and found[0]["status"] == "succeeded":
            return found
        assert time.monotonic() < deadline, found
        time.sleep(0.02)


def test_nobody_has_to_ask_for_the_index_of_what_an_agent_searches(
    searching: ServerProcess, tapped: Any, brain: Brain
) -> None:
    document_id = uploaded(searching, is_indexed=False)
    other_id = uploaded(searching, HOUSE + " It is old.", is_indexed=False)
    agent = knowing(brain, document_id)
    whole = {"type": "text", "id": other_id, "name": "Old", "usage_mode": "prompt"}
    agent["conversation_config"]["agent"]["prompt"]["knowledge_base"].append(whole)
    agent_id = searching.create_agent(agent)
    assert [index["model"] for index in indexes_of(searching, document_id)] == [MODEL]
    assert searching.http.get(f"/v1/convai/knowledge-base/{other_id}/rag-index").json() == {"indexes": []}

    whole["usage_mode"] = "auto"
    change = {"conversation_config": {"agent": {"prompt": {"knowledge_base": [whole]}}}}
    assert searching.http.patch(f"/v1/convai/agents/{agent_id}", json=change).status_code == 200
    assert len(indexes_of(searching, other_id)) == 1


def test_a_document_that_comes_into_a_folder_later_is_indexed_when_a_conversation_misses_it(
    searching: ServerProcess, tapped: Any, brain: Brain
) -> None:
    documents = sdk(searching).conversational_ai.knowledge_base.documents
    folder = searching.http.post("/v1/convai/knowledge-base/folder", json={"name": "All"}).json()["id"]
    agent = knowing(brain, folder)
    agent["conversation_config"]["agent"]["prompt"]["knowledge_base"][0]["type"] = "folder"
    agent_id = searching.create_agent(agent)
    document_id = documents.create_from_text(text=HOUSE, name="House", parent_folder_id=folder).id
    with Caller(tapped(searching), agent_id) as caller:
        caller.began()
    indexes_of(searching, document_id)
    with Caller(tapped(searching), agent_id) as caller:
        caller.began()
        caller.asks("Where does the red wine of the house come from?")
    assert SUBJECTS["wine"] in brain.asked[-1]["messages"][1]["content"]


def test_what_was_found_is_not_remembered_in_the_next_turn(searching: ServerProcess, tapped: Any, brain: Brain) -> None:
    agent = knowing(brain, uploaded(searching))
    questions = ("Where does the red wine of the house come from?", "And what about the parking garage of the house?")
    _, record = talked(searching, tapped(searching), agent, *questions)
    second = brain.asked[1]["messages"]
    assert [message["role"] for message in second] == ["system", "user", "assistant", "system", "user"]
    assert SUBJECTS["parking"] in second[3]["content"] and SUBJECTS["wine"] not in str(second)
    assert record["metadata"]["rag_usage"]["usage_count"] == 2


def test_what_would_be_found_can_be_asked_for(searching: ServerProcess, brain: Brain) -> None:
    document_id = uploaded(searching)
    agent_id = searching.create_agent(knowing(brain, document_id))
    path = f"/v1/convai/agents/{agent_id}/knowledge-base/rag-query"
    answer = searching.http.post(path, json={"query": "Where is the red wine of the house from?"})
    assert answer.status_code == 200, answer.text
    (chunk,) = answer.json()["chunks"]
    assert answer.json()["retrieval_query"] == "Where is the red wine of the house from?"
    assert (chunk["document_id"], chunk["document_name"], chunk["document_type"]) == (document_id, "House", "text")
    assert SUBJECTS["wine"] in chunk["text"] and 0 < chunk["vector_distance"] < 0.95
    assert searching.http.post(path, json={}).status_code == 422
    assert searching.http.post(path.replace(agent_id, "agent_none"), json={"query": "x"}).status_code == 404


def test_a_whole_document_stands_in_the_prompt(searching: ServerProcess, tapped: Any, brain: Brain) -> None:
    agent = knowing(brain, uploaded(searching, is_indexed=False), usage_mode="prompt")
    _, record = talked(searching, tapped(searching), agent, "Where does the wine come from?")
    system, user = brain.asked[0]["messages"]
    assert system["content"].startswith("Help.\n\n# Knowledge base") and user["role"] == "user"
    assert all(text in system["content"] for text in SUBJECTS.values())
    assert record["metadata"]["rag_usage"] is None and record["transcript"][-1]["rag_retrieval_info"] is None


def test_the_sources_that_the_model_names_are_in_the_record(
    searching: ServerProcess, tapped: Any, brain: Brain
) -> None:
    document_id = uploaded(searching)
    brain.says("From Umbria. ", "<sour", f"ces>{document_id}</sources>")
    agent = knowing(brain, document_id, source_attribution=True)
    answers, record = talked(searching, tapped(searching), agent, "Where does the red wine of the house come from?")
    assert answers == ["From Umbria."] and record["transcript"][-1]["message"] == "From Umbria."
    assert record["transcript"][-1]["used_static_kb_document_ids"] == [document_id]
    assert "<sources>" in brain.asked[0]["messages"][0]["content"]


def test_a_client_may_bring_other_documents_where_the_agent_allows_it(
    searching: ServerProcess, brain: Brain, tapped: Any
) -> None:
    agent = knowing(brain, uploaded(searching, is_indexed=False), usage_mode="prompt")
    permission = {"agent": {"prompt": {"knowledge_base": True}}}
    agent["platform_settings"]["overrides"] = {"conversation_config_override": permission}
    other = uploaded(searching, "The moon is made of cheese.", is_indexed=False)
    locators = [{"type": "text", "id": other, "name": "Moon", "usage_mode": "prompt"}]
    override = ConversationInitiationData(
        conversation_config_override={"agent": {"prompt": {"knowledge_base": locators}}}
    )
    with Caller(tapped(searching), searching.create_agent(agent), config=override) as caller:
        caller.began()
        caller.asks("What is the moon made of?")
    system = brain.asked[0]["messages"][0]["content"]
    assert "made of cheese" in system and SUBJECTS["wine"] not in system


def test_the_embedded_model_finds_what_is_said_in_other_words(models_dir: Path, tapped: Any, brain: Brain) -> None:
    with ServerProcess("--ephemeral", environment={"PAROLA_MODELS": str(models_dir)}) as server:
        agent = knowing(brain, uploaded(server), rag={"max_vector_distance": 0.6})
        _, record = talked(server, tapped(server), agent, "May I bring my puppy along to the restaurant?")
    assert SUBJECTS["dogs"] in brain.asked[0]["messages"][1]["content"]
    assert record["transcript"][-1]["rag_retrieval_info"]["chunks"][0]["vector_distance"] < 0.6
