"""The policy `by_host`: each job with a `url` counts by its host."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from qless_flask.bounds import Checks, is_text
from qless_flask.errors import Rejected
from qless_flask.hookspecs import Policy, Space
from qless_flask.models import NewJob


@dataclass(frozen=True)
class ByHost(Policy):
    """Make the host of a job's `url` its key, where it has none; refuse jobs of hosts to `avoid`, and below.

    Jobs without a `url` are none of its business.
    """

    avoid: Sequence[str] = ()

    def __post_init__(self) -> None:
        check = Checks()
        check.texts("avoid", self.avoid, most=1_000)
        check.done()

    def check_put(self, namespace: Space, job: NewJob) -> NewJob:
        """Give the job a key, or refuse it."""
        host = host_of(job.data)
        if host is None:
            return job
        for avoided in self.avoid:
            if host == avoided or host.endswith(f".{avoided}"):
                raise Rejected.of({"data.url": [f"{host} asked to be left alone"]})
        return replace(job, key=host) if job.key is None else job


def host_of(data: str) -> str | None:
    """Find the host of the `url` in a job's data; None where there is none."""
    try:
        host = urlsplit(json.loads(data)["url"]).hostname
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
    # Bytes where the url is none: None and whatever is no text are left alone.
    return host if isinstance(host, str) and is_text(host) else None
