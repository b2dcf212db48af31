"""Progress and data that heartbeats bring, and results."""

from __future__ import annotations

import pytest

from qless_flask.backends.base import Namespace
from qless_flask.bounds import MAX_PROGRESS_BYTES
from qless_flask.errors import JobCanceled, JobNotFound, LeaseLost
from qless_flask.models import Beat, Complete, Fail, Filter, Finish, Job, Lease, Release, Renewed, Retry, Settlement
from qless_flask.testing.clock import ManualClock
from qless_flask.testing.conformance.fidelity import PIECES_OF_JSON, pieces
from qless_flask.testing.conformance.scenes import (
    Check,
    end_by_hand,
    get,
    history,
    pop,
    put,
    run,
    seen_events,
    settle,
    unchanged,
)

SHORT_PIECES = [piece for piece in PIECES_OF_JSON.values() if len(piece.encode()) <= MAX_PROGRESS_BYTES]


def shown(namespace: Namespace, **filter: str) -> Job:
    """Find the one job that matches, as lists show it."""
    [job] = namespace.select(Filter(**filter)).jobs  # type: ignore[arg-type]
    return job


class TestProgress:
    """How far it is, as its worker says."""

    def test_a_heartbeat_says_how_far_it_is(self, namespace: Namespace, clock: ManualClock) -> None:
        lease = run(namespace)
        clock.advance(5)

        assert namespace.heartbeat([Beat(lease, progress='{"done": 3}')]) == [Renewed("a", clock() + 60)]

        assert get(namespace).progress == '{"done": 3}'
        assert shown(namespace, worker="ann").progress == '{"done": 3}'

    def test_the_last_word_counts_and_silence_changes_nothing(self, namespace: Namespace) -> None:
        lease = run(namespace)

        for progress in ("1", "2", None):
            namespace.heartbeat([Beat(lease, progress=progress)])

        assert get(namespace).progress == "2"

    @pytest.mark.parametrize("progress", SHORT_PIECES)
    def test_it_comes_out_as_it_went_in(self, namespace: Namespace, progress: str) -> None:
        lease = run(namespace)

        namespace.heartbeat([Beat(lease, progress=progress)])

        assert get(namespace).progress == progress

    def test_it_is_neither_event_nor_history(self, namespace: Namespace) -> None:
        lease = run(namespace)
        told = seen_events(namespace)

        namespace.heartbeat([Beat(lease, progress="1", data="[2]")])

        assert (seen_events(namespace), history(namespace)) == (told, ["put", "popped"])

    @pytest.mark.parametrize("way", ["retry", "release", "lost", "timeout", "complete", "fail", "cancel"])
    def test_it_stays_over_runs_and_the_end(self, namespace: Namespace, clock: ManualClock, way: str) -> None:
        lease = run(namespace)
        namespace.heartbeat([Beat(lease, progress="3")])
        if way == "lost":
            clock.advance(60)
            namespace.promote()
        elif way == "timeout":
            namespace.timeout(["a"])
        elif way == "cancel":
            namespace.cancel(["a"])
        else:
            ways: dict[str, Settlement] = {
                "retry": Retry(lease),
                "release": Release(lease),
                "complete": Complete(lease),
                "fail": Fail(lease, group="broken"),
            }
            settle(namespace, ways[way])

        assert get(namespace).progress == "3"

    @pytest.mark.parametrize("way", ["move", "advance", "replace"])
    def test_what_begins_anew_is_nowhere_yet(self, namespace: Namespace, way: str) -> None:
        lease = run(namespace, pipeline=("next",))
        namespace.heartbeat([Beat(lease, progress="3")])

        if way == "move":
            namespace.move(["a"], "work")
        elif way == "advance":
            settle(namespace, Complete(lease))
        else:
            put(namespace, "a", if_exists="replace")

        assert get(namespace).progress is None

    def test_the_next_run_is_given_it(self, namespace: Namespace) -> None:
        lease = run(namespace)
        namespace.heartbeat([Beat(lease, progress="3")])
        settle(namespace, Retry(lease))

        again = pop(namespace)

        assert again.job is not None
        assert again.job.progress == "3"

    def test_without_a_live_lease_nothing_can_be_said(self, namespace: Namespace, check: Check) -> None:
        old = run(namespace)
        settle(namespace, Release(old))
        canceled = pop(namespace)
        namespace.cancel(["a"])

        with unchanged(namespace, check):
            answers = namespace.heartbeat(
                [Beat(lease, progress="9", data="[9]") for lease in (old, canceled, Lease("no", "x"))]
            )

        assert answers == [LeaseLost.about("a"), JobCanceled.about("a"), JobNotFound.about("no")]


