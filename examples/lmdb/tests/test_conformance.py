"""The suite that every backend passes, over ours."""

from __future__ import annotations

from pathlib import Path

from qless_lmdb import LMDBBackend, inspect

from qless_flask.backends.base import Backend
from qless_flask.backends.inspection import StoreView
from qless_flask.testing import BackendContract, ManualClock


class TestLMDB(BackendContract):
    """A file of its own for each class of the suite; what is written need not outlive a power cut."""

    @classmethod
    def open(cls, folder: Path, clock: ManualClock) -> LMDBBackend:
        return LMDBBackend(f"lmdb:///{folder}/jobs.lmdb?sync=off", clock=clock)

    @classmethod
    def inspect(cls, backend: Backend, namespace: str) -> StoreView:
        assert isinstance(backend, LMDBBackend)
        return inspect(backend.namespace(namespace))
