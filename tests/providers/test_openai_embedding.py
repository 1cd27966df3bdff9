"""Embeddings of a service: what it is asked, what is made of its answers, what is said of its failures."""

import numpy as np
import pytest

from parola.config import ProviderSettings
from parola.errors import ProviderError
from parola.providers.openai_embedding import BATCH, OpenAIEmbedder
from tests.providers.test_openai import response, serving


def answer(*vectors, **more):
    data = [{"object": "embedding", "index": i, "embedding": list(vector)} for i, vector in enumerate(vectors)]
    return response({"object": "list", "data": data, **more})


async def embedded(texts, *answers, **settings):
    async with serving(*answers) as (service, connections):
        made = ProviderSettings("openai", base_url=service.base_url, **settings)
        embedder = OpenAIEmbedder(made, connections)
        return await embedder.embed(texts), service.asked, embedder


async def test_texts_become_vectors_of_length_one():
    vectors, asked, embedder = await embedded(["a", "b"], answer((3, 4), (0, 2)), model="m", api_key="k")
    assert vectors.dtype == np.float32 and vectors.tolist() == [[pytest.approx(0.6), pytest.approx(0.8)], [0, 1]]
    assert asked[0].path == "/v1/embeddings" and asked[0].headers["authorization"] == "Bearer k"
    assert asked[0].json == {"model": "m", "input": ["a", "b"], "encoding_format": "float"}
    assert embedder.dimensions == 2


async def test_answers_in_another_order_are_put_right():
    data = [{"index": 1, "embedding": [0, 1]}, {"index": 0, "embedding": [1, 0]}]
    vectors, _, _ = await embedded(["a", "b"], response({"data": data}))
    assert vectors.tolist() == [[1, 0], [0, 1]]


async def test_many_texts_are_asked_in_several_requests():
    texts = [str(number) for number in range(BATCH + 1)]
    vectors, asked, _ = await embedded(texts, answer(*[(1, 0)] * BATCH), answer((0, 1)))
    assert [len(request.json["input"]) for request in asked] == [BATCH, 1]
    assert vectors.shape == (BATCH + 1, 2) and vectors[-1].tolist() == [0, 1]


async def test_the_service_is_asked_for_shorter_vectors():
    _, asked, _ = await embedded(["a"], answer((1, 0)), options={"dimensions": 2})
    assert asked[0].json["dimensions"] == 2


async def test_no_texts_are_not_asked_for():
    vectors, asked, _ = await embedded([])
    assert len(vectors) == 0 and asked == []


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (response({"error": {"message": "no such model"}}, "404 Not Found"), "answered 404: no such model"),
        (response({"data": "none"}), "was expected"),
        (response(b"<html>"), "was expected"),
        (answer((1, 0)), "answered 1 vectors for 2 texts"),
        (answer((1, 0), (1, 0, 0)), "vectors of different sizes"),
    ],
)
async def test_what_is_no_answer_is_told(bad, said):
    with pytest.raises(ProviderError, match=said):
        await embedded(["a", "b"], bad)
