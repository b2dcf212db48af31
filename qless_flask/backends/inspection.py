"""A namespace read whole from its store, index by index, so that a checker can hold the indexes against the jobs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from qless_flask.models import Job, State


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
    queues: frozenset[str]
    """The queues that are known."""
    strays: tuple[str, ...]
    """Keys or rows that belong to no job, queue or worker: there must be none."""
