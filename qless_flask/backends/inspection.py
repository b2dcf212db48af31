"""A namespace read whole from its store, index by index, so that a checker can hold the indexes against the jobs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from qless_flask.models import Job, Recurring, State


@dataclass(frozen=True, slots=True)
class StoreView:
    """What the keys or tables of one namespace hold, each read by itself and nothing derived from another."""

    jobs: Mapping[str, Job]
    """Every job record, by jid, with data and history."""
    places: Mapping[str, int]
    """The place that the record of each job names."""
    tokens: Mapping[str, str]
    """The token of the live lease that each record names, if it names one."""
    expiries: Mapping[str, float]
    """When that lease expires (Unix seconds), if it does."""
    indexes: Mapping[tuple[str, State], tuple[str, ...]]
    """The jids in each state's index of each queue, in the order of the index."""
    counts: Mapping[tuple[str, State], int]
    """The counters that `queues()` answers from."""
    tags: Mapping[str, frozenset[str]]
    """The jids in the index of each tag."""
    groups: Mapping[str, frozenset[str]]
    """The jids in the index of each failure group."""
    workers: Mapping[str, int]
    """The counter of running jobs of each worker."""
    depends: Mapping[str, frozenset[str]]
    """By jid, what each job in `depends` waits for, as kept with the job."""
    dependents: Mapping[str, frozenset[str]]
    """By jid, those that wait for a job, as kept with that."""
    untold: frozenset[str]
    """Ended jobs some of whose dependents are still to be told."""
    unique: Mapping[str, str]
    """The jid that holds each unique key; keys whose time is over may be missing."""
    keys: Mapping[str, frozenset[str]]
    """The jids in the index of each key."""
    key_running: Mapping[tuple[str, str], int]
    """By queue and key, the counter of its running jobs that have the key; those at 0 may be missing."""
    requirement_sets: Mapping[tuple[str, tuple[str, ...]], int]
    """By queue and set, the counter of its jobs scheduled, in depends, waiting and running that require it; not the
    empty set."""
    start_by: Mapping[str, float]
    """By jid, when a job expires that was not popped yet (Unix seconds), as the index of these times has it."""
    tracked: frozenset[str]
    """The jids in the index of those tracked."""
    tracked_tags: frozenset[str]
    figures: Mapping[str, Mapping[State, int]]
    """By tag, the counters of its jobs in each state; those at 0 may be missing."""
    touched: Mapping[str, Mapping[tuple[str, str], int]]
    """By failure group, the counters of its jobs by ("queue", name) and ("klass", name)."""
    recurrences: Mapping[str, Recurring]
    due: Mapping[str, float]
    """By id, the next run of each recurrence in the index of what is due; paused and ended ones are not in it."""
    queues: frozenset[str]
    """The queues that are known."""
    strays: tuple[str, ...]
    """Keys or rows that belong to no job, queue or worker, and what the store knows to be wrong inside its own ways of
    holding limits (a job missing in its lane, a lane's head that is not its first job, a key kept back that may run):
    there must be none."""
