"""The limits of a queue, as pops count by them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from qless_flask.backends.sqlite.lane_statements import POPPED_AT
from qless_flask.backends.store import to_milliseconds
from qless_flask.models import QueueSettings, Rate

if TYPE_CHECKING:
    from qless_flask.backends.sqlite.look import Look, QueueRow


@dataclass(frozen=True, slots=True)
class Window:
    """At most `limit` pops in any `per` milliseconds."""

    limit: int
    per: int

    @classmethod
    def of(cls, rate: Rate | None) -> Window | None:
        return None if rate is None else cls(rate.limit, to_milliseconds(rate.per))


@dataclass(frozen=True, slots=True)
class Limits:
    """What is limited of a queue; None where it is not."""

    concurrency: int | None
    rate: Window | None
    key_concurrency: int | None
    key_rate: Window | None

    @classmethod
    def of(cls, settings: QueueSettings) -> Limits | None:
        """Take the limits out of settings; None if there are none."""
        limits = cls(
            settings.max_concurrency,
            Window.of(settings.rate),
            settings.key_concurrency,
            Window.of(settings.key_rate),
        )
        return None if limits == NO_LIMITS else limits

    @property
    def on_keys(self) -> bool:
        """Whether keys are limited."""
        return self.key_concurrency is not None or self.key_rate is not None


NO_LIMITS = Limits(None, None, None, None)


def spell_key_limits(look: Look, queue: QueueRow) -> str:
    """Spell the limits on the keys of a queue, so that it can be told whether a key was judged by them; '' for none."""
    limits = look.limits_of(queue)
    if limits is None or not limits.on_keys:
        return ""
    rate = limits.key_rate
    if rate is None:
        return f"{limits.key_concurrency}"
    return f"{limits.key_concurrency} {rate.limit} {rate.per} {look.pace_of(queue).key_rate_since}"


def next_slot(look: Look, queue: QueueRow) -> int | None:
    """When the rate of a queue lets the next job through; None: now."""
    limits = look.limits_of(queue)
    if limits is None or limits.rate is None:
        return None
    pace = look.pace_of(queue)
    return slot(look, (queue.id, "", pace.popped), limits.rate, pace.rate_since)


def slot(look: Look, last: tuple[int, str, int], rate: Window, since: int | None) -> int | None:
    """When a rate lets the next pop through, given the queue, key and number of the last one; None: now."""
    queue, key, number = last
    if number < rate.limit:
        return None
    found = look.connection.execute(POPPED_AT, (queue, key, number - rate.limit + 1)).fetchone()
    if found is None or (since is not None and found[0] < since):
        return None
    over_at = int(found[0]) + rate.per
    return over_at if look.now < over_at else None
