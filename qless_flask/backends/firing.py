"""What the stores share of recurrences: the times worked out, and compare-and-set against what was read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from qless_flask import recurrence
from qless_flask.backends.steps import Steps
from qless_flask.bounds import MAX_BATCH, MAX_DELAY_SECONDS, Checks
from qless_flask.errors import Frozen, RecurrenceNotFound
from qless_flask.models import Actor, Put, Recurrence, Recurring, jid_at, new_jid


class FiringNamespace(Steps):
    """The operations on recurrences."""

    def recur(self, rule: Recurrence, *, actor: Actor | None = None) -> Recurring:
        rule = rule if rule.id else replace(rule, id=new_jid())
        return self._recur(rule, recurrence.first(rule, self._now()), actor)

    def recurrences(
        self,
        ids: Sequence[str] | None = None,
        *,
        due: bool = False,
        after: str | None = None,
        limit: int = 1000,
    ) -> list[Recurring]:
        check = Checks()
        if ids is not None:
            check.texts("ids", tuple(ids), most=MAX_BATCH)
        if after is not None:
            check.text("after", after)
        check.integer("limit", limit, 1, MAX_BATCH)
        check.done()
        return self._recurrences(ids, due, after, limit)

    def unrecur(self, id: str, *, actor: Actor | None = None) -> None:
        _check_id(id)
        self._unrecur(id, actor)

    def pause_recurrence(self, id: str, *, actor: Actor | None = None) -> Recurring:
        _check_id(id)
        return self._pause_recurrence(id, actor)

    def resume_recurrence(self, id: str, *, actor: Actor | None = None) -> Recurring:
        _check_id(id)
        while True:
            self._refuse_if_frozen()
            [seen] = self._recurrences([id], False, None, 1)
            next_at = None if seen.next_at is None else recurrence.following(seen, self._now())
            resumed = self._resume_recurrence(seen, next_at, actor)
            if resumed:
                return resumed

    def run_recurrence(self, id: str, *, actor: Actor | None = None) -> Put:
        _check_id(id)
        while True:
            self._refuse_if_frozen()
            [seen] = self._recurrences([id], False, None, 1)
            now = self._now()
            put = self._run_recurrence(seen, seen.rule.job(jid_at(id, now)), now, actor)
            if put:
                return put

    def fire(self, id: str, expected: float) -> list[Put]:
        check = Checks()
        check.text("id", id)
        check.seconds("expected", expected, 0, 2 * MAX_DELAY_SECONDS)
        check.done()
        self._refuse_if_frozen()
        now = self._now()
        try:
            [seen] = self._recurrences([id], False, None, 1)
        except RecurrenceNotFound:
            return []
        if seen.next_at != expected or seen.paused or expected > now:
            return []
        firing = recurrence.fire(seen, now)
        jobs = [seen.rule.job(jid_at(id, due)) for due in firing.due]
        return self._fire(seen, jobs, firing.due, firing.next_at)

    def _refuse_if_frozen(self) -> None:
        """Say so before what is read first can say anything else; the steps themselves refuse too."""
        if self._settings().frozen:
            raise Frozen.about(self.name)


def _check_id(id: str) -> None:
    check = Checks()
    check.text("id", id)
    check.done()
