"""Keys: limits for the jobs of a queue that have the same one, and looking them up by it."""

from __future__ import annotations

import pytest

from qless_flask.backends.base import Backend, Namespace
from qless_flask.errors import Invalid, NotEmpty
from qless_flask.models import (
    ORDERS,
    STATES,
    Cancel,
    Changes,
    Complete,
    Fail,
    Filter,
    Finish,
    KeyRecord,
    Order,
    Rate,
    Release,
    Retry,
    State,
)
from qless_flask.testing.clock import ManualClock
from qless_flask.testing.conformance.by_hand import bring
from qless_flask.testing.conformance.limits import ENDS_OF_LEASES, Act
from qless_flask.testing.conformance.scenes import (
    Check,
    get,
    many,
    new,
    peek,
    pop,
    pop_all,
    put,
    queue,
    run,
    settle,
    states,
    walk,
)


def wait_out(namespace: Namespace, clock: ManualClock, *, until: float) -> list[str]:
    """Look again whenever the answer says so, and tell what was found in the end."""
    for _ in range(50):
        popped = namespace.pop(["work"], "zoe", 1000)
        if popped.leases:
            return [lease.jid for lease in popped]
        assert popped.retry_at is not None
        assert clock() <= popped.retry_at <= until
        clock.advance(max(0.001, popped.retry_at - clock()))
    return []


def kept_pops(namespace: Namespace) -> dict[str, int]:
    """Count the pops that are remembered of each key."""
    found: dict[str, int] = {}
    cursor = None
    while True:
        dumped = namespace.dump(cursor)
        found |= {record.key: len(record.popped) for record in dumped.records if isinstance(record, KeyRecord)}
        cursor = dumped.next
        if cursor is None:
            return found


class TestKeys:
    """What a key is."""

    def test_a_job_shows_its_key(self, namespace: Namespace) -> None:
        put(namespace, "a", key="customer 7 ✓")

        assert get(namespace).key == "customer 7 ✓"
        lease = pop(namespace)
        assert lease.job is not None
        assert lease.job.key == "customer 7 ✓"
        assert [job.key for job in namespace.select(Filter(state="running", queue="work")).jobs] == ["customer 7 ✓"]

    def test_a_queue_of_waiting_jobs_that_all_have_one_is_not_forgotten(self, namespace: Namespace) -> None:
        put(namespace, "a", key="k")

        with pytest.raises(NotEmpty):
            namespace.forget("work")

    def test_a_job_has_none_unless_it_is_given_one(self, namespace: Namespace) -> None:
        put(namespace, "a")

        assert get(namespace).key is None

    @pytest.mark.parametrize("state", STATES)
    def test_it_stays_where_the_job_goes(self, namespace: Namespace, state: str) -> None:
        put(namespace, "a", key="k", pipeline=("next",))
        settle(namespace, Retry(pop(namespace)))
        settle(namespace, Complete(pop(namespace)))
        namespace.move(["a"], "work")
        namespace.update(["a"], Changes(priority=3, data="[1]"))
        assert get(namespace).key == "k"
        if state in ("complete", "failed"):
            lease = pop(namespace)
            settle(namespace, Complete(lease) if state == "complete" else Fail(lease, group="broken"))
        elif state == "canceled":
            namespace.cancel(["a"])

        assert get(namespace).key == "k"

    @pytest.mark.parametrize("key", ["", "a\n", "x" * 201, "\x85", 5])
    def test_what_is_no_text_is_no_key(self, key: str) -> None:
        with pytest.raises(Invalid) as caught:
            new("a", key=key)

        assert "key" in caught.value.fields

    def test_odd_keys_are_apart_from_each_other(self, namespace: Namespace) -> None:
        namespace.configure("work", {"key_concurrency": 1})
        odd = [
            "k",
            "K",
            "k ",
            "é",
            "e\u0301",
            "a:b",
            "a,b",
            "{k}",
            "\\",
            '"',
            "'",
            "*",
            "?",
            "[a]",
            "\u2028",
            "0",
            "-1",
            "~",
        ]
        namespace.put([new(f"{index}-{turn}", key=key) for turn in (1, 2) for index, key in enumerate(odd)])

        assert pop_all(namespace) == [f"{index}-1" for index in range(len(odd))]
        assert pop_all(namespace) == []
        for index, key in enumerate(odd):
            assert sorted(walk(namespace, Filter(key=key))) == [f"{index}-1", f"{index}-2"]

    def test_replace_sets_another(self, namespace: Namespace) -> None:
        put(namespace, "a", key="k")

        put(namespace, "a", key="m", if_exists="replace")
        assert get(namespace).key == "m"
        put(namespace, "a", if_exists="replace")
        assert get(namespace).key is None

    def test_without_limits_it_keeps_nothing_back_and_changes_no_order(self, namespace: Namespace) -> None:
        put(namespace, "a", key="k")
        put(namespace, "b")
        put(namespace, "c", key="m", priority=1)
        put(namespace, "d", key="k", priority=1)
        put(namespace, "e")

        assert peek(namespace) == ["c", "d", "a", "b", "e"]
        assert pop_all(namespace) == ["c", "d", "a", "b", "e"]

    def test_a_thousand_keys_come_in_order(self, namespace: Namespace) -> None:
        jids = many(1000)
        namespace.put([new(jid, key=f"key {int(jid) * 7919 % 1000}") for jid in jids])

        assert pop_all(namespace) == jids


