"""Calls of one namespace: an operation's arguments posted, its answer read."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from qless_flask.backends.base import Namespace
from qless_flask.backends.http.polls import Polls
from qless_flask.backends.http.transport import Transport
from qless_flask.bounds import Checks
from qless_flask.schemas.operations import OPERATIONS


class Calls(Namespace):
    """A namespace of a server of ours, and how to ask it. What is out of bounds the server says."""

    def __init__(self, name: str, transport: Transport) -> None:
        check = Checks()
        check.name("namespace", name)
        check.done()
        self.name = name
        self._transport = transport
        self._polls = Polls(transport.closed)
        # A name of dots alone would be taken for a step up the path.
        self._path = f"api/v1/namespaces/{quote(name, safe='').replace('.', '%2E')}/operations"

    def _call(self, operation: str, wait: float | None = None, /, **arguments: object) -> Any:
        row = OPERATIONS[operation]
        if wait is not None:
            arguments["wait"] = wait
        message = row.dump_arguments(arguments)
        again = message if row.repeatable else None
        return row.load_answer(self._post(operation, message, again=again, wait=wait or 0))

    def _post(
        self, operation: str, message: dict[str, Any], *, again: dict[str, Any] | None, wait: float = 0
    ) -> object:
        return self._transport.post(f"{self._path}/{operation}", message, again=again, wait=wait)
