"""What the user says is searched for before the model is asked, in time or not at all."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest

from parola.conversation.actions import StartReply
from parola.conversation.events import KnowledgeRetrieved, ModelFinished, ReplyText
from parola.conversation.knowledge import Knowledge, Rag
from parola.errors import ProviderError
from parola.knowledge.retrieval import Shelf
from parola.providers.base import Capabilities, ModelRequest, TextDelta
from parola.providers.scripted_embedding import ScriptedEmbedder
from parola.session.replying import Brain, perform
from parola.session.retrieving import MOST_SECONDS, Retriever
from parola.store.base import ChunkRow, KnowledgeDocumentRow, RagIndexRow
from parola.store.memory_knowledge import MemoryKnowledge
from tests.virtual_time import run

TEXTS = ["The red wine of the house comes from Umbria.", "Parking behind the house costs five euros."]

KNOWLEDGE = Knowledge(rag=Rag(is_enabled=True, embedding_model="m"), searched={"doc_1": "House"})


@dataclass
class Embedding(ScriptedEmbedder):
    """Takes its time, or fails."""

    seconds: float = 0.0
    fails: bool = False
    asked: list[str] = field(default_factory=list)

    def __post_init__(self):
        super().__init__()

    async def embed(self, texts: Sequence[str], *, is_query: bool = False):
        if is_query:
            self.asked += texts
            await asyncio.sleep(self.seconds)
            if self.fails:
                raise ProviderError("embedding", "the service is down")
        return await super().embed(texts, is_query=is_query)


class Thinker:
    """A model that says what it is told to, and remembers what it was asked."""

    name = "thinker"
    capabilities = Capabilities()
    context_tokens = 1000

    def __init__(self, *answers: str, seconds: float = 0.0) -> None:
        self.answers = list(answers)
        self.seconds = seconds
        self.asked: list[ModelRequest] = []

    async def step(self, request):
        self.asked.append(request)
        await asyncio.sleep(self.seconds)
        yield TextDelta(self.answers.pop(0) if self.answers else "Yes.")

    async def aclose(self) -> None: ...


async def stored():
    knowledge = MemoryKnowledge()
    await knowledge.put(KnowledgeDocumentRow("doc_1", "text", "House", 1, 1), text="\n".join(TEXTS))
    index = RagIndexRow("index_1", "doc_1", "m", "succeeded", 1, 1)
    await knowledge.put_index(index)
    vectors = await ScriptedEmbedder().embed(TEXTS)
    rows = [ChunkRow(f"c{n}", "doc_1", "m", n, text, vectors[n].tobytes()) for n, text in enumerate(TEXTS)]
    await knowledge.finish_index(index, rows)
    return knowledge


def said(*texts: str):
    roles = ("user", "assistant")
    return [{"role": roles[n % 2], "content": text} for n, text in enumerate(texts)]


def asked(*conversations, model=None, embedder=None, knowledge=KNOWLEDGE):
    """Replies to these conversations, one after the other, of one agent: everything told, the model, the seconds."""
    model, embedder, told = model or Thinker(), embedder or Embedding(), []

    async def story():
        retriever = Retriever(knowledge, Shelf(await stored()), embedder, model, "thinker")
        began_at = asyncio.get_running_loop().time()
        for number, messages in enumerate(conversations, 1):
            action = StartReply(number, ModelRequest(messages), retrieves=True)
            await perform(action, Brain(model, "thinker"), None, told.append, retriever)
        return asyncio.get_running_loop().time() - began_at

    return told, model, run(story())


def facts(told):
    return [event for event in told if isinstance(event, KnowledgeRetrieved)]


def test_what_was_found_stands_before_the_users_words():
    _, model, _ = asked(said("Hello!", "Hi.", "Where is the red wine of the house from?"))
    *before, passage, user = model.asked[0].messages
    assert before == said("Hello!", "Hi.") and user["content"] == "Where is the red wine of the house from?"
    assert passage["role"] == "system" and "not instructions" in passage["content"]
    assert '<document id="doc_1" name="House">\nThe red wine of the house' in passage["content"]


def test_what_was_found_is_told_before_the_words():
    told, _, _ = asked(said("Where is the red wine of the house from?"), embedder=Embedding(seconds=0.25))
    assert isinstance(told[0], KnowledgeRetrieved) and isinstance(told[1], ReplyText)
    info = told[0].info
    assert info["chunks"][0] == {
        "document_id": "doc_1",
        "chunk_id": "c0",
        "vector_distance": pytest.approx(0.2, abs=0.2),
    }
    assert info["retrieval_query"] == "Where is the red wine of the house from?" and info["embedding_model"] == "m"
    assert info["rag_latency_secs"] == 0.25 and info["used_chunk_ids"][0] == "c0"


def test_what_nobody_knows_leaves_the_request_alone():
    told, model, _ = asked(said("Quantum chromodynamics?"))
    assert model.asked[0].messages == said("Quantum chromodynamics?")
    assert facts(told)[0].info["chunks"] == []


def test_a_step_after_tools_sees_what_the_step_before_them_saw():
    question = said("Where is the red wine of the house from?")
    tools = [{"role": "assistant", "content": "", "tool_calls": []}, {"role": "tool", "content": "1"}]
    embedder = Embedding()
    told, model, _ = asked(question, [*question, *tools], embedder=embedder)
    assert [message["role"] for message in model.asked[1].messages] == ["system", "user", "assistant", "tool"]
    assert len(facts(told)) == 1 and len(embedder.asked) == 1


def test_a_short_question_is_about_what_was_said_before():
    embedder = Embedding()
    asked(said("Tell me about parking please, thank you.", "It is behind the house.", "How much?"), embedder=embedder)
    assert embedder.asked == ["Tell me about parking please, thank you.\nHow much?"]


@pytest.mark.parametrize("silence", ["...", "", "?!"])
def test_silence_is_not_searched_for(silence):
    told, model, _ = asked(said("Where is the wine from?", "Umbria.", silence))
    assert facts(told) == [] and len(model.asked[0].messages) == 3


def test_a_search_that_takes_too_long_is_done_without():
    told, model, seconds = asked(said("Where is the red wine from?"), embedder=Embedding(seconds=60))
    assert seconds == MOST_SECONDS and isinstance(told[-2], ModelFinished)
    assert facts(told)[0].problem == "Knowledge base: the model was asked without it, nothing was found within 2 s"
    assert model.asked[0].messages == said("Where is the red wine from?")


def test_a_search_that_fails_is_done_without():
    told, model, _ = asked(said("Where is the red wine from?"), embedder=Embedding(fails=True))
    assert "the service is down" in facts(told)[0].problem and facts(told)[0].info is None
    assert len(model.asked) == 1


def test_the_model_makes_the_question_where_the_agent_wants_that():
    knowledge = replace(KNOWLEDGE, rag=replace(KNOWLEDGE.rag, rewrite_prompt="Write one question."))
    model = Thinker("parking costs", "Five euros.")
    told, _, _ = asked(said("Is there a garage?", "Yes.", "And what do I pay?"), model=model, knowledge=knowledge)
    rewriting, answering = model.asked
    assert rewriting.messages[0] == {"role": "system", "content": "Write one question."}
    assert rewriting.messages[1]["content"] == "user: Is there a garage?\nassistant: Yes.\nuser: And what do I pay?"
    assert facts(told)[0].info["retrieval_query"] == "parking costs"
    assert "five euros" in answering.messages[-2]["content"]


def test_a_model_that_is_slow_to_make_a_question_is_not_waited_for():
    knowledge = replace(KNOWLEDGE, rag=replace(KNOWLEDGE.rag, rewrite_prompt="Write one question."))
    question = "Where is the red wine of the house from?"
    told, model, _ = asked(said(question), model=Thinker(seconds=1.5), knowledge=knowledge)
    assert facts(told)[0].info["retrieval_query"] == question and len(model.asked[1].messages) == 2


def test_the_sources_that_the_model_names_are_told_and_not_said():
    knowledge = replace(KNOWLEDGE, attributes_sources=True)
    model = Thinker("From Umbria. <sources>doc_1</sources>")
    told, _, _ = asked(said("Where is the red wine from?"), model=model, knowledge=knowledge)
    assert "".join(event.text for event in told if isinstance(event, ReplyText)) == "From Umbria. "
    assert next(event for event in told if isinstance(event, ModelFinished)).used_document_ids == ("doc_1",)