class TestKeyConcurrency:
    """`key_concurrency`: so many of a key run at once."""

    def test_no_more_of_a_key_run_at_once_and_the_others_pass_by(self, namespace: Namespace) -> None:
        namespace.configure("work", {"key_concurrency": 1})
        for jid, key in {"a": "k", "b": "k", "c": "m", "d": None, "e": "m", "f": None}.items():
            put(namespace, jid, key=key)

        assert pop_all(namespace) == ["a", "c", "d", "f"]
        assert pop_all(namespace) == []
        assert peek(namespace) == ["b", "e"]

    def test_it_may_be_more_than_one(self, namespace: Namespace) -> None:
        namespace.configure("work", {"key_concurrency": 3})
        put(namespace, *"abcde", key="k")

        assert pop_all(namespace, limit=2) == ["a", "b"]
        assert pop_all(namespace) == ["c"]
        assert pop_all(namespace) == []

    @pytest.mark.parametrize("act", ENDS_OF_LEASES.values(), ids=ENDS_OF_LEASES.keys())
    def test_the_end_of_a_lease_lets_the_next_of_its_key_run(self, namespace: Namespace, act: Act) -> None:
        namespace.configure("work", {"key_concurrency": 1})
        lease = run(namespace, key="k")
        put(namespace, "b", "c", key="k")
        assert pop_all(namespace) == []

        act(namespace, lease)

        assert pop_all(namespace, limit=1) == ["b"]
        assert "c" not in pop_all(namespace)

    def test_the_end_of_another_key_frees_nothing(self, namespace: Namespace) -> None:
        namespace.configure("work", {"key_concurrency": 1})
        run(namespace, "a", key="k")
        other = run(namespace, "b", key="m")
        put(namespace, "c", key="k")

        settle(namespace, Complete(other))

        assert pop_all(namespace) == []

    def test_a_released_job_runs_again_itself(self, namespace: Namespace) -> None:
        namespace.configure("work", {"key_concurrency": 1})
        lease = run(namespace, key="k")
        put(namespace, "b", key="k")

        settle(namespace, Release(lease))

        assert pop_all(namespace) == ["a"]

    def test_a_lost_lease_frees_its_key(self, namespace: Namespace, clock: ManualClock) -> None:
        namespace.configure("work", {"key_concurrency": 1})
        run(namespace, key="k")
        put(namespace, "b", key="k")
        clock.advance(59.999)
        assert pop_all(namespace) == []
        clock.advance(0.001)

        assert pop_all(namespace) == ["a"]
        assert pop_all(namespace) == []

    def test_a_lease_lost_for_good_frees_its_key(self, namespace: Namespace, clock: ManualClock) -> None:
        namespace.configure("work", {"key_concurrency": 1, "max_losses": 0})
        run(namespace, key="k")
        put(namespace, "b", key="k")
        clock.advance(60)
        namespace.promote()

        assert (states(namespace, "a"), pop_all(namespace)) == (["failed"], ["b"])

    def test_the_first_in_order_of_a_key_runs_next(self, namespace: Namespace) -> None:
        namespace.configure("work", {"key_concurrency": 1})
        lease = run(namespace, key="k")
        put(namespace, "b", key="k", priority=-1)
        put(namespace, "c", key="k")
        put(namespace, "d", key="k", priority=5)
        put(namespace, "e", key="k")
        assert peek(namespace) == ["d", "c", "e", "b"]

        order = []
        for _ in range(4):
            settle(namespace, Complete(lease))
            lease = pop(namespace)
            order.append(lease.jid)

        assert order == ["d", "c", "e", "b"]

    def test_what_was_held_back_comes_before_what_stands_behind_it(self, namespace: Namespace) -> None:
        namespace.configure("work", {"key_concurrency": 1})
        lease = run(namespace, key="k")
        put(namespace, "b", key="k")
        put(namespace, "c")
        put(namespace, "d", key="m")

        settle(namespace, Complete(lease))

        assert pop_all(namespace) == ["b", "c", "d"]

    def test_each_queue_counts_its_keys_for_itself(self, namespace: Namespace) -> None:
        namespace.configure("work", {"key_concurrency": 1})
        namespace.configure("other", {"key_concurrency": 1})
        put(namespace, "a", "b", key="k")
        put(namespace, "c", "d", key="k", queue="other")
        put(namespace, "e", "f", key="k", queue="free")

        assert pop_all(namespace, "work", "other", "free") == ["a", "c", "e", "f"]

    def test_a_job_that_moves_counts_where_it_is(self, namespace: Namespace) -> None:
        namespace.configure("work", {"key_concurrency": 1})
        namespace.configure("other", {"key_concurrency": 1})
        run(namespace, "a", key="k")
        put(namespace, "b", "c", key="k")
        assert pop_all(namespace) == []

        namespace.move(["b"], "other")
        assert pop_all(namespace, "other") == ["b"]
        namespace.move(["c"], "other")
        assert pop_all(namespace, "work", "other") == []
        namespace.move(["b"], "third")
        assert pop_all(namespace, "other") == ["c"]

    def test_it_goes_greedily_through_queues_in_turn(self, namespace: Namespace) -> None:
        namespace.configure("a", {"key_concurrency": 1})
        for jid, key in {"a1": "k", "a2": "k", "a3": "m", "a4": "k"}.items():
            put(namespace, jid, key=key, queue="a")
        put(namespace, "b1", "b2", "b3", queue="b")

        leases = namespace.pop(["a", "b"], "ann", 5, order="round_robin")

        assert [lease.jid for lease in leases] == ["a1", "b1", "a3", "b2", "b3"]

    @pytest.mark.parametrize("act", ["cancel", "move", "replace", "expire", "finish"])
    def test_a_job_that_is_held_back_can_leave(self, namespace: Namespace, clock: ManualClock, act: str) -> None:
        namespace.configure("work", {"key_concurrency": 1})
        lease = run(namespace, key="k")
        put(namespace, "b", key="k", expires_in=30)
        put(namespace, "c", key="k")
        assert pop_all(namespace) == []

        if act == "cancel":
            namespace.cancel(["b"])
        elif act == "move":
            namespace.move(["b"], "other")
        elif act == "replace":
            put(namespace, "b", key="k", if_exists="replace")
        elif act == "finish":
            namespace.finish(["b"], Finish("complete"))
        else:
            clock.advance(30)
            namespace.promote()

        settle(namespace, Complete(lease))
        assert pop_all(namespace, limit=1) == ["c"]

    def test_a_job_that_is_held_back_can_change_its_priority(self, namespace: Namespace) -> None:
        namespace.configure("work", {"key_concurrency": 1})
        lease = run(namespace, key="k")
        put(namespace, "b", "c", key="k")
        put(namespace, "d")

        namespace.update(["c"], Changes(priority=1))

        assert peek(namespace) == ["c", "b", "d"]
        settle(namespace, Complete(lease))
        assert pop_all(namespace) == ["c", "d"]

    def test_a_job_that_is_held_back_can_come_to_wait_for_others(self, namespace: Namespace) -> None:
        namespace.configure("work", {"key_concurrency": 1})
        lease = run(namespace, key="k")
        put(namespace, "b", "c", key="k")
        put(namespace, "parent", queue="parents")

        namespace.depend("b", ["parent"])
        settle(namespace, Complete(lease))

        assert pop_all(namespace) == ["c"]
        settle(namespace, Complete(pop(namespace, "parents")))
        assert (states(namespace, "b"), pop_all(namespace)) == (["waiting"], [])
        namespace.cancel(["c"])
        assert pop_all(namespace) == ["b"]

    def test_what_is_held_back_counts_as_waiting(self, namespace: Namespace, clock: ManualClock) -> None:
        namespace.configure("work", {"key_concurrency": 1, "heartbeat": None})
        run(namespace, key="k")
        put(namespace, "b", key="k")
        clock.advance(30)
        put(namespace, "c", key="k")

        assert (queue(namespace).waiting, queue(namespace).running, queue(namespace).oldest_wait) == (2, 1, 30)
        assert states(namespace, "b", "c") == ["waiting", "waiting"]
        popped = namespace.pop(["work"], "ann")
        assert (popped.leases, popped.retry_at) == ((), None)

    def test_what_becomes_due_is_held_back_too(self, namespace: Namespace, clock: ManualClock) -> None:
        namespace.configure("work", {"key_concurrency": 1})
        lease = run(namespace, key="k")
        put(namespace, "b", key="k", delay=5)
        clock.advance(5)

        assert (pop_all(namespace), states(namespace, "b")) == ([], ["waiting"])
        settle(namespace, Complete(lease))
        assert pop_all(namespace) == ["b"]

    def test_max_concurrency_holds_beside_it(self, namespace: Namespace) -> None:
        namespace.configure("work", {"key_concurrency": 1, "max_concurrency": 3})
        for jid, key in {"a": "k", "b": "k", "c": "m", "d": None, "e": None}.items():
            put(namespace, jid, key=key)

        leases = namespace.pop(["work"], "ann", 9)

        assert [lease.jid for lease in leases] == ["a", "c", "d"]
        settle(namespace, Complete(leases[1]))
        assert pop_all(namespace) == ["e"]
        settle(namespace, Complete(leases[0]))
        assert pop_all(namespace) == ["b"]

    def test_many_of_one_key_keep_nobody_back(self, namespace: Namespace) -> None:
        namespace.configure("work", {"key_concurrency": 1})
        put(namespace, *many(900), key="k", priority=5)
        put(namespace, "last")

        assert pop_all(namespace) == ["00000", "last"]

    def test_many_keys_that_are_full_keep_nobody_back(self, namespace: Namespace) -> None:
        namespace.configure("work", {"key_concurrency": 1})
        namespace.put([new(jid, key=f"key {jid}") for jid in many(300)])
        namespace.put([new(f"{jid} too", key=f"key {jid}", priority=9) for jid in many(300)])
        assert pop_all(namespace) == [f"{jid} too" for jid in many(300)]
        put(namespace, "last", key="another", priority=-9)

        assert pop_all(namespace) == ["last"]


