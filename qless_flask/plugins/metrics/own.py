"""How this process's plugins, and the store's schedulers, do: what no plugin could tell."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from qless_flask.models import Plugin
from qless_flask.models.scheduling import SchedulerFigures

if TYPE_CHECKING:
    from prometheus_client import Metric


def plugin_families(plugins: Sequence[Plugin]) -> list[Metric]:
    """Build the metrics of plugins. Each process counts for itself, and has a label."""
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

    labels, process = ["plugin", "process"], str(os.getpid())
    calls = CounterMetricFamily("qless_plugin_calls", "Calls of a plugin.", labels=labels)
    errors = CounterMetricFamily("qless_plugin_errors", "Those that it raised in.", labels=labels)
    seconds = CounterMetricFamily("qless_plugin_seconds", "How long all of them took.", labels=labels)
    off = GaugeMetricFamily("qless_plugin_off", "What is switched off after ten errors in a row.", labels=labels)
    loaded = GaugeMetricFamily("qless_plugin_loaded", "1 if it is loaded, 0 if it failed.", labels=labels)
    for plugin in plugins:
        values = [plugin.name, process]
        if plugin.state == "blocked":
            continue
        loaded.add_metric(values, plugin.state == "loaded")
        calls.add_metric(values, plugin.calls)
        errors.add_metric(values, plugin.errors)
        seconds.add_metric(values, plugin.seconds)
        off.add_metric(values, len(plugin.off))
    return [loaded, calls, errors, seconds, off]


def scheduler_families(figures: SchedulerFigures | None) -> list[Metric]:
    """Build the metrics of all schedulers that ever led."""
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

    if figures is None:
        return []
    since = GaugeMetricFamily("qless_scheduler_leads_since_seconds", "When the leader came to lead.", figures.since)
    last = GaugeMetricFamily("qless_scheduler_last_tick_seconds", "When it last did its rounds.", figures.last_tick_at)
    done = [
        CounterMetricFamily(f"qless_scheduler_{name}", f"What schedulers have done: {name}.", number)
        for name, number in asdict(figures.done).items()
    ]
    return [since, last, *done]
