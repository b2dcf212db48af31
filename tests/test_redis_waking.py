"""Wakes between processes: each job that comes ends one wait somewhere, whoever is told first."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing

import pytest

from qless_flask.backends.redis import RedisBackend
from qless_flask.backends.redis.namespace import RedisNamespace
from qless_flask.models import NewJob, Pop, Popped
from qless_flask.testing.conformance.waiting import LONG, SOON


@pytest.fixture
def processes(valkey_url: str, fresh_name: str) -> Iterator[list[RedisNamespace]]:
    """One namespace, as three processes open it."""
    with ExitStack() as stack:
        backends = [stack.enter_context(closing(RedisBackend(valkey_url))) for _ in range(3)]
        yield [backend.namespace(fresh_name) for backend in backends]


def test_a_wake_for_a_pop_that_has_a_job_already_goes_to_another_process(
    processes: list[RedisNamespace], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, putting = processes
    pop_once = first._pop

    def pop_elsewhere_while_a_job_comes(pop: Pop, wait_left: float) -> Popped:
        popped = pop_once(Pop(("parse",), pop.worker), wait_left)
        putting.put([NewJob("Crawl", queue="fetch", jid="late")])
        while first.client.llen(f"{first.prefix}:wake:fetch"):  # until somebody has taken the wake
            time.sleep(0.01)
        return popped

    monkeypatch.setattr(first, "_pop", pop_elsewhere_while_a_job_comes)
    putting.put([NewJob("Crawl", queue="parse", jid="early")])
    with ThreadPoolExecutor(1) as threads:
        # The listener of the first process goes on for a while, and so is told before that of the second.
        with first._waiters.join(first.name, ["fetch"]):
            time.sleep(0.1)
        waiting = threads.submit(second.pop, ["fetch"], "bob", wait=LONG)
        time.sleep(0.2)

        assert [lease.jid for lease in first.pop(["fetch"], "ann", wait=LONG)] == ["early"]
        assert [lease.jid for lease in waiting.result(SOON)] == ["late"]
