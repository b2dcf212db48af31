"""The wire to a server: messages posted, problems raised as the errors they are, lost answers asked for again.

What a server refuses unread, because too many requests came, is sent again when it says, whatever it is.
"""

from __future__ import annotations

import contextlib
import ipaddress
import logging
import random
import socket
import threading
import time
import weakref
from collections.abc import Mapping
from json import dumps
from typing import Any

import httpx
import msgspec

from qless_flask.backends.http.bearer import Bearer, TokenSource
from qless_flask.errors import (
    BackendUnavailable,
    Forbidden,
    Frozen,
    Internal,
    Invalid,
    Malformed,
    QlessError,
    RateLimited,
    Unauthenticated,
)
from qless_flask.hidden import shown_url
from qless_flask.schemas import wire
from qless_flask.schemas.problems import load_problem

TRIES = 4
FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 5.0
RATE_PATIENCE_SECONDS = 30.0
"""How long a request that came too soon after others is put off in all, before its sender hears of it."""

_UNAVAILABLE = (502, 503, 504)
# Only these prove that the server has not seen the request; after any other fault it may have done what was asked.
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
# What a proxy that asks for a login, or counts requests, answers in words of its own.
_REFUSALS: Mapping[int, type[QlessError]] = {401: Unauthenticated, 403: Forbidden, 429: RateLimited}

logger = logging.getLogger("qless_flask.http")


class Transport:
    """Connections to one server, kept alive. Safe to share between threads."""

    def __init__(
        self, url: str, *, transport: httpx.BaseTransport | None, timeout: float, token: TokenSource | None = None
    ) -> None:
        parsed = _parsed(url)
        login = httpx.BasicAuth(parsed.username, parsed.password) if parsed.userinfo else None
        # Apart from each other, so that no password is in the URL of a request, which many an error and log tells.
        self._address = str(parsed.copy_with(userinfo=b"")).rstrip("/") if login else url.rstrip("/")
        self.url = shown_url(url)
        self.closed = threading.Event()
        self._bearer = Bearer(token)
        if self._bearer and login:
            raise Invalid.of({"token": ["cannot be sent beside the user and password in the url: give one of them"]})
        if self._bearer and not _is_safe(parsed):
            logger.warning("the token goes to %s unencrypted, for all on the way to read: use https", self.url)
        self._timeout = timeout
        self._sockets: weakref.WeakSet[socket.socket] = weakref.WeakSet()
        # As many connections as threads: a pop that waits must not keep a heartbeat waiting.
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=100)
        headers = {"Accept": "application/json"}
        self._client = httpx.Client(transport=transport, limits=limits, headers=headers, auth=login)

    def get(self, path: str, *, tries: int = TRIES) -> object:
        """Ask for what stands at a path of the mount."""
        request = self._request("GET", path, None, 0)
        return self._insist(request, request, tries)

    def post(
        self, path: str, message: Mapping[str, object], *, again: Mapping[str, object] | None, wait: float = 0
    ) -> object:
        """Post a message, and answer with what the server says.

        `again` is what to post when an answer was lost: None if asking again could do it twice. A request that never
        reached the server is always tried again. Raise the error that a problem tells of, or BackendUnavailable.
        """
        request = self._request("POST", path, message, wait)
        if again is None or again is message:
            return self._insist(request, None if again is None else request, TRIES)
        return self._insist(request, self._request("POST", path, again, wait), TRIES)

    def close(self) -> None:
        """Let go of all connections, and end the requests that wait on them."""
        self.closed.set()
        # A thread that reads from a socket does not notice that another one closes it; a shutdown it does.
        for each in list(self._sockets):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        self._client.close()

    def _request(self, method: str, path: str, message: Mapping[str, object] | None, wait: float) -> httpx.Request:
        timeout = httpx.Timeout(self._timeout, read=self._timeout + wait)
        body = None if message is None else _encoded(message)
        headers = {} if body is None else {"Content-Type": "application/json"}
        return self._client.build_request(
            method,
            f"{self._address}/{path}",
            content=body,
            headers=headers,
            timeout=timeout,
            extensions={"trace": self._note_socket},
        )

    def _insist(self, request: httpx.Request, again: httpx.Request | None, tries: int) -> object:
        """Send, and send again as long as that is safe and not too often."""
        for each in range(tries):
            pause = random.uniform(0.5, 1) * FIRST_PAUSE_SECONDS * 4**each
            try:
                response = self._let_in(request)
                if response.status_code not in _UNAVAILABLE:
                    return _read(response)
                fault = _refusal(response)
                if isinstance(fault, Frozen):
                    # Nothing has happened, and nothing will soon.
                    raise fault
                told = _retry_after(response)
                if told > LONGEST_PAUSE_SECONDS:
                    raise fault
                pause = max(pause, told)
                sent = True
            except httpx.TransportError as error:
                fault = BackendUnavailable(f"no answer from {self.url}: {error or type(error).__name__}")
                fault.__cause__ = error
                sent = not isinstance(error, _NEVER_SENT)
            if sent:
                if again is None:
                    raise _unsure(fault)
                request = again
            if each == tries - 1 or self.closed.wait(min(pause, LONGEST_PAUSE_SECONDS)):
                break
        raise fault

    def _let_in(self, request: httpx.Request) -> httpx.Response:
        """Send, and again when it is time, as long as there is a token that was not refused, and not too long."""
        until = time.monotonic() + RATE_PATIENCE_SECONDS
        while True:
            response = self._send(request)
            if response.status_code == Unauthenticated.status and self._bearer.renew(request):
                continue
            if response.status_code != RateLimited.status or not isinstance(_refusal(response), RateLimited):
                return response
            # Spread, so that those who were refused together do not come together again.
            pause = max(FIRST_PAUSE_SECONDS, _retry_after(response)) * random.uniform(1, 1.25)
            if time.monotonic() + pause > until or self.closed.wait(pause):
                return response

    def _send(self, request: httpx.Request) -> httpx.Response:
        if self.closed.is_set():
            raise BackendUnavailable(f"this connection to {self.url} was closed")
        self._bearer.sign(request)
        try:
            return self._client.send(request)
        except RuntimeError as error:
            # What httpx says when another thread closed it on the way.
            raise BackendUnavailable(f"this connection to {self.url} was closed") from error

    def _note_socket(self, event: str, info: Mapping[str, Any]) -> None:
        if event in ("connection.connect_tcp.complete", "connection.start_tls.complete"):
            self._sockets.add(info["return_value"].get_extra_info("socket"))


