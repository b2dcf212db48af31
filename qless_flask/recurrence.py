"""When a rule is due, over APScheduler's triggers, their traps mended.

An interval is counted in whole milliseconds. Of a cron rule APScheduler's CronTrigger finds the days; what o'clock that
is in a time zone, it is not asked: its weekdays count from Monday, it wants day of month and day of week both to match,
and runs a rule with a fixed hour twice when clocks go back. Here, as in Debian's cron(8), a job of a fixed time runs
once on a day of clock change: the first time where its time comes twice, at the change where it is left out; a job with
a wildcard (`*`) for hour or minute runs by real time.

Time zones are those of the `tzdata` package, whatever the host has, so that all processes find the same.
"""

from __future__ import annotations

import bisect
import calendar
import functools
import importlib.resources
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from apscheduler.triggers.cron import CronTrigger

from qless_flask import crontab
from qless_flask.bounds import MAX_DELAY_SECONDS
from qless_flask.errors import Invalid
from qless_flask.models import Recurrence, Recurring

LATE_SECONDS = 60.0
"""How late a time may be put with `catchup` `none`."""

_LAST = 2 * MAX_DELAY_SECONDS
_CORRECTION = timedelta(hours=3)
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Firing:
    """What one firing comes to: the times to put jobs for, in order, and the next run after it, if there is one."""

    due: tuple[float, ...]
    next_at: float | None


def first(rule: Recurrence, now: float) -> float | None:
    """Find the first run of a rule (Unix seconds). Raise Invalid for a cron expression or time zone that is none."""
    zone = _zone(rule.timezone)
    if rule.cron is not None:
        cron = _cron(rule.cron, zone)
        return cron.after(now if rule.first_at is None else rule.first_at - 0.001)
    begin = now + (rule.interval or 0) if rule.first_at is None else rule.first_at
    return _within(round(begin * 1000))


