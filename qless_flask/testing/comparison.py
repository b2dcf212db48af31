"""Whether a backend and the model say the same of everything, but for what each may choose itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import msgspec

from qless_flask.backends.base import Namespace
from qless_flask.backends.folding import day_of
from qless_flask.models import (
    STATES,
    AnyRecord,
    Event,
    EventFilter,
    Filter,
    JobRecord,
    Lease,
    Popped,
    WorkerRecord,
    distinct,
    encode_record,
)
from qless_flask.models.transfer import identity
from qless_flask.testing import strategies as draw
from qless_flask.testing.model import ModelNamespace

DAY = 86_400.0
PAGE = 1000
GROUPS = ("none", "timeout", *draw.GROUPS, "expired")
TAGS = ("z", "none", "x")
ASKED: tuple[dict[str, str], ...] = ({}, {"queue": "one"}, {"queue": "none"}, {"klass": "Crawl"}, {"tag": "x"})
FILTERS = (
    EventFilter(jid="a"),
    EventFilter(queue="one"),
    EventFilter(tag="x"),
    EventFilter(tracked=True),
    EventFilter(tracked=False, queue="two"),
)


def same(real: object, model: object, about: object) -> None:
    """Raise AssertionError, telling both, unless the backend says what the model says."""
    if real != model:
        raise AssertionError(f"{about}:\n  the backend says {real}\n  the model says   {model}")


class Comparison:
    """Holds the look-ups of a backend against those of the model."""

    def __init__(self, model: ModelNamespace, real: Namespace, jids: Mapping[str, None]) -> None:
        self._model = model
        self._real = real
        self._jids = jids
        """All jids that there were; it grows."""

    def all(self, page_size: int, latest: float) -> None:
        """Compare everything; `latest` is the latest time that there was."""
        self.jobs()
        self.walks(page_size, latest)
        same(self._real.queues(), self._model.queues(), "queues")
        same(self._real.settings(), self._model.settings(), "the settings of the namespace")
        self.workers(latest)
        self.figures(page_size)
        self.events()
        for filter in FILTERS:
            self.events(filter)
        self.statistics(latest)

    def jobs(self) -> None:
        """Compare the jobs, whole, and their logs."""
        jids = list(self._jids)
        for jid, real, model in zip(jids, self._real.get(jids), self._model.get(jids), strict=True):
            same(real, model, jid)
            if real:
                same(self._real.lines(jid), self._model.lines(jid), f"the log of {jid}")

    def walks(self, page_size: int, latest: float) -> None:
        """Compare what selects find: in order where there is one, each once everywhere."""
        ordered = [Filter(queue=queue, state=state) for queue in draw.QUEUES for state in STATES]
        since, until = latest - 60, latest + 0.001
        ordered += [Filter(queue="one", state=state, since=since, until=until) for state in STATES]
        for filter in ordered:
            same(_walk(self._real, filter, page_size), _walk(self._model, filter, page_size), filter)
        others = [Filter(), Filter(queue="one"), Filter(state="waiting"), Filter(q="CR", queue="two")]
        others += [Filter(tag=tag) for tag in draw.TAGS]
        others += [Filter(worker=worker) for worker in draw.WORKERS]
        others += [Filter(group=group, queue="one") for group in (*draw.GROUPS, "lost", "timeout")]
        others += [Filter(group="expired"), Filter(group="finished", klass="Crawl"), Filter(state="depends")]
        others += [Filter(key=key) for key in draw.KEYS]
        others += [Filter(key=draw.KEYS[0], queue="one"), Filter(key=draw.KEYS[0], state="waiting")]
        others += [Filter(since=latest), Filter(until=since), Filter(group="broken", since=since, until=latest)]
        others += [
            Filter(tag="x", since=since),
            Filter(key=draw.KEYS[0], until=latest),
            Filter(worker="ann", since=since),
        ]
        others += [Filter(tracked=True), Filter(tracked=True, state="waiting"), Filter(tracked=False, queue="one")]
        for filter in others:
            found, expected = (sorted(_walk(each, filter, page_size)) for each in (self._real, self._model))
            same(found, expected, filter)

    def workers(self, latest: float) -> None:
        """Compare the workers; a store may be a second late in writing when it saw one."""
        real, model = self._real.workers(), self._model.workers()
        same([replace(each, seen_at=0.0) for each in real], [replace(each, seen_at=0.0) for each in model], "workers")
        for found, expected in zip(real, model, strict=True):
            if not expected.seen_at - 1 < found.seen_at <= max(latest, expected.seen_at):
                same(found, expected, "when a worker was seen")

    def figures(self, page_size: int) -> None:
        """Compare failures, tags, what is tracked, and recurrences: all, those named, and page by page."""
        real, model = self._real, self._model
        same(real.failures(), model.failures(), "failures")
        same(real.failures(GROUPS), model.failures(GROUPS), "failures named")
        same(real.failures(after="f", limit=1), model.failures(after="f", limit=1), "a page of failures")
        same(real.tags(), model.tags(), "tags")
        same(real.tags(TAGS), model.tags(TAGS), "tags named")
        same(real.tags(after="x", limit=page_size), model.tags(after="x", limit=page_size), "a page of tags")
        same(real.tracked(), model.tracked(), "tracked")
        same(real.recurrences(), model.recurrences(), "recurrences")
        same(real.recurrences(due=True), model.recurrences(due=True), "recurrences due")
        same(real.recurrences(after="e", limit=1), model.recurrences(after="e", limit=1), "a page of recurrences")

    def statistics(self, latest: float) -> None:
        """Compare the days, hours and minutes."""
        real, model = self._real, self._model
        for day in (None, day_of(latest), day_of(latest - DAY)):
            for asked in ASKED:
                same(real.stats(day, **asked), model.stats(day, **asked), f"the statistics of {asked}, {day}")
        for queue in (None, "one", "two"):
            for since, step in ((None, 60), (None, 3600), (latest - 3 * DAY, 7200)):
                found, expected = (each.throughput(queue, since=since, step=step) for each in (real, model))
                same(found, expected, f"the transitions of {queue} since {since}, by {step} s")

    def dumps(self, page_size: int, tokens: Mapping[str, str]) -> None:
        """Compare all records; `tokens` says what the model calls those of the backend."""
        same_records(dump(self._real, page_size), dump(self._model, page_size), tokens)

    def forgotten_workers(self, latest: float) -> None:
        """Let the model follow where the backend had a choice whom to forget."""
        known = {each.name: each.seen_at for each in self._real.workers()}
        world = self._model.world
        for name, seen in [*world.workers.items()]:
            if name not in known and seen / 1000 - 1 + DAY <= latest:
                world.forget_worker(name)
        for name in known.keys() - world.workers.keys():
            world.workers[name] = round(known[name] * 1000)

    def events(self, filter: EventFilter | None = None) -> None:
        """Compare the logs, job by job: among jobs the order within one operation is the store's own affair."""
        real, model = (_by_subject(_read(each, filter)) for each in (self._real, self._model))
        for subject in real.keys() | model.keys():
            same(real.get(subject), model.get(subject), f"the events of {subject} by {filter}")