class TestKeyRates:
    """`key_rate`: so many pops of a key in any window."""

    def test_no_more_of_a_key_are_popped_in_any_window(self, namespace: Namespace, clock: ManualClock) -> None:
        namespace.configure("work", {"key_rate": Rate(2, 10)})
        put(namespace, *"abcde", key="k")
        put(namespace, "m", key="m")
        put(namespace, "n")
        assert pop_all(namespace, limit=1) == ["a"]
        clock.advance(4)
        assert pop_all(namespace) == ["b", "m", "n"]

        clock.advance(5.999)
        assert pop_all(namespace) == []
        clock.advance(0.001)
        assert pop_all(namespace) == ["c"]
        clock.advance(3.999)
        assert pop_all(namespace) == []
        clock.advance(0.001)
        assert pop_all(namespace) == ["d"]

    @pytest.mark.parametrize("order", ORDERS)
    def test_a_window_that_is_over_is_free_again_whole(
        self, namespace: Namespace, clock: ManualClock, order: Order
    ) -> None:
        namespace.configure("work", {"key_rate": Rate(3, 10)})
        put(namespace, *many(9), key="k")
        assert len(namespace.pop(["work"], "ann", 9, order=order)) == 3
        clock.advance(11)

        popped = [len(namespace.pop(["work"], "ann", 2, order=order)) for _ in range(3)]

        assert popped == [2, 1, 0]

    @pytest.mark.parametrize("end", ["complete", "release", "cancel", "lost"])
    def test_a_pop_counts_whatever_comes_of_it(self, namespace: Namespace, clock: ManualClock, end: str) -> None:
        namespace.configure("work", {"key_rate": Rate(1, 100)})
        lease = run(namespace, key="k")
        put(namespace, "b", key="k")
        if end == "complete":
            settle(namespace, Complete(lease))
        elif end == "release":
            settle(namespace, Release(lease))
        elif end == "cancel":
            namespace.cancel(["a"])
        clock.advance(99.999)

        assert pop_all(namespace) == []
        clock.advance(0.001)
        assert pop_all(namespace) == ["b" if end in ("complete", "cancel") else "a"]

    def test_an_empty_answer_says_when_to_look_again_in_time(self, namespace: Namespace, clock: ManualClock) -> None:
        namespace.configure("work", {"key_rate": Rate(1, 10), "heartbeat": None})
        for jid, key in {"a": "k", "b": "m", "c": "k", "d": "m"}.items():
            put(namespace, jid, key=key)
        assert pop_all(namespace, limit=1) == ["a"]
        clock.advance(3)
        assert pop_all(namespace) == ["b"]

        assert wait_out(namespace, clock, until=clock() + 7) == ["c"]
        assert wait_out(namespace, clock, until=clock() + 3) == ["d"]

    def test_keys_that_nobody_waits_for_are_not_waited_for(self, namespace: Namespace) -> None:
        namespace.configure("work", {"key_rate": Rate(1, 10), "heartbeat": None})
        run(namespace, key="k")

        assert namespace.pop(["work"], "bob").retry_at is None

    def test_each_queue_counts_its_keys_for_itself(self, namespace: Namespace) -> None:
        namespace.configure("work", {"key_rate": Rate(1, 10)})
        namespace.configure("other", {"key_rate": Rate(1, 10)})
        put(namespace, "a", "b", key="k")
        put(namespace, "c", "d", key="k", queue="other")

        assert pop_all(namespace, "work", "other") == ["a", "c"]

    def test_it_holds_beside_key_concurrency_and_the_rate_of_the_queue(
        self, namespace: Namespace, clock: ManualClock
    ) -> None:
        namespace.configure("work", {"key_rate": Rate(2, 10), "key_concurrency": 1, "rate": Rate(3, 10)})
        put(namespace, "a", "b", "c", key="k")
        put(namespace, "x", "y", "z")
        [a, x, y] = namespace.pop(["work"], "ann", 9)
        assert (a.jid, x.jid, y.jid) == ("a", "x", "y")

        settle(namespace, Complete(a))
        assert pop_all(namespace) == []
        clock.advance(9.999)
        assert pop_all(namespace) == []
        clock.advance(0.001)
        # All may be popped again, and of the key one at a time.
        leases = namespace.pop(["work"], "ann", 9)
        assert [lease.jid for lease in leases] == ["b", "z"]
        settle(namespace, Complete(leases[0]))
        assert pop_all(namespace) == ["c"]

    def test_the_end_of_a_lease_frees_no_key_whose_rate_is_used_up(
        self, namespace: Namespace, clock: ManualClock
    ) -> None:
        namespace.configure("work", {"key_rate": Rate(1, 10), "key_concurrency": 1})
        lease = run(namespace, key="k")
        put(namespace, "b", key="k")
        clock.advance(5)
        settle(namespace, Complete(lease))

        assert pop_all(namespace) == []
        clock.advance(5)
        assert pop_all(namespace) == ["b"]

    def test_a_free_rate_lets_no_key_run_that_is_full(self, namespace: Namespace, clock: ManualClock) -> None:
        namespace.configure("work", {"key_rate": Rate(1, 10), "key_concurrency": 1})
        lease = run(namespace, key="k")
        put(namespace, "b", key="k")
        clock.advance(10)

        assert pop_all(namespace) == []
        settle(namespace, Complete(lease))
        assert pop_all(namespace) == ["b"]

    def test_prune_forgets_no_pop_that_counts(self, namespace: Namespace, clock: ManualClock, check: Check) -> None:
        namespace.configure("work", {"key_rate": Rate(1, 100_000)})
        for jid in "ab":
            settle(namespace, Complete(run(namespace, jid, key=f"key {jid}")))
            clock.advance(50_000)

        namespace.prune()

        put(namespace, "c", key="key a")
        put(namespace, "d", key="key b")
        assert pop_all(namespace) == ["c"]
        clock.advance(50_000)
        assert pop_all(namespace) == ["d"]
        clock.advance(100_000)
        namespace.prune()
        check()

    def test_prune_forgets_pops_that_count_no_more(self, namespace: Namespace, clock: ManualClock) -> None:
        namespace.configure("work", {"key_rate": Rate(2, 100)})
        for jid, key in {"a": "k", "b": "k", "c": "m"}.items():
            settle(namespace, Complete(run(namespace, jid, key=key)))
            clock.advance(10)
        assert kept_pops(namespace) == {"k": 2, "m": 1}

        clock.advance(79.999)
        namespace.prune()
        # The first pop of k counts no more, the second does.
        assert set(kept_pops(namespace)) == {"k", "m"}
        clock.advance(0.001)
        namespace.prune()
        assert set(kept_pops(namespace)) == {"m"}
        clock.advance(10)
        namespace.prune()
        assert kept_pops(namespace) == {}

    def test_a_rate_taken_away_leaves_nothing_in_the_end(self, namespace: Namespace) -> None:
        namespace.configure("work", {"key_rate": Rate(1, 1000)})
        settle(namespace, Complete(run(namespace, key="k")))

        namespace.configure("work", {"key_rate": None})
        namespace.prune()

        assert kept_pops(namespace) == {}

    def test_a_queue_that_is_forgotten_forgets_the_pops_of_its_keys(self, namespace: Namespace) -> None:
        namespace.configure_namespace({"key_rate": Rate(1, 1000)})
        run(namespace, key="k")
        namespace.move(["a"], "other")
        namespace.forget("work")

        put(namespace, "b", "c", key="k")

        assert pop_all(namespace) == ["b"]

    def test_many_keys_that_are_used_up_come_when_their_time_comes(
        self, backend: Backend, namespace: Namespace, clock: ManualClock, check: Check
    ) -> None:
        unchecked, jids = backend.namespace(namespace.name), many(300)
        unchecked.configure("work", {"key_rate": Rate(1, 10)})
        for begin in range(0, 300, 30):
            unchecked.put([new(jid, key=f"key {jid}") for jid in jids[begin : begin + 30]])
            assert len(pop_all(unchecked)) == 30
            clock.advance(1)
        unchecked.put([new(f"{jid} too", key=f"key {jid}") for jid in jids])
        check()

        # The first thirty were popped ten seconds ago.
        assert pop_all(unchecked) == [f"{jid} too" for jid in jids[:30]]
        clock.advance(0.999)
        assert pop_all(unchecked) == []
        clock.advance(0.001)
        assert pop_all(unchecked) == [f"{jid} too" for jid in jids[30:60]]
        check()


