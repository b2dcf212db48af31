"""What trackers do later: the jobs of their queue, worked by the process whose scheduler leads."""

from __future__ import annotations

import json
import logging
import os
import socket
import time
import traceback
from collections.abc import Mapping
from typing import Any

from qless_flask.backends.base import Backend, Namespace
from qless_flask.bounds import MAX_MESSAGE_BYTES, fitted
from qless_flask.delivery.tracking import QUEUE, StoreTracking
from qless_flask.errors import QlessError, QueueNotFound
from qless_flask.hookspecs import GiveUp
from qless_flask.models import Chosen, Complete, Fail, Lease, Retry, Settlement
from qless_flask.plugins import Plugins
from qless_flask.plugins.call import BROKEN

GONE = "tracker-gone"
"""The group of jobs whose tracker is no longer there."""

logger = logging.getLogger("qless_flask.delivery")


def jobs_waiting(namespace: Namespace) -> int:
    """Count what trackers have to do now."""
    try:
        [queue] = namespace.queues([QUEUE])
    except QueueNotFound:
        return 0
    return 0 if queue.paused else queue.waiting + queue.stalled


class Performer:
    """Works the jobs of all trackers, one at a time in each thread that asks."""

    def __init__(self, store: Backend, settling: Backend, plugins: Plugins) -> None:
        """Take the bare store to pop from, and the one that gives retries their delay to settle with."""
        self.worker = fitted(f"scheduler:{socket.gethostname()}-{os.getpid()}")
        self._store = store
        self._settling = settling
        self._plugins = plugins

    def perform(self, name: str) -> bool:
        """Do one job of a namespace; tell whether there was one."""
        namespace = self._store.namespace(name)
        popped = namespace.pop([QUEUE], self.worker)
        for lease in popped:
            settlement = self._done(namespace, lease)
            [answer] = self._settling.namespace(name).settle([settlement])
            if isinstance(answer, QlessError):
                logger.warning("job %s of %s in namespace %s: %s", lease.jid, QUEUE, name, answer)
        return bool(popped)

    def _done(self, namespace: Namespace, lease: Lease) -> Settlement:
        """Do what a job says, and answer how it ended."""
        message = _read(lease)
        chosen = next((each for each in namespace.settings().trackers if each.id == message.get("tracker")), None)
        if chosen is None:
            return Fail(lease, group=GONE, message="the namespace has this tracker no longer")
        begun = time.perf_counter()
        try:
            tracker = self._plugins.tracker(chosen)
            tracker.perform(StoreTracking(namespace, chosen), message.get("data") or {})
        except GiveUp as error:
            self._count(chosen, begun)
            return Fail(lease, group=fitted(error.group), message=_cut(error.message))
        except BROKEN as error:
            self._count(chosen, begun, error)
            return Retry(lease, group=fitted(f"tracker:{chosen.id}"), message=_cut(_told(error)))
        self._count(chosen, begun)
        return Complete(lease)

    def _count(self, chosen: Chosen, begun: float, error: BaseException | None = None) -> None:
        if chosen.name not in self._plugins.trackers:
            return
        record, seconds = self._plugins.record_of("trackers", chosen.name), time.perf_counter() - begun
        if error is None:
            record.called(seconds)
        else:
            record.failed(f"tracker {chosen.id}, later", error, seconds)


def _read(lease: Lease) -> Mapping[str, Any]:
    data = json.loads((lease.job.data if lease.job else None) or "{}")
    # Anybody may put jobs into any queue.
    return data if isinstance(data, dict) else {}


def _told(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))


def _cut(message: str) -> str:
    # The end of it says what went wrong.
    return message.encode(errors="replace")[-MAX_MESSAGE_BYTES:].decode(errors="ignore")
