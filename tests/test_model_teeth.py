"""The suite has teeth: what could plausibly go wrong in a store is put into the model, and a test must see it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from hypothesis import Phase, settings
from test_model import SETTINGS, try_out

from qless_flask.backends.inspection import StoreView
from qless_flask.errors import QlessError
from qless_flask.models import (
    STATES,
    Actor,
    Changes,
    Job,
    Pop,
    Popped,
    QueueSettings,
    Rate,
    Recurrence,
    Recurring,
    Renewed,
    Settlement,
)
from qless_flask.testing import Checked, ManualClock, ModelBackend, check
from qless_flask.testing import conformance as suite
from qless_flask.testing.machine import Ground
from qless_flask.testing.model import (
    hands,
    holdings,
    limits,
    namespace,
    pops,
    pruning,
    puts,
    records,
    recurrences,
    settling,
    world,
)
from qless_flask.testing.model import inspect as inspect_model
from qless_flask.testing.model import settings as settings_of_namespaces
from qless_flask.testing.model.figures import Figures
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

    fixtures: dict[str, Any] = {"clock": clock, "backend": backend, "check": look, **first_parameters(test)}
    fixtures["namespace"] = Checked(backend.namespace("fresh"), look)
    owner = getattr(suite, test.__qualname__.split(".")[0])
    try:
        test(owner(), **{name: fixtures[name] for name in list(inspect.signature(test).parameters)[1:]})
    except (AssertionError, ValueError, KeyError, QlessError, pytest.fail.Exception):
        return False
    return True


def first_parameters(test: Callable[..., None]) -> dict[str, Any]:
    """Answer the first of each list of values that a test is to be run with."""
    found: dict[str, Any] = {}
    for mark in getattr(test, "pytestmark", ()):
        names, values = mark.args
        listed = [name.strip() for name in names.split(",")] if isinstance(names, str) else names
        found.update(zip(listed, values[0] if len(listed) > 1 else values[:1], strict=True))
    return found


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
        world.queues[job.queue].place += 1
        job.place = world.queues[job.queue].place
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
    patch.setattr(holdings, "LOG_LINES", 10**9)


def pops_attend_without_bound(patch: Patch) -> None:
    patch.setattr(world, "STEP", 10**9)


def canceled_jobs_stay_for_ever(patch: Patch) -> None:
    patch.setattr(pruning, "IN_TURN", ("complete", "failed"))


def children_are_told_nothing(patch: Patch) -> None:
    patch.setattr(World, "tell_dependents", lambda world, left, most, actor=None: left.clear() or 0)


def one_parent_of_many_is_enough(patch: Patch) -> None:
    original = World._tell_dependent

    def tell(world: World, jid: str, child: JobRecord, actor: Actor | None) -> None:
        child.needs = frozenset({jid})
        original(world, jid, child, actor)

    patch.setattr(World, "_tell_dependent", tell)


def children_have_no_choice(patch: Patch) -> None:
    patch.setattr(World, "cancel", lambda world, job, **options: None)


def delays_begin_with_the_put(patch: Patch) -> None:
    original = World.unblock

    def unblock(world: World, job: JobRecord, actor: Actor | None) -> None:
        job.delay = max(0, job.delay - (world.now - job.created))
        original(world, job, actor)

    patch.setattr(World, "unblock", unblock)


def cycles_are_not_searched_for(patch: Patch) -> None:
    patch.setattr(puts, "search", lambda *_: None)


def ends_are_told_without_bound(patch: Patch) -> None:
    patch.setattr(namespace, "TOLD_AT_ONCE", 10**9)


def those_left_are_forgotten(patch: Patch) -> None:
    original = World.end

    def end(world: World, *arguments: Any, **options: Any) -> None:
        original(world, *arguments, **options)
        world.untold.clear()

    patch.setattr(World, "end", end)


def parents_are_pruned(patch: Patch) -> None:
    patch.setattr(pruning, "_past", lambda world, queue, state: world.jobs_of(queue, state))


def descendants_end_with_the_children(patch: Patch) -> None:
    patch.setattr(hands, "_descendants", lambda world, level: level)


def unique_keys_outlive_their_jobs(patch: Patch) -> None:
    patch.setattr(World, "let_go", lambda world, job: None)


def unique_keys_are_not_taken_again(patch: Patch) -> None:
    original = World.take
    patch.setattr(World, "take", lambda world, job: None if job.history else original(world, job))


def heartbeats_move_the_end_of_a_run(patch: Patch) -> None:
    after(patch, World, "renew", lambda world, job: setattr(job, "expires", world.now + 60_000))


def runs_over_their_time_are_lost(patch: Patch) -> None:
    original = World.take_back

    def take_back(world: World, job: JobRecord) -> None:
        job.started = world.now
        original(world, job)

    patch.setattr(World, "take_back", take_back)


def expired_jobs_are_given(patch: Patch) -> None:
    patch.setattr(World, "ready", World.waiting)


def times_outlive_their_tag(patch: Patch) -> None:
    patch.setattr(World, "forget_times", lambda world, before: None)


def waits_begin_with_the_put(patch: Patch) -> None:
    original = World.lease

    def lease(world: World, job: JobRecord, worker: str) -> None:
        job.available = job.created
        original(world, job, worker)

    patch.setattr(World, "lease", lease)


def what_was_refused_stays(patch: Patch) -> None:
    patch.setattr(World, "whole", lambda world: nullcontext())


def updates_move_the_next_run(patch: Patch) -> None:
    patch.setattr(Recurrence, "timing", lambda rule: object())


def two_schedulers_fire_twice(patch: Patch) -> None:
    def again(world: World, seen: Recurring, *_: object) -> None:
        world.recurrences[seen.rule.id or ""] = seen

    after(patch, recurrences, "fire", again)


def overlaps_are_not_looked_for(patch: Patch) -> None:
    patch.setattr(recurrences, "ENDED", STATES)


def heartbeats_tell_no_wishes(patch: Patch) -> None:
    patch.setattr(settling, "Renewed", lambda jid, expires_at, *_: Renewed(jid, expires_at))


def wishes_hold_no_pop_back(patch: Patch) -> None:
    original = pops.pop

    def pop(world: World, asked: Pop) -> Popped:
        world.wishes = {}
        return original(world, asked)

    patch.setattr(pops, "pop", pop)


def all_that_matches_counts_as_changed(patch: Patch) -> None:
    patch.setattr(hands, "_done", lambda job, action: False)


def nothing_is_taken_out_of_the_index_of_the_tracked(patch: Patch) -> None:
    def view(view: StoreView, seen: dict[str, frozenset[str]]) -> StoreView:
        seen["tracked"] = seen.get("tracked", frozenset()) | view.tracked
        return replace(view, tracked=seen["tracked"])

    patch.setitem(VIEWS, "seen", view)


def counters_of_groups_are_not_taken_down(patch: Patch) -> None:
    most: dict[str, Mapping[tuple[str, str], int]] = {}

    def view(view: StoreView, seen: dict[str, frozenset[str]]) -> StoreView:
        most.update({group: touched for group, touched in view.touched.items() if group not in most})
        return replace(view, touched=most)

    patch.setitem(VIEWS, "seen", view)


def counters_of_tags_drift(patch: Patch) -> None:
    def view(view: StoreView, seen: dict[str, frozenset[str]]) -> StoreView:
        figures = {tag: {**counts, "running": 1} for tag, counts in view.figures.items()}
        return replace(view, figures=figures)

    patch.setitem(VIEWS, "seen", view)


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


def queues_are_never_full(patch: Patch) -> None:
    patch.setattr(limits, "_has_room", lambda *_: True)


def keys_are_never_full(patch: Patch) -> None:
    patch.setattr(limits, "_key_has_room", lambda *_: True)


def keys_are_counted_over_all_queues(patch: Patch) -> None:
    def has_room(world: World, job: JobRecord, settings: QueueSettings) -> bool:
        running = [other for other in world.jobs.values() if other.state == "running" and other.key == job.key]
        return job.key is None or settings.key_concurrency is None or len(running) < settings.key_concurrency

    patch.setattr(limits, "_key_has_room", has_room)


def windows_are_open_at_both_ends(patch: Patch) -> None:
    original = limits._counted

    def counted(world: World, times: list[int], rate: Rate, since: int | None) -> list[int]:
        return [at for at in original(world, times, rate, since) if world.now + 1 < at + round(rate.per * 1000)]

    patch.setattr(limits, "_counted", counted)


def rates_count_pops_from_before_them(patch: Patch) -> None:
    patch.setattr(limits, "_counts_anew", lambda before, after: False)


def any_of_what_is_required_will_do(patch: Patch) -> None:
    original = limits.may_run

    def may_run(world: World, job: JobRecord, capabilities: tuple[str, ...]) -> bool:
        offered = job.requires if set(job.requires) & set(capabilities) else capabilities
        return original(world, job, offered)

    patch.setattr(limits, "may_run", may_run)


def what_is_replaced_takes_up_room(patch: Patch) -> None:
    original = limits.check_room
    patch.setattr(puts, "check_room", lambda world, new, old: original(world, new, None))


def only_what_waits_takes_up_room(patch: Patch) -> None:
    patch.setattr(limits, "TO_RUN", ("waiting",))


def warnings_are_told_at_each_prune(patch: Patch) -> None:
    after(patch, pruning, "_warn", lambda world, queue: setattr(world.queues[queue], "warned_at", None))


def what_is_not_empty_is_erased_unasked(patch: Patch) -> None:
    original = settings_of_namespaces.erase
    patch.setattr(
        settings_of_namespaces, "erase", lambda world, name, confirmed, *rest: original(world, name, True, *rest)
    )


def runs_are_counted_in_the_queue_they_went_to(patch: Patch) -> None:
    original = Figures.count

    def count(figures: Figures, now: int, event: str, queue: str, job: JobRecord, *rest: int | None) -> None:
        original(figures, now, event, job.queue, job, *rest)

    patch.setattr(Figures, "count", count)


def lost_runs_are_not_counted(patch: Patch) -> None:
    original = Figures.count

    def count(figures: Figures, now: int, event: str, queue: str, job: JobRecord, *rest: int | None) -> None:
        original(figures, now, event, queue, job, *(rest if event != "lost" else ()))

    patch.setattr(Figures, "count", count)


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
        (children_are_told_nothing, suite.TestDependencies.test_it_waits_for_pops_once_its_parent_is_complete),
        (one_parent_of_many_is_enough, suite.TestDependencies.test_it_waits_for_the_last_of_many_parents),
        (children_have_no_choice, suite.TestEndsOfParents.test_a_canceled_child_tells_its_own_children),
        (delays_begin_with_the_put, suite.TestDelaysOfDependents.test_a_delay_begins_when_the_last_parent_is_done),
        (cycles_are_not_searched_for, suite.TestCycles.test_a_job_put_anew_cannot_depend_on_what_waits_for_it),
        (ends_are_told_without_bound, suite.TestManyDependents.test_a_parent_of_many_frees_a_hundred_at_once),
        (those_left_are_forgotten, suite.TestManyDependents.test_promotes_free_the_rest_up_to_their_limit),
        (parents_are_pruned, suite.TestPruneOfParents.test_a_job_that_others_wait_for_is_not_pruned),
        (
            descendants_end_with_the_children,
            suite.TestCancelOfParents.test_along_they_go_generation_by_generation_each_by_jid_and_once,
        ),
        (unique_keys_outlive_their_jobs, suite.TestUniqueWhileAlive.test_complete_releases_it),
        (unique_keys_are_not_taken_again, suite.TestUniqueWhileAlive.test_a_job_that_comes_back_takes_it_again),
        (heartbeats_move_the_end_of_a_run, suite.TestMaxRun.test_heartbeats_renew_a_lease_up_to_it_and_no_further),
        (runs_over_their_time_are_lost, suite.TestMaxRun.test_a_run_over_it_is_timed_out_at_the_cost_of_a_retry),
        (expired_jobs_are_given, suite.TestExpiresIn.test_a_pop_gives_none_of_the_many_that_it_could_not_fail_at_once),
        (times_outlive_their_tag, suite.TestTagFigures.test_the_means_are_forgotten_with_the_last_job),
        (waits_begin_with_the_put, suite.TestTagFigures.test_a_wait_begins_when_a_job_becomes_available),
        (what_was_refused_stays, suite.TestFollowUps.test_what_a_refused_one_would_have_replaced_stays),
        (updates_move_the_next_run, suite.TestRecurrences.test_an_update_keeps_the_next_run_while_its_times_stay),
        (two_schedulers_fire_twice, suite.TestFire.test_a_second_scheduler_that_fires_the_same_puts_nothing),
        (
            overlaps_are_not_looked_for,
            suite.TestRunsByHand.test_what_it_put_keeps_the_next_from_being_put_where_it_skips,
        ),
        (heartbeats_tell_no_wishes, suite.TestWishes.test_both_can_be_asked),
        (wishes_hold_no_pop_back, suite.TestWishes.test_an_exchange_settles_and_gives_nothing),
        (
            all_that_matches_counts_as_changed,
            suite.TestChange.test_one_that_is_tracked_already_is_not_changed_by_that_alone,
        ),
        (
            nothing_is_taken_out_of_the_index_of_the_tracked,
            suite.TestTrackedJobs.test_no_longer_to_be_tracked_is_told_too,
        ),
        (counters_of_groups_are_not_taken_down, suite.TestFailures.test_a_job_that_leaves_its_group_is_taken_off),
        (queues_are_never_full, suite.TestMaxConcurrency.test_no_more_than_so_many_run_at_once),
        (keys_are_never_full, suite.TestKeyConcurrency.test_no_more_of_a_key_run_at_once_and_the_others_pass_by),
        (keys_are_counted_over_all_queues, suite.TestKeyConcurrency.test_each_queue_counts_its_keys_for_itself),
        (windows_are_open_at_both_ends, suite.TestRates.test_no_more_than_so_many_are_popped_in_any_window),
        (rates_count_pops_from_before_them, suite.TestChangedLimits.test_a_rate_taken_away_and_set_again_counts_anew),
        (any_of_what_is_required_will_do, suite.TestRequires.test_a_job_goes_to_a_worker_that_offers_all_of_it),
        (what_is_replaced_takes_up_room, suite.TestMaxSize.test_a_job_of_the_queue_may_be_replaced_when_it_is_full),
        (
            only_what_waits_takes_up_room,
            suite.TestMaxSize.test_scheduled_dependent_and_held_back_jobs_count_together,
        ),
        (warnings_are_told_at_each_prune, suite.TestTrimWarnings.test_it_is_told_once_a_day_while_that_is_so),
        (what_is_not_empty_is_erased_unasked, suite.TestErase.test_what_has_jobs_is_not_erased_unasked),
        (runs_are_counted_in_the_queue_they_went_to, suite.TestStats.test_every_end_of_a_lease_is_a_run),
        (lost_runs_are_not_counted, suite.TestStats.test_a_lost_lease_is_a_run_till_it_is_taken_back),
        (counters_of_tags_drift, suite.TestTagFigures.test_a_job_that_changes_its_state_is_counted_there),
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
