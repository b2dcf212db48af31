"""Handles on tags, for people."""

from __future__ import annotations

from collections.abc import Iterator

from qless_flask.backends.base import Namespace
from qless_flask.client.jobs import JobHandle, Jobs
from qless_flask.client.listing import walk
from qless_flask.client.writing import Writing
from qless_flask.models import Actor, Stats, Tag


class TagHandle:
    """A tag by its name, whether a job has it or not."""

    def __init__(
        self, namespace: Namespace, name: str, actor: Actor | None = None, *, writing: Writing | None = None
    ) -> None:
        self.name = name
        self._namespace = namespace
        self._actor = actor
        self._writing = writing or Writing()

    def summary(self) -> Tag:
        """Sum the tag up: how many of its jobs are in each state, mean wait and run."""
        return self._namespace.tags([self.name])[0]

    def stats(self, day: str | None = None) -> Stats:
        """Sum up the waits and runs of its jobs on a day (UTC, as 2026-11-24), or today."""
        return self._namespace.stats(day, tag=self.name)

    def jobs(self) -> Iterator[JobHandle]:
        """Walk through the jobs that have it."""
        return Jobs(self._namespace, self._actor, writing=self._writing).select(tag=self.name)

    def track(self) -> Tag:
        """Follow it: it stands in `client.tracked()`."""
        return self._namespace.track(self.name, actor=self._actor)

    def untrack(self) -> Tag:
        """Follow it no longer."""
        return self._namespace.track(self.name, on=False, actor=self._actor)

    def __repr__(self) -> str:
        return f"<TagHandle {self.name}>"


class Tags:
    """All tags of a namespace: `client.tags["docs"]`; iterating walks through those that jobs have, or tracked."""

    def __init__(self, namespace: Namespace, actor: Actor | None = None, *, writing: Writing | None = None) -> None:
        self._namespace = namespace
        self._actor = actor
        self._writing = writing or Writing()

    def __getitem__(self, name: str) -> TagHandle:
        return TagHandle(self._namespace, name, self._actor, writing=self._writing)

    def __iter__(self) -> Iterator[TagHandle]:
        return (self[each.name] for each in self.summaries())

    def summaries(self) -> Iterator[Tag]:
        """Sum all tags up, by name."""
        return walk(lambda after: self._namespace.tags(after=after), lambda each: each.name)
