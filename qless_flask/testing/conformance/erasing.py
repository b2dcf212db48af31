"""Namespaces deleted, in bounded steps."""

from __future__ import annotations

import pytest

from qless_flask.backends.base import Backend, Namespace
from qless_flask.errors import Frozen, Invalid, NotEmpty
from qless_flask.models import Erased, NewJob, Recurrence
from qless_flask.testing.clock import ManualClock
from qless_flask.testing.conformance.furniture import dump, furnish
from qless_flask.testing.conformance.scenes import ALICE, Check, get, many, pop_all, put, queue, run, unchanged


def erase(namespace: Namespace, confirm: str | None = None, limit: int = 1000) -> int:
    """Erase a namespace, step by step, and tell how many steps it took."""
    steps, erased = 1, namespace.erase(confirm, None, limit)
    while erased.next is not None:
        assert steps < 5_000
        steps, erased = steps + 1, namespace.erase(None, erased.next, limit)
    return steps


class TestErase:
    """Nothing is left, and nothing goes by mistake."""

    def test_what_is_empty_is_erased_unasked(self, backend: Backend, namespace: Namespace) -> None:
        namespace.configure("work", {"retries": 7})
        namespace.remember("record", "5", None)
        namespace.track("red")

        erase(namespace)

        assert namespace.name not in backend.namespaces()
        assert namespace.queues() == []
        assert namespace.recall("record") is None
        assert namespace.tags() == []
        assert namespace.events().events == ()
        assert dump(namespace) == []

    @pytest.mark.parametrize("limit", [7, 1000])
    def test_with_its_name_all_is_erased(
        self, backend: Backend, namespace: Namespace, clock: ManualClock, check: Check, limit: int
    ) -> None:
        bare = backend.namespace(namespace.name)
        furnish(bare, clock)

        steps = erase(bare, namespace.name, limit)

        assert steps > 1 or limit == 1000
        assert namespace.name not in backend.namespaces()
        view = check()
        assert not view.jobs
        assert not view.queues
        assert not view.recurrences
        assert bare.workers() == []
        assert bare.stats().wait.count == 0
        assert bare.stats(klass="Step").run.count == 0
        assert sum(bare.throughput(step=3600).put) == 0
        assert not bare.settings().frozen
        assert bare.settings().own == ()
        assert bare.recall("copy:one") is None

    def test_a_namespace_of_the_same_name_begins_anew(
        self, backend: Backend, namespace: Namespace, clock: ManualClock, check: Check
    ) -> None:
        bare = backend.namespace(namespace.name)
        furnish(bare, clock)
        erase(bare, namespace.name)

        put(bare, "a")

        check()
        assert pop_all(bare) == ["a"]
        assert get(bare).history[0].event == "put"
        assert queue(bare).settings.heartbeat == 60
        assert namespace.name in backend.namespaces()
        assert [event.event for event in bare.events().events] == ["put", "popped"]
        assert bare.put([NewJob("Crawl", queue="fetch")])[0].created

    def test_who_pops_right_after_is_known_again(self, namespace: Namespace) -> None:
        run(namespace)
        [before] = namespace.workers()
        erase(namespace, namespace.name)

        run(namespace)

        assert namespace.workers() == [before]

    def test_what_has_jobs_is_not_erased_unasked(self, namespace: Namespace, check: Check) -> None:
        run(namespace)

        with unchanged(namespace, check), pytest.raises(NotEmpty) as caught:
            namespace.erase()

        assert caught.value.subject == namespace.name
        assert not namespace.settings().frozen

    def test_a_job_that_has_ended_is_one_too(self, namespace: Namespace) -> None:
        put(namespace, "a")
        namespace.cancel(["a"])

        with pytest.raises(NotEmpty):
            namespace.erase()

    def test_what_has_recurrences_is_not_erased_unasked(self, namespace: Namespace) -> None:
        namespace.recur(Recurrence("Crawl", queue="work", id="a", interval=60))

        with pytest.raises(NotEmpty):
            namespace.erase()

    @pytest.mark.parametrize("confirm", ["yes", "", "another"])
    def test_another_name_is_refused(self, namespace: Namespace, check: Check, confirm: str) -> None:
        with unchanged(namespace, check), pytest.raises(Invalid) as caught:
            namespace.erase(confirm)

        assert "confirm" in caught.value.fields

    @pytest.mark.parametrize("limit", [0, 1001])
    def test_a_step_is_bounded(self, namespace: Namespace, limit: int) -> None:
        with pytest.raises(Invalid) as caught:
            namespace.erase(limit=limit)

        assert "limit" in caught.value.fields

    def test_what_is_not_known_is_erased_already(self, backend: Backend, namespace: Namespace) -> None:
        assert namespace.erase() == Erased(0, None)
        assert namespace.erase(namespace.name) == Erased(0, None)
        assert namespace.name not in backend.namespaces()

    def test_it_is_frozen_from_the_first_step_on(self, backend: Backend, namespace: Namespace) -> None:
        bare = backend.namespace(namespace.name)
        put(bare, *many(50))

        first = bare.erase(namespace.name, None, 10, actor=ALICE)

        assert first.next is not None
        assert bare.settings().frozen
        with pytest.raises(Frozen):
            put(bare, "a")
        with pytest.raises(Frozen):
            bare.freeze(False)
        assert namespace.name in backend.namespaces()
        erase(bare, None, 10)
        assert namespace.name not in backend.namespaces()

    def test_it_is_told_by_whom(self, backend: Backend, namespace: Namespace) -> None:
        bare = backend.namespace(namespace.name)
        put(bare, *many(50))
        before = bare.events(None, 1000).next

        bare.erase(namespace.name, None, 5, actor=ALICE)

        told = [event for event in bare.events(before).events if event.event == "erased"]
        assert [(event.jid, event.queue, event.actor) for event in told] == [(None, None, "alice")]

    def test_it_begins_again_where_the_cursor_was_lost(self, backend: Backend, namespace: Namespace) -> None:
        bare = backend.namespace(namespace.name)
        put(bare, *many(50))
        bare.erase(namespace.name, None, 10)

        erase(bare)

        assert namespace.name not in backend.namespaces()

    def test_a_frozen_one_is_erased(self, backend: Backend, namespace: Namespace) -> None:
        put(namespace, "a")
        namespace.freeze()

        erase(namespace, namespace.name)

        assert namespace.name not in backend.namespaces()

    def test_other_namespaces_stay(self, backend: Backend, namespace: Namespace, clock: ManualClock) -> None:
        others = [backend.namespace(f"{namespace.name}{end}") for end in ("-other", ":x")]
        for other in others:
            put(other, "a")
        furnish(backend.namespace(namespace.name), clock)

        erase(backend.namespace(namespace.name), namespace.name)

        for other in others:
            assert pop_all(other) == ["a"]
