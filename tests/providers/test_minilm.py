"""The embedded model finds what a question is about, though the two share hardly a word."""

import asyncio

import numpy as np
import pytest

from parola.config import default_models_dir
from parola.errors import ModelMissing
from parola.providers.catalogue import MINILM
from parola.providers.minilm import DIMENSIONS, MiniLMEmbedder, read_safetensors

installed = pytest.mark.skipif(
    not (default_models_dir() / MINILM).is_file(), reason="`parola models install` has not been run"
)

QUESTIONS = {
    "What time do you shut on Saturdays?": "Our doors are open from nine to six on weekdays, until noon at weekends.",
    "Can I get my money back?": "Purchases may be returned within thirty days for a full refund.",
    "My parcel never arrived.": "If a delivery is lost in transit, we send a replacement at no charge.",
    "I can't sign in any more.": "Reset a forgotten password with the link below the login form.",
    "Do you have anything without meat?": "Vegetarian and vegan dishes are marked with a green leaf on the menu.",
    "Is there somewhere to leave the car?": "Guests park in the garage behind the building for five euros a day.",
    "May I bring my dog?": "Pets are welcome in ground-floor rooms on request.",
    "The screen stays black when I turn it on.": "If the display does not light up, hold the power button for a while.",
    "How do I stop paying every month?": "Subscriptions are cancelled in the account settings under Billing.",
    "Which cards do you take?": "We accept Visa, Mastercard and bank transfer, but no cheques.",
    "How hot may I wash this?": "The sweater is pure wool: clean it by hand in cold water.",
    "What happens if it breaks after a year?": "The warranty covers faults in material for twenty-four months.",
    "Can the kids swim there?": "The indoor pool is open to children accompanied by an adult.",
    "I need to see a doctor quickly.": "Urgent appointments are given by the clinic's emergency desk on the same day.",
    "Where are the bags made?": "All leather goods are manufactured in our workshop near Florence.",
    "Will my data be sold?": "We never share personal information with third parties for advertising.",
    "How long until I can start the job?": "New employees begin on the first working day of the following month.",
    "It's far too noisy next door.": "Quiet hours are from ten at night; call reception about disturbances.",
    "Can somebody pick us up when we land?": "A shuttle bus collects passengers at the airport every half hour.",
    "Do students pay less?": "There is a discount of twenty percent for those who are enrolled at a university.",
}
"""Twenty questions and the passage that answers each."""


@pytest.fixture(scope="module")
def embedder() -> MiniLMEmbedder:
    return MiniLMEmbedder(default_models_dir())


@installed
def test_questions_find_their_passages(embedder):
    async def vectors():
        return await embedder.embed(list(QUESTIONS)), await embedder.embed(list(QUESTIONS.values()))

    questions, passages = asyncio.run(vectors())
    assert questions.shape == passages.shape == (20, DIMENSIONS) and questions.dtype == np.float32
    assert np.allclose(np.linalg.norm(passages, axis=1), 1, atol=1e-5)
    best = (questions @ passages.T).argmax(axis=1)
    assert sum(best == np.arange(20)) >= 17


@installed
@pytest.mark.parametrize("text", ["", "🙂", "a" * 5000, "word " * 2000])
def test_any_text_has_a_vector(embedder, text):
    (vector,) = asyncio.run(embedder.embed([text]))
    assert np.isfinite(vector).all() and abs(float(np.linalg.norm(vector)) - 1) < 1e-5


def test_a_model_that_is_not_installed_is_named_with_what_to_do(tmp_path):
    with pytest.raises(ModelMissing, match=r"all-minilm-l6-v2/model.safetensors is not in .*parola models install"):
        asyncio.run(MiniLMEmbedder(tmp_path).embed(["hello"]))


def test_a_file_that_is_no_safetensors_is_told(tmp_path):
    (tmp_path / "weights").write_bytes(b"\xff" * 100)
    with pytest.raises(ValueError, match="expected a safetensors file"):
        read_safetensors(tmp_path / "weights")
