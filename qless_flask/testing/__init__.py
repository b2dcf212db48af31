"""What backends and plugins are tested with: a clock to move by hand, a checker, a model and the conformance suite."""

from qless_flask.testing.checked import Checked
from qless_flask.testing.clock import ManualClock
from qless_flask.testing.invariants import check, problems
from qless_flask.testing.model import ModelBackend

__all__ = ["Checked", "ManualClock", "ModelBackend", "check", "problems"]
