"""A plugin that has all hooks round a store, and changes nothing: with it all must be as without."""

from __future__ import annotations

from dataclasses import replace

from qless_flask.hookspecs import hookimpl
from qless_flask.models import Event, Failure, Job, NewJob, Pop, Settlement


@hookimpl
def before_put(namespace: str, job: NewJob) -> NewJob:
    """Answer the same job, made anew."""
    return replace(job)


@hookimpl
def before_pop(namespace: str, pop: Pop) -> Pop:
    """Answer the same pop, made anew."""
    return replace(pop)


@hookimpl
def before_settle(namespace: str, settlement: Settlement) -> Settlement:
    """Answer the same settlement, made anew."""
    return replace(settlement)


@hookimpl
def failure_group(job: Job, failure: Failure) -> str:
    """Answer the group that the worker gave."""
    return failure.group


@hookimpl
def on_event(namespace: str, event: Event) -> None:
    """Hear of it."""
