"""What an action has done, told once, by the page that the browser is led to after it: a signed cookie of a minute."""

from __future__ import annotations

from flask import Response, request
from itsdangerous import BadData

from qless_flask.web.signing import COOKIES, cookie_name, serializer, set_cookie

_PURPOSE = "message"
_SECONDS = 60
_MOST = 1_000
"""How many characters: a cookie holds no more than 4 kB."""


def leave(response: Response, message: str) -> None:
    """Have the next page tell a message."""
    shown = message if len(message) <= _MOST else f"{message[:_MOST]}…"
    set_cookie(response, _PURPOSE, str(serializer(_PURPOSE).dumps(shown)), _SECONDS)


def left() -> str | None:
    """Tell the message that was left for this page."""
    if not any(name.startswith(COOKIES) for name in request.cookies):
        return None
    cookie = request.cookies.get(cookie_name(_PURPOSE))
    if not cookie:
        return None
    try:
        return str(serializer(_PURPOSE).loads(cookie, max_age=_SECONDS))
    except BadData:
        return None


def forget(response: Response) -> None:
    """Have no other page tell it again."""
    set_cookie(response, _PURPOSE, "", 0)
