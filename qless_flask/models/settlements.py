"""The ends of leases, and what became of their jobs."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass

from qless_flask.bounds import MAX_BATCH, MAX_DELAY_SECONDS, MAX_DEPENDS, Checks
from qless_flask.errors import QlessError
from qless_flask.models.jobs import NewJob
from qless_flask.models.leases import Lease, Popped
from qless_flask.models.words import MISSING, Missing, State


@dataclass(frozen=True, slots=True)
class Complete:
    """The stage is done: on to `next`, else to the pipeline's next queue, else the job is complete.

    `next` comes before what the pipeline holds. `delay` (seconds) holds the next stage back; `data` replaces the job's.
    With `depends` the next stage waits for those jobs first (and `delay` begins when they are complete). `puts` are put
    in the same step, before anything else: what `depends` names may be among them.
    """

    lease: Lease
    _: KW_ONLY
    data: str | None = None
    next: str | None = None
    delay: float = 0.0
    result: str | None = None
    depends: tuple[str, ...] = ()
    missing: Missing = "refuse"
    puts: tuple[NewJob, ...] = ()

    def __post_init__(self) -> None:
        check = Checks()
        for name in ("data", "result"):
            value = getattr(self, name)
            if value is not None:
                check.json(name, value)
        if self.next is not None:
            check.name("next", self.next)
        check.seconds("delay", self.delay, 0, MAX_DELAY_SECONDS)
        if self.depends:
            check.texts("depends", self.depends, most=MAX_DEPENDS)
            object.__setattr__(self, "depends", tuple(dict.fromkeys(self.depends)))
        check.one_of("missing", self.missing, MISSING)
        if self.puts:
            check.kinds("puts", self.puts, NewJob, most=MAX_BATCH)
            object.__setattr__(self, "puts", tuple(self.puts))
            for index, job in enumerate(self.puts):
                if isinstance(job, NewJob) and job.jid == self.lease.jid and job.if_exists == "replace":
                    check.wrong(f"puts.{index}", "cannot replace the job that it follows")
        check.done()


@dataclass(frozen=True, slots=True)
class Retry:
    """The run did not work out: again after `delay` seconds, or failed under `group` when no retry remains."""

    lease: Lease
    _: KW_ONLY
    delay: float | None = None
    """None: as the back-off says."""
    group: str = "retries"
    message: str = ""

    def __post_init__(self) -> None:
        check = Checks()
        if self.delay is not None:
            check.seconds("delay", self.delay, 0, MAX_DELAY_SECONDS)
        check.text("group", self.group)
        check.message("message", self.message)
        check.done()


@dataclass(frozen=True, slots=True)
class Fail:
    """A person must look at it: failed at once, under `group`."""

    lease: Lease
    _: KW_ONLY
    group: str
    message: str = ""
    data: str | None = None

    def __post_init__(self) -> None:
        check = Checks()
        check.text("group", self.group)
        check.message("message", self.message)
        if self.data is not None:
            check.json("data", self.data)
        check.done()


@dataclass(frozen=True, slots=True)
class Release:
    """Give the job back unharmed: no retry counted, same place in the queue (a new one after a `delay`)."""

    lease: Lease
    _: KW_ONLY
    delay: float = 0.0

    def __post_init__(self) -> None:
        check = Checks()
        check.seconds("delay", self.delay, 0, MAX_DELAY_SECONDS)
        check.done()


Settlement = Complete | Retry | Fail | Release


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of a job: the state that the settle left it in."""

    jid: str
    state: State


@dataclass(frozen=True, slots=True)
class Exchanged:
    """What became of each settlement, in order, and what was popped."""

    results: tuple[Settled | QlessError, ...]
    popped: Popped
