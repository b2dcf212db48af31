"""Random operations, side by side on the model and on our backends."""

from __future__ import annotations

import itertools
from functools import partial

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from servers import Stand

from qless_flask.backends.inspection import StoreView
from qless_flask.testing import invariants
from qless_flask.testing.machine import Ground, Machine

NUMBERS = itertools.count(1)
SETTINGS = settings(
    max_examples=25,
    stateful_step_count=50,
    deadline=None,
    derandomize=True,
    database=None,
    report_multiple_bugs=False,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)


def ground_of(stand: Stand) -> Ground:
    """Prepare a fresh namespace of a stand."""
    stand.empty()
    name = f"machine-{next(NUMBERS)}"

    def check() -> StoreView:
        view = stand.inspect(name)
        invariants.check(view)
        return view

    return Ground(stand.backend.namespace(name), stand.clock, check)


def try_out(ground: partial[Ground], chosen: settings = SETTINGS) -> None:
    """Run the machine on a ground."""

    class Trial(Machine):
        def ground(self) -> Ground:
            return ground()

    run_state_machine_as_test(Trial, settings=chosen)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("stand", ["fakeredis", "valkey", "redis", "sqlite", "http+sqlite"], indirect=True)
def test_a_backend_answers_as_the_model_does(stand: Stand) -> None:
    try_out(partial(ground_of, stand))
