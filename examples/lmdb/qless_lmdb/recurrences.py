"""Recurrences: kept, listed, and fired by compare-and-set."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice, takewhile

from qless_flask.backends.store import to_milliseconds
from qless_flask.errors import RecurrenceNotFound
from qless_flask.models import ENDED, Actor, NewJob, Put, Recurrence, Recurring, read_rule, rule_message
from qless_lmdb.look import Look
from qless_lmdb.puts import put
from qless_lmdb.records import RECURRENCE, EventState, RecurrenceState, milliseconds, seconds
from qless_lmdb.step import Step


def recurrences(look: Look, ids: Sequence[str] | None, due: bool, after: str | None, limit: int) -> list[Recurring]:
    """List recurrences by id, those that are due, or those named. Raise RecurrenceNotFound."""
    if ids is not None:
        return [_found(look, id) for id in ids]
    if due:
        return [_found(look, id) for id in islice(_due(look), limit)]
    walk = look.walk("recurrence", after=() if after is None else (after,), most=limit)
    return [read_recurring(RECURRENCE.decode(value)) for _, value in walk]


def recur(step: Step, rule: Recurrence, next_at: float | None, actor: Actor | None) -> Recurring:
    """Keep a rule; `next_at` is its next run if it is new or its timing is another."""
    old = _find(step, rule.id or "")
    if old is None:
        made = Recurring(rule, next_at, paused=False, fired=0, last_at=None, last_jid=None)
    else:
        keeps = old.next_at is not None and old.rule.timing() == rule.timing()
        made = replace(old, rule=rule, next_at=old.next_at if keeps else next_at)
        made = replace(made, next_at=_unless_over(made))
    return _change(step, made, actor)


def unrecur(step: Step, id: str, actor: Actor | None) -> None:
    """Delete a recurrence. Raise RecurrenceNotFound."""
    found = _found(step, id)
    _leave_due(step, id)
    step.unset("recurrence", id)
    _tell(step, found, actor)


def pause(step: Step, id: str, actor: Actor | None) -> Recurring:
    """Let a recurrence put nothing by itself. Raise RecurrenceNotFound."""
    return _change(step, replace(_found(step, id), paused=True), actor)


def resume(step: Step, seen: Recurring, next_at: float | None, actor: Actor | None) -> Recurring | None:
    """Let a recurrence go on, unless its rule is another than was seen. Raise RecurrenceNotFound."""
    found = _found(step, seen.rule.id or "")
    return _change(step, replace(found, paused=False, next_at=next_at), actor) if found.rule == seen.rule else None


def run(step: Step, seen: Recurring, job: NewJob, due_at: float, actor: Actor | None) -> Put | None:
    """Put a job of a recurrence, unless its rule is another than was seen. Raise RecurrenceNotFound."""
    found = _found(step, seen.rule.id or "")
    if found.rule != seen.rule:
        return None
    answer = put(step, job, recurrence=found.rule.id, due_at=to_milliseconds(due_at), actor=actor)
    save(step, replace(found, last_at=due_at, last_jid=answer.jid))
    return answer


def fire(step: Step, seen: Recurring, jobs: Sequence[NewJob], due: Sequence[float], next_at: float | None) -> list[Put]:
    """Put jobs, each for its time, and set the next run, if the recurrence stands as it was seen and is due."""
    found = _find(step, seen.rule.id or "")
    if found is None or not _is_due(step, found, seen):
        return []
    found = replace(found, next_at=next_at)
    if found.rule.overlap == "skip" and _is_under_way(step, found.last_jid):
        jobs = due = ()
    puts = [
        put(step, job, recurrence=found.rule.id, due_at=to_milliseconds(at)) for job, at in zip(jobs, due, strict=True)
    ]
    if puts:
        found = replace(found, fired=found.fired + len(puts), last_at=due[-1], last_jid=puts[-1].jid)
    save(step, replace(found, next_at=_unless_over(found)))
    return puts


def save(step: Step, recurring: Recurring) -> Recurring:
    """Keep a recurrence as it stands, and answer it as it is read back."""
    id = recurring.rule.id or ""
    _leave_due(step, id)
    kept = RecurrenceState(
        rule=rule_message(recurring.rule),
        next_at=milliseconds(recurring.next_at),
        paused=recurring.paused,
        fired=recurring.fired,
        last_at=milliseconds(recurring.last_at),
        last_jid=recurring.last_jid,
    )
    step.set(kept.encoded(), "recurrence", id)
    if kept.next_at is not None and not kept.paused:
        step.set(b"", "due", kept.next_at, id)
    return read_recurring(kept)


def read_recurring(kept: RecurrenceState) -> Recurring:
    """Show a recurrence."""
    return Recurring(
        read_rule(kept.rule), seconds(kept.next_at), kept.paused, kept.fired, seconds(kept.last_at), kept.last_jid
    )


def _found(look: Look, id: str) -> Recurring:
    found = _find(look, id)
    if found is None:
        raise RecurrenceNotFound.about(id)
    return found


def _find(look: Look, id: str) -> Recurring | None:
    kept = look.record(RECURRENCE, "recurrence", id)
    return None if kept is None else read_recurring(kept)


def _due(look: Look) -> Iterator[str]:
    keys = (key for key, _ in look.walk("due"))
    return (str(id) for _, id in takewhile(lambda key: int(key[0]) <= look.now, keys))


def _leave_due(step: Step, id: str) -> None:
    kept = step.record(RECURRENCE, "recurrence", id)
    if kept and kept.next_at is not None:
        step.unset("due", kept.next_at, id)


def _unless_over(recurring: Recurring) -> float | None:
    """The next run, unless it has fired as often as it should."""
    count = recurring.rule.count
    return None if count is not None and recurring.fired >= count else recurring.next_at


def _is_due(look: Look, found: Recurring, seen: Recurring) -> bool:
    stands = (found.rule, found.next_at, found.fired) == (seen.rule, seen.next_at, seen.fired)
    return stands and not found.paused and found.next_at is not None and to_milliseconds(found.next_at) <= look.now


def _is_under_way(look: Look, jid: str | None) -> bool:
    job = look.find(jid) if jid is not None else None
    return job is not None and job.state not in ENDED


def _change(step: Step, recurring: Recurring, actor: Actor | None) -> Recurring:
    saved = save(step, recurring)
    _tell(step, saved, actor)
    return saved


def _tell(step: Step, recurring: Recurring, actor: Actor | None) -> None:
    rule = recurring.rule
    event = EventState(at=step.now, event="recurrence_changed", queue=rule.queue, recurrence=rule.id)
    step.log(event, actor)
