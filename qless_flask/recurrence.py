"""When a rule is due, over APScheduler's triggers, their traps mended."""

from __future__ import annotations

from dataclasses import dataclass

from qless_flask.models import Recurrence, Recurring


@dataclass(frozen=True, slots=True)
class Firing:
    """What one firing comes to: the times to put jobs for, in order, and the next run after it, if there is one."""

    due: tuple[float, ...]
    next_at: float | None


def first(rule: Recurrence, now: float) -> float | None:
    """Find the first run of a rule (Unix seconds). Raise Invalid for a cron expression or time zone that is none."""
    if rule.interval is None:
        raise NotImplementedError
    return now + rule.interval if rule.first_at is None else rule.first_at


def following(seen: Recurring, now: float) -> float | None:
    """Find the first run after now of a recurrence that has a next run."""
    raise NotImplementedError


def fire(seen: Recurring, now: float) -> Firing:
    """Work out what a recurrence that is due comes to, by its `catchup`, `overlap` and `count`."""
    raise NotImplementedError


def upcoming(rule: Recurrence, now: float, count: int) -> list[float]:
    """List the next `count` runs of a rule, as if it were made now. Raise Invalid as `first` does."""
    raise NotImplementedError
