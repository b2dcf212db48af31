"""Who does something by hand: the name that the request gives, who sent it, and the address that it comes from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import request
from marshmallow import ValidationError

from qless_flask.bounds import MAX_TEXT_BYTES, is_text
from qless_flask.errors import Invalid
from qless_flask.models import Actor
from qless_flask.schemas.noun import Noun
from qless_flask.schemas.operations import OPERATIONS
from qless_flask.schemas.values import Text
from qless_flask.web.access import ANYBODY, current_identity

BY_HAND = frozenset(name for name, row in OPERATIONS.items() if "actor" in row.arguments.fields)
"""The operations whose events say who did it."""


class Person(Text):
    """The name of who does it, loaded as an Actor at the address of the request."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        name = super()._deserialize(value, attr, data, **kwargs)
        try:
            return Actor(name, address())
        except Invalid as error:
            raise ValidationError(list(error.fields["name"])) from error


class ByHand(Noun):
    """Something that a person does, in the body or the query, along with the names in the path."""

    actor = Person()


def acting(told: Actor | None) -> Actor | None:
    """Say who does what this request asks for: what it tells of a person is so told, `via` who sent it is known."""
    identity = current_identity()
    if identity is ANYBODY:
        return told
    if told is None:
        return Actor(identity.name, address())
    return Actor(_via(told.name, identity.name) or identity.name, _via(told.address, address()))


def address() -> str | None:
    """The address that this request comes from, as far as the server knows."""
    return request.remote_addr if is_text(request.remote_addr) else None


def _via(told: str | None, known: str | None) -> str | None:
    """Put what is told before what is known, which stands last and whole: nobody can tell that away."""
    if told is None or told == known or known is None:
        return known
    end = f" via {known}"
    begin = told.encode()[: max(MAX_TEXT_BYTES - len(end.encode()), 0)].decode(errors="ignore")
    return f"{begin}{end}" if begin else known
