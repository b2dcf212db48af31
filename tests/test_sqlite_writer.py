"""Threads that write at once share their commits, and nothing else."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from qless_flask.backends.sqlite.connection import Location
from qless_flask.backends.sqlite.writer import Writer
from qless_flask.errors import BackendUnavailable, JobExists

THREADS = 8
SECONDS = 20.0

Work = Callable[[sqlite3.Connection], None]


class Bench:
    """A writer on a file with one table, whose statements are noted."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.statements: list[str] = []
        self.writer = Writer(Location(str(path)), self.connect)
        self.pool = ThreadPoolExecutor(THREADS + 1)
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("CREATE TABLE word (text TEXT)")

    def connect(self) -> sqlite3.Connection:
        connection = Location(str(self.path)).connect()
        connection.set_trace_callback(self.statements.append)
        return connection

    def words(self) -> set[str]:
        with closing(sqlite3.connect(self.path)) as connection:
            return {text for (text,) in connection.execute("SELECT text FROM word")}

    def run_together(self, works: list[Work]) -> list[Future[None]]:
        """Run them while the writer is busy, so that they line up behind it; answer when all are done."""
        begun = threading.Event()

        def hold(_: sqlite3.Connection) -> None:
            begun.set()
            deadline = time.monotonic() + SECONDS
            while len(self.writer._line) < len(works) and time.monotonic() < deadline:
                time.sleep(0.001)

        holding = self.pool.submit(self.writer.run, hold)
        assert begun.wait(SECONDS)
        futures = [self.pool.submit(self.writer.run, work) for work in works]
        holding.result(SECONDS)
        for future in futures:
            future.exception(SECONDS)
        return futures


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """A writer of the test's own."""
    bench = Bench(tmp_path / "words.db")
    yield bench
    bench.writer.close()
    bench.pool.shutdown()


def test_operations_that_wait_share_one_commit(bench: Bench) -> None:
    bench.run_together([_write(f"word {number}") for number in range(THREADS)])

    assert bench.words() == {f"word {number}" for number in range(THREADS)}
    assert bench.statements.count("COMMIT") == 2, "one for the holder, one for all that waited"


def test_an_operation_that_raises_undoes_itself_alone(bench: Bench) -> None:
    def refuse(connection: sqlite3.Connection) -> None:
        _write("refused")(connection)
        raise JobExists.about("refused")

    works = [_write("first"), refuse, _write("last")]
    first, refused, last = bench.run_together(works)

    assert bench.words() == {"first", "last"}
    assert isinstance(refused.exception(), JobExists)
    assert first.exception() is last.exception() is None


def test_an_operation_alone_needs_no_savepoint(bench: Bench) -> None:
    bench.writer.run(_write("alone"))

    assert not any("SAVEPOINT" in statement for statement in bench.statements)


def test_an_operation_alone_that_raises_is_undone(bench: Bench) -> None:
    def refuse(connection: sqlite3.Connection) -> None:
        _write("refused")(connection)
        raise JobExists.about("refused")

    with pytest.raises(JobExists):
        bench.writer.run(refuse)
    bench.writer.run(_write("next"))

    assert bench.words() == {"next"}


def test_nobody_is_answered_when_the_commit_fails(bench: Bench) -> None:
    def give_up(connection: sqlite3.Connection) -> None:
        connection.execute("ROLLBACK")
        raise sqlite3.OperationalError("database or disk is full")

    futures = bench.run_together([_write("first"), give_up, _write("last")])

    assert bench.words() == set()
    for future in futures:
        with pytest.raises(BackendUnavailable, match=r"words\.db: database or disk is full"):
            future.result()


def test_a_full_disk_is_told_and_got_over(bench: Bench) -> None:
    def grow(connection: sqlite3.Connection) -> None:
        connection.execute("PRAGMA max_page_count = 20")
        connection.execute("INSERT INTO word VALUES (zeroblob(1000000))")

    with pytest.raises(BackendUnavailable, match="full"):
        bench.writer.run(grow)
    bench.writer.run(_write("next"))

    assert bench.words() == {"next"}


def test_close_waits_for_what_is_under_way(bench: Bench) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow(connection: sqlite3.Connection) -> None:
        begun.set()
        go_on.wait(SECONDS)
        _write("slow")(connection)

    future = bench.pool.submit(bench.writer.run, slow)
    assert begun.wait(SECONDS)
    bench.writer.close()
    go_on.set()

    future.result(SECONDS)
    assert bench.words() == {"slow"}
    with pytest.raises(BackendUnavailable, match="closed"):
        bench.writer.run(_write("late"))


def _write(word: str) -> Work:
    def work(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO word VALUES (?)", (word,))

    return work
