"""A server of ours as a store."""

from __future__ import annotations

import httpx

from qless_flask.backends.base import Backend, Namespace
from qless_flask.backends.http.namespace import HTTPNamespace
from qless_flask.backends.http.transport import Transport
from qless_flask.models.plugins import PluginReport
from qless_flask.schemas.mount import NamespacesSchema, ReadySchema
from qless_flask.schemas.noun import load_answer
from qless_flask.schemas.plugins import PluginReportSchema


class HTTPBackend(Backend):
    """A server of ours, at the URL that it is mounted at."""

    def __init__(self, url: str, *, transport: httpx.BaseTransport | None = None, timeout: float = 30.0) -> None:
        """Remember the URL; nothing is sent yet. `timeout` is in seconds, what a poll waits not counted."""
        self._transport = Transport(url, transport=transport, timeout=timeout)

    def namespace(self, name: str) -> Namespace:
        return HTTPNamespace(name, self._transport)

    def namespaces(self) -> list[str]:
        answer = load_answer(NamespacesSchema(), self._transport.get("api/v1/namespaces"))
        return [each["name"] for each in answer["namespaces"]]

    def ping(self) -> list[str]:
        return list(load_answer(ReadySchema(), self._transport.get("readyz", tries=1))["warnings"])

    def plugin_report(self) -> PluginReport:
        """Ask for the plugins of that one of the server's processes which answers."""
        report: PluginReport = load_answer(PluginReportSchema(), self._transport.get("api/v1/plugins"))
        return report

    def close(self) -> None:
        self._transport.close()
