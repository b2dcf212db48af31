"""What scripts refuse: a code and what it is about, read as the error that it names."""

from __future__ import annotations

from qless_flask.backends.numbers import CANCELED_ALONG
from qless_flask.backends.refusals import (
    nothing_follows,
    search_too_long,
    too_many_open,
    too_many_sets,
    too_many_tags,
)
from qless_flask.errors import HasDependents, QlessError, error_for

_REFUSALS = {
    "NOTHING_FOLLOWS": nothing_follows,
    "SEARCH_TOO_LONG": search_too_long,
    "TOO_MANY_OPEN": too_many_open,
    "TOO_MANY_SETS": too_many_sets,
    "TOO_MANY_TAGS": too_many_tags,
}


def read_fault(text: str, subject: str = "") -> QlessError:
    """Read a fault; `subject` is what it is about where it does not say. An unknown code is Internal."""
    words, *dependents = text.split("\t")
    code, _, about = words.partition(" ")
    if code == "HAS_DEPENDENTS":
        return HasDependents.of(subject, dependents)
    if code == "TOO_MANY_DEPENDENTS":
        return HasDependents.too_many(subject, CANCELED_ALONG)
    return _REFUSALS[code]() if code in _REFUSALS else error_for(code, subject=about or subject)
