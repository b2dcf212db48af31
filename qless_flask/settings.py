"""How a server is set up: given once, frozen; nothing is read from the environment at import."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass

from qless_flask.bounds import MAX_BATCH, MAX_DATA_BYTES, MAX_RATE, Checks

DEFAULT_URL = "sqlite:///qless.db"

_MOST = 1 << 40


@dataclass(frozen=True, slots=True)
class PluginSettings:
    """Which plugins a process has; `Plugins.of` loads them."""

    _: KW_ONLY
    plugins: Sequence[object] | Mapping[str, object] = ()
    """Those beside the installed ones: modules, objects, classes that are built without arguments, or where to import
    one from, as `module` or `module:attribute`. By name, or each is called as it is called where it stands."""
    blocked_plugins: Sequence[str] = ()
    """The names of those that are not loaded, nor imported: installed, given or built in."""
    plugin_order: Sequence[str] = ()
    """The names of those that are asked first, in this order; the others follow, and those built in come last."""
    installed_plugins: bool = True
    """Whether the plugins and stores count that are installed here, by their entry points."""

    def __post_init__(self) -> None:
        check = Checks()
        if isinstance(self.plugins, str) or not isinstance(self.plugins, (Sequence, Mapping)):
            check.wrong("plugins", "must be a list of plugins, or plugins by name")
        check.texts("blocked_plugins", self.blocked_plugins, most=MAX_BATCH)
        check.texts("plugin_order", self.plugin_order, most=MAX_BATCH)
        check.kind("installed_plugins", self.installed_plugins, bool)
        check.done()


@dataclass(frozen=True, slots=True)
class Settings(PluginSettings):
    """What a mounted qless-flask goes by."""

    url: str = DEFAULT_URL
    """The store; see `qless_flask.backends.open_backend`."""
    max_body_bytes: int = 16 << 20
    """The longest request body that is read; a longer one is answered 413."""
    max_data_bytes: int = MAX_DATA_BYTES
    """How long the data of one job may be; more is answered 413."""
    max_waits: int = 4
    """How many long-polls may wait at once in one process; the polls beyond that are answered early and empty.

    Each that waits holds a thread of the server. Give it the threads of one process less those that short requests need
    (three quarters of the threads is a good start, and 0 with a single thread), or polls starve everything else.
    """
    closed: bool = False
    """Whether nobody is let in unasked, though there be no token and nobody else who says who somebody is."""
    requests_per_second: float | None = None
    """How many requests a second whoever asks may send to one process, where their token does not say."""

    def __post_init__(self) -> None:
        PluginSettings.__post_init__(self)
        check = Checks()
        check.kind("closed", self.closed, bool)
        if self.requests_per_second is not None:
            check.seconds("requests_per_second", self.requests_per_second, 0.01, MAX_RATE)
        check.integer("max_body_bytes", self.max_body_bytes, 1, _MOST)
        check.integer("max_data_bytes", self.max_data_bytes, 1, _MOST)
        check.integer("max_waits", self.max_waits, 0, _MOST)
        check.done()
