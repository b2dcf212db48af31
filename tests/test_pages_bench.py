"""The bench of the pages opens each of them, at a server over a filled store."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from qless_flask.backends import open_backend
from qless_flask.bench.pages import NAMESPACE, fill, print_pages
from qless_flask.models.words import STATES


def test_each_page_is_timed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    print_pages(f"sqlite:///{tmp_path}/jobs.db?synchronous=off", 10_000)

    told = capsys.readouterr().out
    rows = re.findall(r"^  (/\S*) +([\d.]+) +([\d.]+) +([\d.]+)$", told, re.MULTILINE)
    assert len(rows) > 20
    assert all(0 < float(size) < 200 for _, _, _, size in rows)


def test_jobs_of_the_states_that_lists_are_long_of_lie_there(tmp_path: Path) -> None:
    with open_backend(f"sqlite:///{tmp_path}/jobs.db?synchronous=off") as backend:
        namespace = backend.namespace(NAMESPACE)
        fill(namespace, 20_000)

        queues = namespace.queues()

    counts = {state: sum(getattr(queue, state) for queue in queues) for state in STATES}
    assert counts == {
        "scheduled": 4_000,
        "depends": 0,
        "waiting": 8_000,
        "running": 0,
        "complete": 6_000,
        "failed": 2_000,
        "canceled": 0,
    }
