"""The token that a server is shown."""

from __future__ import annotations

import re
from pathlib import Path

import httpx

from qless_flask.errors import Invalid

TokenSource = str | Path
"""A token itself, or the file that it stands in."""

_HEADER = "Authorization"
# What RFC 6750 lets stand behind Bearer, and not longer than servers take a header.
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]{1,7000}=*")


class Bearer:
    """Puts a token on requests, and shows it to nobody else. Safe to share between threads."""

    __slots__ = ("_file", "_header")

    def __init__(self, token: TokenSource | None) -> None:
        """Raise Invalid for what can be no token, and for a file that cannot be read."""
        self._file = token if isinstance(token, Path) else None
        text = _read(self._file) if self._file is not None else token
        self._header = None if text is None else _header(text)

    def __bool__(self) -> bool:
        return self._header is not None

    def sign(self, request: httpx.Request) -> None:
        """Put it on a request."""
        if self._header is not None:
            request.headers[_HEADER] = self._header

    def renew(self, refused: httpx.Request) -> bool:
        """Tell whether there is another token by now than a refused request had; a file is read again for that."""
        if self._file is None:
            return False
        try:
            self._header = _header(_read(self._file))
        except Invalid:
            # Just being written, or gone: the one that was read last may be good again.
            return False
        return bool(refused.headers.get(_HEADER) != self._header)


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii", errors="replace").strip()
    except OSError as error:
        raise Invalid.of({"token": [f"cannot be read from {file}: {error.strerror}"]}) from error


def _header(token: object) -> str:
    if not isinstance(token, str) or not _TOKEN.fullmatch(token):
        # Not with what was given: it may be a token with a slip in it.
        raise Invalid.of({"token": ["must be one word of letters, digits and - . _ ~ + /"]})
    return f"Bearer {token}"
