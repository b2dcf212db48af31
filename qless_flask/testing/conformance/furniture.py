"""A namespace with a bit of everything that one can hold, to be dumped and loaded, copied and erased."""

from __future__ import annotations

import msgspec

from qless_flask.backends.base import Namespace
from qless_flask.models import (
    AnyRecord,
    Backoff,
    Beat,
    Changes,
    Chosen,
    Complete,
    Fail,
    Finish,
    JobRecord,
    Keep,
    Lease,
    NewJob,
    Pop,
    Rate,
    Recurrence,
    Release,
    Retention,
    Retry,
    Unique,
    distinct,
    encode_record,
)
from qless_flask.testing.clock import ManualClock

CHILDREN = 150
"""More than an operation tells, so that some are left."""


def furnish(namespace: Namespace, clock: ManualClock) -> dict[str, Lease]:
    """Put a bit of everything into a namespace, and answer the leases that are live, by jid."""
    namespace.configure_namespace({"heartbeat": 45.5, "max_losses": 2})
    namespace.configure_namespace({"backoff": Backoff("fixed", 5)})
    _furnish_plans(namespace)
    _furnish_recurrences(namespace, clock)
    _furnish_waiting(namespace, clock)
    _furnish_ended(namespace, clock)
    leases = _furnish_running(namespace, clock)
    namespace.quiet("bob")
    namespace.track("followed")
    namespace.track("never seen")
    namespace.remember("cursor", '{"é": 5}\n', None)
    namespace.remember("reader:one", "0", None)
    namespace.remember("copy:one", "0", None)
    namespace.lead("scheduler", "ann", 60)
    while namespace.promote().more:
        pass
    # A promote would tell those who are left.
    _furnish_family(namespace, clock)
    return leases


def _furnish_plans(namespace: Namespace) -> None:
    by_group = Backoff("by_group", options='{"groups":{"é":null},"otherwise":{"strategy":"fixed","delay":5}}')
    namespace.configure_namespace(
        {
            "policies": (
                Chosen("json_schema", '{"klass":"Nobody","schema":{"const":[1.5,null,"é"]}}'),
                Chosen("defaults", '{"klass":"Nobody","set":{"priority":5}}', "more"),
            ),
            "trackers": (Chosen("log", '{"tags":["nobody:*"]}'),),
            "klass_backoff": {"Sweep": Backoff("table", delays=(1, 2.5)), "Film": by_group},
        }
    )


def _furnish_waiting(namespace: Namespace, clock: ManualClock) -> None:
    namespace.configure("limited", {"rate": Rate(2, 600), "key_rate": Rate(1, 600), "key_concurrency": 3})
    namespace.configure("limited", {"max_concurrency": 50, "max_size": 500, "heartbeat": None})
    keys = [("ann", "gpu"), ("ann", "eu"), ("bob", "gpu"), ("carl", "gpu"), ("ann", "gpu")]
    namespace.put(
        [
            NewJob("Film", queue="limited", jid=f"limited-{number}", key=key, requires=(word,), priority=number % 2)
            for number, (key, word) in enumerate(keys)
        ]
    )
    namespace.pop(["limited"], "ann", 3, capabilities=["gpu", "eu"])
    clock.advance(0.125)
    namespace.put([NewJob("Page", '{"url": "http://é"}', queue="fetch", jid=f"waits-{each}") for each in "cab"])
    namespace.put([NewJob("Page", queue="fetch", jid="first", priority=511, tags=("followed", "red"))])
    namespace.put([NewJob("Page", queue="fetch", jid="soon", priority=-511, expires_in=3600, max_run=60.25)])
    namespace.put([NewJob("Page", queue="later", jid="due", delay=3600.5, pipeline=("fetch", "fetch"), retries=0)])
    linear = Backoff("linear", 2, max=60)
    namespace.put([NewJob("Page", queue="later", jid="once", unique=Unique("alive"), backoff=linear)])
    namespace.put([NewJob("Page", queue="later", jid="hourly", unique=Unique("for a time", 7200))])
    namespace.update(["once"], Changes(tracked=True, add_tags=("blue",)))
    namespace.pause("later")
    namespace.configure("fetch", {"retention": Retention(complete=Keep(60, 5))})


