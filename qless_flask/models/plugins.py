"""What is known of a process's plugins."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, field

from qless_flask.models.plugin_figures import PluginFigures
from qless_flask.models.scheduling import SchedulerFigures


@dataclass(frozen=True, slots=True)
class Plugin(PluginFigures):
    """A plugin, as this process has it."""

    _: KW_ONLY
    state: str
    """`loaded`, `failed` (it could not be loaded, or has hooks that there are not) or `blocked`."""
    source: str
    """Where it comes from: `built in`, `given`, or its distribution and version."""
    reason: str | None = None
    """Of one that failed: why."""
    hooks: tuple[str, ...] = ()
    """What it implements, sorted."""
    offers: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """The names that it offers: of `strategies`, `policies`, `trackers` and `codecs`."""
    shadowed: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Of those, the ones that another plugin offers too, and that are taken from that one."""


@dataclass(frozen=True, slots=True)
class PluginReport:
    """What a process has of plugins. The processes of one server count their calls each for itself."""

    process: str
    """Whose report it is: host-pid."""
    plugins: tuple[Plugin, ...]
    """In the order in which they are asked; after them those that failed or are blocked."""
    stores: dict[str, str]
    """The stores that are installed beside ours: the scheme of their URLs, and their distribution and version."""
    scheduler: SchedulerFigures | None = None
    """What the schedulers of the store have done, and how plugins do where one leads; None where nobody says."""
