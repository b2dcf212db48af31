"""The plugins of the process that answers."""

from __future__ import annotations

from dataclasses import replace

from flask import Response

from qless_flask.models import EVERYWHERE
from qless_flask.models.plugins import PluginReport
from qless_flask.schemas.operations import NoArguments
from qless_flask.schemas.plugins import PluginReportSchema
from qless_flask.web.access import current_identity
from qless_flask.web.answers import answer
from qless_flask.web.current import current_service
from qless_flask.web.parsing import load_query
from qless_flask.web.views import API, Views

views = Views(prefix="")


@views.get(f"{API}/plugins", "plugins")
def list_plugins() -> Response:
    """Say which plugins this process has, what they implement and offer, and how they do."""
    load_query(_NO_QUERY)
    return answer(_REPORT.dump(seen_report()))


def seen_report() -> PluginReport:
    """Report what whoever asks may know."""
    report = current_service().report()
    return report if EVERYWHERE in current_identity().namespaces else _without_errors(report)


def _without_errors(report: PluginReport) -> PluginReport:
    """Leave out what plugins said last when they failed: that may be about a job of any namespace."""
    plugins = tuple(replace(each, last_error=None) for each in report.plugins)
    scheduler = report.scheduler
    if scheduler is not None:
        scheduler = replace(scheduler, plugins=tuple(replace(each, last_error=None) for each in scheduler.plugins))
    return replace(report, plugins=plugins, scheduler=scheduler)


_NO_QUERY, _REPORT = NoArguments(), PluginReportSchema()
