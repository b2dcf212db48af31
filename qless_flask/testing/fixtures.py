"""Fixtures of pytest for the tests of plugins and jobs: `pytest_plugins = ["qless_flask.testing.fixtures"]`.

That stands in conftest.py. Say which plugins there are with a fixture of your own; without one there are those alone
that are built in:

    @pytest.fixture
    def qless_plugins():
        return [my_plugin]
"""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from qless_flask.backends.base import Backend, Namespace
from qless_flask.plugins import Plugins
from qless_flask.testing.app import create_test_app
from qless_flask.testing.clock import ManualClock

pytest.register_assert_rewrite("qless_flask.testing.contracts", "qless_flask.testing.conformance")


@pytest.fixture
def qless_plugins() -> Plugins | Iterable[object]:
    """The plugins beside those that are built in: modules or objects."""
    return []


@pytest.fixture
def qless_clock() -> ManualClock:
    """The clock that the store goes by."""
    return ManualClock()


@pytest.fixture
def qless_app(qless_plugins: Plugins | Iterable[object], qless_clock: ManualClock) -> Flask:
    """An app with a store in memory, and the plugins."""
    return create_test_app(qless_plugins, clock=qless_clock)


@pytest.fixture
def qless_http(qless_app: Flask) -> FlaskClient:
    """Speaks HTTP to the app."""
    return qless_app.test_client()


@pytest.fixture
def qless_backend(qless_app: Flask) -> Backend:
    """The app's store, with the plugins round it."""
    backend: Backend = qless_app.extensions["qless_flask"].backend
    return backend


@pytest.fixture
def qless_namespace(qless_backend: Backend) -> Namespace:
    """Its namespace `default`."""
    return qless_backend.namespace("default")
