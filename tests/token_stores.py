"""Stores for the tests of tokens: a fresh one of each kind, that can be opened again as another process would."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack, closing
from importlib import import_module
from pathlib import Path

import pytest

from qless_flask.backends.base import Backend
from qless_flask.backends.hooked import Hooked
from qless_flask.backends.redis import RedisBackend
from qless_flask.backends.sqlite import SQLiteBackend
from qless_flask.plugins import Plugins
from qless_flask.testing import ModelBackend

STORES = ("model", "hooked", "fakeredis", "valkey", "redis", "sqlite", "lmdb")
SHARED = ("valkey", "redis", "sqlite", "lmdb")
"""Those that several processes can open."""
LMDB = Path(__file__).parent.parent / "examples" / "lmdb"

Open = Callable[[], Backend]


def opener(kind: str, request: pytest.FixtureRequest, folder: Path, stack: ExitStack) -> Open:
    """Prepare an empty store; answer what opens it."""
    if kind in ("model", "hooked"):
        model = ModelBackend()
        if kind == "model":
            return model.again
        return lambda: Hooked(model.again(), plugins=Plugins(installed=False))
    if kind == "fakeredis":
        import fakeredis

        server = fakeredis.FakeServer()
        return lambda: stack.enter_context(
            closing(RedisBackend("redis://fake", client=fakeredis.FakeRedis(server=server)))
        )
    store, url = place(kind, request, folder)
    return lambda: stack.enter_context(closing(store(url)))


def place(kind: str, request: pytest.FixtureRequest, folder: Path) -> tuple[Callable[[str], Backend], str]:
    """Tell the class of a store that several processes can open, and the URL of an empty one."""
    if kind == "sqlite":
        return SQLiteBackend, f"sqlite:///{folder}/jobs.db?synchronous=off"
    if kind == "lmdb":
        request.getfixturevalue("monkeypatch").syspath_prepend(str(LMDB))
        return import_module("qless_lmdb").LMDBBackend, f"lmdb:///{folder}/jobs.lmdb"
    import redis

    # Not where the other tests are: a token that is left there would lock them out.
    url = str(request.getfixturevalue(f"{kind}_url")).removesuffix("/0") + "/9"
    with closing(redis.Redis.from_url(url)) as client:
        client.flushdb()
    return RedisBackend, url
