"""Tags: summed up from their figures, and followed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from qless_flask.backends.sqlite.figure_statements import (
    FIGURE,
    FIGURES,
    SET_TRACKED,
    TRACKED_FIGURES,
    TRACKED_TAGS,
)
from qless_flask.backends.sqlite.look import Look
from qless_flask.backends.sqlite.record import STATE_NUMBERS
from qless_flask.backends.sqlite.shown import listed
from qless_flask.backends.sqlite.statements import BY_TRACKED
from qless_flask.backends.sqlite.step import Step
from qless_flask.models import STATES, Actor, Tag, Tracked, mean_seconds

_NO_FIGURES = (0,) * 12


def tags(look: Look, names: Sequence[str] | None, after: str | None, limit: int) -> list[Tag]:
    """Sum up the tags that jobs have, and those tracked, by name; or those named."""
    if names is None:
        return [_tag(row) for row in look.connection.execute(FIGURES, (look.namespace, after or "", limit))]
    return [_named(look, name) for name in names]


def tracked(look: Look, limit: int) -> Tracked:
    """Read up to `limit` jobs, by jid, and tags, by name, that are tracked."""
    rows = look.connection.execute(BY_TRACKED, (look.namespace, "")).fetchmany(limit)
    found = look.connection.execute(TRACKED_FIGURES, (look.namespace, limit))
    return Tracked(tuple(listed(look, row) for row in rows), tuple(_tag(row) for row in found))


def tracked_tags(look: Look) -> frozenset[str]:
    """Name all tags that are tracked."""
    return frozenset(tag for (tag,) in look.connection.execute(TRACKED_TAGS, (look.namespace,)))


def track(step: Step, name: str, on: bool, actor: Actor | None) -> Tag:
    """Follow a tag, or no longer."""
    if _named(step, name).tracked != on:
        step.connection.execute(SET_TRACKED, (step.begun(), name, on))
        step.left_tags.add(name)
        step.tell("tracked" if on else "untracked", actor=actor, tags=name)
    return _named(step, name)


def _named(look: Look, name: str) -> Tag:
    row = look.connection.execute(FIGURE, (look.namespace, name)).fetchone()
    return _tag(row or (name, *_NO_FIGURES))


def _tag(row: Sequence[Any]) -> Tag:
    name, tracked, *counts = row
    waits, wait_ms, runs, run_ms = counts[-4:]
    return Tag(
        name,
        bool(tracked),
        {state: counts[STATE_NUMBERS[state] - 1] for state in STATES},
        mean_seconds(waits, wait_ms),
        mean_seconds(runs, run_ms),
    )
