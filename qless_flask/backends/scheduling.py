"""The record in which the schedulers of a store write down what they do."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, replace

from qless_flask.backends.base import Backend
from qless_flask.models.plugin_figures import PluginFigures
from qless_flask.models.scheduling import SchedulerFigures, Upkept

OURS = "_"
"""The namespace that is ours: unlisted, and closed to clients."""
RECORD = "scheduler"
TRIES = 5
MOST_BYTES = 60_000
"""How much of it is for plugins: those with the most errors, if there is no room for all."""


def scheduler_figures(backend: Backend) -> SchedulerFigures | None:
    """Read what the schedulers of a store have done; None where there was never one."""
    text = backend.namespace(OURS).recall(RECORD)
    return None if text is None else SchedulerFigures.of_text(text)


def add_figures(backend: Backend, figures: SchedulerFigures) -> bool:
    """Write down a leader's figures, and what was done before added to them.

    Tell whether that was possible, or too many others did so at the same time.
    """
    record, plugins = backend.namespace(OURS), tuple(_fitting(figures.plugins))
    for _ in range(TRIES):
        text = record.recall(RECORD)
        before = Upkept() if text is None else SchedulerFigures.of_text(text).done
        told = replace(figures, done=before + figures.done, plugins=plugins)
        if record.remember(RECORD, told.as_text(), text):
            return True
    return False


def _fitting(plugins: Iterable[PluginFigures]) -> Iterable[PluginFigures]:
    room = MOST_BYTES
    for each in sorted(plugins, key=lambda each: -each.errors):
        room -= len(json.dumps(asdict(each)))
        if room < 0:
            return
        yield each
