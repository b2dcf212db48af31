"""Back-off on the wire."""

from __future__ import annotations

from typing import Any

from marshmallow import pre_dump

from qless_flask.models import Backoff
from qless_flask.schemas.noun import Noun
from qless_flask.schemas.values import Seconds, Text


class BackoffSchema(Noun):
    """How long a retry that names no delay is put off."""

    model = Backoff

    strategy = Text()
    delay = Seconds()
    factor = Seconds()
    max = Seconds()
    jitter = Text()

    @pre_dump
    def _spread(self, backoff: Backoff, **kwargs: Any) -> dict[str, Any]:
        return backoff.as_message()
