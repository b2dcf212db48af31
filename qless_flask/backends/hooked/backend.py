"""A store with plugins round it."""

from __future__ import annotations

import random
import time

from qless_flask.backends.base import Backend, Clock, Namespace
from qless_flask.backends.hooked.admission import Admission
from qless_flask.backends.hooked.choices import Choices
from qless_flask.backends.hooked.delays import Delays, Draw
from qless_flask.backends.hooked.ends import Ends
from qless_flask.backends.hooked.namespace import Around, HookedNamespace
from qless_flask.backends.hooked.plans import Plans
from qless_flask.plugins import Plugins


class Hooked(Backend):
    """A store, and what is done before and after its operations; `open_backend` wraps it round each.

    Nothing is locked while a plugin runs.
    """

    def __init__(
        self,
        inner: Backend,
        *,
        plugins: Plugins | None = None,
        draw: Draw = random.random,
        clock: Clock | None = None,
    ) -> None:
        """Wrap a store; without plugins, those that are built in do it.

        `draw` is what delays are drawn by, and `clock` what policies and failures go by, where a test says so.
        """
        self.inner = inner
        self.plugins = Plugins(installed=False) if plugins is None else plugins
        clock = time.time if clock is None else clock
        choices = Choices(self.plugins)
        plans = Plans(self.plugins, clock)
        admission = Admission(self.plugins, choices, plans)
        ends = Ends(self.plugins, admission, Delays(self.plugins, draw), plans, clock)
        self._around = Around(self.plugins, choices, plans, admission, ends, clock)

    def namespace(self, name: str) -> Namespace:
        return HookedNamespace(self.inner.namespace(name), self._around)

    def namespaces(self) -> list[str]:
        return self.inner.namespaces()

    def ping(self) -> list[str]:
        return self.inner.ping()

    def close(self) -> None:
        self.inner.close()
