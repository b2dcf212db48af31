"""What the limits of a queue count, and when they let the next job through."""

from __future__ import annotations

from collections.abc import Sequence

from qless_flask.backends.refusals import too_many_sets
from qless_flask.backends.store import to_milliseconds
from qless_flask.bounds import MAX_REQUIREMENT_SETS
from qless_flask.errors import QuotaExceeded
from qless_flask.models import NewJob, QueueSettings, Rate, State
from qless_lmdb.look import Look
from qless_lmdb.records import POPPED, JobState, encode
from qless_lmdb.standing import set_number
from qless_lmdb.step import Step

TO_RUN: tuple[State, ...] = ("scheduled", "depends", "waiting")


# What is kept back: "" stands for the queue itself, in place of a key


def room(look: Look, queue: str) -> int | None:
    """Tell how many more jobs of a queue may run at once; None: any number."""
    most = look.settings_of(queue).max_concurrency
    return None if most is None else most - look.jobs_in(queue, "running")


def key_has_room(look: Look, queue: str, key: str) -> bool:
    """Tell whether one more job of a key may run."""
    most = look.settings_of(queue).key_concurrency
    return most is None or not key or look.counted("key runs", queue, key) < most


def free_at(look: Look, queue: str) -> int | None:
    """Tell when the rate of a queue lets the next job through, if it keeps it back now."""
    found = look.queue(queue)
    return _full_until(look, queue, "", look.settings_of(queue).rate, found.rate_since if found else None)


def key_free_at(look: Look, queue: str, key: str) -> int | None:
    """The same of a key."""
    found, rate = look.queue(queue), look.settings_of(queue).key_rate
    return _full_until(look, queue, key, rate, found.key_rate_since if found else None) if key else None


def popped(look: Look, queue: str, key: str = "") -> list[int]:
    """List when a queue or key was popped, as far as that is remembered."""
    return look.record(POPPED, "popped", queue, key) or []


def remember_pop(step: Step, job: JobState) -> None:
    """Note when a job is popped, where a rate counts that."""
    settings = step.settings_of(job.queue)
    for key, rate in (("", settings.rate), (job.key, settings.key_rate)):
        if rate and key is not None:
            times = [*popped(step, job.queue, key), step.now][-rate.limit :]
            step.set(encode(times), "popped", job.queue, key)


def forget_pops(step: Step, queue: str) -> None:
    """Forget the pops of keys of which none counts any more."""
    found, rate = step.know(queue), step.settings_of(queue).key_rate
    for (key,), value in step.walk("popped", queue, after=("",)):
        latest = POPPED.decode(value)[-1:]
        if rate is None or not _counted(step, latest, rate, found.key_rate_since):
            step.unset("popped", queue, key)


def _full_until(look: Look, queue: str, key: str, rate: Rate | None, since: int | None) -> int | None:
    if rate is None:
        return None
    counted = sorted(_counted(look, popped(look, queue, key), rate, since))
    return counted[-rate.limit] + to_milliseconds(rate.per) if len(counted) >= rate.limit else None


def _counted(look: Look, times: Sequence[int], rate: Rate, since: int | None) -> list[int]:
    per = to_milliseconds(rate.per)
    return [at for at in times if at >= (since or 0) and look.now < at + per]


# What is refused, and what changes


def check_room(step: Step, new: NewJob, old: JobState | None) -> None:
    """Raise Invalid or QuotaExceeded unless a queue has room for one more job, in place of an old one."""
    if old and old.queue != new.queue:
        old = None
    if new.requires and _alive(step, new, old) >= MAX_REQUIREMENT_SETS:
        raise too_many_sets()
    most = step.settings_of(new.queue).max_size
    there = sum(step.jobs_in(new.queue, state) for state in TO_RUN)
    if most is not None and there - (old is not None and old.state in TO_RUN) >= most:
        raise QuotaExceeded.about(new.queue)


def _alive(step: Step, new: NewJob, old: JobState | None) -> int:
    """Count the sets of requirements alive in a queue; 0 if that of the new job is among them."""
    own, gone = set_number(new.requires), set_number(old.requires) if old else 0
    found = 0
    for number in step.branches("requires", new.queue):
        jobs = step.walk("requires", new.queue, number, most=2)
        if number == gone and old and [jid for (jid,), _ in jobs] == [old.jid]:
            continue
        if number == own:
            return 0
        found += 1
    return found


def settings_changed(step: Step, queue: str, before: QueueSettings) -> None:
    """Let rates that are new, or over a longer time, count from now."""
    found, after = step.know(queue), step.settings_of(queue)
    if _counts_anew(before.rate, after.rate):
        found.rate_since = step.now
    if _counts_anew(before.key_rate, after.key_rate):
        found.key_rate_since = step.now
    step.save_queue(found)


def _counts_anew(before: Rate | None, after: Rate | None) -> bool:
    return after is not None and (before is None or after.per > before.per)
