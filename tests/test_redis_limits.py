"""What pops give under limits and requirements, against a scan through all that waits."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field

import pytest
import redis

from qless_flask.backends.redis import RedisBackend
from qless_flask.backends.redis.namespace import RedisNamespace
from qless_flask.models import Changes, Complete, Fail, Lease, NewJob, Rate, Release, Retry, Setting
from qless_flask.testing import ManualClock
from qless_flask.testing.conformance.waiting import LONG, SOON

WORDS = ("eu", "gpu", "ssd")
KEYS = (None, None, "a", "b", "c", "d")
PER = 10.0


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def client(valkey_url: str) -> Iterator[redis.Redis]:
    client = redis.Redis.from_url(valkey_url, protocol=2)
    client.flushall()
    yield client
    client.close()


@pytest.fixture
def namespace(valkey_url: str, client: redis.Redis, clock: ManualClock) -> Iterator[RedisNamespace]:
    with closing(RedisBackend(valkey_url, clock=clock)) as backend:
        yield backend.namespace("limits")


@dataclass
class Standing:
    """A job as the scan knows it."""

    jid: str
    priority: int
    place: int
    key: str | None
    requires: frozenset[str]
    state: str = "waiting"


@dataclass
class Scan:
    """A queue without any index: each pop looks through all jobs."""

    limits: dict[str, Setting] = field(default_factory=dict)
    jobs: dict[str, Standing] = field(default_factory=dict)
    pops: list[float] = field(default_factory=list)
    key_pops: dict[str, list[float]] = field(default_factory=dict)
    since: dict[str, float] = field(default_factory=dict)
    places: int = 0

    def put(self, job: NewJob) -> None:
        self.places += 1
        assert job.jid
        self.jobs[job.jid] = Standing(job.jid, job.priority, self.places, job.key, frozenset(job.requires))

    def put_back(self, jid: str) -> None:
        self.places += 1
        self.jobs[jid].state, self.jobs[jid].place = "waiting", self.places

    def configure(self, name: str, value: Setting, now: float) -> None:
        before = self.limits.get(name)
        self.limits[name] = value
        if isinstance(value, Rate) and not (isinstance(before, Rate) and value.per <= before.per):
            self.since[name] = now

    def pop(self, limit: int, capabilities: tuple[str, ...], now: float) -> list[str]:
        given: list[str] = []
        for job in sorted(self.jobs.values(), key=lambda job: (-job.priority, job.place)):
            if len(given) == limit or not self._queue_allows(now):
                break
            if job.state == "waiting" and job.requires <= set(capabilities) and self._key_allows(job.key, now):
                job.state = "running"
                self._count(job.key, now)
                given.append(job.jid)
        return given

    def _running(self, key: str | None = None) -> int:
        return sum(job.state == "running" and key in (None, job.key) for job in self.jobs.values())

    def _queue_allows(self, now: float) -> bool:
        most, rate = self.limits.get("max_concurrency"), self.limits.get("rate")
        return (not isinstance(most, int) or self._running() < most) and self._counted("rate", rate, self.pops, now)

    def _key_allows(self, key: str | None, now: float) -> bool:
        if key is None:
            return True
        most, rate = self.limits.get("key_concurrency"), self.limits.get("key_rate")
        return (not isinstance(most, int) or self._running(key) < most) and self._counted(
            "key_rate", rate, self.key_pops.get(key, []), now
        )

    def _counted(self, name: str, rate: Setting, pops: list[float], now: float) -> bool:
        if not isinstance(rate, Rate):
            return True
        return sum(at >= self.since[name] and now < at + rate.per for at in pops) < rate.limit

    def _count(self, key: str | None, now: float) -> None:
        rate, key_rate = self.limits.get("rate"), self.limits.get("key_rate")
        if isinstance(rate, Rate):
            self.pops = [*self.pops, now][-rate.limit :]
        if isinstance(key_rate, Rate) and key is not None:
            self.key_pops[key] = [*self.key_pops.get(key, []), now][-key_rate.limit :]


def _random_limit(chance: random.Random) -> tuple[str, Setting]:
    name = chance.choice(("max_concurrency", "rate", "key_concurrency", "key_rate"))
    if chance.random() < 0.3:
        return name, None
    if name.endswith("rate"):
        return name, Rate(chance.randint(1, 6), chance.choice((1.0, PER / 2, PER)))
    return name, chance.randint(1, 6 if name == "max_concurrency" else 2)


def _random_job(chance: random.Random, number: int) -> NewJob:
    return NewJob(
        "Crawl",
        queue="fetch",
        jid=f"job-{number}",
        priority=chance.choice((0, 0, 1, -1)),
        key=chance.choice(KEYS),
        requires=tuple(word for word in WORDS if chance.random() < 0.25),
    )


@pytest.mark.parametrize("seed", range(30))
def test_pops_give_what_a_scan_would(namespace: RedisNamespace, clock: ManualClock, seed: int) -> None:
    chance, scan, leases = random.Random(seed), Scan(), dict[str, Lease]()
    namespace.configure("fetch", {"heartbeat": None})
    for number in range(250):
        step = chance.random()
        if step < 0.3:
            jobs = [_random_job(chance, 10 * number + each) for each in range(chance.randint(1, 4))]
            namespace.put(jobs)
            for job in jobs:
                scan.put(job)
        elif step < 0.65:
            offered = tuple(word for word in WORDS if chance.random() < 0.5)
            limit = chance.choice((1, 1, 2, 5))
            popped = namespace.pop(["fetch"], "ann", limit, capabilities=offered)
            assert [lease.jid for lease in popped] == scan.pop(limit, offered, clock())
            leases |= {lease.jid: lease for lease in popped}
        elif step < 0.8 and leases:
            _end(namespace, scan, leases.pop(chance.choice(sorted(leases))), chance)
        elif step < 0.87:
            name, value = _random_limit(chance)
            namespace.configure("fetch", {name: value})
            scan.configure(name, value, clock())
        elif step < 0.92 and scan.jobs:
            _change(namespace, scan, chance)
        else:
            clock.advance(chance.choice((0.5, 1.0, PER / 2, PER)))
    while any(job.state in ("waiting", "running") for job in scan.jobs.values()):
        popped = namespace.pop(["fetch"], "ann", 3, capabilities=WORDS)
        assert [lease.jid for lease in popped] == scan.pop(3, WORDS, clock())
        leases |= {lease.jid: lease for lease in popped}
        for lease in leases.values():
            _end(namespace, scan, lease, None)
        leases.clear()
        clock.advance(PER)


def _end(namespace: RedisNamespace, scan: Scan, lease: Lease, chance: random.Random | None) -> None:
    how = chance.choice((Complete, Fail, Retry, Release)) if chance else Complete
    if how is Complete:
        namespace.settle([Complete(lease)])
        scan.jobs[lease.jid].state = "complete"
    elif how is Fail:
        namespace.settle([Fail(lease, group="boom")])
        scan.jobs[lease.jid].state = "failed"
    elif how is Retry:
        [settled] = namespace.settle([Retry(lease, group="boom")])
        if settled.state == "waiting":  # type: ignore[union-attr]
            scan.put_back(lease.jid)
        else:
            scan.jobs[lease.jid].state = "failed"
    else:
        namespace.settle([Release(lease)])
        scan.jobs[lease.jid].state = "waiting"


def _change(namespace: RedisNamespace, scan: Scan, chance: random.Random) -> None:
    job = scan.jobs[chance.choice(sorted(scan.jobs))]
    if job.state == "running":
        return
    how = chance.random()
    if how < 0.4:
        job.priority = chance.choice((-2, 0, 2))
        namespace.update([job.jid], Changes(priority=job.priority))
    elif how < 0.7:
        namespace.move([job.jid], "fetch")
        scan.put_back(job.jid)
    elif job.state != "complete":
        namespace.cancel([job.jid])
        job.state = "canceled"


def test_keys_that_a_raised_limit_frees_are_looked_at_a_hundred_at_a_time(
    namespace: RedisNamespace, clock: ManualClock
) -> None:
    namespace.configure("fetch", {"key_concurrency": 1, "max_concurrency": 250})
    namespace.put(
        [NewJob("Crawl", queue="fetch", jid=f"{key:03}-{n}", key=f"{key}") for n in (1, 2) for key in range(250)]
    )
    namespace.pop(["fetch"], "ann", 1000)
    namespace.configure("fetch", {"key_concurrency": 2})

    full = namespace.pop(["fetch"], "bob")
    namespace.configure("fetch", {"max_concurrency": None})
    popped = [lease.jid for _ in range(3) for lease in namespace.pop(["fetch"], "bob", 1000)]

    assert (len(full), full.retry_at) == (0, clock())
    assert sorted(popped) == [f"{key:03}-2" for key in range(250)]


def test_the_plain_end_of_a_lease_wakes_who_waits_for_room(namespace: RedisNamespace) -> None:
    namespace.configure("fetch", {"max_concurrency": 1})
    namespace.put([NewJob("Crawl", queue="fetch", jid=jid) for jid in ("a", "b")])
    [lease] = namespace.pop(["fetch"], "ann")
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(namespace.pop, ["fetch"], "bob", wait=LONG)
        while not namespace.client.hget(f"{namespace.prefix}:queue:fetch", "held"):
            time.sleep(0.01)

        namespace.settle([Complete(lease)])

        assert [lease.jid for lease in waiting.result(SOON)] == ["b"]


def test_a_job_wakes_only_who_offers_what_it_requires(namespace: RedisNamespace) -> None:
    with ThreadPoolExecutor(2) as threads:
        plain = threads.submit(namespace.pop, ["fetch"], "ann", wait=SOON)
        able = threads.submit(namespace.pop, ["fetch"], "bob", wait=LONG, capabilities=("gpu",))
        while not namespace.client.exists(f"{namespace.prefix}:waits:fetch"):
            time.sleep(0.01)

        namespace.put([NewJob("Crawl", queue="fetch", jid="a", requires=("gpu",))])

        assert [lease.jid for lease in able.result(SOON)] == ["a"]
        assert len(plain.result()) == 0
