"""What backends, plugins and jobs are tested with: a clock to move by hand, a checker, a model, contracts, an app.

Fixtures for pytest stand in `qless_flask.testing.fixtures`, the suite that every store passes in
`qless_flask.testing.conformance`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from qless_flask.testing.building import build_event, build_failure, build_job
from qless_flask.testing.checked import Checked
from qless_flask.testing.clock import ManualClock
from qless_flask.testing.draining import Drained, Ran, drain
from qless_flask.testing.flaky import Flaky, Point, fail_at, kill_at
from qless_flask.testing.invariants import check, problems
from qless_flask.testing.model import ModelBackend

if TYPE_CHECKING:
    from qless_flask.testing.app import create_test_app
    from qless_flask.testing.contracts import (
        BackendContract,
        PolicyContract,
        ProcessContract,
        RetryStrategyContract,
        TagTrackerContract,
    )

__all__ = [
    "BackendContract",
    "Checked",
    "Drained",
    "Flaky",
    "ManualClock",
    "ModelBackend",
    "Point",
    "PolicyContract",
    "ProcessContract",
    "Ran",
    "RetryStrategyContract",
    "TagTrackerContract",
    "build_event",
    "build_failure",
    "build_job",
    "check",
    "create_test_app",
    "drain",
    "fail_at",
    "kill_at",
    "problems",
]

# Who tests a store or a job does without Flask and pytest: these are imported when they are asked for.
_LATER = {
    "BackendContract": "contracts",
    "PolicyContract": "contracts",
    "ProcessContract": "contracts",
    "RetryStrategyContract": "contracts",
    "TagTrackerContract": "contracts",
    "create_test_app": "app",
}


def __getattr__(name: str) -> object:
    if name in _LATER:
        return getattr(import_module(f"qless_flask.testing.{_LATER[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
