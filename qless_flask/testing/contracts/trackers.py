"""What every tag tracker must do."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from qless_flask.bounds import is_text
from qless_flask.errors import Invalid
from qless_flask.hookspecs import Space, TagTracker
from qless_flask.models import Event, NewJob
from qless_flask.testing.building import build_event
from qless_flask.testing.clock import ManualClock
from qless_flask.testing.contracts.offering import NAME, offered
from qless_flask.testing.contracts.policies import chosen
from qless_flask.testing.model import ModelBackend

TAG = "news"


class NotedTracking:
    """What a tracker works with; what it would do later is noted instead."""

    def __init__(self, namespace: Space, id: str = NAME) -> None:
        self.id = id
        self.namespace = namespace
        self.kept: str | None = None
        self.noted: dict[str, Mapping[str, Any]] = {}
        """By key."""

    def later(self, data: Mapping[str, Any], *, key: str) -> None:
        """Note it; the same key again is not done again."""
        self.noted.setdefault(key, data)


class TagTrackerContract:
    """Derive from it and name the tracker, its options and events; `tags` (`["news"]`) is added to the options."""

    tracker: type[TagTracker]
    options: Mapping[str, Any] = {}
    wrong_options: Sequence[Mapping[str, Any]] = ()
    events: Sequence[Event] = ()
    """Events that matter to it, beside one of each kind."""

    def test_it_takes_its_options(self) -> None:
        assert isinstance(self._built(), TagTracker)

    def test_it_says_which_tags_it_watches(self) -> None:
        tags = self._built().tags

        assert list(tags) == [TAG]

    def test_options_that_it_cannot_take_are_refused(self) -> None:
        for options in (*self.wrong_options, {"no_such_option": 1}):
            with pytest.raises(Invalid):
                self._built(options)

    def test_it_hears_of_anything(self) -> None:
        tracking = self._tracking()

        for event in self._events():
            self._built().told(tracking, [event])

    def test_being_told_again_makes_nothing_new(self) -> None:
        tracking = self._tracking()
        self._built().told(tracking, self._events())
        noted = dict(tracking.noted)

        # Another process goes on: it has its own tracker, and is told once more of what it cannot know was told.
        self._built().told(tracking, self._events())

        assert tracking.noted.keys() == noted.keys()

    def test_what_it_does_later_can_be_put_as_a_job(self) -> None:
        tracking = self._tracking()

        self._built().told(tracking, self._events())

        for key, data in tracking.noted.items():
            assert is_text(key)
            assert json.loads(json.dumps(dict(data))) == data
        if tracking.noted:
            assert self.tracker.perform is not TagTracker.perform

    def _built(self, options: Mapping[str, Any] | None = None) -> TagTracker:
        given = {"tags": [TAG], **self.options, **(options or {})}
        return offered("tag_trackers", self.tracker).tracker(chosen(given))

    def _tracking(self) -> NotedTracking:
        namespace = ModelBackend(clock=ManualClock()).namespace("contract")
        namespace.put([NewJob("Crawl", queue="fetch", jid="one", tags=(TAG,))])
        return NotedTracking(namespace)

    def _events(self) -> Sequence[Event]:
        kinds = [
            build_event(kind, jid="one", tags=(TAG,), cursor=f"{number}-0") for number, kind in enumerate(KINDS, 1)
        ]
        gap = build_event("gap", jid=None, queue=None, klass=None, state=None, cursor="99-0")
        return [*kinds, gap, *self.events]


KINDS = (
    "put",
    "promoted",
    "unblocked",
    "popped",
    "completed",
    "advanced",
    "retried",
    "failed",
    "released",
    "lost",
    "timed_out",
    "expired",
    "canceled",
    "moved",
    "finished",
    "updated",
    "tracked",
    "untracked",
    "pruned",
)
"""What may happen to a job that has the tag."""
