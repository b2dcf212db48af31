"""What the tests of client and worker stand on: stores that go by the real clock, and workers run in a thread."""

from __future__ import annotations

import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

from qless_flask.backends.base import Backend, Namespace
from qless_flask.client import Client
from qless_flask.errors import BackendUnavailable, QlessError
from qless_flask.worker import Worker

PATIENCE_SECONDS = 20.0


def until(holds: Callable[[], object], seconds: float = PATIENCE_SECONDS) -> None:
    """Wait until something holds; fail if it takes too long."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it never came to hold"
        time.sleep(0.003)


@contextmanager
def working(worker: Worker) -> Iterator[threading.Thread]:
    """Run a worker in a thread; stop it at the end, and raise what it raised."""
    raised: list[BaseException] = []

    def run() -> None:
        try:
            worker.run()
        except BaseException as error:  # noqa: BLE001  raised again below
            raised.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield thread
    finally:
        worker.stop()
        thread.join(PATIENCE_SECONDS)
    assert not thread.is_alive()
    if raised:
        raise raised[0]


class WatchedBackend(Backend):
    """Passes everything on to a real backend, counts the calls, and fails when it is told that the line is cut."""

    def __init__(self, inner: Backend) -> None:
        self.inner = inner
        self.calls: Counter[str] = Counter()
        self.cut = False
        self.refusal: QlessError | None = None
        """With what calls are refused."""
        self.refusals = math.inf
        """How many of the next calls are, while there is something to refuse them with."""
        self.seconds = 0.0
        """How long a call takes, as on a long line."""
        self.lose_answers = 0
        """How many of the next exchanges happen without their answer coming back."""

    def namespace(self, name: str) -> Namespace:
        return cast("Namespace", _Watched(self, self.inner.namespace(name)))

    def namespaces(self) -> list[str]:
        return self.inner.namespaces()

    def ping(self) -> list[str]:
        return self.inner.ping()

    def close(self) -> None:
        self.inner.close()


class _Watched:
    def __init__(self, watch: WatchedBackend, inner: Namespace) -> None:
        self._watch = watch
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        operation = getattr(self._inner, name)
        if not callable(operation):
            return operation

        def call(*arguments: Any, **options: Any) -> Any:
            self._watch.calls[name] += 1
            if self._watch.cut:
                raise BackendUnavailable("the line is cut")
            if self._watch.refusal is not None and self._watch.refusals:
                self._watch.refusals -= 1
                raise self._watch.refusal
            time.sleep(self._watch.seconds)
            answer = operation(*arguments, **options)
            if name == "exchange" and self._watch.lose_answers:
                self._watch.lose_answers -= 1
                raise BackendUnavailable("the answer is lost")
            return answer

        return call


def events_of(client: Client, jid: str) -> list[str]:
    """List what happened to a job, by name."""
    return [entry.event for entry in client.jobs[jid].get().history]
