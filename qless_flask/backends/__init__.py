"""The stores behind the contract, opened by URL."""

from __future__ import annotations

from urllib.parse import urlsplit

from qless_flask.backends.base import Backend, Clock
from qless_flask.backends.hooked import Hooked
from qless_flask.bounds import MAX_DATA_BYTES
from qless_flask.errors import Invalid


def open_backend(url: str, *, clock: Clock | None = None, max_data_bytes: int = MAX_DATA_BYTES) -> Backend:
    """Open the store that a URL names; nothing is written, and a store that is down is told at its first use.

    redis:// rediss:// unix:// redis+sentinel:// redis+cluster:// · sqlite:///relative.db sqlite:////absolute.db ·
    http://host/mount https://host/mount (a server of ours, whose clock and limits count). A store is wrapped in
    `Hooked`; a server does that to its own. Raise Invalid for another scheme.
    """
    # Each engine is imported when it is asked for, so that nobody pays for, or needs, what they don't use.
    scheme = urlsplit(url).scheme
    if scheme in ("redis", "rediss", "unix", "redis+sentinel", "redis+cluster"):
        from qless_flask.backends.redis import RedisBackend

        return Hooked(RedisBackend(url, clock=clock, max_data_bytes=max_data_bytes))
    if scheme == "sqlite":
        from qless_flask.backends.sqlite import SQLiteBackend

        return Hooked(SQLiteBackend(url, clock=clock, max_data_bytes=max_data_bytes))
    if scheme in ("http", "https"):
        from qless_flask.backends.http import HTTPBackend

        return HTTPBackend(url)
    raise Invalid.of({"url": [f"{scheme or 'no scheme'}: there are redis, sqlite and http stores"]})
