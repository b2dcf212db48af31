"""The plugins of the process that answers."""

from __future__ import annotations

from flask import Response

from qless_flask.schemas.operations import NoArguments
from qless_flask.schemas.plugins import PluginReportSchema
from qless_flask.web.answers import answer
from qless_flask.web.parsing import load_query
from qless_flask.web.service import current_service
from qless_flask.web.views import API, Views

views = Views(prefix="")


@views.get(f"{API}/plugins", "plugins")
def list_plugins() -> Response:
    """Say which plugins this process has, what they implement and offer, and how they do."""
    load_query(_NO_QUERY)
    return answer(_REPORT.dump(current_service().report()))


_NO_QUERY, _REPORT = NoArguments(), PluginReportSchema()
