"""The workers that have popped lately, for people."""

from __future__ import annotations

from collections.abc import Iterator

from qless_flask.backends.base import Namespace
from qless_flask.models import Actor, Worker


class Workers:
    """All workers of a namespace: `client.workers["ann"]`; iterating walks through them by name."""

    def __init__(self, namespace: Namespace, actor: Actor | None = None) -> None:
        self._namespace = namespace
        self._actor = actor

    def __getitem__(self, name: str) -> Worker:
        """Sum one worker up. Raise WorkerNotFound."""
        return self._namespace.workers([name])[0]

    def __iter__(self) -> Iterator[Worker]:
        return iter(self._namespace.workers())

    def quiet(self, name: str, *, on: bool = True) -> Worker:
        """Ask a worker to pop no more, or no longer ask that. Raise WorkerNotFound."""
        return self._namespace.quiet(name, on=on, actor=self._actor)

    def stop(self, name: str, *, on: bool = True) -> Worker:
        """Ask a worker to end, or no longer ask that. Raise WorkerNotFound."""
        return self._namespace.stop(name, on=on, actor=self._actor)
