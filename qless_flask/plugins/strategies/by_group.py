"""A back-off for each group of failures, or none: what will not work again is given up at once.

{"strategy": "by_group", "groups": {"http-404": null, "http-5*": {"strategy": "fixed", "delay": 60}}, "otherwise": {…}}
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from qless_flask.bounds import Checks
from qless_flask.errors import Invalid
from qless_flask.hookspecs import RetryStrategy
from qless_flask.models import Backoff, Failure, Job
from qless_flask.patterns import matches


class ByGroup(RetryStrategy):
    """Leave it to the back-off of the failure's group; a `*` at the end of a group stands for what follows."""

    def __init__(self, groups: Mapping[str, Any], otherwise: Mapping[str, Any] | None = None) -> None:
        check = Checks()
        self._groups: dict[str, Backoff | None] = {}
        if not isinstance(groups, Mapping):
            check.wrong("groups", "must be an object: group to back-off, or to null to give up at once")
        else:
            for group, told in groups.items():
                self._groups[group] = None if told is None else _backoff(check, f"groups.{group}", told)
        self._otherwise = Backoff() if otherwise is None else _backoff(check, "otherwise", otherwise)
        check.done()
        # Of those that match, the one that says most.
        self._begins = sorted((each for each in self._groups if each.endswith("*")), key=len, reverse=True)

    def next_delay(self, job: Job, failure: Failure, run: int) -> Backoff | None:
        if failure.group in self._groups:
            return self._groups[failure.group]
        for group in self._begins:
            if matches(group, failure.group):
                return self._groups[group]
        return self._otherwise

    def backoffs(self) -> Mapping[str, Backoff]:
        named = {f"groups.{group}": backoff for group, backoff in self._groups.items() if backoff is not None}
        return named | {"otherwise": self._otherwise}


def _backoff(check: Checks, field: str, told: object) -> Backoff:
    try:
        if isinstance(told, Mapping):
            return Backoff.of(told)
        check.wrong(field, "must be an object: a back-off")
    except Invalid as error:
        check.merge(field, error.fields)
    return Backoff()
