"""Telling observers and tag trackers what has happened: from the log of events, off the way of requests."""

from __future__ import annotations

from qless_flask.delivery.deliverer import Deliverer
from qless_flask.delivery.tracking import QUEUE

__all__ = ["QUEUE", "Deliverer"]
