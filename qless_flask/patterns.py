"""Names by pattern, of klasses, queues, tags and groups: as they are, or with a `*` at the end for what follows."""

from __future__ import annotations

from collections.abc import Sequence

from qless_flask.bounds import Checks

MOST = 1_000


def matches(pattern: str, name: str) -> bool:
    """Tell whether a name is what a pattern says, or begins with what stands before its `*`."""
    return name.startswith(pattern[:-1]) if pattern.endswith("*") else name == pattern


def matches_any(patterns: Sequence[str], name: str) -> bool:
    """Tell whether one of them matches."""
    return any(matches(each, name) for each in patterns)


def check_patterns(check: Checks, field: str, patterns: object) -> None:
    """Up to 1,000 patterns, or None."""
    if patterns is not None:
        check.texts(field, patterns, most=MOST)


def check_pattern(check: Checks, field: str, pattern: object) -> None:
    """One pattern, or None."""
    if pattern is not None:
        check.text(field, pattern)