def dump(namespace: Namespace, page_size: int = PAGE) -> list[AnyRecord]:
    """Read all records, by what they are of."""
    page = namespace.dump(None, page_size)
    found = [*page.records]
    while page.next is not None:
        page = namespace.dump(page.next, page_size)
        found += page.records
    return sorted(distinct(found), key=lambda record: [str(part) for part in identity(record)])


def same_records(real: Iterable[AnyRecord], model: Iterable[AnyRecord], tokens: Mapping[str, str]) -> None:
    """Compare records as they are written, but for how tokens are spelled, and when a worker was seen."""
    found, expected = (
        {identity(record): encode_record(_as_the_model_has_it(record, tokens)) for record in records}
        for records in (real, model)
    )
    for subject in found.keys() | expected.keys():
        same(found.get(subject), expected.get(subject), f"the record of {subject}")


def _as_the_model_has_it(record: AnyRecord, tokens: Mapping[str, str]) -> AnyRecord:
    if isinstance(record, WorkerRecord):
        return msgspec.structs.replace(record, seen_at=0)
    if isinstance(record, JobRecord):
        settled = record.settled and (tokens.get(record.settled[0], record.settled[0]), *record.settled[1:])
        return msgspec.structs.replace(record, token=tokens.get(record.token or "", record.token), settled=settled)
    return record


def same_popped(model: Popped, real: Popped, now: float, *, parked: bool = False) -> None:
    """Compare the answers of a pop but for the tokens; `retry_at` may be earlier, but not in the past.

    Where jobs are `parked`, by key or by what they require, it may be now.
    """
    soonest = now - 0.0005 if parked else now
    same([_tokenless(lease) for lease in real], [_tokenless(lease) for lease in model], "popped")
    same((real.quiet, real.stop), (model.quiet, model.stop), "what the worker is asked")
    if model.leases or model.retry_at is None:
        right = real.retry_at is None or (not model.leases and real.retry_at > soonest)
    else:
        right = (
            real.retry_at is not None
            and real.retry_at <= model.retry_at
            and (real.retry_at > soonest or model.retry_at <= now)
        )
    if not right:
        same(real.retry_at, model.retry_at, f"retry_at, now {now}")


def _tokenless(lease: Lease) -> tuple[object, ...]:
    return lease.jid, lease.expires_at, lease.job


def _walk(namespace: Namespace, filter: Filter, page_size: int) -> list[str]:
    page = namespace.select(filter, None, page_size)
    found = [job.jid for job in page.jobs]
    while page.next is not None:
        page = namespace.select(filter, page.next, page_size)
        found += [job.jid for job in page.jobs]
    return found


def end_of_log(namespace: Namespace) -> str | None:
    """Find the cursor behind all events."""
    after, page = None, namespace.events(None, PAGE)
    while page.next != after:
        after = page.next
        page = namespace.events(after, PAGE)
    return after


def _read(namespace: Namespace, filter: EventFilter | None) -> Iterable[Event]:
    after = None
    while True:
        page = namespace.events(after, PAGE, filter=filter)
        yield from page.events
        if page.next == after:
            return
        after = page.next


def _by_subject(events: Iterable[Event]) -> dict[tuple[str, str | None], list[Event]]:
    found: dict[tuple[str, str | None], list[Event]] = {}
    for event in events:
        kind = "job" if event.jid else "queue" if event.queue else "worker" if event.worker else "tag or namespace"
        subject = kind, event.jid or event.queue or event.worker or "".join(event.tags)
        found.setdefault(subject, []).append(replace(event, cursor=""))
    return found
