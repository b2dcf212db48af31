"""Where the times of a filter begin and end in an index."""

from __future__ import annotations

from qless_flask.backends.store import to_milliseconds
from qless_flask.models import ENDED, Filter, State

BY_TIME: frozenset[State] = frozenset({"scheduled", "depends", *ENDED})
"""The states whose jobs go by when they came into them: ended ones the latest first, by minus their milliseconds."""

_END = 1 << 53
"""Later than all times, in milliseconds."""


def span(filter: Filter, state: State) -> tuple[int, int] | None:
    """Tell between which numbers, both included, the jobs of a state stand that a filter's times let through.

    None: they go by something else, and each must be looked at.
    """
    if state not in BY_TIME:
        return None
    since = 0 if filter.since is None else to_milliseconds(filter.since)
    until = _END if filter.until is None else to_milliseconds(filter.until)
    return (1 - until, -since) if state in ENDED else (since, until - 1)
