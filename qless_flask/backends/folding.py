"""What the stores share of statistics: figures folded from the log of events, off the way of jobs.

An event that begins or ends a run says how long the job waited, or ran. `promote` folds what came since into rows, by
compare-and-set against the cursor up to which it was done; a look reads the rows, and the events that are not in them.

Rows are JSON, by period, what they are of (queue, klass, tag) and its name; the queue "" is the whole namespace:

- a day (2026-11-24): "wait" and "run" as `Spread` writes them, "failed", "retried", "lost", and of queues "hours": by
  the hour of the day, the counts of Throughput; kept 90 days, of klasses and tags for the first 1,000 of each a day (a
  row of the name "" counts these);
- an hour (2026-11-24T10), of queues alone: "minutes": by the minute of the hour, the same counts; kept 48 hours.
"""

from __future__ import annotations

import re
import time
from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec

from qless_flask.backends.steps import Steps
from qless_flask.bounds import MAX_BATCH, MAX_DELAY_SECONDS, Checks
from qless_flask.models import COUNTED, Event, Spread, Stats, Throughput, no_counts, throughput

HOUR_SECONDS = 3_600
DAY_SECONDS = 86_400
KEPT_DAYS = 90
KEPT_HOURS = 48
NAMES_A_DAY = 1_000
MAX_STEPS = 3_000
FOLDED_AT_ONCE = 20
"""How many pages of events a promote folds."""
LOOKED_THROUGH = 100
"""How many pages of events that are not folded yet a look reads."""

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class Row(NamedTuple):
    """Where a row stands."""

    period: str
    of: str
    name: str


def day_of(at: float) -> str:
    """Name the day (UTC) of a time."""
    return time.strftime("%Y-%m-%d", time.gmtime(at))


def hour_of(at: float) -> str:
    """Name the hour (UTC) of a time."""
    return time.strftime("%Y-%m-%dT%H", time.gmtime(at))


