"""What workers are asked by hand: to pop no more, or to end."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from qless_flask.backends.base import Namespace
from qless_flask.errors import WorkerNotFound
from qless_flask.models import Complete, Pop, Popped, Renewed
from qless_flask.testing.clock import ManualClock
from qless_flask.testing.conformance.scenes import (
    ALICE,
    Check,
    last_event,
    peek,
    pop,
    put,
    renew,
    run,
    seen_events,
    states,
    unchanged,
)

each_wish = pytest.mark.parametrize(("wish", "event"), [("quiet", "quieted"), ("stop", "stopped")])


def ask(namespace: Namespace, wish: str, worker: str = "ann", *, on: bool = True) -> None:
    """Ask a worker, or no longer."""
    (namespace.quiet if wish == "quiet" else namespace.stop)(worker, on=on)


class TestWishes:
    """Quiet and stop."""

    @each_wish
    def test_a_worker_that_is_asked_is_given_nothing(self, namespace: Namespace, wish: str, event: str) -> None:
        namespace.pop(["work"], "ann")
        put(namespace, "a")

        ask(namespace, wish)

        assert namespace.pop(["work"], "ann") == Popped((), None, quiet=wish == "quiet", stop=wish == "stop")
        assert peek(namespace) == ["a"]

    @each_wish
    def test_others_are_given_what_there_is(self, namespace: Namespace, wish: str, event: str) -> None:
        namespace.pop(["work"], "ann")
        put(namespace, "a")
        ask(namespace, wish)

        popped = namespace.pop(["work"], "bob")

        assert ([lease.jid for lease in popped], popped.quiet, popped.stop) == (["a"], False, False)

    @each_wish
    def test_one_that_is_no_longer_asked_is_given_jobs_again(self, namespace: Namespace, wish: str, event: str) -> None:
        namespace.pop(["work"], "ann")
        put(namespace, "a")
        ask(namespace, wish)

        ask(namespace, wish, on=False)

        popped = namespace.pop(["work"], "ann")
        assert ([lease.jid for lease in popped], popped.quiet, popped.stop) == (["a"], False, False)

    @each_wish
    def test_a_heartbeat_tells_what_its_worker_is_asked(
        self, namespace: Namespace, clock: ManualClock, wish: str, event: str
    ) -> None:
        lease = run(namespace)
        assert renew(namespace, lease) == [Renewed("a", clock() + 60)]

        ask(namespace, wish)

        assert renew(namespace, lease) == [Renewed("a", clock() + 60, quiet=wish == "quiet", stop=wish == "stop")]
        ask(namespace, wish, on=False)
        assert renew(namespace, lease) == [Renewed("a", clock() + 60)]

    def test_both_can_be_asked(self, namespace: Namespace, clock: ManualClock) -> None:
        lease = run(namespace)

        namespace.quiet("ann")
        namespace.stop("ann")

        assert renew(namespace, lease) == [Renewed("a", clock() + 60, quiet=True, stop=True)]
        assert namespace.pop(["work"], "ann") == Popped((), None, quiet=True, stop=True)

    def test_what_it_runs_goes_on_and_is_settled(self, namespace: Namespace) -> None:
        lease = run(namespace)
        namespace.stop("ann")

        namespace.settle([Complete(lease)])

        assert states(namespace, "a") == ["complete"]

    def test_an_exchange_settles_and_gives_nothing(self, namespace: Namespace) -> None:
        lease = run(namespace)
        put(namespace, "b")
        namespace.quiet("ann")

        exchanged = namespace.exchange([Complete(lease)], Pop(("work",), "ann"))

        assert exchanged.popped == Popped((), None, quiet=True)
        assert states(namespace, "a", "b") == ["complete", "waiting"]

    def test_a_pop_that_is_given_nothing_looks_after_nothing(
        self, namespace: Namespace, clock: ManualClock, check: Check
    ) -> None:
        put(namespace, "a", delay=1)
        namespace.pop(["work"], "ann")
        namespace.quiet("ann")
        clock.advance(1)

        namespace.pop(["work"], "ann")

        assert states(namespace, "a") == ["scheduled"]

    def test_a_pop_that_is_given_nothing_shows_that_its_worker_is_there(
        self, namespace: Namespace, clock: ManualClock
    ) -> None:
        namespace.pop(["work"], "ann")
        namespace.quiet("ann")
        clock.advance(5)

        namespace.pop(["work"], "ann")

        assert namespace.workers()[0].seen_at == clock()

    def test_a_request_that_is_repeated_is_given_its_leases_still(self, namespace: Namespace) -> None:
        put(namespace, "a", "b")
        [lease] = namespace.pop(["work"], "ann", request="r1")
        namespace.quiet("ann")

        # As one whose answer was lost asks: it must not wait meanwhile, its leases run.
        popped = namespace.pop(["work"], "ann", request="r1", wait=600)

        assert ([each.token for each in popped], popped.quiet) == ([lease.token], True)

    @each_wish
    def test_the_worker_is_answered_as_it_is(
        self, namespace: Namespace, clock: ManualClock, wish: str, event: str
    ) -> None:
        run(namespace)

        answer = (namespace.quiet if wish == "quiet" else namespace.stop)("ann")

        assert (answer.name, answer.running) == ("ann", 1)
        assert (answer.quiet, answer.stop) == (wish == "quiet", wish == "stop")
        assert namespace.workers() == [answer]

    @each_wish
    def test_it_is_told_once_when_it_is_asked_no_longer(self, namespace: Namespace, wish: str, event: str) -> None:
        namespace.pop(["work"], "ann")
        ask(namespace, wish, on=False)
        ask(namespace, wish)
        (namespace.quiet if wish == "quiet" else namespace.stop)("ann", on=False, actor=ALICE)
        ask(namespace, wish, on=False)

        told = last_event(namespace)
        assert [each.event for each in seen_events(namespace)] == [event, "resumed"]
        assert (told.worker, told.jid, told.queue, told.state) == ("ann", None, None, None)
        assert (told.actor, told.address) == (ALICE.name, ALICE.address)

    @each_wish
    def test_it_is_told_once_when_it_is_asked(self, namespace: Namespace, wish: str, event: str) -> None:
        namespace.pop(["work"], "ann")

        act = namespace.quiet if wish == "quiet" else namespace.stop
        act("ann", actor=ALICE)
        act("ann", actor=ALICE)

        told = last_event(namespace)
        assert len(seen_events(namespace)) == 1
        assert (told.event, told.worker, told.jid, told.queue, told.state) == (event, "ann", None, None, None)
        assert (told.actor, told.address) == ("alice", "192.0.2.7")

    @pytest.mark.parametrize("act", [lambda namespace: namespace.quiet("zoe"), lambda namespace: namespace.stop("zoe")])
    def test_a_worker_that_is_not_there_is_not_found(
        self, namespace: Namespace, check: Check, act: Callable[[Namespace], object]
    ) -> None:
        with unchanged(namespace, check), pytest.raises(WorkerNotFound) as caught:
            act(namespace)

        assert caught.value == WorkerNotFound.about("zoe")

    def test_a_worker_that_was_forgotten_is_asked_nothing_any_more(
        self, namespace: Namespace, clock: ManualClock
    ) -> None:
        namespace.pop(["work"], "ann")
        namespace.stop("ann")
        clock.advance(86_400 + 1)
        namespace.prune()
        assert namespace.workers() == []
        put(namespace, "a")

        lease = pop(namespace)

        assert lease.jid == "a"
        assert not namespace.workers()[0].stop
