"""What happens round a store: plugins and policies look at what goes in, and retries are put off as they say."""

from __future__ import annotations

from qless_flask.backends.hooked.backend import Hooked
from qless_flask.backends.hooked.delays import retry_delay

__all__ = ["Hooked", "retry_delay"]
