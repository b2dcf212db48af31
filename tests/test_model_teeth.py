"""The suite has teeth: what could plausibly go wrong in a store is put into the model, and a test must see it."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from hypothesis import Phase, settings
from test_model import SETTINGS, try_out

from qless_flask.backends.inspection import StoreView
from qless_flask.errors import QlessError
from qless_flask.models import Changes, Job, Settlement
from qless_flask.testing import Checked, ManualClock, ModelBackend, check
from qless_flask.testing import conformance as suite
from qless_flask.testing.machine import Ground
from qless_flask.testing.model import inspect as inspect_model
from qless_flask.testing.model import pops, records, settling, upkeep, world
from qless_flask.testing.model.namespace import ModelNamespace
from qless_flask.testing.model.records import JobRecord
from qless_flask.testing.model.world import World

Patch = pytest.MonkeyPatch
Mutation = Callable[[Patch], None]


def holds(test: Callable[..., None]) -> bool:
    """Run a test of the suite on a fresh model; tell whether it passes."""
    clock = ManualClock()
    backend = ModelBackend(clock=clock)
    seen: dict[str, frozenset[str]] = {}

    def look() -> StoreView:
        view = VIEWS["seen"](inspect_model(backend.namespace("fresh")), seen)
        check(view)
        return view

    fixtures = {"clock": clock, "backend": backend, "check": look}
    fixtures["namespace"] = Checked(backend.namespace("fresh"), look)
    owner = getattr(suite, test.__qualname__.split(".")[0])
    try:
        test(owner(), **{name: fixtures[name] for name in list(inspect.signature(test).parameters)[1:]})
    except (AssertionError, ValueError, KeyError, QlessError, pytest.fail.Exception):
        return False
    return True


# How a view is seen: as it is, unless a mutation changes it.
VIEWS: dict[str, Callable[[StoreView, dict[str, frozenset[str]]], StoreView]] = {"seen": lambda view, seen: view}


def after(patch: Patch, owner: Any, name: str, also: Callable[..., None]) -> None:
    """Let something happen after a method, with the same arguments."""
    original = getattr(owner, name)

    def both(*arguments: Any, **options: Any) -> Any:
        answer = original(*arguments, **options)
        also(*arguments)
        return answer

    patch.setattr(owner, name, both)


def token_is_the_worker(patch: Patch) -> None:
    after(patch, World, "lease", lambda world, job, worker: setattr(job, "token", worker))


def token_is_never_new(patch: Patch) -> None:
    after(patch, World, "lease", lambda world, job, worker: setattr(job, "token", f"token of {job.jid}"))


def token_outlives_its_lease(patch: Patch) -> None:
    def end_lease(job: JobRecord) -> str | None:
        holder, job.worker = job.worker, None
        return holder

    patch.setattr(JobRecord, "end_lease", end_lease)


def old_place_is_lost(patch: Patch) -> None:
    def stand_again(world: World, job: JobRecord) -> None:
        world.places += 1
        job.place = world.places
        original(world, job)

    original = World.stand_again
    patch.setattr(World, "stand_again", stand_again)


def clock_orders_pops(patch: Patch) -> None:
    def waiting(world: World, queue: str) -> list[JobRecord]:
        return sorted(world.jobs_of(queue, "waiting"), key=lambda job: (-job.priority, job.available))

    patch.setattr(World, "waiting", waiting)


def losses_are_not_counted(patch: Patch) -> None:
    after(patch, World, "take_back", lambda world, job: setattr(job, "losses", 0))


def losses_cost_retries(patch: Patch) -> None:
    after(patch, World, "take_back", lambda world, job: setattr(job, "remaining", job.remaining - 1))


def retries_are_not_renewed(patch: Patch) -> None:
    after(patch, World, "enter", lambda world, job, *_: setattr(job, "remaining", min(job.remaining, 1)))


def settles_are_not_remembered(patch: Patch) -> None:
    def forget(world: World, settlement: Settlement) -> None:
        for job in world.jobs.values():
            job.settled = None

    after(patch, settling, "settle", forget)


def requests_are_not_remembered(patch: Patch) -> None:
    patch.setattr(pops, "_leases_again", lambda world, pop: [])


def puts_are_done_one_by_one(patch: Patch) -> None:
    original = ModelNamespace._put
    patch.setattr(ModelNamespace, "_put", lambda self, jobs: [original(self, [job])[0] for job in jobs])


def history_grows_for_ever(patch: Patch) -> None:
    patch.setattr(records, "HISTORY_ENTRIES", 10**9)


def logs_grow_for_ever(patch: Patch) -> None:
    patch.setattr(world, "LOG_LINES", 10**9)


def pops_attend_without_bound(patch: Patch) -> None:
    patch.setattr(world, "STEP", 10**9)


def canceled_jobs_stay_for_ever(patch: Patch) -> None:
    patch.setitem(upkeep.RETENTION, "canceled", (10**15, 10**9))


def nothing_is_taken_out_of_tag_indexes(patch: Patch) -> None:
    def view(view: StoreView, seen: dict[str, frozenset[str]]) -> StoreView:
        for tag, jids in view.tags.items():
            seen[tag] = seen.get(tag, frozenset()) | jids
        return replace(view, tags=dict(seen))

    patch.setitem(VIEWS, "seen", view)


def counters_drift(patch: Patch) -> None:
    def view(view: StoreView, seen: dict[str, frozenset[str]]) -> StoreView:
        return replace(view, workers={name: max(count, 1) for name, count in view.workers.items()})

    patch.setitem(VIEWS, "seen", view)


def every_mutation_and_a_test_that_sees_it() -> list[tuple[Mutation, Callable[..., None]]]:
    """List them."""
    return [
        (token_is_the_worker, suite.TestTokens.test_no_other_token_does_anything),
        (token_is_never_new, suite.TestPops.test_every_token_is_new),
        (token_outlives_its_lease, suite.TestTokens.test_a_job_canceled_and_moved_is_lost_to_its_last_holder),
        (old_place_is_lost, suite.TestLostLeases.test_a_lost_job_keeps_its_place),
        (clock_orders_pops, suite.TestOrderOfPops.test_order_does_not_depend_on_the_clock),
        (losses_are_not_counted, suite.TestLostLeases.test_one_loss_more_than_the_queue_allows_fails_the_job),
        (losses_cost_retries, suite.TestLostLeases.test_a_loss_costs_no_retry_and_leaves_the_failure),
        (retries_are_not_renewed, suite.TestPipelines.test_own_retries_count_in_every_stage),
        (settles_are_not_remembered, suite.TestSettling.test_a_settle_is_remembered_until_the_next),
        (requests_are_not_remembered, suite.TestRequests.test_the_same_request_is_given_the_same_leases),
        (puts_are_done_one_by_one, suite.TestPutsOfJobsThatExist.test_one_job_that_exists_refuses_the_whole_batch),
        (history_grows_for_ever, suite.TestSettling.test_a_history_keeps_the_latest_hundred),
        (logs_grow_for_ever, suite.TestLogs.test_the_latest_hundred_are_kept),
        (pops_attend_without_bound, suite.TestPops.test_a_pop_promotes_at_most_a_hundred_of_a_queue),
        (canceled_jobs_stay_for_ever, suite.TestPrune.test_the_longest_ended_go_first_in_bounded_steps),
        (nothing_is_taken_out_of_tag_indexes, suite.TestUpdate.test_tags_are_removed_before_others_are_added),
        (counters_drift, suite.TestWorkers.test_a_worker_counts_its_live_leases),
    ]


@pytest.mark.parametrize(("mutation", "test"), every_mutation_and_a_test_that_sees_it())
def test_what_could_go_wrong_is_seen(monkeypatch: Patch, mutation: Mutation, test: Callable[..., None]) -> None:
    assert holds(test)

    mutation(monkeypatch)

    assert not holds(test)


class Stubborn(Checked):
    """A backend that keeps the tags that should be removed."""

    def update(self, jids: Any, changes: Changes, *, actor: Any = None) -> list[Job | QlessError]:
        return self.inner.update(jids, replace(changes, remove_tags=()), actor=actor)


def test_the_machine_finds_a_backend_that_does_otherwise() -> None:
    def ground() -> Ground:
        clock = ManualClock()
        namespace = ModelBackend(clock=clock).namespace("stubborn")
        return Ground(Stubborn(namespace, lambda: None), clock, lambda: check(inspect_model(namespace)))

    # Unshrunk: what the smallest example is does not matter here.
    with pytest.raises(AssertionError, match="the model says"):
        try_out(partial(ground), settings(SETTINGS, phases=[Phase.generate]))
