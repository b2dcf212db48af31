"""A namespace over HTTP: each method posts its operation to `operations/{name}` of a server of ours.

A lost answer is asked for again where that cannot do the thing twice: look-ups, heartbeats, settles, pops and exchanges
(each has a `request`; one is made up where the caller gave none), cancel, finish, what is asked of workers, tags
followed, fire, upkeep, load, and puts as told there. Anything else then is BackendUnavailable: it may have happened or
not. (An erase that was done, asked for again, would delete what has been put since.)
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from dataclasses import replace

from qless_flask.backends.http.live import Live
from qless_flask.backends.http.lookups import Lookups
from qless_flask.backends.http.polls import POLL_SECONDS, check_wait
from qless_flask.bounds import Checks, check_batch
from qless_flask.errors import QlessError
from qless_flask.models import (
    Action,
    Actor,
    Beat,
    Changed,
    Changes,
    Complete,
    Dependents,
    Exchanged,
    Filter,
    Finish,
    Job,
    Lease,
    Missing,
    NewJob,
    Order,
    Pop,
    Popped,
    Put,
    Renewed,
    Settled,
    Settlement,
    new_jid,
    with_new_jid,
)
from qless_flask.schemas.operations import OPERATIONS


class HTTPNamespace(Lookups, Live):
    """The operations by which jobs go in, are worked, and end; with those on all else that is there."""

    # Jobs go in, are worked, and end

    def put(self, jobs: Sequence[NewJob]) -> list[Put]:
        check_batch("jobs", jobs)
        if not jobs:
            return []
        row = OPERATIONS["put"]
        message = row.dump_arguments({"jobs": jobs})
        for job in message["jobs"]:
            job.setdefault("jid", new_jid())
        # A lost answer is asked for again with `keep`, where that comes to the same: a jid made here cannot have been
        # there before, so what is found under it is ours; and `keep` stays `keep` (though then nobody knows which of
        # the two created the job, and `created` is False). With `reject` or `replace` of a given jid this put's job
        # could not be told from one that another put there meanwhile, nor the lease be spared that a worker took of it:
        # the caller hears that it may have happened or not.
        again = None
        if all(job.jid is None or job.if_exists == "keep" for job in jobs):
            again = {"jobs": [{**job, "if_exists": "keep"} for job in message["jobs"]]}
        puts: Sequence[Put] = row.load_answer(self._post("put", message, again=again))
        return [
            # Another jid is that of the job that holds its unique key.
            replace(put, created=True) if job.jid is None and put.jid == sent["jid"] else put
            for job, sent, put in zip(jobs, message["jobs"], puts, strict=True)
        ]

    def pop(
        self,
        queues: Sequence[str],
        worker: str,
        limit: int = 1,
        *,
        wait: float = 0.0,
        capabilities: Sequence[str] = (),
        order: Order = "listed",
        request: str | None = None,
    ) -> Popped:
        check_batch("queues", queues, least=1)
        pop = Pop(
            tuple(queues),
            worker,
            limit,
            capabilities=tuple(capabilities),
            order=order,
            request=_made_up() if request is None else request,
        )
        return self._pop(pop, wait)

    def heartbeat(self, beats: Sequence[Beat]) -> list[Renewed | QlessError]:
        return list(self._call("heartbeat", beats=beats))

    def settle(self, settlements: Sequence[Settlement]) -> list[Settled | QlessError]:
        return list(self._call("settle", settlements=_with_jids(settlements)))

    def exchange(self, settlements: Sequence[Settlement], pop: Pop, *, wait: float = 0.0) -> Exchanged:
        check_wait(wait)
        deadline = time.monotonic() + wait
        pop = replace(pop, request=_made_up() if pop.request is None else pop.request)
        exchanged: Exchanged = self._call(
            "exchange", min(wait, POLL_SECONDS), settlements=_with_jids(settlements), pop=pop
        )
        left = deadline - time.monotonic()
        if not _is_empty(exchanged.popped) or left <= 0:
            return exchanged
        return replace(exchanged, popped=self._pop(pop, left))

    def log(self, lease: Lease, message: str, data: str | None = None) -> None:
        if data is not None:
            # It goes into the body as it is: what is no JSON would break the body, not just itself.
            check = Checks()
            check.json("data", data)
            check.done()
        self._call("log", lease=lease, message=message, data=data)

    # By hand

    def cancel(
        self,
        jids: Sequence[str],
        *,
        dependents: Dependents = "refuse",
        actor: Actor | None = None,
    ) -> list[Job | QlessError]:
        return list(self._call("cancel", jids=jids, dependents=dependents, actor=actor))

    def move(
        self,
        jids: Sequence[str],
        queue: str,
        *,
        delay: float = 0.0,
        actor: Actor | None = None,
    ) -> list[Job | QlessError]:
        return list(self._call("move", jids=jids, queue=queue, delay=delay, actor=actor))

    def finish(self, jids: Sequence[str], end: Finish, *, actor: Actor | None = None) -> list[Job | QlessError]:
        return list(self._call("finish", jids=jids, end=end, actor=actor))

    def update(self, jids: Sequence[str], changes: Changes, *, actor: Actor | None = None) -> list[Job | QlessError]:
        return list(self._call("update", jids=jids, changes=changes, actor=actor))

    def timeout(self, jids: Sequence[str], *, actor: Actor | None = None) -> list[Job | QlessError]:
        return list(self._call("timeout", jids=jids, actor=actor))

    def depend(
        self,
        jid: str,
        on: Sequence[str] = (),
        off: Sequence[str] = (),
        *,
        missing: Missing = "refuse",
        actor: Actor | None = None,
    ) -> Job:
        job: Job = self._call("depend", jid=jid, on=on, off=off, missing=missing, actor=actor)
        return job

    def change(
        self,
        filter: Filter,
        action: Action,
        limit: int = 500,
        cursor: str | None = None,
        *,
        dry_run: bool = False,
        actor: Actor | None = None,
    ) -> Changed:
        changed: Changed = self._call(
            "change", filter=filter, action=action, limit=limit, cursor=cursor, dry_run=dry_run, actor=actor
        )
        return changed

    def _pop(self, pop: Pop, wait: float) -> Popped:
        def ask(poll: float) -> Popped:
            popped: Popped = self._call(
                "pop",
                poll,
                queues=pop.queues,
                worker=pop.worker,
                limit=pop.limit,
                capabilities=pop.capabilities,
                order=pop.order,
                request=pop.request,
            )
            return popped

        return self._polls.until(wait, ask, _is_empty, Popped(()))


def _is_empty(popped: Popped) -> bool:
    return not (popped.leases or popped.stop)


def _with_jids(settlements: Sequence[Settlement]) -> Sequence[Settlement]:
    """Give follow-up jobs their jids before they are sent, so that what is sent again is the same."""
    if not any(isinstance(each, Complete) and each.puts for each in settlements):
        return settlements
    return [
        replace(each, puts=tuple(job if job.jid else with_new_jid(job) for job in each.puts))
        if isinstance(each, Complete) and each.puts
        else each
        for each in settlements
    ]


def _made_up() -> str:
    """Make a `request` of our own: then a pop whose answer is lost can be asked for again."""
    return secrets.token_urlsafe(12)
