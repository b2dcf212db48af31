"""Says for jobs what they do not say themselves.

{"name": "defaults", "klass": "Crawl", "set": {"priority": 5, "max_run": 60, "backoff": {"strategy": "fixed"}}}
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from qless_flask.bounds import OWN_QUEUES, Checks
from qless_flask.errors import Invalid
from qless_flask.hookspecs import Policy, Space
from qless_flask.models import Backoff, NewJob
from qless_flask.patterns import check_pattern, matches

SETTABLE = (
    "priority",
    "retries",
    "tags",
    "pipeline",
    "backoff",
    "key",
    "max_run",
    "expires_in",
    "requires",
    "on_parent_end",
)
_BARE = NewJob("-", queue="-")


class Defaults(Policy):
    """Set fields of the jobs of a klass and a queue, where they are as if nothing had been said.

    A priority of 0 is that, whether it was said or not.
    """

    def __init__(self, set: Mapping[str, Any], klass: str | None = None, queue: str | None = None) -> None:
        check = Checks()
        check_pattern(check, "klass", klass)
        check_pattern(check, "queue", queue)
        self._set = _checked(check, set)
        check.done()
        self._klass = klass or "*"
        self._queue = queue or "*"

    def check_put(self, namespace: Space, job: NewJob) -> NewJob:
        if not matches(self._klass, job.klass) or not matches(self._queue, job.queue):
            return job
        unsaid = {name: value for name, value in self._set.items() if getattr(job, name) == getattr(_BARE, name)}
        return replace(job, **unsaid) if unsaid else job

    def backoffs(self) -> Mapping[str, Backoff]:
        return {"set.backoff": self._set["backoff"]} if self._set.get("backoff") else {}


def _checked(check: Checks, told: object) -> dict[str, Any]:
    """Read what is to be set as a job would have it."""
    if not isinstance(told, Mapping):
        check.wrong("set", "must be an object: fields of a job")
        return {}
    values: dict[str, Any] = {}
    for name, value in told.items():
        if name not in SETTABLE:
            check.wrong(f"set.{name}", f"cannot be set; there are {', '.join(SETTABLE)}")
        elif name == "pipeline" and any(str(queue).startswith(OWN_QUEUES) for queue in _listed(value)):
            check.wrong("set.pipeline", f"names that begin with {OWN_QUEUES} are reserved")
        elif name == "backoff" and isinstance(value, Mapping):
            try:
                values[name] = Backoff.of(value)
            except Invalid as error:
                check.merge("set.backoff", error.fields)
        else:
            values[name] = tuple(value) if isinstance(value, list) else value
    try:
        job = replace(_BARE, **values)
    except Invalid as error:
        check.merge("set", error.fields)
        return {}
    return {name: getattr(job, name) for name in values}


def _listed(value: object) -> Sequence[object]:
    return value if isinstance(value, (list, tuple)) else ()
