"""An app of ours over a SQLite store, and somebody who opens its pages and sends their forms."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from test_web.visitors import Visitor

from qless_flask.backends import open_backend
from qless_flask.backends.base import Backend, Namespace
from qless_flask.models import Identity, Role
from qless_flask.testing import ManualClock
from qless_flask.web import QlessFlask, create_app


@pytest.fixture
def clock() -> ManualClock:
    """The clock that the store goes by."""
    return ManualClock()


@pytest.fixture
def backend(tmp_path: Path, clock: ManualClock) -> Iterator[Backend]:
    """A SQLite store of the test's own."""
    with open_backend(f"sqlite:///{tmp_path}/jobs.db?synchronous=off", clock=clock) as backend:
        yield backend


@pytest.fixture
def namespace(backend: Backend) -> Namespace:
    """The namespace whose pages are opened: `/namespaces/shop/`."""
    return backend.namespace("shop")


@pytest.fixture
def visitor(backend: Backend) -> Visitor:
    """Somebody who may do everything, as nobody is asked who they are."""
    return Visitor(create_app(backend=backend))


@pytest.fixture
def visitor_as(backend: Backend) -> Callable[[Role], Visitor]:
    """Builds somebody with a role."""

    def build(role: Role) -> Visitor:
        app = Flask("host")
        QlessFlask(app, backend=backend, url_prefix="", authenticate=lambda request: Identity("ann", role))
        return Visitor(app)

    return build
