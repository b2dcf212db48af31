"""The suite that every backend passes, over all of ours, but for the waits."""

from __future__ import annotations

from qless_flask.testing.conformance import *  # noqa: F403
from qless_flask.testing.conformance import (
    TestWaitingForWhatIsOffered,
    TestWaitingLookups,
    TestWaitingPops,
    TestWaitingReaders,
    TestWaitingUnderLimits,
)

# Over HTTP the waits need a real socket: see test_conformance_waiting.
del TestWaitingForWhatIsOffered, TestWaitingLookups, TestWaitingPops, TestWaitingReaders, TestWaitingUnderLimits
