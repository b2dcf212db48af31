"""Random operations against a store for as long as wanted: `python -m qless_flask.testing.fuzz --url URL`."""

from __future__ import annotations

import itertools
import os
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from tempfile import TemporaryDirectory

import click
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from qless_flask.backends import open_backend
from qless_flask.backends.base import Backend
from qless_flask.backends.hooked import Hooked
from qless_flask.backends.inspection import StoreView
from qless_flask.testing.clock import ManualClock
from qless_flask.testing.invariants import check
from qless_flask.testing.machine import Ground, Machine

ROUND_EXAMPLES = 50
STEPS = 50


class Fuzz:
    """One store, and as many namespaces of it as there are examples."""

    def __init__(self, url: str, *, over_http: bool, stack: ExitStack) -> None:
        self.counts: Counter[str] = Counter()
        self._clock = ManualClock()
        self._store = _bare(stack.enter_context(open_backend(url, clock=self._clock)))
        self._tried = stack.enter_context(_over_http(self._store)) if over_http else self._store
        self._inspect = _inspection(url, self._store)
        self._names = (f"fuzz-{os.getpid()}-{number}" for number in itertools.count())

    def ground(self) -> Ground:
        """Prepare a namespace that nobody has used."""
        name = next(self._names)
        return Ground(self._tried.namespace(name), self._clock, lambda: check(self._inspect(name)), self.counts)

    def play(self) -> None:
        """Play a round of examples, other ones each time."""
        ground = self.ground

        class Round(Machine):
            def ground(self) -> Ground:
                return ground()

        chosen = settings(
            max_examples=ROUND_EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            report_multiple_bugs=False,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        )
        run_state_machine_as_test(Round, settings=chosen)


def _bare(store: Backend) -> Backend:
    # The model puts a retry without a delay back at once, as a store does by itself.
    return store.inner if isinstance(store, Hooked) else store


def _over_http(store: Backend) -> Backend:
    import httpx
    from flask import Flask

    from qless_flask.backends.http import HTTPBackend
    from qless_flask.web import QlessFlask

    app = Flask("fuzz")
    QlessFlask(app, backend=store, url_prefix="")
    return HTTPBackend("http://localhost", transport=httpx.WSGITransport(app))


def _inspection(url: str, store: Backend) -> Callable[[str], StoreView]:
    if url.startswith("sqlite"):
        from qless_flask.backends.sqlite import SQLiteBackend
        from qless_flask.backends.sqlite.inspect import inspect as inspect_sqlite

        assert isinstance(store, SQLiteBackend)
        return lambda name: inspect_sqlite(store.namespace(name))
    from qless_flask.backends.redis import RedisBackend
    from qless_flask.backends.redis.inspect import inspect as inspect_redis

    assert isinstance(store, RedisBackend)
    return lambda name: inspect_redis(store.namespace(name))


@click.command()
@click.option(
    "--url", help="A store of ours to fill with namespaces named fuzz-…; without one, a SQLite file for the while."
)
@click.option("--minutes", type=click.FloatRange(min=0, min_open=True), default=1.0, show_default=True)
@click.option("--over-http", is_flag=True, help="Speak to the store through the HTTP API, in this process.")
def main(url: str | None, minutes: float, over_http: bool) -> None:
    """Do random operations to a store and to a model of it, until an answer differs or the time is over."""
    if url and url.startswith("http"):
        raise click.UsageError("give the URL of the store, and --over-http: its clock must be set by hand")
    deadline = time.monotonic() + 60 * minutes
    with ExitStack() as stack:
        url = url or f"sqlite:///{stack.enter_context(TemporaryDirectory())}/fuzz.db"
        fuzz = Fuzz(url, over_http=over_http, stack=stack)
        failed = False
        while not failed and time.monotonic() < deadline:
            try:
                fuzz.play()
            except Exception:  # noqa: BLE001 - whatever it was, it is what was looked for
                traceback.print_exc()
                failed = True
        told = ", ".join(f"{fuzz.counts[name]:,} {name}" for name in ("examples", "steps", "operations"))
        click.echo(f"{told}: {'a difference, its smallest example above' if failed else 'no difference'}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
