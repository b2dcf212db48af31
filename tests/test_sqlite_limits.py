"""How SQLite finds what a pop may give: as a look at every waiting job would, and without one."""

from __future__ import annotations

import random
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from qless_flask.backends.sqlite import SQLiteBackend
from qless_flask.backends.sqlite.namespace import SQLiteNamespace
from qless_flask.models import Changes, Complete, Fail, Lease, NewJob, QueueSettings, Rate, Release, Retry, Setting
from qless_flask.testing.clock import ManualClock

KEYS = (None, None, "a", "b", "c", "d")
CAPABILITIES = ("cpu", "eu", "gpu")


@pytest.fixture
def clock() -> ManualClock:
    """Stands still unless it is told."""
    return ManualClock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the store is."""
    return tmp_path / "jobs.db"


@pytest.fixture
def backend(path: Path, clock: ManualClock) -> Iterator[SQLiteBackend]:
    """A store of the test's own."""
    with closing(SQLiteBackend(f"sqlite:///{path}?synchronous=off", clock=clock)) as backend:
        yield backend


@pytest.fixture
def namespace(backend: SQLiteBackend) -> SQLiteNamespace:
    """A namespace of the test's own."""
    return backend.namespace("shop")


@dataclass
class Scanned:
    """One queue, every pop of which looks at each job."""

    settings: QueueSettings = field(default_factory=QueueSettings)
    waiting: dict[str, tuple[int, int, NewJob]] = field(default_factory=dict)
    running: dict[str, NewJob] = field(default_factory=dict)
    place: int = 0
    pops: defaultdict[str | None, list[int]] = field(default_factory=lambda: defaultdict(list))
    since: dict[str, int] = field(default_factory=lambda: {"rate": 0, "key_rate": 0})

    def wait(self, job: NewJob) -> None:
        assert job.jid is not None
        self.place += 1
        self.waiting[job.jid] = (-job.priority, self.place, job)

    def configure(self, now: int, changes: dict[str, Setting]) -> None:
        before = self.settings
        known = {name: getattr(before, name) for name in QueueSettings.__dataclass_fields__}
        self.settings = QueueSettings(**(known | changes))
        for name in self.since:
            old, new = getattr(before, name), getattr(self.settings, name)
            if new and (not old or new.per > old.per):
                self.since[name] = now

    def pop(self, now: int, limit: int, capabilities: Sequence[str]) -> list[str]:
        given: list[str] = []
        for _, _, job in sorted(self.waiting.values(), key=lambda entry: entry[:2]):
            if len(given) < limit and self._may_run(now, job, capabilities):
                assert job.jid is not None
                given.append(job.jid)
                self.running[job.jid] = job
                del self.waiting[job.jid]
                self._note(now, job)
        return given

    def _may_run(self, now: int, job: NewJob, capabilities: Sequence[str]) -> bool:
        settings, same = self.settings, [each for each in self.running.values() if each.key == job.key]
        if not set(job.requires) <= set(capabilities):
            return False
        if settings.max_concurrency is not None and len(self.running) >= settings.max_concurrency:
            return False
        if self._used_up(now, "rate", None):
            return False
        if job.key is None:
            return True
        full = settings.key_concurrency is not None and len(same) >= settings.key_concurrency
        return not full and not self._used_up(now, "key_rate", job.key)

    def _used_up(self, now: int, name: str, key: str | None) -> bool:
        rate: Rate | None = getattr(self.settings, name)
        if rate is None:
            return False
        counted = [at for at in self.pops[key] if at >= self.since[name] and now < at + round(rate.per * 1000)]
        return len(counted) >= rate.limit

    def _note(self, now: int, job: NewJob) -> None:
        if self.settings.rate:
            self.pops[None] = [*self.pops[None], now][-self.settings.rate.limit :]
        if self.settings.key_rate and job.key is not None:
            self.pops[job.key] = [*self.pops[job.key], now][-self.settings.key_rate.limit :]


