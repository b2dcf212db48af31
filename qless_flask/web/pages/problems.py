"""Errors as pages: whoever is not known is led to the login, and everything else is said in words."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from urllib.parse import quote

from flask import Response, redirect, request, url_for

from qless_flask.errors import QlessError, Unauthenticated
from qless_flask.web.answers import headers_of, problem, shown
from qless_flask.web.current import current_service
from qless_flask.web.origins import SAFE_METHODS
from qless_flask.web.pages.rendering import bare_page, page, wants_page


def refuse_on_page(error: QlessError, headers: Mapping[str, str] | None = None) -> Response:
    """Answer a browser with an error; whoever asks for no page gets problem details."""
    if not wants_page():
        return problem(error, headers)
    if isinstance(error, Unauthenticated) and _may_log_in():
        response = _to_login()
    else:
        response = _told(shown(error))
        response.headers.update(headers_of(error))
    response.headers.update(headers or {})
    return response


def can_log_in() -> bool:
    """Tell whether there are tokens to log in with."""
    tokens = current_service().access.tokens
    return tokens is not None and tokens.exist()


def _may_log_in() -> bool:
    # The store may fall silent between two questions.
    with suppress(QlessError):
        return can_log_in()
    return False


def _to_login() -> Response:
    # What was to be sent is lost, and must not be sent again by a mere visit.
    wanted = _address() if request.method in SAFE_METHODS else None
    response = redirect(url_for(".login", next=wanted), 303)
    response.headers.update({"Cache-Control": "no-store", "Vary": "Accept, Cookie"})
    assert isinstance(response, Response)
    return response


def _address() -> str:
    """Tell the address that was asked for, encoded as it was: `request.full_path` is not."""
    query = request.query_string.decode("latin-1")
    return quote(request.script_root + request.path) + (f"?{query}" if query else "")


def _told(error: QlessError) -> Response:
    title, advice = _WORDS.get(error.status, _OTHERWISE)
    if error.status == 403 and not error.subject:
        # It is not a matter of what its sender may do, but of where a form came from.
        title, advice = _OTHERWISE
    if error.status < 500:
        with suppress(QlessError):
            return page("problem.html", error.status, error=error, title=title, advice=advice)
    return bare_page("problem.html", error.status, error=error, title=title, advice=advice)


_OTHERWISE = ("This was not done", "Go back and try again.")
_WORDS = {
    401: ("You are not known here", "Ask whoever runs this server to let you in."),
    403: ("You may not do this", "Log in with a token that may, or ask whoever made yours."),
    404: ("There is nothing here", "It may have been deleted, or the address is misspelt."),
    405: ("This was not done", "This address takes only what one of our forms sends. Go back and use that."),
    429: ("Too many requests", "Wait a moment, then load this page again."),
    500: ("Something went wrong", "The server's log says what. Try again; if it stays, tell whoever runs this server."),
    503: ("The store does not answer", "No job is lost. Load this page again in a moment."),
}
"""By status: what happened, and what to do now."""
