"""Where a request comes from: what changes something is not taken from the pages of other sites."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import request

from qless_flask.errors import Forbidden
from qless_flask.web.access import bearer_token

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
"""Those that change nothing (RFC 9110, section 9.2.1)."""

_OURS = frozenset({"same-origin", "none"})
"""What `Sec-Fetch-Site` says of our own pages, and of what a person typed."""


def refuse_other_sites() -> None:
    """Raise Forbidden for a request that changes something and that a page of another site had a browser send.

    A bearer token never comes along by itself, so who sends one means it. What sends neither header is no browser.
    (OWASP, Cross-Site Request Forgery Prevention: Fetch Metadata, and Origin where that is not sent.)
    """
    if request.method in SAFE_METHODS or bearer_token() is not None:
        return
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    foreign = site not in _OURS if site is not None else origin is not None and _host_of(origin) != request.host.lower()
    if foreign:
        raise Forbidden("a page of another site sent this: send it from here, or with Authorization: Bearer")


def _host_of(origin: str) -> str:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""
