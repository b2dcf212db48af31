"""The recurrences of the model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from qless_flask.backends.store import to_milliseconds, to_seconds
from qless_flask.errors import RecurrenceNotFound
from qless_flask.models import ENDED, Actor, NewJob, Put, Recurrence, Recurring
from qless_flask.testing.model.puts import put
from qless_flask.testing.model.world import World


def recur(world: World, rule: Recurrence, next_at: float | None, actor: Actor | None) -> Recurring:
    """Make a recurrence, or give it another rule; then it keeps its next run while its timing stays."""
    assert rule.id
    old = world.recurrences.get(rule.id)
    next_at = None if next_at is None else to_seconds(to_milliseconds(next_at))
    made = Recurring(rule, next_at, paused=False, fired=0, last_at=None, last_jid=None)
    if old:
        keeps = old.next_at is not None and old.rule.timing() == rule.timing()
        made = replace(old, rule=rule, next_at=old.next_at if keeps else next_at)
        if rule.count is not None and made.fired >= rule.count:
            made = replace(made, next_at=None)
    world.begun = True
    return _keep(world, made, actor)


def find(world: World, id: str) -> Recurring:
    """Find a recurrence, or raise RecurrenceNotFound."""
    if id not in world.recurrences:
        raise RecurrenceNotFound.about(id)
    return world.recurrences[id]


def delete(world: World, id: str, actor: Actor | None) -> None:
    """Delete a recurrence."""
    rule = find(world, id).rule
    del world.recurrences[id]
    world.log("recurrence_changed", rule.queue, recurrence=id, actor=actor)


def pause(world: World, id: str, actor: Actor | None) -> Recurring:
    """Let it put nothing by itself."""
    return _keep(world, replace(find(world, id), paused=True), actor)


def resume(world: World, seen: Recurring, next_at: float | None, actor: Actor | None) -> Recurring | None:
    """Let it go on, unless its rule is another than was seen."""
    stored = find(world, seen.rule.id or "")
    return _keep(world, replace(stored, paused=False, next_at=next_at), actor) if stored.rule == seen.rule else None


def run(world: World, seen: Recurring, job: NewJob, due_at: float, actor: Actor | None) -> Put | None:
    """Put a job of it out of turn, unless its rule is another than was seen."""
    assert seen.rule.id
    stored, due = find(world, seen.rule.id), to_milliseconds(due_at)
    if stored.rule != seen.rule:
        return None
    with world.whole():
        answer = put(world, job, recurrence=seen.rule.id, due=due, actor=actor)
    world.recurrences[seen.rule.id] = replace(stored, last_at=to_seconds(due), last_jid=answer.jid)
    return answer


def fire(
    world: World, seen: Recurring, jobs: Sequence[NewJob], due: Sequence[float], next_at: float | None
) -> list[Put]:
    """Put its jobs and set its next run, if it stands as it was seen, and is due."""
    id = seen.rule.id or ""
    stored = world.recurrences.get(id)
    if stored is None or (stored.rule, stored.next_at, stored.fired) != (seen.rule, seen.next_at, seen.fired):
        return []
    if stored.paused or stored.next_at is None or to_milliseconds(stored.next_at) > world.now:
        return []
    last = world.jobs.get(stored.last_jid or "")
    if stored.rule.overlap == "skip" and last and last.state not in ENDED:
        jobs = due = ()
    with world.whole():
        puts = [put(world, job, recurrence=id, due=to_milliseconds(at)) for job, at in zip(jobs, due, strict=True)]
    over = stored.rule.count is not None and stored.fired + len(puts) >= stored.rule.count
    fired = replace(stored, next_at=None if over else next_at, fired=stored.fired + len(puts))
    world.recurrences[id] = replace(fired, last_at=due[-1], last_jid=puts[-1].jid) if puts else fired
    return puts


def _keep(world: World, recurring: Recurring, actor: Actor | None) -> Recurring:
    assert recurring.rule.id
    world.recurrences[recurring.rule.id] = recurring
    world.log("recurrence_changed", recurring.rule.queue, recurrence=recurring.rule.id, actor=actor)
    return recurring
