"""Looking jobs up: by jid, and page by page."""

from __future__ import annotations

import pytest

from qless_flask.backends.base import Namespace
from qless_flask.errors import Invalid
from qless_flask.models import STATES, Changes, Complete, Fail, Filter, NewJob, Retry
from qless_flask.testing.clock import ManualClock
from qless_flask.testing.conformance.scenes import (
    Check,
    get,
    new,
    peek,
    pop,
    pop_all,
    put,
    queue,
    renew,
    run,
    unchanged,
    walk,
)


class TestGet:
    """By jid."""

    def test_jobs_are_answered_in_the_order_asked(self, namespace: Namespace) -> None:
        put(namespace, "a", "b", data="[1]")

        b, nobody, a, again = namespace.get(["b", "no", "a", "b"])

        assert (b, nobody) == (get(namespace, "b"), None)
        assert a is not None
        assert (a.jid, a.data, [entry.event for entry in a.history], again) == ("a", "[1]", ["put"], b)

    def test_nothing_asked_is_nothing_answered(self, namespace: Namespace) -> None:
        assert namespace.get([]) == []

    def test_a_thousand_are_looked_up_at_once(self, namespace: Namespace) -> None:
        jids = [f"{number}" for number in range(1000)]
        namespace.put([new(jid) for jid in jids])

        found = namespace.get(jids)

        assert [job.jid for job in found if job] == jids

    def test_an_empty_namespace_answers_empty(self, namespace: Namespace) -> None:
        assert namespace.get(["a"]) == [None]
        assert namespace.select(Filter()).jobs == ()
        assert (namespace.queues(), namespace.workers(), namespace.recall("r")) == ([], [], None)
        assert namespace.events().events == ()