class TestDataOfHeartbeats:
    """Data replaced while a job runs."""

    def test_it_takes_the_place_of_the_data_of_the_job(self, namespace: Namespace) -> None:
        lease = run(namespace, data="[1]")

        namespace.heartbeat([Beat(lease, data="[2]")])

        assert get(namespace).data == "[2]"

    def test_the_next_run_begins_with_it(self, namespace: Namespace, clock: ManualClock) -> None:
        lease = run(namespace, data="[1]")
        namespace.heartbeat([Beat(lease, data="[2]")])
        clock.advance(60)

        again = pop(namespace, worker="bob")

        assert again.job is not None
        assert again.job.data == "[2]"

    def test_each_beat_of_a_batch_is_for_its_own_job(self, namespace: Namespace) -> None:
        put(namespace, "a", "b", data="[0]")
        a, b = namespace.pop(["work"], "ann", 2)

        namespace.heartbeat([Beat(b, data="[2]"), Beat(a, progress="1")])

        assert (get(namespace, "a").data, get(namespace, "a").progress) == ("[0]", "1")
        assert (get(namespace, "b").data, get(namespace, "b").progress) == ("[2]", None)


class TestResults:
    """What a job was completed with."""

    def test_a_result_is_kept_with_the_job(self, namespace: Namespace) -> None:
        settle(namespace, Complete(run(namespace), result='{"pages": 3}'))

        assert get(namespace).result == '{"pages": 3}'

    def test_a_job_completed_without_one_has_none(self, namespace: Namespace) -> None:
        settle(namespace, Complete(run(namespace)))

        assert get(namespace).result is None

    def test_null_is_a_result(self, namespace: Namespace) -> None:
        settle(namespace, Complete(run(namespace), result="null"))

        assert get(namespace).result == "null"

    @pieces
    def test_it_comes_out_as_it_went_in(self, namespace: Namespace, data: str) -> None:
        settle(namespace, Complete(run(namespace), result=data))

        assert get(namespace).result == data

    def test_lists_and_leases_are_without_it(self, namespace: Namespace) -> None:
        settle(namespace, Complete(run(namespace), next="next", result="1"))

        assert shown(namespace, queue="next").result is None
        lease = pop(namespace, "next")
        assert lease.job is not None
        assert (lease.job.result, get(namespace).result) == (None, "1")

    def test_a_stage_may_have_one_which_stays_until_there_is_another(self, namespace: Namespace) -> None:
        settle(namespace, Complete(run(namespace, pipeline=("second", "third")), result="1"))
        settle(namespace, Complete(pop(namespace, "second")))
        assert get(namespace).result == "1"

        settle(namespace, Complete(pop(namespace, "third"), result="3"))

        assert get(namespace).result == "3"

    @pytest.mark.parametrize("way", ["move", "replace"])
    def test_what_begins_anew_has_none(self, namespace: Namespace, way: str) -> None:
        settle(namespace, Complete(run(namespace), result="1"))

        if way == "move":
            namespace.move(["a"], "work")
        else:
            put(namespace, "a", if_exists="replace")

        assert get(namespace).result is None

    def test_a_job_finished_by_hand_may_be_given_one(self, namespace: Namespace) -> None:
        put(namespace, "a")

        namespace.finish(["a"], Finish("complete", result="[7]"))

        assert get(namespace).result == "[7]"

    def test_it_goes_with_the_job(self, namespace: Namespace, clock: ManualClock, check: Check) -> None:
        lease = run(namespace)
        namespace.heartbeat([Beat(lease, progress="1")])
        settle(namespace, Complete(lease, result="1"))
        clock.advance(7 * 86_400)

        namespace.prune()

        assert check().strays == ()
        put(namespace, "a")
        assert (get(namespace).result, get(namespace).progress) == (None, None)

    def test_the_same_completion_again_leaves_it(self, namespace: Namespace) -> None:
        lease = run(namespace)
        settle(namespace, Complete(lease, result="1"))

        settle(namespace, Complete(lease, result="2"))

        assert get(namespace).result == "1"

    def test_asking_without_waiting_answers_at_once_whatever_the_state(self, namespace: Namespace) -> None:
        put(namespace, "a")
        end_by_hand(namespace, "b", "complete")

        found = [job and job.state for job in namespace.get(["a", "b", "no"])]

        assert found == ["waiting", "complete", None]
