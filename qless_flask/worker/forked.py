"""Running each job in a process of its own, so that what it leaks or breaks ends with it.

The processes are forked from one that has imported the modules and runs no threads (multiprocessing's fork server), and
answer with a settlement. A job's own heartbeats aside, `ttl` in there is what it was when the job was popped.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
import multiprocessing
import os
import signal
import threading
from dataclasses import dataclass
from multiprocessing.connection import Connection
from types import FrameType

from qless_flask.backends.hooked import Hooked
from qless_flask.client import Client
from qless_flask.client.functions import current_client, registry_of
from qless_flask.errors import QlessError
from qless_flask.models import Lease, Retry, Settlement
from qless_flask.worker.execution import Execution, settlement_after
from qless_flask.worker.logs import write_log
from qless_flask.worker.options import WorkerOptions
from qless_flask.worker.running import RunningJob

PROCESS_DIED = "process-died"
LINGER_SECONDS = 1.0
"""How long a process may stay after its answer, for what its job left running."""

logger = logging.getLogger("qless_flask.worker")


class ForkedExecution:
    """Runs jobs as `Execution` does, but elsewhere."""

    def __init__(self, options: WorkerOptions, client: Client) -> None:
        self._options = options
        self._context = multiprocessing.get_context("forkserver")
        # What each process would have to import first costs more than all else that it does.
        store = client.backend.inner if isinstance(client.backend, Hooked) else client.backend
        modules = [__name__, type(store).__module__, *client.plugins.modules(), *options.modules]
        self._context.set_forkserver_preload(modules)

    def run(self, job: RunningJob) -> Settlement | None:
        """Run a job, and wait for the end of its process. None: there is nothing left to settle."""
        ours, theirs = self._context.Pipe(duplex=False)
        process = self._context.Process(target=perform, args=(theirs, self._options, job.lease), name=job.klass)

        def interrupt(exception: type[Exception]) -> None:
            if process.pid is not None:
                process.kill()

        job.interrupt = interrupt
        process.start()
        theirs.close()
        if job.ending is not None:
            process.kill()
        answer = _receive(ours)
        process.join(LINGER_SECONDS)
        if process.exitcode is None:
            process.kill()
            process.join()
        return _outcome(job, answer, process.exitcode)


def perform(parent: Connection, options: WorkerOptions, lease: Lease) -> None:
    """Run one job, in its own process, and send how it went."""
    write_log(options.log_level)
    # The worker has said already what there is to say of the line to its server.
    logging.getLogger("qless_flask.http").setLevel(logging.ERROR)
    # A terminal or a service manager signals us along with the worker, which will see to it that we end.
    signal.signal(signal.SIGINT, _ignore)
    signal.signal(signal.SIGTERM, _ignore)
    threading.Thread(target=_end_with_worker, daemon=True).start()
    functions = registry_of(importlib.import_module(name) for name in options.modules)
    with options.open_client() as client:
        current_client.set(client)
        execution = Execution(functions, client.plugins)
        job = RunningJob(client.namespace, lease, client.writing)
        settlement = asyncio.run(execution.run_async(job)) if execution.is_async(job.klass) else execution.run(job)
        parent.send(Answer(settlement, job.lost))


@dataclass(frozen=True, slots=True)
class Answer:
    """What a job's process sends to the worker."""

    settlement: Settlement | None
    lost: QlessError | None


def _receive(connection: Connection) -> Answer | None:
    try:
        answer = connection.recv()
    except EOFError:
        return None
    finally:
        connection.close()
    assert isinstance(answer, Answer)
    return answer


def _outcome(job: RunningJob, answer: Answer | None, code: int | None) -> Settlement | None:
    if answer is not None and job.ending is None:
        job.lost = answer.lost
        return answer.settlement
    if job.ending is not None:
        return settlement_after(job, job.ending)
    said = f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"
    logger.error("job %s (%s): its process ended with %s", job.jid, job.klass, said)
    return Retry(job.lease, group=PROCESS_DIED, message=f"its process ended with {said}, without an answer")


def _ignore(number: int, frame: FrameType | None) -> None:
    # Not SIG_IGN, which programs that the job starts would inherit.
    pass


def _end_with_worker() -> None:
    worker = multiprocessing.parent_process()
    if worker is not None:
        worker.join()
        os._exit(1)
