"""What a browser keeps for us, signed: cookies and the fields of forms."""

from __future__ import annotations

import hashlib
import hmac

from flask import Response, request, url_for
from itsdangerous import URLSafeTimedSerializer

from qless_flask.web.current import current_service

KEPT_SECONDS = 12 * 3600
"""How long a session lasts, and the form of a page can be sent."""
COOKIES = "qless_"
"""How the names of our cookies begin."""


def serializer(purpose: str) -> URLSafeTimedSerializer:
    """Build what signs for one purpose, in this mount."""
    options = {"key_derivation": "hmac", "digest_method": hashlib.sha256}
    return URLSafeTimedSerializer(_key(), salt=f"qless_flask.{purpose}.{request.blueprint}", signer_kwargs=options)


def cookie_name(purpose: str) -> str:
    """Name a cookie of this mount and of its store: servers at other ports of a host get the same cookies."""
    return f"{COOKIES}{purpose}_{digest(f'cookie.{request.blueprint}')[:8]}"


def set_cookie(response: Response, purpose: str, value: str, seconds: float | None = None) -> None:
    """Give the browser a cookie for this mount, until it is closed or for some seconds.

    Lax, not Strict: with that, a link in a chat would lead to the login page. What changes something is asked for its
    origin, and forms for their token.
    """
    response.set_cookie(
        cookie_name(purpose),
        value,
        max_age=None if seconds is None else int(seconds),
        path=url_for(".home"),
        secure=request.is_secure,
        httponly=True,
        samesite="Lax",
    )


def digest(text: str) -> str:
    """Compute a digest that only we can."""
    return hmac.new(_key().encode(), text.encode(), hashlib.sha256).hexdigest()


def _key() -> str:
    # A store that is a server of ours keeps none for us: there are no sessions then, and of a form the cookie vouches.
    tokens = current_service().access.tokens
    return "" if tokens is None else tokens.session_key()
