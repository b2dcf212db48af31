"""What every store must do: the suite of `qless_flask.testing.conformance`, with its fixtures, as one class."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from qless_flask.backends.base import Backend, Namespace
from qless_flask.backends.inspection import StoreView
from qless_flask.testing import conformance
from qless_flask.testing.checked import Checked
from qless_flask.testing.clock import ManualClock
from qless_flask.testing.invariants import check

NUMBERS = itertools.count(1)


class BackendContract:
    """Derive from it, and say how the store is opened and how it is read whole.

    Each class of the suite is given a store of its own, each test a namespace that nobody has used.
    """

    @classmethod
    def open(cls, folder: Path, clock: ManualClock) -> Backend:
        """Open the store that stands in an (at first empty) folder, going by the clock; once more, if it is open."""
        raise NotImplementedError

    @classmethod
    def inspect(cls, backend: Backend, namespace: str) -> StoreView:
        """Read a namespace whole, past the contract: so that the rules can be checked after every operation."""
        raise NotImplementedError

    @pytest.fixture(scope="class")
    @classmethod
    def clock(cls) -> ManualClock:
        """The clock that the store goes by."""
        return ManualClock()

    @pytest.fixture(scope="class")
    @classmethod
    def another(cls, tmp_path_factory: pytest.TempPathFactory, clock: ManualClock) -> Iterator[Callable[[], Backend]]:
        """Opens the store once more, as another process would."""
        folder = tmp_path_factory.mktemp("store")
        with ExitStack() as stack:
            yield lambda: stack.enter_context(closing(cls.open(folder, clock)))

    @pytest.fixture(scope="class")
    @classmethod
    def backend(cls, another: Callable[[], Backend]) -> Backend:
        """The store under test."""
        return another()

    @pytest.fixture
    def fresh_name(self) -> str:
        """The name of a namespace that nobody has used."""
        return f"test-{next(NUMBERS)}"

    @pytest.fixture
    def check(self, backend: Backend, fresh_name: str) -> Callable[[], StoreView]:
        """Read the test's namespace, and raise unless all rules hold."""

        def checked() -> StoreView:
            view = self.inspect(backend, fresh_name)
            check(view)
            return view

        return checked

    @pytest.fixture
    def namespace(self, backend: Backend, fresh_name: str, check: Callable[[], StoreView]) -> Namespace:
        """A fresh namespace, checked after every operation."""
        return Checked(backend.namespace(fresh_name), check)


for _name in conformance.__all__:
    setattr(BackendContract, _name, getattr(conformance, _name))
