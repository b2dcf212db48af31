"""The figures of tags and failure groups, as scripts sum them up (lib/figures.lua)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from qless_flask.backends.redis.records import read_job
from qless_flask.backends.redis.scripts import Argument, Reply
from qless_flask.backends.store import to_seconds
from qless_flask.models import STATES, FailureGroup, Tag, Tracked, mean_seconds


def listing(names: Sequence[str] | None, after: str | None, limit: int) -> list[Argument]:
    """Write which of all names to list, or those named."""
    return ["", "", *names] if names is not None else [limit, after or ""]


def read_tag(reply: Reply) -> Tag:
    """Read a tag as lib/tag sums it up: its jobs in each state, in the order of all states, then waits and runs."""
    name, tracked, found = cast("tuple[bytes, int, list[bytes | None]]", reply)
    figures = [int(count or 0) for count in found]
    waits, waited, runs, ran = figures[len(STATES) :]
    return Tag(
        name=name.decode(),
        tracked=bool(tracked),
        states=dict(zip(STATES, figures, strict=False)),
        wait_mean=mean_seconds(waits, waited),
        run_mean=mean_seconds(runs, ran),
    )


def read_tags(reply: Reply, names: Sequence[str] | None, limit: int) -> list[Tag]:
    """Read those named; or, of a list in which one may stand twice, the first by name."""
    found = [read_tag(row) for row in cast("list[Reply]", reply)]
    if names is not None:
        return found
    return sorted({tag.name: tag for tag in found}.values(), key=lambda tag: tag.name.encode())[:limit]


def read_group(reply: Reply) -> FailureGroup:
    """Read a failure group; scores are minus milliseconds, and what it touched begins with q (queue) or k (klass)."""
    name, count, latest, first, touched = cast("tuple[bytes, int, bytes, bytes, list[bytes]]", reply)
    words = sorted(word.decode() for word in touched)
    return FailureGroup(
        group=name.decode(),
        count=count,
        first_at=to_seconds(-int(first)),
        last_at=to_seconds(-int(latest)),
        queues=tuple(word[1:] for word in words if word[0] == "q"),
        klasses=tuple(word[1:] for word in words if word[0] == "k"),
    )


def read_tracked(reply: Reply) -> Tracked:
    """Read all that is tracked."""
    jobs, tags = cast("tuple[list[list[bytes]], list[Reply]]", reply)
    return Tracked(
        tuple(read_job(jid.decode(), *record) for jid, *record in jobs),
        tuple(read_tag(tag) for tag in tags),
    )
