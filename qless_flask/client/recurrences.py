"""Handles on recurrences, for people: rules by which jobs are put again and again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypedDict, Unpack

from qless_flask.backends.base import Namespace
from qless_flask.client.data import EMPTY, SAME, Data
from qless_flask.client.jobs import JobHandle
from qless_flask.client.listing import walk
from qless_flask.client.writing import Writing
from qless_flask.errors import Invalid
from qless_flask.models import Actor, Backoff, Catchup, Overlap, Recurrence, Recurring


class RecurOptions(TypedDict, total=False):
    """What a recurrence takes beside queue, klass and data; see `models.Recurrence`."""

    id: str | None
    interval: float | None
    cron: str | None
    timezone: str
    first_at: float | None
    overlap: Overlap
    catchup: Catchup
    count: int | None
    priority: int
    tags: tuple[str, ...]
    retries: int | None
    pipeline: tuple[str, ...]
    backoff: Backoff | None
    max_run: float | None
    expires_in: float | None
    requires: tuple[str, ...]
    key: str | None


class RecurrenceHandle:
    """A recurrence by its id. Nothing is asked of the store before you ask something of the handle."""

    def __init__(
        self, namespace: Namespace, id: str, actor: Actor | None = None, *, writing: Writing | None = None
    ) -> None:
        self.id = id
        self._namespace = namespace
        self._actor = actor
        self._writing = writing or Writing()

    def get(self) -> Recurring:
        """Look it up now: its rule, its next run. Raise RecurrenceNotFound."""
        return self._namespace.recurrences([self.id])[0]

    def update(self, *, data: Data = SAME, **changes: Any) -> Recurring:
        """Change what is named of its rule; the next run stays unless its times change.

        A new `cron` takes the place of an `interval`, and the other way round. Raise RecurrenceNotFound; Invalid for
        another `id`.
        """
        if changes.get("id", self.id) != self.id:
            raise Invalid.of({"id": [f"is {self.id}, and stays: make another recurrence with add"]})
        text = self._writing.dump_unless_same(data)
        if text is not None:
            changes["data"] = text
        return self._namespace.recur(self.get().rule.changed(**changes), actor=self._actor)

    def pause(self) -> Recurring:
        """Let it put nothing by itself until `resume`."""
        return self._namespace.pause_recurrence(self.id, actor=self._actor)

    def resume(self) -> Recurring:
        """Let it go on, with its next time from now on."""
        return self._namespace.resume_recurrence(self.id, actor=self._actor)

    def run(self) -> JobHandle:
        """Put a job of it now, whatever its times."""
        put = self._namespace.run_recurrence(self.id, actor=self._actor)
        handle = JobHandle(self._namespace, put.jid, actor=self._actor, writing=self._writing)
        handle.created = put.created
        return handle

    def delete(self) -> None:
        """Delete it; the jobs that it has put stay. Raise RecurrenceNotFound."""
        self._namespace.unrecur(self.id, actor=self._actor)

    def __repr__(self) -> str:
        return f"<RecurrenceHandle {self.id}>"


class Recurrences:
    """All recurrences of a namespace: `client.recurrences[id]`; iterating walks through them by id."""

    def __init__(self, namespace: Namespace, actor: Actor | None = None, *, writing: Writing | None = None) -> None:
        self._namespace = namespace
        self._actor = actor
        self._writing = writing or Writing()

    def add(self, klass: str, data: Data = EMPTY, *, queue: str, **options: Unpack[RecurOptions]) -> RecurrenceHandle:
        """Put a job into a queue every `interval` seconds, or when `cron` (five fields) says so in `timezone`.

        With the `id` of one that is there, its rule is replaced. Raise Invalid for a rule that is none.
        """
        rule = Recurrence(klass, self._writing.dump(data), queue=queue, **options)
        return self[str(self._namespace.recur(rule, actor=self._actor).rule.id)]

    def __getitem__(self, id: str) -> RecurrenceHandle:
        return RecurrenceHandle(self._namespace, id, self._actor, writing=self._writing)

    def __iter__(self) -> Iterator[RecurrenceHandle]:
        return (self[str(each.rule.id)] for each in self.summaries())

    def summaries(self) -> Iterator[Recurring]:
        """Walk through all of them as they stand, by id."""
        return walk(lambda after: self._namespace.recurrences(after=after), lambda each: str(each.rule.id))
