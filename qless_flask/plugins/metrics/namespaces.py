"""How many jobs are where, from the counters that a store keeps: no job is looked at."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from qless_flask.hookspecs import Space
from qless_flask.models import STATES

if TYPE_CHECKING:
    from prometheus_client import Metric

MOST_GROUPS = 100
"""How many groups of failures are shown of a namespace, the first by name."""


def families(namespaces: Iterable[Space]) -> list[Metric]:
    """Build the metrics of all namespaces."""
    from prometheus_client.core import GaugeMetricFamily

    queue_labels = ["namespace", "queue"]
    jobs = GaugeMetricFamily("qless_jobs", "Jobs, by state.", labels=[*queue_labels, "state"])
    stalled = GaugeMetricFamily("qless_jobs_stalled", "Of the running, those whose lease expired.", labels=queue_labels)
    paused = GaugeMetricFamily("qless_queue_paused", "1 where nothing is popped until a resume.", labels=queue_labels)
    waits = GaugeMetricFamily(
        "qless_oldest_wait_seconds", "How long the job waits that is next, where one waits.", labels=queue_labels
    )
    workers = GaugeMetricFamily("qless_workers", "Workers seen within a day.", labels=["namespace"])
    failures = GaugeMetricFamily("qless_failures", "Failed jobs, by group.", labels=["namespace", "group"])
    for space in namespaces:
        for queue in space.queues():
            labels = [space.name, queue.name]
            for state in STATES:
                jobs.add_metric([*labels, state], getattr(queue, state))
            stalled.add_metric(labels, queue.stalled)
            paused.add_metric(labels, queue.paused)
            if queue.oldest_wait is not None:
                waits.add_metric(labels, queue.oldest_wait)
        workers.add_metric([space.name], len(space.workers()))
        for group in space.failures(limit=MOST_GROUPS):
            failures.add_metric([space.name, group.group], group.count)
    return [jobs, stalled, paused, waits, workers, failures]
