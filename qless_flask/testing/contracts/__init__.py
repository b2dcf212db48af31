"""What anyone's retry strategies, policies, tag trackers and stores must do: test classes to derive from.

from qless_flask.testing.contracts import RetryStrategyContract

class TestRetryAfter(RetryStrategyContract):
    strategy = RetryAfter
    options = [{}, {"most": 600}]
    wrong_options = [{"most": -1}]
"""

from __future__ import annotations

from qless_flask.testing.contracts.backends import BackendContract
from qless_flask.testing.contracts.policies import PolicyContract
from qless_flask.testing.contracts.processes import ProcessContract
from qless_flask.testing.contracts.strategies import RetryStrategyContract
from qless_flask.testing.contracts.trackers import TagTrackerContract

__all__ = ["BackendContract", "PolicyContract", "ProcessContract", "RetryStrategyContract", "TagTrackerContract"]
