"""Working jobs: `Worker` inside a program of yours, `run` for a pool of processes on the command line."""

from qless_flask.worker.options import WorkerOptions, WorkSettings, new_worker_name
from qless_flask.worker.pool import run
from qless_flask.worker.worker import Worker

__all__ = ["WorkSettings", "Worker", "WorkerOptions", "new_worker_name", "run"]
