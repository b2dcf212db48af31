"""The nouns: what goes into the operations and what comes out, as frozen dataclasses that cannot be wrong.

Times are Unix seconds with milliseconds, as floats; durations are seconds. `data` is JSON as text: no store decodes it,
and what went in comes out (white space outside strings aside).
"""

from __future__ import annotations

from qless_flask.models.events import Event, EventPage, Promoted, Pruned
from qless_flask.models.hands import Actor, Changes
from qless_flask.models.jobs import Failure, HistoryEntry, Job, LogLine, NewJob, Put, new_jid, with_new_jid
from qless_flask.models.leases import Lease, Pop, Popped
from qless_flask.models.lookups import Filter, Page
from qless_flask.models.queues import SETTING_NAMES, Queue, QueueSettings, Setting, Worker, checked_settings
from qless_flask.models.settlements import Complete, Exchanged, Fail, Release, Retry, Settled, Settlement
from qless_flask.models.words import ENDED, IF_EXISTS, ORDERS, STATES, IfExists, Order, State

__all__ = [
    "ENDED",
    "IF_EXISTS",
    "ORDERS",
    "SETTING_NAMES",
    "STATES",
    "Actor",
    "Changes",
    "Complete",
    "Event",
    "EventPage",
    "Exchanged",
    "Fail",
    "Failure",
    "Filter",
    "HistoryEntry",
    "IfExists",
    "Job",
    "Lease",
    "LogLine",
    "NewJob",
    "Order",
    "Page",
    "Pop",
    "Popped",
    "Promoted",
    "Pruned",
    "Put",
    "Queue",
    "QueueSettings",
    "Release",
    "Retry",
    "Setting",
    "Settled",
    "Settlement",
    "State",
    "Worker",
    "checked_settings",
    "new_jid",
    "with_new_jid",
]
