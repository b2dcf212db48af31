"""How answers are printed: JSON in the HTTP API's shapes, or text for people."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence

import click

from qless_flask.errors import QlessError
from qless_flask.models import Changed, Job
from qless_flask.schemas.actions import ChangedSchema
from qless_flask.schemas.jobs import JobSchema
from qless_flask.schemas.problems import dump_problem
from qless_flask.schemas.wire import encode


def print_json(message: Mapping[str, object]) -> None:
    """Print one message on one line; data goes out as it came in."""
    click.echo(encode(message))


def print_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print columns, numbers to the right and texts to the left."""
    columns = list(zip(header, *rows, strict=True))
    lines = zip(*(_aligned(column) for column in columns), strict=True)
    for line in lines:
        click.echo("  ".join(line).rstrip())


def print_facts(facts: Mapping[str, str]) -> None:
    """Print what there is to say, a line for each."""
    for name, value in facts.items():
        if value:
            click.echo(f"{name:<12} {value}")


def print_outcomes(outcomes: Sequence[tuple[str, Job | QlessError]], *, as_json: bool) -> None:
    """Print what became of each job that was changed by hand; exit with 1 if any could not be."""
    if as_json:
        print_json({"results": [_outcome(jid, outcome) for jid, outcome in outcomes]})
    for jid, outcome in outcomes:
        if isinstance(outcome, QlessError):
            click.echo(f"Error: {outcome.message}", err=True)
        elif not as_json:
            click.echo(f"{jid}  {outcome.state} in {outcome.queue}")
    if any(isinstance(outcome, QlessError) for _, outcome in outcomes):
        click.get_current_context().exit(1)


def print_changed(changed: Changed, *, as_json: bool) -> None:
    """Print what a change did."""
    if as_json:
        print_json(ChangedSchema().dump(changed))
    else:
        click.echo(f"{changed.matched} matched, {changed.changed} changed.")


def told_time(at: float | None) -> str:
    """Tell a time as the clock on the wall here shows it."""
    return "" if at is None else time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))


def told_seconds(seconds: float | None) -> str:
    """Tell a duration in the unit that suits it."""
    if seconds is None:
        return "-"
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 120:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"


def _aligned(column: Sequence[str]) -> list[str]:
    width = max(map(len, column))
    numbers = all(cell[:1].isdigit() or cell == "-" for cell in column[1:])
    return [cell.rjust(width) if numbers else cell.ljust(width) for cell in column]


def _outcome(jid: str, outcome: Job | QlessError) -> object:
    if isinstance(outcome, QlessError):
        return {"jid": jid, "problem": dump_problem(outcome)}
    return JobSchema().dump(outcome)
