"""A server of ours as a store."""

from __future__ import annotations

import httpx

from qless_flask.backends.base import Backend, Namespace
from qless_flask.backends.http.bearer import TokenSource
from qless_flask.backends.http.namespace import HTTPNamespace
from qless_flask.backends.http.transport import Transport
from qless_flask.models.plugins import PluginReport
from qless_flask.schemas.mount import NamespacesSchema, ReadySchema
from qless_flask.schemas.noun import load_answer
from qless_flask.schemas.plugins import PluginReportSchema


class HTTPBackend(Backend):
    """A server of ours, at the URL that it is mounted at."""

    remote = True

    def __init__(
        self,
        url: str,
        *,
        token: TokenSource | None = None,
        transport: httpx.BaseTransport | None = None,
        timeout: float = 30.0,
    ) -> None:
        """Remember the URL; nothing is sent yet. `timeout` is in seconds, what a poll waits not counted.

        The `token` is shown to the server with each request. In its place the path of the file in which it stands may
        be given: when the server refuses it, the file is read again, and whatever stands there by then is shown.
        Raise Invalid for a URL or a token that is none.
        """
        self._transport = Transport(url, transport=transport, timeout=timeout, token=token)

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
