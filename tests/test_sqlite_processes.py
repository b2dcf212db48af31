"""Several processes on one file: they share it fairly, hear of each other, and may be killed at any point."""

from __future__ import annotations

from pathlib import Path

from qless_flask.backends.base import Backend
from qless_flask.backends.inspection import StoreView
from qless_flask.backends.sqlite import SQLiteBackend
from qless_flask.backends.sqlite.inspect import inspect
from qless_flask.testing import ProcessContract


class TestSQLite(ProcessContract):
    store = SQLiteBackend
    listener = "qless-sqlite-listener"
    least_share = 50

    @classmethod
    def place(cls, folder: Path) -> str:
        return f"sqlite:///{folder}/jobs.db"

    @classmethod
    def inspect(cls, backend: Backend, namespace: str) -> StoreView:
        assert isinstance(backend, SQLiteBackend)
        return inspect(backend.namespace(namespace))

    @classmethod
    def waits(cls, backend: Backend) -> int:
        assert isinstance(backend, SQLiteBackend)
        return len(backend.pops.keys()) + len(backend.readers.keys())
