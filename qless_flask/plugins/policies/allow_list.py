"""Lets in only jobs of some queues and klasses.

{"name": "allow_list", "queues": ["fetch", "parse"], "klasses": ["Crawl", "report.*"]}
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from qless_flask.bounds import Checks
from qless_flask.errors import Rejected
from qless_flask.hookspecs import Policy, Space
from qless_flask.models import NewJob
from qless_flask.patterns import check_patterns, matches_any


@dataclass(frozen=True)
class AllowList(Policy):
    """Refuse a job whose queue, or a queue of whose pipeline, or whose klass is not listed.

    Nor does one come into a queue that is not listed by a move, or because its worker names it as the next stage.
    """

    queues: Sequence[str] | None = None
    """None: any; and so below."""
    klasses: Sequence[str] | None = None

    def __post_init__(self) -> None:
        check = Checks()
        check_patterns(check, "queues", self.queues)
        check_patterns(check, "klasses", self.klasses)
        check.done()

    def check_put(self, namespace: Space, job: NewJob) -> NewJob:
        wrong: dict[str, list[str]] = {}
        if self.klasses is not None and not matches_any(self.klasses, job.klass):
            wrong["klass"] = [f"{job.klass} is not among those allowed here"]
        stages = {"queue": job.queue} | {f"pipeline.{index}": name for index, name in enumerate(job.pipeline)}
        for field, queue in stages.items():
            if not self._allows(queue):
                wrong[field] = [f"{queue} is not among those allowed here"]
        if wrong:
            raise Rejected.of(wrong)
        return job

    def check_queue(self, namespace: Space, queue: str) -> None:
        if not self._allows(queue):
            raise Rejected.of({"queue": [f"{queue} is not among those allowed here"]})

    def _allows(self, queue: str) -> bool:
        return self.queues is None or matches_any(self.queues, queue)
