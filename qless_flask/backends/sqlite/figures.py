"""Tags and failure groups in figures: counters kept with each transition, so that sums read no jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qless_flask.backends.sqlite.record import Record

if TYPE_CHECKING:
    from qless_flask.backends.sqlite.step import Step


def state_changed(step: Step, record: Record, old: int, new: int) -> None:
    """Count a job with tags out of a state and into another; 0 stands for not being there at all."""


def tags_changed(step: Step, record: Record, before: tuple[str, ...], after: tuple[str, ...]) -> None:
    """Count a job, in the state that it is in, out of tags and into others."""


def waited(step: Step, record: Record) -> None:
    """Note how long a job has waited that is being popped; before it is leased."""


def ran(step: Step, record: Record) -> None:
    """Note how long a job has run whose lease ends; before anything of it changes."""


def failed_in(step: Step, record: Record) -> None:
    """Count a job into its failure group; when it is in its queue and has its group."""


def failed_out(step: Step, record: Record) -> None:
    """Count a failed job out of its failure group; before its queue or its group changes."""


def sweep(step: Step) -> None:
    """Forget the figures of those of `step.left_tags` that no job has any more; at the end of the step."""
