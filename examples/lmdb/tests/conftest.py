"""A store of its own a session, and a fresh namespace in it for each test."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

pytest.register_assert_rewrite("qless_flask.testing.conformance")

from qless_lmdb import LMDBBackend, inspect  # noqa: E402

from qless_flask.backends.inspection import StoreView  # noqa: E402
from qless_flask.testing import Checked, ManualClock, invariants  # noqa: E402

NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Where the session's file is; what is written need not outlive it."""
    return f"lmdb:///{tmp_path_factory.mktemp('store') / 'jobs.lmdb'}?sync=off"


@pytest.fixture(scope="session")
def clock() -> ManualClock:
    """The clock that the store goes by; it goes on where the last test left it."""
    return ManualClock()


@pytest.fixture(scope="session")
def backend(url: str, clock: ManualClock) -> Iterator[LMDBBackend]:
    """The backend under test."""
    with closing(LMDBBackend(url, clock=clock)) as backend:
        yield backend


@pytest.fixture
def fresh_name() -> str:
    """The name of a namespace that nobody has used."""
    return f"test-{next(NUMBERS)}"


@pytest.fixture
def check(backend: LMDBBackend, fresh_name: str) -> Callable[[], StoreView]:
    """Read the test's namespace from its store, and raise unless all rules hold."""

    def check() -> StoreView:
        view = inspect(backend.namespace(fresh_name))
        invariants.check(view)
        return view

    return check


@pytest.fixture
def namespace(backend: LMDBBackend, fresh_name: str, check: Callable[[], StoreView]) -> Checked:
    """A fresh namespace, checked after every operation."""
    return Checked(backend.namespace(fresh_name), check)


@pytest.fixture
def another(url: str, clock: ManualClock) -> Iterator[Callable[[], LMDBBackend]]:
    """Opens the store once more."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(closing(LMDBBackend(url, clock=clock)))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a file of the test's own may be."""
    return tmp_path / "own.lmdb"
