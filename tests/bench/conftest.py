"""The embedded speech models, for the listening bench."""

from tests.providers.conftest import models_dir

__all__ = ["models_dir"]
