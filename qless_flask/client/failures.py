"""Handles on groups of failed jobs, for people."""

from __future__ import annotations

from collections.abc import Iterator

from qless_flask.backends.base import Namespace
from qless_flask.client.changes import Changing
from qless_flask.client.jobs import JobHandle, Jobs
from qless_flask.client.listing import walk
from qless_flask.client.writing import Writing
from qless_flask.errors import NotFound
from qless_flask.models import Actor, FailureGroup, Filter, Move


class FailuresHandle:
    """The failed jobs of one group."""

    def __init__(
        self, namespace: Namespace, group: str, actor: Actor | None = None, *, writing: Writing | None = None
    ) -> None:
        self.group = group
        self._namespace = namespace
        self._actor = actor
        self._writing = writing or Writing()

    def summary(self) -> FailureGroup:
        """Sum the group up. Raise NotFound where no failed job is in it."""
        found = self._namespace.failures([self.group])
        if not found:
            raise NotFound(f"no failed job is in the group {self.group}", subject=self.group)
        return found[0]

    def jobs(self) -> Iterator[JobHandle]:
        """Walk through its jobs, the latest first in each queue."""
        return Jobs(self._namespace, self._actor, writing=self._writing).select(state="failed", group=self.group)

    def retry(self, *, queue: str | None = None, delay: float = 0.0) -> int:
        """Move all of them back into their queues, or into `queue`, and tell how many that were."""
        wanted = Filter(state="failed", group=self.group)
        return Changing(self._namespace, self._actor).all(wanted, Move(queue, delay)).changed

    def __repr__(self) -> str:
        return f"<FailuresHandle {self.group}>"


class Failures:
    """All groups of failed jobs: `client.failures[group]`; iterating walks through those that there are, by name."""

    def __init__(self, namespace: Namespace, actor: Actor | None = None, *, writing: Writing | None = None) -> None:
        self._namespace = namespace
        self._actor = actor
        self._writing = writing or Writing()

    def __getitem__(self, group: str) -> FailuresHandle:
        return FailuresHandle(self._namespace, group, self._actor, writing=self._writing)

    def __iter__(self) -> Iterator[FailuresHandle]:
        return (self[each.group] for each in self.summaries())

    def summaries(self) -> Iterator[FailureGroup]:
        """Sum all groups up, by name."""
        return walk(lambda after: self._namespace.failures(after=after), lambda each: each.group)
