"""What `change` does to a page of jobs: one call of the script of its action, guarded by how each job was seen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from qless_flask.backends.redis.records import LETTERS
from qless_flask.backends.redis.scripts import Argument, Reply
from qless_flask.backends.store import to_milliseconds
from qless_flask.models import Action, Cancel, Changes, Finish, Job, Move, Timeout

SEEN, NOT_SEEN = "1", ""
"""Whether each jid comes with the state and queue in which it was seen."""


def script_of(action: Action) -> tuple[str, list[Argument]]:
    """Name the script that does an action by hand, and write its arguments between `seen` and the jids."""
    if isinstance(action, Move):
        return "move", [action.queue or "", to_milliseconds(action.delay)]
    if isinstance(action, Cancel):
        return "cancel", [action.dependents]
    if isinstance(action, Timeout):
        return "timeout", []
    if isinstance(action, Finish):
        return "finish", finish_arguments(action)
    return "update", update_arguments(action.changes)


def finish_arguments(end: Finish) -> list[Argument]:
    """Write how jobs are to end."""
    result = "" if end.result is None else f"={end.result}"
    return [LETTERS[end.state], end.group, end.message, result]


def update_arguments(changes: Changes) -> list[Argument]:
    """Write what to change of jobs: '' for what stays."""
    plain = ["" if value is None else value for value in (changes.priority, changes.data, changes.retries)]
    tracked = "" if changes.tracked is None else int(changes.tracked)
    added, removed = changes.add_tags, changes.remove_tags
    return [*plain, tracked, len(added), *added, len(removed), *removed]


def seen_jobs(jobs: Sequence[Job]) -> list[Argument]:
    """Write jobs with the state and queue in which they were seen."""
    return [word for job in jobs for word in (job.jid, f"{LETTERS[job.state]}\t{job.queue}")]


def count_done(reply: Reply) -> int:
    """Count those that the action changed."""
    return cast("list[bytes]", reply).count(b"DONE")
