"""Several processes on one file: they share it fairly, hear of each other, and may be killed at any point."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path

import pytest

from qless_flask.backends.patience import LOOK_AGAIN_SECONDS
from qless_flask.backends.sqlite import SQLiteBackend
from qless_flask.backends.sqlite.listener import LINGER_SECONDS
from qless_flask.backends.waiting import Waiters
from qless_flask.models import NewJob
from qless_flask.testing import ManualClock

SECONDS = 30.0
SOON = LOOK_AGAIN_SECONDS / 2
"""What comes before that was woken: nobody looks again by himself so soon."""

BEGIN = """
import sys
from qless_flask.backends.sqlite import SQLiteBackend
from qless_flask.models import Complete, NewJob, Pop

namespace = SQLiteBackend(sys.argv[1]).namespace("shop")
"""
PUT_FOR_EVER = """
number = 0
while True:
    namespace.put([NewJob("Crawl", queue="fetch", jid=f"job-{number}")])
    print(f"job-{number}", flush=True)
    number += 1
"""
WORK = """
namespace.queues()
print("ready", flush=True)
sys.stdin.readline()
leases = namespace.pop(["fetch"], sys.argv[2]).leases
while leases:
    print(leases[0].jid, flush=True)
    leases = namespace.exchange([Complete(leases[0])], Pop(("fetch",), sys.argv[2])).popped.leases
"""
PUT_WHEN_TOLD = """
print("ready", flush=True)
for line in sys.stdin:
    namespace.put([NewJob("Crawl", queue="fetch", jid=line.strip())])
