"""The contract over HTTP: each method posts its operation to `operations/{name}` of a server of ours.

A lost answer is asked for again where that cannot do the thing twice: look-ups, heartbeats, settles, pops and exchanges
(each has a `request`; one is made up where the caller gave none), cancel, upkeep, and puts as told there. Anything else
then is BackendUnavailable: it may have happened or not.
"""

from __future__ import annotations

import random
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar
from urllib.parse import quote

import httpx

from qless_flask.backends.base import Backend, Namespace
from qless_flask.backends.http.transport import Transport
from qless_flask.bounds import MAX_WAIT_SECONDS, Checks, check_batch
from qless_flask.errors import BackendUnavailable, QlessError
from qless_flask.models import (
    Actor,
    Changes,
    EventPage,
    Exchanged,
    Filter,
    Job,
    Lease,
    LogLine,
    NewJob,
    Order,
    Page,
    Pop,
    Popped,
    Promoted,
    Pruned,
    Put,
    Queue,
    Setting,
    Settled,
    Settlement,
    Worker,
    checked_settings,
    new_jid,
)
from qless_flask.schemas.mount import NamespacesSchema, ReadySchema
from qless_flask.schemas.noun import load_answer
from qless_flask.schemas.operations import OPERATIONS

POLL_SECONDS = 30.0
"""How long one request waits: under the 60 s after which many a proxy cuts a silent connection."""
EARLY = 0.9
"""The share of its wait before which an empty poll was answered early."""
FIRST_PAUSE_SECONDS = 0.05
LONGEST_PAUSE_SECONDS = 1.0

Answer = TypeVar("Answer", Popped, EventPage)


class HTTPBackend(Backend):
    """A server of ours, at the URL that it is mounted at."""

    def __init__(self, url: str, *, transport: httpx.BaseTransport | None = None, timeout: float = 30.0) -> None:
        """Remember the URL; nothing is sent yet. `timeout` is in seconds, what a poll waits not counted."""
        self._transport = Transport(url, transport=transport, timeout=timeout)

    def namespace(self, name: str) -> Namespace:
        return HTTPNamespace(name, self._transport)

    def namespaces(self) -> list[str]:
        answer = load_answer(NamespacesSchema(), self._transport.get("api/v1/namespaces"))
        return [each["name"] for each in answer["namespaces"]]

    def ping(self) -> list[str]:
        return list(load_answer(ReadySchema(), self._transport.get("readyz", tries=1))["warnings"])

    def close(self) -> None:
        self._transport.close()


