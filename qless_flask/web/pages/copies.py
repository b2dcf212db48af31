"""A job to put again: as a NewJob, as a call of curl, and as Python."""

from __future__ import annotations

import shlex
from typing import Any

from qless_flask.models import Job, NewJob
from qless_flask.schemas import wire
from qless_flask.schemas.jobs import NewJobSchema

MOST_DATA = 4_000
"""How many characters of data stand in what is copied; longer data is named as a file."""


def again(job: Job, data: str | None = None) -> NewJob:
    """Build a job like this one, from the stage on that it is in, with other data if that is told.

    What it waited for, its unique key and its jid are not taken along: they are this one's.
    """
    return NewJob(
        job.klass,
        job.data or "{}" if data is None else data,
        queue=job.queue,
        priority=job.priority,
        tags=job.tags,
        retries=job.retries,
        pipeline=job.pipeline,
        backoff=job.backoff,
        max_run=job.max_run,
        expires_in=job.expires_in,
        requires=job.requires,
        key=job.key,
    )


def as_curl(job: Job, address: str) -> str:
    """Write the call of curl that puts a job like this one; `address` is that of the jobs of its queue."""
    message = _message(again(job))
    body = shlex.quote(wire.encode(message).decode())
    if len(body) > MOST_DATA:
        body = "@job.json"
    return f'curl {shlex.quote(address)} -H "Authorization: Bearer $QLESS_TOKEN" --json {body}'


def as_python(job: Job, url: str, namespace: str) -> str:
    """Write the Python that puts a job like this one."""
    message = _message(again(job))
    klass, data = message.pop("klass"), bytes(message.pop("data", b"{}")).decode()
    told = f"json.loads({data!r})" if len(data) <= MOST_DATA else 'json.loads(Path("data.json").read_text())'
    options = "".join(f", {name}={_literal(name, value)}" for name, value in message.items())
    imports = "import json\n" if len(data) <= MOST_DATA else "import json\nfrom pathlib import Path\n"
    ours = "Backoff, Client" if "backoff" in message else "Client"
    return (
        f"{imports}\nfrom qless_flask import {ours}\n\n"
        f"with Client({url!r}, {namespace!r}) as client:\n"
        f"    client.queues[{job.queue!r}].put({klass!r}, {told}{options})\n"
    )


def _message(job: NewJob) -> dict[str, Any]:
    message: dict[str, Any] = NewJobSchema().dump(job)
    return {name: value for name, value in message.items() if value is not None and name != "queue"}


def _literal(name: str, value: object) -> str:
    if name == "backoff":
        return f"Backoff.of({value!r})"
    return repr(tuple(value)) if isinstance(value, list) else repr(value)