def following(seen: Recurring, now: float) -> float | None:
    """Find the first run after now of a recurrence that has a next run."""
    if seen.next_at is None or seen.next_at > now:
        return seen.next_at
    rule = seen.rule
    if rule.cron is not None:
        return _cron(rule.cron, _zone(rule.timezone)).after(now)
    begin, step = round(seen.next_at * 1000), _step(rule)
    return _within(begin + ((round(now * 1000) - begin) // step + 1) * step)


def fire(seen: Recurring, now: float) -> Firing:
    """Work out what a recurrence that is due comes to, by its `catchup`, `overlap` and `count`."""
    rule, next_at = seen.rule, following(seen, now)
    left = None if rule.count is None else max(0, rule.count - seen.fired)
    most = 1 if isinstance(rule.catchup, str) or rule.overlap == "skip" else rule.catchup
    due = _latest(seen, now, most if left is None else min(most, left))
    if rule.catchup == "none":
        due = [at for at in due if now - at <= LATE_SECONDS]
    # With `skip` the store may put nothing: then the last run is still to come.
    if left is not None and (left <= 0 or (len(due) >= left and rule.overlap != "skip")):
        next_at = None
    return Firing(tuple(due), next_at)


def upcoming(rule: Recurrence, now: float, count: int) -> list[float]:
    """List the next `count` runs of a rule, as if it were made now. Raise Invalid as `first` does."""
    at, found = first(rule, now), list[float]()
    if at is not None and at < now:
        at = following(Recurring(rule, at, False, 0, None, None), now)
    while at is not None and len(found) < min(count, rule.count or count):
        found.append(at)
        at = following(Recurring(rule, at, False, 0, None, None), at)
    return found


def _latest(seen: Recurring, now: float, most: int) -> list[float]:
    """The latest `most` of the times missed, from the next run to now; without a walk through all the others."""
    if seen.next_at is None or seen.next_at > now or most <= 0:
        return []
    if seen.rule.cron is not None:
        return _cron(seen.rule.cron, _zone(seen.rule.timezone)).latest(seen.next_at, now, most)
    begin, step = round(seen.next_at * 1000), _step(seen.rule)
    missed = (round(now * 1000) - begin) // step + 1
    return [(begin + each * step) / 1000 for each in range(max(0, missed - most), missed)]


def _step(rule: Recurrence) -> int:
    return round((rule.interval or 0) * 1000)


def _within(milliseconds: int) -> float | None:
    """A time, if it is one that a store takes."""
    return milliseconds / 1000 if milliseconds <= _LAST * 1000 else None


class _Cron:
    """A cron rule in a time zone."""

    def __init__(self, rule: crontab.Crontab, zone: ZoneInfo) -> None:
        self._rule, self._zone = rule, zone
        self._minutes = sorted(hour * 60 + minute for hour in rule.hours for minute in rule.minutes)
        months, days = _listed(rule.months, 12), _listed(rule.days, 31)
        weekdays = _listed({(each - 1) % 7 for each in rule.weekdays}, 7)
        if rule.either_day:
            self._triggers = [_days(months, days, "*"), _days(months, "*", weekdays)]
        else:
            self._triggers = [_days(months, days, weekdays)]
        # A rule is asked for one day's times again and again.
        self._day_from = functools.lru_cache(maxsize=8)(self._find_day)
        self._times = functools.lru_cache(maxsize=8)(self._find_times)

    def after(self, at: float) -> float | None:
        """Find the first time after one."""
        found: float | None = None
        day = self._day_from(self._day_of(at) - _DAY)
        while day is not None:
            times = self._times(day)
            index = bisect.bisect_right(times, at)
            if found is not None:
                # Where clocks go back over midnight, the next day has begun before this one is over.
                return min(found, times[index]) if index < len(times) else found
            if index < len(times):
                found = times[index]
                if found > _LAST:
                    return None
            day = self._day_from(day + _DAY)
        return found

    def latest(self, first: float, now: float, most: int) -> list[float]:
        """List the latest `most` times between two, of which the first is one whatever the rule says by now."""
        if self.after(first) == self.after(now):
            return [first]
        found: set[float] = {first}
        day, last = self._day_of(now) + _DAY, self._day_of(first) - _DAY
        enough = False
        while day >= last:
            if self._day_from(day) == day:
                found.update(at for at in self._times(day) if first < at <= now)
                if enough:
                    break
                enough = len(found) > most
            day -= _DAY
        return sorted(found)[-most:]

    def _day_of(self, at: float) -> date:
        return datetime.fromtimestamp(at, self._zone).date()

    def _find_day(self, day: date) -> date | None:
        """Find the first day of the rule's from one on."""
        # Asked in UTC, where each day is 24 hours long: a date has no time zone.
        midnight = datetime.combine(day, time(), UTC)
        found = [trigger.get_next_fire_time(None, midnight) for trigger in self._triggers]
        return min((each.date() for each in found if each is not None), default=None)

    def _find_times(self, day: date) -> list[float]:
        """All times of one of the rule's days, in order."""
        begin = datetime.combine(day, time(), self._zone)
        offset, end_offset = _offset(begin), _offset((begin + _DAY).replace(fold=1))
        if offset == end_offset:
            midnight = calendar.timegm(day.timetuple()) - offset.total_seconds()
            return [midnight + minute * 60 for minute in self._minutes]
        walls = (begin + timedelta(minutes=minute) for minute in self._minutes)
        return sorted({at for wall in walls for at in self._moments(wall)})

    def _moments(self, wall: datetime) -> list[float]:
        """The moments at which the clocks show a time on a day on which they may change (PEP 495)."""
        early, late = wall.replace(fold=0), wall.replace(fold=1)
        if _offset(early) == _offset(late):
            return [early.timestamp()]
        if _offset(early) > _offset(late):
            return [early.timestamp(), late.timestamp()] if self._rule.wildcard else [early.timestamp()]
        if self._rule.wildcard or _offset(late) - _offset(early) >= _CORRECTION:
            return []
        return [self._change(int(late.timestamp()), int(early.timestamp()), _offset(early))]

    def _change(self, low: int, high: int, before: timedelta) -> float:
        changed = bisect.bisect_left(
            range(low, high), True, key=lambda at: _offset(datetime.fromtimestamp(at, self._zone)) != before
        )
        return float(low + changed)


def _offset(moment: datetime) -> timedelta:
    return moment.utcoffset() or timedelta()


def _days(months: str, days: str, weekdays: str) -> CronTrigger:
    return CronTrigger(
        month=months,
        day=days,
        day_of_week=weekdays,
        hour=0,
        minute=0,
        second=0,
        timezone=UTC,
        end_date=datetime.fromtimestamp(_LAST, UTC) + 2 * _DAY,
    )


def _listed(numbers: Iterable[int], all: int) -> str:
    listed = sorted(set(numbers))
    return "*" if len(listed) == all else ",".join(map(str, listed))


@functools.lru_cache(maxsize=1000)
def _cron(text: str, zone: ZoneInfo) -> _Cron:
    return _Cron(crontab.parse(text), zone)


@functools.lru_cache(maxsize=1000)
def _zone(name: str) -> ZoneInfo:
    package = importlib.resources.files("tzdata")
    # Looked up in its list, so that no name is taken for a path.
    if name not in package.joinpath("zones").read_text().split():
        raise Invalid.of({"timezone": [f"{name} is no time zone of the IANA database, as Europe/Paris is"]})
    with package.joinpath("zoneinfo", *name.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file, name)