class TestSelect:
    """Page by page."""

    def test_jobs_come_without_data_and_history(self, namespace: Namespace) -> None:
        put(namespace, "a", data="[1]", tags=("t",))

        [job] = namespace.select(Filter(state="waiting", queue="work")).jobs

        assert (job.jid, job.tags, job.data, job.history) == ("a", ("t",), None, ())

    def test_what_waits_comes_in_the_order_of_pops(self, namespace: Namespace) -> None:
        put(namespace, "a", "b")
        put(namespace, "c", priority=1)
        namespace.settle([Retry(pop(namespace))])
        namespace.update(["b"], Changes(priority=-1))

        assert peek(namespace) == ["c", "a", "b"] == pop_all(namespace)

    def test_what_is_scheduled_comes_by_due_time_then_jid(self, namespace: Namespace) -> None:
        for jid, delay in {"c": 2, "a": 3, "b": 2, "d": 1}.items():
            put(namespace, jid, delay=delay)

        assert peek(namespace, state="scheduled") == ["d", "b", "c", "a"]

    def test_what_depends_comes_by_since_when_then_jid(self, namespace: Namespace, clock: ManualClock) -> None:
        put(namespace, "parent", queue="parents")
        for jids in ("cb", "d", "a"):
            put(namespace, *jids, depends=("parent",))
            clock.advance(1)

        assert peek(namespace, state="depends") == ["b", "c", "d", "a"]

    def test_what_runs_comes_by_expiry_and_without_one_last(self, namespace: Namespace, clock: ManualClock) -> None:
        namespace.configure("work", {"heartbeat": None})
        run(namespace, "a")
        namespace.configure("work", {"heartbeat": 60})
        lease = run(namespace, "b")
        clock.advance(1)
        run(namespace, "d")
        run(namespace, "c")
        clock.advance(1)
        renew(namespace, lease)

        assert peek(namespace, state="running") == ["c", "d", "b", "a"]

    @pytest.mark.parametrize("state", ["complete", "failed", "canceled"])
    def test_what_ended_comes_latest_first_then_by_jid(
        self, namespace: Namespace, clock: ManualClock, state: str
    ) -> None:
        put(namespace, "c", "b", "d", "a")
        leases = {lease.jid: lease for lease in namespace.pop(["work"], "ann", 4)}

        for jids in ("b", "ca", "d"):
            clock.advance(1)
            if state == "canceled":
                namespace.cancel(list(jids))
            elif state == "failed":
                namespace.settle([Fail(leases[jid], group="broken") for jid in jids])
            else:
                namespace.settle([Complete(leases[jid]) for jid in jids])

        names = {"complete": "complete", "failed": "failed", "canceled": "canceled"}
        assert walk(namespace, Filter(queue="work", state=names[state])) == ["d", "a", "c", "b"]  # type: ignore[arg-type]

    @pytest.mark.parametrize("state", [*STATES, None])
    def test_pages_of_any_size_hold_every_job_once(self, namespace: Namespace, state: str | None) -> None:
        jids = [f"job {number}" for number in range(7)]
        put(namespace, "parent", queue="parents")
        depends = ("parent",) if state == "depends" else ()
        put(namespace, *jids, delay=5 if state == "scheduled" else 0, depends=depends, tags=("t",))
        if state not in ("scheduled", "depends", "waiting", None):
            leases = namespace.pop(["work"], "ann", 7)
            if state == "complete":
                namespace.settle([Complete(lease) for lease in leases])
            elif state == "failed":
                namespace.settle([Fail(lease, group="g") for lease in leases])
            elif state == "canceled":
                namespace.cancel(jids)
        put(namespace, "other", queue="other")

        filter = Filter(state=state, queue="work") if state else Filter(tag="t")  # type: ignore[arg-type]

        found = walk(namespace, filter, 1000)
        assert sorted(found) == jids
        assert all(walk(namespace, filter, limit) == found for limit in (1, 2, 3, 6, 7))

    def test_jobs_that_come_and_go_during_a_walk_do_not_hide_those_that_stay(self, namespace: Namespace) -> None:
        put(namespace, *(f"{number}" for number in range(9)))
        filter = Filter(state="waiting", queue="work")

        page = namespace.select(filter, None, 3)
        found = [job.jid for job in page.jobs]
        pop_all(namespace, limit=2)
        put(namespace, "urgent", priority=9)
        page = namespace.select(filter, page.next, 3)
        found += [job.jid for job in page.jobs]
        namespace.cancel(["5", "7"])
        page = namespace.select(filter, page.next, 3)
        found += [job.jid for job in page.jobs]

        assert found == ["0", "1", "2", "3", "4", "5", "6", "8"]

    def test_a_cursor_whose_job_is_gone_goes_on_behind_it(self, namespace: Namespace) -> None:
        put(namespace, "a", "b", "c", "d", delay=5)
        filter = Filter(state="scheduled", queue="work")
        page = namespace.select(filter, None, 2)

        namespace.move(["a", "b"], "other")

        assert [job.jid for job in namespace.select(filter, page.next, 5).jobs] == ["c", "d"]

    def test_a_job_put_anew_during_a_walk_by_tag_is_found_once(self, namespace: Namespace, clock: ManualClock) -> None:
        put(namespace, "a", "b", "c", "d", tags=("t",))
        page = namespace.select(Filter(tag="t"), None, 2)
        found = [job.jid for job in page.jobs]
        clock.advance(5)

        put(namespace, *found, tags=("t",), if_exists="replace")

        found += [job.jid for job in namespace.select(Filter(tag="t"), page.next, 10).jobs]
        assert sorted(found) == ["a", "b", "c", "d"]

    def test_pages_of_a_tag_a_worker_and_a_group_hold_every_job_once(
        self, namespace: Namespace, clock: ManualClock
    ) -> None:
        leases = [run(namespace, jid, tags=("t",)) for jid in ("b", "c", "a")]
        assert sorted(walk(namespace, Filter(tag="t"), 1)) == ["a", "b", "c"]
        assert sorted(walk(namespace, Filter(worker="ann"), 1)) == ["a", "b", "c"]

        for lease in leases:
            namespace.settle([Fail(lease, group="broken")])
            clock.advance(1)

        assert sorted(walk(namespace, Filter(group="broken"), 1)) == ["a", "b", "c"]

    def test_the_end_has_no_next(self, namespace: Namespace) -> None:
        put(namespace, "a", "b")

        assert namespace.select(Filter(state="waiting", queue="work")).next is None
        assert walk(namespace, Filter(state="waiting", queue="work"), 2) == ["a", "b"]

    def test_a_walk_over_states_and_queues_finds_each_job_once(self, namespace: Namespace) -> None:
        put(namespace, "a", "b", "c", queue="one")
        put(namespace, "d", queue="two", delay=5)
        pop(namespace, "one")

        assert sorted(walk(namespace, Filter(), 1)) == ["a", "b", "c", "d"]
        assert sorted(walk(namespace, Filter(queue="one"), 1)) == ["a", "b", "c"]
        assert sorted(walk(namespace, Filter(state="waiting"), 1)) == ["b", "c"]
        assert sorted(walk(namespace, Filter(), 2)) == ["a", "b", "c", "d"]

    def test_jobs_are_found_by_tag_klass_worker_and_group(self, namespace: Namespace) -> None:
        namespace.put([NewJob("Crawl", queue="work", jid="a", tags=("x",)), NewJob("Parse", queue="two", jid="b")])
        put(namespace, "c", tags=("x", "y"))
        put(namespace, "d", queue="three")
        namespace.settle([Fail(pop(namespace, "three"), group="broken")])
        namespace.pop(["two"], "bob")

        assert sorted(walk(namespace, Filter(tag="x"))) == ["a", "c"]
        assert walk(namespace, Filter(tag="y")) == ["c"]
        assert walk(namespace, Filter(klass="Parse")) == ["b"]
        assert walk(namespace, Filter(klass="parse")) == []
        assert walk(namespace, Filter(worker="bob")) == ["b"]
        assert walk(namespace, Filter(group="broken")) == ["d"]
        assert walk(namespace, Filter(tag="none")) == walk(namespace, Filter(worker="none")) == []
        assert walk(namespace, Filter(group="none")) == walk(namespace, Filter(queue="none")) == []
        assert walk(namespace, Filter(queue="none", state="waiting")) == []

    def test_what_is_asked_for_together_must_all_be_so(self, namespace: Namespace) -> None:
        put(namespace, "a", tags=("x",))
        put(namespace, "b", tags=("x", "y"), delay=5)
        put(namespace, "c", tags=("y",), queue="other")

        assert walk(namespace, Filter(tag="x", state="waiting")) == ["a"]
        assert walk(namespace, Filter(tag="y", queue="other")) == ["c"]
        assert walk(namespace, Filter(tag="y", queue="work", state="scheduled", klass="Crawl")) == ["b"]
        assert walk(namespace, Filter(tag="x", queue="other")) == []

    def test_only_failed_jobs_are_found_by_group(self, namespace: Namespace) -> None:
        put(namespace, "a", "b")
        namespace.settle([Retry(pop(namespace), group="slow")])

        assert walk(namespace, Filter(group="slow")) == []
        namespace.settle([Fail(pop(namespace), group="slow")])
        assert walk(namespace, Filter(group="slow")) == ["b"]

    def test_only_running_jobs_are_found_by_worker(self, namespace: Namespace) -> None:
        put(namespace, "a", "b")
        a, _ = namespace.pop(["work"], "ann", 2)

        namespace.settle([Complete(a)])

        assert walk(namespace, Filter(worker="ann")) == ["b"]

    @pytest.mark.parametrize(
        ("sought", "found"),
        [
            ("STRASSE", ["a"]),
            ("straße", ["a"]),
            ("crawl", ["b", "b2"]),
            ("RAW", ["b", "b2"]),
            ("B", ["b", "b2"]),
            ("2", []),
            ("no such host", ["c"]),
            ("dns", ["c"]),
            ("%", []),
            ("_", []),
            ("*", []),
            ("secret", []),
        ],
    )
    def test_text_is_sought_in_klass_group_message_and_at_the_beginning_of_the_jid(
        self, namespace: Namespace, sought: str, found: list[str]
    ) -> None:
        namespace.put(
            [
                NewJob("Straße", '"secret"', queue="work", jid="a"),
                NewJob("Crawl", queue="work", jid="b"),
                NewJob("Crawl", queue="work", jid="b2", tags=("dns",)),
                NewJob("X", queue="other", jid="c"),
            ]
        )
        namespace.settle([Retry(pop(namespace, "other"), group="DNS", message="No such host: example.org")])

        assert sorted(walk(namespace, Filter(q=sought))) == found
        assert sorted(walk(namespace, Filter(q=sought, queue="work"))) == [jid for jid in found if jid != "c"]

    @pytest.mark.parametrize("filter", [Filter(), Filter(queue="work", state="waiting"), Filter(tag="t")])
    def test_a_cursor_that_is_none_is_refused(self, namespace: Namespace, check: Check, filter: Filter) -> None:
        put(namespace, "a", tags=("t",))

        with unchanged(namespace, check):
            for cursor in ("x", "no cursor", "-1", "{}", "[]", "é", "1:2:3:4:5", ""):
                with pytest.raises(Invalid):
                    namespace.select(filter, cursor)

    @pytest.mark.parametrize("limit", [0, 1001, -1])
    def test_a_page_has_one_to_a_thousand_jobs(self, namespace: Namespace, limit: int) -> None:
        with pytest.raises(Invalid) as caught:
            namespace.select(Filter(), None, limit)

        assert "limit" in caught.value.fields

    def test_no_more_than_a_thousand_records_are_read_a_call(self, namespace: Namespace) -> None:
        for begin in (0, 700):
            namespace.put([new(f"{number}") for number in range(begin, begin + 700)])
        namespace.put([NewJob("Rare", queue="work", jid="rare")])

        page = namespace.select(Filter(queue="work", state="waiting", klass="Rare"))

        assert (page.jobs, page.scanned) == ((), 1000)
        assert page.next is not None
        assert walk(namespace, Filter(queue="work", state="waiting", klass="Rare")) == ["rare"]
        assert walk(namespace, Filter(klass="Rare")) == ["rare"]
        assert len(set(walk(namespace, Filter(), 1000))) == queue(namespace).waiting == 1401

    def test_looking_changes_nothing(self, namespace: Namespace, check: Check, clock: ManualClock) -> None:
        lease = run(namespace, tags=("t",))
        namespace.log(lease, "line")
        put(namespace, "b", delay=1)
        namespace.remember("r", "1", None)
        clock.advance(3600)

        with unchanged(namespace, check):
            namespace.get(["a", "b", "no"])
            namespace.lines("a")
            for filter in (Filter(), Filter(tag="t"), Filter(queue="work", state="running"), Filter(worker="ann")):
                walk(namespace, filter)
            namespace.queues()
            namespace.workers()
            namespace.events()
            namespace.recall("r")
