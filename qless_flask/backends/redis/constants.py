"""The numbers that all stores share, as the scripts write them: `-- @constant NAME` in Lua."""

from __future__ import annotations

from qless_flask.backends import numbers
from qless_flask.backends.redis.settings import write_retention
from qless_flask.backends.store import to_milliseconds
from qless_flask.bounds import MAX_OPEN_DEPENDS, MAX_REQUIREMENT_SETS, MAX_TAGS
from qless_flask.models import QueueSettings

_DEFAULTS = QueueSettings()

CONSTANTS: dict[str, str] = {
    "CANCELED_ALONG": str(numbers.CANCELED_ALONG),
    "DEPENDENTS_SHOWN": str(numbers.DEPENDENTS_SHOWN),
    "EVENT_ENTRIES": str(numbers.EVENT_ENTRIES),
    "EVENT_MOST_MS": str(to_milliseconds(numbers.EVENT_MOST_SECONDS)),
    "EVENT_MS": str(to_milliseconds(numbers.EVENT_SECONDS)),
    # In quotes: what scripts only pass on, they pass on as text.
    "HEARTBEAT_MS": f"'{to_milliseconds(_DEFAULTS.heartbeat or 0)}'",
    "HISTORY_ENTRIES": str(numbers.HISTORY_ENTRIES),
    "LOG_BYTES": str(numbers.LOG_BYTES),
    "LOG_LINES": str(numbers.LOG_LINES),
    "MAX_LOSSES": f"'{_DEFAULTS.max_losses}'",
    "MAX_OPEN_DEPENDS": str(MAX_OPEN_DEPENDS),
    "MAX_REQUIREMENT_SETS": str(MAX_REQUIREMENT_SETS),
    "MAX_TAGS": str(MAX_TAGS),
    "OWN_PREFIXES": "{" + ", ".join(f"'{prefix}'" for prefix in numbers.OWN_PREFIXES) + "}",
    "PRUNE_SCANNED": str(numbers.PRUNE_SCANNED),
    "REQUEST_MS": f"'{to_milliseconds(numbers.REQUEST_SECONDS)}'",
    "RETENTION": f"'{write_retention(_DEFAULTS.retention)}'",
    "RETRIES": f"'{_DEFAULTS.retries}'",
    "READER_PREFIX": f"'{numbers.READER_PREFIX}'",
    "SEARCHED_AT_ONCE": str(numbers.SEARCHED_AT_ONCE),
    "TOLD_AT_ONCE": str(numbers.TOLD_AT_ONCE),
    "TRIM_WARNING_MS": str(to_milliseconds(numbers.TRIM_WARNING_SECONDS)),
    "UPKEEP_AT_ONCE": str(numbers.UPKEEP_AT_ONCE),
    "WORKER_MS": str(to_milliseconds(numbers.WORKER_SECONDS)),
}
