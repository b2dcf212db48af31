"""Who does something by hand: the name that the request gives, and the address that it comes from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import request
from marshmallow import ValidationError

from qless_flask.bounds import is_text
from qless_flask.errors import Invalid
from qless_flask.models import Actor
from qless_flask.schemas.noun import Noun
from qless_flask.schemas.values import Text


class Person(Text):
    """The name of who does it, loaded as an Actor at the address of the request."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        name = super()._deserialize(value, attr, data, **kwargs)
        address = request.remote_addr
        try:
            return Actor(name, address if is_text(address) else None)
        except Invalid as error:
            raise ValidationError(list(error.fields["name"])) from error


class ByHand(Noun):
    """Something that a person does, in the body or the query, along with the names in the path."""

    actor = Person()
