"""The waits of the suite, over all of our backends; over HTTP through a real socket."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from servers import WAITING_STANDS, Stand

from qless_flask.backends.base import Backend
from qless_flask.testing.conformance import (
    TestWaitingForWhatIsOffered,
    TestWaitingLookups,
    TestWaitingPops,
    TestWaitingReaders,
    TestWaitingUnderLimits,
)

__all__ = [
    "TestWaitingForWhatIsOffered",
    "TestWaitingLookups",
    "TestWaitingPops",
    "TestWaitingReaders",
    "TestWaitingUnderLimits",
]

pytestmark = pytest.mark.parametrize("stand", WAITING_STANDS, indirect=True, scope="session")


@pytest.fixture
def backend(stand: Stand) -> Iterator[Backend]:
    """A connection of the test's own."""
    with stand.open() as backend:
        yield backend
