"""A job that this process holds a lease on."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import NoReturn

from qless_flask.backends.base import Namespace
from qless_flask.client.data import SAME, Data, dump_unless_same, only
from qless_flask.client.writing import Writing
from qless_flask.errors import JobCanceled, JobNotFound, LeaseLost, QlessError
from qless_flask.models import (
    Beat,
    Complete,
    Fail,
    Job,
    Lease,
    Missing,
    NewJob,
    Release,
    Renewed,
    Retry,
    Settled,
    Settlement,
)

LOST: tuple[type[QlessError], ...] = (LeaseLost, JobCanceled, JobNotFound)
"""What a store answers when a lease is no longer good for anything."""


class LeasedJob:
    """A popped job, to be worked and settled: `complete`, `retry`, `fail` or `release`.

    Every call raises LeaseLost, JobCanceled or JobNotFound when the lease is gone.
    """

    __slots__ = ("_clock_offset", "_data", "_namespace", "job", "lease", "lost", "settled", "writing")

    def __init__(self, namespace: Namespace, lease: Lease, writing: Writing | None = None) -> None:
        if lease.job is None:
            raise ValueError("a lease without its job: only a pop answers with both")
        self._namespace = namespace
        self.writing = writing or Writing()
        self._data: Data = SAME
        # The store's clock may be far from ours, but the pop tells it: the run began at this moment.
        self._clock_offset = (lease.job.started_at or time.time()) - time.monotonic()
        self.job: Job = lease.job
        self.lease = lease
        self.lost: QlessError | None = None
        """Why the lease is gone, once that is known; then stop working on the job."""
        self.settled: Settled | None = None
        """What became of the job, once the store has said so."""

    @property
    def jid(self) -> str:
        return self.lease.jid

    @property
    def klass(self) -> str:
        return self.job.klass

    @property
    def queue(self) -> str:
        return self.job.queue

    @property
    def tags(self) -> tuple[str, ...]:
        return self.job.tags

    @property
    def data(self) -> Data:
        """The job's data, as Python; changes of it are not kept unless given to `complete` or `fail`.

        Raise UnreadableData where it was written with a codec that is not here, or that cannot read it.
        """
        if self._data is SAME:
            self._data = self.writing.load(self.job.data)
        return self._data

    @property
    def ttl(self) -> float | None:
        """Seconds that are left of the lease, below 0 when it may be taken back; None: it does not expire."""
        if self.lease.expires_at is None:
            return None
        return self.lease.expires_at - self._clock_offset - time.monotonic()

    def heartbeat(self, *, progress: Data = SAME, data: Data = SAME) -> float | None:
        """Renew the lease, and tell how many seconds it now has; `data` takes the place of the job's."""
        beat = Beat(self.lease, progress=dump_unless_same(progress), data=self.writing.dump_unless_same(data))
        try:
            self.renewed(only(self._namespace.heartbeat([beat])))
        except LOST as error:
            self._lose(error)
        return self.ttl

    def renewed(self, renewed: Renewed) -> None:
        """Take over the expiry that a heartbeat answered."""
        self.lease = Lease(self.lease.jid, self.lease.token, renewed.expires_at, self.job)

    def progress(self, progress: Data) -> float | None:
        """Say how far it is (anything of JSON, up to 4 KiB), and renew the lease with that."""
        return self.heartbeat(progress=progress)

    def check(self) -> None:
        """Raise if the lease is known to be gone: a long loop calls this, and stops. Asks nobody."""
        if self.lost is not None:
            raise self.lost

    def log(self, message: str, data: Data = SAME) -> None:
        """Add a line to the job's log."""
        try:
            self._namespace.log(self.lease, message, dump_unless_same(data))
        except LOST as error:
            self._lose(error)

    def complete(
        self,
        *,
        next: str | None = None,
        delay: float = 0.0,
        data: Data = SAME,
        result: Data = SAME,
        depends: Sequence[str] = (),
        missing: Missing = "refuse",
        puts: Sequence[NewJob] = (),
    ) -> None:
        """End this stage: on to the queue `next`, else to the pipeline's next, else the job is complete.

        `result` is kept with the job. `puts` are put in the same step. The next stage waits for the jids in `depends`.
        """
        self._settle(
            Complete(
                self.lease,
                data=self.writing.dump_unless_same(data),
                next=next,
                delay=delay,
                result=self.writing.dump_unless_same(result),
                # A text is no list of letters: it goes on as it is, and is refused.
                depends=depends if isinstance(depends, str) else tuple(depends),  # type: ignore[arg-type]
                missing=missing,
                puts=tuple(map(self.writing.encoded, puts)),
            )
        )

    def retry(self, *, delay: float | None = None, group: str = "retries", message: str = "") -> None:
        """Run it again, after `delay` seconds; failed under `group` if no retry remains."""
        self._settle(Retry(self.lease, delay=delay, group=group, message=message))

    def fail(self, group: str, message: str = "", *, data: Data = SAME) -> None:
        """Give it to a person, under `group`."""
        self._settle(Fail(self.lease, group=group, message=message, data=self.writing.dump_unless_same(data)))

    def release(self, *, delay: float = 0.0) -> None:
        """Give it back unharmed."""
        self._settle(Release(self.lease, delay=delay))

    def _settle(self, settlement: Settlement) -> None:
        try:
            self.settled = only(self._namespace.settle([settlement]))
        except LOST as error:
            self._lose(error)

    def _lose(self, error: QlessError) -> NoReturn:
        self.lost = error
        raise error

    def __repr__(self) -> str:
        # As the store has it: what a codec hides must not stand in logs.
        data = (self.job.data or "")[:80]
        return f"<LeasedJob {self.jid} {self.klass} of {self.queue}: {data}>"
