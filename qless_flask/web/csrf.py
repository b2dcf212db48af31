"""The token in each form of our pages: proof that the browser which sends it was given that form."""

from __future__ import annotations

import hmac
import secrets

from flask import Response, after_this_request, request
from itsdangerous import BadData
from markupsafe import Markup

from qless_flask.errors import Forbidden
from qless_flask.web.sessions import session_cookie
from qless_flask.web.signing import KEPT_SECONDS, cookie_name, digest, serializer, set_cookie

FIELD = "csrf"
_PURPOSE = "form"
_NEW = "qless_flask.form"


def csrf_field() -> Markup:
    """Build the hidden field that each form needs."""
    return Markup('<input type="hidden" name="{}" value="{}">').format(FIELD, form_token())


def form_token() -> str:
    """Sign a token for a form, bound to the session or, where there is none, to a cookie that goes along."""
    return str(serializer(_PURPOSE).dumps(digest(_bound_to() or _begin())))


def check_form() -> None:
    """Raise Forbidden for a form that this browser was not given, or long ago."""
    bound_to = _bound_to()
    try:
        bound = serializer(_PURPOSE).loads(request.form.get(FIELD, ""), max_age=KEPT_SECONDS)
    except BadData:
        bound = None
    if bound_to is None or not isinstance(bound, str) or not hmac.compare_digest(bound, digest(bound_to)):
        raise Forbidden(
            "this form is no longer valid: go back, load its page anew, and send it again;"
            " if that does not help, allow cookies for this site"
        )


def _bound_to() -> str | None:
    return session_cookie() or request.environ.get(_NEW) or request.cookies.get(cookie_name(_PURPOSE))


def _begin() -> str:
    value: str = secrets.token_urlsafe(16)
    # One for all forms of the page.
    request.environ[_NEW] = value

    def give(response: Response) -> Response:
        set_cookie(response, _PURPOSE, value)
        return response

    after_this_request(give)
    return value