class TestSelectByKey:
    """`Filter(key=…)`."""

    @pytest.mark.parametrize("state", STATES)
    def test_jobs_of_every_state_are_found(self, namespace: Namespace, state: State) -> None:
        put(namespace, "other", queue="elsewhere")
        bring(namespace, state, "without")
        put(namespace, "parent", queue="parents")
        depends = ("parent",) if state == "depends" else ()
        delay = 60 if state == "scheduled" else 0
        put(namespace, "a", key="k", depends=depends, delay=delay, priority=9)
        put(namespace, "b", key="m", depends=depends, delay=delay, priority=8)
        began = state not in ("scheduled", "depends", "waiting")
        leases = namespace.pop(["work"], "ann", 2).leases if began else ()
        for lease in leases:
            if state == "complete":
                settle(namespace, Complete(lease))
            elif state == "failed":
                settle(namespace, Fail(lease, group="broken"))
            elif state == "canceled":
                namespace.cancel([lease.jid])

        assert states(namespace, "a", "b") == [state, state]
        assert walk(namespace, Filter(key="k")) == ["a"]
        assert walk(namespace, Filter(key="m", queue="work")) == ["b"]
        assert walk(namespace, Filter(key="k", queue="work", state=state)) == ["a"]
        assert walk(namespace, Filter(key="m", state=state)) == ["b"]
        assert walk(namespace, Filter(key="none")) == []

    def test_other_wishes_hold_beside_it(self, namespace: Namespace) -> None:
        put(namespace, "a", key="k", tags=("t",))
        put(namespace, "b", key="k", queue="other", tags=("t",))
        put(namespace, "c", key="k")
        put(namespace, "d", tags=("t",))
        run(namespace, "e", key="k", queue="run")

        assert sorted(walk(namespace, Filter(key="k"))) == ["a", "b", "c", "e"]
        assert sorted(walk(namespace, Filter(key="k", tag="t"))) == ["a", "b"]
        assert walk(namespace, Filter(key="k", tag="t", queue="work")) == ["a"]
        assert walk(namespace, Filter(key="k", worker="ann")) == ["e"]
        assert walk(namespace, Filter(key="k", q="b")) == ["b"]

    def test_a_walk_holds_each_once(self, namespace: Namespace) -> None:
        jids = many(70)
        namespace.put([new(jid, key="k", queue=f"queue-{int(jid) % 3}", delay=int(jid) % 2) for jid in jids])
        put(namespace, *(f"other {jid}" for jid in jids), key="m")

        for limit in (1, 7, 1000):
            assert sorted(walk(namespace, Filter(key="k"), limit)) == jids

    def test_it_follows_jobs_wherever_they_go(self, namespace: Namespace, clock: ManualClock) -> None:
        put(namespace, "a", "b", "c", key="k")
        namespace.move(["a"], "other")
        put(namespace, "b", key="m", if_exists="replace")
        namespace.cancel(["c"])

        assert sorted(walk(namespace, Filter(key="k"))) == ["a", "c"]
        assert walk(namespace, Filter(key="m")) == ["b"]
        clock.advance(86_400)
        namespace.prune()
        assert walk(namespace, Filter(key="k")) == ["a"]

    def test_all_of_a_key_are_changed_at_once(self, namespace: Namespace) -> None:
        put(namespace, "a", "b", key="k")
        put(namespace, "c", key="m")

        changed = namespace.change(Filter(key="k"), Cancel())

        assert (changed.matched, changed.changed, changed.next) == (2, 2, None)
        assert states(namespace, "a", "b", "c") == ["canceled", "canceled", "waiting"]
