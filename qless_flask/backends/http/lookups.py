"""Look-ups over the wire; those that wait do so in polls."""

from __future__ import annotations

from collections.abc import Sequence

from qless_flask.backends.http.calls import Calls
from qless_flask.bounds import MAX_DELAY_SECONDS, Checks
from qless_flask.models import (
    ENDED,
    EventFilter,
    EventPage,
    FailureGroup,
    Filter,
    Job,
    LogLine,
    Page,
    Queue,
    Stats,
    Tag,
    Throughput,
    Tracked,
    Worker,
)


class Lookups(Calls):
    """The operations that only read."""

    def get(self, jids: Sequence[str], *, wait: float = 0.0) -> list[Job | None]:
        def ask(poll: float) -> list[Job | None]:
            return list(self._call("get", poll, jids=jids))

        return self._polls.until(wait, ask, _have_not_ended, None)

    def lines(self, jid: str) -> list[LogLine]:
        return list(self._call("lines", jid=jid))

    def select(self, filter: Filter, cursor: str | None = None, limit: int = 50) -> Page:
        page: Page = self._call("select", filter=filter, cursor=cursor, limit=limit)
        return page

    def queues(self, names: Sequence[str] | None = None) -> list[Queue]:
        return list(self._call("queues", names=names))

    def workers(self, names: Sequence[str] | None = None) -> list[Worker]:
        return list(self._call("workers", names=names))

    def failures(
        self, groups: Sequence[str] | None = None, *, after: str | None = None, limit: int = 1000
    ) -> list[FailureGroup]:
        return list(self._call("failures", groups=groups, after=after, limit=limit))

    def tags(self, names: Sequence[str] | None = None, *, after: str | None = None, limit: int = 1000) -> list[Tag]:
        return list(self._call("tags", names=names, after=after, limit=limit))

    def tracked(self) -> Tracked:
        tracked: Tracked = self._call("tracked")
        return tracked

    def stats(
        self, day: str | None = None, *, queue: str | None = None, klass: str | None = None, tag: str | None = None
    ) -> Stats:
        stats: Stats = self._call("stats", day=day, queue=queue, klass=klass, tag=tag)
        return stats

    def throughput(
        self,
        queue: str | None = None,
        *,
        since: float | None = None,
        until: float | None = None,
        step: int = 60,
    ) -> Throughput:
        # Judged here already: JSON has no NaN, and the null in its place would be none given.
        check = Checks()
        for field, at in (("since", since), ("until", until)):
            if at is not None:
                check.seconds(field, at, 0, 2 * MAX_DELAY_SECONDS)
        check.done()
        counted: Throughput = self._call("throughput", queue=queue, since=since, until=until, step=step)
        return counted

    def events(
        self, after: str | None = None, limit: int = 100, *, wait: float = 0.0, filter: EventFilter | None = None
    ) -> EventPage:
        begin = after

        def ask(poll: float) -> EventPage:
            nonlocal begin
            page: EventPage = self._call("events", poll, after=begin, limit=limit, filter=filter)
            # What matched nothing is not looked at twice.
            begin = page.next
            return page

        return self._polls.until(wait, ask, _is_empty, EventPage((), after or "0"))


def _have_not_ended(jobs: Sequence[Job | None]) -> bool:
    return not all(job is None or job.state in ENDED for job in jobs)


def _is_empty(page: EventPage) -> bool:
    return not page.events
