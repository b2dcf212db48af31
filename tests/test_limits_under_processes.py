"""Limits under eight processes: each is held to by the times and the order that the log of events recorded."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from qless_flask.backends import open_backend
from qless_flask.backends.base import Namespace
from qless_flask.models import Event, NewJob, Rate

PROCESSES = 8
WORKERS = {f"worker-{number}": ((), ("gpu",), ("eu", "gpu"), ())[number % 4] for number in range(PROCESSES)}
"""What each worker offers."""
SLOTS, FEWER_SLOTS, MORE_SLOTS = 7, 3, 12
RATE = Rate(150, 0.5)
KEYS_AT_ONCE = 2
KEY_RATE = Rate(4, 0.4)
QUEUES = ("slots", "rate", "keys", "key-rate", "able")
MANY = 2_000
"""How many jobs each queue is given: ten thousand together."""

WORK = """
import random, sys
from qless_flask.backends import open_backend
from qless_flask.models import Complete, Pop, Release, Retry

url, name, *offered = sys.argv[1:]
chance = random.Random(name)
with open_backend(url) as backend:
    namespace = backend.namespace("limits")
    pop = Pop(("slots", "rate", "keys", "key-rate", "able"), name, 8, capabilities=tuple(offered), order="round_robin")

    def settlement(lease):
        draw = chance.random()
        if draw < 0.02:
            return Release(lease)
        return Retry(lease, delay=0) if draw < 0.04 else Complete(lease)

    namespace.queues()
    print("ready", flush=True)
    sys.stdin.readline()
    held, popped = (), namespace.pop(pop.queues, name, 8, capabilities=offered, order="round_robin")
    while True:
        # Each job is held while the next ones are popped, so that slots are taken for a while.
        ended, held = held, tuple(popped)
        popped = namespace.exchange([settlement(lease) for lease in ended], pop, wait=0 if held else 1).popped
        if not popped and not held and not any(queue.waiting + queue.running for queue in namespace.queues()):
            break
"""


@dataclass
class Lives:
    """What happened to the jobs of all queues, and what they were put with."""

    jobs: dict[str, NewJob]
    events: list[Event]
    pops: dict[str, list[Event]] = field(default_factory=lambda: defaultdict(list))

    def __post_init__(self) -> None:
        for event in self.events:
            if event.event == "popped":
                self.pops[event.queue or ""].append(event)

    def running(self, queue: str, group: Callable[[str], str | None]) -> Iterator[tuple[int, int, str | None]]:
        """Tell, after each pop of a queue, its cursor's place in the log, and how many of that job's group run."""
        running: dict[str, str | None] = {}
        count: Counter[str | None] = Counter()
        for place, event in enumerate(self.events):
            if event.queue != queue or event.jid is None:
                continue
            if event.event == "popped":
                assert event.jid not in running, f"{event.jid} was popped while it ran"
                running[event.jid] = group(event.jid)
                count[running[event.jid]] += 1
                yield place, count[running[event.jid]], running[event.jid]
            elif event.ran is not None:
                count[running.pop(event.jid)] -= 1
        assert not running


@pytest.fixture(scope="module", params=["valkey", "redis", "sqlite"])
def lives(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Lives:
    """Ten thousand lives in eight processes, over before the first look."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('limits')}/jobs.db?synchronous=off"
    else:
        url = request.getfixturevalue(f"{request.param}_url")
    with open_backend(url) as backend:
        namespace = backend.namespace("limits")
        _configure(namespace)
        jobs = _put(namespace)
        _work_together(url, namespace)
        return Lives(jobs, _read_all(namespace))


def test_each_job_was_completed_once_by_some_worker(lives: Lives) -> None:
    completed = Counter(event.jid for event in lives.events if event.event == "completed")

    assert completed == dict.fromkeys(lives.jobs, 1)
    shares = Counter(event.worker for event in lives.events if event.event == "popped")
    assert set(shares) == set(WORKERS)


def test_no_lease_was_lost(lives: Lives) -> None:
    kinds = {event.event for event in lives.events}

    assert kinds == {"configured", "put", "popped", "completed", "released", "retried"}


def test_no_more_ran_at_once_than_was_allowed_just_then(lives: Lives) -> None:
    changes = [place for place, event in enumerate(lives.events) if _is_change(event)]
    limits = dict(zip(changes, (SLOTS, FEWER_SLOTS, MORE_SLOTS), strict=True))
    most = {SLOTS: 0, FEWER_SLOTS: 0, MORE_SLOTS: 0}

    for place, count, _ in lives.running("slots", lambda jid: None):
        limit = limits[max(change for change in changes if change < place)]
        assert count <= limit
        most[limit] = max(most[limit], count)

    assert most == {limit: limit for limit in most}, "each limit was reached"


def test_no_window_had_more_pops_than_the_rate(lives: Lives) -> None:
    times = _times(lives.pops["rate"])

    assert _shortest(times, RATE.limit) >= RATE.per * 1000
    assert _shortest(times, RATE.limit - 1) < RATE.per * 1000, "the rate was reached"


