"""What namespaces are told of policies and back-offs, kept for a second, so that not every put has to ask."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import NamedTuple

from qless_flask.backends.base import Clock, Namespace
from qless_flask.errors import QlessError
from qless_flask.hookspecs import Policy
from qless_flask.models import Backoff, Chosen, NamespaceSettings
from qless_flask.plugins import Plugins

KEPT_SECONDS = 1.0
MOST_KEPT = 1_000


class Plan(NamedTuple):
    """What a namespace is told, ready to be used."""

    settings: NamespaceSettings
    policies: tuple[tuple[Chosen, Policy | QlessError], ...]
    """In their order; an error stands for one that cannot be built here, so that nothing is let in past it."""

    @property
    def klass_backoff(self) -> Mapping[str, Backoff]:
        return self.settings.klass_backoff


class Plans:
    """The plans of the namespaces of a store. Safe to share between threads."""

    def __init__(self, plugins: Plugins, clock: Clock) -> None:
        self._plugins = plugins
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: dict[str, tuple[float, Plan]] = {}
        self._forgotten = 0

    def of(self, namespace: Namespace) -> Plan:
        """Answer the plan of a namespace, as it was at most a second ago, or was told through here."""
        kept = self._kept.get(namespace.name)
        now = time.monotonic()
        if kept is not None and now < kept[0]:
            return kept[1]
        forgotten = self._forgotten
        settings = namespace.settings()
        plan = kept[1] if kept is not None and kept[1].settings == settings else self._plan(settings)
        with self._lock:
            # What was read before somebody here changed it is old already.
            if forgotten == self._forgotten:
                if len(self._kept) >= MOST_KEPT:
                    self._kept.clear()
                self._kept[namespace.name] = now + KEPT_SECONDS, plan
        return plan

    def forget(self, name: str) -> None:
        """Ask anew the next time: something was told."""
        with self._lock:
            self._forgotten += 1
            self._kept.pop(name, None)

    def _plan(self, settings: NamespaceSettings) -> Plan:
        return Plan(settings, tuple((chosen, self._policy(chosen)) for chosen in settings.policies))

    def _policy(self, chosen: Chosen) -> Policy | QlessError:
        try:
            policy = self._plugins.policy(chosen)
        except QlessError as error:
            return error
        # It may be frozen, to its own eyes.
        object.__setattr__(policy, "id", chosen.id)
        object.__setattr__(policy, "clock", self._clock)
        return policy
