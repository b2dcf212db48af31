"""Recurrences: kept, listed, and fired by compare-and-set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import msgspec

from qless_flask.backends.sqlite.figure_statements import (
    DELETE_RECURRENCE,
    DUE_RECURRENCES,
    RECURRENCE,
    RECURRENCES,
    SAVE_RECURRENCE,
)
from qless_flask.backends.sqlite.look import Look
from qless_flask.backends.sqlite.puts import put
from qless_flask.backends.sqlite.record import state_name
from qless_flask.backends.sqlite.step import Step
from qless_flask.backends.store import to_milliseconds, to_seconds
from qless_flask.errors import RecurrenceNotFound
from qless_flask.models import ENDED, Actor, NewJob, Put, Recurrence, Recurring


def recurrences(look: Look, ids: Sequence[str] | None, due: bool, after: str | None, limit: int) -> list[Recurring]:
    """List recurrences by id, those that are due, or those named. Raise RecurrenceNotFound."""
    if ids is not None:
        return [_found(look, id) for id in ids]
    if due:
        rows = look.connection.execute(DUE_RECURRENCES, (look.namespace, look.now, limit))
    else:
        rows = look.connection.execute(RECURRENCES, (look.namespace, after or "", limit))
    return [read_recurring(row) for row in rows]


def recur(step: Step, rule: Recurrence, next_at: float | None, actor: Actor | None) -> Recurring:
    """Keep a rule; `next_at` is its next run if it is new or its timing is another."""
    found = _find(step, rule.id)
    if found is None:
        found = Recurring(rule, next_at, paused=False, fired=0, last_at=None, last_jid=None)
    else:
        keeps = found.next_at is not None and rule.timing() == found.rule.timing()
        found = replace(found, rule=rule, next_at=found.next_at if keeps else next_at)
        found = replace(found, next_at=_unless_over(found))
    return _change(step, found, actor)


def unrecur(step: Step, id: str, actor: Actor | None) -> None:
    """Delete a recurrence. Raise RecurrenceNotFound."""
    found = _found(step, id)
    step.connection.execute(DELETE_RECURRENCE, (step.namespace, id))
    _tell(step, found, actor)


def pause(step: Step, id: str, actor: Actor | None) -> Recurring:
    """Let a recurrence put nothing by itself. Raise RecurrenceNotFound."""
    return _change(step, replace(_found(step, id), paused=True), actor)


def resume(step: Step, seen: Recurring, next_at: float | None, actor: Actor | None) -> Recurring | None:
    """Let a recurrence go on, unless its rule is another than was seen. Raise RecurrenceNotFound."""
    found = _as_seen(step, seen)
    return _change(step, replace(found, paused=False, next_at=next_at), actor) if found else None


def run(step: Step, seen: Recurring, job: NewJob, due_at: float, actor: Actor | None) -> Put | None:
    """Put a job of a recurrence, unless its rule is another than was seen. Raise RecurrenceNotFound."""
    found = _as_seen(step, seen)
    if found is None:
        return None
    step.actor = actor
    [answer] = put(step, [job], recurrence=found.rule.id, due=[due_at])
    save(step, replace(found, last_at=due_at, last_jid=job.jid))
    return answer


def fire(step: Step, seen: Recurring, jobs: Sequence[NewJob], due: Sequence[float], next_at: float | None) -> list[Put]:
    """Put jobs, each for its time, and set the next run, if the recurrence stands as it was seen and is due."""
    found = _find(step, seen.rule.id)
    if found is None or not _is_due(step, found, seen):
        return []
    found = replace(found, next_at=next_at)
    if not jobs or (found.rule.overlap == "skip" and _is_under_way(step, found.last_jid)):
        save(step, found)
        return []
    answers = put(step, jobs, recurrence=found.rule.id, due=due)
    found = replace(found, fired=found.fired + len(jobs), last_at=due[-1], last_jid=jobs[-1].jid)
    save(step, replace(found, next_at=_unless_over(found)))
    return answers


def save(step: Step, found: Recurring) -> Recurring:
    """Write a recurrence as it stands, and answer it as it is read back."""
    rule = msgspec.json.encode(found.rule).decode()
    key = (step.begun(), found.rule.id)
    times = _milliseconds(found.next_at), _milliseconds(found.last_at)
    step.connection.execute(
        SAVE_RECURRENCE, (*key, rule, times[0], found.paused, found.fired, times[1], found.last_jid)
    )
    return read_recurring(step.connection.execute(RECURRENCE, key).fetchone())


def read_recurring(row: Sequence[Any]) -> Recurring:
    """Build a Recurring from its row without namespace and id."""
    rule, next_at, paused, fired, last_at, last_jid = row
    return Recurring(read_rule(rule), _seconds(next_at), bool(paused), fired, _seconds(last_at), last_jid)


@lru_cache(maxsize=1_000)
def read_rule(text: str) -> Recurrence:
    """Take a rule out of its column."""
    return msgspec.json.decode(text, type=Recurrence)


def _found(look: Look, id: str) -> Recurring:
    found = _find(look, id)
    if found is None:
        raise RecurrenceNotFound.about(id)
    return found


def _find(look: Look, id: str | None) -> Recurring | None:
    row = look.connection.execute(RECURRENCE, (look.namespace, id)).fetchone()
    return read_recurring(row) if row else None


def _as_seen(step: Step, seen: Recurring) -> Recurring | None:
    assert seen.rule.id is not None
    found = _found(step, seen.rule.id)
    return found if found.rule == seen.rule else None


def _unless_over(found: Recurring) -> float | None:
    """The next run, unless it has fired as often as it should."""
    return None if found.rule.count is not None and found.fired >= found.rule.count else found.next_at


def _is_due(step: Step, found: Recurring, seen: Recurring) -> bool:
    stands = (found.rule, found.next_at, found.fired) == (seen.rule, seen.next_at, seen.fired)
    return stands and not found.paused and found.next_at is not None and to_milliseconds(found.next_at) <= step.now


def _is_under_way(step: Step, jid: str | None) -> bool:
    record = step.find(jid) if jid else None
    return record is not None and state_name(record.state) not in ENDED


def _change(step: Step, found: Recurring, actor: Actor | None) -> Recurring:
    saved = save(step, found)
    _tell(step, saved, actor)
    return saved


def _tell(step: Step, found: Recurring, actor: Actor | None) -> None:
    step.tell("recurrence_changed", None, found.rule.queue, actor=actor, recurrence=found.rule.id)


def _seconds(milliseconds: int | None) -> float | None:
    return None if milliseconds is None else to_seconds(milliseconds)


def _milliseconds(seconds: float | None) -> int | None:
    return None if seconds is None else to_milliseconds(seconds)
