"""Which tags have come to their end: no job of theirs is scheduled, depends, waits or runs any more.

Events tell of what was, and counts of what is. So a tag that has ended by now is found at each of the ends that are
told late; what is kept of the counts at which it was found tells them from those of jobs that came anew.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence

from qless_flask.bounds import MAX_BATCH
from qless_flask.hookspecs import Tracking
from qless_flask.models import ENDED, STATES, Event, State

MOST_BYTES = 60_000
"""How much is kept: the tags found longest ago go first. One that is forgotten may be found once more."""

_ENDS = ("completed", "failed", "canceled", "finished", "expired", "lost", "timed_out")
_BEGINNINGS = ("put", "moved", "pruned")
"""After these the same counts do not mean the same jobs, or the same end."""

Found = tuple[str, Mapping[State, int], Event]


class EndedTags:
    """The tags of one tracker that were found to have ended."""

    def __init__(self, tracking: Tracking, watches: Callable[[str], bool]) -> None:
        self._namespace = tracking.namespace
        self._watches = watches
        self._tracking = tracking
        self._found: dict[str, list[int]] = json.loads(tracking.kept) if tracking.kept else {}

    def found(self, events: Sequence[Event], named: Sequence[str]) -> list[Found]:
        """Find the tags that have ended, with their counts and the last end told; after a gap look at those named."""
        last: dict[str, Event] = {}
        for event in events:
            for tag in named if event.event == "gap" else event.tags:
                if event.event == "gap" or (event.event in _ENDS and event.state in ENDED and self._watches(tag)):
                    last[tag] = event
                elif event.event in _BEGINNINGS:
                    self._found.pop(tag, None)
        found: list[Found] = []
        names = list(last)
        for first in range(0, len(names), MAX_BATCH):
            for each in self._namespace.tags(names[first : first + MAX_BATCH]):
                counts = [each.states[state] for state in ENDED]
                over = any(counts) and not any(each.states[state] for state in STATES if state not in ENDED)
                if over and self._found.get(each.name) != counts:
                    self._found.pop(each.name, None)
                    self._found[each.name] = counts
                    found.append((each.name, each.states, last[each.name]))
        return found

    def keep(self) -> None:
        """Keep what was found, once it is told."""
        text = json.dumps(self._found, ensure_ascii=False, separators=(",", ":"))
        while len(text.encode()) > MOST_BYTES:
            self._found = dict(list(self._found.items())[len(self._found) // 10 + 1 :])
            text = json.dumps(self._found, ensure_ascii=False, separators=(",", ":"))
        if self._found or self._tracking.kept:
            self._tracking.kept = text
