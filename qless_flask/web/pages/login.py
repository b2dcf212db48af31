"""Login by a token, and logout."""

from __future__ import annotations

from flask import Response, request, url_for

from qless_flask.models import Identity, Token
from qless_flask.web.access import current_identity
from qless_flask.web.answers import challenge
from qless_flask.web.audit import note_session
from qless_flask.web.current import current_service
from qless_flask.web.guard import KNOWN, PUBLIC
from qless_flask.web.pages.addresses import go, is_ours
from qless_flask.web.pages.problems import can_log_in
from qless_flask.web.pages.rendering import page
from qless_flask.web.pages.views import PageViews
from qless_flask.web.sessions import begin_session, end_session, session_identity
from qless_flask.web.throttle import network_of

views = PageViews()

_WRONG = "This token is not known, has expired or was revoked."
_TOO_OFTEN = "Too many tries from your address: try again in {} seconds."


@views.get("/login", PUBLIC)
def login() -> Response:
    """Ask for a token."""
    return _form() if can_log_in() else _onward()


@views.post("/login", PUBLIC)
def log_in() -> Response:
    """Begin a session for who has a token that holds."""
    if not can_log_in():
        return _onward()
    seconds = current_service().logins.wait(network_of(request.remote_addr))
    if seconds:
        response = _form(_TOO_OFTEN.format(seconds), 429)
        response.headers["Retry-After"] = str(seconds)
        return response
    token = _find(request.form.get("token", "").strip())
    if token is None:
        note_session("login_failed", None)
        response = _form(_WRONG, 401)
        response.headers["WWW-Authenticate"] = challenge()
        return response
    note_session("login", token.name)
    response = _onward()
    begin_session(response, token)
    return response


@views.post("/logout", KNOWN)
def log_out() -> Response:
    """End the session of this browser."""
    note_session("logout", current_identity().name)
    response = go(url_for(".home"))
    end_session(response)
    return response


def _find(text: str) -> Token | None:
    tokens = current_service().access.tokens
    return None if tokens is None else tokens.find(text)


def _form(error: str | None = None, status: int = 200) -> Response:
    return page("login.html", status, identity=_already(), error=error, next=request.values.get("next", ""))


def _already() -> Identity | None:
    tokens = current_service().access.tokens
    return None if tokens is None else session_identity(tokens)


def _onward() -> Response:
    """Lead to the page that was asked for before the login, if it is one of this mount."""
    wanted = request.values.get("next", "")
    return go(wanted if is_ours(wanted) else url_for(".home"))
