"""The headers that keep our answers from being misused; they are set on no other answer of an app."""

from __future__ import annotations

from flask import Response, request

NOTHING = "default-src 'none'; frame-ancestors 'none'"
"""What an answer that is no page may load, or be shown in (Content-Security-Policy)."""
PAGE = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self';"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""What a page may load: our own files, and nothing that stands in the page itself."""
FRAMED = "form-action 'self'; base-uri 'none'; frame-ancestors 'self'; object-src 'none'"
"""What a page of ours may do that stands in one of the host's; what it may load is for the host to say."""

_OPENER = "Cross-Origin-Opener-Policy"
_FOR_ALL = {
    "Content-Security-Policy": NOTHING,
    "Cross-Origin-Resource-Policy": "same-origin",
    # With no-referrer the forms of our own pages would come with `Origin: null`.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


def protect(response: Response) -> Response:
    """Add the headers that an answer has not set itself."""
    for name, value in _FOR_ALL.items():
        response.headers.setdefault(name, value)
    if request.is_secure:
        # Over plain http browsers don't heed it, and complain.
        response.headers.setdefault(_OPENER, "same-origin")
    return response
