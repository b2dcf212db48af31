"""The stores behind the contract, opened by URL."""

from __future__ import annotations

import logging
from pathlib import Path
from urllib.parse import urlsplit

from qless_flask.backends.base import Backend, Clock
from qless_flask.backends.hooked import Hooked
from qless_flask.bounds import MAX_DATA_BYTES
from qless_flask.errors import Invalid, PluginError, QlessError
from qless_flask.hidden import shown_url
from qless_flask.plugins import Plugins
from qless_flask.plugins.sources import told_distribution

OURS = ("redis", "rediss", "unix", "redis+sentinel", "redis+cluster", "sqlite", "http", "https")

logger = logging.getLogger("qless_flask.plugins")


def open_backend(
    url: str,
    *,
    clock: Clock | None = None,
    max_data_bytes: int = MAX_DATA_BYTES,
    plugins: Plugins | None = None,
    token: str | Path | None = None,
) -> Backend:
    """Open the store that a URL names; nothing is written, and a store that is down is told at its first use.

    redis:// rediss:// unix:// redis+sentinel:// redis+cluster:// · sqlite:///relative.db sqlite:////absolute.db ·
    http://host/mount https://host/mount (a server of ours, whose clock and limits count) · any other scheme that a
    plugin or an installed store opens. A store is wrapped in `Hooked`, with these plugins or, without a word, those
    that are installed; a server does that to its own. The `token`, or the one in the file whose path is given, is shown
    to a server; a store asks for none. Raise Invalid for a URL that nobody opens, and PluginError where a plugin fails
    to.
    """
    # Each engine is imported when it is asked for, so that nobody pays for, or needs, what they don't use.
    if is_server(url):
        from qless_flask.backends.http import HTTPBackend

        return HTTPBackend(url, token=token)
    if plugins is None:
        plugins = Plugins()
    return Hooked(_open(url, clock, max_data_bytes, plugins), plugins=plugins, clock=clock)


def is_server(url: str) -> bool:
    """Tell whether a URL names a server of ours, which has a store and plugins of its own. Raise Invalid for no URL."""
    return _scheme(url) in ("http", "https")


def _scheme(url: str) -> str:
    try:
        return urlsplit(url).scheme
    except ValueError:
        # What Python says of it may have the password in it.
        raise Invalid.of({"url": [f"is no URL: {shown_url(url)}"]}) from None


def _open(url: str, clock: Clock | None, max_data_bytes: int, plugins: Plugins) -> Backend:
    scheme = _scheme(url)
    if scheme == "sqlite":
        from qless_flask.backends.sqlite import SQLiteBackend

        return SQLiteBackend(url, clock=clock, max_data_bytes=max_data_bytes)
    if scheme in OURS:
        from qless_flask.backends.redis import RedisBackend

        return RedisBackend(url, clock=clock, max_data_bytes=max_data_bytes)
    opener, opened = _open_theirs(url, scheme, clock, max_data_bytes, plugins)
    if opened is None:
        installed = f", and installed are {', '.join(sorted(plugins.stores))}" if plugins.stores else ""
        raise Invalid.of({"url": [f"{scheme or 'no scheme'}: there are redis, sqlite and http stores{installed}"]})
    if not isinstance(opened, Backend):
        raise PluginError(f"{opener} opened {type(opened).__name__}, which is no Backend", subject=opener)
    return opened


def _open_theirs(
    url: str, scheme: str, clock: Clock | None, max_data_bytes: int, plugins: Plugins
) -> tuple[str, object]:
    """Ask the store that is installed for the scheme, else the plugins; answer who opened it, and what."""
    arguments = {"clock": clock, "max_data_bytes": max_data_bytes}
    store = plugins.stores.get(scheme)
    if store is None:
        answer = plugins.first("open_backend", url=url, **arguments)
        return (f"plugin {answer[0].plugin}", answer[1]) if answer else ("", None)
    try:
        return told_distribution(store), store.load()(url, **arguments)
    except QlessError:
        raise
    except Exception as error:
        name = told_distribution(store)
        logger.exception("store %s of %s could not be opened", scheme, name)
        raise PluginError(f"store {scheme} of {name} failed: {type(error).__name__}: {error}", subject=name) from error
