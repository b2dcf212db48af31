"""The store in one SQLite file, for the processes of one machine."""

from qless_flask.backends.sqlite.engine import SQLiteBackend
from qless_flask.backends.sqlite.namespace import SQLiteNamespace

__all__ = ["SQLiteBackend", "SQLiteNamespace"]
