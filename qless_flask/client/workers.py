"""The workers that have popped lately, for people."""

from __future__ import annotations

from collections.abc import Iterator

from qless_flask.backends.base import Namespace
from qless_flask.models import Worker


class Workers:
    """All workers of a namespace: `client.workers["ann"]`; iterating walks through them by name."""

    def __init__(self, namespace: Namespace) -> None:
        self._namespace = namespace

    def __getitem__(self, name: str) -> Worker:
        """Sum one worker up. Raise WorkerNotFound."""
        return self._namespace.workers([name])[0]

    def __iter__(self) -> Iterator[Worker]:
        return iter(self._namespace.workers())
