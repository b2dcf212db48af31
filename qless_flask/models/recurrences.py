"""Recurrences: rules by which jobs are put again and again, and how they stand."""

from __future__ import annotations

import time
from dataclasses import KW_ONLY, dataclass, replace
from typing import Any, Literal

from qless_flask.bounds import MAX_BATCH, MAX_DELAY_SECONDS, MIN_INTERVAL_SECONDS, Checks
from qless_flask.errors import Invalid
from qless_flask.models.backoff import Backoff
from qless_flask.models.jobs import NewJob
from qless_flask.models.words import OVERLAPS, Overlap

Catchup = Literal["one", "none"] | int

MAX_COUNT = 1_000_000_000
MAX_CRON_LETTERS = 500


@dataclass(frozen=True, slots=True)
class Recurrence:
    """A rule that puts a job into `queue` every `interval` seconds, or when `cron` says so in `timezone`.

    `cron` has the five fields of crontab(5). What else the jobs have is as in NewJob.
    """

    klass: str
    data: str = "{}"
    _: KW_ONLY
    queue: str
    id: str | None = None
    """None: one is made."""
    interval: float | None = None
    cron: str | None = None
    timezone: str = "UTC"
    """A name of the IANA time zone database; of no matter to an interval."""
    first_at: float | None = None
    """Not before then (Unix seconds); intervals are counted from it. None: one interval from now; the next by cron."""
    overlap: Overlap = "allow"
    """`skip`: put none while the last one that it put has not ended."""
    catchup: Catchup = "one"
    """Of the times missed while nothing fired: the latest, none, or the latest so many, each."""
    count: int | None = None
    """How many times it fires in all; None: for ever."""
    priority: int = 0
    tags: tuple[str, ...] = ()
    retries: int | None = None
    pipeline: tuple[str, ...] = ()
    backoff: Backoff | None = None
    max_run: float | None = None
    expires_in: float | None = None
    requires: tuple[str, ...] = ()
    key: str | None = None

    def __post_init__(self) -> None:
        check = Checks()
        if self.id is not None:
            check.text("id", self.id)
            # A jid has its id, an @, and the time: see `jid_at`.
            if isinstance(self.id, str) and len(self.id.encode(errors="replace")) > MAX_ID_BYTES:
                check.wrong("id", f"must be at most {MAX_ID_BYTES} bytes")
        if (self.interval is None) == (self.cron is None):
            check.wrong("interval", "or cron must be given, and only one of them")
        if self.interval is not None:
            check.seconds("interval", self.interval, MIN_INTERVAL_SECONDS, MAX_DELAY_SECONDS)
        if self.cron is not None and not (isinstance(self.cron, str) and len(self.cron) <= MAX_CRON_LETTERS):
            check.wrong("cron", f"must be text of at most {MAX_CRON_LETTERS} letters")
        check.text("timezone", self.timezone)
        if self.first_at is not None:
            check.seconds("first_at", self.first_at, 0, 2 * MAX_DELAY_SECONDS)
        check.one_of("overlap", self.overlap, OVERLAPS)
        if self.catchup not in ("one", "none"):
            check.integer("catchup", self.catchup, 1, MAX_BATCH)
        if self.count is not None:
            check.integer("count", self.count, 1, MAX_COUNT)
        try:
            self.job()
        except Invalid as error:
            for name, said in error.fields.items():
                check.wrong(name, " ".join(said))
        check.done()
        object.__setattr__(self, "tags", tuple(dict.fromkeys(self.tags)))
        object.__setattr__(self, "pipeline", tuple(self.pipeline))
        object.__setattr__(self, "requires", tuple(sorted(set(self.requires))))

    def job(self, jid: str | None = None) -> NewJob:
        """Build a job as it puts it; one that is there already, of the same time, is kept."""
        return NewJob(
            self.klass,
            self.data,
            queue=self.queue,
            jid=jid,
            priority=self.priority,
            tags=self.tags,
            retries=self.retries,
            pipeline=self.pipeline,
            backoff=self.backoff,
            max_run=self.max_run,
            expires_in=self.expires_in,
            requires=self.requires,
            key=self.key,
            if_exists="keep",
        )

    def changed(self, **changes: Any) -> Recurrence:
        """Copy the rule with other values; a `cron` takes the place of an `interval`, and the other way round."""
        for name, other in (("cron", "interval"), ("interval", "cron")):
            if changes.get(name) is not None and other not in changes:
                changes[other] = None
        return replace(self, **changes)

    def timing(self) -> tuple[float | None, str | None, str, float | None]:
        """What its times depend on: while that stays, an update keeps the next run."""
        return self.interval, self.cron, self.timezone, self.first_at


@dataclass(frozen=True, slots=True)
class Recurring:
    """A recurrence as it stands; its rule has an id."""

    rule: Recurrence
    next_at: float | None
    """When it fires next; None: it has fired as often as it should, or there is no such time any more."""
    paused: bool
    fired: int
    """How many jobs it has put by itself."""
    last_at: float | None
    """The time for which it put its last job."""
    last_jid: str | None


MAX_ID_BYTES = 170


def jid_at(id: str, at: float) -> str:
    """Spell the jid of the job that a recurrence puts for a time: the same for every scheduler."""
    moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at))
    milliseconds = round(at * 1000) % 1000
    return f"{id}@{moment}.{milliseconds:03}Z" if milliseconds else f"{id}@{moment}Z"
