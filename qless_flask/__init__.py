"""A job queue that people can trust with a pipeline: state in Redis or SQLite, spoken over HTTP and JSON, in Flask."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from qless_flask.backends import open_backend
from qless_flask.client import Client, FailJob, LeasedJob, ReleaseJob, RetryJob, job
from qless_flask.errors import QlessError
from qless_flask.models import (
    Backoff,
    Chosen,
    Complete,
    Fail,
    Filter,
    Job,
    Keep,
    Lease,
    NewJob,
    Rate,
    Release,
    Retention,
    Retry,
    Unique,
)
from qless_flask.settings import Settings
from qless_flask.worker import Worker

if TYPE_CHECKING:
    from qless_flask.web import QlessFlask, create_app, create_blueprint

__all__ = [
    "Backoff",
    "Chosen",
    "Client",
    "Complete",
    "Fail",
    "FailJob",
    "Filter",
    "Job",
    "Keep",
    "Lease",
    "LeasedJob",
    "NewJob",
    "QlessError",
    "QlessFlask",
    "Rate",
    "Release",
    "ReleaseJob",
    "Retention",
    "Retry",
    "RetryJob",
    "Settings",
    "Unique",
    "Worker",
    "create_app",
    "create_blueprint",
    "job",
    "open_backend",
]

# A worker does without Flask: these are imported when they are asked for.
_WEB = ("QlessFlask", "create_app", "create_blueprint")


def __getattr__(name: str) -> object:
    if name in _WEB:
        return getattr(import_module("qless_flask.web"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
