"""What delivers events to observers and trackers, as the scheduler sees it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from qless_flask.backends.base import Backend
from qless_flask.plugins import Plugins


class Deliveries(Protocol):
    """Tells those who watch what has happened."""

    def deliver(self, name: str) -> None:
        """Have all in a namespace told what they have not been told yet; return at once."""

    def close(self) -> None:
        """Begin nothing more, and let what is under way end."""


Deliverers = Callable[[Backend, Plugins], Deliveries]
"""Builds one for a store; called once a scheduler leads."""
