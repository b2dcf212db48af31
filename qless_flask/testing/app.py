"""A whole app in memory, for the tests of plugins."""

from __future__ import annotations

from collections.abc import Iterable

from flask import Flask

from qless_flask.backends.base import Clock
from qless_flask.backends.hooked import Hooked
from qless_flask.plugins import Plugins
from qless_flask.testing.model import ModelBackend
from qless_flask.web import create_app


def create_test_app(plugins: Plugins | Iterable[object] = (), *, clock: Clock | None = None) -> Flask:
    """Build an app with a store in memory, as `create_app` does; its `.test_client()` speaks HTTP to it.

    `plugins` are modules or objects, or a manager; what else is installed is left out. The store is at
    `app.extensions["qless_flask"].backend`. Raise PluginError for a plugin that is not as it is meant.
    """
    loaded = plugins if isinstance(plugins, Plugins) else Plugins(list(plugins), installed=False)
    app = create_app(backend=Hooked(ModelBackend(clock=clock), plugins=loaded, clock=clock))
    app.testing = True
    return app
