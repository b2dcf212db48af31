"""What workers are asked: to pop no more, or to end."""

from __future__ import annotations

from qless_flask.backends.sqlite.figure_statements import COUNT_WISHES, SET_WISHES, WISHES
from qless_flask.backends.sqlite.look import Look
from qless_flask.backends.sqlite.selection import workers
from qless_flask.backends.sqlite.statements import DELETE_WORKER
from qless_flask.backends.sqlite.step import Step
from qless_flask.backends.steps import Wish
from qless_flask.models import Actor, Worker

_EVENTS: dict[Wish, str] = {"quiet": "quieted", "stop": "stopped"}


def wished(look: Look, worker: str) -> tuple[bool, bool]:
    """Tell whether a worker is asked to be quiet, and whether to stop; where nobody is, without a look."""
    found = look.connection.execute(WISHES, (look.namespace, worker)).fetchone() if look.wishes else None
    return (bool(found[0]), bool(found[1])) if found else (False, False)


def ask(step: Step, name: str, wish: Wish, on: bool, actor: Actor | None) -> Worker:
    """Ask something of a worker, or no longer ask it. Raise WorkerNotFound."""
    [worker] = workers(step, [name])
    if getattr(worker, wish) != on:
        _set(step, worker, on if wish == "quiet" else worker.quiet, on if wish == "stop" else worker.stop)
        step.tell(_EVENTS[wish] if on else "resumed", None, None, None, None, name, actor=actor)
    [worker] = workers(step, [name])
    return worker


def forget_worker(step: Step, name: str) -> None:
    """Delete a worker, and what is asked of it."""
    if any(wished(step, name)):
        count(step, -1)
    step.connection.execute(DELETE_WORKER, (step.namespace, name))


def count(step: Step, difference: int) -> None:
    """Count workers that come to be asked something, or no longer."""
    step.wishes += difference
    step.connection.execute(COUNT_WISHES, (step.wishes, step.namespace))


def _set(step: Step, worker: Worker, quiet: bool, stop: bool) -> None:
    count(step, (quiet or stop) - (worker.quiet or worker.stop))
    step.connection.execute(SET_WISHES, (quiet, stop, step.namespace, worker.name))
