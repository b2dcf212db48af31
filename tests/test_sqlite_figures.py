"""Figures in SQLite: those of a file from before they were kept, and that none is left of what is gone."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from importlib.resources import files
from pathlib import Path

import pytest

from qless_flask.backends.folding import Row
from qless_flask.backends.sqlite import SQLiteBackend
from qless_flask.backends.sqlite.figure_rows import fold, read_rows
from qless_flask.backends.sqlite.inspect import inspect
from qless_flask.models import Changes, Fail, Filter, NewJob
from qless_flask.testing.invariants import check

OLD_JOB = """
INSERT INTO job (id, namespace, jid, queue, state, ord, priority, place, created_at, available_at, started_at, ended_at,
  remaining, losses, runs, failure_group, tags, history)
VALUES (?, 1, ?, 1, ?, ?, 0, ?, 1000, 1000, ?, ?, 5, 0, 1, ?, ?, '1000 qfetch\n')
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the file of a test is."""
    return tmp_path / "jobs.db"


@pytest.fixture
def backend(path: Path) -> Iterator[SQLiteBackend]:
    """A store of the test's own."""
    with closing(SQLiteBackend(f"sqlite:///{path}?synchronous=off")) as backend:
        yield backend


def test_a_file_from_before_there_were_figures_gets_those_of_its_tags(path: Path, backend: SQLiteBackend) -> None:
    _make_old_file(path)

    big, odd = backend.namespace("shop").tags()

    assert (big.name, big.states["waiting"], big.states["failed"], big.tracked) == ("big", 1, 2, False)
    assert (odd.name, odd.states["failed"], sum(odd.states.values())) == ("odd", 1, 1)
    assert (big.wait_mean, big.run_mean) == (None, None)


def test_a_file_from_before_there_were_figures_gets_those_of_its_failures(path: Path, backend: SQLiteBackend) -> None:
    _make_old_file(path)

    [group] = backend.namespace("shop").failures()

    assert (group.group, group.count, group.first_at, group.last_at) == ("broken", 2, 3.0, 7.0)
    assert (group.queues, group.klasses) == (("fetch",), ("Crawl", "Parse"))


def test_a_file_from_before_there_were_figures_is_whole_when_it_was_brought_up_to_date(
    path: Path, backend: SQLiteBackend
) -> None:
    _make_old_file(path)
    namespace = backend.namespace("shop")

    check(inspect(namespace))
    namespace.move(["failed-1", "failed-2"], "fetch")
    namespace.cancel(["waiting-1", "failed-1", "failed-2"])

    check(inspect(namespace))
    assert namespace.failures() == []


def test_events_that_another_has_folded_meanwhile_are_not_folded_again(backend: SQLiteBackend) -> None:
    row = Row("2026-11-24", "", "")
    assert backend.write("shop", lambda step: fold(step, None, "1-0", {row: "first"}))

    folded = backend.write("shop", lambda step: fold(step, None, "1-0", {row: "second"}))

    assert not folded
    assert backend.read("shop", lambda look: read_rows(look, [row])) == ("1-0", ["first"])


def test_nothing_is_left_of_a_tag_that_no_job_has_any_more(path: Path, backend: SQLiteBackend) -> None:
    namespace = backend.namespace("shop")
    namespace.put([NewJob("Crawl", queue="fetch", jid="one", tags=("big",))])
    namespace.pop(["fetch"], "ann")

    namespace.update(["one"], Changes(remove_tags=("big",)))

    assert _rows(path, "figure") == 0


def test_nothing_is_left_of_a_tag_that_was_tracked_for_nothing(path: Path, backend: SQLiteBackend) -> None:
    namespace = backend.namespace("shop")
    namespace.track("big")

    namespace.track("big", on=False)

    assert _rows(path, "figure") == 0


def test_nothing_is_left_of_a_group_whose_jobs_have_all_gone(path: Path, backend: SQLiteBackend) -> None:
    namespace = backend.namespace("shop")
    namespace.put([NewJob("Crawl", queue="fetch") for _ in range(3)])
    namespace.settle([Fail(lease, group="broken") for lease in namespace.pop(["fetch"], "ann", 3)])

    namespace.move([job.jid for job in namespace.select(Filter(group="broken")).jobs], "fetch")

    assert _rows(path, "touched") == 0


def test_a_forgotten_worker_takes_what_it_was_asked_along(tmp_path: Path) -> None:
    now = [1_000_000.0]
    with closing(SQLiteBackend(f"sqlite:///{tmp_path}/jobs.db?synchronous=off", clock=lambda: now[0])) as backend:
        namespace = backend.namespace("shop")
        namespace.pop(["fetch"], "ann")
        namespace.quiet("ann")
        now[0] += 90_000

        namespace.prune()

        check(inspect(namespace))
        assert namespace.workers() == []
        assert not namespace.pop(["fetch"], "ann").quiet


def _make_old_file(path: Path) -> None:
    """Write a file in the first layout, with a waiting job and two that failed."""
    scripts = files("qless_flask.backends.sqlite").joinpath("migrations")
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(scripts.joinpath("0001_first.sql").read_text(encoding="utf-8"))
        connection.executescript(
            """
            INSERT INTO namespace (id, name) VALUES (1, 'shop');
            INSERT INTO queue (id, namespace, name, place, waiting, failed) VALUES (1, 1, 'fetch', 3, 1, 2);
            INSERT INTO body VALUES (1, 'Crawl', '{}'), (2, 'Crawl', '{}'), (3, 'Parse', '{}');
            INSERT INTO failure VALUES (2, '', 3000, 'ann', 1), (3, '', 7000, 'ann', 1);
            INSERT INTO tag VALUES (1, 'big', 1), (1, 'big', 2), (1, 'big', 3), (1, 'odd', 3);
            """
        )
        jobs = [
            (1, "waiting-1", 2, 1, 1, None, None, None, "big"),
            (2, "failed-1", 5, -3000, 2, 2000, 3000, "broken", "big"),
            (3, "failed-2", 5, -7000, 3, 2000, 7000, "broken", "big\todd"),
        ]
        connection.executemany(OLD_JOB, jobs)
        connection.execute("PRAGMA user_version = 1")
        connection.commit()


def _rows(path: Path, table: str) -> int:
    with closing(sqlite3.connect(path)) as connection:
        [count] = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
        return int(count)
