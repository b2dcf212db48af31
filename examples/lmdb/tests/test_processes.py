"""Several processes on one file: they share it, hear of each other, fork, and may be killed at any point."""

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
from qless_lmdb import LMDBBackend, inspect

from qless_flask.backends.patience import LOOK_AGAIN_SECONDS
from qless_flask.backends.waiting import Waiters
from qless_flask.models import NewJob, Rate
from qless_flask.testing import ManualClock, invariants

SECONDS = 30.0
SOON = LOOK_AGAIN_SECONDS / 2
"""What comes before that was woken: nobody looks again by himself so soon."""

BEGIN = """
import sys
from qless_lmdb import LMDBBackend
from qless_flask.models import Complete, NewJob, Pop

namespace = LMDBBackend(sys.argv[1]).namespace("shop")
"""
LIVE_FOR_EVER = """
number = 0
while True:
    namespace.put([NewJob("Crawl", queue="fetch", jid=f"job-{number}", tags=("red",), key="k")])
    print(f"job-{number}", flush=True)
    [lease] = namespace.pop(["fetch"], "ann")
    if number % 3 == 0:
        namespace.settle([Complete(lease, result="1")])
    number += 1
"""
WORK = """
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


@pytest.fixture
def own_url(path: Path) -> str:
    """Where the processes meet; what is written there is on the disk when it is answered."""
    return f"lmdb:///{path}"


@pytest.fixture
def own(own_url: str) -> Iterator[LMDBBackend]:
    """This process on the file."""
    with closing(LMDBBackend(own_url)) as backend:
        yield backend


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    """Threads for what waits."""
    with ThreadPoolExecutor(8) as pool:
        yield pool


@pytest.mark.parametrize("lives", range(5))
def test_a_process_that_is_killed_leaves_whole_operations(own: LMDBBackend, own_url: str, lives: int) -> None:
    with process(LIVE_FOR_EVER, own_url) as killed:
        assert killed.stdout
        answered = [killed.stdout.readline().strip() for _ in range(50 + 7 * lives)]
        killed.send_signal(signal.SIGKILL)
        answered += killed.stdout.read().split()

    namespace = own.namespace("shop")
    assert None not in namespace.get(answered)
    invariants.check(inspect(namespace))
    assert namespace.put([NewJob("Crawl", queue="fetch")])[0].created, "nobody is locked out"


def test_four_processes_share_the_jobs_and_each_is_given_once(own: LMDBBackend, own_url: str) -> None:
    namespace = own.namespace("shop")
    jids = [f"job-{number}" for number in range(1_000)]
    namespace.put([NewJob("Crawl", queue="fetch", jid=jid) for jid in jids])

    shares = work_together(own_url, ["ann", "bob", "cid", "dan"], WORK)

    assert sorted(jid for share in shares for jid in share) == sorted(jids)
    [queue] = namespace.queues()
    assert (queue.complete, queue.waiting, queue.running) == (1_000, 0, 0)
    invariants.check(inspect(namespace))


def test_limits_hold_over_processes(own: LMDBBackend, own_url: str) -> None:
    namespace = own.namespace("shop")
    namespace.configure("fetch", {"rate": Rate(10, 3600)})
    namespace.put([NewJob("Crawl", queue="fetch") for _ in range(100)])

    shares = work_together(own_url, ["ann", "bob", "cid", "dan"], WORK)

    assert sum(map(len, shares)) == 10


def test_several_processes_may_make_the_file_at_once(own_url: str) -> None:
    work_together(own_url, ["ann", "bob", "cid", "dan"], WORK)

    with closing(LMDBBackend(own_url)) as backend:
        assert [worker.name for worker in backend.namespace("shop").workers()] == ["ann", "bob", "cid", "dan"]


def test_each_put_elsewhere_wakes_one_of_those_that_wait(
    own: LMDBBackend, own_url: str, pool: ThreadPoolExecutor
) -> None:
    namespace = own.namespace("shop")
    with process(PUT_WHEN_TOLD, own_url) as other:
        await_ready(other)
        waiting = [pool.submit(namespace.pop, ["fetch"], f"worker-{number}", wait=SECONDS) for number in range(4)]
        await_wait(own.pops)
        begun = time.monotonic()
        for number in range(4):
            tell(other, f"job-{number}")

        jids = {future.result(SECONDS)[0].jid for future in waiting}

    assert jids == {f"job-{number}" for number in range(4)}
    assert time.monotonic() - begun < SOON


def test_a_put_elsewhere_wakes_a_reader_of_events(own: LMDBBackend, own_url: str, pool: ThreadPoolExecutor) -> None:
    with process(PUT_WHEN_TOLD, own_url) as other:
        await_ready(other)
        waiting = pool.submit(own.namespace("shop").events, wait=SECONDS)
        await_wait(own.readers)
        begun = time.monotonic()
        tell(other, "one")

        assert [event.jid for event in waiting.result(SECONDS).events] == ["one"]

    assert time.monotonic() - begun < SOON


def test_a_job_that_another_scheduled_is_popped_when_it_is_due(own_url: str, pool: ThreadPoolExecutor) -> None:
    clock = ManualClock()
    with closing(LMDBBackend(own_url, clock=clock)) as here, closing(LMDBBackend(own_url, clock=clock)) as there:
        waiting = pool.submit(here.namespace("shop").pop, ["fetch"], "ann", wait=SECONDS)
        await_wait(here.pops)
        there.namespace("shop").put([NewJob("Crawl", queue="fetch", jid="one", delay=3600)])
        begun = time.monotonic()
        clock.advance(3600)

        [lease] = waiting.result(SECONDS)

    assert lease.jid == "one"
    assert time.monotonic() - begun < SOON


def test_a_wait_for_what_nobody_here_may_run_does_not_turn_round_and_round(
    own: LMDBBackend, pool: ThreadPoolExecutor
) -> None:
    namespace = own.namespace("shop")
    namespace.put([NewJob("Crawl", queue="fetch", requires=("gpu",))])
    waiting = pool.submit(namespace.pop, ["fetch"], "ann", wait=1.0)
    await_wait(own.pops)
    time.sleep(0.1)
    before = written(own)

    assert waiting.result(SECONDS).leases == ()

    assert written(own) - before <= 5


def test_closing_ends_the_waits_and_the_listening_thread(own: LMDBBackend, pool: ThreadPoolExecutor) -> None:
    namespace = own.namespace("shop")
    pop, read = pool.submit(namespace.pop, ["fetch"], "ann", wait=SECONDS), pool.submit(namespace.events, wait=SECONDS)
    await_wait(own.pops)
    await_wait(own.readers)

    own.close()

    assert (len(pop.result(SOON)), read.result(SOON).events) == (0, ())
    assert not is_listening()


def test_the_listening_thread_ends_when_nobody_waits(own: LMDBBackend) -> None:
    own.namespace("shop").pop(["fetch"], "ann", wait=0.1)

    until(lambda: not is_listening())


def test_a_fork_opens_the_file_anew_while_threads_write_and_wait(own: LMDBBackend, pool: ThreadPoolExecutor) -> None:
    namespace = own.namespace("shop")
    stop = threading.Event()

    def write() -> int:
        count = 0
        while not stop.is_set():
            namespace.put([NewJob("Crawl", queue="fetch")])
            namespace.queues()
            count += 1
        return count

    counts: list[Future[int]] = [pool.submit(write) for _ in range(3)]
    waiting = pool.submit(namespace.pop, ["elsewhere"], "ann", wait=SECONDS)
    await_wait(own.pops)
    children = [fork(partial(put_and_pop, own, f"child-{number}")) for number in range(5)]
    ended = [os.waitpid(child, 0)[1] for child in children]
    stop.set()
    total = sum(future.result(SECONDS) for future in counts)
    namespace.put([NewJob("Crawl", queue="elsewhere")])

    assert ended == [0] * 5
    [_, queue, *_] = namespace.queues(["elsewhere", "fetch"])
    assert queue.waiting == total
    assert None not in namespace.get([f"child-{number}" for number in range(5)])
    assert len(waiting.result(SECONDS)) == 1


def put_and_pop(backend: LMDBBackend, jid: str) -> None:
    namespace = backend.namespace("shop")
    namespace.put([NewJob("Crawl", queue=jid, jid=jid)])
    [lease] = namespace.pop([jid], jid, wait=SECONDS)
    assert lease.jid == jid
    assert namespace.pop([jid], jid, wait=0.2).leases == ()


def fork(run: Callable[[], None]) -> int:
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        run()
        status = 0
    finally:
        os._exit(status)


def work_together(url: str, workers: list[str], code: str) -> list[list[str]]:
    """Run code in a process for each worker, beginning at once; answer what each said."""
    with ExitStack() as stack:
        processes = [stack.enter_context(process(code, url, worker)) for worker in workers]
        for each in processes:
            await_ready(each)
        for each in processes:
            tell(each, "go")
        with ThreadPoolExecutor(len(processes)) as pool:
            return [out.split() for out in pool.map(rest, processes)]


def rest(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.read()


@contextmanager
def process(code: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run Python code in a process of its own."""
    command = [sys.executable, "-c", BEGIN + code, *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as started:
        try:
            yield started
        finally:
            started.kill()


def tell(process: subprocess.Popen[str], line: str) -> None:
    assert process.stdin
    process.stdin.write(line + "\n")
    process.stdin.flush()


def await_ready(process: subprocess.Popen[str]) -> None:
    assert process.stdout
    assert process.stdout.readline() == "ready\n"


def await_wait(waiters: Waiters) -> None:
    until(lambda: bool(waiters.keys()))


def is_listening() -> bool:
    return any(thread.name == "qless-lmdb-listener" for thread in threading.enumerate())


def written(backend: LMDBBackend) -> int:
    """How many transactions have written to the file."""
    return backend.read("shop", lambda look: int(look.environment.info()["last_txnid"]))


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not true():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.001)
