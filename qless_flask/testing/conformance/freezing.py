"""A namespace that is read only."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from qless_flask.backends.base import Backend, Namespace
from qless_flask.errors import Frozen
from qless_flask.models import (
    Beat,
    Changes,
    Complete,
    Fail,
    Filter,
    Finish,
    Lease,
    Move,
    Pop,
    Promoted,
    Pruned,
    Recurrence,
    Release,
    Retry,
)
from qless_flask.testing.clock import ManualClock
from qless_flask.testing.conformance.scenes import (
    ALICE,
    Check,
    get,
    new,
    pop_all,
    put,
    renew,
    run,
    seen_events,
    states,
    unchanged,
)

NOBODY = Lease("nobody", "token")
RULE = Recurrence("Crawl", queue="work", id="rule", interval=60)

WRITES: dict[str, Callable[[Namespace, Lease], object]] = {
    "put": lambda namespace, lease: namespace.put([new("b")]),
    "put a job that is there": lambda namespace, lease: namespace.put([new("a")]),
    "put into a new queue": lambda namespace, lease: namespace.put([new("b", "new")]),
    "pop": lambda namespace, lease: namespace.pop(["work"], "bob"),
    "pop of nothing": lambda namespace, lease: namespace.pop(["nothing"], "bob"),
    "waiting pop": lambda namespace, lease: namespace.pop(["nothing"], "bob", wait=5),
    "exchange": lambda namespace, lease: namespace.exchange([Complete(lease)], Pop(("work",), "ann")),
    "exchange of nothing": lambda namespace, lease: namespace.exchange([], Pop(("work",), "ann")),
    "heartbeat": lambda namespace, lease: namespace.heartbeat([Beat(lease)]),
    "heartbeat of nobody": lambda namespace, lease: namespace.heartbeat([Beat(NOBODY)]),
    "complete": lambda namespace, lease: namespace.settle([Complete(lease)]),
    "complete of nobody": lambda namespace, lease: namespace.settle([Complete(NOBODY)]),
    "fail": lambda namespace, lease: namespace.settle([Fail(lease, group="broken")]),
    "retry": lambda namespace, lease: namespace.settle([Retry(lease)]),
    "release": lambda namespace, lease: namespace.settle([Release(lease)]),
    "log": lambda namespace, lease: namespace.log(lease, "line"),
    "log of nobody": lambda namespace, lease: namespace.log(NOBODY, "line"),
    "cancel": lambda namespace, lease: namespace.cancel(["a"]),
    "cancel of nobody": lambda namespace, lease: namespace.cancel(["nobody"]),
    "move": lambda namespace, lease: namespace.move(["a"], "new"),
    "finish": lambda namespace, lease: namespace.finish(["a"], Finish("complete")),
    "update": lambda namespace, lease: namespace.update(["a"], Changes(priority=5)),
    "update of nothing": lambda namespace, lease: namespace.update(["a"], Changes()),
    "timeout": lambda namespace, lease: namespace.timeout(["a"]),
    "depend": lambda namespace, lease: namespace.depend("waits", ["a"]),
    "depend of nobody": lambda namespace, lease: namespace.depend("nobody", ["a"]),
    "change": lambda namespace, lease: namespace.change(Filter(state="waiting"), Move("new")),
    "change of nothing": lambda namespace, lease: namespace.change(Filter(tag="nobody"), Move("new")),
    "configure": lambda namespace, lease: namespace.configure("work", {"retries": 7}),
    "configure a new queue": lambda namespace, lease: namespace.configure("new", {"retries": 7}),
    "configure the namespace": lambda namespace, lease: namespace.configure_namespace({"retries": 7}),
    "pause": lambda namespace, lease: namespace.pause("work"),
    "resume": lambda namespace, lease: namespace.resume("paused"),
    "resume nothing": lambda namespace, lease: namespace.resume("nothing"),
    "forget": lambda namespace, lease: namespace.forget("paused"),
    "forget nothing": lambda namespace, lease: namespace.forget("nothing"),
    "quiet": lambda namespace, lease: namespace.quiet("ann"),
    "stop": lambda namespace, lease: namespace.stop("ann"),
    "quiet nobody": lambda namespace, lease: namespace.quiet("nobody"),
    "track": lambda namespace, lease: namespace.track("red"),
    "recur": lambda namespace, lease: namespace.recur(RULE),
    "unrecur": lambda namespace, lease: namespace.unrecur("rule"),
    "unrecur nothing": lambda namespace, lease: namespace.unrecur("nothing"),
    "pause a recurrence": lambda namespace, lease: namespace.pause_recurrence("rule"),
    "resume a recurrence": lambda namespace, lease: namespace.resume_recurrence("rule"),
    "resume no recurrence": lambda namespace, lease: namespace.resume_recurrence("nothing"),
    "run a recurrence": lambda namespace, lease: namespace.run_recurrence("rule"),
    "run no recurrence": lambda namespace, lease: namespace.run_recurrence("nothing"),
    "fire": lambda namespace, lease: namespace.fire("rule", namespace.recurrences()[0].next_at or 0),
    "fire nothing": lambda namespace, lease: namespace.fire("nothing", 5),
    "remember": lambda namespace, lease: namespace.remember("record", "5", None),
    "remember what is another": lambda namespace, lease: namespace.remember("record", "5", "4"),
}


class TestFreeze:
    """Nothing is written until it is thawed."""

    @pytest.fixture
    def lease(self, namespace: Namespace, clock: ManualClock) -> Lease:
        """A namespace in use, frozen; the lease of its job."""
        lease = run(namespace, tags=("red",))
        put(namespace, "waits", "waits too")
        namespace.pause("paused")
        namespace.recur(RULE)
        clock.advance(61)
        renewed = run(namespace, "b", queue="other")
        namespace.cancel(["b"])
        assert renewed.jid == "b"
        namespace.freeze()
        return lease

    @pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
    def test_what_writes_is_refused_and_changes_nothing(
        self, namespace: Namespace, lease: Lease, check: Check, write: Callable[[Namespace, Lease], object]
    ) -> None:
        with unchanged(namespace, check), pytest.raises(Frozen) as caught:
            write(namespace, lease)

        assert caught.value.subject == namespace.name

    def test_jobs_that_have_nothing_of_their_own_are_refused_too(self, namespace: Namespace, check: Check) -> None:
        lease = run(namespace)
        namespace.freeze()

        with unchanged(namespace, check):
            with pytest.raises(Frozen):
                put(namespace, "b")
            with pytest.raises(Frozen):
                namespace.settle([Complete(lease)])

    def test_what_reads_is_answered(self, namespace: Namespace, lease: Lease) -> None:
        assert get(namespace, "waits").state == "waiting"
        assert len(namespace.select(Filter(state="waiting")).jobs) == 2
        assert [queue.name for queue in namespace.queues()] == ["other", "paused", "work"]
        assert [worker.name for worker in namespace.workers()] == ["ann"]
        assert [tag.name for tag in namespace.tags()] == ["red"]
        assert namespace.lines("a") == []
        assert namespace.failures() == []
        assert namespace.stats().wait.count == 2
        assert len(namespace.recurrences(due=True)) == 1
        assert namespace.recall("record") is None
        assert namespace.change(Filter(state="waiting"), Move("new"), dry_run=True).matched == 2

    def test_upkeep_does_nothing(self, namespace: Namespace, lease: Lease, clock: ManualClock, check: Check) -> None:
        clock.advance(100 * 86_400)

        with unchanged(namespace, check):
            assert namespace.promote() == Promoted(0, 0, False)
            assert namespace.prune() == Pruned(0, False)

    def test_it_says_that_it_is_frozen(self, namespace: Namespace, lease: Lease) -> None:
        assert namespace.settings().frozen
        assert not namespace.freeze(False).frozen
        assert not namespace.settings().frozen
        assert namespace.freeze().frozen

    def test_leaders_lead_on(self, namespace: Namespace, lease: Lease) -> None:
        assert namespace.lead("scheduler", "ann", 10)
        assert not namespace.lead("scheduler", "bob", 10)

    @pytest.mark.parametrize("name", ["reader:me", "copy:me"])
    def test_memos_that_belong_to_the_store_are_set(self, namespace: Namespace, lease: Lease, name: str) -> None:
        assert namespace.remember(name, "5", None)
        assert namespace.remember(name, "6", "5")
        assert namespace.recall(name) == "6"
        assert namespace.remember(name, None, "6")

    def test_it_is_told_once_each_time(self, namespace: Namespace, lease: Lease) -> None:
        namespace.freeze(actor=ALICE)
        namespace.freeze(False, actor=ALICE)
        namespace.freeze(False)
        namespace.freeze(actor=ALICE)

        told = [event for event in seen_events(namespace) if event.event in ("frozen", "thawed")]
        assert [(event.event, event.jid, event.queue, event.actor) for event in told] == [
            ("frozen", None, None, None),
            ("thawed", None, None, "alice"),
            ("frozen", None, None, "alice"),
        ]

    def test_all_goes_on_once_it_is_thawed(self, namespace: Namespace, lease: Lease) -> None:
        namespace.freeze(False)

        put(namespace, "late")

        # A lease runs out while frozen as always.
        assert pop_all(namespace) == ["a", "waits", "waits too", "late"]
        assert pop_all(namespace, "paused") == []

    def test_a_lease_that_lives_still_is_renewed(self, namespace: Namespace) -> None:
        lease = run(namespace)
        namespace.freeze()
        namespace.freeze(False)

        renew(namespace, lease)
        namespace.settle([Complete(lease)])

        assert states(namespace, "a") == ["complete"]

    def test_what_is_not_known_begins_frozen(self, backend: Backend, namespace: Namespace) -> None:
        assert namespace.freeze().frozen

        assert namespace.name in backend.namespaces()
        with pytest.raises(Frozen):
            put(namespace, "a")

    def test_thawing_what_is_not_known_is_told_to_nobody(self, namespace: Namespace) -> None:
        assert not namespace.freeze(False).frozen

        assert seen_events(namespace) == []

    def test_another_namespace_goes_on(self, backend: Backend, namespace: Namespace, lease: Lease) -> None:
        other = backend.namespace(f"{namespace.name}-other")

        put(other, "a")

        assert pop_all(other) == ["a"]

    def test_another_process_finds_it_frozen(
        self, namespace: Namespace, lease: Lease, another: Callable[[], Backend]
    ) -> None:
        with another() as backend, pytest.raises(Frozen):
            put(backend.namespace(namespace.name), "b")
