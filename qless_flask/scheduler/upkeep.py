"""What a scheduler does in one namespace."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from qless_flask.backends.base import Backend, Clock, Namespace
from qless_flask.errors import BackendUnavailable, Frozen, QlessError
from qless_flask.models import Recurring
from qless_flask.scheduler.diary import Diary
from qless_flask.scheduler.troubles import Troubles

PRUNE_SECONDS = 60.0
AT_ONCE = 1_000


class Upkeep:
    """Looks after the namespaces of a store, a bounded part at a time, for as long as `leads` answers true.

    Recurrences fire through the store as it was given, so that its policies see their jobs; all else is asked of the
    bare one.
    """

    def __init__(
        self,
        store: Backend,
        bare: Backend,
        *,
        diary: Diary,
        troubles: Troubles,
        clock: Clock,
        leads: Callable[[], bool],
    ) -> None:
        self._store, self._bare = store, bare
        self._diary, self._troubles = diary, troubles
        self._clock = clock
        self._leads = leads
        self._prune_at: dict[str, float] = {}

    def forget_all_but(self, names: Iterable[str]) -> None:
        """Keep in mind only the namespaces that there are."""
        self._prune_at = {name: self._prune_at.get(name, 0.0) for name in names}

    def look_after(self, name: str) -> bool:
        """Do a bounded part of what is to be done in a namespace, and tell whether there is more."""
        more, what, failed = False, f"namespace {name}", False
        for step in (self._promote, self._fire, self._prune):
            try:
                more = step(self._bare.namespace(name)) or more
            except Exception as error:  # noqa: BLE001  whatever it is, all else must not suffer from it
                if isinstance(error, BackendUnavailable):
                    # Raises where it is not only this namespace.
                    self._bare.ping()
                failed = True
                self._troubles.met(what, error)
        if not failed:
            self._troubles.over(what)
        return more

    def _promote(self, namespace: Namespace) -> bool:
        done = namespace.promote(AT_ONCE)
        self._diary.add(promoted=done.promoted, lost=done.lost, expired=done.expired, told=done.told)
        return done.more

    def _fire(self, namespace: Namespace) -> bool:
        due = namespace.recurrences(due=True, limit=AT_ONCE)
        fired = self._fire_all(namespace.name, due)
        if len(due) < AT_ONCE:
            return False
        if not fired:
            self._fire_behind(namespace, due)
        return fired

    def _fire_behind(self, namespace: Namespace, refused: list[Recurring]) -> None:
        """Fire what is due behind a thousand that are all refused, which stand before it in each list."""
        known, now = {each.rule.id for each in refused}, self._clock()
        after: str | None = None
        while page := namespace.recurrences(after=after, limit=AT_ONCE):
            found = [each for each in page if each.rule.id not in known and each.next_at and each.next_at <= now]
            self._fire_all(namespace.name, found)
            after = page[-1].rule.id
            if not self._leads():
                return

    def _fire_all(self, name: str, due: Iterable[Recurring]) -> bool:
        """Fire recurrences, each in its own try; tell whether any let itself be fired."""
        store, fired = self._store.namespace(name), False
        for recurring in due:
            rule, at = recurring.rule, recurring.next_at
            if rule.id is None or at is None:
                continue
            if not self._leads():
                return False
            what = f"recurrence {rule.id} of namespace {name}"
            try:
                self._diary.add(fired=len(store.fire(rule.id, at)))
            except Frozen:
                # No trouble: what is due then is caught up with when it is thawed, as its rule says.
                return False
            except BackendUnavailable:
                raise
            except QlessError as error:
                self._troubles.met(what, error)
            else:
                fired = True
                self._troubles.over(what)
        return fired

    def _prune(self, namespace: Namespace) -> bool:
        if time.monotonic() < self._prune_at[namespace.name]:
            return False
        done = namespace.prune(AT_ONCE)
        self._diary.add(pruned=done.jobs)
        if not done.more:
            self._prune_at[namespace.name] = time.monotonic() + PRUNE_SECONDS
        return done.more
