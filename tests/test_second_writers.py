"""Operations of several steps, with another process writing between two of them: on the stores that have such steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from qless_flask.backends.folding import day_of
from qless_flask.backends.redis import RedisBackend
from qless_flask.backends.redis import namespace as redis_namespace
from qless_flask.backends.redis.namespace import RedisNamespace
from qless_flask.backends.sqlite import SQLiteBackend
from qless_flask.backends.steps import Steps
from qless_flask.backends.store import StoreNamespace
from qless_flask.models import Cancel, Changed, Complete, Filter, NewJob, Recurrence
from qless_flask.testing import ManualClock

HOUR = 3600.0


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture(params=["valkey", "sqlite"])
def pair(
    request: pytest.FixtureRequest, tmp_path: Path, fresh_name: str, clock: ManualClock
) -> Iterator[tuple[StoreNamespace, StoreNamespace]]:
    """A namespace, as two processes see it."""
    kind = SQLiteBackend if request.param == "sqlite" else RedisBackend
    url = f"sqlite:///{tmp_path}/jobs.db" if request.param == "sqlite" else request.getfixturevalue("valkey_url")
    with closing(kind(url, clock=clock)) as ours, closing(kind(url, clock=clock)) as other:
        yield ours.namespace(fresh_name), other.namespace(fresh_name)


def _after(patch: pytest.MonkeyPatch, holder: object, step: str, then: Callable[[], object]) -> None:
    """Have something else happen once, as soon as a step has been taken for the first time."""
    take: Callable[..., Any] = getattr(holder, step)

    def taken(*arguments: Any) -> Any:
        patch.undo()
        answer = take(*arguments)
        then()
        return answer

    patch.setattr(holder, step, taken)


@pytest.mark.parametrize("store", ["valkey"])
def test_a_change_leaves_alone_what_another_popped_since_it_was_read(
    store: str, valkey_url: str, fresh_name: str, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(RedisBackend(valkey_url, clock=clock)) as backend:
        namespace: RedisNamespace = backend.namespace(fresh_name)
        namespace.put([NewJob("Crawl", queue="fetch", jid=jid) for jid in ("a", "b")])
        _after(monkeypatch, redis_namespace, "walk", lambda: namespace.pop(["fetch"], "ann"))

        changed = namespace.change(Filter(state="waiting", queue="fetch"), Cancel())

        assert changed == Changed(2, 1, None)
        assert [job and job.state for job in namespace.get(["a", "b"])] == ["running", "canceled"]


def test_a_recurrence_that_is_paused_as_it_fires_puts_nothing(
    pair: tuple[StoreNamespace, StoreNamespace], clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, other = pair
    due = ours.recur(Recurrence("Crawl", queue="fetch", id="often", interval=60.0)).next_at
    assert due is not None
    clock.advance(60)
    _after(monkeypatch, ours, "_recurrences", lambda: other.pause_recurrence("often"))

    assert ours.fire("often", due) == []

    [kept] = ours.recurrences(["often"])
    assert (kept.paused, kept.fired, kept.next_at) == (True, 0, due)
    assert ours.queues() == []


def test_a_recurrence_that_is_fired_twice_at_once_fires_once(
    pair: tuple[StoreNamespace, StoreNamespace], clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, other = pair
    due = ours.recur(Recurrence("Crawl", queue="fetch", id="often", interval=60.0)).next_at
    assert due is not None
    clock.advance(60)
    _after(monkeypatch, ours, "_recurrences", lambda: other.fire("often", due))

    assert ours.fire("often", due) == []

    [kept] = ours.recurrences(["often"])
    assert (kept.fired, kept.next_at) == (1, due + 60)
    assert [queue.waiting for queue in ours.queues()] == [1]


def test_a_store_whose_clock_is_behind_does_not_fire(
    pair: tuple[StoreNamespace, StoreNamespace], clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, _ = pair
    due = ours.recur(Recurrence("Crawl", queue="fetch", id="often", interval=60.0)).next_at
    assert due is not None
    clock.advance(60)
    _after(monkeypatch, ours, "_recurrences", lambda: clock.advance(-1))

    assert ours.fire("often", due) == []

    [kept] = ours.recurrences(["often"])
    assert (kept.fired, kept.next_at) == (0, due)


def test_what_two_fold_at_once_counts_once(
    pair: tuple[StoreNamespace, StoreNamespace], clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, other = pair
    _run_one(ours, clock)
    _after(monkeypatch, ours, "_figures", other.promote)

    ours.promote()

    stats = ours.stats()
    assert (stats.run.count, stats.run.mean) == (1, 5.0)
    assert sum(ours.throughput().completed) == 1


def test_events_that_are_not_folded_yet_are_kept(
    pair: tuple[StoreNamespace, StoreNamespace], clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, other = pair
    day = _run_one(ours, clock)
    clock.advance(2 * HOUR)
    monkeypatch.setattr(ours, "_fold_some", lambda: False)

    ours.prune()

    assert [event.event for event in ours.events().events] == ["put", "popped", "completed"]
    other.prune()
    assert other.stats(day).run.count == 1
    assert "completed" not in [event.event for event in other.events().events]


def _run_one(namespace: Steps, clock: ManualClock) -> str:
    """Run a job for five seconds, and answer on which day."""
    namespace.put([NewJob("Crawl", queue="fetch")])
    [lease] = namespace.pop(["fetch"], "ann")
    clock.advance(5)
    namespace.settle([Complete(lease)])
    return day_of(clock())
