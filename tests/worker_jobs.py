"""The module of job functions that the worker processes of the tests import."""

from __future__ import annotations

import os
import signal
import time

from qless_flask.client import LeasedJob, job


@job("Note")
def note(job: LeasedJob) -> None:
    """Tell by which process the job was run."""
    job.complete(data={"process": os.getpid()})


@job("Wait")
def wait(job: LeasedJob) -> None:
    """Tell by which process it is run, and then run for so many seconds, or until there is a file."""
    job.log(str(os.getpid()))
    deadline = time.monotonic() + job.data.get("seconds", 20)
    while time.monotonic() < deadline and not os.path.exists(job.data.get("until", "/nowhere")):
        time.sleep(0.01)


@job("Measure")
def measure(job: LeasedJob) -> dict[str, int]:
    """Tell how far it is, and what came of it."""
    job.progress("half")
    return {"size": 10}


@job("Await")
async def wait_for_nothing(job: LeasedJob) -> None:
    """End at once, on an event loop."""
    job.complete(data={"process": os.getpid()})


@job("Die")
def die(job: LeasedJob) -> None:
    """End the process in the hardest way, at the first run."""
    if job.job.losses == 0 and job.job.failure is None:
        os.kill(os.getpid(), signal.SIGKILL)


def hidden(job: LeasedJob) -> None:
    """Be no job function, so that nobody runs it."""
    raise AssertionError
