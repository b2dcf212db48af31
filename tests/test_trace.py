"""A recorded life of 50,000 operations is answered alike by every kind of store."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from itertools import islice
from pathlib import Path

import msgspec
import pytest
from servers import open_stand

from qless_flask.models import Changes, Job
from qless_flask.testing import Checked, ManualClock, ModelBackend
from qless_flask.testing.trace import OPERATIONS, Recording, Trace, difference

RECORDING = Path(__file__).parent / "trace" / "recording.json"


@pytest.fixture
def recording() -> Recording:
    """What the model answered when it was recorded."""
    return msgspec.json.decode(RECORDING.read_bytes(), type=Recording)


def server_url(request: pytest.FixtureRequest) -> Callable[[str], str]:
    """Find the servers that the other tests use too."""

    def find(name: str) -> str:
        url: str = request.getfixturevalue(f"{name}_url")
        return url

    return find


# A minute or two of work, on a machine that may have other things to do.
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", ["fakeredis", "valkey", "redis", "sqlite", "http+sqlite"])
def test_fifty_thousand_operations_are_answered_alike(
    request: pytest.FixtureRequest, recording: Recording, tmp_path: Path, name: str
) -> None:
    assert recording.operations == OPERATIONS

    with ExitStack() as stack:
        stand = open_stand(name, stack, server_url(request), tmp_path)
        stand.empty()

        assert difference(recording, stand.backend.namespace("trace"), stand.clock) is None


class Stubborn(Checked):
    """A backend that changes no priority."""

    def update(self, jids: tuple[str, ...], changes: Changes, **options: object) -> list[Job]:  # type: ignore[override]
        return self.inner.update(jids, replace(changes, priority=None), **options)  # type: ignore[arg-type, return-value]


def test_the_first_operation_that_is_answered_otherwise_is_told(recording: Recording) -> None:
    clock = ManualClock()
    namespace = Stubborn(ModelBackend(clock=clock).namespace("trace"), lambda: None)

    told = difference(recording, namespace, clock)

    assert told is not None
    assert "the backend says" in told
    assert "['update', " in told


def test_a_trace_is_the_same_each_time() -> None:
    once, again = (
        list(islice(Trace(ModelBackend(clock=clock).namespace("trace"), clock, 5), 300))
        for clock in (ManualClock(), ManualClock())
    )

    assert once == again
