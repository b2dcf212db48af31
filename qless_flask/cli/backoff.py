"""A back-off as one types it."""

from __future__ import annotations

import json
from dataclasses import fields

import click

from qless_flask.errors import Invalid, QlessError
from qless_flask.models import Backoff
from qless_flask.schemas.backoff import BackoffSchema
from qless_flask.schemas.noun import load


def read_backoff(ctx: click.Context, parameter: click.Parameter, typed: str | None) -> Backoff | None:
    """Read what was typed: `fixed:100`, `exponential:15:2:3600:full` (as many parts as one likes), or JSON."""
    try:
        return None if typed is None else _read(typed)
    except (QlessError, ValueError) as error:
        told = error.message if isinstance(error, QlessError) else str(error)
        raise click.BadParameter(
            f"{typed!r} is no back-off like fixed:100 or exponential:15:2:3600:full: {told}"
        ) from error


def told_backoff(backoff: Backoff) -> str:
    """Tell a back-off as one types it."""
    parts = backoff.as_message().values()
    return ":".join(f"{part:g}" if isinstance(part, (int, float)) else str(part) for part in parts)


def _read(typed: str) -> Backoff:
    if typed.startswith("{"):
        backoff: Backoff = load(BackoffSchema(), json.loads(typed))
        return backoff
    names = [each.name for each in fields(Backoff)]
    parts = typed.split(":")
    if len(parts) > len(names):
        raise Invalid.of({"backoff": [f"has at most {len(names)} parts"]})
    given = dict(zip(names, parts, strict=False))
    numbers = {name: _number(name, part) for name, part in given.items() if name not in ("strategy", "jitter")}
    return Backoff(**{**given, **numbers})  # type: ignore[arg-type]


def _number(name: str, typed: str) -> float:
    try:
        return float(typed)
    except ValueError as error:
        raise Invalid.of({name: [f"{typed!r} is no number"]}) from error
