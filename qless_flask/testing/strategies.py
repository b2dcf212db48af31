"""What the state machine draws its operations from: few names, so that they meet, and all options."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from qless_flask.backends.base import Namespace
from qless_flask.models import (
    DEPENDENTS,
    IF_EXISTS,
    ON_PARENT_END,
    ORDERS,
    OVERLAPS,
    PLAN_NAMES,
    SETTING_NAMES,
    STATES,
    Actor,
    Backoff,
    Beat,
    Cancel,
    Changes,
    Chosen,
    Complete,
    Fail,
    Filter,
    Finish,
    Keep,
    Lease,
    Move,
    NewJob,
    Pop,
    Rate,
    Recurrence,
    Release,
    Retention,
    Retry,
    Setting,
    Settlement,
    Timeout,
    Unique,
    Update,
)
from qless_flask.testing.clock import START_SECONDS


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
        options = self.options
        if "puts" in options:
            # Those that a Complete of this lease may not have.
            puts = [job for job in options["puts"] if job.jid != lease.jid or job.if_exists != "replace"]
            options = {**options, "puts": tuple(puts)}
        return self.kind(lease, **options)


def calls(
    operation: str, *arguments: st.SearchStrategy[Any], **options: st.SearchStrategy[Any]
) -> st.SearchStrategy[Call]:
    """Draw calls of an operation."""
    return st.builds(Call, st.just(operation), st.tuples(*arguments), st.fixed_dictionaries(options))


def endings(kind: type[Settlement], **options: st.SearchStrategy[Any]) -> st.SearchStrategy[Ending]:
    """Draw settlements of a kind."""
    return st.builds(Ending, st.just(kind), st.fixed_dictionaries(options))


JIDS = ("a", "b", "c", "é", "f:{1}%")
QUEUES = ("one", "two", "three")
WORKERS = ("ann", "bob")
TAGS = ("x", "y", "z")
GROUPS = ("slow", "broken")
LONG = '"' + "x" * 700 + '"'
KEYS = ("ka", "kö")
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


some_jids = st.lists(jids, min_size=1, max_size=2)
few_jids = st.just(()) | st.lists(jids, min_size=1, max_size=3).map(tuple)
missing = st.sampled_from(("satisfied", "satisfied", "refuse"))
max_runs = st.sampled_from((None, None, None, 10.0, 90.0))
LINEAR, TABLE = Backoff("linear", 5.0, max=60.0), Backoff("table", delays=(1.0, 2.5))
BY_GROUP = Backoff("by_group", options='{"groups":{"slow":null},"otherwise":{"strategy":"fixed","delay":1}}')
backoffs = st.sampled_from((None, None, Backoff("fixed", 5.0), Backoff(jitter="none"), LINEAR, TABLE, BY_GROUP))
requirements = st.sampled_from((*[()] * 9, ("gpu",), ("eu",), ("gpu", "eu")))
uniques = st.sampled_from((*[None] * 9, Unique("k"), Unique("k", 30.0), Unique("ü", 90_000.0)))


def new_job(named: st.SearchStrategy[str | None], *if_exists: str) -> st.SearchStrategy[NewJob]:
    """Draw a job to put."""
    return st.builds(
        NewJob,
        st.sampled_from(("Crawl", "Parse")),
        data,
        queue=queues,
        jid=named,
        priority=priorities,
        delay=delays,
        tags=tags,
        retries=retries,
        pipeline=st.lists(queues, max_size=2).map(tuple),
        depends=few_jids,
        missing=missing,
        on_parent_end=st.sampled_from(ON_PARENT_END),
        backoff=backoffs,
        max_run=max_runs,
        expires_in=st.sampled_from((None, None, None, None, None, 5.0, 60.0)),
        unique=uniques,
        requires=requirements,
        key=st.none() | st.sampled_from(KEYS),
        if_exists=st.sampled_from(if_exists),
    )


def new_jobs(*if_exists: str, least: int = 1, most: int = 4) -> st.SearchStrategy[list[NewJob]]:
    """Draw a batch of jobs to put."""
    return st.lists(new_job(st.sampled_from((None, *JIDS)), *if_exists), min_size=least, max_size=most)


pops = st.builds(
    Pop,
    st.one_of(
        *(st.permutations(QUEUES).map(tuple) for _ in range(3)),
        st.lists(queues, min_size=1, max_size=3).map(tuple),
    ),
    workers,
    limits,
    capabilities=st.sampled_from(((), ("gpu",), *[("eu", "gpu", "ssd")] * 4)),
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
    tracked=st.sampled_from((None, None, True, False)),
)
trackings = st.builds(Changes, tracked=st.booleans())
rates = st.sampled_from((None, None, None, Rate(1, 5.0), Rate(2, 60.0)))
limiting: dict[str, st.SearchStrategy[Any]] = {
    "max_concurrency": st.sampled_from((None, None, None, 1, 3)),
    "rate": rates,
    "key_concurrency": st.sampled_from((None, None, 1, 2)),
    "key_rate": rates,
    "max_size": st.sampled_from((None, None, None, None, 3, 6)),
}
SHORT = Retention(Keep(5.0, 2), Keep(60.0, 1), Keep(604_800.0, 2))
settings: st.SearchStrategy[dict[str, Setting]] = st.fixed_dictionaries(
    {},
    optional={
        "heartbeat": st.sampled_from((None, 0.1, 5.0, 60.0, 3600.0)),
        "retries": st.sampled_from((0, 1, 5)),
        "max_losses": st.sampled_from((0, 1, 3)),
        "max_run": st.sampled_from((None, None, 30.0)),
        "backoff": st.sampled_from((Backoff(), Backoff("fixed", 5.0), LINEAR, TABLE, BY_GROUP)),
        "retention": st.sampled_from((Retention(), SHORT)),
        **limiting,
    },
)
limits_alone = st.fixed_dictionaries({}, optional=limiting)
inherited = st.just(()) | st.lists(st.sampled_from(SETTING_NAMES), max_size=6).map(tuple)
plans: st.SearchStrategy[dict[str, Setting]] = st.fixed_dictionaries(
    {},
    optional={
        "policies": st.sampled_from(((), (Chosen("allow_list"),), (Chosen("defaults", '{"set":{}}', "d"),))),
        "trackers": st.sampled_from(((), (Chosen("log", '{"tags":["red"]}'), Chosen("log", '{"tags":["*"]}', "all")))),
        "klass_backoff": st.sampled_from(({}, {"Crawl": TABLE}, {"Crawl": LINEAR, "Parse": BY_GROUP})),
    },
)
given_up = st.just(()) | st.lists(st.sampled_from((*SETTING_NAMES, *PLAN_NAMES)), max_size=6).map(tuple)
messages = st.sampled_from(("", "line", "two\nlines", "x" * 20_000))

follow_ups = st.just(()) | st.lists(new_job(jids, *IF_EXISTS), max_size=2).map(tuple)
leases = st.lists(st.tuples(picks, jids), min_size=1, max_size=3)
beats = st.lists(
    st.tuples(
        picks,
        jids,
        st.fixed_dictionaries({"progress": st.sampled_from((None, "0.5", '{"page":3}')), "data": st.none() | data}),
    ),
    min_size=1,
    max_size=3,
)
settlements = st.lists(
    st.tuples(
        picks,
        jids,
        st.one_of(
            endings(Complete, data=maybe_data, next=st.none() | queues, delay=delays, result=maybe_data),
            endings(
                Complete,
                next=st.none() | queues,
                delay=delays,
                depends=few_jids,
                missing=missing,
                puts=follow_ups,
                result=maybe_data,
            ),
            *(endings(Complete) for _ in range(3)),
            endings(Retry, delay=st.none() | delays, group=groups, message=messages),
            endings(Fail, group=groups, message=messages, data=maybe_data),
            endings(Release, delay=delays),
        ),
    ),
    min_size=1,
    max_size=3,
)
choices = st.sampled_from(DEPENDENTS)
finishes = st.one_of(
    st.builds(Finish, st.just("complete"), result=maybe_data),
    st.builds(Finish, st.just("failed"), group=groups, message=messages),
)
by_hand = st.one_of(
    calls("move", some_jids, queues, delay=delays, actor=actors),
    calls("update", some_jids, changes, actor=actors),
    calls("update", some_jids, trackings, actor=actors),
    calls("timeout", some_jids, actor=actors),
    calls("cancel", some_jids, dependents=choices, actor=actors),
    calls("finish", some_jids, finishes, actor=actors),
)
depending = calls("depend", jids, few_jids, few_jids, missing=missing, actor=actors)

begins = st.sampled_from((START_SECONDS, START_SECONDS + 0.001, START_SECONDS + 5, START_SECONDS + 60))
ends = st.sampled_from((START_SECONDS + 60, START_SECONDS + 90.5, START_SECONDS + 86_400))
# Only within a queue and state there is an order to go by: elsewhere, what is done to one must not matter to another.
indexes = st.builds(
    Filter, queue=queues, state=st.sampled_from(STATES), since=st.none() | begins, until=st.none() | ends
)
others = st.one_of(
    st.builds(Filter, tag=st.sampled_from(TAGS)),
    st.builds(Filter, group=st.sampled_from((*GROUPS, "lost", "timeout", "expired", "finished"))),
    st.builds(Filter, tracked=st.booleans()),
    st.builds(Filter, queue=queues, klass=st.just("Crawl")),
    st.builds(Filter, since=begins, until=ends),
)
actions = st.one_of(
    st.builds(Move, st.none() | queues, delays),
    st.builds(Cancel, choices),
    st.builds(Update, changes),
    st.builds(Update, trackings),
    st.builds(Timeout),
    finishes,
)
changing = st.one_of(
    calls("change", indexes, actions, limits, dry_run=st.sampled_from((False, False, False, True)), actor=actors),
    calls("change", others, st.builds(Update, changes | trackings), st.just(1000), actor=actors),
)
# Seldom on: a worker that is asked to stop does nothing more here.
wishing = st.one_of(
    calls("quiet", workers, on=st.sampled_from((False, False, False, True)), actor=actors),
    calls("stop", workers, on=st.sampled_from((False, False, False, True)), actor=actors),
)
tracking = calls("track", st.sampled_from(TAGS), on=st.booleans(), actor=actors)

IDS = ("daily", "ö")
ids = st.sampled_from(IDS)
rules = st.builds(
    Recurrence,
    st.sampled_from(("Crawl", "Parse")),
    data,
    queue=queues,
    id=ids,
    interval=st.sampled_from((60.0, 5.0, 1.0, 1.5)),
    overlap=st.sampled_from(OVERLAPS),
    catchup=st.sampled_from(("one", "none", 3, 4)),
    count=st.sampled_from((None, None, None, 1, 5)),
    priority=priorities,
    tags=tags,
    retries=retries,
    pipeline=st.lists(queues, max_size=1).map(tuple),
    max_run=max_runs,
    expires_in=st.sampled_from((None, None, 60.0)),
    requires=requirements,
    key=st.none() | st.sampled_from(KEYS),
)
recurring = st.one_of(
    calls("pause_recurrence", ids, actor=actors),
    *(calls("resume_recurrence", ids, actor=actors) for _ in range(2)),
    calls("unrecur", ids, actor=actors),
)
steering = st.one_of(
    *(calls("resume", queues, actor=actors) for _ in range(5)),
    *(calls("configure", queues, settings, inherit=inherited, actor=actors) for _ in range(2)),
    calls("configure", queues, limits_alone, inherit=inherited, actor=actors),
    calls(
        "configure_namespace",
        st.builds(lambda told, alone: {**told, **alone}, settings, plans),
        inherit=given_up,
        actor=actors,
    ),
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

# What is tried while the namespace is frozen: all that needs no lease that there is.
while_frozen = st.lists(
    st.one_of(
        calls("put", new_jobs("keep")),
        calls("pop", st.just(["one", "two"]), workers, limits),
        calls("settle", st.just([Complete(Lease("a", "nobody's"))])),
        calls("heartbeat", st.just([Beat(Lease("a", "nobody's"))])),
        calls("log", st.just(Lease("a", "nobody's")), messages),
        by_hand,
        depending,
        calls("change", indexes, actions, limits, dry_run=st.booleans()),
        steering,
        keeping,
        wishing,
        tracking,
        recurring,
        calls("recur", rules),
        calls("run_recurrence", ids),
        calls("fire", ids, st.just(1_000.0)),
        calls("promote"),
        calls("prune"),
        calls("settings"),
    ),
    max_size=3,
)
"""Calls that change nothing then."""