def _parsed(url: str) -> httpx.URL:
    shown = shown_url(url)
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        # What is wrong with it httpx would tell with the piece in question, and that may be of a password.
        raise Invalid.of({"url": [f"{shown}: is no URL"]}) from None
    if parsed.scheme not in ("http", "https") or not parsed.host or parsed.query or parsed.fragment:
        raise Invalid.of(
            {"url": [f"{shown}: must be http://host:port/mount, the mount being where the server answers"]}
        )
    return parsed


def _is_safe(url: httpx.URL) -> bool:
    """Tell whether nobody else can read what goes there."""
    if url.scheme == "https" or url.host == "localhost" or url.host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(url.host).is_loopback
    except ValueError:
        return False


def _encoded(message: Mapping[str, object]) -> bytes:
    try:
        return wire.encode(message)
    except UnicodeEncodeError:
        # Half a surrogate pair goes out escaped, so that the server can say which field it stands in.
        return wire.encode({name: _escaped(value) for name, value in message.items()})


def _escaped(value: object) -> object:
    if isinstance(value, str):
        return msgspec.Raw(dumps(value).encode())
    if isinstance(value, Mapping):
        return {name: _escaped(inner) for name, inner in value.items()}
    return [_escaped(inner) for inner in value] if isinstance(value, (list, tuple)) else value


def _read(response: httpx.Response) -> object:
    """Read an answer, or raise what it tells of."""
    if response.is_success:
        try:
            return wire.decode(response.content) if response.content else {}
        except (Malformed, Invalid) as error:
            raise Internal(f"{response.url} answered what cannot be read: {error}") from error
    if _problem(response) is None and response.status_code not in _REFUSALS:
        raise Internal(
            f"{response.url} answered {response.status_code} {response.reason_phrase}, which is no answer of a"
            " qless-flask server: the URL must be the one it is mounted at"
        )
    raise _refusal(response)


def _refusal(response: httpx.Response) -> QlessError:
    kind = _REFUSALS.get(response.status_code, BackendUnavailable)
    return _problem(response) or kind(f"{response.url} answered {response.status_code} {response.reason_phrase}")


def _problem(response: httpx.Response) -> QlessError | None:
    try:
        problem = wire.decode(response.content)
    except (Malformed, Invalid):
        return None
    return load_problem(problem) if isinstance(problem, dict) and "code" in problem else None


def _unsure(fault: QlessError) -> QlessError:
    return BackendUnavailable(f"{fault.message} (it may have been done or not: look before doing it again)")


def _retry_after(response: httpx.Response) -> float:
    try:
        return float(response.headers.get("Retry-After", 0))
    except ValueError:
        return 0.0
