"""What the pages cost where much lies in the store: how soon each answers, and how long it is."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from statistics import median, quantiles

import httpx

from qless_flask.backends import open_backend
from qless_flask.backends.base import Namespace
from qless_flask.hidden import shown_url
from qless_flask.models import Complete, Fail, Filter, Keep, NewJob, Recurrence, Retention, Settlement

GOAL_MS, GOAL_KB = 150, 200
TIMES = 40
NAMESPACE = "pages"
QUEUES, TAGS, GROUPS = 10, 100, 20
_NEVER_PRUNED = Retention(*[Keep(3e9, 1_000_000_000)] * 3)
_BATCH = 1_000
_START_SECONDS = 20.0
_FOLD_SECONDS = 300.0


def print_pages(url: str, jobs: int) -> None:
    """Print how soon each page answers, over HTTP and by a server of its own, with so many jobs in the store."""
    with open_backend(url) as backend:
        namespace = backend.namespace(NAMESPACE)
        fill(namespace, jobs)
        paths = _paths(namespace)
    print(f"\n{shown_url(url)}: pages with {jobs:,} jobs, {TIMES} times each")
    print(f"  (goal: 95% within {GOAL_MS} ms, none over {GOAL_KB} kB)")
    print(f"  {'':44}{'p50 ms':>9}{'p95 ms':>9}{'kB':>8}", flush=True)
    with _serving(url) as address, httpx.Client(base_url=address, headers={"Accept": "text/html"}) as client:
        for path in paths:
            seconds, size = _time(client, path)
            late = quantiles(seconds, n=20)[-1]
            print(f"  {path:44}{1e3 * median(seconds):>9.1f}{1e3 * late:>9.1f}{size / 1e3:>8.1f}", flush=True)


def fill(namespace: Namespace, jobs: int) -> None:
    """Put jobs of every state into several queues: of ten, four wait, two are scheduled, three complete, one failed."""
    namespace.configure_namespace({"retention": _NEVER_PRUNED})
    for first in range(0, jobs, _BATCH):
        queue = f"queue-{first // _BATCH // 10 % QUEUES}"
        count = min(_BATCH, jobs - first)
        part = first // _BATCH % 10
        delay = 86_400.0 * 30 if part in (4, 5) else 0.0
        namespace.put(
            [
                NewJob("Crawl", f'{{"url": "/{n}"}}', queue=queue, delay=delay, tags=(f"tag-{n % TAGS}",))
                for n in range(first, first + count)
            ]
        )
        if part > 5:
            ends: list[Settlement] = [
                Fail(lease, group=f"group-{n % GROUPS}", message="it broke") if part == 9 else Complete(lease)
                for n, lease in enumerate(namespace.pop([queue], f"worker-{part}", count))
            ]
            namespace.settle(ends)
    namespace.recur(Recurrence("Mail", queue="queue-0", id="daily", cron="0 7 * * *"))
    _count_transitions(namespace)


def _count_transitions(namespace: Namespace) -> None:
    """Do what a scheduler does all the time, until the statistics have taken everything in."""
    until = time.monotonic() + _FOLD_SECONDS
    while time.monotonic() < until:
        for _ in range(20):
            namespace.promote()
        begun = time.monotonic()
        namespace.stats()
        if time.monotonic() - begun < 0.02:
            return


def _paths(namespace: Namespace) -> Sequence[str]:
    [failed] = namespace.select(Filter(state="failed"), limit=1).jobs
    here = f"/namespaces/{NAMESPACE}/"
    pages = (
        "",
        "queues",
        "queues/queue-0",
        "jobs",
        "jobs?filter=state:failed",
        "jobs?filter=queue:queue-0+state:complete",
        "jobs?filter=tag:tag-7",
        "jobs?filter=klass:Nothing",
        "jobs?filter=it+broke",
        f"jobs/{failed.jid}",
        "new-job",
        "failures",
        "failures/group-1",
        "workers",
        "workers/worker-6",
        "recurrences",
        "tags",
        "tags/tag-7",
        "tracked",
        "stats",
        "events",
        "settings",
    )
    return ("/", *(here + page for page in pages))


def _time(client: httpx.Client, path: str) -> tuple[list[float], int]:
    seconds, size = [], 0
    for _ in range(TIMES):
        begun = time.perf_counter()
        answer = client.get(path)
        seconds.append(time.perf_counter() - begun)
        answer.raise_for_status()
        size = max(size, len(answer.content))
    return seconds, size


@contextmanager
def _serving(url: str) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "qless_flask", "serve", "--url", url, "--port", str(port), "--log-level", "error"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    try:
        until = time.monotonic() + _START_SECONDS
        while True:
            try:
                httpx.get(f"{address}/healthz")
                break
            except httpx.TransportError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.1)
        yield address
    finally:
        process.terminate()
        process.wait()
