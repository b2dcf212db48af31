"""Which operations a trace does: drawn from a seed and from what was popped so far, so alike wherever answers are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random
from typing import Any, TypeVar

from qless_flask.backends.base import Clock
from qless_flask.models import (
    STATES,
    Actor,
    Backoff,
    Beat,
    Cancel,
    Changes,
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
from qless_flask.testing.strategies import Call

Item = TypeVar("Item")

JIDS = tuple(f"job-{number}" for number in range(40))
QUEUES = ("crawl", "parse", "store", "mail")
KLASSES = ("Crawl", "Parse", "Mail")
WORKERS = ("ann", "bob", "zoë")
TAGS = ("red", "green", "blue")
GROUPS = ("slow", "broken")
KEYS = ("example.com", "bücher.example")
OFFERS = ((), ("gpu",), ("eu", "gpu"), ("eu", "gpu", "ssd"))
ACTORS = (None, None, Actor("alice"), Actor("bob", "192.0.2.7"))
IDS = ("hourly", "öfter")
DATA = (*("{}", '{"page":1}', "[1.10]") * 4, '"' + "x" * 700 + '"')
SHORT = Retention(Keep(600.0, 5), Keep(60.0, 3), Keep(86_400.0, 5))

SETTINGS: dict[str, tuple[Setting, ...]] = {
    "heartbeat": (60.0, 60.0, 10.0, None),
    "retries": (5, 1, 0),
    "max_losses": (3, 1, 0),
    "max_run": (None, None, 30.0),
    "backoff": (Backoff("fixed", 5.0),),
    "max_concurrency": (None, None, 2, 4),
    "rate": (None, None, None, Rate(3, 10.0)),
    "key_concurrency": (None, 1, 2),
    "key_rate": (None, None, Rate(2, 20.0)),
    "max_size": (None, None, None, 12),
    "retention": (SHORT, Retention()),
}

# How often each is done. What is missing here is done in turns of several, see `trace`.
WEIGHTS: dict[str, float] = {
    "put": 12,
    "pop": 16,
    "exchange": 5,
    "settle": 12,
    "heartbeat": 3,
    "log": 1,
    "cancel": 2,
    "move": 2,
    "finish": 1,
    "update": 2,
    "timeout": 1,
    "depend": 2,
    "change": 2,
    "get": 3,
    "lines": 1,
    "select": 3,
    "queues": 1,
    "workers": 1,
    "failures": 0.5,
    "tags": 1,
    "tracked": 0.5,
    "stats": 1,
    "throughput": 0.5,
    "configure": 2,
    "pause": 0.5,
    "resume": 1.5,
    "forget": 0.5,
    "settings": 0.5,
    "configure_namespace": 0.7,
    "quiet": 0.5,
    "stop": 0.5,
    "track": 0.5,
    "recur": 0.5,
    "recurrences": 0.5,
    "unrecur": 0.2,
    "pause_recurrence": 0.2,
    "resume_recurrence": 0.5,
    "run_recurrence": 0.5,
    "promote": 2,
    "lead": 0.5,
    "remember": 0.5,
    "recall": 0.5,
}
WRITES = ("put", "pop", "settle", "heartbeat", "move", "update", "configure", "pause", "track", "recur", "remember")


class Turns:
    """Draws operations, each by the method of its name."""

    def __init__(self, seed: int, clock: Clock) -> None:
        self.random = Random(seed)
        self.leases: list[Lease] = []
        """Those that were popped last and, as far as it was told, are still live."""
        self._clock = clock

    def one(self, choices: Sequence[Item]) -> Item:
        """Draw one of several."""
        return self.random.choice(choices)

    def some(self, choices: Sequence[Item], most: int, least: int = 0) -> tuple[Item, ...]:
        """Draw a few of several, each once."""
        return tuple(self.random.sample(choices, self.random.randint(least, min(most, len(choices)))))

    def seldom(self, share: float) -> bool:
        """Tell whether what happens in a share of all cases is to happen."""
        return self.random.random() < share

    def call(self, names: Sequence[str] = tuple(WEIGHTS), weights: Sequence[float] | None = None) -> Call:
        """Draw an operation and its arguments."""
        [name] = self.random.choices(names, weights)
        draw: Callable[[], Call] = getattr(self, f"_{name}")
        return draw()

    # Jobs go in, are worked, and end

    def _job(self, jid: str) -> NewJob:
        job = NewJob(
            self.one(KLASSES),
            self.one(DATA),
            queue=self.one(QUEUES),
            jid=jid,
            priority=self.one((0, 0, 0, 5, -5)),
            delay=self.one((0.0, 0.0, 0.0, 3.0, 60.0)),
            tags=self.some(TAGS, 2),
            if_exists=self.one(
                ("keep", "replace", "replace", "replace", "reject") if self.seldom(0.1) else ("replace",)
            ),
        )
        return self._with_more(job) if self.seldom(0.6) else job

    def _with_more(self, job: NewJob) -> NewJob:
        options: dict[str, Any] = {
            "retries": self.one((None, 0, 2)),
            "pipeline": self.some(QUEUES, 2),
            "depends": self.some(JIDS, 2),
            "missing": "satisfied" if self.seldom(0.9) else "refuse",
            "on_parent_end": self.one(("wait", "cancel", "run")),
            "max_run": self.one((None, 20.0)),
            "expires_in": self.one((None, None, 30.0)),
            "unique": self.one((None, None, None, Unique("one"), Unique("two", 100.0))),
            "requires": self.one(OFFERS[:3]),
            "key": self.one((None, *KEYS)),
        }
        return replace(job, **{name: options[name] for name in self.some(sorted(options), 4)})

    def _jobs(self, most: int, least: int = 1) -> list[NewJob]:
        return [self._job(jid) for jid in self.some(JIDS, most, least)]

    def _put(self) -> Call:
        return Call("put", (self._jobs(4),), {})

    def _asked(self) -> Pop:
        return Pop(
            self.some(QUEUES, 4, 1),
            self.one(WORKERS),
            self.one((1, 1, 2, 4)),
            capabilities=self.one((*OFFERS, OFFERS[-1], OFFERS[-1])),
            order=self.one(("listed", "round_robin")),
            request=self.one((None, None, None, "again")),
        )

    def _pop(self) -> Call:
        pop = self._asked()
        options = {"capabilities": pop.capabilities, "order": pop.order, "request": pop.request}
        return Call("pop", (pop.queues, pop.worker, pop.limit), options)

    def _exchange(self) -> Call:
        return Call("exchange", (self._settlements(), self._asked()), {})

    def _settle(self) -> Call:
        return Call("settle", (self._settlements(),), {})

    def _settlements(self) -> list[Settlement]:
        return [self._settlement(lease) for lease in self._held(3)]

    def _held(self, most: int) -> tuple[Lease, ...]:
        return self.some(self.leases, most) or (Lease("job-0", "nobody's"),)

    def _settlement(self, lease: Lease) -> Settlement:
        kind = self.one((Complete, Complete, Complete, Complete, Retry, Fail, Release))
        if kind is Complete:
            return self._complete(lease)
        if kind is Retry:
            return Retry(lease, group=self.one(GROUPS), message="went wrong", delay=self.one((None, 5.0)))
        if kind is Fail:
            return Fail(lease, group=self.one(GROUPS), message="for good")
        return Release(lease, delay=self.one((0.0, 5.0)))

    def _complete(self, lease: Lease) -> Complete:
        if self.seldom(0.6):
            return Complete(lease)
        return Complete(
            lease,
            data=self.one((None, *DATA)),
            result=self.one((None, "5")),
            next=self.one((None, None, *QUEUES)),
            delay=self.one((0.0, 5.0)),
            depends=self.some(JIDS, 1),
            missing="satisfied",
            puts=tuple(job for job in self._jobs(2, 0) if job.jid != lease.jid),
        )

    def _heartbeat(self) -> Call:
        beats = [Beat(lease, progress=self.one((None, "0.5")), data=self.one((None, *DATA))) for lease in self._held(2)]
        return Call("heartbeat", (beats,), {})

    def _log(self) -> Call:
        return Call("log", (*self._held(1)[:1], "a line", self.one((None, "5"))), {})

    # By hand

    def _by_hand(self, name: str, *arguments: object, **options: object) -> Call:
        return Call(name, (self.some(JIDS, 2, 1), *arguments), {"actor": self.one(ACTORS), **options})

    def _cancel(self) -> Call:
        return self._by_hand("cancel", dependents=self.one(("refuse", "cancel", "choice")))

    def _move(self) -> Call:
        return self._by_hand("move", self.one(QUEUES), delay=self.one((0.0, 5.0)))

    def _finish(self) -> Call:
        return self._by_hand("finish", self._end())

    def _end(self) -> Finish:
        return self.one((Finish("complete", result="5"), Finish("failed", group="by hand", message="no")))

    def _update(self) -> Call:
        return self._by_hand("update", self._changes())

    def _changes(self) -> Changes:
        return Changes(
            priority=self.one((None, 0, 7)),
            data=self.one((None, *DATA)),
            add_tags=self.some(TAGS, 1),
            remove_tags=self.some(TAGS, 1),
            retries=self.one((None, 0, 3)),
            tracked=self.one((None, None, True, False)),
        )

    def _timeout(self) -> Call:
        return self._by_hand("timeout")

    def _depend(self) -> Call:
        on, off = self.some(JIDS, 2), self.some(JIDS, 2)
        return Call("depend", (self.one(JIDS), on, off), {"missing": "satisfied", "actor": self.one(ACTORS)})

    def _change(self) -> Call:
        # Within a queue and a state there is an order to go by.
        filter = self._sometimes_timed(Filter(queue=self.one(QUEUES), state=self.one(STATES)))
        actions = (Move(self.one(QUEUES), 5.0), Cancel("choice"), Update(self._changes()), Timeout(), self._end())
        options = {"dry_run": self.seldom(0.1), "actor": self.one(ACTORS)}
        return Call("change", (filter, self.one(actions), self.one((1, 2, 100))), options)

    # Look-ups

    def _get(self) -> Call:
        return Call("get", (self.some(JIDS, 4, 1),), {})

    def _lines(self) -> Call:
        return Call("lines", (self.one(JIDS),), {})

    def _select(self) -> Call:
        others: tuple[dict[str, Any], ...] = (
            {"tag": "red"},
            {"key": KEYS[0]},
            {"group": "slow"},
            {"tracked": True},
            {"worker": "ann"},
            {"q": "CR"},
        )
        wanted: dict[str, Any] = {"queue": self.one(QUEUES), "state": self.one(STATES)}
        filter = Filter(**(wanted if self.seldom(0.6) else self.one(others)))
        return Call("select", (self._sometimes_timed(filter), None, 1000), {})

    def _sometimes_timed(self, filter: Filter) -> Filter:
        if not self.seldom(0.3):
            return filter
        now = self._clock()
        return replace(filter, since=now - self.one((0.0, 1.0, 30.0, 600.0)), until=now + self.one((0.0, 0.001, 30.0)))

    def _queues(self) -> Call:
        return Call("queues", (self.one((None, None, QUEUES[:1], QUEUES)),), {})

    def _workers(self) -> Call:
        return Call("workers", (), {})

    def _failures(self) -> Call:
        return Call("failures", (), {})

    def _tags(self) -> Call:
        return Call("tags", (), {})

    def _tracked(self) -> Call:
        return Call("tracked", (), {})

    def _stats(self) -> Call:
        return Call("stats", (), self.one(({}, {"queue": "crawl"}, {"klass": "Crawl"}, {"tag": "red"})))

    def _throughput(self) -> Call:
        return Call("throughput", (self.one((None, "crawl")),), {"step": self.one((60, 3600))})

    # Queues, workers, tags and the namespace, live

    def _told(self) -> dict[str, Setting]:
        return {name: self.one(SETTINGS[name]) for name in self.some(sorted(SETTINGS), 3)}

    def _configure(self) -> Call:
        inherit = self.some(sorted(SETTINGS), 3)
        return Call("configure", (self.one(QUEUES), self._told()), {"inherit": inherit, "actor": self.one(ACTORS)})

    def _configure_namespace(self) -> Call:
        return Call("configure_namespace", (self._told(),), {"inherit": self.some(sorted(SETTINGS), 6)})

    def _settings(self) -> Call:
        return Call("settings", (), {})

    def _pause(self) -> Call:
        return Call("pause", (self.one(QUEUES),), {})

    def _resume(self) -> Call:
        return Call("resume", (self.one(QUEUES),), {"actor": self.one(ACTORS)})

    def _forget(self) -> Call:
        return Call("forget", (self.one(QUEUES),), {})

    def _quiet(self) -> Call:
        return Call("quiet", (self.one(WORKERS),), {"on": self.seldom(0.2)})

    def _stop(self) -> Call:
        return Call("stop", (self.one(WORKERS),), {"on": self.seldom(0.2)})

    def _track(self) -> Call:
        return Call("track", (self.one(TAGS),), {"on": self.seldom(0.5)})

    # Recurrences

    def _recur(self) -> Call:
        rule = Recurrence(
            self.one(KLASSES),
            queue=self.one(QUEUES),
            id=self.one(IDS),
            interval=self.one((60.0, 600.0)),
            overlap=self.one(("allow", "skip")),
            catchup=self.one(("one", "none", 3)),
            count=self.one((None, None, 5)),
            tags=self.some(TAGS, 1),
            requires=self.one(OFFERS[:2]),
            key=self.one((None, *KEYS)),
        )
        return Call("recur", (rule,), {})

    def _recurrences(self) -> Call:
        return Call("recurrences", (), {"due": self.seldom(0.3)})

    def _unrecur(self) -> Call:
        return Call("unrecur", (self.one(IDS),), {})

    def _pause_recurrence(self) -> Call:
        return Call("pause_recurrence", (self.one(IDS),), {})

    def _resume_recurrence(self) -> Call:
        return Call("resume_recurrence", (self.one(IDS),), {})

    def _run_recurrence(self) -> Call:
        return Call("run_recurrence", (self.one(IDS),), {})

    # Upkeep and records

    def _promote(self) -> Call:
        return Call("promote", (self.one((1, 3, 1000)),), {})

    def _lead(self) -> Call:
        return Call("lead", ("scheduler", self.one(WORKERS), self.one((0.0, 5.0, 60.0))), {})

    def _remember(self) -> Call:
        return Call("remember", ("note", self.one((None, "1", "2")), self.one((None, "1", "2"))), {})

    def _recall(self) -> Call:
        return Call("recall", ("note",), {})
