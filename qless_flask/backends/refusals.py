"""What several stores refuse in the same words."""

from __future__ import annotations

from qless_flask.backends.numbers import SEARCHED_AT_ONCE
from qless_flask.bounds import MAX_OPEN_DEPENDS, MAX_REQUIREMENT_SETS, MAX_TAGS
from qless_flask.errors import Invalid


def too_many_tags() -> Invalid:
    """Refuse a change that would give a job too many tags."""
    return Invalid.of({"tags": [f"a job may have {MAX_TAGS} tags"]})


def too_many_open() -> Invalid:
    """Refuse a change that would make a job wait for too many others."""
    return Invalid.of({"depends": [f"a job may wait for {MAX_OPEN_DEPENDS:,} others"]})


def search_too_long() -> Invalid:
    """Refuse dependencies that cannot be searched for a cycle in bounded time."""
    return Invalid.of({"depends": [f"over {SEARCHED_AT_ONCE:,} jobs would have to be searched for a cycle"]})


def nothing_follows() -> Invalid:
    """Refuse dependencies of a stage that there is not."""
    return Invalid.of({"depends": ["there is no next stage to wait with: name it as next"]})


def too_many_sets() -> Invalid:
    """Refuse a put that would make too many different sets of requirements alive in its queue."""
    return Invalid.of({"requires": [f"a queue may have {MAX_REQUIREMENT_SETS} different sets of them alive"]})
