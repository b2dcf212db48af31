"""Policies and trackers on the wire."""

from __future__ import annotations

from typing import Any

from marshmallow import INCLUDE, post_dump

from qless_flask.models import Chosen
from qless_flask.schemas.noun import Noun
from qless_flask.schemas.values import Text
from qless_flask.schemas.wire import opened


class ChosenSchema(Noun):
    """A policy or tracker by its name, and what it is told, whatever that is."""

    model = Chosen
    sparse = False

    name = Text(required=True)
    id = Text()

    class Meta:
        unknown = INCLUDE

    def make(self, values: dict[str, Any]) -> object:
        return Chosen.of(opened(values))

    @post_dump(pass_original=True)
    def _write(self, message: dict[str, Any], chosen: Chosen, **kwargs: Any) -> dict[str, Any]:
        return chosen.as_message()