class Run:
    """A store and a scan that are told the same."""

    def __init__(self, namespace: SQLiteNamespace, clock: ManualClock, path: Path, seed: int) -> None:
        self.namespace = namespace
        self.clock = clock
        self.path = path
        self.random = random.Random(seed)
        self.scanned = Scanned()
        self.leases: dict[str, Lease] = {}
        self.number = 0

    def step(self) -> None:
        chances: list[tuple[Callable[[], None], int]] = [
            (self.put, 5),
            (self.pop, 8),
            (self.settle, 5),
            (self.pass_time, 4),
            (self.limit, 1),
            (self.hand, 1),
        ]
        operations, weights = zip(*chances, strict=True)
        self.random.choices(operations, weights)[0]()
        self.check_lanes()

    def put(self) -> None:
        jobs = [self._job() for _ in range(self.random.randint(1, 6))]
        self.namespace.put(jobs)
        for job in jobs:
            self.scanned.wait(job)

    def pop(self) -> None:
        limit = self.random.choice((1, 1, 2, 5, 20))
        capabilities = self.random.sample(CAPABILITIES, self.random.randint(0, 3))
        expected = self.scanned.pop(self._now, limit, capabilities)

        popped = self.namespace.pop(["fetch"], "ann", limit, capabilities=capabilities)

        assert [lease.jid for lease in popped.leases] == expected
        self.leases |= {lease.jid: lease for lease in popped.leases}
        if not expected and popped.retry_at is not None:
            assert popped.retry_at * 1000 > self._now

    def settle(self) -> None:
        for jid in self.random.sample(sorted(self.leases), min(len(self.leases), self.random.randint(1, 3))):
            job, lease = self.scanned.running.pop(jid), self.leases.pop(jid)
            way = self.random.randrange(4)
            if way == 0:
                self.namespace.settle([Complete(lease)])
            elif way == 1:
                self.namespace.settle([Fail(lease, group="broken")])
            elif way == 2:
                self.namespace.settle([Retry(lease, group="again")])
                self.scanned.wait(job)
            else:
                self.namespace.settle([Release(lease, delay=0.001)])
                self.clock.advance(0.001)
                self.namespace.promote()
                self.scanned.wait(job)

    def pass_time(self) -> None:
        self.clock.advance(self.random.choice((0.001, 0.5, 1.0, 1.5)))

    def limit(self) -> None:
        names = self.random.sample(("max_concurrency", "rate", "key_concurrency", "key_rate"), 2)
        changes = {name: self._setting(name) for name in names}
        self.namespace.configure("fetch", changes)
        self.scanned.configure(self._now, changes)

    def hand(self) -> None:
        if self.scanned.waiting:
            jid = self.random.choice(sorted(self.scanned.waiting))
            _, place, job = self.scanned.waiting.pop(jid)
            if self.random.random() < 0.5:
                self.namespace.cancel([jid])
            else:
                priority = self.random.randint(-2, 2)
                self.namespace.update([jid], Changes(priority=priority))
                self.scanned.waiting[jid] = (-priority, place, replace(job, priority=priority))

    def check_lanes(self) -> None:
        """Hold lanes against the jobs in them."""
        with closing(sqlite3.connect(self.path)) as connection:
            found = connection.execute(
                "SELECT ifnull(key, ''), requires, min(ord) FROM job WHERE state = 8 GROUP BY 1, 2"
            )
            firsts = {(key, requires): ord for key, requires, ord in found}
            heads = {row[:2]: row[2] for row in connection.execute("SELECT key, requires, head FROM lane")}
            kept = {key for (key,) in connection.execute("SELECT key FROM queue_key WHERE until IS NOT NULL")}
            sets = dict(connection.execute("SELECT requires, jobs FROM requirement_set"))
            running = dict(connection.execute("SELECT key, running FROM queue_key WHERE running > 0"))
        assert heads == {lane: None if lane[0] in kept else ord for lane, ord in firsts.items()}
        alive = [job for _, _, job in self.scanned.waiting.values()] + list(self.scanned.running.values())
        assert sum(sets.values()) == sum(bool(job.requires) for job in alive)
        assert sum(running.values()) == sum(job.key is not None for job in self.scanned.running.values())

    @property
    def _now(self) -> int:
        return round(self.clock() * 1000)

    def _job(self) -> NewJob:
        self.number += 1
        return NewJob(
            "Crawl",
            queue="fetch",
            jid=f"job {self.number}",
            priority=self.random.choice((0, 0, 0, 1, -1)),
            key=self.random.choice(KEYS),
            requires=tuple(self.random.sample(CAPABILITIES, self.random.choice((0, 0, 1, 2)))),
            retries=1_000,
        )

    def _setting(self, name: str) -> Setting:
        if self.random.random() < 0.3:
            return None
        if name.endswith("rate"):
            return Rate(self.random.randint(1, 4), self.random.choice((0.5, 1.0, 2.0)))
        return self.random.randint(1, 5)


@pytest.mark.parametrize("seed", range(12))
def test_a_pop_gives_what_a_look_at_every_waiting_job_would_give(
    namespace: SQLiteNamespace, clock: ManualClock, path: Path, seed: int
) -> None:
    run = Run(namespace, clock, path, seed)
    namespace.configure("fetch", {"heartbeat": None})
    run.scanned.configure(0, {"heartbeat": None})

    for _ in range(250):
        run.step()
