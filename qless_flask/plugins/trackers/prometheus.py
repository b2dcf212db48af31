"""Counts what happens to jobs by tag, for `/metrics`.

{"name": "prometheus", "tags": ["customer-*"]}

The counts are kept in the store: nothing is counted twice or left out, whoever counts and whenever it is killed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from qless_flask.bounds import Checks
from qless_flask.hookspecs import Space, TagTracker, Tracking
from qless_flask.models import JOB_EVENTS, Event, Kept, kept_name
from qless_flask.plugins.trackers.telling import check_tags

if TYPE_CHECKING:
    from prometheus_client import Metric

NAME = "prometheus"
MOST_COUNTED = 100
"""So many tags are counted apart, as they come; all others together, under the tag ""."""
MOST_NAME_BYTES = 25_000
"""How long the names of these may be together, so that the record is never too long."""


@dataclass(frozen=True)
class Prometheus(TagTracker):
    """Count transitions, waits and runs by tag."""

    tags: Sequence[str]

    def __post_init__(self) -> None:
        check = Checks()
        object.__setattr__(self, "tags", check_tags(check, self.tags))
        check.done()

    def told(self, tracking: Tracking, events: Sequence[Event]) -> None:
        counts = _Counts.read(tracking.kept)
        for event in events:
            for tag in event.tags:
                if self.watches(tag):
                    counts.add(tag, event)
        tracking.kept = counts.written()


@dataclass
class _Counts:
    """Of each tag: the number and milliseconds of waits, of runs, then how often each of JOB_EVENTS was."""

    by_tag: dict[str, list[int]] = field(default_factory=dict)

    @classmethod
    def read(cls, text: str | None) -> _Counts:
        return cls(**json.loads(text)) if text else cls()

    def written(self) -> str:
        return json.dumps({"by_tag": self.by_tag}, ensure_ascii=False, separators=(",", ":"))

    def add(self, tag: str, event: Event) -> None:
        if tag not in self.by_tag and not self._has_room_for(tag):
            tag = ""
        numbers = self.by_tag.setdefault(tag, [])
        numbers += [0] * (len(JOB_EVENTS) + 4 - len(numbers))
        # What a later version may tell is not counted by this one.
        if event.event in JOB_EVENTS:
            numbers[4 + JOB_EVENTS.index(event.event)] += 1
        for place, seconds in ((0, event.waited), (2, event.ran)):
            if seconds is not None:
                numbers[place] += 1
                numbers[place + 1] += round(seconds * 1000)

    def _has_room_for(self, tag: str) -> bool:
        names = [*self.by_tag, tag]
        return len(names) <= MOST_COUNTED and sum(len(json.dumps(each).encode()) for each in names) <= MOST_NAME_BYTES


def families(namespaces: Iterable[Space]) -> list[Metric]:
    """Build the metrics of all such trackers."""
    from prometheus_client.core import CounterMetricFamily, SummaryMetricFamily

    labels = ["namespace", "tracker", "tag"]
    events = CounterMetricFamily(
        "qless_tag_events", "What happened to jobs with a tag that is tracked.", labels=[*labels, "event"]
    )
    waits = SummaryMetricFamily("qless_tag_wait_seconds", "How long such jobs waited to be popped.", labels=labels)
    runs = SummaryMetricFamily("qless_tag_run_seconds", "How long their runs took.", labels=labels)
    for space, id, counts in _counted(namespaces):
        for tag, numbers in counts.by_tag.items():
            values = [space.name, id, tag]
            for name, number in zip(JOB_EVENTS, numbers[4:], strict=False):
                if number:
                    events.add_metric([*values, name], number)
            waits.add_metric(values, count_value=numbers[0], sum_value=numbers[1] / 1000)
            runs.add_metric(values, count_value=numbers[2], sum_value=numbers[3] / 1000)
    return [events, waits, runs]


def _counted(namespaces: Iterable[Space]) -> Iterator[tuple[Space, str, _Counts]]:
    for space in namespaces:
        for chosen in space.settings().trackers:
            text = space.recall(kept_name(chosen.id)) if chosen.name == NAME else None
            if text is not None:
                yield space, chosen.id, _Counts.read(Kept.of_text(text).text)
