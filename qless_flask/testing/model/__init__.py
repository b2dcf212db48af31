"""The contract in plain Python, in the simplest way that is obviously right: the stores are held against it."""

from qless_flask.testing.model.backend import ModelBackend, inspect
from qless_flask.testing.model.namespace import ModelNamespace

__all__ = ["ModelBackend", "ModelNamespace", "inspect"]
