"""What goes between a worker process and its store: settlements out, jobs in, in one round trip."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Sequence
from dataclasses import replace

from qless_flask.backends.base import Namespace
from qless_flask.errors import Forbidden, QlessError, WorkerNotFound
from qless_flask.models import Order, Pop, Popped, Retry, Settled, Settlement
from qless_flask.worker.outage import NOT_NOW

logger = logging.getLogger("qless_flask.worker")


class Post:
    """One worker's line to its namespace."""

    def __init__(
        self,
        namespace: Namespace,
        worker: str,
        queues: Sequence[str],
        *,
        capabilities: Sequence[str] = (),
        order: Order = "listed",
    ) -> None:
        self._namespace = namespace
        # Checked once here, so that what cannot be is told at the start.
        self._pop = Pop(tuple(queues), worker, capabilities=tuple(capabilities), order=order)
        # A worker of the same name that was here before must not be answered with its requests.
        self._session = secrets.token_hex(4)
        self._pops = 0
        self._begun = False

    def exchange(self, settlements: Sequence[Settlement], limit: int, wait: float) -> Popped:
        """Settle, and pop up to `limit` jobs. After an error the same again is safe: nothing happens twice."""
        if limit == 0:
            self.settle(settlements)
            return Popped(())
        if not self._begun:
            self._begin()
        pop = replace(self._pop, limit=limit, request=f"{self._session}-{self._pops}")
        try:
            exchanged = self._namespace.exchange(settlements, pop, wait=wait)
        except NOT_NOW:
            raise
        except QlessError:
            if not settlements:
                raise
            # One of them cannot be taken, and held the others up: find out which.
            self._settle_singly(settlements)
            return Popped(())
        self._pops += 1
        _report(settlements, exchanged.results)
        return exchanged.popped

    def settle(self, settlements: Sequence[Settlement]) -> None:
        """Only settle."""
        try:
            _report(settlements, self._namespace.settle(settlements))
        except NOT_NOW:
            raise
        except QlessError:
            self._settle_singly(settlements)

    def _begin(self) -> None:
        """Forget what a worker of the same name, who is gone, was asked."""
        asked = ""
        try:
            [known] = self._namespace.workers([self._pop.worker])
            asked = "to end" if known.stop else "to be quiet" if known.quiet else ""
            if known.quiet:
                self._namespace.quiet(known.name, on=False)
            if known.stop:
                self._namespace.stop(known.name, on=False)
        except WorkerNotFound:
            pass
        except Forbidden as error:
            # An operator asked, and it takes one to take that back. Whether this worker may pop is told by its pop.
            if asked:
                hint = "start it under another name, or take that back (workers)"
                logger.warning("worker %s was asked %s before it began: %s; %s", self._pop.worker, asked, hint, error)
        self._begun = True

    def _settle_singly(self, settlements: Sequence[Settlement]) -> None:
        for settlement in settlements:
            try:
                _report([settlement], self._namespace.settle([settlement]))
            except NOT_NOW:
                raise
            except QlessError as error:
                logger.error("job %s cannot be settled so: %s", settlement.lease.jid, error)
                # Too much data, most likely. The job must not run on as if held, so its failure says why.
                retry = Retry(settlement.lease, group=error.code, message=error.message)
                _report([retry], self._namespace.settle([retry]))


def _report(settlements: Sequence[Settlement], results: Sequence[Settled | QlessError]) -> None:
    for settlement, result in zip(settlements, results, strict=True):
        if isinstance(result, QlessError):
            kind = type(settlement).__name__.lower()
            logger.warning("job %s: its %s came to nothing: %s", settlement.lease.jid, kind, result)
