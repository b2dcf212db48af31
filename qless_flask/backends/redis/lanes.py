"""What lib/lanes.lua keeps, read whole for the invariant checker, and what is wrong in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol

from qless_flask.backends.waiting import offers
from qless_flask.models import Job

_NEVER = (1 << 53) - 1
_KEY_CONCURRENCY = 4
"""Which of the numbers of limits it is."""


class Reading(Protocol):
    """A namespace's keys."""

    def names(self, kind: str) -> list[str]:
        """List the names for which there is a key of a kind."""

    def scores(self, kind: str) -> dict[str, int]:
        """Read a sorted set, in its order."""

    def texts(self, kind: str) -> dict[str, str]:
        """Read a hash."""


class Lanes:
    """The lanes of all queues."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading

    def key_running(self) -> dict[tuple[str, str], int]:
        """By queue and key, the counter of running jobs."""
        return {
            (queue, key): int(count)
            for queue in self._reading.names("key_running")
            for key, count in self._reading.texts(f"key_running:{queue}").items()
        }

    def requirement_sets(self) -> dict[tuple[str, tuple[str, ...]], int]:
        """By queue and set, the counter of jobs that are alive."""
        return {
            (queue, tuple(words.split("\x1f"))): int(count)
            for queue in self._reading.names("sets")
            for words, count in self._reading.texts(f"sets:{queue}").items()
        }

    def strays(self, jobs: Mapping[str, Job]) -> Iterator[str]:
        """Tell what belongs to nothing, and what is missing."""
        lanes = {name: self._reading.scores(f"lane:{name}") for name in self._reading.names("lane")}
        yield from self._misplaced(lanes, jobs)
        waiting = {queue: self._reading.scores(f"v:{queue}") for queue in self._reading.names("v")}
        standing: dict[str, dict[str, int]] = {}
        for name, scores in lanes.items():
            standing.setdefault(name.split("\t")[0], {}).update(scores)
        for queue in waiting.keys() | standing.keys():
            if waiting.get(queue) != standing.get(queue):
                yield f"the lanes of {queue} hold {standing.get(queue)} of {waiting.get(queue)}, which"
        for queue in {name.split("\t")[0] for name in (*lanes, *self._reading.names("heads"))} | waiting.keys():
            yield from self._wrong_heads(queue, lanes)

    def _misplaced(self, lanes: Mapping[str, Mapping[str, int]], jobs: Mapping[str, Job]) -> Iterator[str]:
        for name, scores in lanes.items():
            for jid in scores:
                job = jobs.get(jid)
                right = job and f"{job.queue}\t{offers(job.requires)}\t{job.key or ''}"
                if right != name:
                    yield f"{jid} in the lane {name!r} instead of {right!r}"

    def _wrong_heads(self, queue: str, lanes: Mapping[str, Mapping[str, int]]) -> Iterator[str]:
        blocked = self._blocked(queue)
        expected: dict[str, dict[str, int]] = {}
        for name, scores in lanes.items():
            of, words, key = name.split("\t")
            if of == queue and key not in blocked:
                expected.setdefault(words, {})[key] = min(scores.values())
        found = {
            words: self._reading.scores(f"heads:{name}")
            for name in self._reading.names("heads")
            for of, words in [name.split("\t")]
            if of == queue
        }
        if found != expected:
            yield f"{found} are the heads in {queue}, and should be {expected}; what"
        yield from self._kept_back(queue)

    def _blocked(self, queue: str) -> set[str]:
        """List the keys that are kept back, and those that are to be looked at again."""
        found = set(self._reading.scores(f"blocked:{queue}"))
        for name in self._reading.names("resort"):
            if name.split("\t")[0] == queue:
                found |= set(self._reading.scores(f"resort:{name}"))
        return found

    def _kept_back(self, queue: str) -> Iterator[str]:
        """Tell which keys wait for the end of a lease, and could run."""
        fields = self._reading.texts(f"queue:{queue}")
        if "resort" in fields:
            return
        limits = fields.get("limits", "").removeprefix("F")
        most = limits.split(",")[_KEY_CONCURRENCY] if limits else ""
        running = self._reading.texts(f"key_running:{queue}")
        for key, till in self._reading.scores(f"blocked:{queue}").items():
            if till == _NEVER and (not most or int(running.get(key, 0)) < int(most)):
                yield f"the key {key}, kept back in {queue},"
