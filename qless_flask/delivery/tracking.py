"""What a tracker works with: its namespace, and the queue in which it does what takes long or may fail."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from qless_flask.backends.base import Namespace
from qless_flask.bounds import fitted
from qless_flask.errors import QueueNotFound
from qless_flask.hookspecs import Space
from qless_flask.models import Backoff, Chosen, NewJob, Setting

QUEUE = "qless:trackers"
"""Where the jobs of all trackers of a namespace wait."""
DELAYS = (5.0, 300.0, 1_800.0, 7_200.0, 18_000.0, 36_000.0, 50_400.0, 72_000.0, 86_400.0)
"""How long it takes from one try to the next, as Standard Webhooks advises: the last comes after three days."""
SETTINGS: Mapping[str, Setting] = {
    "retries": len(DELAYS),
    "backoff": Backoff("table", delays=DELAYS),
    # What a namespace says of its jobs is not meant for these: they would be refused, or their runs be cut off.
    "heartbeat": 60.0,
    "max_losses": 3,
    "max_run": None,
    "max_concurrency": None,
    "rate": None,
    "max_size": None,
}
"""What the queue is told at first: for servers that are down for hours, and runs of up to a minute."""


class StoreTracking:
    """A tracker's id, namespace and queue; what it puts is put past all plugins."""

    def __init__(self, namespace: Namespace, chosen: Chosen) -> None:
        self.id = chosen.id
        self.namespace: Space = namespace
        self.kept: str | None = None
        self._namespace = namespace
        self._klass = fitted(f"qless:{chosen.name}")

    def later(self, data: Mapping[str, Any], *, key: str) -> None:
        """Put a job for it, if there is none of that key."""
        self._have_a_queue()
        text = json.dumps({"tracker": self.id, "data": dict(data)}, ensure_ascii=False)
        # Without tags: no tracker is told of it, or it would never end.
        self._namespace.put([NewJob(self._klass, text, queue=QUEUE, jid=_jid(self.id, key), if_exists="keep")])

    def _have_a_queue(self) -> None:
        """Give the queue settings, unless it has some: it is as somebody says."""
        try:
            [queue] = self._namespace.queues([QUEUE])
        except QueueNotFound:
            pass
        else:
            # One without may be there because somebody paused it, or put a job into it.
            if queue.own:
                return
        self._namespace.configure(QUEUE, SETTINGS)


def _jid(id: str, key: str) -> str:
    return f"tracker-{hashlib.sha256(json.dumps([id, key]).encode()).hexdigest()[:32]}"
