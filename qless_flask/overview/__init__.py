"""What an operator sees first: each queue in figures, and whether anything is wrong."""

from __future__ import annotations

from qless_flask.overview.look import Looker
from qless_flask.overview.models import Overview, QueueView, Warning

__all__ = ["Looker", "Overview", "QueueView", "Warning"]
