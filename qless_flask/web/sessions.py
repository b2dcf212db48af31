"""Sessions of the pages: a signed cookie that stands for a token, and ends with it."""

from __future__ import annotations

from qless_flask.backends.tokens import Tokens
from qless_flask.models import Identity


def session_identity(tokens: Tokens) -> Identity | None:
    """Tell whose session the cookie of this request names, if its token holds."""
    return None
