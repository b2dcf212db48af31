"""What every store must do that several processes of one machine open: share, hear of each other, fork, be killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path
from typing import ClassVar

import pytest

from qless_flask.backends.base import Backend, Clock
from qless_flask.backends.inspection import StoreView
from qless_flask.backends.patience import LOOK_AGAIN_SECONDS
from qless_flask.models import NewJob
from qless_flask.testing.clock import ManualClock
from qless_flask.testing.invariants import check

SECONDS = 30.0
SOON = LOOK_AGAIN_SECONDS / 2
"""What comes before that was woken: nobody looks again by himself so soon."""
NAMESPACE = "shop"
WORKERS = ("ann", "bob", "cid", "dan")

BEGIN = f"""
import sys
from importlib import import_module
from qless_flask.models import Complete, NewJob, Pop

namespace = getattr(import_module(sys.argv[1]), sys.argv[2])(sys.argv[3]).namespace("{NAMESPACE}")
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
namespace.queues()
print("ready", flush=True)
sys.stdin.readline()
leases = namespace.pop(["fetch"], sys.argv[4]).leases
while leases:
    print(leases[0].jid, flush=True)
    leases = namespace.exchange([Complete(leases[0])], Pop(("fetch",), sys.argv[4])).popped.leases
"""
PUT_AND_POP = """
print("ready", flush=True)
sys.stdin.readline()
namespace.put([NewJob("Crawl", queue="fetch")])
namespace.pop(["fetch"], sys.argv[4])
"""
PUT_WHEN_TOLD = """
print("ready", flush=True)
for line in sys.stdin:
    namespace.put([NewJob("Crawl", queue="fetch", jid=line.strip())])