class HTTPNamespace(Namespace):
    """A namespace of a server of ours. What is out of bounds the server says."""

    def __init__(self, name: str, transport: Transport) -> None:
        check = Checks()
        check.name("namespace", name)
        check.done()
        self.name = name
        self._transport = transport
        # A name of dots alone would be taken for a step up the path.
        self._path = f"api/v1/namespaces/{quote(name, safe='').replace('.', '%2E')}/operations"

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
        puts = row.load_answer(self._transport.post(f"{self._path}/put", message, again=again))
        return [replace(put, created=True) if job.jid is None else put for job, put in zip(jobs, puts, strict=True)]

    def pop(
        self,
        queues: Sequence[str],
        worker: str,
        limit: int = 1,
        *,
        wait: float = 0.0,
        order: Order = "listed",
        request: str | None = None,
    ) -> Popped:
        check_batch("queues", queues, least=1)
        pop = Pop(tuple(queues), worker, limit, order=order, request=_made_up() if request is None else request)
        return self._pop(pop, wait)

    def heartbeat(self, leases: Sequence[Lease]) -> list[Lease | QlessError]:
        answers = self._call("heartbeat", leases=leases)
        return [
            answer if isinstance(answer, QlessError) else Lease(lease.jid, lease.token, answer["expires_at"])
            for lease, answer in zip(leases, answers, strict=True)
        ]

    def settle(self, settlements: Sequence[Settlement]) -> list[Settled | QlessError]:
        return list(self._call("settle", settlements=settlements))

    def exchange(self, settlements: Sequence[Settlement], pop: Pop, *, wait: float = 0.0) -> Exchanged:
        _check_wait(wait)
        deadline = time.monotonic() + wait
        pop = replace(pop, request=_made_up() if pop.request is None else pop.request)
        exchanged: Exchanged = self._call("exchange", min(wait, POLL_SECONDS), settlements=settlements, pop=pop)
        left = deadline - time.monotonic()
        if exchanged.popped.leases or left <= 0:
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

    def cancel(self, jids: Sequence[str], *, actor: Actor | None = None) -> list[Job | QlessError]:
        return list(self._call("cancel", jids=jids, actor=actor))

    def move(
        self,
        jids: Sequence[str],
        queue: str,
        *,
        delay: float = 0.0,
        actor: Actor | None = None,
    ) -> list[Job | QlessError]:
        return list(self._call("move", jids=jids, queue=queue, delay=delay, actor=actor))

    def update(self, jids: Sequence[str], changes: Changes, *, actor: Actor | None = None) -> list[Job | QlessError]:
        return list(self._call("update", jids=jids, changes=changes, actor=actor))

    def timeout(self, jids: Sequence[str], *, actor: Actor | None = None) -> list[Job | QlessError]:
        return list(self._call("timeout", jids=jids, actor=actor))

    # Look-ups

    def get(self, jids: Sequence[str]) -> list[Job | None]:
        return list(self._call("get", jids=jids))

    def lines(self, jid: str) -> list[LogLine]:
        return list(self._call("lines", jid=jid))

    def select(self, filter: Filter, cursor: str | None = None, limit: int = 50) -> Page:
        page: Page = self._call("select", filter=filter, cursor=cursor, limit=limit)
        return page

    def queues(self, names: Sequence[str] | None = None) -> list[Queue]:
        return list(self._call("queues", names=names))

    def workers(self, names: Sequence[str] | None = None) -> list[Worker]:
        return list(self._call("workers", names=names))

    def events(self, after: str | None = None, limit: int = 100, *, wait: float = 0.0) -> EventPage:
        _check_wait(wait)

        def ask(poll: float) -> EventPage:
            page: EventPage = self._call("events", poll, after=after, limit=limit)
            return page

        return self._poll(wait, ask, EventPage((), after or "0"))

    # Queues, live

    def configure(self, queue: str, changes: Mapping[str, Setting], *, actor: Actor | None = None) -> Queue:
        # Judged here already: JSON has no NaN, and the null in its place would be a setting.
        return self._queue("configure", queue=queue, changes=checked_settings(changes), actor=actor)

    def pause(self, queue: str, *, actor: Actor | None = None) -> Queue:
        return self._queue("pause", queue=queue, actor=actor)

    def resume(self, queue: str, *, actor: Actor | None = None) -> Queue:
        return self._queue("resume", queue=queue, actor=actor)

    def forget(self, queue: str, *, actor: Actor | None = None) -> None:
        self._call("forget", queue=queue, actor=actor)

    # Upkeep and records

    def promote(self, limit: int = 1000) -> Promoted:
        promoted: Promoted = self._call("promote", limit=limit)
        return promoted

    def prune(self, limit: int = 1000) -> Pruned:
        pruned: Pruned = self._call("prune", limit=limit)
        return pruned

    def lead(self, role: str, holder: str, seconds: float) -> bool:
        return bool(self._call("lead", role=role, holder=holder, seconds=seconds))

    def remember(self, name: str, value: str | None, expected: str | None) -> bool:
        return bool(self._call("remember", name=name, value=value, expected=expected))

    def recall(self, name: str) -> str | None:
        value: str | None = self._call("recall", name=name)
        return value

    def _call(self, operation: str, wait: float | None = None, /, **arguments: object) -> Any:
        row = OPERATIONS[operation]
        if wait is not None:
            arguments["wait"] = wait
        message = row.dump_arguments(arguments)
        again = message if row.repeatable else None
        return row.load_answer(self._transport.post(f"{self._path}/{operation}", message, again=again, wait=wait or 0))

    def _queue(self, operation: str, **arguments: object) -> Queue:
        queue: Queue = self._call(operation, None, **arguments)
        return queue

    def _pop(self, pop: Pop, wait: float) -> Popped:
        _check_wait(wait)

        def ask(poll: float) -> Popped:
            popped: Popped = self._call(
                "pop",
                poll,
                queues=pop.queues,
                worker=pop.worker,
                limit=pop.limit,
                order=pop.order,
                request=pop.request,
            )
            return popped

        return self._poll(wait, ask, Popped(()))

    def _poll(self, wait: float, ask: Callable[[float], Answer], nothing: Answer) -> Answer:
        """Ask in polls that a server takes, until there is something or the wait is over."""
        deadline, pause = time.monotonic() + wait, FIRST_PAUSE_SECONDS
        while True:
            began = time.monotonic()
            poll = max(0.0, min(deadline - began, POLL_SECONDS))
            try:
                answer = ask(poll)
            except BackendUnavailable:
                if wait and self._transport.closed.is_set():
                    return nothing
                raise
            now = time.monotonic()
            if not _is_empty(answer) or now >= deadline:
                return answer
            if now - began < EARLY * poll:
                # Answered before its time: the server had no place for a poll to wait in.
                self._transport.closed.wait(min(deadline - now, pause * random.uniform(0.5, 1)))
                pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
            else:
                pause = FIRST_PAUSE_SECONDS


def _is_empty(answer: Popped | EventPage) -> bool:
    return not (answer.leases if isinstance(answer, Popped) else answer.events)


def _check_wait(wait: float) -> None:
    check = Checks()
    check.seconds("wait", wait, 0, MAX_WAIT_SECONDS)
    check.done()


def _made_up() -> str:
    """Make a `request` of our own: then a pop whose answer is lost can be asked for again."""
    return secrets.token_urlsafe(12)
