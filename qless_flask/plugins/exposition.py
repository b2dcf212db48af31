"""The text that Prometheus reads, of what plugins tell: each by itself, so that one that fails harms no other."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from qless_flask.errors import BackendUnavailable
from qless_flask.hookspecs import Space
from qless_flask.plugins.manager import Plugins

if TYPE_CHECKING:
    from prometheus_client import Metric

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
HOOK = "metrics"

logger = logging.getLogger("qless_flask.plugins")


class Exposition:
    """A text that grows; no name of a metric stands in it twice."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._names: set[str] = set()

    def add(self, families: Iterable[Any]) -> None:
        """Add metrics, all or none. Raise TypeError or ValueError for what is none, or has the name of another."""
        from prometheus_client import Metric, generate_latest

        families = list(families)
        names: list[str] = []
        for family in families:
            if not isinstance(family, Metric):
                raise TypeError(f"{type(family).__name__} is no metric family of prometheus_client")
            names.append(family.name)
        for name in names:
            if name in self._names or names.count(name) > 1:
                raise ValueError(f"there is a metric {name} already")
        self._parts.append(generate_latest(_Families(families)))
        self._names.update(names)

    def add_all(self, plugins: Plugins, namespaces: Sequence[Space]) -> None:
        """Ask all plugins; what one raises is counted and logged, and it is left out. Raise BackendUnavailable."""
        for call in reversed(plugins.calls(HOOK)):
            begun = time.perf_counter()
            try:
                answer = call(namespaces=namespaces)
            except BackendUnavailable:
                raise
            except Exception:
                logger.exception("plugin %s failed in %s", call.plugin, HOOK)
                continue
            try:
                # It may be a generator, that begins only now.
                self.add(answer)
            except BackendUnavailable:
                raise
            except Exception as error:
                call.record.failed(HOOK, error, time.perf_counter() - begun)
                logger.exception("plugin %s failed in %s", call.plugin, HOOK)

    def text(self) -> bytes:
        """Answer all of it."""
        return b"".join(self._parts)


class _Families:
    """What generate_latest takes: something to collect from."""

    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> list[Metric]:
        return self._families
