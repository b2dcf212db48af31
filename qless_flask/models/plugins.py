"""What is known of a plugin."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, field


@dataclass(frozen=True, slots=True)
class PluginFailure:
    """What a plugin did wrong, the latest."""

    hook: str
    at: float
    message: str


@dataclass(frozen=True, slots=True)
class Plugin:
    """A plugin, as this process has it."""

    name: str
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
    calls: int = 0
    errors: int = 0
    seconds: float = 0.0
    """How long its calls took, all together."""
    off: tuple[str, ...] = ()
    """The observing hooks and trackers that were switched off, after ten errors in a row."""
    last_error: PluginFailure | None = None
