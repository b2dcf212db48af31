"""Recurrences as scripts keep them (lib/recurrence.lua): how they stand, and a rule that no script reads."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any, cast

from qless_flask.backends.redis.scripts import Argument, Reply
from qless_flask.backends.store import to_milliseconds, to_seconds
from qless_flask.models import Backoff, Recurrence, Recurring

_NAMES = tuple(each.name for each in fields(Recurrence))


def write_time(at: float | None) -> Argument:
    """Write a time in milliseconds, '' for none."""
    return "" if at is None else to_milliseconds(at)


def write_rule(rule: Recurrence) -> str:
    """Write a rule, always in the same way, so that two can be compared by their text."""
    values: dict[str, Any] = {name: getattr(rule, name) for name in _NAMES}
    if rule.backoff:
        values["backoff"] = rule.backoff.as_message()
    return json.dumps(values, ensure_ascii=False, separators=(",", ":"))


def write_timing(rule: Recurrence) -> str:
    """Write what the times of a rule depend on; 60 and 60.0 are the same."""
    words = [value + 0.0 if isinstance(value, (int, float)) else value for value in rule.timing()]
    return json.dumps(words)


def recur_arguments(rule: Recurrence, next_at: float | None) -> list[Argument]:
    """Write a rule that has an id, with its first run."""
    count = "" if rule.count is None else rule.count
    head = [cast(str, rule.id), rule.queue, rule.overlap, count, write_time(next_at)]
    return [*head, write_timing(rule), write_rule(rule)]


def seen_rule(seen: Recurring) -> list[Argument]:
    """Write which recurrence is meant, and by which rule it was seen to go."""
    return [cast(str, seen.rule.id), write_rule(seen.rule)]


def write_recurring(kept: Recurring) -> str:
    """Write a recurrence as it is kept."""
    rule = kept.rule
    words = (
        write_time(kept.next_at),
        "1" if kept.paused else "",
        kept.fired,
        write_time(kept.last_at),
        rule.queue,
        rule.overlap,
    )
    return "\n".join(("\t".join(map(str, words)), kept.last_jid or "", write_timing(rule), write_rule(rule)))


def read_recurring(reply: Reply) -> Recurring:
    """Read a recurrence as it is kept."""
    standing, last_jid, _timing, rule = cast(bytes, reply).decode().split("\n", 3)
    next_at, paused, fired, last_at, _queue, _overlap = standing.split("\t")
    return Recurring(
        rule=_read_rule(rule),
        next_at=to_seconds(int(next_at)) if next_at else None,
        paused=bool(paused),
        fired=int(fired),
        last_at=to_seconds(int(last_at)) if last_at else None,
        last_jid=last_jid or None,
    )


def _read_rule(text: str) -> Recurrence:
    values = json.loads(text)
    for name in ("tags", "pipeline"):
        values[name] = tuple(values[name])
    if values["backoff"]:
        values["backoff"] = Backoff.of(values["backoff"])
    return Recurrence(**values)
