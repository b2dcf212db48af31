"""`make soak ARGS="--minutes 10"`: show that no recurrence fires twice or is missed while schedulers are killed.

Two schedulers and six workers, each a process, share a store in which recurrences are due each second, each two and
each minute. Every few seconds the scheduler that leads is killed with `kill -9`, and another begun. In the end each
time must have its job, each job must have been put once and completed once, and nothing else be there. It is done on
SQLite, then on a Valkey of its own; it prints what it counted, and exits with 1 if that is not what must be.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from qless_flask.backends import open_backend
from qless_flask.backends.base import Backend, Namespace
from qless_flask.backends.scheduling import scheduler_figures
from qless_flask.demo.valkey import Valkey
from qless_flask.errors import QlessError
from qless_flask.models import Recurrence, Recurring, jid_at

STORES = ("sqlite", "valkey")
NAMESPACE = QUEUE = "soak"
EACH_SECOND, EACH_TWO, EACH_MINUTE = 4, 3, 1
"""How many recurrences there are of each kind."""
WORKERS = 6
LIVES = (0.5, 5.0)
"""For how many seconds a scheduler leads until it is killed: at random, between these."""
LOOK_SECONDS = 0.05
LINE_SECONDS = 10.0
BEGIN_SECONDS = 3.0
END_SECONDS = 30.0
"""How long the last leader may take to catch up, and the workers to finish."""


@dataclass(slots=True)
class Soak:
    """One soak, and what is counted of it."""

    url: str
    folder: Path
    killed: int = 0
    waits: list[float] = field(default_factory=list)
    """Seconds from each killing until another led."""
    _schedulers: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    _begun: int = 0

    def run(self, seconds: float) -> list[str]:
        """Soak for so many seconds; answer what is wrong in the end."""
        with ExitStack() as stack:
            stack.callback(self._end)
            backend = stack.enter_context(open_backend(self.url))
            namespace = backend.namespace(NAMESPACE)
            begin = float(int(time.time() + BEGIN_SECONDS))
            for rule in _rules(begin, self.folder / "runs"):
                namespace.recur(rule)
            stack.enter_context(_workers(self.url))
            self._begin_scheduler()
            self._begin_scheduler()
            self._kill_leaders(backend, namespace, time.monotonic() + seconds)
            rules = _let_end(namespace)
            runs = (self.folder / "runs").read_text().split()
            faults = find_faults(namespace, begin, rules, runs, time.time())
            self._print(backend, rules)
            return faults

    def _kill_leaders(self, backend: Backend, namespace: Namespace, until: float) -> None:
        told = time.monotonic()
        while time.monotonic() < until:
            leader = self._await_leader(backend)
            kill_at = min(time.monotonic() + random.uniform(*LIVES), until)
            while time.monotonic() < kill_at:
                time.sleep(LOOK_SECONDS)
                if time.monotonic() - told >= LINE_SECONDS:
                    told = time.monotonic()
                    [queue] = namespace.queues([QUEUE])
                    left = max(0.0, until - told)
                    print(f"  {left:4.0f} s left: {self.killed} killed, {queue.complete:,} jobs complete", flush=True)
            if kill_at < until:
                process = self._schedulers.pop(leader)
                process.kill()
                process.wait()
                self.killed += 1
                self._begin_scheduler()
                begin = time.monotonic()
                self._await_leader(backend)
                self.waits.append(time.monotonic() - begin)

    def _await_leader(self, backend: Backend) -> str:
        """Wait until one of the schedulers that are alive leads; answer its name."""
        deadline = time.monotonic() + END_SECONDS
        while time.monotonic() < deadline:
            figures = scheduler_figures(backend)
            if figures is not None and figures.leader in self._schedulers:
                return figures.leader
            time.sleep(LOOK_SECONDS)
        raise QlessError(f"no scheduler led for {END_SECONDS:g} seconds")

    def _begin_scheduler(self) -> None:
        self._begun += 1
        name = f"scheduler-{self._begun}"
        words = ("scheduler", "--url", self.url, "--name", name, "--log-level", "error")
        self._schedulers[name] = _begin(*words)

    def _end(self) -> None:
        for process in self._schedulers.values():
            process.terminate()
        for process in self._schedulers.values():
            process.wait()

    def _print(self, backend: Backend, rules: list[Recurring]) -> None:
        figures = scheduler_figures(backend)
        slowest, mean = max(self.waits, default=0), sum(self.waits) / max(1, len(self.waits))
        print(
            f"  {self.killed} leaders killed; another led after {mean:.1f} s, at the latest after {slowest:.1f} s\n"
            f"  {sum(each.fired for each in rules):,} jobs fired by {len(rules)} recurrences"
            f" (leaders wrote down {figures.done.fired if figures else 0:,}: what they did just before they were killed"
            " is not there)",
            flush=True,
        )


def main(words: list[str] | None = None) -> int:
    """Soak each store, and answer with the exit code."""
    parser = argparse.ArgumentParser(prog="soak", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=10.0, help="for each store (10)")
    parser.add_argument("--store", choices=STORES, action="append", help="one of them alone")
    given = parser.parse_args(words)
    faults = [fault for store in given.store or STORES for fault in _soak(store, given.minutes)]
    for fault in faults[:20]:
        print(fault)
    print(f"{len(faults):,} differences." if faults else "All is exact.", flush=True)
    return 1 if faults else 0


def find_faults(namespace: Namespace, begin: float, rules: list[Recurring], runs: list[str], now: float) -> list[str]:
    """Hold what is there against what must be, worked out by other means than a scheduler's."""
    faults, must = [], set[str]()
    for each in rules:
        id, next_at = str(each.rule.id), each.next_at or 0.0
        times = _times(each.rule, begin, next_at)
        must |= {jid_at(id, at) for at in times}
        if each.fired != len(times):
            faults.append(f"{id} says it has fired {each.fired} times, and must have {len(times)} times")
        if next_at < now - END_SECONDS - (each.rule.interval or 60):
            faults.append(f"{id} stands still since {next_at}")
    events = _count_events(namespace)
    for event in ("put", "completed"):
        counts = Counter({jid: count for (name, jid), count in events.items() if name == event})
        faults += [f"{jid}: {event} {counts[jid]} times" for jid in sorted(must) if counts[jid] != 1]
        faults += [f"{jid}: {event}, though it was not due" for jid in sorted({str(jid) for jid in counts} - must)]
    faults += [f"{jid}: its line was written {count} times" for jid, count in Counter(runs).items() if count != 1]
    jids = sorted(must)
    for at in range(0, len(jids), 500):
        found = namespace.get(jids[at : at + 500])
        states = zip(jids[at : at + 500], (job and job.state for job in found), strict=True)
        faults += [f"{jid} is {state or 'not there'}" for jid, state in states if state != "complete"]
    print(f"  {len(must):,} jobs were due, {len(set(runs)):,} were run", flush=True)
    return faults


