"""Sessions of the pages: a signed cookie that stands for a token, and ends with it."""

from __future__ import annotations

import hmac
import time

from flask import Response, request
from itsdangerous import BadData

from qless_flask.backends.tokens import Tokens
from qless_flask.models import Identity, Token
from qless_flask.web.signing import COOKIES, KEPT_SECONDS, cookie_name, serializer, set_cookie

_PURPOSE = "session"
_DIGITS = 16
"""How much of a token's digest a session names: of one with the same id in a store made anew it is not."""


def session_identity(tokens: Tokens) -> Identity | None:
    """Tell whose session the cookie of this request names, if its token holds."""
    cookie = session_cookie()
    if cookie is None:
        return None
    try:
        id, part = serializer(_PURPOSE).loads(cookie, max_age=KEPT_SECONDS)
    except BadData:
        return None
    token = tokens.holding(id)
    if token is None or not hmac.compare_digest(token.digest[:_DIGITS], part):
        return None
    return token.identity()


def session_cookie() -> str | None:
    """Find the session's cookie as it came."""
    # A look at the names first: what has none of ours need not ask the store for a key.
    if not any(name.startswith(COOKIES) for name in request.cookies):
        return None
    return request.cookies.get(cookie_name(_PURPOSE))


def begin_session(response: Response, token: Token) -> None:
    """Let the browser that gets this answer stand for the bearer of a token, for 12 hours at most."""
    left = KEPT_SECONDS if token.expires_at is None else min(KEPT_SECONDS, token.expires_at - time.time())
    set_cookie(response, _PURPOSE, str(serializer(_PURPOSE).dumps([token.id, token.digest[:_DIGITS]])), max(left, 0))


def end_session(response: Response) -> None:
    """Let the browser that gets this answer stand for nobody."""
    set_cookie(response, _PURPOSE, "", 0)
