"""The suite that every backend must pass: import its classes into a test module, and give the fixtures.

    # conftest.py
    pytest.register_assert_rewrite("qless_flask.testing.conformance")

    # test_my_backend.py
    from qless_flask.testing.conformance import *

The fixtures, all of them as if made anew for each test:

- `clock`: a `qless_flask.testing.ManualClock`.
- `backend`: the Backend under test, going by that clock.
- `namespace`: a Namespace of it that nobody has used, best wrapped in `qless_flask.testing.Checked`, so that the rules
  are checked after every operation.
- `check`: a callable that reads the store of that namespace whole (a StoreView), raises AssertionError where a rule is
  broken (`qless_flask.testing.check`), and answers the view.
- `another`: a callable that opens the same store once more, as another process would; the test may close it.
"""

from qless_flask.testing.conformance.ancestor import (
    TestFiguresThatTheAncestorGotWrong,
    TestHandsThatTheAncestorTied,
    TestLeasesTheAncestorLost,
    TestLooksThatTheAncestorWrote,
    TestRecurrencesThatTheAncestorLost,
    TestWholeOrNotAtAll,
)
from qless_flask.testing.conformance.bad_input import TestBadInput, TestBadModels
from qless_flask.testing.conformance.by_hand import TestCancel, TestMove, TestTimeout, TestUpdate
from qless_flask.testing.conformance.changed_limits import TestChangedLimits, TestLimitsTogether
from qless_flask.testing.conformance.changes import TestChange
from qless_flask.testing.conformance.clocks import TestExpiresIn, TestMaxRun
from qless_flask.testing.conformance.complaints import (
    TestComplaintsOfHands,
    TestComplaintsOfLeases,
    TestComplaintsOfRecurrences,
)
from qless_flask.testing.conformance.dependencies import (
    TestCycles,
    TestDelaysOfDependents,
    TestDependencies,
    TestDependenciesOfStages,
    TestUnknownDependencies,
)
from qless_flask.testing.conformance.depending import TestCancelOfParents, TestDepend, TestMoveOfDependents
from qless_flask.testing.conformance.dumps import TestDumps, TestLifeAfterLoads, TestLoads
from qless_flask.testing.conformance.erasing import TestErase
from qless_flask.testing.conformance.event_times import TestTimesOfEvents
from qless_flask.testing.conformance.events import TestEvents, TestGaps, TestTheEndOfTheLog
from qless_flask.testing.conformance.exchanges import TestExchanges
from qless_flask.testing.conformance.failures import TestFailures
from qless_flask.testing.conformance.fidelity import TestData, TestTexts
from qless_flask.testing.conformance.figures import TestStats, TestThroughput
from qless_flask.testing.conformance.filtered_events import TestFilteredEvents
from qless_flask.testing.conformance.finishing import TestFinish
from qless_flask.testing.conformance.firing import TestFire
from qless_flask.testing.conformance.follow_ups import TestFollowUps
from qless_flask.testing.conformance.freezing import TestFreeze
from qless_flask.testing.conformance.inheritance import TestNamespaceSettings, TestOwnSettings
from qless_flask.testing.conformance.kept_events import TestEventsKeptForReaders
from qless_flask.testing.conformance.keys import TestKeyConcurrency, TestKeyRates, TestKeys, TestSelectByKey
from qless_flask.testing.conformance.leases import TestHeartbeats, TestLostLeases, TestTokens
from qless_flask.testing.conformance.limits import TestMaxConcurrency, TestRates
from qless_flask.testing.conformance.logs import TestLogs
from qless_flask.testing.conformance.lookups import TestGet, TestSelect
from qless_flask.testing.conformance.namesakes import TestNamesakes
from qless_flask.testing.conformance.namespaces import TestNamespaces
from qless_flask.testing.conformance.parents import TestEndsOfParents, TestManyDependents, TestPruneOfParents
from qless_flask.testing.conformance.pipelines import TestPipelines
from qless_flask.testing.conformance.plans import TestBackoffs, TestPlans, TestPlansInDumps
from qless_flask.testing.conformance.pops import TestOrderOfPops, TestPops, TestRequests, TestRetryAt, TestRoundRobin
from qless_flask.testing.conformance.progress import TestDataOfHeartbeats, TestProgress, TestResults
from qless_flask.testing.conformance.puts import TestPuts, TestPutsOfJobsThatExist
from qless_flask.testing.conformance.queues import TestForget, TestPauses, TestQueues, TestSettings
from qless_flask.testing.conformance.records import TestLeaders, TestRecords
from qless_flask.testing.conformance.recurrences import TestPausedRecurrences, TestRecurrences, TestRunsByHand
from qless_flask.testing.conformance.requires import TestRequires, TestRequiresAndLimits, TestSetsOfRequirements
from qless_flask.testing.conformance.retention import TestOrderOfPrune, TestRetention, TestTrimWarnings
from qless_flask.testing.conformance.settling import TestComplete, TestFail, TestRelease, TestRetry, TestSettling
from qless_flask.testing.conformance.sizes import TestMaxSize
from qless_flask.testing.conformance.tags import TestTagFigures
from qless_flask.testing.conformance.times import TestChangeByTime, TestSelectByTime
from qless_flask.testing.conformance.tracking import TestTrackedJobs, TestTrackedTags
from qless_flask.testing.conformance.unique import TestUnique, TestUniqueForATime, TestUniqueWhileAlive
from qless_flask.testing.conformance.upkeep import TestPromote, TestPrune
from qless_flask.testing.conformance.waiting import TestWaitingLookups, TestWaitingPops, TestWaitingReaders
from qless_flask.testing.conformance.waiting_limits import TestWaitingForWhatIsOffered, TestWaitingUnderLimits
from qless_flask.testing.conformance.wishes import TestWishes
from qless_flask.testing.conformance.workers import TestWorkers

