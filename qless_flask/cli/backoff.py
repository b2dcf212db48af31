"""A back-off as one types it."""

from __future__ import annotations

import json
from collections.abc import Sequence

import click

from qless_flask.errors import Invalid, QlessError
from qless_flask.models import Backoff
from qless_flask.models.backoff import TAKEN
from qless_flask.schemas import wire
from qless_flask.schemas.backoff import BackoffSchema
from qless_flask.schemas.noun import load


def read_backoff(ctx: click.Context, parameter: click.Parameter, typed: str | None) -> Backoff | None:
    """Read what was typed: `fixed:100`, `table:1:5:60`, `exponential:15:2` (as many parts as one likes), or JSON."""
    try:
        return None if typed is None else _read(typed)
    except (QlessError, ValueError) as error:
        told = error.message if isinstance(error, QlessError) else str(error)
        raise click.BadParameter(
            f"{typed!r} is no back-off like fixed:100 or exponential:15:2:3600:full: {told}"
        ) from error


def told_backoff(backoff: Backoff) -> str:
    """Tell a back-off as one types it."""
    if backoff.strategy not in TAKEN:
        return json.dumps(backoff.as_message(), ensure_ascii=False) if backoff.options != "{}" else backoff.strategy
    parts = backoff.delays or [getattr(backoff, name) for name in TAKEN[backoff.strategy]]
    return ":".join([backoff.strategy, *(part if isinstance(part, str) else f"{part:.15g}" for part in parts)])


def _read(typed: str) -> Backoff:
    if typed.startswith("{"):
        backoff: Backoff = load(BackoffSchema(), wire.decode(typed.encode()))
        return backoff
    strategy, *parts = typed.split(":")
    if strategy == "table":
        return Backoff(strategy, delays=tuple(_number("delays", part) for part in parts))
    names = TAKEN.get(strategy, ())
    if len(parts) > len(names):
        raise Invalid.of({"backoff": [_too_many(strategy, names)]})
    given = {name: part if name == "jitter" else _number(name, part) for name, part in zip(names, parts, strict=False)}
    return Backoff.of({"strategy": strategy, **given})


def _too_many(strategy: str, names: Sequence[str]) -> str:
    if not names:
        return f"what {strategy} takes must be typed as JSON"
    return f"{strategy} takes {', '.join(names)} and no more"


def _number(name: str, typed: str) -> float:
    try:
        return float(typed)
    except ValueError as error:
        raise Invalid.of({name: [f"{typed!r} is no number"]}) from error
