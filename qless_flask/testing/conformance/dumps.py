"""What a namespace holds, dumped and loaded again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import msgspec
import pytest

from qless_flask.backends.base import Backend, Namespace
from qless_flask.errors import Invalid, JobCanceled, LeaseLost, NotFrozen
from qless_flask.models import (
    AnyRecord,
    Beat,
    Complete,
    Filter,
    Finish,
    JobRecord,
    KeyRecord,
    Lease,
    MemoRecord,
    NamespaceRecord,
    NewJob,
    QueueRecord,
    Rate,
    Renewed,
    Retry,
    Settled,
    State,
    TagRecord,
    Tally,
    UntoldRecord,
    check_records,
    encode_record,
    read_record,
)
from qless_flask.testing.clock import ManualClock
from qless_flask.testing.conformance.furniture import CHILDREN, contents, dump, furnish
from qless_flask.testing.conformance.scenes import (
    Check,
    get,
    many,
    pop,
    pop_all,
    put,
    queue,
    refusal,
    renew,
    run,
    settle,
    states,
    unchanged,
    walk,
)

KINDS = ["namespace", "queue", "key", "worker", "tag", "recurrence", "figures", "memo", "job", "untold"]


def load(namespace: Namespace, records: list[AnyRecord], size: int = 1000) -> None:
    """Freeze a namespace and load records, so many at once."""
    namespace.freeze()
    for first in range(0, len(records), size):
        part = records[first : first + size]
        assert namespace.load(part) == len(part)


def kind(record: AnyRecord) -> str:
    return str(record.__struct_config__.tag)


def only(records: list[AnyRecord], name: str) -> list[AnyRecord]:
    return [record for record in records if kind(record) == name]


def job_record(namespace: Namespace, jid: str = "a") -> JobRecord:
    """The record of one job."""
    [found] = [record for record in dump(namespace) if isinstance(record, JobRecord) and record.jid == jid]
    return found


class Furnished:
    """Gives tests a namespace to dump, and one to load into."""

    @pytest.fixture
    def furnished(self, backend: Backend, namespace: Namespace, clock: ManualClock) -> Namespace:
        """Another namespace, with a bit of everything, frozen."""
        other = backend.namespace(f"{namespace.name}-other")
        furnish(other, clock)
        other.freeze()
        return other

    @pytest.fixture
    def bare(self, backend: Backend, namespace: Namespace) -> Namespace:
        """The test's namespace, not looked over: while a part is loaded the rules don't hold."""
        return backend.namespace(namespace.name)


class TestDumps(Furnished):
    """Everything stands in a dump, once."""

    def test_what_is_not_known_has_no_records(self, backend: Backend, namespace: Namespace) -> None:
        page = namespace.dump()

        assert (page.records, page.next) == ((), None)
        assert namespace.name not in backend.namespaces()

    def test_a_namespace_of_which_nothing_is_known_has_one(self, namespace: Namespace) -> None:
        namespace.freeze()

        assert dump(namespace) == [NamespaceRecord()]

    def test_all_kinds_come_in_order(self, furnished: Namespace) -> None:
        kinds = [kind(record) for record in dump(furnished)]

        assert list(dict.fromkeys(kinds)) == KINDS

    def test_what_has_an_order_by_name_comes_in_it(self, furnished: Namespace) -> None:
        names = [record.name for record in dump(furnished) if isinstance(record, QueueRecord)]

        assert names == sorted(names)

    def test_every_record_can_be_loaded(self, furnished: Namespace) -> None:
        records = dump(furnished)

        check_records(records)
        assert [read_record(encode_record(record)) for record in records] == records

    @pytest.mark.parametrize("limit", [1, 2, 7, 100])
    def test_pages_of_any_size_hold_each_record_once(self, furnished: Namespace, limit: int) -> None:
        whole, found = Counter(map(encode_record, dump(furnished))), Counter(map(encode_record, dump(furnished, limit)))

        # Only jobs may stand there more than once.
        assert found.keys() == whole.keys()
        assert all(count == 1 for line, count in found.items() if b'"kind":"job"' not in line)

    def test_no_page_is_much_longer_than_asked(self, furnished: Namespace) -> None:
        page = furnished.dump(None, 5)
        while page.next is not None:
            assert len(page.records) <= 50
            page = furnished.dump(page.next, 5)

    def test_time_changes_nothing_while_frozen(self, furnished: Namespace, clock: ManualClock) -> None:
        before = contents(furnished)
        for _ in range(5):
            clock.advance(30 * 86_400)
            furnished.promote()
            furnished.prune()

        assert contents(furnished) == before

    def test_reading_changes_nothing(self, furnished: Namespace) -> None:
        before = contents(furnished)

        furnished.select(Filter())
        furnished.stats()
        furnished.throughput()

        assert contents(furnished) == before

    def test_a_job_that_lives_through_a_walk_is_in_it(self, namespace: Namespace) -> None:
        put(namespace, *(f"job-{number}" for number in range(30)))
        found: list[str] = []
        page = namespace.dump(None, 5)
        while True:
            found += [record.jid for record in page.records if isinstance(record, JobRecord)]
            if page.next is None:
                break
            namespace.pop(["work"], "ann", 2)
            put(namespace, f"more-{len(found)}")
            page = namespace.dump(page.next, 5)

        assert {f"job-{number}" for number in range(30)} <= set(found)

    def test_memos_that_belong_to_the_store_stay_in_it(self, namespace: Namespace) -> None:
        for name in ("reader:a", "copy:a", "reader", "other"):
            namespace.remember(name, "5", None)

        assert only(dump(namespace), "memo") == [
            MemoRecord(name="other", value="5"),
            MemoRecord(name="reader", value="5"),
        ]

    def test_tags_without_figures_of_their_own_are_left_to_their_jobs(
        self, namespace: Namespace, clock: ManualClock
    ) -> None:
        put(namespace, "a", tags=("waits",))
        run(namespace, "b", queue="other", tags=("runs",))
        namespace.track("tracked")

        assert only(dump(namespace), "tag") == [
            TagRecord(name="runs", waits=1),
            TagRecord(name="tracked", tracked=True),
        ]

    def test_places_and_rates_are_told(self, namespace: Namespace, clock: ManualClock) -> None:
        namespace.configure("work", {"rate": Rate(2, 60), "key_rate": Rate(1, 60)})
        since = round(clock() * 1000)
        clock.advance(1)
        namespace.put([NewJob("Crawl", queue="work", jid=jid, key="ann") for jid in "ab"])
        namespace.pop(["work"], "ann", 2)
        now = since + 1000

        records = dump(namespace)

        [told] = only(records, "queue")
        assert isinstance(told, QueueRecord)
        assert (told.popped, told.rate_since, told.key_rate_since) == ([now], since, since)
        assert told.settings == {"rate": {"limit": 2, "per": 60}, "key_rate": {"limit": 1, "per": 60}}
        assert only(records, "key") == [KeyRecord(queue="work", key="ann", popped=[now])]
        first, second = job_record(namespace, "a"), job_record(namespace, "b")
        assert (first.state, second.state) == ("running", "waiting")
        assert 0 < first.place < second.place <= told.place

    def test_keys_whose_pops_no_rate_counts_have_no_records(self, namespace: Namespace) -> None:
        run(namespace, key="ann")

        assert only(dump(namespace), "key") == []

    def test_no_more_pops_are_told_than_a_rate_counts(self, namespace: Namespace, clock: ManualClock) -> None:
        namespace.configure("work", {"rate": Rate(2, 10), "key_rate": Rate(2, 10)})
        put(namespace, "a", "b", "c", key="ann")
        times = []
        for _ in range(3):
            pop(namespace)
            times.append(round(clock() * 1000))
            clock.advance(9)

        records = dump(namespace)

        assert [each.popped for each in records if isinstance(each, QueueRecord | KeyRecord)] == [times[1:], times[1:]]

    def test_a_job_is_told_whole(self, namespace: Namespace, clock: ManualClock) -> None:
        begin = round(clock() * 1000)
        lease = run(namespace, tags=("b", "a"), pipeline=("next",), max_run=5.5)
        clock.advance(1.5)
        namespace.log(lease, "line", "[1]")
        namespace.heartbeat([Beat(lease, progress="5", data='{"a":1}')])

        record = job_record(namespace)

        assert record == JobRecord(
            jid="a",
            klass="Crawl",
            queue="work",
            state="running",
            place=record.place,
            created_at=begin,
            available_at=begin,
            started_at=begin,
            remaining=5,
            runs=1,
            worker="ann",
            token=lease.token,
            expires_at=begin + 5500,
            history=[(begin, "put", "work"), (begin, "popped", "ann")],
            log=[(begin + 1500, "line", "[1]")],
            tags=["b", "a"],
            pipeline=["next"],
            max_run=5500,
            progress="5",
            data='{"a":1}',
        )

    def test_who_is_still_to_be_told_is_told(self, furnished: Namespace) -> None:
        [untold] = only(dump(furnished), "untold")

        assert untold == UntoldRecord(number=1, jid="parent", after="child-099")

    @pytest.mark.parametrize("cursor", ["", "x", "{}", "[]", "é", "\ud800", "-1", "9:9:9"])
    def test_a_cursor_that_is_none_is_refused(self, furnished: Namespace, cursor: str) -> None:
        with pytest.raises(Invalid) as caught:
            furnished.dump(cursor)

        assert "cursor" in caught.value.fields

    @pytest.mark.parametrize("limit", [0, 1001])
    def test_a_page_has_one_to_a_thousand_records(self, namespace: Namespace, limit: int) -> None:
        with pytest.raises(Invalid) as caught:
            namespace.dump(None, limit)

        assert "limit" in caught.value.fields


class TestLoads(Furnished):
    """What was dumped is there again, whatever the way."""

    @pytest.mark.parametrize("size", [1, 17, 1000])
    @pytest.mark.parametrize("backwards", [False, True])
    def test_what_is_loaded_is_dumped_alike(
        self, bare: Namespace, furnished: Namespace, check: Check, size: int, backwards: bool
    ) -> None:
        records = contents(furnished)

        load(bare, records[::-1] if backwards else records, size)

        check()
        assert contents(bare) == records

    def test_every_look_shows_the_same(self, bare: Namespace, furnished: Namespace, check: Check) -> None:
        load(bare, contents(furnished))

        looks: list[Callable[[Namespace], object]] = [
            lambda each: each.queues(),
            lambda each: each.workers(),
            lambda each: each.tags(),
            lambda each: each.failures(),
            lambda each: each.tracked(),
            lambda each: each.recurrences(),
            lambda each: each.settings(),
            lambda each: each.stats(),
            lambda each: each.stats(queue="run"),
            lambda each: each.stats(klass="Step"),
            lambda each: each.stats(tag="red"),
            lambda each: each.throughput(),
            lambda each: each.throughput(step=3600),
            lambda each: each.recall("cursor"),
            lambda each: each.lines("runs"),
            lambda each: each.get(["runs", "of both", "failed", "complete", "parent", "due", "moved"]),
            lambda each: sorted(walk(each, Filter(tag="red"))),
            lambda each: walk(each, Filter(queue="limited", state="waiting")),
            lambda each: walk(each, Filter(state="failed")),
        ]
        for look in looks:
            assert look(bare) == look(furnished)

    def test_loading_again_changes_nothing(self, bare: Namespace, furnished: Namespace, check: Check) -> None:
        records = contents(furnished)
        load(bare, records)
        before = check()

        load(bare, records, 50)

        assert check() == before
        assert contents(bare) == records

    def test_a_part_is_loaded_again(self, bare: Namespace, furnished: Namespace, check: Check) -> None:
        records = contents(furnished)
        load(bare, records[: len(records) // 2])
        load(bare, records[len(records) // 3 :])

        check()
        assert contents(bare) == records

    def test_what_is_there_is_replaced(self, bare: Namespace, furnished: Namespace, check: Check) -> None:
        records = contents(furnished)
        load(bare, [_altered(record) for record in records])

        load(bare, records)

        check()
        assert [record for record in contents(bare) if record != QueueRecord(name="elsewhere")] == records

    @pytest.mark.parametrize("state", ["scheduled", "waiting", "running", "complete", "failed", "canceled", "depends"])
    def test_a_job_of_any_state_takes_the_place_of_any(
        self, namespace: Namespace, bare: Namespace, clock: ManualClock, check: Check, state: State
    ) -> None:
        put(namespace, "parent", queue="other")
        records = [record for each in _STATES for record in [_record_in(namespace, clock, each)]]
        bare.freeze()
        for record in records:
            bare.load([_record_of(records, state)])
            check()
            assert job_record(bare) == _record_of(records, state)

            bare.load([record])

            check()
            assert job_record(bare) == record

    def test_of_two_records_of_the_same_job_the_last_stays(self, namespace: Namespace, bare: Namespace) -> None:
        put(namespace, "a")
        record = job_record(namespace)
        namespace.freeze()

        assert (
            bare.load([msgspec.structs.replace(record, priority=5), msgspec.structs.replace(record, priority=7)]) == 2
        )

        assert get(namespace).priority == 7
        assert queue(namespace).waiting == 1

    def test_only_a_frozen_namespace_is_loaded(self, backend: Backend, namespace: Namespace, check: Check) -> None:
        with pytest.raises(NotFrozen):
            namespace.load([QueueRecord(name="work")])
        assert namespace.name not in backend.namespaces()
        put(namespace, "a")

        with unchanged(namespace, check), pytest.raises(NotFrozen):
            namespace.load([QueueRecord(name="more")])

    def test_a_record_that_cannot_be_keeps_all_others_out(self, namespace: Namespace, check: Check) -> None:
        put(namespace, "a")
        record = job_record(namespace)
        namespace.freeze()

        with unchanged(namespace, check), pytest.raises(Invalid) as caught:
            namespace.load([QueueRecord(name="more"), msgspec.structs.replace(record, place=0)])

        assert "records.1.place" in caught.value.fields

    def test_nothing_is_loaded_of_nothing(self, namespace: Namespace) -> None:
        namespace.freeze()

        assert namespace.load([]) == 0

    def test_a_load_has_at_most_a_thousand_records(self, namespace: Namespace) -> None:
        namespace.freeze()

        with pytest.raises(Invalid) as caught:
            namespace.load([QueueRecord(name=f"queue-{number}") for number in range(1001)])

        assert "records" in caught.value.fields

    def test_loading_is_told_to_nobody(self, bare: Namespace, furnished: Namespace) -> None:
        load(bare, contents(furnished))

        assert [event.event for event in bare.events().events] == ["frozen"]

    def test_a_tally_of_a_dump_is_that_of_the_copy(self, bare: Namespace, furnished: Namespace) -> None:
        one, other = Tally(), Tally()
        load(bare, contents(furnished))

        one.add(dump(furnished, 10))
        other.add(dump(bare))

        assert (one.counts, one.checksum) == (other.counts, other.checksum)


class TestLifeAfterLoads(Furnished):
    """What was under way goes on."""

    @pytest.fixture
    def leases(self, backend: Backend, namespace: Namespace, bare: Namespace, clock: ManualClock) -> dict[str, Lease]:
        """The leases of what was furnished, copied into the test's namespace, and thawed."""
        other = backend.namespace(f"{namespace.name}-other")
        leases = furnish(other, clock)
        other.freeze()
        load(bare, contents(other))
        bare.freeze(False)
        return leases

    def test_a_lease_is_renewed_and_settled(self, namespace: Namespace, leases: dict[str, Lease]) -> None:
        [renewed] = renew(namespace, leases["runs"])
        assert isinstance(renewed, Renewed)
        assert renewed.quiet

        assert settle(namespace, Complete(leases["runs"])) == "waiting"
        assert get(namespace, "runs").queue == "next"

    def test_a_settlement_sent_again_is_answered_again(self, namespace: Namespace, leases: dict[str, Lease]) -> None:
        retry = Retry(leases["retried"], group="Timeout", message="it took\ntoo long", delay=60)

        [answer] = namespace.settle([retry])

        assert answer == Settled("retried", "scheduled")

    def test_the_last_holder_of_a_canceled_job_hears_of_it(
        self, namespace: Namespace, leases: dict[str, Lease]
    ) -> None:
        assert isinstance(refusal(namespace, Complete(leases["canceled"])), JobCanceled)

    def test_a_lost_lease_stays_lost(self, namespace: Namespace, leases: dict[str, Lease]) -> None:
        assert isinstance(refusal(namespace, Complete(leases["lost"])), LeaseLost)

    def test_a_lease_runs_out_as_it_would_have(
        self, namespace: Namespace, leases: dict[str, Lease], clock: ManualClock
    ) -> None:
        clock.advance(3600)
        namespace.promote()

        assert states(namespace, "runs") == ["waiting"]

    def test_jobs_come_in_the_order_that_they_had(self, namespace: Namespace, leases: dict[str, Lease]) -> None:
        put(namespace, "last", queue="fetch")

        assert pop_all(namespace, "fetch")[:5] == ["first", "waits-c", "waits-a", "waits-b", "last"]

    def test_those_left_to_be_told_come_in_the_order_that_they_had(
        self, backend: Backend, namespace: Namespace
    ) -> None:
        for parent in ("b", "a"):
            put(namespace, parent, queue="parents")
            put(namespace, *[f"{parent} {jid}" for jid in many(110)], depends=(parent,))
        for parent in ("b", "a"):
            namespace.finish([parent], Finish("complete"))
        other = backend.namespace(f"{namespace.name}-other")

        load(other, dump(namespace))
        other.freeze(on=False)

        assert other.promote(10).told == 10
        assert states(other, "b 00109", "a 00100") == ["waiting", "depends"]

    @pytest.mark.parametrize("key", [None, "ann"])
    def test_a_queue_that_was_loaded_over_puts_new_jobs_behind_those_there(
        self, namespace: Namespace, key: str | None
    ) -> None:
        put(namespace, "b", "c", key=key)
        load(namespace, [QueueRecord(name="work")])
        namespace.freeze(on=False)

        put(namespace, "a", key=key)

        assert pop_all(namespace) == ["b", "c", "a"]

    def test_limits_count_what_came_before(
        self, namespace: Namespace, leases: dict[str, Lease], clock: ManualClock
    ) -> None:
        running = queue(namespace, "limited").running
        assert running == 2
        assert len(namespace.pop(["limited"], "ann", 10, capabilities=["gpu", "eu"])) == 0
        clock.advance(600)

        found = namespace.pop(["limited"], "ann", 10, capabilities=["gpu", "eu"])

        assert len(found) == 2
        assert len({lease.job.key for lease in found if lease.job}) == 2

    def test_unique_keys_are_held(self, namespace: Namespace, leases: dict[str, Lease], clock: ManualClock) -> None:
        alive, for_a_time = get(namespace, "once").unique, get(namespace, "hourly").unique

        answers = namespace.put([NewJob("Step", queue="x", unique=alive), NewJob("Step", queue="x", unique=for_a_time)])

        assert [(answer.jid, answer.created) for answer in answers] == [("once", False), ("hourly", False)]
        clock.advance(7200)
        [answer] = namespace.put([NewJob("Step", queue="x", unique=for_a_time)])
        assert answer.created

    def test_those_left_to_be_told_are_told(self, namespace: Namespace, leases: dict[str, Lease]) -> None:
        assert queue(namespace, "children").waiting == 100

        namespace.promote()

        assert queue(namespace, "children").waiting == CHILDREN
        assert get(namespace, "of both").depends == ("other parent",)

    def test_what_is_due_comes(self, namespace: Namespace, leases: dict[str, Lease], clock: ManualClock) -> None:
        clock.advance(3601)
        namespace.promote()

        assert states(namespace, "due", "moved", "retried") == ["waiting"] * 3
        assert states(namespace, "soon") == ["failed"]

    def test_paused_queues_stay_paused(self, namespace: Namespace, leases: dict[str, Lease]) -> None:
        assert pop_all(namespace, "later") == []
        namespace.resume("later")
        assert pop_all(namespace, "later") == ["once", "hourly"]

    def test_recurrences_go_on(self, namespace: Namespace, leases: dict[str, Lease], clock: ManualClock) -> None:
        [minutely] = namespace.recurrences(["minutely"])
        assert minutely.next_at is not None
        assert minutely.fired == 1
        clock.advance(minutely.next_at - clock())

        [put] = namespace.fire("minutely", minutely.next_at)

        assert put.created

    def test_queues_that_say_nothing_go_by_their_namespace(
        self, namespace: Namespace, leases: dict[str, Lease]
    ) -> None:
        put(namespace, "anew", queue="new")

        assert queue(namespace, "fetch").settings.heartbeat == queue(namespace, "new").settings.heartbeat == 45.5


