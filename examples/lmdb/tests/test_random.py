"""Random operations, side by side on the model of the contract and on ours."""

from __future__ import annotations

import itertools
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from qless_lmdb import LMDBBackend, inspect

from qless_flask.testing import ManualClock, invariants
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


@pytest.mark.timeout(900)
def test_it_answers_as_the_model_does(path: Path) -> None:
    clock = ManualClock()
    with closing(LMDBBackend(f"lmdb:///{path}?sync=off", clock=clock)) as backend:

        class Trial(Machine):
            def ground(self) -> Ground:
                namespace = backend.namespace(f"machine-{next(NUMBERS)}")
                return Ground(namespace, clock, lambda: invariants.check(inspect(namespace)))

        run_state_machine_as_test(Trial, settings=SETTINGS)