def test_no_more_of_a_key_ran_at_once_than_was_allowed(lives: Lives) -> None:
    counts = Counter(count for _, count, _ in lives.running("keys", lambda jid: lives.jobs[jid].key))

    assert set(counts) == set(range(1, KEYS_AT_ONCE + 1))


def test_no_window_had_more_pops_of_a_key_than_its_rate(lives: Lives) -> None:
    by_key: dict[str | None, list[Event]] = defaultdict(list)
    for event in lives.pops["key-rate"]:
        by_key[lives.jobs[event.jid or ""].key].append(event)
    shortest = [_shortest(_times(events), KEY_RATE.limit) for events in by_key.values()]

    assert min(shortest) >= KEY_RATE.per * 1000
    reached = [_shortest(_times(events), KEY_RATE.limit - 1) for events in by_key.values()]
    assert min(reached) < KEY_RATE.per * 1000, "the rate was reached"


def test_jobs_went_only_to_workers_that_offer_what_they_require(lives: Lives) -> None:
    for events in lives.pops.values():
        for event in events:
            assert set(lives.jobs[event.jid or ""].requires) <= set(WORKERS[event.worker or ""])


def test_one_of_a_key_ran_at_a_time_whatever_was_required(lives: Lives) -> None:
    assert {count for _, count, _ in lives.running("able", lambda jid: lives.jobs[jid].key)} == {1}


def test_those_of_a_key_that_require_the_same_ran_in_their_order(lives: Lives) -> None:
    # What was given back stands at its old place or behind the others: only first runs are looked at.
    first: dict[tuple[str | None, tuple[str, ...]], list[int]] = defaultdict(list)
    seen = set()
    for event in lives.pops["able"]:
        job = lives.jobs[event.jid or ""]
        if job.jid not in seen:
            seen.add(job.jid)
            first[job.key, job.requires].append(int((job.jid or "").rpartition("-")[2]))

    assert all(numbers == sorted(numbers) for numbers in first.values())
    assert len(first) > 50


def _configure(namespace: Namespace) -> None:
    namespace.configure("slots", {"max_concurrency": SLOTS})
    namespace.configure("rate", {"rate": RATE})
    namespace.configure("keys", {"key_concurrency": KEYS_AT_ONCE})
    namespace.configure("key-rate", {"key_rate": KEY_RATE})
    namespace.configure("able", {"key_concurrency": 1})
    namespace.configure_namespace({"retries": 1000})


def _put(namespace: Namespace) -> dict[str, NewJob]:
    keys = {"keys": 40, "key-rate": 80, "able": 30}
    wanted = ((), ("gpu",), ("eu", "gpu"))
    jobs: dict[str, NewJob] = {}
    for queue in QUEUES:
        for number in range(MANY):
            jid, count = f"{queue}-{number}", keys.get(queue)
            key = f"key {number * 7919 % count}" if count else None
            requires = wanted[number // 30 % 3] if queue == "able" else ()
            jobs[jid] = NewJob("Crawl", queue=queue, jid=jid, key=key, requires=requires)
    batch = list(jobs.values())
    for begin in range(0, len(batch), 1000):
        namespace.put(batch[begin : begin + 1000])
    return jobs


def _work_together(url: str, namespace: Namespace) -> None:
    """Run all workers, beginning at once, and change a limit on the way."""
    with ExitStack() as stack:
        processes = [stack.enter_context(_process(url, worker, *offered)) for worker, offered in WORKERS.items()]
        for process in processes:
            assert process.stdout
            assert process.stdout.readline() == "ready\n"
        for process in processes:
            assert process.stdin
            process.stdin.write("go\n")
            process.stdin.flush()
        for left, limit in ((MANY * 2 // 3, FEWER_SLOTS), (MANY // 3, MORE_SLOTS)):
            while namespace.queues(["slots"])[0].waiting > left:
                namespace.get(["slots-0"], wait=0.05)
            namespace.configure("slots", {"max_concurrency": limit})
        with ThreadPoolExecutor(PROCESSES) as pool:
            outputs = list(pool.map(lambda process: process.communicate(timeout=300), processes))
    assert [process.returncode for process in processes] == [0] * PROCESSES, outputs


def _process(url: str, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WORK, url, *arguments]
    here = Path(__file__).parent
    return subprocess.Popen(command, cwd=here, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def _read_all(namespace: Namespace) -> list[Event]:
    found: list[Event] = []
    page = namespace.events(limit=1000)
    while page.events:
        found += page.events
        page = namespace.events(page.next, limit=1000)
    return found


def _is_change(event: Event) -> bool:
    return event.event == "configured" and event.queue == "slots"


def _times(events: list[Event]) -> list[int]:
    return sorted(round(event.at * 1000) for event in events)


def _shortest(times: list[int], apart: int) -> int:
    """The shortest time, in milliseconds, in which so many more than one were popped."""
    return min(later - earlier for earlier, later in zip(times, times[apart:], strict=False))