_STATES: tuple[State, ...] = ("scheduled", "depends", "waiting", "running", "complete", "failed", "canceled")


def _record_in(namespace: Namespace, clock: ManualClock, state: State) -> JobRecord:
    """Put a job, bring it into a state in a queue of its own, and read its record."""
    options = NewJob(
        "Crawl",
        f'"{state}"',
        queue=state,
        jid="a",
        tags=(state, "all"),
        requires=(state,) if state != "waiting" else (),
        key=state if state != "running" else None,
        delay=60 if state == "scheduled" else 0,
        depends=("parent",) if state == "depends" else (),
        expires_in=60,
        if_exists="replace",
    )
    namespace.put([options])
    if state == "canceled":
        namespace.cancel(["a"])
    elif state in ("running", "complete", "failed"):
        [lease] = namespace.pop([state], f"worker-{state}", capabilities=[state])
        if state == "complete":
            settle(namespace, Complete(lease))
        elif state == "failed":
            settle(namespace, Retry(lease, group="g", message="m"))
            namespace.timeout(["a"])
            clock.advance(60)
            namespace.finish(["a"], Finish("failed", "broken", "why"))
    return job_record(namespace)


def _record_of(records: list[JobRecord], state: State) -> JobRecord:
    [found] = [record for record in records if record.state == state]
    return found


def _altered(record: AnyRecord) -> AnyRecord:
    """Make a record of the same thing that says something else."""
    if isinstance(record, JobRecord):
        return msgspec.structs.replace(
            record,
            queue="elsewhere",
            state="scheduled",
            place=0,
            priority=5,
            worker=None,
            token=None,
            expires_at=None,
            ended_at=None,
            depends=[],
            due_in=None,
            due_at_unblock=None,
            settled=None,
            tags=["other"],
            key="other",
            requires=["other"],
            holds_unique=False,
            tracked=True,
            start_by=None,
            log=[],
            data='{"other": true}',
        )
    if isinstance(record, QueueRecord):
        return QueueRecord(name=record.name, settings={"max_concurrency": 5}, paused=True, place=1)
    if isinstance(record, KeyRecord):
        return KeyRecord(queue=record.queue, key=record.key, popped=[5])
    if isinstance(record, TagRecord):
        return TagRecord(name=record.name, tracked=True, ran=5)
    return record
