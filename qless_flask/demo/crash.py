"""`python -m qless_flask.demo.crash`: show that a crawl loses no page when a worker and the store are killed in it.

It crawls twice by way of Valkey with `appendfsync always`: undisturbed; then with `kill -9` of a worker process at a
quarter of the pages, and of the server, started again on the same data, at the half. It prints what both found, and
exits with 1 if they differ. Linux only: it finds the worker processes in /proc.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from qless_flask.backends import open_backend
from qless_flask.demo.crawl import Crawl, Progress
from qless_flask.demo.index import Index
from qless_flask.demo.summary import Summary, summarize
from qless_flask.demo.valkey import Valkey
from qless_flask.errors import QlessError

LEAST_PAGES = 200
"""Found before anything is killed, so that it happens in the middle."""
DOWN_SECONDS = 1.0
LINE_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Run:
    """What one crawl came to."""

    summary: Summary
    links: frozenset[str]
    """The pages in its index."""


def main() -> int:
    """Crawl twice, compare, and answer with the exit code."""
    with tempfile.TemporaryDirectory(prefix="qless-crash-") as name, Valkey(Path(name)) as valkey:
        calm = _run(valkey, "undisturbed", Path(name), lambda crawl, progress: None)
        rough = _run(valkey, "disturbed", Path(name), Killer(valkey).look)
    return compare(calm, rough)


class Killer:
    """Kills a worker at a quarter of the pages and the server at the half, and says so."""

    def __init__(self, valkey: Valkey) -> None:
        self._valkey = valkey
        self._left = [(0.25, self._kill_worker), (0.5, self._kill_server)]

    def look(self, crawl: Crawl, progress: Progress) -> None:
        """Kill what is due to be killed."""
        if self._left and progress.found >= LEAST_PAGES and progress.ended >= self._left[0][0] * progress.found:
            self._left.pop(0)[1](crawl)

    def _kill_worker(self, crawl: Crawl) -> None:
        worker = crawl.worker_pids()[0]
        print(f"  kill -9 of worker process {worker}", flush=True)
        os.kill(worker, signal.SIGKILL)

    def _kill_server(self, crawl: Crawl) -> None:
        print(f"  kill -9 of the Valkey server; it is started again in {DOWN_SECONDS:g} s", flush=True)
        self._valkey.kill()
        time.sleep(DOWN_SECONDS)
        self._valkey.start()


def compare(calm: Run, rough: Run) -> int:
    """Print what two crawls found; answer 0 if it is the same, else 1."""
    print(f"\n{'':12} {'indexed':>8} {'failed':>8} {'in index':>9} {'retried':>8} {'lost runs':>10} {'seconds':>8}")
    for name, run in (("undisturbed", calm), ("disturbed", rough)):
        told = run.summary
        print(
            f"{name:12} {told.pages:8} {told.failed:8} {len(run.links):9} {told.retried:8} {told.lost:10}"
            f" {told.seconds:8.1f}"
        )
    faults = _faults(calm, rough)
    for fault in faults:
        print(fault)
    print("A page was lost." if faults else "No page was lost.", flush=True)
    return 1 if faults else 0


def _faults(calm: Run, rough: Run) -> list[str]:
    faults = [f"only undisturbed: {link}" for link in sorted(calm.links - rough.links)]
    faults += [f"only disturbed: {link}" for link in sorted(rough.links - calm.links)]
    for name, run in (("undisturbed", calm), ("disturbed", rough)):
        if run.summary.pages != len(run.links):
            faults.append(f"{name}: {run.summary.pages} jobs are complete, but the index has {len(run.links)} pages")
    if calm.summary.pages != rough.summary.pages:
        faults.append(f"{calm.summary.pages} pages undisturbed, {rough.summary.pages} disturbed")
    return faults


def _run(valkey: Valkey, name: str, folder: Path, look: Callable[[Crawl, Progress], None]) -> Run:
    print(f"{name} crawl", flush=True)
    index = Index(folder / f"{name}.db")
    with open_backend(valkey.url) as backend:
        namespace = backend.namespace(name)
        shown = time.monotonic()
        with Crawl(valkey.url, namespace, index.path) as crawl:
            for progress in crawl.follow():
                look(crawl, progress)
                if time.monotonic() - shown >= LINE_SECONDS or progress.over:
                    shown = time.monotonic()
                    print(f"  {progress.ended} of {progress.found} pages", flush=True)
        return Run(summarize(namespace), frozenset(index.links()))


if __name__ == "__main__":
    try:
        sys.exit(main())
    except QlessError as error:
        sys.exit(f"Error: {error.message}")