__all__ = [
    "TestBackoffs",
    "TestBadInput",
    "TestBadModels",
    "TestCancel",
    "TestCancelOfParents",
    "TestChange",
    "TestChangeByTime",
    "TestChangedLimits",
    "TestComplaintsOfHands",
    "TestComplaintsOfLeases",
    "TestComplaintsOfRecurrences",
    "TestComplete",
    "TestCycles",
    "TestData",
    "TestDataOfHeartbeats",
    "TestDelaysOfDependents",
    "TestDepend",
    "TestDependencies",
    "TestDependenciesOfStages",
    "TestDumps",
    "TestEndsOfParents",
    "TestErase",
    "TestEvents",
    "TestEventsKeptForReaders",
    "TestExchanges",
    "TestExpiresIn",
    "TestFail",
    "TestFailures",
    "TestFiguresThatTheAncestorGotWrong",
    "TestFilteredEvents",
    "TestFinish",
    "TestFire",
    "TestFollowUps",
    "TestForget",
    "TestFreeze",
    "TestGaps",
    "TestGet",
    "TestHandsThatTheAncestorTied",
    "TestHeartbeats",
    "TestKeyConcurrency",
    "TestKeyRates",
    "TestKeys",
    "TestLeaders",
    "TestLeasesTheAncestorLost",
    "TestLifeAfterLoads",
    "TestLimitsTogether",
    "TestLoads",
    "TestLogs",
    "TestLooksThatTheAncestorWrote",
    "TestLostLeases",
    "TestManyDependents",
    "TestMaxConcurrency",
    "TestMaxRun",
    "TestMaxSize",
    "TestMove",
    "TestMoveOfDependents",
    "TestNamesakes",
    "TestNamespaceSettings",
    "TestNamespaces",
    "TestOrderOfPops",
    "TestOrderOfPrune",
    "TestOwnSettings",
    "TestPausedRecurrences",
    "TestPauses",
    "TestPipelines",
    "TestPlans",
    "TestPlansInDumps",
    "TestPops",
    "TestProgress",
    "TestPromote",
    "TestPrune",
    "TestPruneOfParents",
    "TestPuts",
    "TestPutsOfJobsThatExist",
    "TestQueues",
    "TestRates",
    "TestRecords",
    "TestRecurrences",
    "TestRecurrencesThatTheAncestorLost",
    "TestRelease",
    "TestRequests",
    "TestRequires",
    "TestRequiresAndLimits",
    "TestResults",
    "TestRetention",
    "TestRetry",
    "TestRetryAt",
    "TestRoundRobin",
    "TestRunsByHand",
    "TestSelect",
    "TestSelectByKey",
    "TestSelectByTime",
    "TestSetsOfRequirements",
    "TestSettings",
    "TestSettling",
    "TestStats",
    "TestTagFigures",
    "TestTexts",
    "TestTheEndOfTheLog",
    "TestThroughput",
    "TestTimeout",
    "TestTimesOfEvents",
    "TestTokens",
    "TestTrackedJobs",
    "TestTrackedTags",
    "TestTrimWarnings",
    "TestUnique",
    "TestUniqueForATime",
    "TestUniqueWhileAlive",
    "TestUnknownDependencies",
    "TestUpdate",
    "TestWaitingForWhatIsOffered",
    "TestWaitingLookups",
    "TestWaitingPops",
    "TestWaitingReaders",
    "TestWaitingUnderLimits",
    "TestWholeOrNotAtAll",
    "TestWishes",
    "TestWorkers",
]
