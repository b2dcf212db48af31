"""What the state machine draws its operations from: few names, so that they meet, and all options."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from qless_flask.backends.base import Namespace
from qless_flask.models import (
    ORDERS,
    Actor,
    Changes,
    Complete,
    Fail,
    Lease,
    NewJob,
    Pop,
    Release,
    Retry,
    Setting,
    Settlement,
)


@dataclass(frozen=True)
class Call:
    """An operation with its arguments, to be done to any namespace."""

    operation: str
    arguments: Sequence[object]
    options: Mapping[str, object]

    def __call__(self, namespace: Namespace) -> object:
        return getattr(namespace, self.operation)(*self.arguments, **self.options)


@dataclass(frozen=True)
class Ending:
    """A settlement without its lease."""

    kind: type[Settlement]
    options: dict[str, Any]

    def __call__(self, lease: Lease) -> Settlement:
        return self.kind(lease, **self.options)


def calls(
    operation: str, *arguments: st.SearchStrategy[Any], **options: st.SearchStrategy[Any]
) -> st.SearchStrategy[Call]:
    """Draw calls of an operation."""
    return st.builds(Call, st.just(operation), st.tuples(*arguments), st.fixed_dictionaries(options))


def endings(kind: type[Settlement], **options: st.SearchStrategy[Any]) -> st.SearchStrategy[Ending]:
    """Draw settlements of a kind."""
    return st.builds(Ending, st.just(kind), st.fixed_dictionaries(options))


JIDS = ("a", "b", "c", "d", "é", "f:{1}%")
QUEUES = ("one", "two", "three")
WORKERS = ("ann", "bob")
TAGS = ("x", "y", "z")
GROUPS = ("slow", "broken")
LONG = '"' + "x" * 700 + '"'
DATA = ("{}", "[]", "1.10", '{"a":1,"a":2}', LONG)

jids = st.sampled_from(JIDS)
queues = st.sampled_from(QUEUES)
workers = st.sampled_from(WORKERS)
groups = st.sampled_from(GROUPS)
data = st.sampled_from(DATA)
maybe_data = st.none() | data
priorities = st.sampled_from((0, 0, 0, 1, -1, 511, -511))
delays = st.sampled_from((0.0, 0.0, 0.0, 0.0, 5.0, 0.001, 60.0))
tags = st.lists(st.sampled_from(TAGS), max_size=3).map(tuple)
retries = st.sampled_from((None, None, 0, 1, 3))
actors = st.sampled_from((None, Actor("alice"), Actor("bob", "192.0.2.7")))
limits = st.sampled_from((3, 1, 2, 1000))
SMALL_ADVANCES = (1.0, 5.0, 30.0, 60.0, 0.001, 0.5, 59.999, -0.5, -30.0)
LARGE_ADVANCES = (3600.0, 86_400.0, 604_800.0, 7_776_000.0)
advances = st.sampled_from(SMALL_ADVANCES * 3 + LARGE_ADVANCES)
page_sizes = st.sampled_from((1, 2, 3, 50))
picks = st.sampled_from((1, 2, 1, 3, 1, 2, 1, -1, -2, -5, 0))
"""Which of the live leases, counted from the latest; below 0: of all that there were; 0: one that there never was."""


def new_jobs(*if_exists: str) -> st.SearchStrategy[list[NewJob]]:
    """Draw a batch of jobs to put."""
    one = st.builds(
        NewJob,
        st.sampled_from(("Crawl", "Parse")),
        data,
        queue=queues,
        jid=st.sampled_from((None, *JIDS, None)),
        priority=priorities,
        delay=delays,
        tags=tags,
        retries=retries,
        pipeline=st.lists(queues, max_size=2).map(tuple),
        if_exists=st.sampled_from(if_exists),
    )
    return st.lists(one, min_size=1, max_size=4)


pops = st.builds(
    Pop,
    st.permutations(QUEUES).map(tuple) | st.lists(queues, min_size=1, max_size=3).map(tuple),
    workers,
    limits,
    order=st.sampled_from(ORDERS),
    request=st.sampled_from((None, None, "r1", "r2")),
)
changes = st.builds(
    Changes,
    priority=st.none() | priorities,
    data=maybe_data,
    add_tags=st.just(()) | tags,
    remove_tags=tags,
    retries=retries,
)
settings: st.SearchStrategy[dict[str, Setting]] = st.fixed_dictionaries(
    {},
    optional={
        "heartbeat": st.sampled_from((None, 0.1, 5.0, 60.0, 3600.0)),
        "retries": st.sampled_from((0, 1, 5)),
        "max_losses": st.sampled_from((0, 1, 3)),
    },
)
messages = st.sampled_from(("", "line", "two\nlines", "x" * 20_000))

leases = st.lists(st.tuples(picks, jids), min_size=1, max_size=3)
settlements = st.lists(
    st.tuples(
        picks,
        jids,
        st.one_of(
            endings(Complete, data=maybe_data, next=st.none() | queues, delay=delays),
            endings(Complete),
            endings(Retry, delay=st.none() | delays, group=groups, message=messages),
            endings(Fail, group=groups, message=messages, data=maybe_data),
            endings(Release, delay=delays),
        ),
    ),
    min_size=1,
    max_size=3,
)
some_jids = st.lists(jids, min_size=1, max_size=2)
by_hand = st.one_of(
    calls("move", some_jids, queues, delay=delays, actor=actors),
    calls("update", some_jids, changes, actor=actors),
    calls("timeout", some_jids, actor=actors),
    calls("cancel", some_jids, actor=actors),
)
resume = calls("resume", queues, actor=actors)
steering = st.one_of(
    resume,
    resume,
    resume,
    calls("configure", queues, settings, actor=actors),
    calls("pause", queues, actor=actors),
    calls("forget", queues, actor=actors),
)
record_names = st.sampled_from(("r1", "r2"))
record_values = st.sampled_from((None, "", "1", "2"))
keeping = st.one_of(
    calls("lead", record_names, workers, st.sampled_from((0.0, 5.0, 60.0))),
    calls("remember", record_names, record_values, record_values),
    calls("recall", record_names),
)