def _soak(store: str, minutes: float) -> list[str]:
    print(f"{store}, {minutes:g} minutes", flush=True)
    with tempfile.TemporaryDirectory(prefix="qless-soak-") as name, ExitStack() as stack:
        is_valkey = store == "valkey"
        url = stack.enter_context(Valkey(Path(name))).url if is_valkey else f"sqlite:///{name}/soak.db"
        return [f"{store}: {fault}" for fault in Soak(url, Path(name)).run(minutes * 60)]


def _rules(begin: float, path: Path) -> Iterator[Recurrence]:
    """The recurrences, all of which make up for what they have missed."""
    common = Recurrence("Note", f'{{"path":"{path}"}}', queue=QUEUE, interval=1, first_at=begin, catchup=100)
    for number in range(EACH_SECOND):
        yield common.changed(id=f"second-{number}")
    for number in range(EACH_TWO):
        yield common.changed(id=f"two-{number}", interval=2)
    for number in range(EACH_MINUTE):
        yield common.changed(id=f"minute-{number}", cron="* * * * *")


def _let_end(namespace: Namespace) -> list[Recurring]:
    """Stop the recurrences once they have caught up, and let the workers end; answer how the recurrences stand."""
    deadline = time.monotonic() + END_SECONDS
    begun = time.time()
    while any(each.next_at is not None and each.next_at <= begun for each in namespace.recurrences()):
        if time.monotonic() > deadline:
            break
        time.sleep(LOOK_SECONDS)
    rules = [namespace.pause_recurrence(str(each.rule.id)) for each in namespace.recurrences()]
    while time.monotonic() < deadline:
        [queue] = namespace.queues([QUEUE])
        if not queue.waiting + queue.scheduled + queue.running:
            break
        time.sleep(LOOK_SECONDS)
    return rules


def _times(rule: Recurrence, begin: float, end: float) -> list[float]:
    """The times from begin on and before the end, in whole seconds."""
    step = int(rule.interval or 60)
    first = int(begin) if rule.interval else -(-int(begin) // 60) * 60
    return [float(at) for at in range(first, round(end), step)]


def _count_events(namespace: Namespace) -> Counter[tuple[str, str | None]]:
    counted: Counter[tuple[str, str | None]] = Counter()
    after: str | None = None
    while (page := namespace.events(after, 1000)).events:
        counted.update((event.event, event.jid) for event in page.events)
        after = page.next
    return counted


@contextmanager
def _workers(url: str) -> Iterator[None]:
    where = ("--url", url, "--namespace", NAMESPACE, "--queue", QUEUE, "--import", "qless_flask.demo.soak_jobs")
    process = _begin("worker", *where, "--processes", str(WORKERS), "--log-level", "error")
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def _begin(*words: str) -> subprocess.Popen[bytes]:
    # In a session of its own: Ctrl-C is for this program, which ends them.
    return subprocess.Popen([sys.executable, "-m", "qless_flask", *words], start_new_session=True)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except QlessError as error:
        sys.exit(f"Error: {error.message}")