"""


class ProcessContract:
    """Derive from it and name the class of the store, which is called with a URL and perhaps a `clock`.

    It is for stores in which a wait in one process ends by what another does, heard of by a thread that listens.
    """

    store: ClassVar[type[Backend]]
    listener: ClassVar[str]
    """The name of the thread that listens while somebody waits."""
    least_share: ClassVar[int] = 1
    """Of 2,000 jobs that four processes work off, how many each is given at least."""

    @classmethod
    def place(cls, folder: Path) -> str:
        """Tell the URL of a store in an empty folder; what is answered must be kept though the process is killed."""
        raise NotImplementedError

    @classmethod
    def inspect(cls, backend: Backend, namespace: str) -> StoreView:
        """Read a namespace whole, past the contract."""
        raise NotImplementedError

    @classmethod
    def waits(cls, backend: Backend) -> int:
        """Count what calls in this process wait for: a queue, the log of a namespace."""
        raise NotImplementedError

    @pytest.fixture
    def url(self, tmp_path: Path) -> str:
        """Where the processes meet."""
        return self.place(tmp_path)

    @pytest.fixture
    def backend(self, url: str) -> Iterator[Backend]:
        """This process at the store."""
        with self.at_work(url) as backend:
            yield backend

    @pytest.fixture
    def pool(self) -> Iterator[ThreadPoolExecutor]:
        """Threads for what waits."""
        with ThreadPoolExecutor(8) as pool:
            yield pool

    @pytest.mark.parametrize("lives", range(5))
    def test_a_process_that_is_killed_leaves_whole_operations(self, backend: Backend, url: str, lives: int) -> None:
        with self.process(LIVE_FOR_EVER, url) as killed:
            assert killed.stdout
            answered = [killed.stdout.readline().strip() for _ in range(50 + 7 * lives)]
            killed.send_signal(signal.SIGKILL)
            answered += killed.stdout.read().split()

        namespace = backend.namespace(NAMESPACE)
        for start in range(0, len(answered), 1_000):
            assert None not in namespace.get(answered[start : start + 1_000])
        [queue] = namespace.queues()
        count = queue.waiting + queue.running + queue.complete
        assert count in (len(answered), len(answered) + 1), "the last one may have been answered to nobody"
        self.check(backend)
        assert namespace.put([NewJob("Crawl", queue="fetch")])[0].created, "nobody is locked out"

    def test_several_processes_may_make_the_store_at_once(self, url: str) -> None:
        self.work_together(url, PUT_AND_POP)

        with closing(self.opened(url)) as backend:
            namespace = backend.namespace(NAMESPACE)
            assert [worker.name for worker in namespace.workers()] == list(WORKERS)
            [queue] = namespace.queues()
            assert queue.running == len(WORKERS)

    def test_four_processes_share_the_jobs_and_none_starves(self, backend: Backend, url: str) -> None:
        namespace = backend.namespace(NAMESPACE)
        jids = [f"job-{number}" for number in range(2_000)]
        for start in (0, 1_000):
            namespace.put([NewJob("Crawl", queue="fetch", jid=jid) for jid in jids[start : start + 1_000]])

        shares = self.work_together(url, WORK)

        assert sorted(jid for share in shares for jid in share) == sorted(jids), "each job once"
        assert min(map(len, shares)) >= self.least_share, [len(share) for share in shares]
        [queue] = namespace.queues()
        assert (queue.complete, queue.waiting, queue.running) == (2_000, 0, 0)
        self.check(backend)

    def test_a_put_elsewhere_wakes_a_waiting_pop(self, backend: Backend, url: str, pool: ThreadPoolExecutor) -> None:
        with self.process(PUT_WHEN_TOLD, url) as other:
            _await_ready(other)
            waiting = pool.submit(backend.namespace(NAMESPACE).pop, ["fetch"], "ann", wait=SECONDS)
            self.await_waits(backend)
            begun = time.monotonic()
            _tell(other, "one")

            [lease] = waiting.result(SECONDS)

        assert lease.jid == "one"
        assert time.monotonic() - begun < SOON

    def test_each_put_elsewhere_wakes_one_of_those_that_wait(
        self, backend: Backend, url: str, pool: ThreadPoolExecutor
    ) -> None:
        namespace = backend.namespace(NAMESPACE)
        with self.process(PUT_WHEN_TOLD, url) as other:
            _await_ready(other)
            waiting = [pool.submit(namespace.pop, ["fetch"], worker, wait=SECONDS) for worker in WORKERS]
            self.await_waits(backend)
            begun = time.monotonic()
            for number in range(4):
                _tell(other, f"job-{number}")

            jids = {future.result(SECONDS)[0].jid for future in waiting}

        assert jids == {f"job-{number}" for number in range(4)}
        assert time.monotonic() - begun < SOON

    def test_a_put_elsewhere_wakes_a_reader_of_events(
        self, backend: Backend, url: str, pool: ThreadPoolExecutor
    ) -> None:
        with self.process(PUT_WHEN_TOLD, url) as other:
            _await_ready(other)
            waiting = pool.submit(backend.namespace(NAMESPACE).events, wait=SECONDS)
            self.await_waits(backend)
            begun = time.monotonic()
            _tell(other, "one")

            page = waiting.result(SECONDS)

        assert [event.jid for event in page.events] == ["one"]
        assert time.monotonic() - begun < SOON

    def test_a_job_that_another_scheduled_is_popped_when_it_is_due(self, url: str, pool: ThreadPoolExecutor) -> None:
        clock = ManualClock()
        with self.at_work(url, clock) as here, self.at_work(url, clock) as there:
            waiting = pool.submit(here.namespace(NAMESPACE).pop, ["fetch"], "ann", wait=SECONDS)
            self.await_waits(here)
            there.namespace(NAMESPACE).put([NewJob("Crawl", queue="fetch", jid="one", delay=3600)])
            begun = time.monotonic()
            clock.advance(3600)

            [lease] = waiting.result(SECONDS)

        assert lease.jid == "one"
        assert time.monotonic() - begun < SOON

    def test_a_lease_that_another_lost_wakes_a_waiting_pop(self, url: str, pool: ThreadPoolExecutor) -> None:
        clock = ManualClock()
        with self.at_work(url, clock) as here, self.at_work(url, clock) as there:
            there.namespace(NAMESPACE).put([NewJob("Crawl", queue="fetch", jid="one")])
            there.namespace(NAMESPACE).pop(["fetch"], "bob")
            waiting = pool.submit(here.namespace(NAMESPACE).pop, ["fetch"], "ann", wait=SECONDS)
            self.await_waits(here)
            begun = time.monotonic()
            clock.advance(61)

            [lease] = waiting.result(SECONDS)

        assert lease.job is not None
        assert (lease.jid, lease.job.losses) == ("one", 1)
        assert time.monotonic() - begun < SOON

    def test_the_listening_thread_ends_when_nobody_waits(self, backend: Backend, pool: ThreadPoolExecutor) -> None:
        namespace = backend.namespace(NAMESPACE)
        waiting = pool.submit(namespace.pop, ["fetch"], "ann", wait=SECONDS)
        self.await_waits(backend)
        assert self.is_listening()
        namespace.put([NewJob("Crawl", queue="fetch")])
        waiting.result(SECONDS)

        _until(lambda: not self.is_listening())

    def test_closing_ends_the_waits_and_the_listening_thread(self, backend: Backend, pool: ThreadPoolExecutor) -> None:
        namespace = backend.namespace(NAMESPACE)
        pop = pool.submit(namespace.pop, ["fetch"], "ann", wait=SECONDS)
        read = pool.submit(namespace.events, wait=SECONDS)
        self.await_waits(backend, 2)
        begun = time.monotonic()

        backend.close()

        assert (len(pop.result(SECONDS)), read.result(SECONDS).events) == (0, ())
        assert time.monotonic() - begun < SOON
        assert not self.is_listening()

    def test_a_fork_opens_the_store_anew_while_threads_write_and_wait(
        self, backend: Backend, pool: ThreadPoolExecutor
    ) -> None:
        namespace = backend.namespace(NAMESPACE)
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
        self.await_waits(backend)
        children = [_fork(partial(_put_and_pop, backend, f"child-{number}")) for number in range(5)]
        ended = [os.waitpid(child, 0)[1] for child in children]
        stop.set()
        total = sum(future.result(SECONDS) for future in counts)
        namespace.put([NewJob("Crawl", queue="elsewhere")])

        assert ended == [0] * 5
        [_, queue, *_] = namespace.queues(["elsewhere", "fetch"])
        assert queue.waiting == total
        assert None not in namespace.get([f"child-{number}" for number in range(5)])
        assert len(waiting.result(SECONDS)) == 1

    # For tests of one's own

    @classmethod
    def opened(cls, url: str, clock: Clock | None = None) -> Backend:
        """Open the store."""
        return cls.store(url, clock=clock)  # type: ignore[call-arg]

    @classmethod
    @contextmanager
    def at_work(cls, url: str, clock: Clock | None = None) -> Iterator[Backend]:
        """Open the store, and use it: the first look of a wait is quick then, and comes before what others put."""
        with closing(cls.opened(url, clock)) as backend:
            backend.namespace(NAMESPACE).pop(["fetch"], "ann")
            yield backend

    @classmethod
    def check(cls, backend: Backend) -> None:
        """Raise AssertionError unless all rules hold."""
        check(cls.inspect(backend, NAMESPACE))

    @classmethod
    def await_waits(cls, backend: Backend, count: int = 1) -> None:
        """Wait until calls in this process wait for so many things."""
        _until(lambda: cls.waits(backend) >= count)

    @classmethod
    def is_listening(cls) -> bool:
        """Tell whether the thread that listens runs."""
        return any(thread.name == cls.listener for thread in threading.enumerate())

    @classmethod
    def work_together(cls, url: str, code: str, workers: Sequence[str] = WORKERS) -> list[list[str]]:
        """Run code in a process for each worker, beginning at once; answer what each said."""
        with ExitStack() as stack:
            processes = [stack.enter_context(cls.process(code, url, worker)) for worker in workers]
            for each in processes:
                _await_ready(each)
            for each in processes:
                _tell(each, "go")
            with ThreadPoolExecutor(len(processes)) as pool:
                return [out.split() for out in pool.map(_rest, processes)]

    @classmethod
    @contextmanager
    def process(cls, code: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
        """Run Python code in a process of its own, at `namespace` of the store whose URL comes first."""
        words = [sys.executable, "-c", BEGIN + code, cls.store.__module__, cls.store.__name__, *arguments]
        with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            try:
                yield process
            finally:
                process.kill()


def _put_and_pop(backend: Backend, jid: str) -> None:
    namespace = backend.namespace(NAMESPACE)
    namespace.put([NewJob("Crawl", queue=jid, jid=jid)])
    [lease] = namespace.pop([jid], jid, wait=SECONDS)
    assert lease.jid == jid
    assert namespace.pop([jid], jid, wait=0.2).leases == ()


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


def _rest(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.read()


def _tell(process: subprocess.Popen[str], line: str) -> None:
    assert process.stdin
    process.stdin.write(line + "\n")
    process.stdin.flush()


def _await_ready(process: subprocess.Popen[str]) -> None:
    assert process.stdout
    assert process.stdout.readline() == "ready\n"


def _until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not true():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.001)
