"""The embedded speech models, for the tests that listen to them."""

import os
from pathlib import Path

import pytest

from parola.config import default_models_dir
from parola.providers import catalogue
from parola.providers.catalogue import State


@pytest.fixture(scope="session")
def models_dir() -> Path:
    """Where the real models are; a test that asks for it is skipped when they are not installed."""
    folder = Path(os.environ.get("PAROLA_MODELS") or default_models_dir())
    absent = [entry.model.name for entry in catalogue.status(folder) if entry.state is not State.PRESENT]
    if absent:
        pytest.skip(f"speech models not installed ({', '.join(absent)}): run `parola models install`")
    return folder
