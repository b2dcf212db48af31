"""What queues, the namespace, workers and tags are told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from qless_flask.backends.steps import Wish
from qless_flask.errors import Frozen, NotEmpty, QueueNotFound, WorkerNotFound
from qless_flask.models import STATES, Actor, NamespaceSettings, Queue, Setting, Tag, Worker, setting_message
from qless_lmdb import lookups, shown
from qless_lmdb.limits import settings_changed
from qless_lmdb.records import WORKER, EventState
from qless_lmdb.step import Step


def configure(
    step: Step, queue: str, changes: Mapping[str, Setting], inherit: Sequence[str], actor: Actor | None
) -> Queue:
    """Change the settings of a queue."""
    found, before = step.know(queue), step.settings_of(queue)
    found.settings = _changed(found.settings, changes, inherit)
    step.save_queue(found)
    settings_changed(step, queue, before)
    step.log(EventState(at=step.now, event="configured", queue=queue), actor)
    return lookups.queue(step, queue)


def pause(step: Step, queue: str, actor: Actor | None) -> Queue:
    """Let nothing be popped from a queue."""
    found = step.know(queue)
    found.paused = True
    step.save_queue(found)
    step.log(EventState(at=step.now, event="paused", queue=queue), actor)
    return lookups.queue(step, queue)


def resume(step: Step, queue: str, actor: Actor | None) -> Queue:
    """Let a queue be popped from again."""
    found = step.queue(queue)
    if found is None:
        raise QueueNotFound.about(queue)
    found.paused = False
    step.save_queue(found)
    step.log(EventState(at=step.now, event="resumed", queue=queue), actor)
    return lookups.queue(step, queue)


def forget(step: Step, queue: str, actor: Actor | None) -> None:
    """Delete an empty queue, its settings and its pops."""
    if step.queue(queue) is None:
        raise QueueNotFound.about(queue)
    if any(step.jobs_in(queue, state) for state in STATES):
        raise NotEmpty.about(queue)
    for (key,), _ in step.walk("popped", queue):
        step.unset("popped", queue, key)
    step.forget_queue(queue)
    step.log(EventState(at=step.now, event="forgotten", queue=queue), actor)


def configure_namespace(
    step: Step, changes: Mapping[str, Setting], inherit: Sequence[str], actor: Actor | None
) -> NamespaceSettings:
    """Change the settings of all queues that do not say otherwise."""
    before = {queue: step.settings_of(queue) for queue in step.queue_names()}
    step.set_own(_changed(step.itself.settings, changes, inherit))
    for queue, settings in before.items():
        settings_changed(step, queue, settings)
    step.log(EventState(at=step.now, event="configured"), actor)
    return step.settings()


def freeze(step: Step, on: bool, actor: Actor | None) -> NamespaceSettings:
    """Make the namespace read-only, or thaw it. Raise Frozen where it is being erased."""
    if step.itself.erasing and not on:
        raise Frozen.about(step.name)
    if on != step.itself.frozen:
        step.itself.frozen = on
        step.log(EventState(at=step.now, event="frozen" if on else "thawed"), actor)
    return step.settings()


def ask(step: Step, worker: str, wish: Wish, on: bool, actor: Actor | None) -> Worker:
    """Ask a worker to be quiet or to stop, or no longer ask that."""
    found = step.record(WORKER, "worker", worker)
    if found is None:
        raise WorkerNotFound.about(worker)
    if getattr(found, wish) != on:
        setattr(found, wish, on)
        step.set(found.encoded(), "worker", worker)
        event = "resumed" if not on else "quieted" if wish == "quiet" else "stopped"
        step.log(EventState(at=step.now, event=event, worker=worker), actor)
    return shown.worker(step, worker)


def track(step: Step, tag: str, on: bool, actor: Actor | None) -> Tag:
    """Follow a tag, or no longer."""
    if on != (step.value("tracked tag", tag) is not None):
        if on:
            step.set(b"", "tracked tag", tag)
        else:
            step.unset("tracked tag", tag)
        step.log(EventState(at=step.now, event="tracked" if on else "untracked", tags=[tag]), actor)
    return lookups.tag(step, tag)


def _changed(own: Mapping[str, Any], changes: Mapping[str, Setting], inherit: Sequence[str]) -> dict[str, Any]:
    kept = {name: value for name, value in own.items() if name not in inherit}
    return kept | {name: setting_message(value) for name, value in changes.items()}
