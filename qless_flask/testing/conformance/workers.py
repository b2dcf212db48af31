"""Workers: who is there and what they run."""

from __future__ import annotations

import pytest

from qless_flask.backends.base import Namespace
from qless_flask.errors import WorkerNotFound
from qless_flask.models import Complete, Pop, Release
from qless_flask.testing.clock import ManualClock
from qless_flask.testing.conformance.scenes import put, run


class TestWorkers:
    """Known by their pops."""

    def test_a_pop_makes_its_worker_known_even_with_nothing_to_give(
        self, namespace: Namespace, clock: ManualClock
    ) -> None:
        namespace.pop(["work"], "ann")

        [worker] = namespace.workers()
        assert (worker.name, worker.running) == ("ann", 0)
        assert clock() - 1 < worker.seen_at <= clock()

    def test_an_exchange_makes_its_worker_known(self, namespace: Namespace) -> None:
        namespace.exchange([], Pop(("work",), "ann"))

        assert [worker.name for worker in namespace.workers()] == ["ann"]

    def test_a_worker_counts_its_live_leases(self, namespace: Namespace, clock: ManualClock) -> None:
        put(namespace, "a", "b", "c", "d", "e", "f")
        a, b, *_ = namespace.pop(["work"], "ann", 5)
        namespace.pop(["work"], "bob")

        namespace.settle([Complete(a), Release(b)])
        namespace.cancel(["c"])
        namespace.move(["d"], "other")

        assert [(worker.name, worker.running) for worker in namespace.workers()] == [("ann", 1), ("bob", 1)]
        clock.advance(60)
        assert [worker.running for worker in namespace.workers()] == [1, 1]
        namespace.promote()
        assert [worker.running for worker in namespace.workers()] == [0, 0]

    def test_each_pop_renews_when_a_worker_was_seen(self, namespace: Namespace, clock: ManualClock) -> None:
        namespace.pop(["work"], "ann")
        clock.advance(5)
        assert namespace.workers()[0].seen_at <= clock() - 5

        namespace.pop(["work"], "ann")

        assert namespace.workers()[0].seen_at == clock()

    def test_a_repeated_request_shows_that_its_worker_is_there(self, namespace: Namespace, clock: ManualClock) -> None:
        put(namespace, "a")
        namespace.pop(["work"], "ann", request="r1")
        clock.advance(5)

        namespace.pop(["work"], "ann", request="r1")

        assert namespace.workers()[0].seen_at == clock()

    def test_all_workers_come_by_name(self, namespace: Namespace) -> None:
        for name in ("bob", "ann", "Zoe", "ärla", "ann:1"):
            namespace.pop(["work"], name)

        assert [worker.name for worker in namespace.workers()] == ["Zoe", "ann", "ann:1", "bob", "ärla"]

    def test_named_workers_come_in_the_order_named(self, namespace: Namespace) -> None:
        namespace.pop(["work"], "ann")
        namespace.pop(["work"], "bob")

        assert [worker.name for worker in namespace.workers(["bob", "ann"])] == ["bob", "ann"]
        assert namespace.workers([]) == []

    def test_an_unknown_worker_is_not_found(self, namespace: Namespace) -> None:
        run(namespace)

        with pytest.raises(WorkerNotFound) as caught:
            namespace.workers(["ann", "bob"])

        assert caught.value.subject == "bob"

    def test_putting_makes_no_worker_known(self, namespace: Namespace) -> None:
        put(namespace, "a")

        assert namespace.workers() == []