def _furnish_running(namespace: Namespace, clock: ManualClock) -> dict[str, Lease]:
    backoff = Backoff("exponential", 1, factor=3, max=100, jitter="none")
    names = ("runs", "runs on", "retried", "released", "lost", "canceled")
    for name in names:
        namespace.put([NewJob("Step", queue="run", jid=name, backoff=backoff, tags=("red",), pipeline=("next",))])
        clock.advance(1)
    leases = {lease.jid: lease for lease in namespace.pop(["run"], "bob", 10, capabilities=["eu"])}
    clock.advance(2.5)
    namespace.log(leases["runs"], "half way", '{"at": 50}')
    namespace.log(leases["runs"], "a line\nand another")
    namespace.settle([Retry(leases["retried"], group="Timeout", message="it took\ntoo long", delay=60)])
    namespace.settle([Release(leases["released"])])
    namespace.cancel(["canceled"])
    clock.advance(40)
    namespace.heartbeat([Beat(leases["runs"], progress='{"done": 5}'), Beat(leases["runs on"], data='"new"')])
    clock.advance(10)
    # Takes back the lease that is lost.
    namespace.pop(["run"], "carl", 1, order="round_robin")
    namespace.settle([Complete(leases["runs on"], data='"done"', result="[5]")])
    return {name: leases[name] for name in ("runs", "canceled", "retried", "runs on", "lost")}


def _furnish_ended(namespace: Namespace, clock: ManualClock) -> None:
    names = ("complete", "failed", "finished", "failed by hand", "canceled early", "moved", "timed out", "expired")
    for name in names:
        namespace.put([NewJob("Step", queue="ends", jid=name, tags=("red", name), unique=Unique(name, 600))])
    leases = {lease.jid: lease for lease in namespace.pop(["ends"], "dora", 7)}
    clock.advance(0.75)
    namespace.exchange(
        [
            Complete(leases["complete"], result='{"a": [1, 2]}'),
            Fail(leases["failed"], group="Broken", message="é" * 100),
        ],
        Pop(("nothing",), "dora"),
    )
    namespace.finish(["finished"], Finish("complete", result="1"))
    namespace.finish(["failed by hand"], Finish("failed", "by hand", "because"))
    namespace.cancel(["canceled early"])
    namespace.move(["moved"], "fetch", delay=3600)
    namespace.timeout(["timed out"])
    namespace.put([NewJob("Step", queue="ends", jid="too late", expires_in=1)])
    clock.advance(1)
    namespace.pop(["ends"], "dora", 1)


def _furnish_family(namespace: Namespace, clock: ManualClock) -> None:
    for jid in ("parent", "other parent"):
        namespace.put([NewJob("Step", queue="parents", jid=jid)])
    namespace.put(
        [NewJob("Step", queue="children", jid=f"child-{number:03}", depends=("parent",)) for number in range(CHILDREN)]
    )
    both = ("parent", "other parent")
    namespace.put([NewJob("Step", queue="children", jid="of both", depends=both, on_parent_end="cancel", delay=5)])
    namespace.put([NewJob("Step", queue="children", jid="dated", depends=both, at=round(clock()) + 500.5)])
    namespace.finish(["parent"], Finish("complete"))


def _furnish_recurrences(namespace: Namespace, clock: ManualClock) -> None:
    namespace.recur(Recurrence("Sweep", queue="tidy", id="minutely", interval=60, count=5, tags=("red",)))
    namespace.recur(Recurrence("Sweep", queue="tidy", id="nightly", cron="5 4 * * *", timezone="Europe/Berlin"))
    namespace.recur(
        Recurrence("Sweep", '{"a":1}', queue="tidy", id="once", interval=1.5, count=1, requires=("gpu",), key="ann")
    )
    namespace.pause_recurrence("nightly")
    clock.advance(61)
    for each in namespace.recurrences(due=True):
        if each.next_at is not None:
            namespace.fire(each.rule.id or "", each.next_at)


def dump(namespace: Namespace, limit: int = 1000) -> list[AnyRecord]:
    """Read a namespace whole, page after page."""
    found: list[AnyRecord] = []
    page = namespace.dump(None, limit)
    while True:
        found += page.records
        if page.next is None:
            return found
        page = namespace.dump(page.next, limit)


def contents(namespace: Namespace) -> list[AnyRecord]:
    """Read a namespace whole; the records in an order that does not depend on the store."""
    return sorted(distinct(dump(namespace)), key=encode_record)


def without_tokens(records: list[AnyRecord]) -> list[AnyRecord]:
    """Make tokens alike, which each store draws for itself."""
    return [_without_token(record) if isinstance(record, JobRecord) else record for record in records]


def _without_token(job: JobRecord) -> JobRecord:
    settled = None if job.settled is None else ("token", *job.settled[1:])
    return msgspec.structs.replace(job, token=job.token and "token", settled=settled)
