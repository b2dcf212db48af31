"""What every retry strategy must do."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any

import pytest

from qless_flask.bounds import MAX_DELAY_SECONDS
from qless_flask.errors import Invalid
from qless_flask.hookspecs import RetryStrategy
from qless_flask.models import Backoff, Failure, Job, NewJob, Retry
from qless_flask.plugins import Plugins
from qless_flask.testing.building import build_failure, build_job
from qless_flask.testing.contracts.offering import NAME, ODD_DATA, all_at_once, hooked, offered

RUNS = (1, 2, 3, 10, 1_000, 1_000_001)


class RetryStrategyContract:
    """Derive from it and name the strategy, options that it takes and options that it must refuse."""

    strategy: type[RetryStrategy]
    options: Sequence[Mapping[str, Any]] = ({},)
    wrong_options: Sequence[Mapping[str, Any]] = ()
    failures: Sequence[Failure] = ()
    """Failures that matter to it, beside those that any might meet."""

    def test_it_takes_its_options(self) -> None:
        for strategy in self._built():
            assert isinstance(strategy, RetryStrategy)

    def test_options_that_it_cannot_take_are_refused(self) -> None:
        namespace = hooked(self._plugins()).namespace("contract")

        for options in (*self.wrong_options, {**self.options[0], "no_such_option": 1}):
            with pytest.raises(Invalid) as raised:
                namespace.configure_namespace({"backoff": backoff_of(options)})

            assert all(field.startswith("backoff") for field in raised.value.fields)

    def test_each_answer_is_a_delay_or_to_give_up(self) -> None:
        for strategy, job, failure, run in product(self._built(), jobs(), self._failures(), RUNS):
            delay = strategy.next_delay(job, failure, run)

            assert is_delay(delay), f"{delay!r} after {failure} in run {run}"

    def test_it_may_be_asked_by_many_at_once(self) -> None:
        for strategy in self._built():
            all_at_once(lambda strategy=strategy: strategy.next_delay(build_job(), build_failure(), 1))  # type: ignore[misc]

    def test_a_retry_waits_as_it_says(self) -> None:
        plugins, failures = self._plugins(), list(self._failures())
        namespace = hooked(plugins).namespace("contract")
        for options in self.options:
            namespace.put([NewJob("Crawl", queue="fetch", backoff=backoff_of(options)) for _ in failures])
            leases = namespace.pop(["fetch"], "ann", len(failures))

            settled = namespace.settle(
                [
                    Retry(lease, group=failure.group, message=failure.message)
                    for lease, failure in zip(leases, failures, strict=True)
                ]
            )

            assert {getattr(each, "state", each) for each in settled} <= {"scheduled", "waiting", "failed"}
            assert plugins.record("contract").told().errors == 0
            namespace.cancel([each.jid for each in leases])

    def _plugins(self) -> Plugins:
        return offered("retry_strategies", self.strategy)

    def _built(self) -> Iterator[RetryStrategy]:
        for options in self.options:
            # As a store keeps them: through JSON.
            yield self._plugins().strategy(backoff_of(json.loads(json.dumps(options))))

    def _failures(self) -> Iterator[Failure]:
        yield from self.failures
        for message in ("", "it broke", "\n\n", "Retry-After:", "ü" * 10_000, *ODD_DATA):
            yield build_failure(message)
        for group in ("retries", "lost", "timeout", "http-503", "ü"):
            yield build_failure(group=group)


def backoff_of(options: Mapping[str, Any]) -> Backoff:
    """Build the back-off that chooses the strategy under test."""
    return Backoff.of({"strategy": NAME, **options})


def is_delay(delay: object) -> bool:
    """Tell whether a strategy may answer that: seconds, None to give up, or another back-off, which then decides."""
    if delay is None or isinstance(delay, Backoff):
        return True
    return type(delay) in (int, float) and math.isfinite(delay) and 0 <= delay <= MAX_DELAY_SECONDS  # type: ignore[arg-type,operator]


def jobs() -> Iterator[Job]:
    """Build jobs of which a strategy may be asked."""
    yield build_job()
    yield build_job(retries=0, remaining=0)
    yield build_job(tags=("news",), pipeline=("parse", "index"), losses=3, max_run=60.0, key="example.com")
    for data in (None, *ODD_DATA):
        yield build_job(data=data)  # type: ignore[arg-type]
