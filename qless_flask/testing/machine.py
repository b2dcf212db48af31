"""Random operations, side by side on the model and on a backend: every answer must be the same."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from random import Random
from typing import Any, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from qless_flask.backends.base import Namespace
from qless_flask.errors import QlessError
from qless_flask.models import (
    Actor,
    AnyRecord,
    Beat,
    Changed,
    Lease,
    NewJob,
    Pop,
    Popped,
    Put,
    Recurrence,
    Settlement,
    Worker,
)
from qless_flask.testing import strategies as draw
from qless_flask.testing.checked import Checked
from qless_flask.testing.clock import ManualClock
from qless_flask.testing.comparison import DAY, PAGE, Comparison, dump, end_of_log, same, same_popped, same_records
from qless_flask.testing.invariants import check
from qless_flask.testing.model import ModelBackend, inspect

HOUR = 3600.0
READER = "reader:machine"
Answer = TypeVar("Answer")
Picked = list[tuple[int, str, draw.Ending]]


@dataclass(frozen=True)
class Step:
    """One step of the machine: the name of its method, and what to call it with."""

    name: str
    options: dict[str, Any]

    def __repr__(self) -> str:
        return f"{self.name}({', '.join(f'{name}={value!r}' for name, value in self.options.items())})"


def steps(name: str, weight: int, **options: st.SearchStrategy[Any]) -> list[st.SearchStrategy[Step]]:
    """Draw steps of a kind; those of a greater weight come more often."""
    # Each its own: of one that stands there twice, `one_of` takes no notice.
    return [st.builds(Step, st.just(name), st.fixed_dictionaries(options)) for _ in range(weight)]


# One rule has all steps, since Hypothesis leaves some rules out of each example: without pops it is worth little.
STEPS = st.one_of(
    *steps("put", 6, jobs=draw.new_jobs("replace", "keep"), at=st.none() | st.sampled_from((-5.0, 0.0, 5.0))),
    *steps("put", 2, jobs=draw.new_jobs("reject", "keep"), at=st.none()),
    *steps("pop", 12, pop=draw.pops),
    *steps("exchange", 3, settlements=draw.settlements, pop=draw.pops),
    *steps("settle", 8, settlements=draw.settlements),
    *steps("heartbeat", 2, picked=draw.beats),
    *steps("log", 1, pick=draw.picks, jid=draw.jids, message=draw.messages, data=draw.maybe_data),
    *steps("do_by_hand", 6, call=draw.by_hand),
    *steps("time_out", 1, picked=draw.leases, actor=draw.actors),
    *steps("do", 3, call=draw.depending),
    *steps("do", 3, call=draw.steering),
    *steps("do", 1, call=draw.keeping),
    *steps("do", 1, call=draw.tracking),
    *steps("do", 1, call=draw.recurring),
    *steps("change", 3, call=draw.changing),
    *steps("ask", 1, call=draw.wishing),
    *steps("recur", 1, rule=draw.rules, first=st.sampled_from((None, None, -100.0, 0.0, 5.0))),
    *steps("run_recurrence", 1, id=draw.ids, actor=draw.actors),
    *steps("fire", 2, id=draw.ids, early=st.sampled_from((0.0, 0.0, 0.0, 0.0, 5.0))),
    *steps("promote", 2, limit=draw.limits),
    *steps("prune", 1, limit=draw.limits),
    *steps("read_on", 1, on=st.booleans()),
    *steps("freeze", 1, calls=draw.while_frozen, page_size=draw.page_sizes, seed=st.integers(0, 3)),
    *steps("restore", 1, page_size=draw.page_sizes, seed=st.integers(0, 3)),
    *steps("erase", 1, confirmed=st.sampled_from((False, False, False, False, True)), limit=draw.limits),
    *steps("advance", 6, seconds=draw.advances),
    *steps("look", 1, page_size=draw.page_sizes),
)


@dataclass(slots=True)
class Ground:
    """A fresh namespace of the backend to try, by the clock that it goes by, and how to check it."""

    namespace: Namespace
    clock: ManualClock
    check: Callable[[], object]
    counts: Counter[str] = field(default_factory=Counter)
    """How many examples, steps and operations there were."""


class Machine(RuleBasedStateMachine):
    """Does to the model what it does to the backend. Subclass it with a `ground`."""

    def ground(self) -> Ground:
        """Prepare a ground for one example."""
        raise NotImplementedError

    def __init__(self) -> None:
        super().__init__()
        ground = self.ground()
        self.clock, self.counts, self.check = ground.clock, ground.counts, ground.check
        self.real = Checked(ground.namespace, lambda: self.counts.update(("operations",)))
        self.model = ModelBackend(clock=self.clock).namespace(self.real.name)
        self.pairs: list[tuple[Lease, Lease]] = []
        """The leases that there were, the latest last: what the model called each, and what the backend did."""
        self.saved: list[Sequence[AnyRecord]] = [(), ()]
        """What the backend and the model held when they were frozen last."""
        self.jids: dict[str, None] = dict.fromkeys(draw.JIDS)
        self.latest = self.clock()
        self.back_until = 0.0
        """The time at which the clock was set back last."""
        # Looking changes nothing; should it do so all the same, the check after the step tells.
        self.compare = Comparison(self.model, ground.namespace, self.jids)
        self.counts["examples"] += 1

    @initialize(
        jobs=draw.new_jobs("replace", "keep", least=3, most=6), rules=st.lists(draw.rules, min_size=1, max_size=2)
    )
    def begin(self, jobs: list[NewJob], rules: list[Recurrence]) -> None:
        # What a later step names is then often there.
        self.put(jobs, None)
        for each in rules:
            self.recur(each, None)

    @rule(step=STEPS)
    def take(self, step: Step) -> None:
        getattr(self, step.name)(**step.options)

    # Jobs go in, are worked, and end

    def put(self, jobs: list[NewJob], at: float | None) -> None:
        if at is not None:
            jobs = [replace(job, delay=0.0, at=self.clock() + at) for job in jobs]
        answer = self._attempt(lambda: self.real.put(jobs))
        # The model gets the jids that the backend made up.
        puts: Sequence[Put] = answer if isinstance(answer, list) else ()
        named = [_named(job, put) for job, put in zip(jobs, puts, strict=True)] if puts else jobs
        same(answer, self._attempt(lambda: self.model.put(named)), "put")
        self._learn(puts)

    def pop(self, pop: Pop) -> None:
        model, real = (
            each.pop(
                pop.queues,
                pop.worker,
                pop.limit,
                capabilities=pop.capabilities,
                order=pop.order,
                request=pop.request,
            )
            for each in (self.model, self.real)
        )
        self._popped(pop, model, real)

    def exchange(self, settlements: Picked, pop: Pop) -> None:
        model, real = self._settlements(settlements)

        exchanged = self.real.exchange(real, pop)
        expected = self.model.exchange(model, pop)

        same(exchanged.results, expected.results, "settled in an exchange")
        self._popped(pop, expected.popped, exchanged.popped)

    def settle(self, settlements: Picked) -> None:
        model, real = self._settlements(settlements)

        same(self.real.settle(real), self.model.settle(model), "settled")

    def heartbeat(self, picked: list[tuple[int, str, dict[str, str | None]]]) -> None:
        pairs = [(*self._lease(pick, jid), said) for pick, jid, said in picked]

        answers = self.real.heartbeat([Beat(real, **said) for _, real, said in pairs])
        expected = self.model.heartbeat([Beat(model, **said) for model, _, said in pairs])

        same(answers, expected, "heartbeats")

    def log(self, pick: int, jid: str, message: str, data: str | None) -> None:
        model, real = self._lease(pick, jid)

        answer = self._attempt(lambda: self.real.log(real, message, data))

        same(answer, self._attempt(lambda: self.model.log(model, message, data)), "log")

    # By hand

    def do_by_hand(self, call: draw.Call) -> None:
        jids, *_ = call.arguments
        assert isinstance(jids, list)
        self._by_hand(jids, call)

    def time_out(self, picked: list[tuple[int, str]], actor: Actor | None) -> None:
        jids = [self._lease(pick, jid)[0].jid for pick, jid in picked]
        self._by_hand(jids, lambda each: each.timeout(jids, actor=actor))

    def do(self, call: draw.Call) -> None:
        same(self._attempt(lambda: call(self.real)), self._attempt(lambda: call(self.model)), call)

    def change(self, call: draw.Call) -> None:
        real, model = call(self.real), call(self.model)
        assert isinstance(real, Changed)
        assert isinstance(model, Changed)
        # Whether there may be more, a store need not know.
        same((real.matched, real.changed), (model.matched, model.changed), call)

    def ask(self, call: draw.Call) -> None:
        real, model = self._attempt(lambda: call(self.real)), self._attempt(lambda: call(self.model))
        # A store may be late in writing when it saw a worker.
        if isinstance(real, Worker) and isinstance(model, Worker):
            model = replace(model, seen_at=real.seen_at)
        same(real, model, call)

    # Recurrences

    def recur(self, rule: Recurrence, first: float | None) -> None:
        if first is not None:
            rule = replace(rule, first_at=self.clock() + first)
        same(self.real.recur(rule), self.model.recur(rule), "recurs")

    def run_recurrence(self, id: str, actor: Actor | None) -> None:
        answer = self._attempt(lambda: self.real.run_recurrence(id, actor=actor))

        same(answer, self._attempt(lambda: self.model.run_recurrence(id, actor=actor)), "run")
        if isinstance(answer, Put):
            self._learn([answer])

    def fire(self, id: str, early: float) -> None:
        due = [recurring for recurring in self.real.recurrences() if recurring.rule.id == id]
        for expected in (each.next_at for each in due if each.next_at is not None):
            # Once with a time that it is not, now and then; and a second time, which does nothing more.
            for at in (expected - early, expected - early):
                puts = self._attempt(partial(self.real.fire, id, at))
                same(puts, self._attempt(partial(self.model.fire, id, at)), "fired")
                self._learn(puts if isinstance(puts, list) else ())

    # Upkeep and records

    def promote(self, limit: int) -> None:
        real, model = self.real.promote(limit), self.model.promote(limit)

        done = (model.promoted, model.lost, model.expired, model.told)
        # A store may say that there might be more when it has just reached the limit.
        more = model.more or (real.more and sum(done) == limit)
        same(real, replace(model, more=more), "promoted")

    def prune(self, limit: int) -> None:
        # A store may date what is told while the clock is set back by the latest time that it has seen.
        if any(self.back_until + age - HOUR / 4 < self.clock() < self.back_until + age for age in (HOUR, DAY)):
            return
        self.compare.events()
        real, model = self.real.prune(limit), self.model.prune(limit)

        # A store may say that there might be more when it has just reached the limit.
        same(real, replace(model, more=model.more or (real.more and model.jobs == limit)), "pruned")
        self.compare.forgotten_workers(self.latest)

    def read_on(self, on: bool) -> None:
        """Let a reader be at the end of the log, or be no more."""
        for each in (self.real, self.model):
            cursor = end_of_log(each) if on else None
            same(each.remember(READER, cursor, each.recall(READER)), True, "a reader remembers where it is")

    # The whole of it

    def freeze(self, calls: list[draw.Call], page_size: int, seed: int) -> None:
        """Freeze, try what must not be done, dump, and load some of the same again, which changes nothing."""
        self._freeze(True)
        for call in calls:
            self.do(call)
        self.compare.dumps(page_size, self._tokens())
        for each, number in ((self.real, 0), (self.model, 1)):
            records = dump(each)
            self.saved[number] = records
            self._load(each, [record for at, record in enumerate(records) if at % 4 >= seed], page_size, seed)
            same_records(dump(each), records, {})
        self._freeze(False)

    def restore(self, page_size: int, seed: int) -> None:
        """Begin anew with what there was when it was frozen last."""
        if not self.saved[0]:
            return
        self.erase(confirmed=True, limit=page_size)
        self._freeze(True)
        for each, records in ((self.real, self.saved[0]), (self.model, self.saved[1])):
            self._load(each, records, page_size, seed)
        self.compare.dumps(PAGE, self._tokens())
        same_records(dump(self.real), self.saved[0], {})
        self._freeze(False)

    def erase(self, confirmed: bool, limit: int) -> None:
        def act(namespace: Namespace) -> None:
            erased = namespace.erase(namespace.name if confirmed else None, None, limit)
            while erased.next is not None:
                erased = namespace.erase(None, erased.next, limit)

        same(self._attempt(lambda: act(self.real)), self._attempt(lambda: act(self.model)), "erased")

    def advance(self, seconds: float) -> None:
        if seconds < 0:
            self.back_until = self.latest
        self.clock.advance(seconds)
        self.latest = max(self.latest, self.clock())

    # What it all comes to

    def look(self, page_size: int) -> None:
        self.compare.all(page_size, self.latest)

    @invariant()
    def rules_hold(self) -> None:
        self.counts["steps"] += 1
        self.check()
        check(inspect(self.model))

    def teardown(self) -> None:
        # What differed already is told better by the step that found it.
        if sys.exc_info()[0] is None:
            self.compare.all(2, self.latest)

    def _freeze(self, on: bool) -> None:
        same(self.real.freeze(on), self.model.freeze(on), "frozen" if on else "thawed")

    def _load(self, namespace: Namespace, records: Sequence[AnyRecord], page_size: int, seed: int) -> None:
        shuffled = Random(seed).sample(records, len(records))
        for start in range(0, len(records), page_size):
            namespace.load(shuffled[start : start + page_size])

    def _tokens(self) -> dict[str, str]:
        return {real.token: model.token for model, real in self.pairs}

    def _lease(self, pick: int, jid: str) -> tuple[Lease, Lease]:
        pairs = self.pairs
        if pick > 0:
            tokens = {job.token for job in self.model.world.jobs.values()}
            pairs = [pair for pair in self.pairs if pair[0].token in tokens] or self.pairs
        if pick == 0 or not pairs:
            return Lease(jid, "nobody's"), Lease(jid, "nobody's")
        return pairs[-min(abs(pick), len(pairs))]

    def _settlements(self, picked: Picked) -> tuple[list[Settlement], list[Settlement]]:
        pairs = [(kind, *self._lease(pick, jid)) for pick, jid, kind in picked]
        return [kind(model) for kind, model, _ in pairs], [kind(real) for kind, _, real in pairs]

    def _popped(self, pop: Pop, model: Popped, real: Popped) -> None:
        waiting = [job for queue in pop.queues for job in self.model.world.waiting(queue)]
        same_popped(model, real, self.clock(), parked=any(job.requires or job.key for job in waiting))
        known = dict(self.pairs)
        for pair in zip(model, real, strict=True):
            self.counts["leases"] += 1
            bare_model, bare_real = (Lease(lease.jid, lease.token) for lease in pair)
            # A token is new, or, asked for again, still the same.
            if known.setdefault(bare_model, bare_real) is bare_real:
                same(bare_real in [real for _, real in self.pairs], False, "the token was there before")
                self.pairs.append((bare_model, bare_real))
            same(bare_real, known[bare_model], "the token of a lease that is given again")

    def _by_hand(self, jids: list[str], act: Callable[[Namespace], object]) -> None:
        real, model = act(self.real), act(self.model)
        assert isinstance(real, list)
        assert isinstance(model, list)
        # Of a jid named twice, each item may show the job after both times.
        same(dict(zip(jids, real, strict=True)), dict(zip(jids, model, strict=True)), "by hand")

    def _learn(self, puts: Sequence[Put]) -> None:
        self.jids.update(dict.fromkeys(put.jid for put in puts))

    def _attempt(self, act: Callable[[], Answer]) -> Answer | QlessError:
        try:
            return act()
        except QlessError as error:
            return error


def _named(job: NewJob, put: Put) -> NewJob:
    return replace(job, jid=put.jid) if put.created else job
