"""What the model gathers of waits, runs and transitions, as they happen; in rows as all stores keep them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec

from qless_flask.backends.folding import NAMES_A_DAY, Row
from qless_flask.models import COUNTED, Spread, no_counts
from qless_flask.testing.model.records import JobRecord

COUNTS_RUNS = {"failed": "failed", "expired": "failed", "retried": "retried", "timed_out": "retried", "lost": "lost"}
"""Under which name of a row an event is counted, beside the times."""


@dataclass(slots=True)
class Figures:
    """Rows by where they stand, each as its JSON is; a row is never changed but replaced."""

    rows: dict[Row, dict[str, Any]] = field(default_factory=dict)

    def copied(self) -> Figures:
        """Copy all."""
        return Figures(dict(self.rows))

    def count(
        self, now: int, event: str, queue: str, job: JobRecord, waited: int | None = None, ran: int | None = None
    ) -> None:
        """Count something that has happened to a job in a queue."""
        at = datetime.fromtimestamp(now / 1000, UTC)
        day, hour = at.strftime("%Y-%m-%d"), at.strftime("%Y-%m-%dT%H")
        times = [(name, long) for name, long in (("wait", waited), ("run", ran)) if long is not None]
        failed = COUNTS_RUNS.get(event)
        if times or failed:
            beside = [("klass", job.klass)] if times else []
            for of, name in [("queue", queue), ("queue", ""), *beside, *(("tag", tag) for tag in job.tags)]:
                self._add(Row(day, of, name), times, failed)
        if event in COUNTED:
            for name in (queue, ""):
                self._count(Row(day, "queue", name), "hours", at.hour, COUNTED[event])
                self._count(Row(hour, "queue", name), "minutes", at.minute, COUNTED[event])

    def text(self, row: Row) -> str:
        """Write a row as JSON, always the same."""
        figures = self.rows[row]
        return msgspec.json.encode({name: figures[name] for name in sorted(figures)}).decode()

    def load(self, row: Row, text: str) -> None:
        """Put a row in place of what is there."""
        self.rows[row] = msgspec.json.decode(text)

    def forget(self, day: str, hour: str) -> None:
        """Delete the days before one, and the hours before one."""
        self.rows = {
            row: figures for row, figures in self.rows.items() if row.period >= (hour if "T" in row.period else day)
        }

    def _add(self, row: Row, times: list[tuple[str, int]], failed: str | None) -> None:
        if row not in self.rows and row.of != "queue":
            counter = row._replace(name="")
            names = self.rows.get(counter, {"names": 0})["names"]
            if names == NAMES_A_DAY:
                return
            self.rows[counter] = {"names": names + 1}
        figures = dict(self.rows.get(row, {}))
        for name, milliseconds in times:
            spread = Spread(*figures.get(name, ()))
            spread.add(milliseconds)
            figures[name] = spread.as_message()
        if failed:
            figures[failed] = figures.get(failed, 0) + 1
        self.rows[row] = figures

    def _count(self, row: Row, unit: str, part: int, number: int) -> None:
        figures = dict(self.rows.get(row, {}))
        parts = {int(each): counts for each, counts in figures.get(unit, {}).items()}
        counts = list(parts.get(part, no_counts()))
        counts[number] += 1
        parts[part] = counts
        figures[unit] = {str(each): parts[each] for each in sorted(parts)}
        self.rows[row] = figures
