"""Limits that change while jobs run and wait, and all limits together against a plain scan."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence

import pytest

from qless_flask.backends.base import Backend, Namespace
from qless_flask.models import (
    Changes,
    Complete,
    Filter,
    Job,
    Lease,
    NewJob,
    QueueSettings,
    Rate,
    Release,
    Renewed,
    Retry,
    Setting,
    Settlement,
)
from qless_flask.testing.clock import ManualClock
from qless_flask.testing.conformance.scenes import (
    Check,
    get,
    many,
    new,
    pop_all,
    put,
    queue,
    renew,
    run,
    settle,
)

ONE_AT_A_TIME: dict[str, Mapping[str, Setting]] = {
    "max_concurrency": {"max_concurrency": 1},
    "rate": {"rate": Rate(1, 1000)},
    "key_concurrency": {"key_concurrency": 1},
    "key_rate": {"key_rate": Rate(1, 1000)},
}
each_limit = pytest.mark.parametrize("limit", ONE_AT_A_TIME)


def pop_again_and_again(namespace: Namespace, clock: ManualClock) -> list[str]:
    """Pop until there is nothing more for now, and list the jids: `retry_at` tells what is left to be looked at."""
    found: list[str] = []
    while True:
        popped = namespace.pop(["work"], "zoe", 1000)
        found += [lease.jid for lease in popped]
        if not popped.leases and (popped.retry_at is None or popped.retry_at > clock()):
            return found


class TestChangedLimits:
    """They hold from the next pop on."""

    @each_limit
    def test_a_limit_set_anew_touches_nothing_that_runs(
        self, namespace: Namespace, clock: ManualClock, limit: str
    ) -> None:
        put(namespace, "a", "b", "c", "d", key="k")
        a, b, c = namespace.pop(["work"], "ann", 3)

        namespace.configure("work", ONE_AT_A_TIME[limit])

        assert renew(namespace, a) == [Renewed("a", clock() + 60)]
        assert queue(namespace).running == 3
        assert [settle(namespace, Complete(lease)) for lease in (a, b)] == ["complete"] * 2
        if "rate" not in limit:
            assert pop_all(namespace) == []
        settle(namespace, Complete(c))
        assert pop_all(namespace) == ["d"]

    @each_limit
    def test_a_lower_one_holds_from_the_next_pop_on(self, namespace: Namespace, limit: str) -> None:
        higher: dict[str, Setting] = {limit: Rate(3, 1000) if "rate" in limit else 3}
        namespace.configure("work", higher)
        put(namespace, *"abcdef", key="k")
        assert pop_all(namespace, limit=2) == ["a", "b"]

        namespace.configure("work", ONE_AT_A_TIME[limit])

        assert pop_all(namespace) == []

    @each_limit
    def test_a_higher_one_lets_the_next_run_at_once(self, namespace: Namespace, limit: str) -> None:
        namespace.configure("work", ONE_AT_A_TIME[limit])
        put(namespace, *"abcdef", key="k")
        assert pop_all(namespace) == ["a"]

        namespace.configure("work", {limit: Rate(3, 1000) if "rate" in limit else 3})

        assert pop_all(namespace) == ["b", "c"]
        assert pop_all(namespace) == []

    @each_limit
    def test_one_taken_away_lets_all_run_at_once_in_order(self, namespace: Namespace, limit: str) -> None:
        namespace.configure("work", ONE_AT_A_TIME[limit])
        put(namespace, *"abcd", key="k")
        put(namespace, "e", key="k", priority=1)
        assert pop_all(namespace) == ["e"]

        namespace.configure("work", {limit: None})

        assert pop_all(namespace) == ["a", "b", "c", "d"]

    @each_limit
    def test_the_namespaces_limit_holds_likewise(self, namespace: Namespace, limit: str) -> None:
        put(namespace, *"abcd", key="k")
        put(namespace, *"efgh", key="k", queue="own")
        namespace.configure("own", {limit: None})
        namespace.configure_namespace(ONE_AT_A_TIME[limit])
        assert pop_all(namespace, "work", "own") == ["a", "e", "f", "g", "h"]
        assert pop_all(namespace) == []

        namespace.configure_namespace({}, inherit=[limit])

        assert pop_all(namespace) == ["b", "c", "d"]

    @each_limit
    def test_a_queue_that_gives_its_own_up_is_held_to_the_namespaces(self, namespace: Namespace, limit: str) -> None:
        namespace.configure_namespace({limit: Rate(2, 1000) if "rate" in limit else 2})
        namespace.configure("work", ONE_AT_A_TIME[limit])
        put(namespace, *"abcd", key="k")
        assert pop_all(namespace) == ["a"]

        namespace.configure("work", {}, inherit=[limit])

        assert pop_all(namespace) == ["b"]
        assert pop_all(namespace) == []

    def test_a_limit_of_keys_counts_what_runs_since_before_it(self, namespace: Namespace) -> None:
        lease = run(namespace, key="k")
        put(namespace, "b", key="k")
        put(namespace, "c", key="m")

        namespace.configure("work", {"key_concurrency": 1})

        assert pop_all(namespace) == ["c"]
        settle(namespace, Complete(lease))
        assert pop_all(namespace) == ["b"]

    def test_a_limit_of_keys_goes_back_and_forth(self, namespace: Namespace) -> None:
        put(namespace, *"abcdefgh", key="k")
        given = []
        for most in (1, None, 4, 2, 5, 1, None):
            namespace.configure("work", {"key_concurrency": most})
            given.append(len(pop_all(namespace, limit=2)))

        assert given == [1, 2, 1, 0, 1, 0, 2]

    def test_a_rate_counts_from_when_it_is_set(self, namespace: Namespace, clock: ManualClock) -> None:
        put(namespace, *"abcdef")
        assert pop_all(namespace, limit=2) == ["a", "b"]
        clock.advance(1)

        namespace.configure("work", {"rate": Rate(2, 10)})

        assert pop_all(namespace) == ["c", "d"]
        clock.advance(10)
        assert pop_all(namespace) == ["e", "f"]

    def test_a_rate_taken_away_and_set_again_counts_anew(self, namespace: Namespace, clock: ManualClock) -> None:
        namespace.configure("work", {"rate": Rate(1, 10)})
        put(namespace, "a", "b", "c")
        assert pop_all(namespace) == ["a"]
        clock.advance(1)

        namespace.configure("work", {"rate": None})
        namespace.configure("work", {"rate": Rate(1, 10)})

        assert pop_all(namespace) == ["b"]
        assert pop_all(namespace) == []

    def test_a_rate_over_a_longer_time_counts_from_then_on(self, namespace: Namespace, clock: ManualClock) -> None:
        namespace.configure("work", {"rate": Rate(1, 10)})
        put(namespace, "a", "b", "c")
        assert pop_all(namespace) == ["a"]
        clock.advance(1)

        namespace.configure("work", {"rate": Rate(1, 20)})

        assert pop_all(namespace) == ["b"]
        clock.advance(19.999)
        assert pop_all(namespace) == []
        clock.advance(0.001)
        assert pop_all(namespace) == ["c"]

    def test_a_rate_over_a_shorter_time_counts_what_was_popped_before(
        self, namespace: Namespace, clock: ManualClock
    ) -> None:
        namespace.configure("work", {"rate": Rate(1, 10)})
        put(namespace, "a", "b", "c")
        assert pop_all(namespace) == ["a"]

        namespace.configure("work", {"rate": Rate(1, 5)})

        clock.advance(4.999)
        assert pop_all(namespace) == []
        clock.advance(0.001)
        assert pop_all(namespace) == ["b"]

    def test_a_rate_that_stays_counts_on_through_other_changes(self, namespace: Namespace, clock: ManualClock) -> None:
        namespace.configure("work", {"rate": Rate(1, 10), "key_rate": Rate(1, 10)})
        put(namespace, "a", "b", key="k")
        assert pop_all(namespace) == ["a"]
        clock.advance(5)

        namespace.configure("work", {"rate": Rate(1, 10), "key_rate": Rate(1, 10), "retries": 2})
        namespace.configure_namespace({"rate": Rate(1, 50)})
        namespace.pause("work")
        namespace.resume("work")

        assert pop_all(namespace) == []
        clock.advance(5)
        assert pop_all(namespace) == ["b"]

    def test_a_rate_of_fewer_counts_the_latest_pops(self, namespace: Namespace, clock: ManualClock) -> None:
        namespace.configure("work", {"rate": Rate(3, 10), "heartbeat": None})
        put(namespace, *"abcdef")
        for jid in "abc":
            assert pop_all(namespace, limit=1) == [jid]
            clock.advance(1)

        namespace.configure("work", {"rate": Rate(1, 10)})

        assert namespace.pop(["work"], "ann").retry_at == clock() + 9
        clock.advance(8.999)
        assert pop_all(namespace) == []
        clock.advance(0.001)
        assert pop_all(namespace) == ["d"]

    def test_a_rate_of_more_counts_what_it_knows(self, namespace: Namespace, clock: ManualClock) -> None:
        namespace.configure("work", {"rate": Rate(1, 10)})
        put(namespace, *"abcdef")
        assert pop_all(namespace) == ["a"]
        clock.advance(4)

        namespace.configure("work", {"rate": Rate(3, 10)})

        assert pop_all(namespace) == ["b", "c"]
        clock.advance(6)
        assert pop_all(namespace) == ["d"]

    @pytest.mark.parametrize("setting", ["rate", "key_rate"])
    def test_a_rate_that_comes_from_the_namespace_counts_from_then_on(
        self, namespace: Namespace, clock: ManualClock, setting: str
    ) -> None:
        namespace.configure_namespace({setting: Rate(1, 100)})
        namespace.configure("work", {setting: Rate(1, 10), "heartbeat": None})
        put(namespace, "a", "b", "c", key="k")
        assert pop_all(namespace) == ["a"]
        clock.advance(1)

        namespace.configure("work", {}, inherit=[setting])

        assert pop_all(namespace) == ["b"]
        clock.advance(99)
        assert pop_all(namespace) == []
        clock.advance(1)
        assert pop_all(namespace) == ["c"]

    def test_a_key_rate_over_a_longer_time_counts_from_then_on(self, namespace: Namespace, clock: ManualClock) -> None:
        namespace.configure("work", {"key_rate": Rate(1, 10)})
        put(namespace, "a", "b", "c", key="k")
        assert pop_all(namespace) == ["a"]
        clock.advance(1)

        namespace.configure("work", {"key_rate": Rate(1, 20)})

        assert pop_all(namespace) == ["b"]
        clock.advance(19.999)
        assert pop_all(namespace) == []
        clock.advance(0.001)
        assert pop_all(namespace) == ["c"]

    def test_a_key_rate_over_a_shorter_time_lets_keys_run_sooner(
        self, namespace: Namespace, clock: ManualClock
    ) -> None:
        namespace.configure("work", {"key_rate": Rate(1, 100), "heartbeat": None})
        put(namespace, "a", "b", key="k")
        assert pop_all(namespace) == ["a"]
        assert pop_all(namespace) == []

        namespace.configure("work", {"key_rate": Rate(1, 5)})

        assert pop_again_and_again(namespace, clock) == []
        retry_at = namespace.pop(["work"], "ann").retry_at
        assert retry_at is not None
        assert retry_at <= clock() + 5
        clock.advance(5)
        assert pop_all(namespace) == ["b"]

    @pytest.mark.parametrize("limit", ["key_concurrency", "key_rate"])
    @pytest.mark.parametrize("way", ["raised", "taken away", "inherited", "by the namespace"])
    def test_many_keys_that_were_held_back_all_come_in_bounded_steps(
        self, backend: Backend, namespace: Namespace, clock: ManualClock, check: Check, limit: str, way: str
    ) -> None:
        unchecked = backend.namespace(namespace.name)
        if way == "by the namespace":
            unchecked.configure_namespace(ONE_AT_A_TIME[limit])
        else:
            unchecked.configure("work", ONE_AT_A_TIME[limit])
        jids = many(230)
        unchecked.put([new(jid, key=f"key {jid}") for jid in jids])
        assert pop_all(unchecked) == jids
        unchecked.put([new(f"{jid} too", key=f"key {jid}") for jid in jids])
        unchecked.put([new(f"{jid} more", key=f"key {jid}") for jid in jids])
        assert pop_all(unchecked) == []

        if way == "raised":
            unchecked.configure("work", {limit: Rate(2, 1000) if limit == "key_rate" else 2})
        elif way == "taken away":
            unchecked.configure("work", {limit: None})
        elif way == "inherited":
            unchecked.configure("work", {}, inherit=[limit])
        else:
            unchecked.configure_namespace({limit: None})
        check()
        found = pop_again_and_again(unchecked, clock)

        assert sorted(jid for jid in found if jid.endswith("too")) == [f"{jid} too" for jid in jids]
        assert len(found) == (230 if way == "raised" else 460)
        check()

    def test_promote_does_what_is_left_to_be_done(
        self, backend: Backend, namespace: Namespace, clock: ManualClock, check: Check
    ) -> None:
        unchecked = backend.namespace(namespace.name)
        unchecked.configure("work", {"key_concurrency": 1})
        jids = many(230)
        unchecked.put([new(jid, key=f"key {jid}") for jid in jids])
        unchecked.put([new(f"{jid} too", key=f"key {jid}") for jid in jids])
        assert pop_all(unchecked) == jids
        unchecked.configure("work", {"key_concurrency": None})

        while unchecked.promote(1000).more:
            pass

        assert sorted(pop_again_and_again(unchecked, clock)) == [f"{jid} too" for jid in jids]
        check()

    def test_two_changes_before_any_pop_leave_what_the_last_one_says(
        self, namespace: Namespace, clock: ManualClock
    ) -> None:
        namespace.configure("work", {"key_concurrency": 1})
        for jid, key in zip("abcdef", "kkkmmm", strict=True):
            put(namespace, jid, key=key)
        assert pop_all(namespace) == ["a", "d"]

        namespace.configure("work", {"key_concurrency": None})
        namespace.configure("work", {"key_concurrency": 2})

        assert sorted(pop_again_and_again(namespace, clock)) == ["b", "e"]

    def test_a_paused_queue_takes_lost_leases_back_all_the_same(self, namespace: Namespace, clock: ManualClock) -> None:
        namespace.configure("work", {"max_concurrency": 1, "key_concurrency": 1})
        run(namespace, key="k")
        namespace.pause("work")
        clock.advance(60)

        assert namespace.pop(["work"], "bob").leases == ()
        assert (queue(namespace).running, get(namespace).losses) == (0, 1)
        namespace.resume("work")
        assert pop_all(namespace) == ["a"]


class TestLimitsTogether:
    """All of them, over random lives: each pop is given what a plain scan over all that waits would find."""

    @pytest.mark.parametrize("seed", range(6))
    def test_each_pop_is_given_what_a_plain_scan_finds(
        self, backend: Backend, namespace: Namespace, clock: ManualClock, check: Check, seed: int
    ) -> None:
        world = _Lives(backend.namespace(namespace.name), clock, random.Random(seed))

        for step in range(200):
            world.step()
            if step % 20 == 0:
                check()

        check()
        assert world.given > 20


class _Lives:
    """Random operations on one queue, and the scan that each pop is held against."""

    def __init__(self, namespace: Namespace, clock: ManualClock, chance: random.Random) -> None:
        self.given = 0
        self._namespace, self._clock, self._chance = namespace, clock, chance
        self._leases: list[Lease] = []
        self._pops: list[tuple[float, str | None]] = []
        self._since: dict[str, float] = {}
        self._settings = namespace.configure("work", {"heartbeat": None, "retries": 1000}).settings
        self._jids = 0

    def step(self) -> None:
        """Do one thing."""
        chance = self._chance
        act = chance.choices(
            [self._put, self._pop, self._settle, self._hand, self._configure, self._wait], [4, 6, 7, 2, 1, 4]
        )[0]
        act()

    def _put(self) -> None:
        chance = self._chance
        jobs = []
        for _ in range(chance.randrange(1, 6)):
            self._jids += 1
            jobs.append(
                NewJob(
                    "Crawl",
                    queue="work",
                    jid=f"{self._jids}",
                    priority=chance.choice([0, 0, 0, 1, -1]),
                    key=chance.choice([None, "k", "m", "n"]),
                    requires=chance.choice([(), (), ("x",), ("y",), ("x", "y")]),
                )
            )
        self._namespace.put(jobs)

    def _pop(self) -> None:
        offered = self._chance.choice([(), ("x",), ("x", "y")])
        limit = self._chance.choice([1, 2, 5, 20])
        expected = self._scan(offered, limit)

        popped = self._namespace.pop(["work"], "ann", limit, capabilities=offered)

        assert [lease.jid for lease in popped] == [job.jid for job in expected]
        self._leases += popped
        self.given += len(expected)
        self._pops += [(self._clock(), job.key) for job in expected]

    def _scan(self, offered: Sequence[str], limit: int) -> list[Job]:
        settings, now = self._settings, self._clock()
        running = self._jobs("running")
        count, by_key = len(running), Counter(job.key for job in running)
        pops, key_pops = self._counted(settings, now)
        found: list[Job] = []
        for job in self._jobs("waiting"):
            if len(found) == limit:
                break
            if not set(job.requires) <= set(offered):
                continue
            if _reached(settings.max_concurrency, count) or _used_up(settings.rate, pops):
                break
            if job.key is not None and (
                _reached(settings.key_concurrency, by_key[job.key]) or _used_up(settings.key_rate, key_pops[job.key])
            ):
                continue
            found.append(job)
            count, pops = count + 1, pops + 1
            by_key[job.key] += 1
            key_pops[job.key] += 1
        return found

    def _counted(self, settings: QueueSettings, now: float) -> tuple[int, Counter[str | None]]:
        rate, key_rate = settings.rate, settings.key_rate
        pops = [at for at, _ in self._pops if rate and at >= self._since["rate"] and now < at + rate.per]
        keys = Counter(
            key for at, key in self._pops if key_rate and at >= self._since["key_rate"] and now < at + key_rate.per
        )
        return len(pops), keys

    def _jobs(self, state: str) -> list[Job]:
        page = self._namespace.select(Filter(state=state, queue="work"), None, 1000)  # type: ignore[arg-type]
        assert page.next is None
        return list(page.jobs)

    def _settle(self) -> None:
        for _ in range(self._chance.randrange(1, 4)):
            if self._leases:
                lease = self._leases.pop(self._chance.randrange(len(self._leases)))
                ends: list[Settlement] = [
                    Complete(lease),
                    Complete(lease),
                    Release(lease),
                    Retry(lease),
                    Retry(lease, delay=3),
                ]
                self._namespace.settle([self._chance.choice(ends)])

    def _hand(self) -> None:
        waiting = self._jobs("waiting")
        if not waiting:
            return
        job = self._chance.choice(waiting)
        act = self._chance.randrange(4)
        if act == 0:
            self._namespace.cancel([job.jid])
        elif act == 1:
            self._namespace.move([job.jid], "work", delay=self._chance.choice([0, 2]))
        elif act == 2:
            self._namespace.update([job.jid], Changes(priority=self._chance.choice([-1, 0, 1])))
        else:
            key = self._chance.choice([None, "k", "m"])
            put(self._namespace, job.jid, key=key, if_exists="replace")

    def _configure(self) -> None:
        # Limits of rates stay: a list keeps as many pops as its limit was.
        chance = self._chance
        name = chance.choice(["max_concurrency", "key_concurrency", "rate", "key_rate"])
        value: Setting = chance.choice([None, 1, 2, 4])
        if name == "rate":
            value = chance.choice([None, Rate(6, 5), Rate(6, 10)])
        elif name == "key_rate":
            value = chance.choice([None, Rate(2, 5), Rate(2, 10)])
        before = getattr(self._settings, name)
        # What was popped before a rate came into force, if only just before, does not count.
        self._clock.advance(0.001)
        self._namespace.promote()
        if isinstance(value, Rate) and (before is None or before.per < value.per):
            self._since[name] = self._clock()
        self._settings = self._namespace.configure("work", {name: value}).settings

    def _wait(self) -> None:
        self._clock.advance(self._chance.choice([0.5, 1, 2.5, 5]))
        self._namespace.promote()


def _reached(most: int | None, count: int) -> bool:
    return most is not None and count >= most


def _used_up(rate: Rate | None, count: int) -> bool:
    return rate is not None and count >= rate.limit
