"""Leases: asked for, given, and proved by their tokens."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass

from qless_flask.bounds import MAX_BATCH, MAX_CAPABILITIES, MAX_PROGRESS_BYTES, Checks
from qless_flask.models.jobs import Job
from qless_flask.models.words import ORDERS, Order


@dataclass(frozen=True, slots=True)
class Lease:
    """One worker's right to one job, proved by its token.

    `expires_at` None: it does not expire by itself. A settle or heartbeat needs only jid and token.
    """

    jid: str
    token: str
    expires_at: float | None = None
    job: Job | None = None

    def __post_init__(self) -> None:
        check = Checks()
        check.text("jid", self.jid)
        check.text("token", self.token)
        check.done()


@dataclass(frozen=True, slots=True)
class Beat:
    """A lease to renew, and what its worker has to say: how far it is, and data to put in place of the job's."""

    lease: Lease
    _: KW_ONLY
    progress: str | None = None
    data: str | None = None

    def __post_init__(self) -> None:
        check = Checks()
        for name in ("progress", "data"):
            value = getattr(self, name)
            if value is not None:
                check.json(name, value)
        if isinstance(self.progress, str) and len(self.progress.encode(errors="replace")) > MAX_PROGRESS_BYTES:
            check.wrong("progress", f"must be at most {MAX_PROGRESS_BYTES:,} bytes")
        check.done()


@dataclass(frozen=True, slots=True)
class Renewed:
    """A lease that was renewed, and what its worker is asked to do: pop no more (`quiet`), or end (`stop`)."""

    jid: str
    expires_at: float | None
    quiet: bool = False
    stop: bool = False


@dataclass(frozen=True, slots=True)
class Pop:
    """What a worker asks for: up to `limit` jobs of `queues`.

    `listed` takes all it can of the first queue, then of the next; `round_robin` one of each in turn, beginning one
    queue further along the list after each such pop that found something. The same worker and `request` within a
    heartbeat is given the same leases again. `capabilities` is what the worker offers: it is given only jobs that
    require nothing else.
    """

    queues: tuple[str, ...]
    worker: str
    limit: int = 1
    _: KW_ONLY
    capabilities: tuple[str, ...] = ()
    order: Order = "listed"
    request: str | None = None

    def __post_init__(self) -> None:
        check = Checks()
        check.names("queues", self.queues, least=1, most=MAX_BATCH)
        check.text("worker", self.worker)
        check.integer("limit", self.limit, 1, MAX_BATCH)
        check.texts("capabilities", self.capabilities, most=MAX_CAPABILITIES)
        check.one_of("order", self.order, ORDERS)
        if self.request is not None:
            check.text("request", self.request)
        check.done()
        object.__setattr__(self, "queues", tuple(dict.fromkeys(self.queues)))
        object.__setattr__(self, "capabilities", tuple(sorted(set(self.capabilities))))


@dataclass(frozen=True, slots=True)
class Popped:
    """The leases of a pop, as a sequence; `retry_at` says when to look again where there are none."""

    leases: tuple[Lease, ...]
    retry_at: float | None = None
    """The next time that something is due or lost here (Unix seconds); None: nothing is in sight."""
    quiet: bool = False
    """The worker is asked to pop no more, and gets nothing."""
    stop: bool = False
    """The worker is asked to end, and gets nothing."""

    def __iter__(self) -> Iterator[Lease]:
        return iter(self.leases)

    def __len__(self) -> int:
        return len(self.leases)

    def __getitem__(self, index: int) -> Lease:
        return self.leases[index]
