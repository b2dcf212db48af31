"""Under which keys a job stands, and where it is counted: worked out from its record alone.

Whoever writes a record takes it from the keys that are its no longer, and sets those that have become its: so no index
can be forgotten anywhere else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from qless_flask.models import ENDED, STATES, State
from qless_lmdb.packing import NEVER, Key
from qless_lmdb.records import JobState, Waiting

STATE_NUMBERS: dict[State, int] = {state: number for number, state in enumerate(STATES)}


def standings(job: JobState) -> dict[Key, bytes]:
    """List the keys of a job in all indexes, each with its value."""
    jid = job.jid.encode()
    found: dict[Key, bytes] = {("state", job.queue, STATE_NUMBERS[job.state], *order(job)): jid}
    if job.state == "waiting":
        known = Waiting(jid=job.jid, requires=job.requires, key=job.key or "", start_by=job.start_by).encoded()
        together = job.queue, set_number(job.requires)
        found["waiting", *together, *order(job)] = known
        found["lane", *together, job.key or "", *order(job)] = known
    if job.start_by is not None:
        found["start by", job.queue, job.start_by, job.jid] = jid
    if job.state == "failed" and job.failure:
        found["group", job.failure[0], -(job.ended_at or 0), job.jid] = jid
    if job.worker is not None:
        found["run by", job.worker, job.jid] = jid
    if job.requires and job.state not in ENDED:
        found["requires", job.queue, set_number(job.requires), job.jid] = jid
    if job.key is not None:
        found["key", job.key, job.jid] = jid
    if job.tracked:
        found["tracked", job.jid] = jid
    found |= {("tag", tag, job.jid): jid for tag in job.tags}
    found |= {("dependent", parent, job.jid): jid for parent in job.depends}
    return found


def counters(job: JobState) -> list[Key]:
    """List the counters that count a job."""
    found: list[Key] = [("jobs", job.queue, job.state)]
    found += [("tagged", tag, job.state) for tag in job.tags]
    if job.state == "running":
        found.append(("runs", job.worker or ""))
        if job.key is not None:
            found.append(("key runs", job.queue, job.key))
    if job.state == "failed" and job.failure:
        group = job.failure[0]
        found += [("failed", group, "queue", job.queue), ("failed", group, "klass", job.klass)]
    return found


def order(job: JobState) -> Key:
    """Tell where a job stands among those of its queue and state."""
    if job.state == "waiting":
        return -job.priority, job.place
    if job.state in ("scheduled", "depends"):
        return job.available_at, job.jid
    if job.state == "running":
        return NEVER if job.expires_at is None else job.expires_at, job.jid
    return -(job.ended_at or 0), job.jid


def set_number(requires: Sequence[str]) -> int:
    """Number a set of requirements, whose names together are too long for a key; 0 is the empty one."""
    if not requires:
        return 0
    return int.from_bytes(hashlib.blake2b("\0".join(requires).encode(), digest_size=7).digest(), "big") + 1
