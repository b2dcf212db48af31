"""The bench that says what `Hooked` adds where no plugin has anything to say."""

from __future__ import annotations

from pathlib import Path

import pytest

from qless_flask.bench.hooked import print_hooked
from qless_flask.bench.scaling import ProcessMeter


def test_each_operation_is_timed_bare_and_hooked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    print_hooked(ProcessMeter(f"sqlite:///{tmp_path}/jobs.db?synchronous=off"), 100)

    rows = [line.rsplit(maxsplit=3) for line in capsys.readouterr().out.splitlines()[3:]]
    assert [row[0].strip() for row in rows] == [
        "put",
        "pop",
        "complete",
        "exchange",
        "put, 100 at once",
        "pop, 100 at once",
        "complete, 100 at once",
    ]
    assert all(float(bare) > 0 and float(hooked) > 0 and float(ratio) > 0 for _, bare, hooked, ratio in rows)
