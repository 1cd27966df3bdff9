"""What a question is about is found, by meaning and by the words it names, and no more of it than was asked for."""

import numpy as np
import pytest

from parola.errors import OwnError
from parola.knowledge.keywords import Keywords
from parola.knowledge.retrieval import Chunks, Limits, Shelf
from parola.providers.scripted_embedding import ScriptedEmbedder
from parola.store.base import ChunkRow, KnowledgeDocumentRow, RagIndexRow
from parola.store.memory_knowledge import MemoryKnowledge

EMBEDDER = ScriptedEmbedder(512)

TEXTS = [
    "Soup of the day is tomato soup with basil.",
    "The parking garage behind the house costs five euros.",
    "Error E-4711 means that the filter is blocked; clean the filter.",
    "Error E-4712 means that the door stands open; close the door.",
    "Dogs are welcome on the ground floor.",
]


async def rows(texts=TEXTS, document_id="doc_1", embedder=EMBEDDER):
    vectors = await embedder.embed(texts)
    return [
        ChunkRow(f"{document_id}_{n}", document_id, "m", n, text, vectors[n].astype("<f4").tobytes())
        for n, text in enumerate(texts)
    ]


async def found(question, limits=None, texts=TEXTS):
    chunks = Chunks(await rows(texts))
    (vector,) = await EMBEDDER.embed([question], is_query=True)
    return chunks.search(question, vector, 1.0, limits or Limits())


async def test_what_is_about_the_same_comes_first():
    best, *_ = await found("which soup is the soup of the day")
    assert best.text == TEXTS[0] and best.vector_distance < 0.6 and best.is_used


async def test_what_is_too_far_away_is_left_out():
    assert await found("quantum chromodynamics lecture") == []
    assert await found("soup", Limits(max_vector_distance=0.01), texts=["dogs and soup and cats and birds"] * 3) != []


async def test_a_code_is_found_however_far_its_meaning_is():
    best, *_ = await found("my machine shows e-4712, whatever that may be", Limits(max_vector_distance=0.05))
    assert best.text == TEXTS[3]


async def test_no_more_chunks_than_asked_for():
    question = "error soup parking dogs floor filter door"
    assert len(await found(question, Limits(max_vector_distance=2.0))) == 5
    assert len(await found(question, Limits(max_vector_distance=2.0, max_chunks=2))) == 2
    assert len(await found(question, Limits(max_vector_distance=2.0, num_candidates=1))) <= 2


async def test_no_more_text_than_asked_for_and_what_was_left_out_is_told():
    chunks = await found("error filter door", Limits(max_vector_distance=2.0, max_documents_length=100))
    assert next(chunk.is_used for chunk in chunks) and not all(chunk.is_used for chunk in chunks)
    assert sum(len(chunk.text) for chunk in chunks if chunk.is_used) <= 100


async def test_nothing_is_found_where_there_is_nothing():
    assert Chunks([]).search("soup", np.ones(3, np.float32), 1.0, Limits()) == []


async def test_chunks_of_another_model_are_not_compared():
    chunks = Chunks(await rows())
    with pytest.raises(OwnError, match="model of 512 numbers, the present one has 3: index them anew"):
        chunks.search("soup", np.ones(3, np.float32), 1.0, Limits())
    mixed = [*await rows(), *await rows(document_id="doc_2", embedder=ScriptedEmbedder(64))]
    with pytest.raises(OwnError, match="different embedding models"):
        Chunks(mixed)


def test_common_words_say_nothing_and_rare_ones_most():
    keywords = Keywords([*TEXTS, "what is the way to you"])
    assert not keywords.shares("what is it to you").any()
    shares = keywords.shares("what does error E-4711 say")
    assert shares.argmax() == 2 and shares[2] > 2 * shares[3] > 0 and shares.max() <= 1


async def stored(knowledge, texts=TEXTS, document_id="doc_1", at=1.0):
    await knowledge.put(KnowledgeDocumentRow(document_id, "text", document_id, at, at), text="\n".join(texts))
    index = RagIndexRow(f"index_{document_id}", document_id, "m", "succeeded", at, at)
    await knowledge.put_index(index)
    await knowledge.finish_index(index, await rows(texts, document_id))


class Counted(MemoryKnowledge):
    loads = 0

    async def chunks(self, model, document_ids):
        self.loads += 1
        return await super().chunks(model, document_ids)


async def test_chunks_are_loaded_once_for_all_agents_with_the_same_documents():
    knowledge = Counted()
    await stored(knowledge)
    await stored(knowledge, document_id="doc_2")
    shelf = Shelf(knowledge)
    first = await shelf.chunks("m", ["doc_1", "doc_2"])
    assert len(first) == 10 and await shelf.chunks("m", ["doc_2", "doc_1", "doc_1"]) is first
    assert len(await shelf.chunks("m", ["doc_1"])) == 5 and knowledge.loads == 2


async def test_what_was_indexed_anew_is_loaded_anew():
    knowledge = Counted()
    await stored(knowledge)
    shelf = Shelf(knowledge)
    await shelf.chunks("m", ["doc_1"])
    await stored(knowledge, ["Only this."], at=2.0)
    assert len(await shelf.chunks("m", ["doc_1"])) == 1
    await knowledge.delete(["doc_1"])
    assert len(await shelf.chunks("m", ["doc_1"])) == 0 and knowledge.loads == 3


async def test_what_was_not_asked_for_longest_is_let_go():
    knowledge = Counted()
    for name in ("doc_1", "doc_2", "doc_3"):
        await stored(knowledge, document_id=name)
    one = await Shelf(knowledge).chunks("m", ["doc_1"])
    shelf = Shelf(knowledge, most_bytes=2 * one.size)
    for name in ("doc_1", "doc_2", "doc_1", "doc_3"):
        await shelf.chunks("m", [name])
    knowledge.loads = 0
    await shelf.chunks("m", ["doc_1"])
    assert knowledge.loads == 0
    await shelf.chunks("m", ["doc_2"])
    assert knowledge.loads == 1


async def test_a_load_that_failed_is_tried_again():
    class Broken(Counted):
        async def chunks(self, model, document_ids):
            if self.loads == 0:
                self.loads += 1
                raise OwnError("broken")
            return await super().chunks(model, document_ids)

    knowledge = Broken()
    await stored(knowledge)
    shelf = Shelf(knowledge)
    with pytest.raises(OwnError):
        await shelf.chunks("m", ["doc_1"])
    assert len(await shelf.chunks("m", ["doc_1"])) == 5
