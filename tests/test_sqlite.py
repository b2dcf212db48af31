"""What is SQLite's own: the file, who may use it, and what it says when it cannot be used."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from qless_flask.backends import open_backend
from qless_flask.backends.base import Backend
from qless_flask.backends.sqlite import SQLiteBackend
from qless_flask.errors import BackendUnavailable, Invalid
from qless_flask.models import Complete, NewJob


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a store will be."""
    return tmp_path / "jobs.db"


@pytest.fixture
def backend(path: Path) -> Iterator[SQLiteBackend]:
    """A store of the test's own."""
    with closing(SQLiteBackend(f"sqlite:///{path}")) as backend:
        yield backend


def test_a_relative_url_names_a_file_in_the_directory_it_was_opened_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with open_backend("sqlite:///with%20space.db") as backend:
        monkeypatch.chdir(os.path.sep)
        backend.namespace("shop").put([NewJob("Crawl", queue="fetch")])

    assert (tmp_path / "with space.db").exists()


@pytest.mark.parametrize(
    "url", ["sqlite://", "sqlite:///", "sqlite:///:memory:", "sqlite://jobs.db", "sqlite:///jobs.db?mode=ro"]
)
def test_a_url_that_names_no_file_is_invalid(url: str) -> None:
    with pytest.raises(Invalid):
        SQLiteBackend(url)


def test_an_unknown_way_to_write_is_invalid(path: Path) -> None:
    with pytest.raises(Invalid, match="full, normal, off"):
        SQLiteBackend(f"sqlite:///{path}?synchronous=extra")


def test_opening_makes_no_file(backend: SQLiteBackend, path: Path) -> None:
    backend.namespace("shop")

    assert not path.exists()


def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    with (
        closing(SQLiteBackend(f"sqlite:///{tmp_path}/nowhere/jobs.db")) as backend,
        pytest.raises(BackendUnavailable, match=r"there is no directory /.*nowhere"),
    ):
        backend.namespace("shop").put([NewJob("Crawl", queue="fetch")])


def test_a_store_whose_directory_comes_later_works_then(tmp_path: Path) -> None:
    with closing(SQLiteBackend(f"sqlite:///{tmp_path}/later/jobs.db")) as backend:
        with pytest.raises(BackendUnavailable):
            backend.ping()
        (tmp_path / "later").mkdir()

        assert backend.ping() == []


def test_a_file_of_a_newer_version_is_refused(backend: SQLiteBackend, path: Path) -> None:
    backend.ping()
    with closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA user_version = 99")

    with (
        closing(SQLiteBackend(f"sqlite:///{path}")) as late,
        pytest.raises(BackendUnavailable, match="newer qless-flask"),
    ):
        late.namespace("shop").put([NewJob("Crawl", queue="fetch")])


def test_the_database_of_another_program_is_left_alone(backend: SQLiteBackend, path: Path) -> None:
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE guests (name TEXT)")

    with pytest.raises(BackendUnavailable, match="another program"):
        backend.namespace("shop").put([NewJob("Crawl", queue="fetch")])

    with closing(sqlite3.connect(path)) as other:
        assert other.execute("SELECT name FROM sqlite_schema").fetchall() == [("guests",)]
        assert other.execute("PRAGMA journal_mode").fetchone() == ("delete",)


def test_a_file_that_is_no_database_is_named(backend: SQLiteBackend, path: Path) -> None:
    path.write_bytes(b"not a database, but long enough to look like one" * 100)

    with pytest.raises(BackendUnavailable, match=rf"{path}: file is not a database"):
        backend.ping()


def test_a_file_that_another_process_keeps_locked_is_unavailable_for_a_while(path: Path) -> None:
    with closing(SQLiteBackend(f"sqlite:///{path}", busy_seconds=0.05)) as backend:
        namespace = backend.namespace("shop")
        namespace.put([NewJob("Crawl", queue="fetch", jid="one")])
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(BackendUnavailable, match="locked by another process"):
                namespace.put([NewJob("Crawl", queue="fetch", jid="two")])
            assert namespace.get(["one", "two"])[1] is None, "reading goes on meanwhile"
            other.execute("ROLLBACK")

        assert namespace.put([NewJob("Crawl", queue="fetch", jid="two")])[0].created


