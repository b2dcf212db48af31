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
        heads = {
            (words, key): score
            for name in self._reading.names("heads")
            for of, words in [name.split("\t")]
            if of == queue
            for key, score in self._reading.scores(f"heads:{name}").items()
        }
        firsts = {
            (words, key): min(scores.values())
            for name, scores in lanes.items()
            for of, words, key in [name.split("\t")]
            if of == queue
        }
        for lane in heads.keys() | firsts.keys():
            _, key = lane
            found, right = heads.get(lane), None if blocked.get(key) == _NEVER else firsts.get(lane)
            # The next pop frees one whose rate lets it go on by now.
            if found != right and not (found is None and key in blocked):
                yield f"the head {found} of the lane {lane} in {queue}, which should be {right},"
        yield from self._kept_back(queue)

    def _blocked(self, queue: str) -> dict[str, int]:
        """List the keys that are kept back, and until when; those that are to be looked at again among them."""
        found = self._reading.scores(f"blocked:{queue}")
        if "resort" in self._reading.texts(f"queue:{queue}"):
            found = dict.fromkeys(found, 0)
        for name in self._reading.names("resort"):
            if name.split("\t")[0] == queue:
                found |= dict.fromkeys(self._reading.scores(f"resort:{name}"), 0)
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
