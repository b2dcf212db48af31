"""Answers: messages, and errors as problem details."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from flask import Response

from qless_flask.errors import BackendUnavailable, Frozen, PluginError, QlessError, RateLimited, Unauthenticated
from qless_flask.schemas import wire
from qless_flask.schemas.problems import MEDIA_TYPE, dump_problem
from qless_flask.schemas.transfer import NDJSON
from qless_flask.web.access import bearer_token

RETRY_AFTER_SECONDS = 1


def answer(message: Mapping[str, object], status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Answer with a message."""
    return _response(message, status, "application/json", headers)


def no_content(headers: Mapping[str, str] | None = None) -> Response:
    """Answer that it is done, and that there is nothing to say."""
    response = Response(status=204, headers=headers)
    del response.headers["Content-Type"]
    return response


def problem(error: QlessError, headers: Mapping[str, str] | None = None) -> Response:
    """Answer with an error as problem details."""
    return _response(dump_problem(shown(error)), error.status, MEDIA_TYPE, {**headers_of(error), **(headers or {})})


def shown(error: QlessError) -> QlessError:
    """Pick what may be told of an error: of a fault no more than that it is one, and which plugin's."""
    if is_fault(error):
        return type(error)(subject=error.subject if isinstance(error, PluginError) else None)
    return error


def headers_of(error: QlessError) -> dict[str, str]:
    """Tell the headers that go with an error, whatever form its answer has."""
    if isinstance(error, BackendUnavailable):
        return {"Retry-After": str(RETRY_AFTER_SECONDS)}
    if isinstance(error, Unauthenticated):
        return {"WWW-Authenticate": challenge()}
    if isinstance(error, RateLimited):
        return {"Retry-After": str(error.wait)}
    return {}


def challenge() -> str:
    """Say what a 401 asks for, and whether this request had a token, but none that counts (RFC 6750, section 3)."""
    return 'Bearer realm="qless"' if bearer_token() is None else 'Bearer realm="qless", error="invalid_token"'


def is_fault(error: QlessError) -> bool:
    """Tell whether an error is one whose cause is for the log alone."""
    return error.status >= 500 and not isinstance(error, Frozen)


def lines(parts: Iterable[bytes]) -> Response:
    """Answer with lines of JSON, as they come."""
    return Response(parts, mimetype=NDJSON, headers={"Cache-Control": "no-store"})


def _response(message: Mapping[str, object], status: int, mimetype: str, headers: Mapping[str, str] | None) -> Response:
    response = Response(wire.encode(message), status, mimetype=mimetype)
    response.headers["Cache-Control"] = "no-store"
    response.headers.update(headers or {})
    return response