def test_reads_leave_the_file_as_it_is(backend: SQLiteBackend, path: Path) -> None:
    namespace = backend.namespace("shop")
    namespace.put([NewJob("Crawl", queue="fetch", jid="one")])
    before = _changes(path)

    namespace.get(["one"])
    namespace.queues()
    namespace.workers()
    namespace.events()

    assert _changes(path) == before


def test_the_layout_is_made_once(backend: SQLiteBackend, path: Path) -> None:
    from qless_flask.backends.sqlite import layout

    backend.namespace("shop").put([NewJob("Crawl", queue="fetch", jid="one")])

    with closing(SQLiteBackend(f"sqlite:///{path}")) as second:
        [job] = second.namespace("shop").get(["one"])

    assert job is not None
    with closing(sqlite3.connect(path)) as other:
        assert other.execute("PRAGMA user_version").fetchone() == (len(layout._migrations()),)
        assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_migration_that_fails_leaves_nothing_behind(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from qless_flask.backends.sqlite import layout

    whole = layout._migrations()
    monkeypatch.setattr(layout, "_migrations", lambda: [*whole, "CREATE TABLE more (a);\nCREATE TABLE job (b);\n"])
    with closing(SQLiteBackend(f"sqlite:///{path}")) as backend, pytest.raises(BackendUnavailable, match="job already"):
        backend.ping()

    with closing(sqlite3.connect(path)) as other:
        assert other.execute("SELECT name FROM sqlite_schema").fetchall() == []
        assert other.execute("PRAGMA user_version").fetchone() == (0,)


def test_an_older_file_is_brought_up_to_date(
    backend: SQLiteBackend, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from qless_flask.backends.sqlite import layout

    backend.namespace("shop").put([NewJob("Crawl", queue="fetch", jid="one")])
    whole = layout._migrations()
    monkeypatch.setattr(layout, "_migrations", lambda: [*whole, "CREATE TABLE more (a);\n"])

    with closing(SQLiteBackend(f"sqlite:///{path}")) as newer:
        [job] = newer.namespace("shop").get(["one"])

    assert job is not None
    with closing(sqlite3.connect(path)) as other:
        assert other.execute("SELECT count(*) FROM more").fetchone() == (0,)
        assert other.execute("PRAGMA user_version").fetchone() == (len(whole) + 1,)


@pytest.mark.parametrize(("synchronous", "warned"), [("full", False), ("normal", True), ("off", True)])
def test_ping_tells_what_a_power_cut_may_lose(path: Path, synchronous: str, warned: bool) -> None:
    with closing(SQLiteBackend(f"sqlite:///{path}?synchronous={synchronous}")) as backend:
        assert bool(backend.ping()) == warned


def test_a_closed_backend_is_unavailable(backend: SQLiteBackend) -> None:
    namespace = backend.namespace("shop")
    namespace.put([NewJob("Crawl", queue="fetch", jid="one")])
    backend.close()

    with pytest.raises(BackendUnavailable, match="closed"):
        namespace.put([NewJob("Crawl", queue="fetch")])
    with pytest.raises(BackendUnavailable, match="closed"):
        namespace.get(["one"])


def test_namespaces_in_one_file_do_not_see_each_other(backend: Backend) -> None:
    shop, yard = backend.namespace("shop"), backend.namespace("yard")
    shop.put([NewJob("Crawl", queue="fetch", jid="one")])
    yard.put([NewJob("Sweep", queue="fetch", jid="one", tags=("big",))])

    [lease] = yard.pop(["fetch"], "ann", 10)
    yard.settle([Complete(lease)])

    assert lease.job is not None
    assert lease.job.klass == "Sweep"
    [untouched] = shop.get(["one"])
    assert untouched is not None
    assert (untouched.klass, untouched.state) == ("Crawl", "waiting")
    assert [event.event for event in shop.events().events] == ["put"]
    assert shop.workers() == []
    assert backend.namespaces() == ["shop", "yard"]


def _changes(path: Path) -> bytes:
    return path.read_bytes() + path.with_name(path.name + "-wal").read_bytes()
