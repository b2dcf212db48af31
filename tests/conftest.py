"""The stands that the tests run on, one of each a session, and a fresh namespace on them for each test."""

from __future__ import annotations

import gc
import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

pytest.register_assert_rewrite("qless_flask.testing.conformance", "servers")

from servers import STANDS, Stand, open_stand, run_redis, run_valkey  # noqa: E402

from qless_flask.backends.base import Backend, Namespace  # noqa: E402
from qless_flask.backends.inspection import StoreView  # noqa: E402
from qless_flask.testing import Checked, ManualClock, invariants  # noqa: E402

NUMBERS = itertools.count(1)
LONGEST = ("test_trace.py", "test_model.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest: of several processes none is left with it at the end."""
    items.sort(key=lambda item: item.path.name not in LONGEST)


def pytest_collection_finish() -> None:
    """Let the garbage collector pass by the thousands of tests, which stay to the end."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def valkey_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Valkey server of the session's own."""
    with run_valkey(tmp_path_factory.mktemp("valkey")) as url:
        yield url


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Redis server of the session's own."""
    with run_redis(tmp_path_factory.mktemp("redis")) as url:
        yield url


@pytest.fixture(scope="session", params=STANDS)
def stand(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    """Each kind of backend in turn."""

    def server_url(name: str) -> str:
        url: str = request.getfixturevalue(f"{name}_url")
        return url

    with ExitStack() as stack:
        yield open_stand(request.param, stack, server_url, tmp_path_factory.mktemp("stand"))


@pytest.fixture
def clock(stand: Stand) -> ManualClock:
    """The clock that the stand's store goes by; it goes on where the last test left it."""
    return stand.clock


@pytest.fixture
def backend(stand: Stand) -> Backend:
    """The stand's backend."""
    return stand.backend


@pytest.fixture
def fresh_name() -> str:
    """The name of a namespace that nobody has used."""
    return f"test-{next(NUMBERS)}"


@pytest.fixture
def check(stand: Stand, fresh_name: str) -> Callable[[], StoreView]:
    """Read the test's namespace from its store, and raise unless all rules hold."""

    def check() -> StoreView:
        view = stand.inspect(fresh_name)
        invariants.check(view)
        return view

    return check


@pytest.fixture
def namespace(stand: Stand, backend: Backend, fresh_name: str, check: Callable[[], StoreView]) -> Namespace:
    """A fresh namespace, checked after every operation."""
    stand.empty()
    return Checked(backend.namespace(fresh_name), check)


@pytest.fixture
def another(stand: Stand) -> Callable[[], Backend]:
    """Opens the stand's store once more."""
    return stand.open
