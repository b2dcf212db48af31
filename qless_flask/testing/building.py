"""Jobs and events as a store would answer them, for tests that need no store."""

from __future__ import annotations

from typing import Any

from qless_flask.models import Event, Failure, Job, new_jid
from qless_flask.testing.clock import START_SECONDS


def build_job(klass: str = "Crawl", data: str = "{}", **fields: Any) -> Job:
    """Build a job as a pop answers it: running, for the first time; `fields` says what is otherwise."""
    state = fields.get("state", "running")
    popped = state == "running"
    built: dict[str, Any] = {
        "jid": new_jid(),
        "queue": "fetch",
        "state": state,
        "priority": 0,
        "tags": (),
        "retries": None,
        "remaining": 5,
        "losses": 0,
        "pipeline": (),
        "worker": "ann" if popped else None,
        "failure": build_failure(group="broken") if state == "failed" else None,
        "created_at": START_SECONDS,
        "available_at": START_SECONDS,
        "started_at": START_SECONDS if popped else None,
        "ended_at": START_SECONDS if state in ("complete", "failed", "canceled") else None,
    }
    return Job(klass=klass, data=data, **built | fields)


def build_failure(message: str = "it broke", **fields: Any) -> Failure:
    """Build the failure of a job's first run, as a retry strategy is given it; `fields` says what is otherwise."""
    built: dict[str, Any] = {"group": "retries", "at": START_SECONDS, "worker": "ann", "run": 1}
    return Failure(message=message, **built | fields)


def build_event(event: str = "completed", **fields: Any) -> Event:
    """Build an entry of a namespace's log, of a job; `fields` says what is otherwise."""
    built: dict[str, Any] = {
        "cursor": "1-0",
        "at": START_SECONDS,
        "jid": new_jid(),
        "queue": "fetch",
        "state": _STATES_AFTER.get(event),
        "klass": "Crawl",
    }
    return Event(event=event, **built | fields)


_STATES_AFTER = {
    "put": "waiting",
    "popped": "running",
    "completed": "complete",
    "advanced": "waiting",
    "retried": "waiting",
    "failed": "failed",
    "released": "waiting",
    "lost": "waiting",
    "canceled": "canceled",
    "moved": "waiting",
    "promoted": "waiting",
    "unblocked": "waiting",
    "expired": "failed",
}
