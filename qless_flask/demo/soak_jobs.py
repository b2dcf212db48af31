"""What the workers of the soak do: each run of a job is a line in a file."""

from __future__ import annotations

import os

from qless_flask.client import LeasedJob, job


@job("Note")
def note(job: LeasedJob) -> None:
    """Write down that this job was run."""
    # One write of a short line at the end of a file is whole, whoever else writes there.
    file = os.open(job.data["path"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    try:
        os.write(file, f"{job.jid}\n".encode())
    finally:
        os.close(file)