"""

PUT_ONE = """
print("ready", flush=True)
sys.stdin.readline()
namespace.put([NewJob("Crawl", queue="fetch")])
"""


@pytest.fixture
def url(tmp_path: Path) -> str:
    """Where the processes meet."""
    return f"sqlite:///{tmp_path}/jobs.db"


@pytest.fixture
def backend(url: str) -> Iterator[SQLiteBackend]:
    """This process on the file."""
    with closing(SQLiteBackend(url)) as backend:
        yield backend


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    """Threads for what waits."""
    with ThreadPoolExecutor(8) as pool:
        yield pool


def test_a_put_that_was_answered_outlives_the_process(url: str) -> None:
    with _process(PUT_FOR_EVER, url) as process:
        assert process.stdout
        answered = [process.stdout.readline().strip() for _ in range(50)]
        process.send_signal(signal.SIGKILL)
        answered += process.stdout.read().split()

    with closing(SQLiteBackend(url)) as backend:
        jobs = [job for start in range(0, len(answered), 1000) for job in _get(backend, answered[start : start + 1000])]
        assert None not in jobs
        [queue] = backend.namespace("shop").queues()
    assert queue.waiting in (len(answered), len(answered) + 1), "the last one may have been answered to nobody"


def test_several_processes_may_make_the_file_at_once(url: str) -> None:
    _work_together(url, ["ann", "bob", "cid", "dan"], PUT_ONE)

    with closing(SQLiteBackend(url)) as backend:
        [queue] = backend.namespace("shop").queues()
    assert queue.waiting == 4


def test_four_processes_share_the_jobs_and_none_starves(backend: SQLiteBackend, url: str) -> None:
    namespace = backend.namespace("shop")
    jids = [f"job-{number}" for number in range(2_000)]
    for start in (0, 1_000):
        namespace.put([NewJob("Crawl", queue="fetch", jid=jid) for jid in jids[start : start + 1_000]])

    shares = _work_together(url, ["ann", "bob", "cid", "dan"], WORK)

    assert sorted(jid for share in shares for jid in share) == sorted(jids), "each job once"
    assert min(len(share) for share in shares) >= 50, [len(share) for share in shares]
    [queue] = namespace.queues()
    assert (queue.complete, queue.waiting, queue.running) == (2_000, 0, 0)


def test_a_put_in_another_process_wakes_a_waiting_pop(
    backend: SQLiteBackend, url: str, pool: ThreadPoolExecutor
) -> None:
    namespace = backend.namespace("shop")
    with _process(PUT_WHEN_TOLD, url) as process:
        _await_ready(process)
        waiting = pool.submit(namespace.pop, ["fetch"], "ann", wait=SECONDS)
        _await_wait(backend.pops)
        begun = time.monotonic()
        _tell(process, "one")

        [lease] = waiting.result(SECONDS)

    assert lease.jid == "one"
    assert time.monotonic() - begun < SOON


def test_each_put_elsewhere_wakes_one_of_those_that_wait(
    backend: SQLiteBackend, url: str, pool: ThreadPoolExecutor
) -> None:
    namespace = backend.namespace("shop")
    begun = time.monotonic()
    with _process(PUT_WHEN_TOLD, url) as process:
        _await_ready(process)
        waiting = [pool.submit(namespace.pop, ["fetch"], f"worker-{number}", wait=SECONDS) for number in range(4)]
        _await_wait(backend.pops)
        begun = time.monotonic()
        for number in range(4):
            _tell(process, f"job-{number}")

        jids = {future.result(SECONDS)[0].jid for future in waiting}

    assert jids == {f"job-{number}" for number in range(4)}
    assert time.monotonic() - begun < SOON


def test_a_put_in_another_process_wakes_a_reader_of_events(
    backend: SQLiteBackend, url: str, pool: ThreadPoolExecutor
) -> None:
    namespace = backend.namespace("shop")
    with _process(PUT_WHEN_TOLD, url) as process:
        _await_ready(process)
        waiting = pool.submit(namespace.events, wait=SECONDS)
        _await_wait(backend.readers)
        begun = time.monotonic()
        _tell(process, "one")

        page = waiting.result(SECONDS)

    assert [event.jid for event in page.events] == ["one"]
    assert time.monotonic() - begun < SOON


def test_a_job_that_another_process_scheduled_is_popped_when_it_is_due(url: str, pool: ThreadPoolExecutor) -> None:
    clock = ManualClock()
    with closing(SQLiteBackend(url, clock=clock)) as here, closing(SQLiteBackend(url, clock=clock)) as there:
        waiting = pool.submit(here.namespace("shop").pop, ["fetch"], "ann", wait=SECONDS)
        _await_wait(here.pops)
        there.namespace("shop").put([NewJob("Crawl", queue="fetch", jid="one", delay=3600)])
        begun = time.monotonic()
        clock.advance(3600)

        [lease] = waiting.result(SECONDS)

    assert lease.jid == "one"
    assert time.monotonic() - begun < SOON


def test_a_lease_that_another_process_lost_wakes_a_waiting_pop(url: str, pool: ThreadPoolExecutor) -> None:
    clock = ManualClock()
    with closing(SQLiteBackend(url, clock=clock)) as here, closing(SQLiteBackend(url, clock=clock)) as there:
        there.namespace("shop").put([NewJob("Crawl", queue="fetch", jid="one")])
        there.namespace("shop").pop(["fetch"], "bob")
        waiting = pool.submit(here.namespace("shop").pop, ["fetch"], "ann", wait=SECONDS)
        _await_wait(here.pops)
        begun = time.monotonic()
        clock.advance(61)

        [lease] = waiting.result(SECONDS)

    assert lease.job is not None
    assert (lease.jid, lease.job.losses) == ("one", 1)
    assert time.monotonic() - begun < SOON


def test_the_listening_thread_ends_when_nobody_waits(backend: SQLiteBackend, pool: ThreadPoolExecutor) -> None:
    namespace = backend.namespace("shop")
    waiting = pool.submit(namespace.pop, ["fetch"], "ann", wait=SECONDS)
    _await_wait(backend.pops)
    assert _listening()
    namespace.put([NewJob("Crawl", queue="fetch")])
    waiting.result(SECONDS)

    _until(lambda: not _listening(), LINGER_SECONDS + SECONDS)


def test_closing_ends_the_waits_and_the_listening_thread(backend: SQLiteBackend, pool: ThreadPoolExecutor) -> None:
    namespace = backend.namespace("shop")
    pop = pool.submit(namespace.pop, ["fetch"], "ann", wait=SECONDS)
    read = pool.submit(namespace.events, wait=SECONDS)
    _await_wait(backend.pops)
    _await_wait(backend.readers)
    begun = time.monotonic()

    backend.close()

    assert len(pop.result(SECONDS)) == 0
    assert read.result(SECONDS).events == ()
    assert time.monotonic() - begun < SOON
    assert not _listening()


def test_a_fork_opens_the_file_anew_while_threads_write(backend: SQLiteBackend, pool: ThreadPoolExecutor) -> None:
    namespace = backend.namespace("shop")
    stop = threading.Event()

    def write() -> int:
        count = 0
        while not stop.is_set():
            namespace.put([NewJob("Crawl", queue="fetch")])
            namespace.queues()
            count += 1
        return count

    counts: list[Future[int]] = [pool.submit(write) for _ in range(3)]
    children = [_fork(partial(_put_and_leave, backend, f"child-{number}")) for number in range(5)]
    ended = [os.waitpid(child, 0)[1] for child in children]
    stop.set()
    total = sum(future.result(SECONDS) for future in counts)

    assert ended == [0] * 5
    [queue] = namespace.queues()
    assert queue.waiting == total + 5
    assert None not in namespace.get([f"child-{number}" for number in range(5)])


def _put_and_leave(backend: SQLiteBackend, jid: str) -> None:
    backend.namespace("shop").put([NewJob("Crawl", queue="fetch", jid=jid)])
    [queue] = backend.namespace("shop").queues()
    assert queue.waiting


def _fork(run: Callable[[], None]) -> int:
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        run()
        status = 0
    finally:
        os._exit(status)


def _work_together(url: str, workers: list[str], code: str) -> list[list[str]]:
    """Run code in a process for each worker, beginning at once; answer what each said."""
    with ExitStack() as stack:
        processes = [stack.enter_context(_process(code, url, worker)) for worker in workers]
        for process in processes:
            _await_ready(process)
        for process in processes:
            _tell(process, "go")
        with ThreadPoolExecutor(len(processes)) as pool:
            return [out.split() for out in pool.map(_rest, processes)]


def _rest(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.read()


def _get(backend: SQLiteBackend, jids: list[str]) -> list[object]:
    return list(backend.namespace("shop").get(jids))


@contextmanager
def _process(code: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run Python code in a process of its own."""
    process = subprocess.Popen(
        [sys.executable, "-c", BEGIN + code, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def _tell(process: subprocess.Popen[str], line: str) -> None:
    assert process.stdin
    process.stdin.write(line + "\n")
    process.stdin.flush()


def _await_ready(process: subprocess.Popen[str]) -> None:
    assert process.stdout
    assert process.stdout.readline() == "ready\n"


def _await_wait(waiters: Waiters) -> None:
    _until(lambda: bool(waiters.keys()), SECONDS)


def _listening() -> bool:
    return any(thread.name == "qless-sqlite-listener" for thread in threading.enumerate())


def _until(true: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.001)
