"""A job, told to people."""

from __future__ import annotations

import click

from qless_flask.cli.backoff import told_backoff
from qless_flask.cli.output import print_facts, told_time
from qless_flask.models import HistoryEntry, Job, LogLine


def print_job(job: Job) -> None:
    """Print all that is known of a job."""
    print_facts(
        {
            "jid": job.jid,
            "klass": job.klass,
            "state": f"{job.state} in {job.queue}",
            "then": ", ".join(job.pipeline),
            "waits for": ", ".join(job.depends),
            "waited for": ", ".join(job.dependents),
            "priority": str(job.priority),
            "tags": ", ".join(job.tags),
            "tracked": "yes" if job.tracked else "",
            "worker": job.worker or "",
            "retries": f"{job.remaining} left" + (f", lost {job.losses} times" if job.losses else ""),
            **_options(job),
            "created": told_time(job.created_at),
            "due" if job.state == "scheduled" else "available": told_time(job.available_at),
            "started": told_time(job.started_at),
            "ended": told_time(job.ended_at),
            "progress": job.progress or "",
            "data": job.data or "",
            "result": job.result or "",
            "failure": _failure(job),
        }
    )
    for line in (job.failure.message if job.failure else "").splitlines():
        click.echo(f"             {line}")
    click.echo("history")
    for entry in job.history:
        click.echo(f"  {_told_entry(entry)}".rstrip())


def told_line(line: LogLine) -> str:
    """Tell a line of a job's log."""
    return f"{told_time(line.at)}  {line.message}" + (f"  {line.data}" if line.data else "")


def _options(job: Job) -> dict[str, str]:
    unique = job.unique
    held = "" if unique is None else f"{unique.key}, " + ("while alive" if unique.seconds is None else "for a time")
    return {
        "requires": ", ".join(job.requires),
        "key": job.key or "",
        "back-off": told_backoff(job.backoff) if job.backoff else "",
        "max run": f"{job.max_run:g} s" if job.max_run else "",
        "expires": told_time(job.created_at + job.expires_in) if job.expires_in else "",
        "unique": held,
        "put by": f"{job.recurrence}, for {told_time(job.due_at)}" if job.recurrence else "",
    }


def _failure(job: Job) -> str:
    failure = job.failure
    return f"{failure.group}, run {failure.run} by {failure.worker or 'nobody'}" if failure else ""


def _told_entry(entry: HistoryEntry) -> str:
    about = next(filter(None, (entry.queue, entry.worker, entry.group)), "")
    return f"{told_time(entry.at)}  {entry.event:<10} {about}"
