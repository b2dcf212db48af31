"""Queues and workers: their settings as scripts pack them, and their figures as scripts sum them up."""

from __future__ import annotations

import json
from typing import cast

from qless_flask.backends.redis.scripts import Argument, Reply
from qless_flask.backends.store import to_milliseconds, to_seconds
from qless_flask.models import Backoff, Queue, QueueSettings, Setting, Worker

_DEFAULT_BACKOFF = Backoff()


def write_setting(name: str, value: Setting) -> Argument:
    """Write a setting: times in milliseconds, '' for none and for the back-off that all have."""
    if isinstance(value, Backoff):
        return "" if value == _DEFAULT_BACKOFF else json.dumps(value.as_message())
    if name in ("heartbeat", "max_run"):
        return "" if value is None else to_milliseconds(value)
    return cast(int, value)


def read_queue(reply: Reply) -> Queue:
    """Read a queue as lib/summary sums it up."""
    name, paused, settings, *counts, oldest = cast("list[bytes | int]", reply)
    scheduled, depends, waiting, running, stalled, complete, failed, canceled = cast("list[int]", counts)
    return Queue(
        name=cast(bytes, name).decode(),
        paused=bool(paused),
        scheduled=scheduled,
        depends=depends,
        waiting=waiting,
        running=running,
        stalled=stalled,
        complete=complete,
        failed=failed,
        canceled=canceled,
        oldest_wait=to_seconds(oldest) if isinstance(oldest, int) else None,
        settings=_read_settings(cast(bytes, settings)),
    )


def read_worker(reply: Reply) -> Worker:
    """Read a worker: its name, when it was seen with the letters of what it is asked, how much it runs."""
    name, seen, running = cast("list[bytes]", reply)
    at = seen.rstrip(b"qs")
    wishes = seen[len(at) :]
    return Worker(name.decode(), int(running), to_seconds(int(at)), quiet=b"q" in wishes, stop=b"s" in wishes)


def _read_settings(packed: bytes) -> QueueSettings:
    if not packed:
        return QueueSettings()
    times, _, backoff = packed.decode().partition("\n")
    heartbeat, retries, max_losses, *max_run = times.split(",")
    return QueueSettings(
        to_seconds(int(heartbeat)) if heartbeat else None,
        int(retries),
        int(max_losses),
        to_seconds(int(max_run[0])) if max_run else None,
        Backoff(**json.loads(backoff)) if backoff else _DEFAULT_BACKOFF,
    )
