"""Whether anything is wrong: each rule looks at figures, and says what a person should look at."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from qless_flask.models.scheduling import SchedulerFigures
from qless_flask.overview.models import Overview, QueueView, Warning

IDLE_SECONDS = 60.0
"""So long a job waits at least before anybody is told that nobody pops."""
IDLE_MINUTES = 5
"""So long nobody has popped."""
LATELY_MINUTES = 10
"""What is counted as lately; it is compared with the rest of the hour."""
RISING_FACTOR = 3.0
RISING_COUNT = 5
"""So many lately, and so many times as many a minute as before, are told of."""
LEADERLESS_SECONDS = 15.0
"""A leader writes down that it lives every few seconds."""
MOST = 50

Rule = Callable[[Overview], Iterable[Warning]]


def warnings(overview: Overview, *, frozen: bool, risks: Sequence[str], has_schedulers: bool) -> tuple[Warning, ...]:
    """Tell what is wrong, the worst first; `risks` are those of the store, `has_schedulers` whether it knows of any."""
    found = [warning for rule in _RULES for warning in rule(overview)]
    if frozen:
        found.append(Warning("frozen", "beware", "the namespace is frozen: nothing is put, popped or ended"))
    if has_schedulers:
        found.extend(_leaderless(overview.scheduler, overview.at))
    found.extend(Warning("store", "beware", risk) for risk in risks)
    return tuple(sorted(found, key=lambda warning: warning.severity != "wrong")[:MOST])


def _idle(overview: Overview) -> Iterator[Warning]:
    for view in overview.queues:
        queue = view.queue
        if queue.paused or not queue.waiting or queue.running or view.lately is None:
            continue
        waits = queue.oldest_wait or 0.0
        if waits >= IDLE_SECONDS and not sum(view.lately.popped[-IDLE_MINUTES:]):
            text = f"{_jobs(queue.waiting)} in {queue.name}, and nobody has popped for {IDLE_MINUTES} minutes"
            yield Warning("idle", "wrong", text, queue.name)


def _stalled(overview: Overview) -> Iterator[Warning]:
    for view in overview.queues:
        if view.queue.stalled and not view.queue.paused:
            text = f"{view.queue.stalled:,} leases in {view.queue.name} have run out and wait to be taken back"
            yield Warning("stalled", "beware", text, view.queue.name)


def _lost(overview: Overview) -> Iterator[Warning]:
    yield from _rising(overview.queues, "lost", "lost", "leases were lost in")


def _failing(overview: Overview) -> Iterator[Warning]:
    yield from _rising(overview.queues, "failed", "failing", "jobs failed in")


def _paused(overview: Overview) -> Iterator[Warning]:
    for view in overview.queues:
        if view.queue.paused and view.queue.waiting:
            text = f"{view.queue.name} is paused, and {_jobs(view.queue.waiting)}"
            yield Warning("paused", "beware", text, view.queue.name)


def _rising(views: Iterable[QueueView], count: str, kind: str, told: str) -> Iterator[Warning]:
    for view in views:
        if view.lately is None:
            continue
        counts = getattr(view.lately, count)
        before, lately = counts[:-LATELY_MINUTES], sum(counts[-LATELY_MINUTES:])
        usual = sum(before) / len(before) * LATELY_MINUTES if before else 0.0
        if lately >= RISING_COUNT and lately > RISING_FACTOR * usual:
            text = f"{lately:,} {told} {view.queue.name} in {LATELY_MINUTES} minutes; {usual:.3g} would be usual"
            yield Warning(kind, "wrong", text, view.queue.name)  # type: ignore[arg-type]


def _leaderless(figures: SchedulerFigures | None, now: float) -> Iterator[Warning]:
    lost = "recurrences do not fire, nothing is pruned, and events are told to nobody"
    if figures is None:
        yield Warning("scheduler", "wrong", f"no scheduler has ever run: {lost}")
    elif now - figures.last_tick_at > LEADERLESS_SECONDS:
        minutes = (now - figures.last_tick_at) / 60
        yield Warning("scheduler", "wrong", f"no scheduler has led for {minutes:,.0f} minutes: {lost}")


def _jobs(count: int) -> str:
    return "1 job waits" if count == 1 else f"{count:,} jobs wait"


_RULES: tuple[Rule, ...] = (_idle, _lost, _failing, _stalled, _paused)