class FoldingNamespace(Steps):
    """The statistics."""

    def stats(
        self, day: str | None = None, *, queue: str | None = None, klass: str | None = None, tag: str | None = None
    ) -> Stats:
        check = Checks()
        asked = {"queue": queue, "klass": klass, "tag": tag}
        given = {of: name for of, name in asked.items() if name is not None}
        if day is not None and not _is_day(day):
            check.wrong("day", "must be a day, as 2026-11-24")
        for of, name in given.items():
            check.name(of, name) if of == "queue" else check.text(of, name)
        if len(given) > 1:
            check.wrong(list(given)[1], "cannot be asked for beside another: ask for one of queue, klass and tag")
        check.done()
        [(of, name)] = given.items() or [("queue", "")]
        row = Row(day or day_of(self._now()), of, name)
        return _stats(self._look_up([row])[row])

    def throughput(
        self,
        queue: str | None = None,
        *,
        since: float | None = None,
        until: float | None = None,
        step: int = 60,
    ) -> Throughput:
        check = Checks()
        if queue is not None:
            check.name("queue", queue)
        check.integer("step", step, 60, 366 * DAY_SECONDS)
        if type(step) is int and step % 60:
            check.wrong("step", "must be a whole number of minutes")
        for field, at in (("since", since), ("until", until)):
            if at is not None:
                check.seconds(field, at, 0, 2 * MAX_DELAY_SECONDS)
        check.done()
        now = self._now()
        # The step that now is in belongs to it, also where it begins just now.
        last = int(now // step + 1) * step if until is None else int(-(-until // step)) * step
        first = last - 60 * step if since is None else int(since // step) * step
        times = range(first, max(first, last), step)
        if since is not None and since > (now if until is None else until):
            check.wrong("since", "must not be after until")
        elif len(times) > MAX_STEPS:
            check.wrong("step", f"makes over {MAX_STEPS:,} numbers: take longer steps, or less time")
        check.done()
        unit = HOUR_SECONDS if step % HOUR_SECONDS == 0 else 60
        rows = _rows_between(times, step, unit, now, queue or "")
        found = self._look_up(rows)
        counts = {at: no_counts() for at in times}
        for row in rows:
            for at, numbers in _counts_of(row, found[row]):
                into = counts.get(at // step * step)
                if into is not None:
                    into[:] = [one + other for one, other in zip(into, numbers, strict=True)]
        return throughput((float(at) for at in times), counts.values())

    def _fold_some(self) -> bool:
        """Fold a bounded number of events, and tell whether there are more."""
        for _ in range(FOLDED_AT_ONCE):
            seen, _ = self._figures([])
            page = self._events(seen, MAX_BATCH, 0)
            if page.next == (seen or "0") or not page.events:
                return False
            gathered = _gather(page.events)
            _, texts = self._figures(list(gathered))
            rows = {row: _added(text, gathered[row]) for row, text in zip(gathered, texts, strict=True)}
            counts, rows = self._within_bounds(rows, dict(zip(gathered, texts, strict=True)))
            written = {row: msgspec.json.encode(figures).decode() for row, figures in {**rows, **counts}.items()}
            if not self._fold(seen, page.next, written):
                # Another has folded them meanwhile.
                return True
        return True

    def _forget_old_figures(self) -> None:
        now = self._now()
        self._forget_figures(day_of(now - KEPT_DAYS * DAY_SECONDS), hour_of(now - (KEPT_HOURS + 1) * HOUR_SECONDS))

    def _within_bounds(
        self, rows: dict[Row, dict[str, Any]], before: Mapping[Row, str | None]
    ) -> tuple[dict[Row, dict[str, Any]], dict[Row, dict[str, Any]]]:
        """Leave out new klasses and tags of days that have too many; answer the rows that count them, and the rest."""
        new = [row for row in rows if row.of != "queue" and before[row] is None]
        counters = list(dict.fromkeys(row._replace(name="") for row in new))
        _, texts = self._figures(counters) if counters else (None, [])
        counts = {row: msgspec.json.decode(text or '{"names": 0}') for row, text in zip(counters, texts, strict=True)}
        for row in new:
            count = counts[row._replace(name="")]
            if count["names"] < NAMES_A_DAY:
                count["names"] += 1
            else:
                del rows[row]
        return counts, rows

    def _look_up(self, rows: Sequence[Row]) -> dict[Row, dict[str, Any]]:
        """Read rows as they would stand if all were folded."""
        seen, texts = self._figures(rows)
        found = {row: msgspec.json.decode(text) if text else {} for row, text in zip(rows, texts, strict=True)}
        wanted = set(rows)
        for _ in range(LOOKED_THROUGH):
            page = self._events(seen, MAX_BATCH, 0)
            if page.next == (seen or "0") or not page.events:
                break
            for row, figures in _gather(page.events, wanted).items():
                found[row] = _merged(found[row], figures)
            seen = page.next
        return found

    @abstractmethod
    def _figures(self, rows: Sequence[Row]) -> tuple[str | None, list[str | None]]:
        """Read the cursor up to which events are folded, and rows; both as they stood at one time."""

    @abstractmethod
    def _fold(self, seen: str | None, cursor: str, rows: Mapping[Row, str]) -> bool:
        """Set rows and the cursor, if it is still as it was seen; tell whether it was. Goes on while frozen."""

    @abstractmethod
    def _forget_figures(self, day: str, hour: str) -> None:
        """Delete rows of days before one, and of hours before one; a bounded number of them."""


def _is_day(text: object) -> bool:
    if not isinstance(text, str) or not _DAY.fullmatch(text):
        return False
    try:
        datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        return False
    return True


def _gather(events: Iterable[Event], wanted: set[Row] | None = None) -> dict[Row, dict[str, Any]]:
    """Work out what events add to rows; only to those wanted, if any are named."""
    found: dict[Row, dict[str, Any]] = {}
    # The names of periods are worked out once a minute of events, which come by time.
    minute, day, hour = -1, "", ""
    for event in events:
        if int(event.at // 60) != minute:
            minute = int(event.at // 60)
            day, hour = day_of(event.at), hour_of(event.at)
        counter = COUNTED.get(event.event)
        if counter is None and event.ran is None:
            continue
        for row in _rows_of(event, day):
            if wanted is None or row in wanted:
                _count(found.setdefault(row, {}), event, counter)
        if counter is not None:
            for name in (event.queue or "", ""):
                for row, unit, part in (
                    (Row(day, "queue", name), "hours", minute // 60 % 24),
                    (Row(hour, "queue", name), "minutes", minute % 60),
                ):
                    if wanted is None or row in wanted:
                        _add_counts(found.setdefault(row, {}), unit, str(part), counter)
    return found


def _rows_of(event: Event, day: str) -> list[Row]:
    rows = [Row(day, "queue", event.queue or ""), Row(day, "queue", "")]
    if event.klass is not None:
        rows.append(Row(day, "klass", event.klass))
    if event.klass is not None or event.event in _TOLD:
        rows += [Row(day, "tag", tag) for tag in event.tags]
    return rows


_TOLD = ("failed", "retried", "timed_out", "lost", "expired")


def _count(figures: dict[str, Any], event: Event, counter: int | None) -> None:
    if event.waited is not None:
        figures.setdefault("wait", Spread()).add(round(event.waited * 1000))
    if event.ran is not None:
        figures.setdefault("run", Spread()).add(round(event.ran * 1000))
    for name, number in (("failed", 3), ("retried", 4), ("lost", 5)):
        if counter == number:
            figures[name] = figures.get(name, 0) + 1


def _add_counts(figures: dict[str, Any], unit: str, part: str, counter: int) -> None:
    figures.setdefault(unit, {}).setdefault(part, no_counts())[counter] += 1


def _added(text: str | None, figures: dict[str, Any]) -> dict[str, Any]:
    return _merged(msgspec.json.decode(text) if text else {}, figures)


def _merged(row: dict[str, Any], figures: dict[str, Any]) -> dict[str, Any]:
    """Add gathered figures to a row as it stands in JSON."""
    merged = dict(row)
    for name, value in figures.items():
        if isinstance(value, Spread):
            merged[name] = _joined(Spread(*row.get(name, ())), value).as_message()
        elif isinstance(value, dict):
            parts = dict(row.get(name, {}))
            for part, counts in value.items():
                parts[part] = [one + other for one, other in zip(parts.get(part, no_counts()), counts, strict=True)]
            merged[name] = {part: parts[part] for part in sorted(parts, key=int)}
        else:
            merged[name] = row.get(name, 0) + value
    return {name: merged[name] for name in sorted(merged)}


def _joined(spread: Spread, other: Spread) -> Spread:
    spread.count += other.count
    spread.total += other.total
    spread.squares += other.squares
    for bucket, count in other.buckets.items():
        spread.buckets[bucket] = spread.buckets.get(bucket, 0) + count
    return spread


def _stats(row: Mapping[str, Any]) -> Stats:
    wait, run = (Spread(*row.get(name, ())).times() for name in ("wait", "run"))
    return Stats(wait, run, *(row.get(name, 0) for name in ("failed", "retried", "lost")))


def _rows_between(times: range, step: int, unit: int, now: float, queue: str) -> list[Row]:
    """Name the rows that hold what is asked for, of those that may be there."""
    if not times:
        return []
    by_day = unit == HOUR_SECONDS
    size = DAY_SECONDS if by_day else HOUR_SECONDS
    oldest = now - (KEPT_DAYS * DAY_SECONDS if by_day else KEPT_HOURS * HOUR_SECONDS)
    first = int(max(times[0], oldest) // size) * size
    name = day_of if by_day else hour_of
    return [Row(name(at), "queue", queue) for at in range(first, min(times[-1] + step, int(now) + size), size)]


def _counts_of(row: Row, figures: Mapping[str, Any]) -> Iterable[tuple[int, list[int]]]:
    hourly = "T" in row.period
    start = datetime.strptime(row.period, "%Y-%m-%dT%H" if hourly else "%Y-%m-%d").replace(tzinfo=UTC)
    unit = 60 if hourly else HOUR_SECONDS
    for part, counts in figures.get("minutes" if hourly else "hours", {}).items():
        yield int(start.timestamp()) + int(part) * unit, counts
