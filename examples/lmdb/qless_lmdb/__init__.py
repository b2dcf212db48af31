"""A backend of qless-flask over LMDB: one file, many processes of one machine, no server.

From the bottom up: `files` (the file), `packing` (keys that sort), `records` (what is kept), `standing` (under which
keys a job stands), `look` and `step` (a transaction that reads, and one that writes), then a module for each thing that
is done to jobs; `namespace` and `backend` put them under the contract of `qless_flask.backends.base`.
"""

from qless_lmdb.backend import LMDBBackend
from qless_lmdb.inspect import inspect

__all__ = ["LMDBBackend", "inspect"]
