"""A retry that names no delay is put off by the back-off of its job, else of its queue."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qless_flask.backends import open_backend
from qless_flask.backends.base import Backend, Namespace
from qless_flask.backends.hooked import Hooked, retry_delay
from qless_flask.backends.http import HTTPBackend
from qless_flask.errors import Invalid, JobNotFound, LeaseLost
from qless_flask.models import Backoff, Complete, Job, Lease, NewJob, Pop, Retry, Settled
from qless_flask.testing import ManualClock, ModelBackend

FIXED = Backoff("fixed", 100)
GROWING = Backoff("exponential", 10, factor=3, max=500, jitter="none")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture(params=["model", "sqlite"])
def inner(request: pytest.FixtureRequest, tmp_path: Path, clock: ManualClock) -> Iterator[Backend]:
    """A bare store."""
    if request.param == "model":
        yield ModelBackend(clock=clock)
        return
    with open_backend(f"sqlite:///{tmp_path}/jobs.db?synchronous=off", clock=clock) as backend:
        assert isinstance(backend, Hooked)
        yield backend.inner


@pytest.fixture
def namespace(inner: Backend) -> Namespace:
    return Hooked(inner, draw=lambda: 0.25).namespace("shop")


def put(namespace: Namespace, backoff: Backoff | None = None, *, retries: int | None = None) -> str:
    [put] = namespace.put([NewJob("Crawl", queue="fetch", backoff=backoff, retries=retries)])
    return put.jid


def pop(namespace: Namespace) -> Lease:
    [lease] = namespace.pop(["fetch"], "ann")
    return lease


def get(namespace: Namespace, jid: str) -> Job:
    [job] = namespace.get([jid])
    assert job is not None
    return job


def delay_of(namespace: Namespace, jid: str, clock: ManualClock) -> float:
    job = get(namespace, jid)
    return 0.0 if job.state == "waiting" else round(job.available_at - clock(), 3)


def test_a_retry_waits_as_its_job_says(namespace: Namespace, clock: ManualClock) -> None:
    jid = put(namespace, FIXED)

    assert namespace.settle([Retry(pop(namespace))]) == [Settled(jid, "scheduled")]

    assert delay_of(namespace, jid, clock) == 100


def test_a_job_that_does_not_say_waits_as_its_queue_says(namespace: Namespace, clock: ManualClock) -> None:
    namespace.configure("fetch", {"backoff": Backoff("fixed", 7)})
    jid = put(namespace)

    namespace.settle([Retry(pop(namespace))])

    assert delay_of(namespace, jid, clock) == 7


def test_a_queue_that_does_not_say_waits_as_its_namespace_says(namespace: Namespace, clock: ManualClock) -> None:
    namespace.configure_namespace({"backoff": Backoff("fixed", 9)})
    jid = put(namespace)

    namespace.settle([Retry(pop(namespace))])

    assert delay_of(namespace, jid, clock) == 9


def test_a_queue_that_was_told_nothing_draws_from_an_exponential(namespace: Namespace, clock: ManualClock) -> None:
    jid = put(namespace)
    delays = []
    for _ in range(3):
        namespace.settle([Retry(pop(namespace))])
        delays.append(delay_of(namespace, jid, clock))
        clock.advance(delays[-1])

    assert delays == [15 * 0.25, 30 * 0.25, 60 * 0.25]


@pytest.mark.parametrize("retries", [None, 5, 12])
def test_each_retry_of_a_stage_waits_longer_up_to_the_most(
    namespace: Namespace, clock: ManualClock, retries: int | None
) -> None:
    jid = put(namespace, GROWING, retries=retries)
    delays = []
    for _ in range(5):
        namespace.settle([Retry(pop(namespace))])
        delays.append(delay_of(namespace, jid, clock))
        clock.advance(delays[-1])

    assert delays == [10, 30, 90, 270, 500]


def test_the_next_stage_begins_anew(namespace: Namespace, clock: ManualClock) -> None:
    jid = put(namespace, GROWING)
    namespace.settle([Retry(pop(namespace))])
    clock.advance(10)
    namespace.settle([Complete(pop(namespace), next="fetch")])

    namespace.settle([Retry(pop(namespace))])

    assert delay_of(namespace, jid, clock) == 10


def test_a_release_and_a_lost_lease_make_no_retry_later(namespace: Namespace, clock: ManualClock) -> None:
    jid = put(namespace, GROWING)
    pop(namespace)
    clock.advance(61)

    namespace.settle([Retry(pop(namespace))])

    assert delay_of(namespace, jid, clock) == 10


def test_a_delay_that_is_named_stands(namespace: Namespace, clock: ManualClock) -> None:
    jid = put(namespace, FIXED)
    namespace.settle([Retry(pop(namespace), delay=0.0)])
    assert get(namespace, jid).state == "waiting"

    namespace.settle([Retry(pop(namespace), delay=3)])

    assert delay_of(namespace, jid, clock) == 3


def test_no_delay_at_all_may_be_the_back_off(namespace: Namespace) -> None:
    jid = put(namespace, Backoff("fixed", 0))

    namespace.settle([Retry(pop(namespace))])

    assert get(namespace, jid).state == "waiting"


def test_the_last_retry_fails_as_ever(namespace: Namespace) -> None:
    jid = put(namespace, FIXED, retries=0)

    assert namespace.settle([Retry(pop(namespace), group="gone")]) == [Settled(jid, "failed")]


def test_a_lease_of_jid_and_token_will_do(namespace: Namespace, clock: ManualClock) -> None:
    jid = put(namespace, FIXED)
    lease = pop(namespace)

    namespace.settle([Retry(Lease(lease.jid, lease.token))])

    assert delay_of(namespace, jid, clock) == 100


def test_an_exchange_puts_off_too(namespace: Namespace, clock: ManualClock) -> None:
    jid = put(namespace, FIXED)

    exchanged = namespace.exchange([Retry(pop(namespace))], Pop(("fetch",), "ann"))

    assert exchanged.results == (Settled(jid, "scheduled"),)
    assert (len(exchanged.popped), exchanged.popped.retry_at) == (0, clock() + 100)


def test_what_stands_beside_retries_is_left_as_it_is(namespace: Namespace) -> None:
    jids = [put(namespace, FIXED) for _ in range(3)]
    first, second, third = namespace.pop(["fetch"], "ann", 3)

    results = namespace.settle([Complete(first), Retry(second), Retry(third, delay=0.0)])

    assert results == [Settled(jids[0], "complete"), Settled(jids[1], "scheduled"), Settled(jids[2], "waiting")]


def test_the_same_retry_again_is_answered_as_the_first_time(namespace: Namespace, inner: Backend) -> None:
    put(namespace)
    lease = pop(namespace)
    drawn = iter([0.1, 0.9])
    space = Hooked(inner, draw=lambda: next(drawn)).namespace("shop")

    first = space.settle([Retry(lease)])
    due = get(space, lease.jid).available_at

    assert space.settle([Retry(lease)]) == first
    assert get(space, lease.jid).available_at == due


def test_retries_of_what_is_not_there_are_for_the_store_to_answer(namespace: Namespace) -> None:
    jid = put(namespace)
    lease = pop(namespace)

    [unknown, strange] = namespace.settle([Retry(Lease("nobody", "a:b")), Retry(Lease(jid, "another"))])

    assert isinstance(unknown, JobNotFound)
    assert isinstance(strange, LeaseLost)
    assert get(namespace, lease.jid).state == "running"


def test_a_retry_that_comes_when_its_queue_is_gone_is_answered(namespace: Namespace) -> None:
    jid = put(namespace)
    lease = pop(namespace)
    namespace.move([jid], "elsewhere")
    namespace.forget("fetch")

    [answer] = namespace.settle([Retry(lease)])

    assert isinstance(answer, LeaseLost)


def test_a_batch_that_is_too_long_is_refused_as_ever(namespace: Namespace) -> None:
    with pytest.raises(Invalid):
        namespace.settle([Retry(Lease(str(number), "a")) for number in range(1001)])


@given(
    st.builds(
        Backoff,
        delay=st.floats(0, 1e6),
        factor=st.floats(1, 1000),
        max=st.floats(0, 1e6),
        jitter=st.sampled_from(["full", "none"]),
    ),
    st.integers(-5, 10**6),
    st.floats(0, 1),
)
def test_no_delay_is_beyond_the_most(backoff: Backoff, number: int, drawn: float) -> None:
    assert 0 <= retry_delay(backoff, number, lambda: drawn) <= backoff.max


def test_our_stores_are_wrapped_and_a_server_does_so_itself(tmp_path: Path) -> None:
    with (
        open_backend(f"sqlite:///{tmp_path}/jobs.db") as sqlite,
        open_backend("redis://localhost:1/0") as redis,
        open_backend("http://localhost:1") as server,
    ):
        assert isinstance(sqlite, Hooked)
        assert isinstance(redis, Hooked)
        assert isinstance(server, HTTPBackend)
