"""Changes of all jobs that match, step after step."""

from __future__ import annotations

from collections.abc import Iterator

from qless_flask.backends.base import Namespace
from qless_flask.models import Action, Actor, Changed, Filter


class Changing:
    """Does an action on all jobs that match, in bounded steps."""

    def __init__(self, namespace: Namespace, actor: Actor | None = None) -> None:
        self._namespace = namespace
        self._actor = actor

    def steps(self, filter: Filter, action: Action, *, dry_run: bool = False) -> Iterator[Changed]:
        """Do one step after the other, and tell what each did."""
        cursor = None
        while True:
            step = self._namespace.change(filter, action, cursor=cursor, dry_run=dry_run, actor=self._actor)
            yield step
            cursor = step.next
            if cursor is None:
                return

    def all(self, filter: Filter, action: Action, *, dry_run: bool = False) -> Changed:
        """Do all steps, and tell what they did together."""
        matched = changed = 0
        for step in self.steps(filter, action, dry_run=dry_run):
            matched, changed = matched + step.matched, changed + step.changed
        return Changed(matched, changed, None)
